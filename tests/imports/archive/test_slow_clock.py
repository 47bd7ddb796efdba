"""Events that have not happened yet: a few are the source's fault, most of a file's are our clock's."""

import threading
from datetime import datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from imports.archive.beginning import begin
from imports.archive.pipeline import ImportFailed, run_import
from imports.archive.planning import plan
from imports.archive.request import Request
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.folder import FolderSource
from imports.workers import queue
from imports.workers.import_task import import_slice
from quality.models import DataQualityLog
from tests.imports.building import DAY, DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, event, ride, write_day
from tests.imports.desk import preview, somebody, start
from warehouse.days import midnight
from warehouse.models import Park, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_DESTINATION = "99999999-9999-4999-8999-999999999999"
SLOW = midnight(DAY) - timedelta(days=20)
EVE = midnight(DAY) - timedelta(days=1)  # the file of tomorrow is the last that is a day file
RIGHT = midnight(DAY) + timedelta(days=30)


def import_at(now: datetime, root):
    """An import of everything in `root` on a machine whose clock says `now`; its totals."""
    (run,) = begin(plan(Request(FolderSource(root), everything=True), DAY + timedelta(days=30)), lambda: now)
    assert run_import(run, threading.Event())
    return run.totals


def findings():
    return set(DataQualityLog.objects.values_list("reason", "entity_type", "occurrences"))


def test_a_clock_that_is_slow_stops_the_import_and_nothing_is_called_imported(tmp_path):
    write_day(tmp_path, [event(f"{hour:02}:00:00Z") for hour in range(10, 20)])
    with pytest.raises(ImportFailed, match="the clock of this machine says 2024-12-05 00:00 UTC") as failure:
        import_at(SLOW, tmp_path)
    assert "10 of the 10 events" in str(failure.value)
    assert "2024-12-25 10:00 to 2024-12-25 19:00 UTC" in str(failure.value)
    assert "Set the clock right" in str(failure.value)
    assert not ImportedFile.objects.exists()
    assert not DataQualityLog.objects.exists()
    assert import_at(RIGHT, tmp_path).stored == 10


def test_what_came_before_stays_and_the_import_goes_on_once_the_clock_is_right(tmp_path):
    for n in range(3):
        day = DAY + timedelta(days=n)
        write_day(tmp_path, [event(day=day)], day)
    with pytest.raises(ImportFailed, match=r"2024/12/26\.json\.gz have not happened yet"):
        import_at(midnight(DAY) + timedelta(hours=11), tmp_path)
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.last_processed_date) == ("FAILED", DAY)
    assert "the clock of this machine" in checkpoint.last_error
    assert import_at(RIGHT, tmp_path).stored == 2
    checkpoint.refresh_from_db()
    assert checkpoint.status == "COMPLETED"


@pytest.mark.parametrize("events", [1, 2])
def test_a_small_file_is_enough(tmp_path, events):
    write_day(tmp_path, [event(f"{hour:02}:00:00Z") for hour in range(10, 10 + events)])
    with pytest.raises(ImportFailed, match="the clock of this machine"):
        import_at(SLOW, tmp_path)


def test_a_few_events_of_the_future_in_an_honest_day_are_refused_and_told(tmp_path):
    write_day(tmp_path, [event("10:00:00Z"), event("11:00:00Z"), event("12:00:00Z"), event("13:00:00Z")])
    totals = import_at(midnight(DAY) + timedelta(hours=11, minutes=56), tmp_path)
    assert (totals.stored, totals.rejected) == (3, 1)
    assert findings() == {("future_time", "park", 1)}


def test_times_that_are_nowhere_near_the_files_day_are_the_sources_fault_however_many(tmp_path):
    """A mutated year says nothing of our clock."""
    write_day(tmp_path, [event("10:00:00Z"), *(event(f"2924-12-25T{hour:02}:00:00Z") for hour in range(10, 20))])
    totals = import_at(RIGHT, tmp_path)
    assert (totals.stored, totals.rejected) == (1, 10)


