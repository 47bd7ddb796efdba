"""Slices: they end with a file, take turns, survive being delivered twice, and give up what can never go on."""

import re
import shutil
import signal
import threading
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now
from django_q.models import OrmQ
from django_q.timeout import TimeoutHandler

from imports.archive.pipeline import run_import
from imports.models import ImportCheckpoint, ImportedFile, ImportStatus
from imports.workers import import_task, queue
from quality.models import OwedCheck
from quality.tasks import check_owed
from tests.emptying import empty_tables
from tests.imports import forks
from tests.imports.building import DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, event, ride, runs, write_day
from tests.imports.gate import Gate
from tests.imports.table_state import table_state
from tests.waiting import HANG_SECONDS, until
from warehouse.models import RideNumbering, RideStatusSnapshot
from warehouse.snapshot_id import RIDE_ID_LIMIT

pytestmark = pytest.mark.django_db(transaction=True)
DAYS = [date(2024, 12, 1) + timedelta(days=n) for n in range(4)]


@pytest.fixture
def archive(tmp_path):
    for day in DAYS:
        write_day(tmp_path, [event(day=day), event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day)
    return tmp_path


@pytest.fixture
def one_file_a_slice(monkeypatch):
    monkeypatch.setattr(import_task, "SLICE_SECONDS", 0)


def queued(archive, *arguments) -> list[ImportCheckpoint]:
    out = StringIO()
    call_command("import_archive", "--source", str(archive), "--all", "--queue", *arguments, stdout=out)
    checkpoints = list(ImportCheckpoint.objects.order_by("checkpoint_id"))
    assert all(checkpoint.import_id in out.getvalue() for checkpoint in checkpoints)
    return checkpoints


def next_message() -> list[list[int]] | None:
    """Take the first slice out of the queue, as a cluster does; the checks of what came in are left there."""
    for row in OrmQ.objects.order_by("id"):
        if row.task["func"] == queue.TASK:
            row.delete()
            return row.task["args"][0]
    return None


def work() -> list[str]:
    """Do what lies in the queue until it is empty; what each slice said."""
    said = []
    while message := next_message():
        said.append(import_task.import_slice(message))
    return said


def test_a_queued_import_is_done_slice_by_slice_for_all_its_parks_at_once(archive, one_file_a_slice):
    queued(archive)
    said = work()
    assert said == ["1 file, 2 rows"] * 3 + ["1 file, 2 rows, completed"]
    assert {checkpoint.status for checkpoint in ImportCheckpoint.objects.all()} == {ImportStatus.COMPLETED}
    assert not ImportCheckpoint.objects.exclude(queued_at=None).exists()
    (left,) = OrmQ.objects.all()
    assert left.task["func"] == "quality.tasks.check_owed"
    assert check_owed(*left.task["args"]).startswith(f"{DAYS[0]} to {DAYS[-1]}: 8 observations read")
    assert not OwedCheck.objects.exists()
    assert check_owed(*left.task["args"]) == "nothing is owed: it was checked already"


def test_what_slices_leave_equals_what_one_run_leaves(archive, one_file_a_slice):
    (run,) = runs(archive)
    run_import(run, threading.Event())
    undisturbed = table_state()
    empty_tables()
    queued(archive)
    work()
    assert table_state() == undisturbed


def test_a_long_enough_slice_does_it_all(archive):
    queued(archive)
    assert work() == ["4 files, 8 rows, completed"]


def test_imports_take_turns(tmp_path, one_file_a_slice):
    destinations = [f"{n}{DESTINATION[1:]}" for n in (7, 8, 9)]
    for n, destination in enumerate(destinations):
        for day in DAYS:
            write_day(tmp_path, [event(day=day, entity=ride(n), park=f"{n}{OTHER_PARK[1:]}")], day, destination)
    queued(tmp_path)
    work()
    order = ImportedFile.objects.order_by("imported_at").values_list("source_file", flat=True)
    assert [file.split("/")[0] for file in order] == destinations * len(DAYS)


def test_a_park_that_first_appears_on_the_way_is_queued_too(tmp_path, one_file_a_slice):
    for n, day in enumerate(DAYS):
        late = [event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)] if n >= 2 else []
        write_day(tmp_path, [event(day=day), *late], day)
    queued(tmp_path)
    work()
    assert ImportCheckpoint.objects.filter(status=ImportStatus.COMPLETED).count() == 2
    assert RideStatusSnapshot.objects.count() == 6


