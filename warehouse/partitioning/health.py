"""How many months lie ready, and whether rows have strayed into a boundary partition, at an end or between months.

The system check, the daily task, the command and the page of partitions say what `health` says, with counts; the home
page, which is asked for all the time, takes `months_ahead` and `filled_boundaries` alone, which count nothing. Rows
leave a boundary partition only when the operator asks (`--drain`): that copies them while everybody else waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, connection

from warehouse.partitioning import partitions
from warehouse.partitioning.partitions import EARLIEST_MONTH, LATEST_MONTH, TABLE
from warehouse.server import catalog, errors
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
    """How the partitions stand on `today`. Asks those for rows that by rights have none. CatalogError."""
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
    """Whole months after today's with a partition of their own, without a hole; 0 when today's month has none."""
    month = partitions.month_of(today)
    end: date | None = month  # up to where months follow each other from this one on
    for partition in existing:
        if partitions.is_boundary(partition) or end is None:
            continue
        if (partition.lower is None or partition.lower <= end) and (partition.upper is None or partition.upper > end):
            end = partition.upper
    if end is None:
        return 0
    return max(0, (end.year - month.year) * 12 + end.month - month.month - 1)


def filled_boundaries(existing: Sequence[Partition], table: str = TABLE) -> list[str]:
    """The boundary partitions that hold a row, by name: one step into each, without counting."""
    filled = []
    for partition in _boundaries(existing):
        with connection.cursor() as cursor:
            try:
                cursor.execute(f"SELECT 1 FROM {table} PARTITION ({partition.name}) LIMIT 1")
            except DatabaseError as error:
                if errors.is_changed(error):  # split or swapped since: its rows are where they belong
                    continue
                raise
            if cursor.fetchone() is not None:
                filled.append(partition.name)
    return filled


def months_needed(table: str = TABLE) -> list[date]:
    """The months of the rows in the boundary partitions, in order; reads all of these rows (by rights none).

    Rows of before EARLIEST_MONTH or after LATEST_MONTH have no month: they stay, to be looked at.
    """
    needed: set[date] = set()
    for partition in _boundaries(catalog.partitions(table)):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT DISTINCT YEAR(recorded_at), MONTH(recorded_at) "
                f"FROM {table} PARTITION ({partition.name}) WHERE recorded_at >= %s AND recorded_at < %s",
                [EARLIEST_MONTH, partitions.add_months(LATEST_MONTH, 1)],
            )
            needed |= {date(year, month, 1) for year, month in cursor.fetchall()}
    return sorted(needed)


def _boundaries(existing: Sequence[Partition]) -> list[Partition]:
    return [partition for partition in existing if partitions.is_boundary(partition)]
