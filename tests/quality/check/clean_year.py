"""A year of two parks in which nothing is wrong, and all that looks as if it were: made up, the same for every run.

Lakeside is open all year, Bergwelt from April to November and for a winter event with few rides. In them lie nights,
weekends, a weekly closing day, an evening closed to the public, summer time, a refurbishment, a closure of some days,
a ride that opens in June, one that runs at weekends alone, breakdowns, a children's ride that always posts 5 minutes,
a walk-on, a path without waits, rides that stay OPERATING overnight, a show of the summer, restaurants and a shop that
never says anything.
"""

import functools
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from django.db import connection

from imports.models import FileOutcome, ImportedFile
from warehouse.models import EntityMetadata, Park, Ride
from warehouse.snapshot_id import snapshot_id_of

YEAR = 2025
NOW = datetime(2026, 1, 3, 12, tzinfo=UTC)
DESTINATION = str(UUID(int=1))
MINUTE_MS = 60_000
NULL = r"\N"  # as LOAD DATA reads it


@dataclass
class Attraction:
    name: str
    kind: str = "ATTRACTION"
    waits: tuple[int, int] | None = (10, 90)
    minutes_between: int = 60  # records of an open day; each check of the year costs as much as it has of them
    closed: list[tuple[date, date, str]] = field(default_factory=list)  # from, to, what is said of it
    weekends_only: bool = False
    says_closed: bool = True  # at the end of the day; else it stays OPERATING overnight
    in_winter: bool = True


def hours_of_lakeside(day: date) -> tuple[int, int] | None:
    if day == date(YEAR, 10, 14):
        return 9, 16  # the evening belongs to a company
    if day.weekday() >= 5:
        return 9, 23
    return (10, 18) if day.month in (1, 2) else (9, 21)


def hours_of_bergwelt(day: date) -> tuple[int, int] | None:
    if date(YEAR, 4, 5) <= day <= date(YEAR, 11, 2):
        closed_on_tuesdays = day.month in (4, 5, 10)
        return None if closed_on_tuesdays and day.weekday() == 1 else (10, 20 if day.month == 8 else 18)
    if day >= date(YEAR, 11, 28):
        return (12, 20) if day.weekday() >= 4 else None
    return None


LAKESIDE = [
    Attraction("Comet"),
    Attraction("Black Hole", closed=[(date(YEAR, 2, 3), date(YEAR, 2, 27), "REFURBISHMENT")]),
    Attraction("River Rapids", waits=(20, 120), closed=[(date(YEAR, 5, 12), date(YEAR, 5, 15), "CLOSED")]),
    Attraction("Sky Tower", waits=(15, 45), minutes_between=25, says_closed=False),  # as restless as a real one
    Attraction("Wooden Racer", says_closed=False),
    Attraction("Night Flight", closed=[(date(YEAR, 1, 1), date(YEAR, 5, 31), "")], says_closed=False),
    Attraction("Little Carousel", waits=(5, 5), minutes_between=120, says_closed=False),
    Attraction("Panorama Train", waits=(0, 5), minutes_between=60, says_closed=False),
    Attraction("Castle Walk", waits=None, minutes_between=240, says_closed=False),
    Attraction("Family Swing", weekends_only=True),
    Attraction(
        "Summer Show",
        "SHOW",
        waits=None,
        minutes_between=90,
        closed=[(date(YEAR, 1, 1), date(YEAR, 6, 14), ""), (date(YEAR, 9, 1), date(YEAR, 12, 31), "")],
    ),
    Attraction("Lakeside Grill", "RESTAURANT", waits=None, minutes_between=700),
]
BERGWELT = [
    Attraction("Alpine Coaster", minutes_between=70),
    Attraction("Log Flume", in_winter=False, minutes_between=70),
    Attraction("Eagle", minutes_between=70),
    Attraction("Mine Train", minutes_between=70),
    Attraction("Raft", waits=(15, 60), in_winter=False, minutes_between=70),
    Attraction("Toboggan", in_winter=False, minutes_between=80),
    Attraction("Cable Car", waits=(5, 20), minutes_between=80),
    Attraction("Puppet Theatre", "SHOW", waits=None, minutes_between=120, in_winter=False),
]


@dataclass
class CleanYear:
    lakeside: Park
    bergwelt: Park

    def ride(self, name: str) -> Ride:
        return Ride.objects.get(ride_name=name)


def days_of_the_year() -> Iterator[date]:
    day = date(YEAR, 1, 1)
    while day.year == YEAR:
        yield day
        day += timedelta(days=1)


def milliseconds(instant: datetime) -> int:
    return int(instant.timestamp()) * 1000


def records(attraction: Attraction, zone: str, hours_of, seed: int) -> Iterator[tuple[int, str, int | None]]:
    """(milliseconds, status, wait) of a year, in order."""
    dice = random.Random(seed)
    reported_closed = None
    for day in days_of_the_year():
        hours = hours_of(day)
        closed = next((why for first, last, why in attraction.closed if first <= day <= last), None)
        winter = hours_of is hours_of_bergwelt and day.month in (11, 12) and day > date(YEAR, 11, 2)
        if not hours or (winter and not attraction.in_winter) or (attraction.weekends_only and day.weekday() < 5):
            continue
        begin = milliseconds(datetime.combine(day, time(hours[0]), tzinfo=ZoneInfo(zone)))
        end = begin + (hours[1] - hours[0]) * 60 * MINUTE_MS
        if closed is not None:
            if closed and reported_closed != closed and closed != "CLOSED":
                yield begin, closed, None
            reported_closed = closed
            continue
        reported_closed = None
        ms = begin + dice.randrange(-10 * MINUTE_MS, 10 * MINUTE_MS)
        wait = None if attraction.waits is None else attraction.waits[0]
        while ms < end - 15 * MINUTE_MS:
            if attraction.kind == "ATTRACTION" and dice.random() < 0.01:
                yield ms, "DOWN", None
            else:
                if wait is not None and dice.random() < 0.8:
                    low, high = attraction.waits
                    wait = min(high, max(low, wait + 5 * dice.randrange(-3, 4)))
                yield ms, "OPERATING", wait
            ms += int(dice.uniform(0.5, 1.5) * attraction.minutes_between * MINUTE_MS)
        if attraction.says_closed:
            yield end + dice.randrange(0, 10 * MINUTE_MS), "CLOSED", None