def test_a_message_delivered_twice_does_nothing_the_second_time(archive, one_file_a_slice):
    queued(archive)
    message = next_message()
    import_task.import_slice(message)
    before = table_state()
    assert import_task.import_slice(message).startswith("nothing to do")
    assert table_state() == before
    assert OrmQ.objects.count() == 1, "the second delivery must not multiply the messages"


def test_a_pause_between_slices_holds_and_a_resume_goes_on(archive, one_file_a_slice):
    checkpoints = queued(archive)
    import_task.import_slice(next_message())
    for checkpoint in checkpoints:
        checkpoint.refresh_from_db()
        checkpoint.pause("by somebody")
    assert work() == ["nothing to do: paused, ended or taken over since"]
    assert RideStatusSnapshot.objects.count() == 2
    queue.enqueue(checkpoints)
    work()
    assert RideStatusSnapshot.objects.count() == 8


@pytest.mark.parametrize(("begun", "stop"), [(False, "pause"), (True, "pause"), (True, "fail")])
def test_a_stop_between_a_workers_look_and_its_claim_holds(archive, one_file_a_slice, monkeypatch, begun, stop):
    queued(archive)
    if begun:
        import_task.import_slice(next_message())
    message, look = next_message(), queue.not_stale

    def and_then_somebody_stops_them(message):
        found = look(message)
        for checkpoint in ImportCheckpoint.objects.all():
            getattr(checkpoint, stop)("by somebody")
        return found

    monkeypatch.setattr(queue, "not_stale", and_then_somebody_stops_them)
    import_task.import_slice(message)
    monkeypatch.setattr(queue, "not_stale", look)
    work()
    stopped = {"pause": ImportStatus.PAUSED, "fail": ImportStatus.FAILED}[stop]
    assert set(ImportCheckpoint.objects.values_list("status", "last_error")) == {(stopped, "by somebody")}
    assert RideStatusSnapshot.objects.count() == (2 if begun else 0)


def test_a_slice_that_gets_none_of_its_parks_reads_nothing(archive):
    """Not even for a park that first appears in its first file: whoever has the others meets it there."""
    (run,) = runs(archive)
    run.slice_seconds = import_task.SLICE_SECONDS
    for checkpoint in ImportCheckpoint.objects.all():
        checkpoint.claim("another/1/2/3", queued=True)
    write_day(archive, [event(day=DAYS[0], entity=ride(9), park=f"9{PARK[1:]}")], DAYS[0])
    before, steps = table_state(), []
    assert not run_import(run, threading.Event(), lambda run, step: steps.append(step))
    assert (steps, run.totals.files, run.joined) == ([], 0, [])
    assert table_state() == before
    assert set(ImportCheckpoint.objects.values_list("worker", flat=True)) == {"another/1/2/3"}


def test_a_pause_of_one_park_lets_the_others_go_on(archive, one_file_a_slice):
    first, second = queued(archive)
    import_task.import_slice(next_message())
    first.refresh_from_db()
    first.pause("by somebody")
    work()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.files_processed) == (ImportStatus.PAUSED, 1)
    assert (second.status, second.files_processed) == (ImportStatus.COMPLETED, 4)


def test_an_import_whose_workers_die_again_and_again_fails_and_says_where(archive, one_file_a_slice):
    queued(archive)
    import_task.import_slice(next_message())
    for _ in range(import_task.ATTEMPTS_MAX):
        for checkpoint in queue.not_stale(next_message()):
            checkpoint.claim("another-host/1/1/0", queued=True)
        ImportCheckpoint.objects.update(heartbeat_at=Now() - timedelta(minutes=1))
        queue.dispatch()
    assert work() == ["nothing to do: paused, ended or taken over since"]
    for checkpoint in ImportCheckpoint.objects.all():
        assert checkpoint.status == ImportStatus.FAILED
        assert f"given up after {DESTINATION}/2024/12/01.json.gz: 3 attempts finished no file" in checkpoint.last_error
        assert "another-host/1/1/0 died there without a word" in checkpoint.last_error


