"""Month partitions of the fact table: their names and bounds, and how missing ones are made.

`plan` turns what exists and what is wanted into SQL and touches nothing; `apply` runs it; `ensure` is both in one
call, for an importer. Only the two guards at the ends are ever split: `p_before_...`, named after its bound, and
`p_future`. Nothing here ever deletes a row or a month.

DDL commits, so nothing here runs inside a transaction. DDL that waits for a lock makes every reader and writer wait
behind it, so it never waits: it tries, steps back, tries again for as long as it was given, and then says who is in
the way.
"""

import random
import re
import time
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, OperationalError, connection

from warehouse import catalog
from warehouse.catalog import Partition, Session

TABLE = "ride_status_snapshots"
FUTURE = "p_future"
BEFORE = "p_before_"

# Outside of these a month gets no partition of its own: its rows lie in a guard, where they are reported. Recording
# began in 2021; a stray row of 1970 must not make 600 empty partitions.
EARLIEST_MONTH = date(2000, 1, 1)
LATEST_MONTH = date(2099, 12, 1)

IMPORT_PATIENCE_SECONDS = 60.0
# A guard that is split is copied. So few rows take milliseconds and are carried along without asking.
GUARD_ROWS_CARRIED_ALONG = 10_000

_LOCKED = {1205, 1213}  # lock wait timeout, deadlock
_DENIED = {1044, 1045, 1142, 1227}
# Another process changed the partitions between our look and our ALTER.
_CHANGED = {1493, 1503, 1507, 1508, 1517, 1520}


class PartitionsError(Exception):
    """Partitions cannot be made; the message says what to do."""


class PartitionsBlocked(PartitionsError):
    """Other sessions held locks on the table for longer than was waited."""

    def __init__(self, table: str, waited_seconds: float, sessions: Sequence[Session]):
        self.sessions = list(sessions)
        if not sessions:
            who = "the database user may not see who (grant it PROCESS), or they have just gone"
        elif sessions[0].certain:
            who = "; ".join(map(str, sessions))
        else:
            who = "one of the open transactions: " + "; ".join(map(str, sessions))
        super().__init__(
            f"{table} was in use for {waited_seconds:.1f} s, so its partitions are as they were. In the way: {who}"
        )


class _PartitionsChanged(Exception):
    """Somebody else was faster: look and plan again."""


@dataclass(frozen=True, slots=True)
class Step:
    """One ALTER: the guard it splits ("" when it appends behind the last partition), and the months it makes."""

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
        return [name for step in self.steps for name in step.adds]


# --- months and names -------------------------------------------------------------------------------------------
def month_of(day: date) -> date:
    """The first day of its month."""
    return date(day.year, day.month, 1)


def add_months(month: date, count: int) -> date:
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
    return f"p{month:%Y%m}"


def guard_name(bound: date) -> str:
    """Of the guard of all that lies before `bound`: p_before_2025, p_before_202107."""
    return f"{BEFORE}{bound:%Y}" if bound.month == 1 else f"{BEFORE}{bound:%Y%m}"


def bounds_of(name: str) -> tuple[date | None, date | None] | None:
    """What a name says of its bounds: p202503 -> (2025-03-01, 2025-04-01), p_before_2025 -> (None, 2025-01-01).

    p_future -> (None, None): where it begins is not in its name. None for a name that is not ours.
    """
    if name == FUTURE:
        return None, None
    match = re.fullmatch(r"p(_before_)?(\d{4})(\d\d)?", name)
    if match is None or not 1 <= int(match[3] or 1) <= 12 or not (match[1] or match[3]) or match[2] == "0000":
        return None
    month = date(int(match[2]), int(match[3] or 1), 1)
    return (None, month) if match[1] else (month, add_months(month, 1))


def is_guard(partition: Partition) -> bool:
    return partition.name == FUTURE or partition.name.startswith(BEFORE)


