"""Files of captures as a source of day files: which lines are of whose day, and what is told of the rest."""

import gzip
import hashlib
import os
import shutil
from datetime import date

import pytest

from imports.events import json_text
from imports.sources import capture_index, captures, line_files
from imports.sources.captures import CaptureSource
from imports.sources.opening import open_source
from imports.sources.recognising import Kind, kind_of
from imports.sources.source import ArchiveError, DayFile, FileUnreadable, FileVanished, Why
from tests.imports.building import write_day
from tests.imports.capturing import DESTINATION, OTHER_PARK, PARK, RESORT, answer, line, row, write_lines

pytestmark = pytest.mark.no_database
TODAY = date(2026, 7, 20)


def capture(time="2026-07-18T11:31:41Z", park=PARK, rows=None, **around):
    """A line as the one collection that is known keeps them."""
    return {
        "ts": time, "source": "themeparks.wiki", "park_id": park, "http_status": 200,
        "raw": answer([row(parkId=park)] if rows is None else rows, id=park),
    } | around  # fmt: skip


def failed(time="2026-07-18T12:31:41Z", park=PARK):
    return {"ts": time, "source": "themeparks.wiki", "park_id": park, "http_status": 503, "raw": "Unavailable"}


def source(path, **known):
    return CaptureSource(path, lambda parks: {PARK: DESTINATION, OTHER_PARK: DESTINATION} | known)


def listed(found, destination=DESTINATION, first=None, last=None):
    return found.list_days(destination, first, last, TODAY)


def days(found, *args):
    return [str(file.day) for file in listed(found, *args).files]


def content(found, n=0, destination=DESTINATION):
    return found.read(listed(found, destination).files[n])


def test_a_day_is_its_lines_as_they_lie_joined_by_line_feeds(tmp_path):
    lines = [capture(), capture("2026-07-19T00:00:00Z"), failed(), capture("2026-07-18T23:59:59Z")]
    found = source(write_lines(tmp_path / "a.ndjson", *lines))
    assert found.list_destinations() == [DESTINATION]
    assert found.url == f"captures:{tmp_path / 'a.ndjson'}"
    first, second = listed(found).files
    assert (first.key, second.key) == (f"{DESTINATION}/2026/07/18.ndjson", f"{DESTINATION}/2026/07/19.ndjson")
    expected = b"\n".join(line(lines[n]) for n in (0, 2, 3))
    assert found.read(first) == expected and first.size_bytes == len(expected)
    assert found.read(second) == line(lines[1])
    assert listed(found).beside.total == 0
    assert days(found, DESTINATION, date(2026, 7, 19), date(2026, 7, 19)) == ["2026-07-19"]
    assert listed(found, RESORT).files == []


def test_without_a_time_of_capture_the_newest_state_tells_the_day_and_never_the_file(tmp_path):
    old, new = row(lastUpdated="2026-04-16T22:08:06.100Z"), row(lastUpdated="2026-07-17T23:59:59Z")
    path = write_lines(tmp_path / "bare.jsonl", answer([old, new]))
    os.utime(path, (0, 0))
    assert days(source(path)) == ["2026-07-17"]


def test_an_answer_that_says_neither_goes_with_the_one_before_it(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", answer([]), capture(), answer([]), capture("2026-07-19T10:00:00Z"))
    found = source(path)
    assert content(found).count(b"\n") == 2 and content(found, 1).count(b"\n") == 0


def test_a_folder_is_read_whole_whatever_its_folders_are_called(tmp_path):
    write_lines(tmp_path / PARK / "2026-07-18.ndjson", capture())
    write_lines(tmp_path / OTHER_PARK / "2026-07-18.jsonl", capture(park=OTHER_PARK))
    packed = tmp_path / "older.NDJSON.gz"
    packed.write_bytes(gzip.compress(line(capture("2026-07-01T10:00:00Z")) + b"\n"))
    write_lines(tmp_path / ".git" / "x.ndjson", b"junk")
    found = source(tmp_path)
    assert days(found) == ["2026-07-01", "2026-07-18"]
    assert content(found, 1) == line(capture(park=PARK)) + b"\n" + line(capture(park=OTHER_PARK))
    assert listed(found).beside.total == 0


def test_linked_folders_are_looked_into_once(tmp_path):
    write_lines(tmp_path / "elsewhere" / "a.ndjson", capture())
    (tmp_path / "captures").mkdir()
    (tmp_path / "captures" / "live").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "captures" / "again").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "circle").symlink_to(tmp_path / "captures")
    assert content(source(tmp_path / "captures")) == line(capture())


