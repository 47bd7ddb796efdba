"""Parks with rows in the database, told by the clock of the park; and the same words without a database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from warehouse.history.rule import DayOfPark
from warehouse.history.whole_park import Known, days_of
from warehouse.history.words import ARCHIVE, SILENT, STATUS_CODES, ParkWords
from warehouse.instants import milliseconds_of, naive_utc
from warehouse.models import DataSource, Park, QueueData, Ride
from warehouse.snapshot_id import snapshot_id_of
from warehouse.zones import local_day

LATER = datetime(2030, 1, 1, tzinfo=UTC)
#: (YYYY-MM-DD HH:MM[:SS] of the park, status, wait), and "LIVE" or "SILENT" behind them
Said = tuple


def at(local: str, zone: str) -> datetime:
    """An instant by the clock of a zone; of a doubled hour the first."""
    return datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def make_park(zone: str = "America/New_York", rides: int = 1, number: int | None = None) -> tuple[Park, list[Ride]]:
    """A park with rides that no row is known of."""
    number = number or Park.objects.count() + 1
    park = Park.objects.create(park_name=f"Park {number}", timezone=zone, themeparks_wiki_id=f"park {number:0>31}")
    names = [f"Ride {number}-{n}" for n in range(rides)]
    return park, [Ride.objects.create(park=park, ride_name=name, themeparks_wiki_id=name) for name in names]


def plant(ride: Ride, said: Sequence[Said], zone: str | None = None) -> None:
    """Rows of a ride, of the archive unless they are LIVE; SILENT ones do not speak of the standby line."""
    rows = []
    for local, status, wait, *of in said:
        instant = at(local, zone or ride.park.timezone or "UTC")
        key = snapshot_id_of(ride.pk, milliseconds_of(instant))
        source = DataSource.LIVE if "LIVE" in of else DataSource.ARCHIVE
        told = "SILENT" not in of
        rows.append((key, ride.pk, naive_utc(instant), status, wait, status == "OPERATING", source.value, told))
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, wait_time, "
            "computed_is_open, data_source, wait_told) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            rows,
        )


def queue(ride: Ride, local: str, queue_type: str, **columns: object) -> None:
    """A further queue of the row at that time."""
    key = snapshot_id_of(ride.pk, milliseconds_of(at(local, ride.park.timezone)))
    QueueData.objects.create(snapshot_id=key, queue_type=queue_type, **columns)


def tell(
    said: Mapping[int, Sequence[Said]],
    first: date,
    last: date | None = None,
    *,
    zone: str = "America/New_York",
    now: datetime = LATER,
    **known: object,
) -> list[DayOfPark]:
    """What days_of makes of words, without a database: by number of the ride, which nothing came before."""
    days = []
    for n in range(-2, ((last or first) - first).days + 2):
        day = first + timedelta(days=n)
        begin, end = local_day(day, ZoneInfo(zone))
        park = ParkWords(day, milliseconds_of(begin), milliseconds_of(end))
        for ride_id, words in said.items():
            of_day = [
                (
                    snapshot_id_of(ride_id, milliseconds_of(instant)),
                    STATUS_CODES[status] + (0 if "LIVE" in of else ARCHIVE + SILENT * ("SILENT" in of)),
                    wait,
                )
                for local, status, wait, *of in words
                if begin <= (instant := at(local, zone)) < min(end, now)
            ]
            if of_day:
                park.words[ride_id] = of_day
        days.append(park)
    return list(days_of(days, {}, Known(ZoneInfo(zone), milliseconds_of(now), **known)))
