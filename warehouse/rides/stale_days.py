"""What sums of days are stale: whoever stores, alters or deletes a row says so here, in the transaction of the row.

A row of a park's day bears on that day, on the one before it, whose last word may be known to have held or not by what
comes after, and on the one after it, into which states are carried. States that are carried further are followed when
the day is made anew (warehouse.history.recompute): its check sum of what is carried tells whether the next day changes.

Writers of one park take turns (warehouse.server.turns), so that marks of a park are written by one at a time.
"""

import secrets
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from warehouse.days import ONE_DAY
from warehouse.instants import instant_at

ROWS_PER_STATEMENT = 1000
RANDOM_BITS = 20  # of a token; before them the milliseconds since 1970, in 41 bits until 2039
CARRIED = timedelta(days=93)  # nothing is carried further than 92 days, and one day for zones
# After so long every day is final, wherever the park lies: a day ends 12 hours after UTC's at the latest.
SURELY_FINAL = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Waiting:
    """Days whose sums could have been made anew and were not yet."""

    days: int
    parks: int
    since: datetime | None  # when the oldest mark of them was set last


# --- marking --------------------------------------------------------------------------------------------------------
def mark(days: Iterable[tuple[int, date]]) -> None:
    """(park_id, the park's own day): their sums are to be made anew."""
    _write("stale_days", "park_id, day", sorted(set(days)))


def mark_around(park_id: int, days: Iterable[date]) -> None:
    """Something that bears on these days of a park is other than before: they and the days beside them."""
    mark((park_id, beside) for day in days for beside in _beside(day))


def mark_park(park_id: int) -> None:
    """All days of a park of which there are sums, and the ones beside them: where its days begin has changed."""
    days = _days_of("ride_days", "park_id = %s", [park_id]) | _days_of("stale_days", "park_id = %s", [park_id])
    mark_around(park_id, days)


def mark_ride(ride_id: int, park_ids: Collection[int], first: date = date.min, last: date = date.max) -> None:
    """Something about a ride that bears on its park's days has changed, as whose its rows are among these parks: all
    days from `first` to `last` (the parks' own, and one more on either side) on which it may have rows."""
    if not park_ids:
        return
    days = _days_of("ride_days", "ride_id = %s AND day BETWEEN %s AND %s", [ride_id, first, last])
    days |= _days_of("stale_days", "park_id IN %s AND day BETWEEN %s AND %s", [list(park_ids), first, last])
    for park_id in park_ids:
        mark_around(park_id, days)


def mark_kinds(ride_ids: Iterable[int]) -> None:
    """Whether a park's hours are inferred from these rides is other than before: the days on which they have sums, and
    those of their parks that are marked anyway, again."""
    rides = list(ride_ids)
    if not rides:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT park_id, day FROM ride_days WHERE ride_id IN %s", [rides])
        mark([(park_id, beside) for park_id, day in cursor.fetchall() for beside in _beside(day)])
        cursor.execute(
            "UPDATE stale_days SET token = %s WHERE park_id IN (SELECT park_id FROM rides WHERE ride_id IN %s "
            "UNION SELECT park_id FROM ride_stays WHERE ride_id IN %s)",
            [_new_token(), rides, rides],
        )


def mark_behind(park_id: int, day: date) -> None:
    """What is carried out of this day is other than before: the first day behind it of which there are sums, and what
    is marked behind it, again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(day) FROM ride_days WHERE park_id = %s AND day > %s", [park_id, day])
        (following,) = cursor.fetchone()
    if following is not None:
        mark([(park_id, following)])
    mark_again_behind(park_id, day)


def mark_again_behind(park_id: int, day: date) -> None:
    """Give what is marked behind this day, as far as anything is carried, other marks: who is making these days anew
    may have read of this one, or of what it carries, what is not so any more."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE stale_days SET token = %s WHERE park_id = %s AND day > %s AND day <= %s",
            [_new_token(), park_id, day, day + CARRIED],
        )


