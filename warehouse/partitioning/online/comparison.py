"""Whether two tables of snapshots hold the same rows: count and checksum, month by month, while both are written to.

Each month of both tables is read by one statement, so at one instant: a row that a trigger writes to both in one
transaction is in both or in neither.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.db import connection

from warehouse.partitioning.partitions import EARLIEST_MONTH, LATEST_MONTH, add_months, month_of, months_between
from warehouse.server import catalog, ddl


@dataclass(frozen=True, slots=True)
class Month:
    """One month of both tables. The ends without a limit are `begin` None and `end` None; they should be empty."""

    begin: date | None
    end: date | None
    rows: int
    other_rows: int
    same: bool

    def __str__(self) -> str:
        name = f"{self.begin:%Y-%m}" if self.begin and self.end else "outside of all months"
        if self.rows == self.other_rows:
            return f"{name}: {self.rows:,} rows in both, and their checksums differ"
        return f"{name}: {self.rows:,} rows against {self.other_rows:,}"


def compare(table: str, other: str) -> Iterator[Month]:
    """Every month of both tables, in order, each as it was when it was read."""
    columns = list(catalog.columns(table))
    for begin, end in _ranges(table, other):
        where, parameters = _range(begin, end)
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join(f"SELECT {digest_of(columns)} FROM {name} WHERE {where}" for name in (table, other)),
                parameters * 2,
            )
            here, there = cursor.fetchall()
        took = time.monotonic() - began
        yield Month(begin, end, here[0], there[0], here == there)
        time.sleep(min(took, ddl.GAP_SECONDS))


def count_missing(table: str, other: str, month: Month) -> int:
    """The rows of a month that `other` has and `table` lacks, by identity."""
    where, parameters = _range(month.begin, month.end)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*) FROM {other} o WHERE {where} AND NOT EXISTS (SELECT 1 FROM {table} t "
            "WHERE t.snapshot_id = o.snapshot_id AND t.recorded_at = o.recorded_at)",
            parameters,
        )
        return cursor.fetchone()[0]


def digest_of(columns: list[str]) -> str:
    """SQL: count, and the rows' checksums summed and XORed, whatever their order; of these columns."""
    row = ", ".join(f"COALESCE({column}, '')" for column in columns)  # no column holds '' beside NULL
    checksum = f"CRC32(CONCAT_WS('#', {row}))"
    return f"COUNT(*), COALESCE(SUM({checksum}), 0), BIT_XOR({checksum})"


def _ranges(*tables: str) -> list[tuple[date | None, date | None]]:
    instants = []
    with connection.cursor() as cursor:
        for table in tables:
            cursor.execute(f"SELECT MIN(recorded_at), MAX(recorded_at) FROM {table}")
            instants += [instant.date() for instant in cursor.fetchone() if instant is not None]
    if not instants:
        return [(None, None)]
    first = min(max(month_of(min(instants)), EARLIEST_MONTH), LATEST_MONTH)
    last = min(max(month_of(max(instants)), first), LATEST_MONTH)
    inside = [(month, add_months(month, 1)) for month in months_between(first, last)]
    return [(None, first), *inside, (add_months(last, 1), None)]


def _range(begin: date | None, end: date | None) -> tuple[str, list[date]]:
    limits = [("recorded_at >= %s", begin), ("recorded_at < %s", end)]
    wanted = [(condition, day) for condition, day in limits if day is not None]
    return " AND ".join(condition for condition, _ in wanted) or "TRUE", [day for _, day in wanted]
