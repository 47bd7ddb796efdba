"""Days as they stand in ride_days, planted: parks, rides, and what each did."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from warehouse.history import clock_hours, park_sums
from warehouse.history.rule import RULES_VERSION
from warehouse.instants import milliseconds_of
from warehouse.models import DataSource, EntityMetadata, Park, Ride, RideDay, RideStatusSnapshot
from warehouse.snapshot_id import snapshot_id_of

ZONE = "America/New_York"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def a_park(name: str = "Lakeside", zone: str = ZONE) -> Park:
    return Park.objects.create(park_name=name, timezone=zone, themeparks_wiki_id=_uuid(1, Park.objects.count()))


def a_ride(park: Park, name: str = "Coaster", kind: str = "", **columns: Any) -> Ride:
    uuid = _uuid(2, Ride.objects.count())
    ride = Ride.objects.create(park=park, ride_name=name, themeparks_wiki_id=uuid, **columns)
    if kind:
        EntityMetadata.objects.create(ride=ride, themeparks_wiki_id=uuid, entity_type=kind, last_updated=NOW)
    return ride


def plant(ride: Ride, *days: date, wait: int | None = None, down: int = 0, unknown: int = 0, **columns: Any) -> None:
    """The park was open from 10 to 22: the ride was `down` so many of these minutes, `unknown` so many, and operated in
    the others; with a `wait` it showed it all the while. `columns` are taken as they are."""
    operating = 720 - down - unknown
    of_waits = {}
    if wait is not None:
        minutes = [60 * (10 <= hour < 10 + operating // 60) for hour in range(24)]
        packed = clock_hours.pack(minutes, [wait * many for many in minutes])
        of_waits = {"standby_minutes": operating, "standby_sum": operating * wait, "hours": packed}
        of_waits |= dict.fromkeys(("standby_min", "standby_p50", "standby_p90", "standby_max"), wait)
    figures = {
        "told_by": "ARCHIVE",
        "rules_version": RULES_VERSION,
        "observations": 5,
        "operating_minutes": operating,
        "down_minutes": down,
        "closed_minutes": 720,
        "unknown_minutes": unknown,
        "hours_minutes": 720,
        "hours_operating": operating,
        "hours_down": down,
        "hours_unknown": unknown,
        "carried": 0,
        "computed_at": NOW,
        **of_waits,
        **columns,
    }
    park_id = figures.pop("park_id", ride.park_id)
    RideDay.objects.bulk_create(RideDay(park_id=park_id, ride=ride, day=day, **figures) for day in days)
    with connection.cursor() as cursor:
        park_sums.write(cursor, park_id, min(days), max(days))


def said(ride: Ride, local: str, status: str, wait: int | None = None, **columns: Any) -> None:
    """A row: what the ride said at an hour of its park, YYYY-MM-DD HH:MM."""
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(ride.park.timezone)).astimezone(UTC)
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id_of(ride.pk, milliseconds_of(at)),
        ride=ride,
        recorded_at=at,
        status=status,
        wait_time=wait,
        computed_is_open=status == "OPERATING",
        **{"data_source": DataSource.ARCHIVE, **columns},
    )


def days(first: date, count: int) -> list[date]:
    return [first + timedelta(days=n) for n in range(count)]


def local(text: str, zone: str = ZONE) -> datetime:
    """An instant by the park's clock."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def _uuid(kind: int, number: int) -> str:
    return f"{kind:08}-0000-4000-8000-{number + 1:012}"