def mark_older_than(park_id: int, rules_version: int) -> int:
    """The days of a park that were counted by older rules, if its first or last is one; how many there are.

    They are made anew from the first on, so that both ends are asked alone: two steps on the key.
    """
    ends = "(SELECT rules_version FROM ride_days WHERE park_id = %s ORDER BY day {} LIMIT 1)"
    with connection.cursor() as cursor:
        cursor.execute(f"{ends.format('')} UNION ALL {ends.format('DESC')}", [park_id, park_id])
        if all(version >= rules_version for (version,) in cursor.fetchall()):
            return 0
    days = _days_of("ride_days", "park_id = %s AND rules_version < %s", [park_id, rules_version])
    days -= _days_of("stale_days", "park_id = %s", [park_id])
    mark((park_id, day) for day in days)
    return len(days)


def mark_months(months: Iterable[tuple[date, int]]) -> None:
    """(first day of a month, park_id): rows of it are not what they were."""
    _write("park_months", "month, park_id", sorted(set(months)))


# --- what is marked -------------------------------------------------------------------------------------------------
def marked(park_id: int, last: date, *, limit: int | None = None, for_update: bool = False) -> dict[date, int]:
    """The marked days of a park up to `last`, in order, each with its token: all, or the first `limit`.

    `for_update`: nobody else writes them until the caller's transaction ends.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, token FROM stale_days WHERE park_id = %s AND day <= %s ORDER BY day"
            f"{'' if limit is None else f' LIMIT {limit}'}{' FOR UPDATE' if for_update else ''}",
            [park_id, last],
        )
        return dict(cursor.fetchall())


def parks() -> list[int]:
    """The parks that have marked days."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT park_id FROM stale_days ORDER BY park_id")
        return [park_id for (park_id,) in cursor.fetchall()]


def waiting(now: datetime, park_ids: Collection[int] | None = None) -> Waiting:
    """The marked days (of these parks; None: of all) that are long final, so that nothing keeps them from being made.

    Days that are not stay marked, whatever is done. One range of the key a park.
    """
    of_parks = "" if park_ids is None else " AND park_id IN %s"
    if park_ids is not None and not park_ids:
        return Waiting(0, 0, None)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*), COUNT(DISTINCT park_id), MIN(token) FROM stale_days WHERE day <= %s" + of_parks,
            [(now - SURELY_FINAL).date(), *([] if park_ids is None else [list(park_ids)])],
        )
        days, of, token = cursor.fetchone()
    return Waiting(days, of, token and instant_at(token >> RANDOM_BITS))


# --- clearing, by warehouse.history.recompute alone -----------------------------------------------------------------
def clear(park_id: int, days: Collection[date]) -> None:
    """These days' sums are of what the rows say. In a transaction that has seen their marks (`marked`, for update)."""
    if days:
        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM stale_days WHERE park_id = %s AND day IN %s", [park_id, list(days)])


def _days_of(table: str, which: str, values: Sequence[Any]) -> set[date]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT day FROM {table} WHERE {which}", values)
        return {day for (day,) in cursor.fetchall()}


def _beside(day: date) -> Iterator[date]:
    return (day + n * ONE_DAY for n in (-1, 0, 1))


def _new_token() -> int:
    """Another one each time; `waiting` tells by it when a day was marked, by the clock of whoever marked it."""
    return (time.time_ns() // 1_000_000 << RANDOM_BITS) | secrets.randbits(RANDOM_BITS)


def _write(table: str, key: str, rows: Sequence[tuple[Any, Any]]) -> None:
    token = _new_token()
    with connection.cursor() as cursor:
        for begin in range(0, len(rows), ROWS_PER_STATEMENT):
            part = rows[begin : begin + ROWS_PER_STATEMENT]
            cursor.execute(
                f"INSERT INTO {table} ({key}, token) VALUES {', '.join(['(%s, %s, %s)'] * len(part))} "
                "ON DUPLICATE KEY UPDATE token = VALUES(token)",
                [value for row in part for value in (*row, token)],
            )