# --- planning ---------------------------------------------------------------------------------------------------
def plan(existing: Sequence[Partition], first_month: date, last_month: date, table: str = TABLE) -> Plan:
    """The ALTERs that give every month from first_month to last_month a partition, without a hole to what exists.

    Pure: `existing` is what catalog.partitions says (at least one, in order). Months outside of EARLIEST_MONTH to
    LATEST_MONTH are left to the guards. PartitionsError: a partition ends inside a month.
    """
    first = max(month_of(first_month), EARLIEST_MONTH)
    last = min(month_of(last_month), LATEST_MONTH)
    if first > last:
        return Plan(table)
    for partition in existing:
        if partition.upper is not None and partition.upper.day != 1:
            raise PartitionsError(
                f"Partition {partition.name} of {table} ends at {partition.upper}, inside a month. "
                "Run manage.py partition_snapshots apply, which gives every month one partition"
            )
    steps = []
    low, high = existing[0], existing[-1]
    begin = _begin_of_months(low)
    if begin is not None and first < begin:
        pieces = [(guard_name(first), first)]
        pieces += [(name_of(month), add_months(month, 1)) for month in months_between(first, add_months(begin, -1))]
        if low.upper != begin:  # no guard so far: the oldest month lies open, and keeps its name
            pieces.append((low.name, low.upper))
        steps.append(_reorganize(table, low, pieces))
    end = high.lower if high.upper is None else high.upper
    if end is not None and last >= end:
        pieces = [(name_of(month), add_months(month, 1)) for month in months_between(end, last)]
        pieces.append((FUTURE, None))
        steps.append(
            _reorganize(table, high, pieces)
            if high.upper is None
            else Step(f"ALTER TABLE {table} ADD PARTITION ({_definitions(pieces)})", "", _months_of(pieces))
        )
    return Plan(table, tuple(steps))


def _begin_of_months(low: Partition) -> date | None:
    """Where the months begin: the bound of the low guard, or the first day of an oldest month that lies open."""
    named = bounds_of(low.name)
    if named is not None and named[0] is not None:
        return named[0]
    return low.upper


def _reorganize(table: str, split: Partition, pieces: list) -> Step:
    sql = f"ALTER TABLE {table} REORGANIZE PARTITION {split.name} INTO ({_definitions(pieces)})"
    return Step(sql, split.name, tuple(name for name in _months_of(pieces) if name != split.name))


def _months_of(pieces: list) -> tuple[str, ...]:
    return tuple(name for name, _ in pieces if name != FUTURE and not name.startswith(BEFORE))


def _definitions(pieces: list) -> str:
    return ", ".join(
        f"PARTITION {name} VALUES LESS THAN (" + ("MAXVALUE" if bound is None else f"'{bound}'") + ")"
        for name, bound in pieces
    )


# --- doing ------------------------------------------------------------------------------------------------------
def ensure(
    first: date, last: date, *, patience_seconds: float = IMPORT_PATIENCE_SECONDS, table: str = TABLE
) -> list[str]:
    """Make sure that every month from first's to last's has a partition; the names this call added.

    Cheap when nothing is missing (one look at the catalog, under 1 ms), so call it before each file. Safe beside
    others that do the same. A table that is not partitioned at all (after a rollback) needs nothing.

    PartitionsBlocked: the table was in use all the time. PartitionsError: called inside a transaction, a guard in
    the way holds rows, the user may not ALTER, or the table is partitioned by something else.
    """
    _refuse_inside_a_transaction()
    if first > last:
        raise ValueError(f"{first} lies after {last}")
    deadline = time.monotonic() + patience_seconds
    added: list[str] = []
    while True:
        existing = _existing(table)
        wanted = plan(existing, first, last, table) if existing else Plan(table)
        if not wanted:
            return added
        _refuse_to_drain(wanted)
        try:
            for step in wanted.steps:
                alter(step.sql, table, patience_seconds=deadline - time.monotonic())
                added += step.adds
        except _PartitionsChanged as changed:
            if time.monotonic() > deadline:
                raise PartitionsError(f"The partitions of {table} keep changing: {changed.__cause__}") from changed


