"""The longest waits: which ride, when, how long."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from warehouse.history.questions.days import KnownDays, NamedRide, zone_of
from warehouse.instants import instant_at, naive_utc
from warehouse.models import RideStatus
from warehouse.snapshot_id import recorded_ms_of
from warehouse.zones import local_day

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


def longest_waits(known: KnownDays, count: int = 10, *, each_ride_once: bool = False) -> list[LongWait]:
    """The highest first, one a ride and day at most (with `each_ride_once` one a ride).

    Which days they are on, ride_days says; the rows of these alone are read for the time of day.
    """
    if each_ride_once:
        highest = [
            (sums.standby_max, ride_id) for ride_id, sums in known.by_ride().items() if sums.standby_max is not None
        ]
        wanted = [(ride_id, wait) for wait, ride_id in sorted(highest, reverse=True)[:count]]
        if not wanted:
            return []
        where = f" AND (ride_id, standby_max) IN ({', '.join(['(%s, %s)'] * len(wanted))})"
        values = [value for pair in wanted for value in pair]
    else:
        where, values = " AND standby_max IS NOT NULL ORDER BY standby_max DESC, day DESC, ride_id LIMIT %s", [count]
    names = ("standby_max", "day", "ride_id", "park_id", "told_by")
    found = [row for row in known.columns(*names, where=where, parameters=values) if row[0] is not None]
    found.sort(key=lambda row: row[2])
    found.sort(key=lambda row: row[:2], reverse=True)
    if each_ride_once:
        found = list({row[2]: row for row in reversed(found)}.values())
        found.sort(key=lambda row: row[:2], reverse=True)
    found = found[:count]
    words = _words(known, found)
    return [
        LongWait(known.rides[ride_id], park_id, day, wait, *_first_run(words.get((ride_id, day), ()), wait))
        for wait, day, ride_id, park_id, _ in found
    ]


def _words(known: KnownDays, days: list[Sequence[Any]]) -> dict[tuple[int, date], list[Word]]:
    """In order, of each ride's day: one walk on idx_ride_recorded each, all in one statement."""
    if not days:
        return {}
    one = (
        "SELECT snapshot_id, %s, status, wait_time, wait_time IS NULL AND wait_told = 0 AND data_source = 'ARCHIVE' "
        "FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
        "WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s AND (%s = 'BOTH' OR data_source = %s)"
    )
    values: list[Any] = []
    for number, (_, day, ride_id, park_id, told_by) in enumerate(days):
        begin, end = local_day(day, zone_of(known.parks[park_id]))
        values += [number, ride_id, naive_utc(begin), naive_utc(min(end, known.now)), told_by, told_by]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join([one] * len(days)), values)
        rows = sorted(cursor.fetchall())
    found: dict[tuple[int, date], list[Word]] = {}
    for snapshot_id, number, status, wait, is_silent in rows:
        _, day, ride_id, *_ = days[number]
        found.setdefault((ride_id, day), []).append((recorded_ms_of(snapshot_id), status, wait, bool(is_silent)))
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
