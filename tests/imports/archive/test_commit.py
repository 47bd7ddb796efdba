"""A file's transaction that does not go through at once: what is there afterwards is there once, and was told once."""

import random
import threading
from datetime import timedelta

import MySQLdb
import pytest
from django.core.management import call_command
from django.db import connection

from imports.archive.pipeline import ImportFailed, run_import
from imports.models import ImportCheckpoint
from quality.models import DataQualityLog
from tests.cutting_proxy import cutting_proxy
from tests.emptying import empty_tables
from tests.imports.building import (
    DAY,
    OTHER_PARK,
    OTHER_RIDE,
    PARK,
    RIDE,
    event,
    import_all,
    ride,
    runs,
    write_day,
)
from tests.imports.in_the_way import DEADLOCK, LOCK_WAIT_TIMEOUT, deadlock, locked
from tests.imports.table_state import table_state
from tests.waiting import HANG_SECONDS, until
from warehouse.models import Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)

NEXT_DAY = DAY + timedelta(days=1)
FILE_IS_DONE = r"UPDATE .?import_checkpoints.? SET .*last_processed_date"


@pytest.fixture
def short_pauses(monkeypatch):
    """Between two tries: the least of those that chance may choose."""
    monkeypatch.setattr(random, "uniform", lambda least, most: least)


def dangling_snapshots() -> int:
    return RideStatusSnapshot.objects.exclude(ride_id__in=Ride.objects.values("ride_id")).count()


# --- the server goes away at the COMMIT -----------------------------------------------------------------------------
@pytest.fixture
def archive(tmp_path):
    """A day file, one that is missing, one that cannot be read, and one more."""
    call_command(
        "create_sample_archive", str(tmp_path), days=4, events_per_day=400, destinations=1, start=DAY, verbosity=0
    )
    _, second, third, _ = sorted(tmp_path.rglob("*.json.gz"))
    second.unlink()
    third.write_bytes(b"no file at all")
    return tmp_path


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_whose_answer_is_lost_counts_once_whether_it_was_made_or_not(archive, short_pauses, moment):
    undisturbed_totals = import_all(archive)
    undisturbed = table_state()
    assert (undisturbed_totals.files, undisturbed_totals.stored) == (3, 800)
    empty_tables()

    (run,) = runs(archive)
    cuts = []

    def cut_the_next(run=None, step=None):
        cuts.append(proxy.cut(moment, "COMMIT", behind=FILE_IS_DONE))

    with cutting_proxy(connection) as proxy, proxy.between(connection):
        cut_the_next()
        assert run_import(run, threading.Event(), cut_the_next)
    assert [cut.happened.is_set() for cut in cuts] == [True] * 4 + [False]
    assert run.totals == undisturbed_totals
    assert table_state() == undisturbed
    assert not ImportCheckpoint.objects.exclude(status="COMPLETED").exists()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_whose_answer_is_lost_is_asked_for_as_soon_as_the_server_is_back(tmp_path, short_pauses, moment):
    """It stays away for so long that nobody can ask at once what became of the COMMIT."""
    write_day(tmp_path, [event(), event("11:00:00Z")])
    (run,) = runs(tmp_path)
    with cutting_proxy(connection) as proxy, proxy.between(connection):
        proxy.cut(moment, "COMMIT", behind=FILE_IS_DONE, refuse=5)
        assert run_import(run, threading.Event())
    assert proxy.refused == 5
    assert (run.totals.files, run.totals.stored, run.left) == (1, 2, [])
    assert RideStatusSnapshot.objects.count() == ImportCheckpoint.objects.get().records_imported == 2
    assert dangling_snapshots() == 0


def test_a_commit_that_reaches_the_server_after_it_was_missed_is_waited_for(tmp_path, short_pauses):
    """The server has not noticed that its session is cut off, and the COMMIT is on its way still. Asked without a lock
    it said no, and the file that was done again found its checkpoint moved, as if another worker had it."""
    write_day(tmp_path, [event(), event("11:00:00Z")])
    (run,) = runs(tmp_path)
    with cutting_proxy(connection) as proxy, proxy.between(connection):
        cut = proxy.cut("late", "COMMIT", behind=FILE_IS_DONE)

        def deliver_when_it_is_missed() -> None:
            cut.happened.wait(HANG_SECONDS)
            until(somebody_waits, every_seconds=0.2)
            cut.deliver.set()

        postman = threading.Thread(target=deliver_when_it_is_missed)
        postman.start()
        assert run_import(run, threading.Event())
        postman.join()
    assert (run.totals.files, run.totals.stored, run.left) == (1, 2, [])
    assert RideStatusSnapshot.objects.count() == 2


