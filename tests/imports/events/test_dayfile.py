import bz2
import gzip
import json
import lzma
import math
import random
import resource
import tracemalloc
import zlib
from contextlib import contextmanager

import pytest

from imports.events import dayfile, json_text
from imports.events.dayfile import Event, UnreadableFile, decode

pytestmark = pytest.mark.no_database
MB = 1024 * 1024
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


@contextmanager
def in_memory_of(megabytes: float):
    """What is allocated inside beside what is there before."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < megabytes * MB
    finally:
        tracemalloc.stop()


@pytest.fixture
def small(monkeypatch):
    """The bounds, 64 times smaller: what breaks them fits into a test."""
    for name in ("INFLATED_MAX_BYTES", "INFLATED_UNCOUNTED_BYTES", "INFLATED_TIMES_FROM_BYTES", "INFLATED_PIECE_BYTES"):
        monkeypatch.setattr(dayfile, name, getattr(dayfile, name) // 64)


def test_bombs_strung_together_are_counted_and_not_kept(small):
    member = zlib.compressobj(0, zlib.DEFLATED, 31)
    member = member.compress(b" " * (MB // 2)) + member.flush()  # not packed at all: nothing looks like a bomb
    raw = member * 20
    with in_memory_of(2.5), pytest.raises(UnreadableFile, match="more than 4 MB"):
        decode(raw)


def test_what_is_read_whole_is_in_memory_once_and_no_more(small):
    raw = b"".join(gzip.compress(bytes([65 + n]) * (MB // 2), 0) for n in range(7))
    with in_memory_of(4.6):
        assert len(dayfile.inflate(raw)) == 3.5 * MB


@pytest.mark.parametrize("size", [5, 100, 1000, 70_000, 200_000])
def test_pieces_of_any_size_are_put_together_again(monkeypatch, size):
    monkeypatch.setattr(dayfile, "PACKED_PIECE_BYTES", 7)
    monkeypatch.setattr(dayfile, "INFLATED_PIECE_BYTES", 1000)
    monkeypatch.setattr(dayfile, "INFLATED_UNCOUNTED_BYTES", 50_000)
    text = random.Random(size).randbytes(size) + b"x" * size
    assert dayfile.inflate(zlib.compress(text)) == text
    assert dayfile.inflate(gzip.compress(text) + gzip.compress(b"") + gzip.compress(text) + b"\0\n") == text + text


def test_members_without_anything_in_them_are_counted(monkeypatch):
    monkeypatch.setattr(dayfile, "MEMBERS_MAX", 50)
    assert len(decode(gzip.compress(b"") * 49 + gzip.compress(TEXT))) == 1
    with pytest.raises(UnreadableFile, match="more than 50 streams of gzip"):
        decode(gzip.compress(b"") * 50 + gzip.compress(TEXT))


def test_behind_each_of_many_members_the_rest_is_not_copied(monkeypatch):
    """20 MB of them took hours: 10 MB were copied a million times."""
    monkeypatch.setattr(dayfile, "PACKED_PIECE_BYTES", 100)
    raw = gzip.compress(b"") * 9_000 + gzip.compress(TEXT)
    with in_memory_of(0.12):  # of 180 KB
        assert len(decode(raw)) == 1


def test_values_are_counted_before_they_are_read(monkeypatch):
    monkeypatch.setattr(dayfile, "VALUES_MAX", 1_000)
    assert len(decode(b'{"events":[' + b"{}," * 400 + b"{}]}")) == 401
    for many in (b"{},", b"[],", b"1,", b'"",'):
        text = b'{"events":[{"name":[' + many * 30_000 + b"1]}]}"
        with in_memory_of(0.3), pytest.raises(UnreadableFile, match="values, and more than 1,000 are of no day"):
            decode(text)


def test_more_events_than_a_day_can_have_are_refused(monkeypatch):
    monkeypatch.setattr(dayfile, "EVENTS_MAX", 10)
    assert len(decode(json.dumps([{}] * 10).encode())) == 10
    for text in (json.dumps([{}] * 11), json.dumps([{}, math.nan] * 6)):
        with pytest.raises(UnreadableFile, match="events, and more than 10"):
            decode(text.encode())


def test_plain_json_is_bounded_too(small):
    with pytest.raises(UnreadableFile, match="more than 4 MB"):
        decode(b'{"events": [' + b" " * (4 * MB) + b"]}")


def test_what_is_large_is_read_strictly_or_not_at_all(monkeypatch):
    monkeypatch.setattr(json_text, "LENIENT_MAX_BYTES", 1_000)
    odd = b'{"events": [{"entityId": "a", "name": NaN, "parkSlug": "%s"}]}'
    assert len(decode(odd % b"x")) == 1
    with pytest.raises(UnreadableFile, match=r"not JSON: an error in 1,\d\d\d bytes"):
        decode(odd % (b"x" * 1_000))
    assert len(decode(odd.replace(b"NaN", b"1") % (b"x" * 1_000))) == 1


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
