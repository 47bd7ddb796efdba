import bz2
import gzip
import json
import lzma
import resource
import zlib

import pytest

from imports.events import dayfile
from imports.events.dayfile import Event, UnreadableFile, decode

pytestmark = pytest.mark.no_database
EVENTS = [{"entityId": "a", "data": {"status": "OPERATING", "queue": {"STANDBY": {"waitTime": 5}}}, "eventTime": "t"}]


def test_a_zlib_stream_under_a_gz_name_is_read():
    (event,) = decode(zlib.compress(json.dumps({"events": EVENTS}).encode()))
    assert (event.entityId, event.data.status, event.data.queue) == ("a", "OPERATING", {"STANDBY": {"waitTime": 5}})


@pytest.mark.parametrize("level", [0, 1, 9])
def test_every_zlib_level_is_read(level):
    assert decode(zlib.compress(json.dumps({"events": EVENTS}).encode(), level))


def test_gzip_plain_json_a_byte_order_mark_and_a_bare_array_are_read():
    text = json.dumps({"events": EVENTS}).encode()
    for raw in (gzip.compress(text), text, b"\xef\xbb\xbf" + text, b"  \n" + json.dumps(EVENTS).encode()):
        assert decode(raw)[0].entityId == "a"


def test_gzip_members_strung_together_are_read_whole():
    text = json.dumps({"events": EVENTS}).encode()
    assert len(decode(gzip.compress(text[:30]) + gzip.compress(text[30:]))) == 1


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "empty"),
        (b"   ", "empty"),
        (b"\x78\x9c" + b"nonsense", "bad compression"),
        (zlib.compress(json.dumps({"events": EVENTS * 50}).encode())[:-20], "cut short"),
        (zlib.compress(b'{"events": [{"entityId": "a"'), "not JSON"),
        (zlib.compress(b'{"data": []}'), "no list of events"),
        (zlib.compress(b'{"events": {"a": 1}}'), "no list of events"),
        (zlib.compress(b'{"events": null}'), "no list of events"),
        (zlib.compress(b'"events"'), "no list of events"),
        (zlib.compress(b"[" * 100_000), "nested too deeply"),
        (zlib.compress(b'{"events": []}') + b"more", "follow the end"),
    ],
)
def test_what_cannot_be_read_says_why(raw, reason):
    with pytest.raises(UnreadableFile, match=reason):
        decode(raw)


@pytest.mark.parametrize("tail", [b"\n", b"\r\n", b" \t", b"\0\0"])
def test_blanks_behind_the_compressed_stream_are_passed_over(tail):
    text = json.dumps({"events": EVENTS}).encode()
    assert len(decode(zlib.compress(text) + tail)) == len(decode(gzip.compress(text) + tail)) == 1


TEXT = json.dumps({"events": EVENTS}).encode()
S3_ERROR = b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>AccessDenied</Code><Message>Denied</Message></Error>'
LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b"\x28\xb5\x2f\xfd\x04\x00rest", "packed by zstd"),
        (lzma.compress(TEXT), "packed by xz"),
        (bz2.compress(TEXT), "packed by bzip2"),
        (b"PK\x03\x04rest", "packed by zip"),
        (gzip.compress(zlib.compress(TEXT)), "compressed twice"),
        (zlib.compress(zlib.compress(TEXT)), "compressed twice"),
        (gzip.compress(gzip.compress(TEXT)), "compressed twice"),
        (zlib.compress(lzma.compress(TEXT)), "packed by xz"),
        (b"<!DOCTYPE html><html><body>Log in</body></html>", "an HTML page"),
        (zlib.compress(b"\n  <HTML><head>"), "an HTML page"),
        (S3_ERROR, "S3's answer AccessDenied"),
        (b"<?xml version='1.0'?><feed/>", "an XML document"),
        (LFS, "a pointer of Git LFS"),
        (b"../../../.git/annex/objects/aa/bb/MD5E-s1--00.gz\n", "a pointer of git-annex"),
        (b"/annex/objects/MD5E-s1--00.gz\n", "a pointer of git-annex"),
        (b"\0" * 5000, "nothing but zero bytes"),
        (TEXT.decode().encode("utf-16"), "UTF-16"),
    ],
)
def test_bytes_of_something_else_are_called_by_their_name(raw, says):
    with pytest.raises(UnreadableFile, match=f"^it is .*{says}"):
        decode(raw)


def test_a_bomb_is_refused_before_it_is_inflated_whole():
    packer = zlib.compressobj(1)
    block = b" " * (1024 * 1024)
    bomb = b"".join(packer.compress(block) for _ in range(300)) + packer.flush()  # 300 MB of blanks
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(UnreadableFile, match="more than 256 MB"):
        decode(bomb)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 200


def test_a_file_just_under_the_limit_is_read(monkeypatch):
    monkeypatch.setattr(dayfile, "INFLATED_MAX_BYTES", 3 * 1024 * 1024)
    monkeypatch.setattr(dayfile, "INFLATED_UNCOUNTED_BYTES", 1024 * 1024)
    text = json.dumps({"events": EVENTS}).encode()
    assert len(decode(zlib.compress(text + b" " * (3 * 1024 * 1024 - len(text))))) == 1
    with pytest.raises(UnreadableFile, match="inflates to more than"):
        decode(zlib.compress(text + b" " * (3 * 1024 * 1024 - len(text) + 1)))


def test_an_odd_event_does_not_cost_its_neighbours():
    odd = ["text", 5, None, [], {"data": "text"}, {"data": {"status": {"a": 1}}}, {"data": []}]
    events = decode(zlib.compress(json.dumps({"events": [*EVENTS, *odd, *EVENTS]}).encode()))
    assert len(events) == len(odd) + 2
    assert events[0] == events[-1]
    assert [type(event) for event in events[1:5]] == [str, int, type(None), list]
    assert events[5].data is None


def test_a_lone_surrogate_nan_and_a_stray_byte_spoil_one_value_alone():
    raw = b'{"events": [{"entityId": "a", "name": "\\ud83c"}, {"entityId": "b", "data": {"status": NaN}},'
    raw += b'{"entityId": "c", "name": "caf\xe9"}]}'
    events = decode(zlib.compress(raw))
    assert [event.entityId for event in events] == ["a", "b", "c"]
    assert events[2].name == "caf\ufffd"


def test_both_ways_of_decoding_give_the_same_events():
    text = json.dumps({"events": [*EVENTS, {"entityId": "b"}, {"data": None}]}).encode()
    assert decode(text) == dayfile._decode_leniently(text)
    assert all(type(event) is Event for event in decode(text))