def test_whose_a_line_is(tmp_path):
    named = answer([row(parkId=RESORT)], id=RESORT, destinationId=DESTINATION)
    of_all = answer([row(), row(parkId=OTHER_PARK)], id=DESTINATION, entityType="DESTINATION")
    assert source(write_lines(tmp_path / "1.ndjson", named)).list_destinations() == [DESTINATION]
    # an answer about a destination names its parks, whatever comes first
    unknown = CaptureSource(write_lines(tmp_path / "2.ndjson", answer([row()]), of_all))
    assert unknown.list_destinations() == [DESTINATION]
    # what the warehouse knows goes before it
    known = CaptureSource(tmp_path / "2.ndjson", lambda parks: {PARK: RESORT} if PARK in parks else {})
    assert known.list_destinations() == sorted([DESTINATION, RESORT])


def test_a_park_of_which_nobody_knows_the_destination_stands_for_it(tmp_path, caplog):
    found = CaptureSource(write_lines(tmp_path / "a.ndjson", capture()))
    assert found.list_destinations() == [PARK]
    assert f"The destination of park {PARK} is not known" in caplog.text and "sync_metadata" in caplog.text


def test_a_line_without_an_answer_lies_with_the_park_it_names_or_with_the_line_before(tmp_path):
    homes = {RESORT: RESORT}
    lines = [
        failed("2026-07-18T00:00:00Z", RESORT), b"{not json", capture(), failed(park=RESORT), capture(park=RESORT),
        b'{"cut": ', {"http_status": 500}, failed("2026-07-19T00:00:00Z"),
    ]  # fmt: skip
    found = source(write_lines(tmp_path / "a.ndjson", *lines), **homes)
    assert content(found).splitlines() == [b"{not json", line(lines[2])]
    assert [content(found, n, RESORT).count(b"\n") for n in range(len(listed(found, RESORT).files))] == [4]
    assert days(found) == ["2026-07-18", "2026-07-19"]
    assert content(found, 1) == line(lines[-1])
    total = sum(content(found, n, d).count(b"\n") + 1 for d, n in ((DESTINATION, 0), (DESTINATION, 1), (RESORT, 0)))
    assert total == len(lines)


def test_a_day_of_nothing_but_failures_is_a_day_of_the_collection(tmp_path):
    write_lines(tmp_path / "2026-07-17.ndjson", failed("2026-07-17T10:00:00Z", "no uuid"))
    write_lines(tmp_path / "2026-07-18.ndjson", capture())
    write_lines(tmp_path / "2026-07-19.ndjson", failed("2026-07-19T10:00:00Z", "no uuid"))
    assert days(source(tmp_path)) == ["2026-07-17", "2026-07-18", "2026-07-19"]


def test_what_is_not_read_is_told_where_it_belongs(tmp_path):
    write_lines(tmp_path / "live" / "a.ndjson", capture(), b'{"ts": "2026-07-18T15:3', end=b"\n")
    (tmp_path / "live" / "b.ndjson").write_bytes(line(capture("2026-07-19T10:00:00Z")) + b'\n{"ts": "2026')
    write_lines(tmp_path / "weather" / "w.ndjson", *[{"ts": "2026-07-18T10:00:00Z", "http_status": 200, "raw": {}}] * 3)
    (tmp_path / "README.md").write_text("captures")
    (tmp_path / "gone.ndjson").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.ndjson")
    beside = listed(source(tmp_path)).beside
    assert beside.counts == {Why.CUT_LINE: 1, Why.NO_CAPTURE: 1, Why.SUFFIX: 1, Why.LINK: 1, Why.KIND: 1}
    assert ("weather/w.ndjson", Why.NO_CAPTURE) in beside.examples and beside.whole
    assert "live/b.ndjson" in beside.in_words() and "1 whose last line is cut short" in beside.in_words()
    assert days(source(tmp_path)) == ["2026-07-18", "2026-07-19"]


def test_a_last_line_without_its_end_is_read_where_it_is_whole(tmp_path):
    (tmp_path / "a.ndjson").write_bytes(line(capture()))
    found = source(tmp_path / "a.ndjson")
    assert content(found) == line(capture()) and listed(found).beside.total == 0


def test_captures_that_cannot_be_of_their_day_are_counted(tmp_path):
    lines = [
        capture(),
        capture("1970-01-01T00:00:00Z"),
        capture("2026-07-22T00:00:00Z"),
        capture("2026-07-22T01:00:00Z"),
    ]
    found = source(write_lines(tmp_path / "a.ndjson", *lines))
    assert days(found) == ["2026-07-18"]
    assert listed(found).beside.counts == {Why.EARLY: 1, Why.LATE: 2}