PLAN = [
    ("Lakeside", "America/New_York", LAKESIDE, hours_of_lakeside),
    ("Bergwelt", "Europe/Berlin", BERGWELT, hours_of_bergwelt),
]
FIRST_RIDE_ID = 1001  # given, not counted up: the rows are made once for all tests


@functools.cache
def _files() -> tuple[bytes, bytes]:
    """The year's snapshots and queue rows, ready for LOAD DATA."""
    rows, queue_rows, ride_id = [], [], FIRST_RIDE_ID
    for _, zone, attractions, hours_of in PLAN:
        for attraction in attractions:
            for ms, status, wait in records(attraction, zone, hours_of, seed=ride_id):
                rows.append((ride_id, ms, status, wait))
                if attraction.name == "Comet" and status == "OPERATING":
                    queue_rows.append(f"{snapshot_id_of(ride_id, ms)}\tSINGLE_RIDER\t5\n")
            ride_id += 1
    rows.append((ride_id, milliseconds(datetime(YEAR, 1, 1, 15, tzinfo=UTC)), "OPERATING", None))  # the shop
    return _lines(rows), "".join(queue_rows).encode()


def plant() -> CleanYear:
    """Put the year into the tables: parks, rides, metadata, snapshots, queue rows and the ledger."""
    ride_id, parks = FIRST_RIDE_ID, []
    for number, (name, zone, attractions, hours_of) in enumerate(PLAN, 10):
        park = Park.objects.create(
            park_name=name, timezone=zone, themeparks_wiki_id=str(UUID(int=number)), destination_wiki_id=DESTINATION
        )
        parks.append(park)
        read(park, *((day, 100 if hours_of(day) else 0) for day in days_of_the_year()))
        for attraction in attractions:
            add_ride(park, attraction.name, attraction.kind, ride_id)
            ride_id += 1
    add_ride(parks[0], "Gift Shop", "SHOP", ride_id)
    snapshots, queue_rows = _files()
    _load(snapshots, "ride_status_snapshots")
    _load(queue_rows, "queue_data (snapshot_id, queue_type, wait_time_minutes)")
    return CleanYear(*parks)


def uproot() -> None:
    """Take the year out again, for the tests of other modules."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ride_status_snapshots")
        cursor.execute("TRUNCATE queue_data")
        for table in ("import_files", "entity_metadata", "rides", "parks"):
            cursor.execute(f"DELETE FROM {table}")


def add_ride(park: Park, name: str, entity_type: str = "ATTRACTION", ride_id: int | None = None) -> Ride:
    """A ride with its metadata."""
    ride = Ride.objects.create(pk=ride_id, park=park, ride_name=name, themeparks_wiki_id=str(uuid4()))
    EntityMetadata.objects.create(
        ride=ride,
        themeparks_wiki_id=ride.themeparks_wiki_id,
        latitude=40,
        longitude=-74,
        entity_type=entity_type,
        last_updated=NOW,
    )
    return ride


def observe(rows: list[tuple[int, int, str, int | None]]) -> None:
    """Store (ride_id, milliseconds, status, wait) as snapshots."""
    _load(_lines(rows), "ride_status_snapshots")


def queue(rows: list[tuple[int, int, str, int | None]]) -> int:
    """Store a single rider line beside each of these snapshots."""
    lines = "".join(f"{snapshot_id_of(ride_id, ms)}\tSINGLE_RIDER\t5\n" for ride_id, ms, _, _ in rows)
    _load(lines.encode(), "queue_data (snapshot_id, queue_type, wait_time_minutes)")
    return len(rows)


def _lines(rows: list[tuple[int, int, str, int | None]]) -> bytes:
    return "".join(
        f"{snapshot_id_of(ride_id, ms)}\t{ride_id}\t{_text(ms)}\t{status}\t{NULL if wait is None else wait}\t"
        f"{int(status == 'OPERATING')}\tARCHIVE\n"
        for ride_id, ms, status, wait in rows
    ).encode()


def _load(lines: bytes, into: str) -> None:
    """LOAD DATA from memory: 200,000 rows a second."""
    file = os.memfd_create("rows")
    try:
        with open(file, "wb", closefd=False) as stream:
            stream.write(lines)
        with connection.cursor() as cursor:
            cursor.execute(f"LOAD DATA LOCAL INFILE '/proc/self/fd/{file}' INTO TABLE {into}")
            assert cursor.rowcount == lines.count(b"\n"), f"only {cursor.rowcount} rows were loaded"
    finally:
        os.close(file)


def _text(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%d %H:%M:%S}.{ms % 1000:03}"


def read(park: Park, *days: tuple[date, int], outcome: str = FileOutcome.IMPORTED) -> None:
    """Ledger rows of days with their number of events."""
    ImportedFile.objects.bulk_create(
        ImportedFile(
            park=park,
            file_date=day,
            source_file=f"{DESTINATION}/{day:%Y/%m/%d}.json.gz",
            outcome=outcome,
            events_read=events,
            stored=events,
            imported_at=NOW,
        )
        for day, events in days
    )
