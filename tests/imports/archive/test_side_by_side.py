"""import_archive --jobs: destinations side by side, each by a process of its own, whatever becomes of these."""

import os
import re
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.core.management.base import OutputWrapper

from imports.archive import how_many_jobs, progress, side_by_side
from imports.archive.decoder import WORTH_ITS_START_BYTES
from imports.archive.door import Door
from imports.archive.going import Outcome, Tally
from imports.archive.how_many_jobs import JOBS_MAX, Work, how_many
from imports.archive.job import BreakingOff
from imports.archive.process import is_known_dead
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.source import key_of
from imports.workers import standstill
from tests.emptying import empty_tables
from tests.imports import forks
from tests.imports.building import DAY, PARK, event, ride, runs, write_day
from tests.imports.gate import Gate
from tests.imports.table_state import table_state
from tests.waiting import HANG_SECONDS, until
from tests.warehouse.conftest import another_session as another_session
from tests.warehouse.conftest import snapshots as snapshots
from warehouse.models import RideStatusSnapshot
from warehouse.partitioning import partitions
from warehouse.server import ddl

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = 4
EVENTS = 20  # a file
A, B, C = (f"{n}1111111-1111-4111-8111-111111111111" for n in "abc")
PARKS = {A: PARK, B: PARK.replace("2", "6"), C: PARK.replace("2", "7")}


@pytest.fixture
def archive(tmp_path) -> Path:
    """Three destinations of a park each, the first with one file more than the others."""
    for number, destination in enumerate((A, B, C)):
        for n in range(DAYS + (number == 0)):
            write_day(tmp_path, hours_of(destination, DAY + timedelta(days=n)), DAY + timedelta(days=n), destination)
    return tmp_path


def hours_of(destination: str, day: date) -> list[dict]:
    n = (A, B, C).index(destination)
    queue = {"STANDBY": {"waitTime": 5}}
    return [
        event(f"{10 + m // 6}:{m % 6}0:00Z", day=day, entity=ride(n), park=PARKS[destination], queue=queue)
        for m in range(EVENTS)
    ]


class Gates:
    """Before the second and the last file of the first two destinations, which two jobs import first. What lies between
    the two may come in as one batch, and nobody is at his end before the last is opened."""

    def __init__(self, archive: Path):
        self._before = {
            (destination, n): Gate(archive / key_of(destination, DAY + timedelta(days=n)))
            for destination in (A, B)
            for n in (1, DAYS - 1)
        }

    def open_the_second(self, *destinations: str) -> None:
        for destination in destinations:
            self._before[destination, 1].open()

    def open(self, *destinations: str) -> None:
        for (destination, _), gate in self._before.items():
            if destination in destinations:
                gate.open()


@pytest.fixture
def gates(archive) -> Iterator[Gates]:
    found = Gates(archive)
    yield found
    found.open(A, B)


def start(archive: Path, *more: object) -> forks.Fork:
    return forks.start("import_archive", "--source", archive, "--all", "--jobs", 2, *more)


def both_at_their_second_file(process: forks.Fork) -> None:
    until(lambda: ImportedFile.objects.count() == 2 or process.poll() is not None)
    assert set(ImportedFile.objects.values_list("destination_wiki_id", flat=True)) == {A, B}


def imports_of(destination: str) -> ImportCheckpoint:
    return ImportCheckpoint.objects.get(destination_wiki_id=destination)


def pid_of(destination: str) -> int:
    return int(imports_of(destination).worker.split("/")[1])


def statuses() -> dict[str, str]:
    return dict(ImportCheckpoint.objects.values_list("destination_wiki_id", "status"))


def the_rest_comes_in() -> None:
    status, output = forks.run("import_archive", "--resume", "--jobs", 2)
    assert status == 0, output
    assert set(statuses().values()) == {"COMPLETED"}
    assert RideStatusSnapshot.objects.count() == EVENTS * (3 * DAYS + 1)