def test_line_ends_of_windows_marks_and_blank_lines(tmp_path):
    path = tmp_path / "a.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + line(capture()) + b"\r\n\r\n \n\0\0\0" + line(failed()) + b"\r\n")
    assert content(source(path)) == line(capture()) + b"\n" + line(failed())


@pytest.mark.parametrize("lines", [1, 400])
def test_a_packed_file_that_was_cut_is_read_as_far_as_it_goes(tmp_path, lines):
    path = tmp_path / "a.ndjson.gz"
    body = [line(capture(rows=[row(name=hashlib.sha256(b"%d" % n).hexdigest() * 8)])) for n in range(lines)]
    whole = gzip.compress(b"".join(one + b"\n" for one in body))
    path.write_bytes(whole[: len(whole) - 9])
    found = source(path)
    got = content(found).split(b"\n")
    assert got == body[: len(got)] and len(got) >= lines - 1
    assert listed(found).beside.counts == {Why.DAMAGED: 1}
    path.write_bytes(whole + gzip.compress(line(failed()) + b"\n"))  # strung together, as rotated logs are
    found.list_destinations()
    assert content(found).split(b"\n") == [*body, line(failed())] and listed(found).beside.total == 0


def test_a_packed_file_is_known_by_its_bytes_and_read_in_any_order(tmp_path):
    path = tmp_path / "a.ndjson"
    lines = [capture(f"2026-07-{day}T10:00:00Z") for day in (17, 18, 19)]
    path.write_bytes(gzip.compress(b"\n".join(map(line, lines))))
    found = source(path)
    assert [content(found, n) for n in (2, 0, 1, 1)] == [line(lines[n]) for n in (2, 0, 1, 1)]


def test_a_line_beyond_measure_is_left_out_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(line_files, "LINE_MAX_BYTES", 1000)
    path = write_lines(tmp_path / "a.ndjson", capture(), b"x" * 5000, failed(), b"y" * 1000, b"z" * 1001)
    found = source(path)
    assert content(found) == line(capture()) + b"\n" + line(failed())
    assert listed(found).beside.counts == {Why.LONG_LINE: 3}


def test_a_packed_file_that_inflates_beyond_measure_is_read_as_far_as_that_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(line_files, "INFLATED_TIMES_MAX", 5)
    monkeypatch.setattr(line_files, "INFLATED_TIMES_FROM_BYTES", 20_000)
    packed = gzip.compress(line(capture()) + b"\n" + b"\n" * 100_000 + line(failed()))
    (tmp_path / "a.ndjson.gz").write_bytes(packed)
    found = source(tmp_path)
    assert listed(found).beside.counts[Why.BOMB] == 1
    assert content(found) == line(capture())
    monkeypatch.setattr(line_files, "LINE_MAX_BYTES", 1000)
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(line(capture()) + b"\n" + b"x" * 100_000))
    assert listed(source(tmp_path)).beside.counts == {Why.LONG_LINE: 1, Why.BOMB: 1}


def test_a_file_of_more_places_than_there_are_is_read_as_far_as_that_and_told(tmp_path, monkeypatch):
    monkeypatch.setattr(capture_index, "PLACES_MAX", 2)
    lines = [capture(f"2026-07-{day}T10:00:00Z") for day in (16, 16, 17, 17, 18, 16)]
    found = source(write_lines(tmp_path / "a.ndjson", *lines))
    assert days(found) == ["2026-07-16", "2026-07-17"]
    assert listed(found).beside.counts == {Why.PLACES: 1}


def test_a_line_of_too_many_values_costs_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(json_text, "VALUES_MAX", 200)
    many = line(capture())[:-1] + b',"more":[' + b"{}," * 300 + b"{}]}"
    found = source(write_lines(tmp_path / "a.ndjson", capture(), many))
    _, refused = found.decode(content(found), listed(found).files[0]).events
    assert refused.example["why"] == "it is no JSON"


def test_a_day_beyond_measure_is_unreadable(tmp_path, monkeypatch):
    monkeypatch.setattr(captures, "DAY_MAX_BYTES", 100)
    found = source(write_lines(tmp_path / "a.ndjson", capture()))
    with pytest.raises(FileUnreadable, match="import them in parts"):
        content(found)


