"""The longest waits: which ride, when, how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from django.db import connection

from warehouse.history.questions.days import KnownDays, NamedRide
from warehouse.instants import instant_at, naive_utc
from warehouse.models import RideStatus
from warehouse.snapshot_id import recorded_ms_of
from warehouse.zones import local_day

_NAMES = ("standby_max", "day", "ride_id", "park_id", "told_by")
_DAYS = 10_000_000  # more than days since the year 0
Word = tuple[int, str, int | None, bool]  # milliseconds, status, wait, whether it is silent about the line


@dataclass(frozen=True, slots=True)
class LongWait:
    """`wait` minutes were shown from `begins_at` on (aware, UTC; the first time that day) until `ends_at`, when another
    wait or status was told; None: to the end of what is known of the day."""

    ride: NamedRide
    park_id: int
    day: date
    wait: int
    begins_at: datetime | None
    ends_at: datetime | None


class _Highest(NamedTuple):
    """A ride's day, in the order of _NAMES."""

    wait: int
    day: date
    ride_id: int
    park_id: int
    told_by: str


def longest_waits(known: KnownDays, count: int = 10, *, each_ride_once: bool = False) -> list[LongWait]:
    """The highest first, one a ride and day at most (with `each_ride_once` one a ride).

    Which days they are on, ride_days says; the rows of these alone are read for the time of day.
    """
    found = _once(known, count) if each_ride_once else _highest(known, count)
    found = sorted(found, key=lambda row: (-row.wait, -row.day.toordinal(), row.ride_id))[:count]
    words = _words(known, found)
    return [
        LongWait(known.rides[of.ride_id], of.park_id, of.day, of.wait, *_first_run(words.get(of, ()), of.wait))
        for of in found
    ]


def _highest(known: KnownDays, count: int) -> list[_Highest]:
    where = " AND standby_max IS NOT NULL ORDER BY standby_max DESC, day DESC, ride_id LIMIT %s"
    rows = known.columns(*_NAMES, where=where, parameters=[count])
    return [_Highest(*row) for row in rows if row[0] is not None]


def _once(known: KnownDays, count: int) -> list[_Highest]:
    """The newest of its highest days, of each ride; both are found in one pass."""
    found: dict[int, _Highest] = {}
    newest = f"MAX(standby_max * {_DAYS} + TO_DAYS(day))"
    both = known.columns("ride_id", newest, where=" GROUP BY ride_id", computed=False)
    wanted = sorted(((of, ride_id) for ride_id, of in both if of), reverse=True)[:count]
    if wanted:
        where = f" AND (ride_id, TO_DAYS(day)) IN ({', '.join(['(%s, %s)'] * len(wanted))}) AND standby_max >= %s"
        values = [value for of, ride_id in wanted for value in (ride_id, of % _DAYS)]
        least = wanted[-1][0] // _DAYS
        for row in known.columns(*_NAMES, where=where, parameters=[*values, least], computed=False):
            found[row[2]] = _Highest(*row)
    for of in known.computed():
        before = found.get(of.ride_id)
        if of.standby_max is not None and (before is None or (of.standby_max, of.day) > (before.wait, before.day)):
            found[of.ride_id] = _Highest(of.standby_max, of.day, of.ride_id, of.park_id, of.told_by)
    return list(found.values())


def _words(known: KnownDays, days: list[_Highest]) -> dict[_Highest, list[Word]]:
    """In order, of each ride's day: one walk on idx_ride_recorded each, all in one statement."""
    if not days:
        return {}
    one = (
        "SELECT snapshot_id, %s, status, wait_time, wait_time IS NULL AND wait_told = 0 AND data_source = 'ARCHIVE' "
        "FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
        "WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s AND (%s = 'BOTH' OR data_source = %s)"
    )
    values: list[Any] = []
    for number, of in enumerate(days):
        begin, end = local_day(of.day, known.parks[of.park_id].zone)
        values += [number, of.ride_id, naive_utc(begin), naive_utc(min(end, known.now)), of.told_by, of.told_by]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(days)), values)
        rows = sorted(cursor.fetchall())
    found: dict[_Highest, list[Word]] = {}
    for snapshot_id, number, status, wait, is_silent in rows:
        found.setdefault(days[number], []).append((recorded_ms_of(snapshot_id), status, wait, bool(is_silent)))
    return found


def _first_run(words: Sequence[Word], wait: int) -> tuple[datetime | None, datetime | None]:
    """From when until when the wait was shown."""
    begins: datetime | None = None
    for ms, status, told, is_silent in words:
        if status == RideStatus.OPERATING and (told == wait or (begins is not None and is_silent)):
            begins = begins or instant_at(ms)
        elif begins is not None:
            return begins, instant_at(ms)
    return begins, None
