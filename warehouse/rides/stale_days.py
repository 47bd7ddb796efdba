"""What sums of days are stale: whoever stores, alters or deletes a row says so here, in the transaction of the row.

A row of a park's day bears on that day, on the one before it, whose last word may be known to have held or not by what
comes after, and on the one after it, into which states are carried. States that are carried further are followed when
the day is made anew (warehouse.history.recompute): its check sum of what is carried tells whether the next day changes.

Writers of one park take turns (imports.loading.turns), so that marks of a park are written by one at a time.
"""

import secrets
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Any

from django.db import connection

from warehouse.days import ONE_DAY

ROWS_PER_STATEMENT = 1000


def mark(days: Iterable[tuple[int, date]]) -> None:
    """(park_id, the park's own day): their sums are to be made anew."""
    _write("stale_days", "park_id, day", sorted(set(days)))


def mark_park(park_id: int) -> None:
    """All days of a park of which there are sums, and the ones beside them: where its days begin has changed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT day FROM ride_days WHERE park_id = %s", [park_id])
        days = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT day FROM stale_days WHERE park_id = %s", [park_id])
        days |= {row[0] for row in cursor.fetchall()}
    mark((park_id, day + n * ONE_DAY) for day in days for n in (-1, 0, 1))


def mark_ride(ride_id: int, park_ids: Collection[int]) -> None:
    """Whose rows a ride's are has changed among these parks: all its days in any of them, known or to be known."""
    if not park_ids:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT day FROM ride_days WHERE ride_id = %s", [ride_id])
        days = {row[0] for row in cursor.fetchall()}
        cursor.execute("SELECT DISTINCT day FROM stale_days WHERE park_id IN %s", [list(park_ids)])
        days |= {row[0] for row in cursor.fetchall()}
    mark((park_id, day + n * ONE_DAY) for park_id in park_ids for day in days for n in (-1, 0, 1))


def mark_months(months: Iterable[tuple[date, int]]) -> None:
    """(first day of a month, park_id): rows of it are not what they were."""
    _write("park_months", "month, park_id", sorted(set(months)))


def _write(table: str, key: str, rows: Sequence[tuple[Any, Any]]) -> None:
    with connection.cursor() as cursor:
        for begin in range(0, len(rows), ROWS_PER_STATEMENT):
            part = rows[begin : begin + ROWS_PER_STATEMENT]
            cursor.execute(
                f"INSERT INTO {table} ({key}, token) VALUES {', '.join(['(%s, %s, %s)'] * len(part))} "
                "ON DUPLICATE KEY UPDATE token = VALUES(token)",
                [value for row in part for value in (*row, secrets.randbits(62))],
            )