def somebody_waits() -> bool:
    with MySQLdb.connect(**connection.get_connection_params()) as watcher:
        return bool(
            watcher.cursor().execute(
                "SELECT 1 FROM information_schema.innodb_trx t JOIN information_schema.processlist p "
                "ON p.id = t.trx_mysql_thread_id WHERE t.trx_state = 'LOCK WAIT' AND p.db = DATABASE()"
            )
        )


# --- others are in the way ------------------------------------------------------------------------------------------
KNOWN, NEW, UNKNOWN = ride(1), ride(2), ride(3)
# A ride that is new, a park and a ride that are called otherwise than before, and issues of each origin: of an event
# alone, of one whose park is that of its known ride (both of one reason), of two events together, and of no park.
EVENTS = [
    event(day=NEXT_DAY, entity=NEW),
    event(day=NEXT_DAY, entity=NEW),
    event("11:00:00Z", day=NEXT_DAY, status="ODD"),
    event("12:00:00Z", day=NEXT_DAY, entity=KNOWN, park=None, status="ODD"),
    event("13:00:00Z", day=NEXT_DAY, entity=UNKNOWN, park=None),
    event("14:00:00Z", day=NEXT_DAY, entity=UNKNOWN, park=None, status="ODD"),
    event("15:00:00Z", day=NEXT_DAY, entity=KNOWN, name="Renamed", parkSlug="renamed", timezone="Europe/Paris"),
]
ISSUES = {
    ("duplicate_event", "park", 1),
    ("unknown_status", "park", 2),
    ("missing_park", "destination", 1),
    ("unknown_status", "destination", 1),
}


@pytest.fixture
def undisturbed(tmp_path):
    """Totals and tables of an import of these events that nobody stands in the way of; the file before it is in."""
    write_day(tmp_path, [event(), event(entity=KNOWN)])
    write_day(tmp_path, EVENTS, NEXT_DAY)
    import_all(tmp_path, last=DAY)
    totals = import_all(tmp_path, first=NEXT_DAY)
    tables = table_state()
    empty_tables()
    import_all(tmp_path, last=DAY)
    return totals, tables


def test_a_file_that_is_done_again_after_a_deadlock_leaves_no_ride_and_no_issue_of_its_first_attempt(
    tmp_path, undisturbed
):
    with deadlock() as said:
        totals = import_all(tmp_path, first=NEXT_DAY)
    assert said == [DEADLOCK, 0]
    assert (totals, table_state()) == undisturbed
    assert set(DataQualityLog.objects.values_list("reason", "entity_type", "occurrences")) == ISSUES
    assert dangling_snapshots() == 0


def test_a_file_is_tried_six_times_and_the_sixth_may_be_the_one(tmp_path, undisturbed, short_pauses):
    with locked(5) as said:
        totals = import_all(tmp_path, first=NEXT_DAY)
    assert said == [LOCK_WAIT_TIMEOUT] * 5 + [0]
    assert (totals, table_state()) == undisturbed
    assert dangling_snapshots() == 0


def test_a_file_that_is_locked_a_sixth_time_fails_the_import_with_nothing_of_it_stored(
    tmp_path, undisturbed, short_pauses
):
    before = table_state()
    (run,) = runs(tmp_path, first=NEXT_DAY)
    with locked(6) as said, pytest.raises(ImportFailed, match="Lock wait timeout"):
        run_import(run, threading.Event())
    assert said == [LOCK_WAIT_TIMEOUT] * 6
    assert table_state() == before
    checkpoint = ImportCheckpoint.objects.first()
    assert (checkpoint.status, checkpoint.files_processed) == ("FAILED", 0)
    assert "Lock wait timeout" in checkpoint.last_error


def test_a_ride_of_a_file_that_is_done_again_without_a_park_that_left_is_made_again(tmp_path):
    write_day(tmp_path, [event(), event(entity=OTHER_RIDE, park=OTHER_PARK)])
    for n in (1, 2):
        day = DAY + timedelta(days=n)
        write_day(tmp_path, [event(day=day, entity=ride(n)), event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day)
    (run,) = runs(tmp_path)

    def pause_the_other_park(run, step):
        if step.day == DAY:
            ImportCheckpoint.objects.get(park__themeparks_wiki_id=OTHER_PARK).pause("by an operator")

    assert not run_import(run, threading.Event(), pause_the_other_park)
    assert ImportCheckpoint.objects.get(park__themeparks_wiki_id=PARK).status == "COMPLETED"
    assert RideStatusSnapshot.objects.count() == 4
    assert set(Ride.objects.values_list("themeparks_wiki_id", flat=True)) == {
        RIDE, OTHER_RIDE, ride(1), ride(2),
    }  # fmt: skip
    assert dangling_snapshots() == 0
