"""Files that are imported again: known without being looked into where nothing is lost by it, read anew where it is."""

import threading
from datetime import timedelta

import pytest
from django.db import connection

from imports.archive.pipeline import run_import
from imports.archive.run import ImportRun
from imports.events import rules
from imports.models import ImportCheckpoint, ImportedFile
from quality.models import DataQualityLog
from tests.imports.building import DAY, OTHER_PARK, event, import_all, ride, runs, write_day
from tests.imports.table_state import table_state
from warehouse.days import midnight
from warehouse.models import Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)

DAYS = 6
LEDGER = [
    "file_date", "park", "outcome", "sha256", "size_bytes", "all_parks", "events_read", "stored", "already_known",
    "duplicates", "rejected", "replaced", "withdrawn", "live_replaced", "read_by", "checkpoint__start_date",
]  # fmt: skip


def day(n: int):
    return DAY + timedelta(days=n)


@pytest.fixture
def archive(tmp_path):
    for n in range(DAYS):
        events = [event(day=day(n)), event("11:00:00Z", day=day(n), entity=ride(n % 2)), event("12:00:00Z", day=DAY)]
        write_day(tmp_path, events[: 2 + (n == 0)], day(n))
    assert import_all(tmp_path).stored == 2 * DAYS + 1
    return tmp_path


def ledger() -> list[tuple]:
    return list(ImportedFile.objects.order_by("file_date", "park").values_list(*LEDGER))


def test_nothing_is_read_twice_and_all_that_is_written_down_is_as_if_it_had_been(archive, monkeypatch):
    with monkeypatch.context() as read_all:
        read_all.setattr(ImportRun, "may_know_files_again", False)
        read = import_all(archive)
        as_read, state = ledger(), table_state()
    known = import_all(archive)
    assert (known.unchanged, known.already_known, known.stored) == (DAYS, 2 * DAYS + 1, 0)
    known.unchanged = 0
    assert known == read
    assert (ledger(), table_state()) == (as_read, state)
    newest = ImportCheckpoint.objects.order_by("pk").last()
    assert set(ImportedFile.objects.values_list("checkpoint", flat=True)) == {newest.pk}
    assert (newest.status, newest.files_processed, newest.last_processed_date) == ("COMPLETED", DAYS, day(DAYS - 1))


def test_a_row_that_is_gone_comes_back(archive):
    lost = RideStatusSnapshot.objects.get(recorded_at=f"{day(3)} 11:00:00Z")
    before = table_state()["snapshots"]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ride_status_snapshots WHERE snapshot_id = %s", [lost.pk])
    totals = import_all(archive)
    assert (totals.stored, totals.unchanged) == (1, DAYS - 1)
    assert table_state()["snapshots"] == before


def test_a_row_far_from_its_file_is_looked_for_too(tmp_path):
    far = event("12:00:00Z", day=day(-200))
    for n in range(3):
        write_day(tmp_path, [event(day=day(n)), *([far] if n == 1 else [])], day(n))
    import_all(tmp_path)
    assert import_all(tmp_path).unchanged == 3
    RideStatusSnapshot.objects.filter(recorded_at__lt=midnight(DAY)).delete()
    assert import_all(tmp_path).stored == 1


def test_other_rules_read_all_anew(archive, monkeypatch):
    monkeypatch.setattr(rules, "VERSION", 0)
    assert import_all(archive).unchanged == 0
    assert import_all(archive).unchanged == DAYS


def test_another_limit_of_waits_is_another_rule(archive, settings):
    settings.WAIT_TIME_MAX_MINUTES = 299
    assert import_all(archive).unchanged == 0


def test_a_file_of_which_there_was_something_to_tell_is_read_anew_and_told_again(archive):
    write_day(archive, [event(day=day(2)), event(day=day(2), eventTime="nonsense")], day(2))
    import_all(archive)
    DataQualityLog.objects.update(resolution_status="RESOLVED")
    totals = import_all(archive)
    assert (totals.unchanged, totals.rejected) == (DAYS - 1, 1)
    assert DataQualityLog.objects.get(reason="malformed_time").resolution_status == "OPEN"


def test_a_file_whose_ride_has_moved_since_is_read_anew(archive):
    write_day(archive, [event(day=day(DAYS), entity=ride(1), park=OTHER_PARK)], day(DAYS))
    import_all(archive)
    assert import_all(archive).unchanged == DAYS // 2  # the days on which the other ride was heard


def test_a_file_whose_ride_was_given_to_another_park_by_hand_is_read_anew(archive):
    other = import_other_park(archive)
    Ride.objects.filter(themeparks_wiki_id=ride(1)).update(park=other, hand_set=["park_id"])
    assert import_all(archive).unchanged < DAYS


def import_other_park(archive) -> int:
    write_day(archive, [event(day=day(DAYS), entity=ride(8), park=OTHER_PARK)], day(DAYS))
    import_all(archive)
    return Ride.objects.get(themeparks_wiki_id=ride(8)).park_id


def test_a_file_that_was_touched_is_known_and_its_listing_is_kept(archive):
    touched = sorted(archive.rglob("*.gz"))[2]
    touched.touch()
    assert import_all(archive).unchanged == DAYS
    kept = ImportedFile.objects.get(file_date=day(2)).modified_at
    assert abs(kept.timestamp() - touched.stat().st_mtime) < 0.001


def test_an_import_that_is_stopped_goes_on_where_it_was(archive):
    (run,) = runs(archive)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    assert (run.totals.files, run.checkpoints[0].last_processed_date) == (1, DAY)
    (again,) = runs(archive)
    assert run_import(again, threading.Event())
    assert again.totals.files == DAYS - 1
