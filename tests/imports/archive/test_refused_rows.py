"""A row that the server refuses although every check had passed costs itself: not its file, nor the days behind it."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.db import connection

from imports.archive.pipeline import ImportFailed, run_import
from imports.loading import loader, refusal
from imports.models import ImportCheckpoint, ImportedFile
from quality.models import DataQualityLog
from tests.imports.building import DAY, OTHER_PARK, OTHER_RIDE, PARK, event, import_all, ride, runs, write_day
from warehouse.models import QueueData, Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(params=["LOAD DATA", "INSERT"])
def way(request, settings, monkeypatch):
    """How rows are sent."""
    if request.param == "INSERT":
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "local_infile", False)
    return request.param


@pytest.fixture
def constraint():
    """A constraint that somebody adds to a table, as long as the test lasts."""

    @contextmanager
    def _constraint(table: str, condition: str):
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT made_by_a_test CHECK ({condition})")
        try:
            yield
        finally:
            with connection.cursor() as cursor:
                cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT made_by_a_test")

    return _constraint


def waits(n: int, *, day=DAY, **changes) -> list[dict]:
    """`n` events, a minute and a minute of wait apart: 0, 1, 2, ..."""
    return [
        event(f"{10 + minute // 60}:{minute % 60:02}:00Z", day=day, queue={"STANDBY": {"waitTime": minute}}, **changes)
        for minute in range(n)
    ]


def ledger() -> list[tuple]:
    return list(
        ImportedFile.objects.order_by("file_date", "park__themeparks_wiki_id").values_list(
            "outcome", "events_read", "stored", "already_known", "duplicates", "rejected"
        )
    )


def test_a_refused_row_is_found_told_and_left_out(tmp_path, way, constraint):
    for day, count in ((DAY, 40), (DAY + timedelta(days=1), 3)):
        write_day(
            tmp_path, [*waits(count, day=day), event("09:00:00Z", day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day
        )
    with constraint("ride_status_snapshots", "wait_time NOT IN (13, 30)"):
        totals = import_all(tmp_path)
    assert ledger() == [("IMPORTED", 40, 38, 0, 0, 2), *[("IMPORTED", n, n, 0, 0, 0) for n in (1, 3, 1)]]
    assert (totals.stored, totals.rejected) == (43, 2)
    assert {checkpoint.status for checkpoint in ImportCheckpoint.objects.all()} == {"COMPLETED"}
    found = DataQualityLog.objects.get()
    assert (found.reason, found.park.themeparks_wiki_id, found.occurrences) == ("refused_row", PARK, 2)
    assert [example["eventTime"][11:16] for example in found.evidence["examples"]] == ["10:13", "10:30"]
    assert "made_by_a_test" in found.evidence["examples"][0]["value"]
    assert not RideStatusSnapshot.objects.filter(wait_time__in=(13, 30)).exists()
    assert import_all(tmp_path).stored == 2  # the constraint is gone


def test_a_refused_queue_takes_its_event_with_it(tmp_path, way, constraint):
    queue = {"STANDBY": {"waitTime": 5}, "SINGLE_RIDER": {"waitTime": 13}}
    write_day(tmp_path, [*waits(4), event("09:00:00Z", queue=queue)])
    with constraint("queue_data", "wait_time_minutes <> 13"):
        import_all(tmp_path)
    assert ledger() == [("IMPORTED", 5, 4, 0, 0, 1)]
    assert not QueueData.objects.exists()


def test_a_value_that_got_around_the_checks_costs_its_row(tmp_path, way, monkeypatch):
    write_day(tmp_path, waits(8))
    (run,) = runs(tmp_path)
    send = loader.load

    def bend(rows, data_source):
        for row in rows.values():
            if "\t5\t" in row.state:
                row.recorded_at = "2024-W52-3 10:05:00"
        send(rows, data_source)

    monkeypatch.setattr(refusal, "load", bend)
    assert run_import(run, threading.Event())
    assert ledger() == [("IMPORTED", 8, 7, 0, 0, 1)]
    assert "recorded_at" in DataQualityLog.objects.get().evidence["examples"][0]["value"]


def test_where_the_table_refuses_all_nothing_is_lost(tmp_path, constraint):
    write_day(tmp_path, waits(refusal.REFUSED_MAX + 1))
    (run,) = runs(tmp_path)
    with (
        constraint("ride_status_snapshots", "wait_time < 0"),
        pytest.raises(ImportFailed, match="more than 100 rows of one file, so it is the table"),
    ):
        run_import(run, threading.Event())
    assert ledger() == []
    assert not DataQualityLog.objects.exists()
    assert import_all(tmp_path).stored == refusal.REFUSED_MAX + 1


def test_files_that_are_tried_one_by_one_make_their_new_rides_anew(tmp_path, constraint):
    """Together they are refused more than 100 rows, and all that was made for them is taken back."""
    write_day(tmp_path, waits(3))
    for n in (1, 2):
        day = DAY + timedelta(days=n)
        write_day(tmp_path, waits(80, day=day, entity=ride(n)), day)
    with constraint("ride_status_snapshots", "wait_time < 20"):
        totals = import_all(tmp_path)
    assert (totals.stored, totals.rejected) == (3 + 20 + 20, 60 + 60)
    stored_of = set(RideStatusSnapshot.objects.values_list("ride_id", flat=True))
    assert stored_of == set(Ride.objects.values_list("ride_id", flat=True))
    assert len(stored_of) == 3


def test_queue_rows_without_a_snapshot_give_way_to_those_of_the_file(tmp_path, way):
    write_day(tmp_path, [event(queue={"SINGLE_RIDER": {"waitTime": 5}}), event("11:00:00Z")])
    import_all(tmp_path)
    RideStatusSnapshot.objects.all().delete()
    QueueData.objects.update(wait_time_minutes=99)
    assert import_all(tmp_path).stored == 2
    assert QueueData.objects.get().wait_time_minutes == 5
