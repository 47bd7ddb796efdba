"""--replace-live: which LIVE rows give way to a day of the archive, and that the default keeps both."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from imports.api.themeparks import ThemeParksApi
from imports.archive.pipeline import run_import
from imports.live import collector
from imports.models import ImportCheckpoint, ImportedFile
from quality.models import DataQualityLog
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


# --- a day that holds far less ------------------------------------------------------------------------------------
HOURS = range(9, 21)


def live_day(rides=(RIDE,), hours=HOURS) -> int:
    """A LIVE row of each ride every 10 minutes of these hours (UTC); how many."""
    for uuid in rides:
        for hour in hours:
            for minute in range(0, 60, 10):
                live_row(f"2024-12-25 {hour:02}:{minute:02}", uuid)
    return len(rides) * len(hours) * 6


def archive_day(hours=HOURS, rides=(RIDE,), every_minutes=10) -> list[dict]:
    return [
        event(f"{hour:02}:{minute:02}:30Z", entity=uuid)
        for uuid in rides
        for hour in hours
        for minute in range(0, 60, every_minutes)
    ]


def more_rides(park: Park, count: int) -> list[str]:
    made = [ride(n) for n in range(1, count + 1)]
    Ride.objects.bulk_create(Ride(park=park, ride_name=uuid, themeparks_wiki_id=uuid) for uuid in made)
    return made


def test_a_day_that_collapsed_to_five_events_takes_no_live_row_away_unless_forced(parks, tmp_path):
    many = live_day()
    write_day(tmp_path, archive_day()[20:25])
    totals = import_all(tmp_path, replace_live=True)
    assert (totals.stored, totals.live_replaced, totals.live_kept) == (5, 0, many)
    assert (len(rows("LIVE")), len(rows("ARCHIVE"))) == (many, 5)
    ledger = ImportedFile.objects.get(park=parks[0])
    assert (ledger.live_replaced, ledger.live_kept) == (0, many)
    finding = DataQualityLog.objects.get(reason="sparse_archive_day")
    command = f"import_archive --park {parks[0].themeparks_wiki_id} --from {DAY} --to {DAY} --replace-live --force"
    assert finding.description == (
        "A park, 2024-12-25: the file holds 5 observations of 1 ride in 2 hours, the live collector 72 observations of "
        "1 ride in 12 hours; the 72 LIVE rows stay beside the archive's. If the file is right:  "
        f"manage.py {command} --source {tmp_path}"
    )
    assert (finding.occurrences, finding.park, finding.source_file) == (many, parks[0], ledger.source_file)

    call_command(*finding.description.split("manage.py ")[1].split(), verbosity=0)
    assert (len(rows("LIVE")), len(rows("ARCHIVE"))) == (0, 5)
    assert not QueueData.objects.exists()
    ledger.refresh_from_db()
    assert (ledger.live_replaced, ledger.live_kept) == (many, None)
    finding.refresh_from_db()
    assert finding.resolution_status == "RESOLVED"


@pytest.mark.parametrize(
    ("hours", "every_minutes", "gives_way"),
    [
        (HOURS, 20, True),  # half of the observations, of all hours
        (HOURS, 30, False),  # a third of them
        (range(9, 20), 5, True),  # without the last hour
        (range(9, 19), 5, False),  # it ends two hours earlier
        ([*range(9, 12), *range(14, 21)], 5, False),  # two hours in the middle are not there
    ],
)
def test_what_holds_far_less(parks, tmp_path, hours, every_minutes, gives_way):
    many = live_day()
    write_day(tmp_path, archive_day(hours, every_minutes=every_minutes))
    totals = import_all(tmp_path, replace_live=True)
    assert (totals.live_replaced, totals.live_kept) == ((many, 0) if gives_way else (0, many))


def test_a_day_that_lacks_most_of_the_rides_holds_far_less(parks, tmp_path):
    rides = more_rides(parks[0], 3)
    live_day(rides, range(9, 12))
    write_day(tmp_path, archive_day(range(9, 12), rides[:1], every_minutes=1))
    assert import_all(tmp_path, replace_live=True).live_kept == 54


def test_a_dry_run_says_how_many_live_rows_would_go_and_how_many_would_stay(parks, tmp_path, capsys):
    live_day(hours=[12])
    live_row("2024-12-26 12:00")
    live_row("2024-12-25 12:00", OTHER_RIDE)
    write_day(tmp_path, [event("12:01:00Z")])
    tomorrow = DAY + timedelta(days=1)
    write_day(tmp_path, [event("12:01:00Z", day=tomorrow)], tomorrow)
    asked = {"source": str(tmp_path), "all": True, "replace_live": True, "dry_run": True}
    call_command("import_archive", **asked)
    said = capsys.readouterr().out
    assert "A park: 1 LIVE row would give way" in said
    assert "A park: 6 LIVE rows would stay, since the archive holds far less of 2024-12-25; --force replaces" in said
    assert "Another: 0 LIVE rows would give way" in said
    call_command("import_archive", **asked, force=True)
    assert "A park: 7 LIVE rows would give way" in capsys.readouterr().out
    call_command("import_archive", **asked | {"replace_live": False})
    assert "LIVE" not in capsys.readouterr().out
    assert len(rows("LIVE")) == 8


def test_an_import_that_goes_on_is_forced_still(parks, tmp_path):
    for n in range(2):
        for minute in range(3):
            live_row(f"2024-12-{25 + n} 12:0{minute}")
        write_day(tmp_path, [event("12:01:00Z", day=DAY + timedelta(days=n))], DAY + timedelta(days=n))
    (run,) = runs(tmp_path, replace_live=True, force=True)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    assert len(rows("LIVE")) == 3
    call_command("import_archive", resume=[], verbosity=0)
    assert rows("LIVE") == []


def test_the_live_collector_goes_on_with_a_day_whose_live_rows_stayed(parks, tmp_path, settings):
    live_day()
    write_day(tmp_path / "archive", [event("12:01:00Z")])
    import_all(tmp_path / "archive", replace_live=True)
    world = World()
    state = {"name": RIDE, "entityType": "ATTRACTION", "parkId": PARK, "status": "CLOSED"}
    world.live[DESTINATION] = [state | {"id": RIDE, "lastUpdated": "2024-12-25T22:00:00Z"}]
    settings.THEMEPARKS_CACHE_DIR, settings.THEMEPARKS_REQUESTS_PER_MINUTE = str(tmp_path / "cache"), 60_000
    with fault_server(world.answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        collection = collector.collect(ThemeParksApi(), [DESTINATION], lambda: datetime(2024, 12, 27, tzinfo=UTC))
    assert (collection.failures, collection.stored) == ([], 1)


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
