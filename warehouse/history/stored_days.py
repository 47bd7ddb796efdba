"""The sums of days as they are stored: rows of ride_days, and beside them what they come to for the park (park_days)
and the hours that were inferred (park_hours).

Written by warehouse.history.recompute alone, in a transaction in which the park's marks are seen.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper

from warehouse.history import park_sums
from warehouse.history.rule import RULES_VERSION, DayOfPark
from warehouse.instants import aware_utc, instant_at, milliseconds_of, naive_utc
from warehouse.models import HoursSource, HoursType, RideDay

_KEY = ("park_id", "day", "ride_id")
_MADE = "computed_at"
#: what a day says of a ride, in the order of the table
FIGURES = tuple(
    field.column
    for field in RideDay._meta.concrete_fields
    if field.column not in (*_KEY, "told_by", "rules_version", _MADE)
)
COLUMNS = (*_KEY, "told_by", "rules_version", *FIGURES, _MADE)
_HOURS_COLUMNS = ("park_id", "day", "type", "opens_at", "closes_at", "source", "read_at")
ROWS_PER_STATEMENT = 1000  # of 43 values: some 150 KB

Hours = tuple[tuple[int, int], ...]


def carried(park_id: int, first: date, last: date) -> dict[date, dict[int, int]]:
    """What is carried out of a park's stored days, both included: check sums by day and ride_id."""
    found: dict[date, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, ride_id, carried FROM ride_days WHERE park_id = %s AND day BETWEEN %s AND %s",
            [park_id, first, last],
        )
        for day, ride_id, check_sum in cursor.fetchall():
            found.setdefault(day, {})[ride_id] = check_sum
    return found


