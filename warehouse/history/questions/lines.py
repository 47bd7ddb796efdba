"""Lines beside the standby one: return times, what paid lines cost, and the boarding groups of a day."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import connection

from warehouse.history.questions.days import KnownDays, NamedRide
from warehouse.instants import instant_at, naive_utc
from warehouse.rides import stays
from warehouse.snapshot_id import recorded_ms_of, ride_id_of
from warehouse.zones import local_day


@dataclass(frozen=True, slots=True)
class ReturnTimes:
    """On how much of a day a ride gave out return times, free or paid."""

    day: date
    ride: NamedRide
    return_minutes: int
    share: float | None  # of the minutes in which it was operating or down


@dataclass(frozen=True, slots=True)
class Price:
    """What the paid line of a ride cost on a day, lowest and highest, in major units of `currency` (ISO 4217)."""

    day: date
    ride: NamedRide
    lowest: Decimal
    highest: Decimal
    currency: str | None


@dataclass(frozen=True, slots=True)
class BoardingGroup:
    """What was said of a ride's boarding groups at an instant (aware, UTC); said anew only when it changes."""

    at: datetime
    ride: NamedRide
    status: str | None
    current: str | None  # groups that may board, as the source words them


def return_times(known: KnownDays) -> list[ReturnTimes]:
    """By day and ride; days on which a ride gave out none are not in it."""
    found = []
    for day, ride_id, minutes, operating, down in known.columns(
        "day", "ride_id", "return_minutes", "operating_minutes", "down_minutes", where=" AND return_minutes > 0"
    ):
        if minutes:
            meant = operating + down
            found.append(ReturnTimes(day, known.rides[ride_id], minutes, min(1.0, minutes / meant) if meant else None))
    return sorted(found, key=_by_day)


def prices(known: KnownDays) -> list[Price]:
    """By day and ride, where a price was told."""
    names = ("day", "ride_id", "price_min", "price_max", "price_currency")
    return sorted(
        (
            Price(day, known.rides[ride_id], lowest, highest, currency)
            for day, ride_id, lowest, highest, currency in known.columns(*names, where=" AND price_min IS NOT NULL")
            if lowest is not None
        ),
        key=_by_day,
    )


def boarding_groups(known: KnownDays) -> list[BoardingGroup]:
    """In order of time, of one day (the first that is asked for), from its rows of whatever source."""
    found: list[BoardingGroup] = []
    said: dict[int, tuple[str | None, str | None]] = {}
    for snapshot_id, status, current in _boarding_rows(known):
        ride = known.rides[ride_id_of(snapshot_id)]
        if said.get(ride.ride_id) != (status, current):
            said[ride.ride_id] = (status, current)
            found.append(BoardingGroup(instant_at(recorded_ms_of(snapshot_id)), ride, status, current))
    return found


def _boarding_rows(known: KnownDays) -> list[tuple]:
    rows: list[tuple] = []
    for park in known.parks.values():
        begin, end = local_day(known.first, park.zone)
        for ride_ids, start, until in stays.periods_of(park.pk, begin, min(end, known.now)):
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT q.snapshot_id, q.boarding_group_status, q.boarding_group_current "
                    "FROM ride_status_snapshots s FORCE INDEX (idx_ride_recorded) "
                    "STRAIGHT_JOIN queue_data q ON q.snapshot_id = s.snapshot_id AND q.queue_type = 'BOARDING_GROUP' "
                    "WHERE s.ride_id IN %s AND s.recorded_at >= %s AND s.recorded_at < %s",
                    [[0, *known.rides.keys() & set(ride_ids)], naive_utc(start), naive_utc(until)],
                )
                rows += cursor.fetchall()
    return sorted(rows)


def _by_day(answer: ReturnTimes | Price) -> tuple[date, str, int]:
    return answer.day, answer.ride.name, answer.ride.ride_id
