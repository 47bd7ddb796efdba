"""Decoding in a process of its own: the same as here, and what becomes of it when something ends it or its parent."""

import os
import select
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from imports.archive import decoder
from imports.archive.decoder import Decoder, DecoderLost, decoders_for
from imports.archive.prefetch import ReadAhead
from imports.events.captures import decode_captures
from imports.events.dayfile import UnreadableFile
from imports.events.decoded import of_day_file
from imports.events.decoding import Job, do
from imports.sample import Plan, write_archive
from imports.sample.defects import DAYS_MIN, EVENTS_PER_DAY_MIN
from imports.sources.folder import FolderSource
from imports.sources.source import ArchiveError, DayFile
from tests.captures import SAMPLES
from tests.imports.archive import odd_decoding
from tests.imports.building import DAY, DESTINATION, NOW, event, packed, write_day
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.no_database


def job(raw, decode=of_day_file):
    return Job(decode, raw, NOW, 300)


def answer(process, *given):
    process.give(job(*given))
    return process.take()


@pytest.fixture
def process():
    process = Decoder()
    yield process
    process.drop()


@pytest.fixture
def fifo(tmp_path):
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def has_ended(pid):
    """Waited for, not asked again and again; a zombie has ended too."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    with os.fdopen(handle):
        return bool(select.select([handle], [], [], HANG_SECONDS)[0])


# --- the same as here ------------------------------------------------------------------------------------------------
ODD_FILES = {
    "nothing": b"",
    "no events": packed([]),
    "no JSON": b"{",
    "no list": b"{}",
    "a web page": b"<!doctype html>",
    "cut short": packed([event()] * 50)[:-20],
    "odd events": packed([5, None, "x", [], {}, event(), {"entityId": 5}, event(eventTime=None)]),
    "odd names": packed(
        [event(name=name) for name in (None, 1, True, 1.0, [], {"a": [1]}, "\ud83d", "x" * 900, " y ")]
    ),
    "odd places": packed([event(parkSlug=[1]), event(timezone={"a": 1}), event(park=None), event(park="nowhere")]),
    "odd times": packed([event(time) for time in ("10:00:00Z", "10:00:00+05:00", "10:00:00.1234567Z", "100000Z", 5)]),
    "odd states": packed([event(status=[]), event(queue=5), event(queue={"STANDBY": {"waitTime": float("nan")}})]),
    "of no park": packed([event(park=None), event(park=None, entity="x"), event(park=None, status="?")]),
    "to come": packed([event("2999-01-01T00:00:00Z")]),
}


@pytest.fixture(scope="module")
def defective(tmp_path_factory):
    """The files of a sample archive with everything in it that may be wrong."""
    folder = tmp_path_factory.mktemp("archive")
    write_archive(
        folder, Plan(date(2025, 1, 1), DAYS_MIN, EVENTS_PER_DAY_MIN, seed=1, destinations=1, with_defects=True)
    )
    return [path.read_bytes() for path in sorted(folder.rglob("*.json.gz"))]


def test_it_gives_what_decoding_here_gives(process, defective):
    captured = [path.read_bytes() for path in sorted((SAMPLES / "archive").rglob("*.json.gz"))]
    jobs = [job(raw) for raw in [*ODD_FILES.values(), *defective, *captured]]
    jobs.append(job(b'{"id": "x", "entityType": "PARK", "liveData": []}\nno capture\n', decode_captures))
    for each in jobs:
        try:
            here = do(each)
        except UnreadableFile as error:
            with pytest.raises(UnreadableFile) as raised:
                answer(process, each.raw, each.decode)
            assert str(raised.value) == str(error)
        else:
            decoded, validated = answer(process, each.raw, each.decode)
            assert (decoded, validated) == here
            assert repr(validated) == repr(here[1])  # 1 and True are not the same


def test_readings_are_the_same_both_ways(tmp_path):
    for n, raw in enumerate(ODD_FILES.values(), 1):
        write_day(tmp_path, raw, date(2024, 12, n))
    source = FolderSource(tmp_path)
    files = source.list_days(DESTINATION, None, None, NOW.date()).files
    gone = replace(files[0], key=files[0].key.replace("/01.", "/31."), day=date(2024, 12, 31))
    found = []
    for decoders in (0, 1):
        was_read = {"decoders": decoders, "was_read": lambda file, sha256: file.day.day == 7}
        with ReadAhead(source, [*files, gone], lambda: NOW, **was_read) as readings:
            found.append(list(readings))
    assert found[0] == found[1]
    assert [reading.unchanged for reading in found[1]].count(True) == 1
    assert found[1][-1].missing


def test_an_error_comes_behind_what_was_given_before_it(tmp_path):
    write_day(tmp_path, [event()])
    source = FolderSource(tmp_path)
    files = source.list_days(DESTINATION, None, None, NOW.date()).files
    elsewhere = DayFile("gone/2024/12/26.json.gz", DAY)
    with ReadAhead(source, [*files, elsewhere, *files], lambda: NOW, decoders=1) as readings:
        assert next(readings).validated.events == 1
        with pytest.raises(ArchiveError, match="the folder is gone"):
            next(readings)
        assert next(readings, None) is None


def test_two_files_at_most_are_with_it(tmp_path):
    for n in range(1, 21):
        write_day(tmp_path, [event()], date(2024, 12, n))
    source = FolderSource(tmp_path)
    files = source.list_days(DESTINATION, None, None, NOW.date()).files
    with ReadAhead(source, files, lambda: NOW, decoders=1) as readings:
        for _ in readings:
            assert len(readings._decoder._jobs) <= 2
            assert len(readings._waiting) <= 20


# --- what ends it ----------------------------------------------------------------------------------------------------
def test_one_that_is_killed_in_the_middle_of_a_file_is_followed_by_another_that_reads_it(process, fifo):
    process.give(job(bytes(fifo), odd_decoding.tell_and_wait_once))
    process.give(job(packed([event()])))
    process._start()
    os.kill(int(fifo.read_text()), signal.SIGKILL)
    assert process.take()[1].events == 0
    assert process.take()[1].events == 1


def test_a_file_that_ends_every_decoder_is_given_up_with_a_reason(process):
    process.give(job(b"x", odd_decoding.end))
    with pytest.raises(DecoderLost, match=r"3 decoders in a row .* signal 9; mostly memory is short"):
        process.take()


def test_one_that_cannot_begin_is_done_without(process, monkeypatch, caplog):
    for executable in ("/nowhere/python", "/bin/false"):
        monkeypatch.setattr(sys, "executable", executable)
        process = Decoder()
        assert answer(process, packed([event()]))[1].events == 1
        assert answer(process, packed([event(), event()]))[1].events == 2
        assert "files are decoded in the import itself" in caplog.text
        process.drop()
        caplog.clear()


def test_what_fails_in_it_is_raised_here_and_it_goes_on(process):
    with pytest.raises(ValueError, match="invalid literal") as raised:
        answer(process, b"x", int)
    assert "in the decoder" in raised.value.__notes__[0]
    first = process._process.pid
    with pytest.raises(RuntimeError, match="Unsendable: not to be sent"):
        answer(process, b"x", odd_decoding.raise_what_cannot_be_sent)
    assert answer(process, packed([event()]))[1].events == 1
    assert process._process.pid == first


def test_signals_that_are_meant_for_the_import_do_not_end_it(process):
    assert answer(process, packed([event()]))[1].events == 1
    first = process._process.pid
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(first, number)
    assert answer(process, packed([event()]))[1].events == 1
    assert process._process.pid == first
    assert os.getpgid(first) != os.getpgrp()  # Ctrl-C does not even reach it


def test_closing_ends_it_in_the_middle_of_a_file_and_leaves_nothing(tmp_path, fifo, monkeypatch):
    write_day(tmp_path, bytes(fifo))
    source = FolderSource(tmp_path)
    monkeypatch.setattr(FolderSource, "decodes", staticmethod(odd_decoding.tell_and_wait))
    descriptors = len(os.listdir("/proc/self/fd"))
    with ReadAhead(
        source, source.list_days(DESTINATION, None, None, NOW.date()).files, lambda: NOW, decoders=1
    ) as readings:
        assert not readings.ready()
        pid = fifo.read_text()
    assert not Path("/proc", pid).exists()  # not a zombie either
    readings._reader.shutdown(wait=True)
    assert len(os.listdir("/proc/self/fd")) == descriptors


# --- what ends its parent --------------------------------------------------------------------------------------------
DAEMONIC = """
import multiprocessing, sys
from tests.imports.archive import odd_decoding
from tests.imports.parents import end_with_the_parent
end_with_the_parent()
process = multiprocessing.get_context("fork").Process(target=odd_decoding.{}, args=sys.argv[1:], daemon=True)
process.start()
process.join()
"""


@pytest.fixture
def daemonic(fifo):
    """A function of odd_decoding in a process that, as a worker of the queue, may start none by multiprocessing."""
    begun = []

    def begin(name):
        begun.append(subprocess.Popen([sys.executable, "-c", DAEMONIC.format(name), fifo], cwd=decoder.PROJECT))
        return [int(pid) for pid in fifo.read_text().split()]

    yield begin
    for process in begun:
        process.wait()


def test_it_is_started_by_a_daemonic_process_and_ends_with_it_in_the_middle_of_a_file(daemonic):
    parent, pid = daemonic("decode_and_tell_of_both")
    os.kill(parent, signal.SIGKILL)
    assert has_ended(pid)


def test_it_ends_when_its_parent_has_gone_though_another_process_keeps_the_connection(daemonic):
    parent, pid, other = daemonic("decode_and_fork")
    os.kill(parent, signal.SIGKILL)
    assert has_ended(pid)
    os.kill(other, signal.SIGKILL)


# --- whether there is one --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("cores", "jobs", "megabytes", "decoders"),
    [(2, 1, 5, 1), (2, 1, 3, 0), (1, 1, 50, 0), (2, 2, 50, 0), (4, 2, 50, 1)],
)
def test_it_is_for_much_to_decode_and_a_core_that_is_free(monkeypatch, cores, jobs, megabytes, decoders):
    monkeypatch.setattr(decoder, "cores", lambda: cores)
    files = [DayFile("a", DAY, size_bytes=megabytes * 1024 * 1024), DayFile("b", DAY)]
    assert decoders_for(files, jobs) == decoders
