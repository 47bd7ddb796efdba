"""--replace-live: which LIVE rows give way to a day of the archive, and that the default keeps both."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from imports.archive.pipeline import run_import
from imports.live import collector
from imports.live.api import ThemeParksApi
from imports.models import ImportCheckpoint, ImportedFile
from tests.imports.api_world import World
from tests.imports.building import (
    DAY,
    DESTINATION,
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
from tests.imports.fault_server import fault_server
from warehouse.instants import milliseconds_of
from warehouse.models import DataSource, Park, QueueData, Ride, RideStatusSnapshot
from warehouse.partitioning import partitions
from warehouse.rides import sightings
from warehouse.rides.stays import Sighting
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def parks():
    """Two parks of one destination with a ride each, in New York (UTC-5 on the day)."""
    partitions.ensure(DAY, DAY)  # LIVE rows are written by hand here
    made = [
        Park.objects.create(
            park_name=name, themeparks_wiki_id=uuid, destination_wiki_id=DESTINATION, timezone="America/New_York"
        )
        for name, uuid in (("A park", PARK), ("Another", OTHER_PARK))
    ]
    for park, uuid in zip(made, (RIDE, OTHER_RIDE), strict=True):
        Ride.objects.create(park=park, ride_name=uuid, themeparks_wiki_id=uuid)
    return made


def live_row(instant: str, uuid: str = RIDE) -> None:
    """A LIVE snapshot with a queue row; `instant` is UTC."""
    at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    known = Ride.objects.get(themeparks_wiki_id=uuid)
    snapshot_id = snapshot_id_of(known.pk, milliseconds_of(at))
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id, ride=known, recorded_at=at, status="OPERATING", computed_is_open=True
    )
    QueueData.objects.create(snapshot_id=snapshot_id, queue_type="SINGLE_RIDER", wait_time_minutes=5)


def rows(source: str) -> list[str]:
    found = RideStatusSnapshot.objects.filter(data_source=source).order_by("recorded_at", "ride_id")
    return [f"{row.recorded_at:%Y-%m-%d %H:%M}" for row in found]


def test_by_default_both_are_kept(parks, tmp_path):
    live_row("2024-12-25 12:00")
    write_day(tmp_path, [event("12:01:00Z")])
    import_all(tmp_path)
    assert (rows("LIVE"), rows("ARCHIVE")) == (["2024-12-25 12:00"], ["2024-12-25 12:01"])
    assert ImportedFile.objects.get(park=parks[0]).live_replaced is None


def test_the_live_rows_of_the_day_give_way_with_their_queue_rows(parks, tmp_path):
    for instant in ("2024-12-24 23:59", "2024-12-25 12:00", "2024-12-25 12:01", "2024-12-25 23:58", "2024-12-26 12:00"):
        live_row(instant)
    live_row("2024-12-25 12:00", OTHER_RIDE)
    write_day(tmp_path, [event("01:00:00Z"), event("12:01:00Z"), event("15:00:00Z")])
    totals = import_all(tmp_path, replace_live=True)
    assert (totals.stored, totals.live_replaced) == (3, 3)
    assert rows("LIVE") == ["2024-12-24 23:59", "2024-12-25 12:00", "2024-12-26 12:00"]  # the second: another park
    assert rows("ARCHIVE") == ["2024-12-25 01:00", "2024-12-25 12:01", "2024-12-25 15:00"]
    assert QueueData.objects.count() == 3
    assert ImportedFile.objects.get(park=parks[0]).live_replaced == 3
    assert ImportedFile.objects.get(park=parks[1]).live_replaced == 0


def test_a_file_of_the_parks_own_day_replaces_that_day(parks, tmp_path):
    """Midnight in New York is 05:00 UTC: what lies before belongs to another file, which may not be there yet."""
    for instant in ("2024-12-25 04:00", "2024-12-25 06:00", "2024-12-26 04:00", "2024-12-26 06:00"):
        live_row(instant)
    write_day(tmp_path, [event("06:01:00Z"), event("2024-12-26T03:00:00Z"), event("2024-12-26T04:30:00Z")])
    import_all(tmp_path, replace_live=True)
    assert rows("LIVE") == ["2024-12-25 04:00", "2024-12-26 06:00"]


def test_a_park_of_which_the_file_has_nothing_keeps_its_live_rows(parks, tmp_path):
    live_row("2024-12-25 12:00", OTHER_RIDE)
    write_day(tmp_path, [event("12:01:00Z"), event("2024-10-01T12:00:00Z", entity=OTHER_RIDE, park=OTHER_PARK)])
    import_all(tmp_path, replace_live=True)
    assert rows("LIVE") == ["2024-12-25 12:00"]


def test_the_live_rows_of_a_ride_that_moved_are_its_new_parks(parks, tmp_path):
    """The day before the move is the first park's and stays; those after it give way to the other park's day."""
    live_row("2024-12-25 12:00")
    known, at = Ride.objects.get(themeparks_wiki_id=RIDE), milliseconds_of(datetime(2024, 12, 26, 11, tzinfo=UTC))
    with transaction.atomic():
        sightings.note({known.pk: [Sighting(date(2024, 12, 26), parks[1].pk, at, at)]})  # as the live collector had it
    live_row("2024-12-26 12:00")
    day = DAY + timedelta(days=1)
    write_day(
        tmp_path, [event("11:59:00Z", day=day, park=OTHER_PARK), event("13:00:00Z", day=day, entity=ride(7))], day
    )
    import_all(tmp_path, replace_live=True)
    assert rows("LIVE") == ["2024-12-25 12:00"]
    replaced = dict(ImportedFile.objects.values_list("park__themeparks_wiki_id", "live_replaced"))
    assert replaced == {PARK: 0, OTHER_PARK: 1}


def test_a_repeated_import_without_the_option_remembers_what_was_replaced(parks, tmp_path):
    live_row("2024-12-25 12:00")
    write_day(tmp_path, [event("12:01:00Z")])
    import_all(tmp_path, replace_live=True)
    import_all(tmp_path)
    assert ImportedFile.objects.get(park=parks[0]).live_replaced == 1


def test_a_stopped_import_goes_on_replacing(parks, tmp_path):
    for n in range(3):
        live_row(f"2024-12-{25 + n} 12:00")
        write_day(tmp_path, [event("12:01:00Z", day=DAY + timedelta(days=n))], DAY + timedelta(days=n))
    (run,) = runs(tmp_path, replace_live=True)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    assert rows("LIVE") == ["2024-12-26 12:00", "2024-12-27 12:00"]
    assert set(ImportCheckpoint.objects.values_list("replace_live", flat=True)) == {True}
    call_command("import_archive", resume=[], verbosity=0)
    assert rows("LIVE") == []


def test_the_live_collector_does_not_bring_replaced_rows_back(parks, tmp_path, settings):
    world = World()
    world.live[DESTINATION] = [
        {"id": uuid, "name": uuid, "entityType": "ATTRACTION", "parkId": park, "status": "CLOSED", "lastUpdated": at}
        for uuid, park, at in (
            (RIDE, PARK, "2024-12-25T12:00:00Z"),
            (ride(7), PARK, "2024-12-26T12:00:00Z"),
            (OTHER_RIDE, OTHER_PARK, "2024-12-25T12:00:00Z"),
        )
    ]
    write_day(tmp_path / "archive", [event("12:01:00Z")])
    import_all(tmp_path / "archive", replace_live=True)
    Park.objects.filter(pk=parks[1].pk).update(destination_wiki_id=DESTINATION)
    ImportedFile.objects.filter(park=parks[1]).delete()  # the other park was never imported
    settings.THEMEPARKS_CACHE_DIR, settings.THEMEPARKS_REQUESTS_PER_MINUTE = str(tmp_path / "cache"), 60_000
    with fault_server(world.answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        collection = collector.collect(ThemeParksApi(), [DESTINATION], lambda: datetime(2024, 12, 27, tzinfo=UTC))
    assert (collection.failures, collection.stored, collection.already_known) == ([], 2, 1)
    assert rows(DataSource.LIVE) == ["2024-12-25 12:00", "2024-12-26 12:00"]
    assert not RideStatusSnapshot.objects.filter(data_source="LIVE", ride__themeparks_wiki_id=RIDE).exists()


def test_the_command_takes_the_option_and_says_what_went(parks, tmp_path, capsys):
    live_row("2024-12-25 12:00")
    write_day(tmp_path, [event("12:01:00Z")])
    call_command("import_archive", source=str(tmp_path), all=True, replace_live=True, first=date(2024, 12, 25))
    assert "1 LIVE row gave way" in capsys.readouterr().out
    assert rows("LIVE") == []
    with pytest.raises(CommandError, match="--resume goes on with what was begun"):
        call_command("import_archive", resume=[], replace_live=True)
