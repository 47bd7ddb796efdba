"""Month partitions of the fact table: their names and bounds, and how missing ones are made.

`plan` turns what exists and what is wanted into SQL and touches nothing; `apply` runs it; `ensure_months` is both in
one call, for an importer. Months are made one by one as rows come for them; the server wants partitions without a
hole, so what lies between two of them is a boundary partition, as before the first and after the last:

    p_before_201603 | p201603 | p_between_201604_202501 | p202501 | ... | p202612 | p_future

Only boundary partitions are ever split. They are named after their bounds and empty in normal life. Nothing here ever
deletes a row or a month.

DDL commits, so nothing here runs inside a transaction; and it never waits for a lock (warehouse.server.ddl).
"""

import re
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, OperationalError, ProgrammingError, connection

from warehouse.server import away, catalog, ddl, errors
from warehouse.server.catalog import Partition, Scheme
from warehouse.text import count_of

TABLE = "ride_status_snapshots"
COPY = "ride_status_snapshots_copy"  # while repartition makes the table over, rows go here too
FUTURE = "p_future"
BEFORE = "p_before_"
BETWEEN = "p_between_"

# Outside of these a month gets no partition of its own: its rows lie in a boundary partition, where they are reported.
# Recording began in 2021; a stray row of 1970 must not make 600 empty partitions.
EARLIEST_MONTH = date(2000, 1, 1)
LATEST_MONTH = date(2099, 12, 1)

IMPORT_PATIENCE_SECONDS = 60.0
MAINTAIN_PATIENCE_SECONDS = 1.5  # an operator waits for the answer, which is to come within 2 s
# A boundary partition that is split is copied. So few rows take milliseconds and are carried along without asking: of
# before the first month or after the last, where strays of a broken clock lie. Between two months none are.
BOUNDARY_ROWS_CARRIED_ALONG = 10_000

# Another process changed the partitions, or swapped in a table that has none or others (repartition), between our look
# and our ALTER: no such table or partition, or the plan does not fit what is there now.
_GONE_CODES = {1146, 1735, 1747}


Piece = tuple[str, date | None]  # a partition's name, and the day before which it ends; None: it has no end


class PartitionsError(Exception):
    """Partitions cannot be made; the message says what to do."""


class PartitionsChanged(PartitionsError, away.Changed):
    """They are others than the plan was made for: another plan may do."""


class PartitionsBlocked(PartitionsError):
    """Other sessions held locks on the table for longer than was waited: `sessions` are who, where that is known."""

    def __init__(self, error: ddl.TableInUse):
        self.sessions = error.sessions
        super().__init__(str(error))