def apply(plan: Plan, *, patience_seconds: float) -> None:
    """Run a plan step by step, each as soon as it can be done without waiting for a lock."""
    _refuse_inside_a_transaction()
    deadline = time.monotonic() + patience_seconds
    for step in plan.steps:
        alter(step.sql, plan.table, patience_seconds=deadline - time.monotonic())


def alter(sql: str, table: str, *, patience_seconds: float) -> None:
    """Run one `ALTER TABLE <table> ...` that gives up at once on a lock, again and again until it is done.

    Others are never made to wait behind it: MariaDB is told NOWAIT, MySQL, which has no such word, waits 1 s at most.
    """
    _refuse_inside_a_transaction()
    began = time.monotonic()
    pause = 0.01
    while True:
        try:
            _alter_without_waiting(sql, table)
            return
        except OperationalError as error:
            code = error.args[0]
            if code in _DENIED:
                raise PartitionsError(
                    f"The database user may not change the partitions of {table}: grant it ALTER, CREATE, DROP and "
                    f"INSERT on it ({error.args[1]})"
                ) from error
            if code in _CHANGED:
                raise _PartitionsChanged from error
            if code not in _LOCKED:
                raise
            waited = time.monotonic() - began
            if waited + pause > patience_seconds:
                raise PartitionsBlocked(table, waited, catalog.blockers(table)) from error
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, 0.5)


def _alter_without_waiting(sql: str, table: str) -> None:
    with _short_lock_wait(), connection.cursor() as cursor:
        if connection.mysql_is_mariadb:
            sql = sql.replace(f"ALTER TABLE {table} ", f"ALTER TABLE {table} NOWAIT ", 1)
        cursor.execute(sql)


@contextmanager
def _short_lock_wait():
    if connection.mysql_is_mariadb:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        (before,) = cursor.fetchone()
        cursor.execute("SET SESSION lock_wait_timeout = 1")
        try:
            yield
        finally:
            cursor.execute("SET SESSION lock_wait_timeout = %s", [before])


def _existing(table: str) -> list[Partition]:
    try:
        return catalog.partitions(table)
    except catalog.CatalogError as error:
        raise PartitionsError(f"{error}; manage.py partition_snapshots status says what to do") from error


def _refuse_inside_a_transaction() -> None:
    if connection.in_atomic_block or not connection.get_autocommit():
        raise PartitionsError("Partitions cannot be made inside a transaction: the ALTER would commit it")


def _refuse_to_drain(wanted: Plan) -> None:
    """A guard that is split is copied, so one that holds rows of the new months, or many rows, is left alone."""
    for step in wanted.steps:
        if not step.splits:
            continue
        rows, inside = _rows_in_the_way(wanted.table, step)
        if inside or rows > GUARD_ROWS_CARRIED_ALONG:
            raise PartitionsError(
                f"Partition {step.splits} of {wanted.table} holds "
                f"{f'over {GUARD_ROWS_CARRIED_ALONG:,}' if rows > GUARD_ROWS_CARRIED_ALONG else f'{rows:,}'} rows, and "
                f"making {', '.join(step.adds[:3])}{', ...' if len(step.adds) > 3 else ''} would copy them. "
                "Run manage.py maintain_partitions --drain"
            )


def _rows_in_the_way(table: str, step: Step) -> tuple[int, bool]:
    """(rows of the partition to split, counted up to a limit; whether one of them belongs to a new month)."""
    months = [bounds for bounds in map(bounds_of, step.adds) if bounds and bounds[0] is not None]
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} PARTITION ({step.splits}) "
                f"LIMIT {GUARD_ROWS_CARRIED_ALONG + 1}) counted"
            )
            (rows,) = cursor.fetchone()
            inside = False
            if rows and months:
                cursor.execute(
                    f"SELECT 1 FROM {table} PARTITION ({step.splits}) "
                    "WHERE recorded_at >= %s AND recorded_at < %s LIMIT 1",
                    [min(low for low, _ in months), max(high for _, high in months)],
                )
                inside = cursor.fetchone() is not None
    except DatabaseError as error:
        if error.args[0] in {1735, 1507, 1146}:  # unknown partition: another process has just split it
            return 0, False
        raise
    return rows, inside