# --- what comes in ---------------------------------------------------------------------------------------------------
def test_what_two_jobs_leave_is_what_one_leaves_and_all_that_they_say_is_said(archive):
    write_day(archive, [*hours_of(B, DAY), event(status="ODD", park=PARKS[B])], DAY, B)
    write_day(archive, b"broken", DAY + timedelta(days=2), C)
    call_command("import_archive", source=str(archive), all=True, stdout=StringIO(), stderr=StringIO())
    one = table_state()
    assert one["snapshots"][0] == EVENTS * 3 * DAYS
    empty_tables()
    process = start(archive)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 0, output
    assert table_state() == one
    assert len(set(ImportCheckpoint.objects.values_list("worker", flat=True))) == 3  # a process each
    assert output.startswith("3 destinations, 13 files, by 2 jobs side by side\n")
    for destination in (A, B, C):
        said = said_of(output, destination)
        assert said[0].startswith(f"{destination}, {DAY} to ")
        assert said[1].strip().startswith(imports_of(destination).import_id)
        assert "  1 new finding" in said if destination != A else "  0 new findings" in said
        assert any(line.startswith("  quality check of ") for line in said)
        assert any(line.endswith(" of 1 park made anew") for line in said)


def said_of(output: str, destination: str) -> list[str]:
    """What stands below the lines that begin with the destination, these first."""
    found, whose = [], ""
    for line in output.splitlines():
        if not line.startswith(" "):
            whose = line[:36]
        if whose == destination and line != f"{destination}:":
            found.append(line)
    return found


def test_one_park_in_the_files_of_two_destinations_comes_in_whole(tmp_path):
    """They take turns at its row."""
    for n in range(DAYS):
        day = DAY + timedelta(days=n)
        for destination, minutes in ((A, range(40)), (B, range(20, 60))):
            rows = [event(f"10:{m:02}:00Z", day=day, entity=ride(m % 3)) for m in minutes]
            write_day(tmp_path, rows, day, destination)
    process = start(tmp_path)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 0, output
    assert RideStatusSnapshot.objects.count() == 60 * DAYS
    read = ImportedFile.objects.values_list("events_read", "stored", "already_known")
    assert [sum(column) for column in zip(*read, strict=True)] == [80 * DAYS, 60 * DAYS, 20 * DAYS]


def test_runs_of_one_destination_take_turns(archive):
    """Two imports of one park from one destination's files are never at work at once: the second would be refused."""
    for request in ({"last": DAY}, {"first": DAY + timedelta(days=1)}):
        for run in runs(archive, **request):
            for checkpoint in run.checkpoints:
                checkpoint.pause("lunch")
    status, output = forks.run("import_archive", "--resume", "--jobs", 3)
    assert status == 0, output
    assert RideStatusSnapshot.objects.count() == EVENTS * (3 * DAYS + 1)


# --- what fails ------------------------------------------------------------------------------------------------------
def test_a_destination_that_fails_does_not_stop_the_others(archive):
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    write_day(archive, hours_of(A, tomorrow), tomorrow, A)  # the clock of this machine is slow, by this file
    status, output = forks.run("import_archive", "--source", archive, "--all", "--jobs", 2)
    assert status == 1, output
    assert statuses() == {A: "FAILED", B: "COMPLETED", C: "COMPLETED"}
    assert f"\n{A}: Failed: the clock of this machine says " in output
    assert f"or:  manage.py import_archive --resume {imports_of(A).import_id}\n" in output
    assert "CommandError: 1 of 3 destinations failed, the first of them so: Failed: the clock" in output
    assert "Traceback" not in output


def test_a_job_that_is_killed_is_told_and_the_others_go_on(archive, gates):
    process = start(archive)
    both_at_their_second_file(process)
    os.kill(pid_of(A), signal.SIGKILL)
    gates.open(B)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 1, output
    assert statuses() == {A: "PAUSED", B: "COMPLETED", C: "COMPLETED"}
    killed = imports_of(A)
    assert killed.last_error == "the process that imported it was killed (SIGKILL)"
    assert f"\n{A}: The process that imported it was killed (SIGKILL): by the system where memory is short" in output
    assert f"go on with:  manage.py import_archive --resume {killed.import_id}\n" in output
    assert "Traceback" not in output
    gates.open(A)
    the_rest_comes_in()


