"""The two ends of the fact table: how many months lie ready, and whether rows have strayed into a boundary partition.

The system check, the daily task, the command and the page of partitions say what `health` says, with counts; the home
page, which is asked for all the time, takes `months_ahead` and `filled_boundaries` alone, which count nothing. Rows
leave a boundary partition only when the operator asks (`--drain`): that copies them while everybody else waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import connection

from warehouse.partitioning import partitions
from warehouse.partitioning.partitions import EARLIEST_MONTH, LATEST_MONTH, TABLE
from warehouse.server import catalog
from warehouse.server.catalog import Partition, Scheme
from warehouse.text import count_of

MONTHS_AHEAD_AT_LEAST = 3
COUNT_LIMIT = 100_001  # rows of a boundary partition are counted no further


@dataclass(frozen=True, slots=True)
class Health:
    """`months_ahead`: whole months after today's that have a partition; None for a table that is not partitioned."""

    partitioned_by: str
    months_ahead: int | None
    boundary_rows: dict[str, int]  # of the boundary partitions that hold any: up to COUNT_LIMIT
    problems: tuple[str, ...]  # one sentence each, with what to do


def health(today: date, table: str = TABLE) -> Health:
    """How the partitions stand on `today`. Asks two partitions for rows, which by rights have none. CatalogError."""
    found = catalog.partitioning(table)
    problems = []
    if found.scheme is not Scheme.COLUMN:
        problems.append(
            f"{table} is {found.description}: a range of dates reads all of it. "
            "Run manage.py partition_snapshots status"
        )
    existing = found.partitions
    if not existing:
        return Health(found.description, None, {}, tuple(problems))
    ahead = months_ahead(existing, today)
    if ahead < MONTHS_AHEAD_AT_LEAST:
        problems.append(
            f"{table} has partitions for {count_of(ahead, 'month')} ahead of {today:%Y-%m}, fewer than "
            f"{MONTHS_AHEAD_AT_LEAST}. Run manage.py maintain_partitions"
        )
    boundary_rows = {}
    for partition in _boundaries(existing):
        if rows := partitions.count_rows(partition.name, table, limit=COUNT_LIMIT):
            boundary_rows[partition.name] = rows
            many = f"over {COUNT_LIMIT - 1:,} rows" if rows == COUNT_LIMIT else count_of(rows, "row")
            problems.append(
                f"The boundary partition {partition.name} of {table} holds {many}. "
                "Look at them, then run manage.py maintain_partitions --drain"
            )
    return Health(found.description, ahead, boundary_rows, tuple(problems))


def months_ahead(existing: Sequence[Partition], today: date) -> int:
    """Whole months after today's with a partition of their own; 0 when today's month has none either."""
    last = existing[-1]
    end = last.upper or last.lower
    if end is None:
        return 0
    this_month = partitions.month_of(today)
    return max(0, (end.year - this_month.year) * 12 + end.month - this_month.month - 1)


def filled_boundaries(existing: Sequence[Partition], table: str = TABLE) -> list[str]:
    """The boundary partitions that hold a row, by name: one step into each, without counting."""
    filled = []
    for partition in _boundaries(existing):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT 1 FROM {table} PARTITION ({partition.name}) LIMIT 1")
            if cursor.fetchone() is not None:
                filled.append(partition.name)
    return filled


def span(table: str = TABLE) -> tuple[date, date] | None:
    """The first and the last day of rows in the boundary partitions, which need months; None when there are none.

    Rows of before EARLIEST_MONTH or after LATEST_MONTH have no month: they stay, to be looked at.
    """
    needed = []
    for partition in _boundaries(catalog.partitions(table)):
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT MIN(recorded_at), MAX(recorded_at) FROM {table} PARTITION ({partition.name}) "
                "WHERE recorded_at >= %s AND recorded_at < %s",
                [EARLIEST_MONTH, partitions.add_months(LATEST_MONTH, 1)],
            )
            needed += [instant.date() for instant in cursor.fetchone() if instant is not None]
    return (min(needed), max(needed)) if needed else None


def _boundaries(existing: Sequence[Partition]) -> list[Partition]:
    return [partition for partition in existing if partitions.is_boundary(partition)]
