"""Sums of whole parks by day and kind of ride: park_days, made of the rows of ride_days beside them.

Written in the transaction that writes those (warehouse.history.stored_days), of what it has just written: so they are
never other than these. Kinds are read in it, too, which whoever changes one does while it has the park's turn.
"""

from datetime import date
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from warehouse.models import ParkDay, RideDay

KEY = ("park_id", "day", "kind")
_OF_RIDES = {field.column for field in RideDay._meta.concrete_fields}
#: what is added up, named alike in both tables
ADDED = tuple(
    field.column
    for field in ParkDay._meta.concrete_fields
    if field.column in _OF_RIDES and field.column not in (*KEY, "rules_version", "standby_min", "standby_max")
)
_MADE = {
    "rules_version": "MIN(rules_version)",  # all rows of a day are written at once
    "ride_days": "COUNT(*)",
    "operated": "COUNT(NULLIF(operating_minutes, 0))",
    "waited": "COUNT(NULLIF(standby_minutes, 0))",
    **{name: f"SUM({name} + 0e0)" for name in ADDED},  # as doubles: exact, and in half the time
    "standby_min": "MIN(standby_min)",
    "standby_max": "MAX(standby_max)",
}
COLUMNS = (*KEY, *_MADE)
# by a step for each ride, which a second row of metadata could not double
_KIND = "COALESCE((SELECT MAX(entity_type) FROM entity_metadata m WHERE m.ride_id = ride_days.ride_id), '')"
_SUMMED = (
    f"SELECT park_id, day, {_KIND} COLLATE utf8mb4_bin AS kind, {', '.join(_MADE.values())} FROM ride_days "
    "FORCE INDEX (PRIMARY) WHERE park_id = %s AND day BETWEEN %s AND %s GROUP BY park_id, day, kind"
)
_STORED = f"SELECT {', '.join(COLUMNS)} FROM park_days WHERE park_id = %s AND day BETWEEN %s AND %s"


def write(cursor: CursorWrapper, park_id: int, first: date, last: date) -> None:
    """Add a park's days up, both included, in the place of what is stored of them."""
    of_days = [park_id, first, last]
    cursor.execute("DELETE FROM park_days WHERE park_id = %s AND day BETWEEN %s AND %s", of_days)
    cursor.execute(f"INSERT INTO park_days ({', '.join(COLUMNS)}) {_SUMMED}", of_days)


# --- to be compared -------------------------------------------------------------------------------------------------
def stored(park_id: int, first: date, last: date) -> dict[tuple[date, str], tuple[Any, ...]]:
    """What is stored of a park's days, by (day, kind), in the order of COLUMNS behind the key."""
    return _by_day_and_kind(_STORED, park_id, first, last)


def summed(park_id: int, first: date, last: date) -> dict[tuple[date, str], tuple[Any, ...]]:
    """What its rows of ride_days come to."""
    return _by_day_and_kind(_SUMMED, park_id, first, last)


def _by_day_and_kind(sql: str, park_id: int, first: date, last: date) -> dict[tuple[date, str], tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [park_id, first, last])
        return {(day, kind): tuple(map(_whole, values)) for _, day, kind, *values in cursor.fetchall()}


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)