def test_jobs_end_behind_the_file_in_hand_when_the_command_is_killed(archive, gates):
    process = start(archive)
    both_at_their_second_file(process)
    workers = [imports_of(destination).worker for destination in (A, B)]
    process.send_signal(signal.SIGKILL)
    until(lambda: process.poll() is not None)
    gates.open_the_second(A, B)
    until(lambda: statuses() == {A: "PAUSED", B: "PAUSED", C: "PENDING"}, otherwise=statuses)
    gates.open(A, B)
    until(lambda: all(map(is_known_dead, workers)))
    assert "Traceback" not in process.communicate(HANG_SECONDS)[0]
    the_rest_comes_in()


# --- how it is stopped -----------------------------------------------------------------------------------------------
def in_a_group_of_its_own(*arguments: str) -> None:
    os.setpgid(0, 0)
    forks._manage(*arguments)


def start_in_a_group(archive: Path) -> forks.Fork:
    """As a shell does."""
    return forks.Fork(in_a_group_of_its_own, ["import_archive", "--source", str(archive), "--all", "--jobs", "2"])


@pytest.mark.parametrize("of_all", [True, False], ids=["Ctrl-C reaches all", "SIGTERM reaches the command alone"])
def test_a_signal_ends_each_job_behind_its_file(archive, gates, of_all):
    process = start_in_a_group(archive)
    both_at_their_second_file(process)
    if of_all:
        os.killpg(process.pid, signal.SIGINT)
    else:
        process.send_signal(signal.SIGTERM)
    gates.open_the_second(A, B)
    until(lambda: statuses() == {A: "PAUSED", B: "PAUSED", C: "PENDING"}, otherwise=statuses)
    gates.open(A, B)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 3, output
    assert {imports_of(each).last_error for each in (A, B)} == {"stopped by the operator"}
    assert "CommandError: Paused; nothing is lost. Go on with:  manage.py import_archive --resume\n" in output
    assert "Traceback" not in output
    the_rest_comes_in()


def test_a_second_signal_breaks_off_what_is_in_hand(archive, gates):
    """Nobody opens the gates: a job that waits for its file does not wait for it to be done."""
    process = start(archive)
    both_at_their_second_file(process)
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)  # another one: two of a kind that come at once are one
    until(lambda: list(statuses().values()).count("PAUSED") == 2)
    assert {imports_of(each).last_error for each in (A, B)} == {"interrupted inside a file, which was rolled back"}
    gates.open(A, B)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 3, output
    assert "Traceback" not in output
    assert RideStatusSnapshot.objects.count() == 2 * EVENTS


def test_an_interruption_that_comes_just_before_a_system_call_ends_it_too(monkeypatch):
    """The first signal is lost, as to a thread that is on its way into the call: it hears of it behind the call."""
    sent, send = [], signal.pthread_kill

    def send_but_the_first(thread: int, number: int) -> None:
        sent.append(number)
        if len(sent) > 1:
            send(thread, number)

    monkeypatch.setattr(signal, "pthread_kill", send_but_the_first)
    before = signal.getsignal(signal.SIGUSR1)
    reads, writes = os.pipe()
    try:
        breaking_off = BreakingOff()
        thread = threading.Thread(target=breaking_off)
        with pytest.raises(KeyboardInterrupt):
            thread.start()
            os.read(reads, 1)  # nobody writes
        thread.join(HANG_SECONDS)
        send(threading.get_ident(), signal.SIGUSR1)  # one more of the same, which has been heard
        assert len(sent) >= 2
    finally:
        signal.signal(signal.SIGUSR1, before)
        os.close(reads)
        os.close(writes)


def test_a_job_that_is_ended_alone_pauses_and_the_others_go_on(archive, gates):
    process = start(archive)
    both_at_their_second_file(process)
    os.kill(pid_of(A), signal.SIGTERM)
    gates.open(B)
    gates.open_the_second(A)
    until(lambda: statuses()[A] == "PAUSED")
    gates.open(A)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 3, output
    assert statuses() == {A: "PAUSED", B: "COMPLETED", C: "COMPLETED"}


