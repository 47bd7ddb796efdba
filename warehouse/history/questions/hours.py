"""Waits by hour of the park's clock: of a ride or of all rides, by day, weekday or month; what heat maps show."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from warehouse.history.questions.days import KnownDays

ROWS: dict[str, Callable[[date], Any]] = {
    "all": lambda day: None,
    "day": lambda day: day,
    "weekday": date.weekday,
    "month": lambda day: day.replace(day=1),
    "month-of-year": lambda day: day.month,
}


@dataclass(frozen=True, slots=True)
class Hour:
    """One field of a heat map: minutes x rides in which a wait was shown, and the sum of waits x minutes."""

    minutes: int
    sum: int

    @property
    def mean(self) -> float:
        """Minutes of wait."""
        return self.sum / self.minutes


def by_hour(known: KnownDays, rows: str = "day") -> dict[Any, dict[int, Hour]]:
    """By row (a key of ROWS: one for all; each day; weekdays 0 to 6; months by their first day; months 1 to 12) and
    local hour 0 to 23. Hours without a wait are not in it, nor rows without such hours; both are in order.

    In the hour that the clock goes through twice both are added.
    """
    # Each blob stands behind its length: a first hour and 3 bytes an hour (warehouse.history.clock_hours). Those of one
    # length and first hour are added byte by byte, all at once: a tenth of the time that reading each would take
    alike: defaultdict[Any, defaultdict[bytes, list[bytes]]] = defaultdict(lambda: defaultdict(list))
    row_of = ROWS[rows]
    for day, joined in _blobs(known):
        of_row = alike[row_of(day)]
        at, end = 0, len(joined)
        while at < end:
            behind = at + 1 + joined[at]
            of_row[joined[at : at + 2]].append(joined[at:behind])
            at = behind
    found: dict[Any, dict[int, list[int]]] = {}
    for row, of_row in alike.items():
        for (length, first), blobs in of_row.items():
            together = b"".join(blobs)
            fields = found.setdefault(row, {})
            for number in range(length // 3):
                at = 2 + 3 * number
                minutes, high, low = (sum(together[at + n :: 1 + length]) for n in range(3))
                field = fields.setdefault(first + number, [0, 0])
                field[0] += minutes
                field[1] += 256 * high + low
    return {
        row: {hour: Hour(*fields[hour]) for hour in sorted(fields) if fields[hour][0]}
        for row, fields in sorted(found.items(), key=lambda each: each[0])
    }


def _blobs(known: KnownDays) -> Iterator[tuple[date, bytes]]:
    """All of a day in one row, each behind its length: 137,000 rows of their own took twice as long."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION group_concat_max_len = 1048576")  # MariaDB's default; MySQL's is 1,024
    together = "GROUP_CONCAT(CHAR(LENGTH(hours)), hours SEPARATOR '')"
    for day, joined in known.columns("day", together, where=" GROUP BY day", computed=False):
        yield day, joined or b""
    for row in known.computed():
        if row.hours:
            yield row.day, bytes([len(row.hours)]) + row.hours


def percentiles(known: KnownDays) -> dict[tuple[int, date], tuple[int, int]]:
    """Median and 90th percentile of the waits of a park's day, by (park_id, day), where any was shown.

    Of one ride they are exact, to the minute. Of several they are taken over hours of rides, each at its mean and
    weighed by its minutes: what all rides showed minute by minute is not kept.
    """
    names = ("park_id", "day", "standby_p50", "standby_p90", "hours")
    of_days: dict[tuple[int, date], list[tuple[int, int, bytes]]] = {}
    for park_id, day, p50, p90, packed in known.columns(*names, where=" AND standby_minutes > 0"):
        if p50 is not None and packed:
            of_days.setdefault((park_id, day), []).append((p50, p90, packed))
    found = {}
    for key, rides in of_days.items():
        if len(rides) == 1:
            found[key] = rides[0][:2]
            continue
        hours = sorted(
            (round((packed[at + 1] * 256 + packed[at + 2]) / packed[at]), packed[at])
            for _, _, packed in rides
            for at in range(1, len(packed), 3)
            if packed[at]
        )
        minutes = sum(weight for _, weight in hours)
        found[key] = _nearest_rank(hours, 0.5 * minutes), _nearest_rank(hours, 0.9 * minutes)
    return found


def _nearest_rank(weighted: list[tuple[int, int]], rank: float) -> int:
    passed = 0
    for value, weight in weighted:
        passed += weight
        if passed >= rank:
            return value
    return weighted[-1][0]
