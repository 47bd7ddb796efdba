"""Reading ahead: what waits, how much of it, in which order, and how it ends. Sources here hold their files in memory
and tell what was asked of them."""

import json
import threading
from datetime import timedelta

import pytest

from imports.archive import prefetch
from imports.archive.prefetch import ReadAhead
from imports.events import dayfile
from imports.events.decoded import Decoded
from imports.sources.source import ArchiveError, DayFile, FileVanished
from tests.imports.building import DAY, NOW, event

pytestmark = pytest.mark.no_database


class InMemory:
    """A source of files that are given: bytes, or what reading them raises. It tells what was asked for."""

    parallel_reads = 1

    def __init__(self, *contents):
        self.contents = contents
        self.files = [DayFile(f"{n}", DAY + timedelta(days=n)) for n in range(len(contents))]
        self.asked = []
        self.decoded = []
        self.some_decoded = threading.Condition()

    def read(self, file):
        self.asked.append(file.key)
        content = self.contents[int(file.key)]
        if isinstance(content, Exception):
            raise content
        return content

    def decode(self, raw, file):
        with self.some_decoded:
            self.decoded.append(file.key)
            self.some_decoded.notify_all()
        return Decoded(dayfile.decode(raw))

    def wait_until_decoded(self, count):
        with self.some_decoded:
            assert self.some_decoded.wait_for(lambda: len(self.decoded) >= count, timeout=60)


def a_file(events=1):
    return json.dumps({"events": [event() for _ in range(events)]}).encode()


def ahead(source, files=None, **changes):
    return ReadAhead(source, source.files if files is None else files, lambda: NOW, **changes)


def wait_until_ready(readings):
    with readings._change:
        assert readings._change.wait_for(lambda: readings._waiting or readings._at_end, timeout=60)


def test_readings_come_in_the_order_of_the_files_each_with_its_hash():
    source = InMemory(a_file(1), b"no day file", FileVanished("gone"), a_file(2))
    with ahead(source) as readings:
        found = list(readings)
    assert [reading.file for reading in found] == source.files
    assert [reading.validated.events for reading in found] == [1, 0, 0, 2]
    assert [bool(reading.unreadable) for reading in found] == [False, True, False, False]
    assert [reading.missing for reading in found] == [False, False, True, False]
    assert [reading.sha256 is None for reading in found] == [False, False, True, False]


def test_nothing_is_read_before_the_first_is_asked_for():
    source = InMemory(a_file())
    ahead(source).close()
    assert source.asked == []


def test_it_is_ready_where_a_reading_waits_and_at_the_end():
    source = InMemory(a_file())
    with ahead(source) as readings:
        readings.ready()
        wait_until_ready(readings)
        assert readings.ready()
        next(readings)
        wait_until_ready(readings)
        assert readings.ready()
        with pytest.raises(StopIteration):
            next(readings)


def test_small_files_wait_by_the_dozen(monkeypatch):
    monkeypatch.setattr(prefetch, "SMALL_FILES_AHEAD", 5)
    source = InMemory(*[a_file()] * 20)
    with ahead(source) as readings:
        readings.ready()
        source.wait_until_decoded(5)
        wait_until_ready(readings)
        assert len(readings._waiting) <= 5
        next(readings)
        source.wait_until_decoded(6)
        assert len(list(readings)) == 19


def test_of_large_files_two_wait(monkeypatch):
    monkeypatch.setattr(prefetch, "EVENTS_AHEAD", 3)
    source = InMemory(*[a_file(3)] * 9)
    with ahead(source) as readings:
        for n in range(9):
            next(readings)
            source.wait_until_decoded(min(n + 3, 9))
            assert len(readings._waiting) <= 2
        assert readings._events_waiting == 0


def test_what_costs_requests_is_asked_for_only_when_there_is_room():
    source = InMemory(*[a_file()] * 9)
    files = [DayFile(file.key, file.day, is_asked_for=True) for file in source.files]
    with ahead(source, files) as readings:
        next(readings)
        source.wait_until_decoded(3)
        assert len(source.asked) <= 4  # the one that was taken, two that wait, and perhaps one for the room it left


def test_an_error_of_the_source_comes_in_its_place_and_is_the_end():
    source = InMemory(a_file(), ArchiveError("the disk is gone"), a_file())
    with ahead(source) as readings:
        next(readings)
        with pytest.raises(ArchiveError, match="the disk is gone"):
            next(readings)
        assert next(readings, None) is None
    assert "2" not in source.decoded


def test_what_was_fetched_before_is_not_fetched_again_and_what_was_read_is_not_decoded():
    source = InMemory(a_file(), a_file(2))
    with ahead(source, fetched={"0": a_file()}, was_read=lambda file, sha256: file.day == DAY) as readings:
        first, second = readings
    assert (first.unchanged, first.sha256 is None, second.unchanged) == (True, False, False)
    assert source.asked == ["1"]
    assert source.decoded == ["1"]


def test_closing_ends_its_threads_in_the_middle():
    source = InMemory(*[a_file()] * 200)
    with ahead(source) as readings:
        next(readings)
    readings._reader.shutdown(wait=True)
    readings._fetchers.shutdown(wait=True)
    assert len(source.decoded) < 200
    assert next(readings, None) is None