def test_slices_of_a_park_that_waits_for_the_others_to_catch_up_are_no_attempts(archive, one_file_a_slice):
    ahead, _ = queued(archive)
    ImportCheckpoint.objects.filter(pk=ahead.pk).update(
        last_processed_date=DAYS[2], last_processed_file=f"{DESTINATION}/2024/12/03.json.gz"
    )
    work()
    ahead.refresh_from_db()
    assert (ahead.status, ahead.last_error) == (ImportStatus.COMPLETED, "")


def test_a_slice_that_takes_too_long_is_put_back_with_its_reason_and_is_an_attempt(archive):
    """A day file that does not come stands for a disk that does not answer."""
    gate = Gate(archive / DESTINATION / "2024/12/02.json.gz")
    (first, _) = queued(archive)
    handler = signal.getsignal(signal.SIGALRM)

    def time_is_up():
        """When the first day is in and the second is waited for, instead of after as many seconds."""
        try:
            until(lambda: ImportCheckpoint.objects.filter(pk=first.pk, last_processed_date=DAYS[0]).exists())
        finally:
            connection.close()
            signal.pthread_kill(threading.main_thread().ident, signal.SIGALRM)

    alarm = threading.Thread(target=time_is_up)
    alarm.start()
    try:
        with pytest.raises(SystemExit, match="maximum timeout"), TimeoutHandler(2 * HANG_SECONDS):
            import_task.import_slice(next_message())
    finally:
        alarm.join()
        signal.signal(signal.SIGALRM, handler)
        gate.open()  # lets the reading thread go
    first.refresh_from_db()
    assert (first.status, first.worker, first.attempts) == (ImportStatus.IN_PROGRESS, "", 0)
    assert first.last_processed_date == DAYS[0]
    assert "maximum timeout" in first.last_error
    assert OrmQ.objects.count() == 1


def test_a_source_that_is_gone_fails_the_import_instead_of_making_its_days_missing(archive, one_file_a_slice):
    queued(archive)
    import_task.import_slice(next_message())
    shutil.rmtree(archive)
    (said,) = work()
    assert said.startswith("failed:")
    for checkpoint in ImportCheckpoint.objects.all():
        assert checkpoint.status == ImportStatus.FAILED
        assert "no such folder" in checkpoint.last_error
    assert not ImportedFile.objects.filter(outcome="MISSING").exists()


def test_an_import_that_breaks_fails_with_its_reason_and_is_dispatched_no_more(archive):
    queued(archive)
    RideNumbering.objects.update_or_create(numbering_id=1, defaults={"last_ride_id": RIDE_ID_LIMIT - 1})
    (said,) = work()
    assert re.match(r"failed: ride_id 104857\d does not fit", said)
    assert set(ImportCheckpoint.objects.values_list("status", flat=True)) == {ImportStatus.FAILED}
    assert (queue.dispatch(), RideStatusSnapshot.objects.count()) == (0, 0)


def test_the_command_hands_what_waits_to_the_workers(archive):
    (run,) = runs(archive)
    call_command("import_archive", "--resume", "--queue", stdout=StringIO())
    assert next_message() == [[checkpoint.pk, 0] for checkpoint in run.checkpoints]


def test_a_resume_of_all_leaves_alone_what_is_queued(archive):
    queued(archive)
    out = StringIO()
    call_command("import_archive", "--resume", stdout=out)
    assert "Nothing waits to be resumed" in out.getvalue()
    call_command("import_archive", "--list", stdout=out)
    assert out.getvalue().count("    queued") == 2
    assert "go on with" not in out.getvalue()


def test_queueing_twice_is_refused_in_one_clear_line(archive):
    queued(archive)
    with pytest.raises(CommandError, match="is queued already"):
        queued(archive)


def test_a_dry_run_is_not_queued(archive):
    with pytest.raises(CommandError, match="leave away --dry-run"):
        queued(archive, "--dry-run")


def test_an_import_without_a_known_park_cannot_be_queued(tmp_path):
    write_day(tmp_path, [], DAYS[0])
    with pytest.raises(CommandError, match="No park is known of"):
        queued(tmp_path)
    assert forks.run("import_archive", "--source", tmp_path, "--all")[0] == 0