def test_where_everything_is_paused_no_further_destination_is_begun(archive, gates):
    process = start(archive)
    both_at_their_second_file(process)
    standstill.begin("anna")
    gates.open(A, B)
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 3, output
    assert statuses() == {A: "PAUSED", B: "PAUSED", C: "PENDING"}
    assert f"{C}, " not in output


def test_no_other_run_of_a_source_that_gives_nothing_for_now_is_begun(archive):
    one, other, *_ = runs(archive)
    until_then = datetime(2099, 1, 1, tzinfo=UTC)
    tally = Tally([one, other])
    assert tally.may_begin(other)
    tally.take(one, Outcome(waits_until=until_then))
    assert (tally.may_begin(other), tally.waits_until, tally.completed) == (False, until_then, 0)


# --- how many --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("jobs", ["0", "-1", "abc", "1000", "1.5", ""])
def test_a_wrong_number_of_jobs_is_told_what_would_be_right(archive, jobs):
    with pytest.raises(CommandError, match=rf"argument --jobs: '{jobs}': give 1 to {JOBS_MAX}, how many destinations"):
        call_command("import_archive", "--source", str(archive), "--all", f"--jobs={jobs}")
    assert not ImportCheckpoint.objects.exists()


@pytest.mark.parametrize("of_its_own", ["--jobs=2", "--leave-days"])
@pytest.mark.parametrize("option", ["--queue", "--dry-run", "--list"])
def test_what_is_for_the_command_itself_is_not_taken_for_others(option, of_its_own):
    with pytest.raises(CommandError, match="leave away --queue, --dry-run and --list") as refused:
        call_command("import_archive", "--all", option, of_its_own)
    assert refused.value.returncode == 2


def test_by_default_there_are_as_many_as_cores_and_destinations_where_there_is_much_to_read(archive, monkeypatch):
    monkeypatch.setattr(how_many_jobs, "cores", lambda: 2)
    monkeypatch.setattr(how_many_jobs.threading, "active_count", lambda: 1)  # whatever tests before have left
    works = [Work.of(run) for run in runs(archive)]
    assert [(work.files, work.months) for work in works[1:]] == [(DAYS, {date(2024, 12, 1)})] * 2
    assert how_many(works, None) == 1  # some hundred bytes a file
    large = [replace(work, size_bytes=WORTH_ITS_START_BYTES) for work in works]
    assert how_many(large, None) == 2
    assert how_many([replace(large[0], size_bytes=None), *large[1:]], None) == 1
    assert [how_many(works, asked) for asked in (1, 2, 3, 32)] == [1, 2, 3, 3]
    assert how_many(large[:1], 2) == 1


def test_captures_are_imported_one_after_the_other(archive):
    works = [Work.of(run) for run in runs(archive)]
    for work in works:
        work.run.source.feed = "CAPTURES"
    assert how_many(works, 2) == 1
    said = how_many_jobs.why_one([work.run for work in works])
    assert said == f"only day files of the archive are imported side by side, and {archive} has others"


def test_the_longest_is_first_and_runs_of_one_destination_stay_in_their_order(archive):
    works = [Work.of(run) for run in runs(archive)]
    sized = [replace(work, size_bytes=size) for work, size in zip([*works, works[0]], [5, 12, 7, 9], strict=True)]
    assert [run.destination for run in side_by_side.longest_first(sized)] == [A, A, B, C]