def test_a_file_that_grows_is_read_as_far_as_it_was_listed(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", capture())
    found = source(path)
    (before,) = listed(found).files
    with path.open("ab") as file:
        file.write(line(failed()) + b"\n")
    assert found.read(before) == line(capture())
    assert found.list_destinations() == [DESTINATION]  # a new look
    (after,) = listed(found).files
    assert found.read(after) == line(capture()) + b"\n" + line(failed())
    assert after.size_bytes != before.size_bytes and after.etag != before.etag


def test_a_file_that_was_rewritten_or_is_gone_stops_the_import(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", capture())
    found = source(path)
    (file,) = listed(found).files
    with pytest.raises(FileVanished):
        found.read(DayFile(f"{DESTINATION}/2020/01/01.ndjson", date(2020, 1, 1)))
    write_lines(path, failed(), capture())
    with pytest.raises(ArchiveError, match="rewritten while it was read; give the same command again"):
        source_of_now = source(path)
        found.read(file)
    assert source_of_now.list_destinations() == [DESTINATION]
    path.unlink()
    with pytest.raises(ArchiveError, match="no such file or folder"):
        found.list_destinations()


def test_a_copy_tells_the_same_again(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", capture())
    shutil.copy(path, tmp_path / "b.ndjson")
    assert content(source(tmp_path)) == line(capture()) + b"\n" + line(capture())
    assert listed(source(path)).files[0].etag == listed(source(tmp_path / "b.ndjson")).files[0].etag


def test_unchanged_files_are_not_looked_into_again(tmp_path, monkeypatch):
    path = write_lines(tmp_path / "a.ndjson", capture())
    source(path).list_destinations()
    looked = []
    monkeypatch.setattr(capture_index, "_look_into", lambda path: looked.append(path))
    assert source(path).list_destinations() == [DESTINATION] and not looked


NOTHING = {
    "events": (b'{"events": []}\n{"events": []}\n', "of 2 lines, it has no liveData"),
    "failures alone": (line(failed()) + b"\n", "of 1 line, its HTTP status is 503"),
    "rows without a time": (line(answer([row(lastUpdated=...)])), "of 1 line, nothing says of what day it is"),
    "empty": (b"", "it is empty"),
    "blank": (b"\n\n", "it is empty"),
    "pretty": (b'{\n  "id": 1,\n  "liveData": []\n}\n', "jq -c . FILE  makes it one a line"),
    "binary": (bytes(range(1, 256)) * 3, "it is no JSON"),
    "packed by something": (b"\x28\xb5\x2f\xfd1234", "it is packed by zstd, which is not read"),
    "utf-16": ('{"a": 1}\n'.encode("utf-16"), "a text in UTF-16"),
    "a web page": (b"<!DOCTYPE html><html>", "an HTML page"),
}


@pytest.mark.parametrize(("raw", "why"), NOTHING.values(), ids=NOTHING)
def test_a_file_without_any_answer_is_refused_in_words(tmp_path, raw, why):
    (tmp_path / "a.ndjson").write_bytes(raw)
    with pytest.raises(ArchiveError) as refused:
        source(tmp_path / "a.ndjson").list_destinations()
    assert why in str(refused.value) and "no answer of /live in it" in str(refused.value)


def test_a_path_that_is_not_there_or_holds_none_is_refused(tmp_path):
    for name in ("nowhere", "x" * 300):
        assert kind_of(tmp_path / name) == Kind.UNKNOWN
        with pytest.raises(ArchiveError, match="no such file or folder"):
            source(tmp_path / name).list_destinations()
    with pytest.raises(ArchiveError, match=r"no captures in it; they are files called \.ndjson"):
        source(tmp_path).list_destinations()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ArchiveError, match="neither a file nor a folder"):
        source(tmp_path / "pipe").list_destinations()


# --- what a path holds -----------------------------------------------------------------------------------------------
def test_captures_are_recognised_by_the_names_in_a_folder(tmp_path):
    file = write_lines(tmp_path / "captures" / PARK / "2026" / "07" / "18.ndjson", capture())
    write_day(tmp_path / "archive", [])
    assert kind_of(file) == kind_of(tmp_path / "captures") == Kind.CAPTURES
    assert kind_of(tmp_path / "archive") == Kind.ARCHIVE
    assert kind_of(tmp_path / "nowhere") == kind_of(tmp_path / "archive" / DESTINATION) == Kind.UNKNOWN
    assert open_source(str(file)).url == f"captures:{file}"
    assert open_source(open_source(str(tmp_path / "captures")).url).url == f"captures:{tmp_path / 'captures'}"
    assert open_source(f"file://{tmp_path / 'archive'}").url == str(tmp_path / "archive")
    assert isinstance(open_source(f"captures:{tmp_path / 'archive'}"), CaptureSource)


def test_captures_and_day_files_in_one_folder_are_refused_and_both_named(tmp_path):
    write_lines(tmp_path / "a.ndjson", capture())
    write_day(tmp_path, [])
    with pytest.raises(
        ArchiveError, match=r"day files \(.*25\.json\.gz\) and captures \(a\.ndjson\) lie in one folder"
    ):
        open_source(str(tmp_path))