@pytest.fixture
def two_destinations(tmp_path):
    """One whose file has happened by the clock of `slow_machine`, and one whose has not."""
    write_day(tmp_path, [event()])
    day = DAY - timedelta(days=30)
    write_day(tmp_path, [event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day, OTHER_DESTINATION)
    return tmp_path


@pytest.fixture
def slow_machine():
    with time_machine.travel(EVE, tick=True):
        yield


def import_archive(root, *arguments):
    """(exit status, what was said)"""
    out = StringIO()
    try:
        call_command("import_archive", "--source", str(root), *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}\n{error}"
    return 0, out.getvalue()


def import_archive_again(*arguments):
    """The same, of what was begun."""
    out = StringIO()
    try:
        call_command("import_archive", *arguments, stdout=out, stderr=out)
    except CommandError as error:
        return error.returncode, f"{out.getvalue()}\n{error}"
    return 0, out.getvalue()


def test_the_other_destinations_of_all_go_on_and_the_exit_status_says_that_one_did_not(two_destinations, slow_machine):
    status, said = import_archive(two_destinations, "--all")
    assert status == 1
    assert f"{DESTINATION}: Failed: the clock of this machine says 2024-12-24" in said
    assert "1 of 2 destinations failed" in said
    assert set(RideStatusSnapshot.objects.values_list("ride__park__themeparks_wiki_id", flat=True)) == {OTHER_PARK}


def test_a_clock_that_is_weeks_slow_reads_no_file_and_says_why(tmp_path):
    write_day(tmp_path, [event()])
    for wanted in (["--all"], ["--destination", DESTINATION]):
        with time_machine.travel(SLOW, tick=True):
            status, said = import_archive(tmp_path, *wanted)
        assert status == 2
        assert "1 dated after tomorrow by this machine's clock" in said
        assert not ImportedFile.objects.exists()
    assert import_archive(tmp_path, "--all")[0] == 0
    assert RideStatusSnapshot.objects.count() == 1


def test_a_dry_run_says_it_and_goes_on_to_the_other_destinations(two_destinations, slow_machine):
    status, said = import_archive(two_destinations, "--all", "--dry-run")
    assert status == 1
    assert "an import would stop here: the clock of this machine says 2024-12-24" in said
    assert f"park {OTHER_PARK}: 1 event that can be stored" in said


def test_workers_fail_the_import_with_the_same_words(two_destinations, slow_machine):
    Park.objects.create(park_name="A", themeparks_wiki_id=PARK, destination_wiki_id=DESTINATION)
    assert import_archive(two_destinations, "--destination", DESTINATION, "--queue")[0] == 0
    (waiting,) = queue.waiting()
    assert "the clock of this machine says" in import_slice([[waiting.pk, waiting.generation]])
    waiting.refresh_from_db()
    assert (waiting.status, waiting.last_processed_date) == ("FAILED", None)
    assert not ImportedFile.objects.exists()


def test_what_cannot_be_queued_for_the_clock_is_said_and_the_rest_is_queued(two_destinations, slow_machine):
    status, said = import_archive(two_destinations, "--all", "--queue")
    assert (status, "Not queued: the clock of this machine" in said) == (1, True)
    (queued,) = ImportCheckpoint.objects.all()
    assert (queued.destination_wiki_id, queued.queued_at is not None) == (OTHER_DESTINATION, True)


def test_the_page_that_starts_imports_says_it_in_a_line(two_destinations, slow_machine, settings):
    settings.ARCHIVE_URL = str(two_destinations)
    operator = somebody("Operators")
    for ask in (preview, start):
        answer = ask(operator, destination=DESTINATION)
        assert answer.status_code == 200
        assert "the clock of this machine says 2024-12-24" in answer.content.decode()
    assert not ImportCheckpoint.objects.exists()


def test_what_is_gone_on_with_by_a_clock_of_weeks_ago_loses_no_day(tmp_path):
    """The files of days to come are none, and their days were called missing: the import completed without them."""
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day in days:
        write_day(tmp_path, [event(day=day)], day)
    assert import_archive(tmp_path, "--all")[0] == 0
    ImportCheckpoint.objects.update(status="PAUSED", last_processed_date=DAY)
    with time_machine.travel(SLOW, tick=True):
        status, said = import_archive_again("--resume")
        assert (status, "the import was begun for days up to 2024-12-27" in said) == (1, True)
        assert import_archive_again("--resume", "--queue")[0] == 1
    assert set(ImportedFile.objects.values_list("outcome", flat=True)) == {"IMPORTED"}
    assert ImportCheckpoint.objects.get().status == "PAUSED"
    assert import_archive_again("--resume")[0] == 0
    assert ImportCheckpoint.objects.get().status == "COMPLETED"


def test_what_is_gone_on_with_by_a_clock_that_stands_in_its_last_day_loses_none_of_its_hours(tmp_path):
    """Less than half of its events are to come by that clock: they were refused, and the day was called imported."""
    for n in range(2):
        day = DAY + timedelta(days=n)
        write_day(tmp_path, [event(f"{hour:02}:00:00Z", day=day) for hour in range(8, 18)], day)
    assert import_archive(tmp_path, "--all")[0] == 0
    ImportCheckpoint.objects.update(status="PAUSED", last_processed_date=DAY)
    RideStatusSnapshot.objects.filter(recorded_at__gte=midnight(DAY + timedelta(days=1))).delete()
    with time_machine.travel(midnight(DAY) + timedelta(days=1, hours=13, minutes=30), tick=True):
        status, said = import_archive_again("--resume")
        assert (status, "one of the two is wrong" in said) == (1, True)
        assert import_archive_again("--resume", "--queue")[0] == 1
    assert ImportCheckpoint.objects.get().status == "PAUSED"
    assert import_archive_again("--resume")[0] == 0
    assert RideStatusSnapshot.objects.count() == 20
    assert not DataQualityLog.objects.filter(reason="future_time").exists()


# --- rejected events of parks that nobody knows -------------------------------------------------------------------
def test_rejected_events_that_name_a_park_nobody_knows_are_counted_and_told_under_the_destination(tmp_path):
    rejected = [event(f"{hour}:00:00Z", status="ODD") for hour in range(10, 15)]
    write_day(tmp_path, [*rejected, event("12:00:00Z", entity=OTHER_RIDE, park=OTHER_PARK), "nothing"])
    totals = import_at(RIGHT, tmp_path)
    assert (totals.events, totals.stored, totals.rejected) == (7, 1, 6)
    assert findings() == {("unknown_status", "destination", 5), ("malformed_event", "destination", 1)}
    assert {row.entity_key for row in DataQualityLog.objects.all()} == {DESTINATION}
    assert set(Park.objects.values_list("themeparks_wiki_id", flat=True)) == {OTHER_PARK}


def test_they_are_told_where_no_park_is_known_at_all_and_by_the_command_too(tmp_path):
    write_day(tmp_path, [event(f"{hour}:00:00Z", status="ODD") for hour in range(10, 15)])
    status, said = import_archive(tmp_path, "--all", "--dry-run")
    assert (status, "no park that is known: 5 events, none of which can be stored" in said) == (0, True)
    assert "unknown_status: 5" in said
    status, said = import_archive(tmp_path, "--all")
    assert (status, "5 events: 0 stored, 0 already known, 0 duplicates, 5 rejected" in said) == (0, True)
    assert findings() == {("unknown_status", "destination", 5)}


def test_they_are_the_parks_own_once_it_is_known(tmp_path):
    write_day(tmp_path, [event(status="ODD"), event("12:00:00Z", entity=OTHER_RIDE, park=OTHER_PARK)])
    later = DAY + timedelta(days=1)
    write_day(tmp_path, [event(day=later, status="ODD"), event("09:00:00Z", day=later, entity=ride(5))], later)
    last = later + timedelta(days=1)
    write_day(tmp_path, [event(day=last, status="ODD")], last)
    import_at(RIGHT, tmp_path)
    assert findings() == {("unknown_status", "destination", 1), ("unknown_status", "park", 1)}
    theirs = ImportedFile.objects.filter(park__themeparks_wiki_id=PARK)
    assert [row.rejected for row in theirs.order_by("file_date")] == [1, 1]


def test_a_known_park_of_whom_a_file_has_nothing_but_rejected_events_joins(tmp_path):
    """It is in the files of a destination that the catalogue does not name: nobody else would count them."""
    Park.objects.create(park_name="Known", themeparks_wiki_id=PARK, destination_wiki_id=OTHER_DESTINATION)
    write_day(tmp_path, [event(status="ODD")])
    totals = import_at(RIGHT, tmp_path)
    (row,) = ImportedFile.objects.all()
    assert (row.park.themeparks_wiki_id, row.destination_wiki_id, row.rejected) == (PARK, DESTINATION, 1)
    assert (totals.rejected, findings()) == (1, {("unknown_status", "park", 1)})