# --- progress --------------------------------------------------------------------------------------------------------
class Terminal(StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def two_works(archive) -> list[Work]:
    return [replace(Work.of(run), size_bytes=size) for run, size in zip(runs(archive)[:2], [300, 100], strict=True)]


def test_a_line_speaks_of_all_jobs_and_what_each_is_at(two_works, monkeypatch):
    monkeypatch.setattr(progress, "LINE_EVERY_SECONDS", 0)
    out = StringIO()
    together = progress.Together(out, two_works)
    one, other = (work.run for work in two_works)
    together.at(one, 3, 1200, key_of(A, DAY))
    together.say(one, ["  3 files read"])
    together.say(one, ["  0 new findings"])
    together.over(one)
    together.say(other, [f"{B}, from here to there", "  imp_1"])
    together.at(other, 2, 300, f"{B}: quality check")
    first, *said, last = out.getvalue().splitlines()
    assert first.startswith("0 of 2 destinations done, 3 of 9 files, 1,200 rows, ")
    assert first.endswith(f" left; at {key_of(A, DAY)}")
    assert said == [f"{A}:", "  3 files read", "  0 new findings", f"{B}, from here to there", "  imp_1"]
    assert last.startswith("1 of 2 destinations done, 5 of 9 files, 1,500 rows, ")
    assert last.endswith(f" left; at {B}: quality check")


def test_on_a_terminal_a_bar_stays_below_what_is_said(two_works):
    out = Terminal()
    together = progress.Together(OutputWrapper(out), two_works)  # which ends with a new line what has none
    together.at(two_works[0].run, 2, 900, key_of(A, DAY))
    together.at(two_works[0].run, 3, 1200, key_of(A, DAY))
    together.say(two_works[0].run, ["  3 files read"])
    together.close()
    assert f"{A}:\n  3 files read\n" in out.getvalue()
    assert out.getvalue().count("\n") == 3  # and that of the bar at its end
    bar = out.getvalue().split("\r")[-1]
    assert "3/9" in bar
    assert "1,200 rows" in bar
    assert "a1111111/2024/12/25" in bar


# --- months ----------------------------------------------------------------------------------------------------------
def meet_at_a_closed_door() -> None:
    door, (read, write) = Door(), os.pipe()
    pid = os.fork()
    if pid == 0:
        door.close()
        os.write(write, b"closed")
        until(lambda: re.search(rf"-> POSIX .* {os.getppid()} ", Path("/proc/locks").read_text()))
        os.write(1, b"opened\n")
        door.open()
        os._exit(0)
    os.read(read, 6)
    door.pass_through()
    os.write(1, b"passed\n")
    os.waitpid(pid, 0)


def test_a_job_waits_at_a_closed_door():
    assert forks.Fork(meet_at_a_closed_door, []).communicate(HANG_SECONDS)[0] == "opened\npassed\n"


def test_a_job_that_changes_the_table_has_the_others_stand_aside(another_session, snapshots):
    """Which they do behind the file in hand: a transaction that is open when the door is closed ends then."""
    loading = another_session()
    loading.cursor().execute("SELECT COUNT(*) FROM ride_status_snapshots")
    heard = []

    class ADoor:
        def close(self) -> None:
            heard.append("closed")
            loading.rollback()

        def open(self) -> None:
            heard.append("opened")

    before = ddl.door.set(ADoor())
    try:
        assert partitions.ensure_months([date(2016, 3, 1)], patience_seconds=HANG_SECONDS) == ["p201603"]
        assert partitions.ensure_months([date(2016, 5, 1)]) == ["p201605"]  # nobody is in the way
    finally:
        ddl.door.reset(before)
    assert heard == ["closed", "opened"]


def test_months_of_all_files_are_made_before_the_jobs_begin(tmp_path, snapshots):
    for destination, *days in ((A, date(2021, 1, 1), date(2021, 5, 31)), (B, date(2025, 1, 1), date(2022, 2, 1))):
        for day in days:
            write_day(tmp_path, hours_of(destination, day), day, destination)
    works = [Work.of(run) for run in runs(tmp_path)]  # which looks into the first file of each
    assert {"p202101", "p202105", "p202202"} & {*snapshots.partition_names()} == {"p202101", "p202202"}
    side_by_side.make_months(works)
    assert snapshots.partition_names()[:6] == [
        "p_before_2021", "p202101", "p_between_202102_202105", "p202105", "p_between_202106_202202", "p202202",
    ]  # fmt: skip