def inferred(park_id: int, first: date, last: date) -> dict[date, Hours]:
    """The hours of a park's days that were inferred, in milliseconds since 1970, in order."""
    found: dict[date, list[tuple[int, int]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT day, opens_at, closes_at FROM park_hours WHERE park_id = %s AND day BETWEEN %s AND %s "
            "AND source = %s ORDER BY day, opens_at",
            [park_id, first, last, HoursSource.INFERRED],
        )
        for day, opens, closes in cursor.fetchall():
            found.setdefault(day, []).append((milliseconds_of(aware_utc(opens)), milliseconds_of(aware_utc(closes))))
    return {day: tuple(hours) for day, hours in found.items()}


def hours_of(made: DayOfPark) -> Hours:
    """The hours that are to be stored with a day that was made: those that were inferred."""
    return tuple(sorted(made.hours)) if made.hours_source == HoursSource.INFERRED else ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """Rows of ride_days, as text of SQL, and of park_hours, as they are to be stored, by day."""

    rows: Mapping[date, list[str]]
    hours: Mapping[date, list[list[Any]]]


def prepared(park_id: int, made: Iterable[DayOfPark], now: datetime) -> Prepared:
    """Days that were made, ready to be written: to be called before writers of the park are made to wait."""
    rows, hours = {}, {}
    for day in made:
        rows[day.day] = [_as_sql(row) for row in _rows(park_id, day, now)]
        hours[day.day] = [
            [park_id, day.day, HoursType.OPERATING, *map(_instant, span), HoursSource.INFERRED, naive_utc(now)]
            for span in hours_of(day)
        ]
    return Prepared(rows, hours)


def write(park_id: int, days: Sequence[date], ready: Prepared) -> int:
    """Put these days, which lie behind one another, in the place of what is stored, in the caller's transaction;
    how many rows they have. Days that are not in `ready` are those of which nothing is known."""
    rows = [row for day in days for row in ready.rows.get(day, ())]
    hours = [row for day in days for row in ready.hours.get(day, ())]
    with connection.cursor() as cursor:
        of_days = [park_id, days[0], days[-1]]
        cursor.execute("DELETE FROM ride_days WHERE park_id = %s AND day BETWEEN %s AND %s", of_days)
        cursor.execute(
            "DELETE FROM park_hours WHERE park_id = %s AND day BETWEEN %s AND %s AND source = %s",
            [*of_days, HoursSource.INFERRED],
        )
        for begin in range(0, len(rows), ROWS_PER_STATEMENT):
            values = ",".join(rows[begin : begin + ROWS_PER_STATEMENT])
            cursor.execute(f"INSERT INTO ride_days ({', '.join(COLUMNS)}) VALUES {values}")
        _insert_hours(cursor, hours)
        park_sums.write(cursor, park_id, days[0], days[-1])
    return len(rows)


def _insert_hours(cursor: CursorWrapper, rows: Sequence[Sequence[Any]]) -> None:
    one = f"({', '.join(['%s'] * len(_HOURS_COLUMNS))})"
    for begin in range(0, len(rows), ROWS_PER_STATEMENT):
        part = rows[begin : begin + ROWS_PER_STATEMENT]
        cursor.execute(
            f"INSERT INTO park_hours ({', '.join(_HOURS_COLUMNS)}) VALUES {', '.join([one] * len(part))}",
            [value for row in part for value in row],
        )


#: a value as SQL, by its type: for the 43 of a row the driver takes 40 us, this 6. Texts are digits of bytes, so that
#: nothing in them can end them
_AS_SQL: dict[type, Callable[[Any], str]] = {
    int: str,
    type(None): lambda _: "NULL",
    str: lambda value: f"_utf8mb4 x'{value.encode().hex()}'",
    bytes: lambda value: f"x'{value.hex()}'",
    date: lambda value: f"'{value}'",
    datetime: lambda value: f"'{value.replace(tzinfo=None)}'",  # UTC, all of them
    Decimal: lambda value: f"{value:f}",
}


def _as_sql(row: Iterable[Any]) -> str:
    return f"({','.join([_AS_SQL[type(value)](value) for value in row])})"


def is_made_since(park_id: int, day: date, instant: datetime) -> bool:
    """Whether a day has rows, made at an instant or since."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT computed_at FROM ride_days WHERE park_id = %s AND day = %s LIMIT 1", [park_id, day])
        row = cursor.fetchone()
    return row is not None and aware_utc(row[0]) >= instant


# --- to be compared -------------------------------------------------------------------------------------------------
def rows(park_id: int, first: date, last: date) -> dict[tuple[date, int], tuple[Any, ...]]:
    """All that is stored of a park's days but when it was made, by (day, ride_id), in the order of `compared`."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT day, ride_id, {', '.join(compared())} FROM ride_days WHERE park_id = %s AND day BETWEEN %s AND %s",
            [park_id, first, last],
        )
        return {(day, ride_id): tuple(map(_plain, values)) for day, ride_id, *values in cursor.fetchall()}


def rows_of(park_id: int, made: Iterable[DayOfPark], now: datetime) -> dict[tuple[date, int], tuple[Any, ...]]:
    """What would be stored of days that were made, as `rows` tells it."""
    return {(row[1], row[2]): tuple(map(_plain, row[3:-1])) for day in made for row in _rows(park_id, day, now)}


def compared() -> tuple[str, ...]:
    """The columns that a day's rows tell beside their key."""
    return COLUMNS[3:-1]


def _rows(park_id: int, made: DayOfPark, now: datetime) -> Iterable[list[Any]]:
    computed_at, told_by = naive_utc(now), str(made.told_by)
    for ride_id, figures in sorted(made.rides.items()):
        yield [park_id, made.day, ride_id, told_by, RULES_VERSION, *figures, computed_at]


def _plain(value: Any) -> Any:
    """As the server gives it back: amounts with their cents, instants without their zone."""
    if isinstance(value, Decimal):
        return value.quantize(Decimal("0.01"))
    return naive_utc(value) if isinstance(value, datetime) and value.tzinfo is not None else value


def _instant(milliseconds: int) -> datetime:
    return naive_utc(instant_at(milliseconds))