class _PartitionsChanged(Exception):
    """Somebody else was faster: look and plan again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One ALTER: the partition it splits ("" when it appends behind the last one), and the names of months it makes.

    Split is a boundary partition, or the oldest month of a table that has none at that end.
    """

    sql: str
    splits: str
    adds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be done, as data: print it, or apply it. Empty (false) when nothing is missing."""

    table: str
    steps: tuple[Step, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.steps)

    @property
    def adds(self) -> list[str]:
        """The names of all months that the steps make, in the order of the steps."""
        return [name for step in self.steps for name in step.adds]


# --- months and names -------------------------------------------------------------------------------------------
def month_of(day: date) -> date:
    """The first day of its month."""
    return date(day.year, day.month, 1)


def add_months(month: date, count: int) -> date:
    """The first day of the month so many months later, or earlier for a `count` below 0.

    ValueError: beyond the calendar, which ends at 9999-12.
    """
    index = month.year * 12 + month.month - 1 + count
    return date(index // 12, index % 12 + 1, 1)


def months_between(first: date, last: date) -> list[date]:
    """The months from first's to last's, both included, in order; [] when last lies before first."""
    months = []
    month = month_of(first)
    while month <= last:
        months.append(month)
        month = add_months(month, 1)
    return months


def name_of(month: date) -> str:
    """Of the partition of a month: p202503. Such names sort by time, and `bounds_of` reads them back."""
    return f"p{month:%Y%m}"


def boundary_name(bound: date) -> str:
    """Of the boundary partition with all that lies before `bound`: p_before_2025, p_before_202107."""
    return f"{BEFORE}{bound:%Y}" if bound.month == 1 else f"{BEFORE}{bound:%Y%m}"


def between_name(first: date, bound: date) -> str:
    """Of the boundary partition from the month `first` up to, not including, `bound`: p_between_201604_202501."""
    return f"{BETWEEN}{first:%Y%m}_{bound:%Y%m}"


def bounds_of(name: str) -> tuple[date | None, date | None] | None:
    """What a name says of its bounds: p202503 -> (2025-03-01, 2025-04-01), p_before_2025 -> (None, 2025-01-01).

    p_future -> (None, None): where it begins is not in its name. None for a name that is not ours.
    """
    if name == FUTURE:
        return None, None
    if (between := re.fullmatch(rf"{BETWEEN}(\d{{6}})_(\d{{6}})", name)) is not None:
        lower, upper = bounds_of(f"p{between[1]}"), bounds_of(f"p{between[2]}")
        return (lower[0], upper[0]) if lower and upper and between[1] < between[2] else None
    match = re.fullmatch(r"p(_before_)?(\d{4})(\d\d)?", name)
    if match is None or not 1 <= int(match[3] or 1) <= 12 or not (match[1] or match[3]) or match[2] == "0000":
        return None
    month = date(int(match[2]), int(match[3] or 1), 1)
    return (None, month) if match[1] else (month, add_months(month, 1))


def is_boundary(partition: Partition) -> bool:
    """Whether it is a boundary partition, by its name: at an end (there may be none) or between two months."""
    return partition.name == FUTURE or partition.name.startswith((BEFORE, BETWEEN))


# --- planning ---------------------------------------------------------------------------------------------------
def plan(
    existing: Sequence[Partition], months: Iterable[date], table: str = TABLE, scheme: Scheme = Scheme.COLUMN
) -> Plan:
    """The ALTERs that give each of `months` (any day of it) a partition: one for each boundary partition concerned.

    Pure: `existing` is what catalog.partitions says, in order; nothing is planned when it is empty (the table has
    none). Months outside of EARLIEST_MONTH to LATEST_MONTH are left to the boundary partitions. PartitionsError: a
    partition ends inside a month.
    """
    wanted = sorted({month_of(day) for day in months if EARLIEST_MONTH <= month_of(day) <= LATEST_MONTH})
    if not wanted or not existing:
        return Plan(table)
    for partition in existing:
        if partition.upper is not None and partition.upper.day != 1:
            raise PartitionsError(
                f"Partition {partition.name} of {table} ends at {partition.upper}, inside a month. "
                "Run manage.py partition_snapshots apply, which gives every month one partition"
            )
    steps = [
        _reorganize(table, partition, pieces, scheme)
        for partition in existing
        if (pieces := _pieces(partition, partition is existing[0], wanted))
    ]
    end = existing[-1].upper
    if end is not None and wanted[-1] >= end:  # no p_future so far
        pieces = [*_months_from(end, [month for month in wanted if month >= end]), (FUTURE, None)]
        sql = f"ALTER TABLE {table} ADD PARTITION ({_definitions(pieces, scheme)})"
        steps.append(Step(sql, "", _months_of(pieces)))
    return Plan(table, tuple(steps))


def _pieces(partition: Partition, is_lowest: bool, wanted: Sequence[date]) -> list[Piece]:
    """What a partition is to be split into, so that the wanted months that lie in it have one each; []: it stays."""
    if is_lowest and partition.upper is not None:
        begin = _begin_of_months(partition)
        if begin is None or not (inside := [month for month in wanted if month < begin]):
            return []
        pieces = [(boundary_name(inside[0]), inside[0]), *_months_from(inside[0], inside, begin)]
        # no p_before_... so far: the oldest month lies open, and keeps its name
        return pieces if partition.upper == begin else [*pieces, (partition.name, partition.upper)]
    lower, upper = partition.lower, partition.upper
    if not is_boundary(partition) or lower is None:
        return []
    inside = [month for month in wanted if month >= lower and (upper is None or month < upper)]
    if not inside:
        return []
    return _months_from(lower, inside, upper) if upper is not None else [*_months_from(lower, inside), (FUTURE, None)]


def _begin_of_months(low: Partition) -> date | None:
    """Where the months begin: the bound of p_before_..., or the first day of an oldest month that lies open."""
    named = bounds_of(low.name)
    if named is not None and named[0] is not None:
        return named[0]
    return low.upper


def _months_from(begin: date, months: Sequence[date], end: date | None = None) -> list[Piece]:
    """The months, and what lies between them from `begin` on, up to `end` where there is one."""
    pieces: list[Piece] = []
    for month in months:
        if begin < month:
            pieces.append((between_name(begin, month), month))
        begin = add_months(month, 1)
        pieces.append((name_of(month), begin))
    if end is not None and begin < end:
        pieces.append((between_name(begin, end), end))
    return pieces


def _reorganize(table: str, split: Partition, pieces: list[Piece], scheme: Scheme) -> Step:
    sql = f"ALTER TABLE {table} REORGANIZE PARTITION {split.name} INTO ({_definitions(pieces, scheme)})"
    return Step(sql, split.name, tuple(name for name in _months_of(pieces) if name != split.name))


def _months_of(pieces: list[Piece]) -> tuple[str, ...]:
    return tuple(name for name, _ in pieces if name != FUTURE and not name.startswith((BEFORE, BETWEEN)))


def definitions(first_month: date, last_month: date) -> str:
    """A whole table's partitions for a CREATE or ALTER, as SQL: a boundary partition at each end, and every month.

    Months outside of EARLIEST_MONTH to LATEST_MONTH are left to the boundary partitions.
    """
    first = min(max(month_of(first_month), EARLIEST_MONTH), LATEST_MONTH)
    last = max(min(month_of(last_month), LATEST_MONTH), first)
    months = _months_from(first, months_between(first, last))
    return _definitions([(boundary_name(first), first), *months, (FUTURE, None)], Scheme.COLUMN)


def _definitions(pieces: list[Piece], scheme: Scheme) -> str:
    def bound(month: date | None) -> str:
        if month is None:
            return "MAXVALUE"
        return f"{month:%Y%m}" if scheme is Scheme.NUMBER else f"'{month}'"

    return ", ".join(f"PARTITION {name} VALUES LESS THAN ({bound(month)})" for name, month in pieces)


# --- doing ------------------------------------------------------------------------------------------------------
def ensure(
    first: date, last: date, *, patience_seconds: float = IMPORT_PATIENCE_SECONDS, table: str = TABLE
) -> list[str]:
    """Make sure that every month from first's to last's has a partition; the names this call added.

    For months that are kept ready; an importer makes those of its rows alone (`ensure_months`). Errors as there.
    """
    if first > last:
        raise ValueError(f"{first} lies after {last}")
    return ensure_months(months_between(first, last), patience_seconds=patience_seconds, table=table)


def ensure_months(
    months: Collection[date], *, patience_seconds: float = IMPORT_PATIENCE_SECONDS, table: str = TABLE
) -> list[str]:
    """Make sure that each of `months` (any day of it) has a partition; the names this call added.

    Cheap when nothing is missing (one look at the catalog, under 1 ms), so call it before each file. Safe beside
    others that do the same. A table that is not partitioned by month (after a rollback, say) needs nothing; while
    it is being made over, its copy gets the months.

    PartitionsBlocked: the table was in use all the time. PartitionsError: called inside a transaction, a boundary
    partition in the way holds rows, or the user may not ALTER.
    """
    try:
        ddl.refuse_inside_a_transaction()
    except ddl.InsideTransaction as error:
        raise PartitionsError(f"{error}. Ensure partitions before it begins") from error
    deadline = time.monotonic() + patience_seconds
    added: list[str] = []
    try:
        found = catalog.partitioning(table)
        if found.scheme is Scheme.COLUMN and not plan(found.partitions, months, table, found.scheme):
            return []  # nearly always
        # The copy before the table: it may become the table at any instant, and then has the months, or gets them.
        if table == TABLE and found.scheme is not Scheme.COLUMN and catalog.table_exists(COPY):
            with suppress(catalog.NoSuchTableError):  # it has just become the table, or was given up
                _ensure(months, COPY, deadline, added)
        _ensure(months, table, deadline, added)
    except catalog.CatalogError as error:
        raise PartitionsError(str(error)) from error
    return added


def _ensure(months: Collection[date], table: str, deadline: float, added: list[str]) -> None:
    while True:
        wanted = plan_now(months, table)
        if not wanted:
            return
        try:
            for step in wanted.steps:
                _run(step, table, deadline)
                added += step.adds
        except _PartitionsChanged as changed:
            if time.monotonic() > deadline:
                raise PartitionsError(f"The partitions of {table} keep changing: {changed.__cause__}") from changed


def plan_now(months: Collection[date], table: str = TABLE, *, drain: bool = False) -> Plan:
    """The plan for the table as it stands; empty for one without months. `drain` accepts that rows are copied."""
    found = catalog.partitioning(table)
    wanted = plan(found.partitions, months, table, found.scheme)
    if not drain:
        _refuse_to_drain(wanted)
    return wanted


def apply(plan: Plan, *, patience_seconds: float) -> None:
    """Run a plan step by step, each as soon as it can be done without waiting for a lock. PartitionsError as ensure."""
    deadline = time.monotonic() + patience_seconds
    for step in plan.steps:
        try:
            _run(step, plan.table, deadline)
        except _PartitionsChanged as changed:
            raise PartitionsChanged(
                f"Another process has changed the partitions of {plan.table} meanwhile; call again"
            ) from changed


def _run(step: Step, table: str, deadline: float) -> None:
    try:
        ddl.alter(step.sql, table, patience_seconds=deadline - time.monotonic())
    except ddl.TableInUse as error:
        raise PartitionsBlocked(error) from error
    except ddl.DdlError as error:
        raise PartitionsError(str(error)) from error
    except (OperationalError, ProgrammingError) as error:
        if errors.is_changed(error):
            raise _PartitionsChanged from error
        raise


def _refuse_to_drain(wanted: Plan) -> None:
    """What is split is copied, so a partition that holds rows of the new months, or many rows, is left alone; and one
    between two months where it holds any: each of its rows has a month."""
    for step in wanted.steps:
        most = 0 if step.splits.startswith(BETWEEN) else BOUNDARY_ROWS_CARRIED_ALONG
        rows, inside = _rows_in_the_way(step, wanted.table) if step.splits else (0, False)
        if inside or rows > most:
            many = (
                f"over {BOUNDARY_ROWS_CARRIED_ALONG:,} rows"
                if rows > BOUNDARY_ROWS_CARRIED_ALONG
                else count_of(rows, "row")
            )
            raise PartitionsError(
                f"Partition {step.splits} of {wanted.table} holds {many} that would be copied to make "
                f"{step.adds[0]}{' and more' if len(step.adds) > 1 else ''}. "
                "See them with manage.py maintain_partitions --check, move them with --drain"
            )


def _rows_in_the_way(step: Step, table: str) -> tuple[int, bool]:
    """(rows of the partition to split, up to one above the limit; whether one of them belongs to a new month, or to
    one between new months)."""
    begin, end = _month_named(step.adds[0]), add_months(_month_named(step.adds[-1]), 1)
    named = bounds_of(step.splits)
    if step.splits == FUTURE:
        begin = EARLIEST_MONTH
    elif named is not None:  # the months of the table begin here
        end = named[0] or named[1] or end
    rows = count_rows(step.splits, table, limit=BOUNDARY_ROWS_CARRIED_ALONG + 1)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT EXISTS (SELECT 1 FROM {table} PARTITION ({step.splits}) "
                "WHERE recorded_at >= %s AND recorded_at < %s)",
                [begin, end],
            )
            return rows, bool(cursor.fetchone()[0])
    except DatabaseError as error:
        if error.args[0] in _GONE_CODES:  # as the ALTER will find
            return 0, False
        raise


def _month_named(name: str) -> date:
    """The month that `name_of` named so."""
    return date(int(name[1:5]), int(name[5:7]), 1)


def count_rows(partition: str, table: str = TABLE, *, limit: int) -> int:
    """The rows of one partition, counted no further than `limit`; 0 when another process has just split it."""
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} PARTITION ({partition}) LIMIT {limit}) counted"
            )
            return cursor.fetchone()[0]
    except DatabaseError as error:
        if error.args[0] in _GONE_CODES:
            return 0
        raise
