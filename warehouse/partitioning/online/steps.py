"""The steps of making a table over: copy what was there, compare, check, and what takes the copy back.

In which order, and when not, is said in warehouse.partitioning.online.procedure.
"""

import time
from collections.abc import Callable

from django.db import DatabaseError, OperationalError, connection, transaction

from warehouse.partitioning import partitions
from warehouse.partitioning.online import comparison
from warehouse.partitioning.online import statements as statements
from warehouse.partitioning.online.state import Direction, Progress, RepartitionError, State, look, progress
from warehouse.partitioning.online.statements import PROGRESS, TRIGGERS
from warehouse.partitioning.partitions import COPY, TABLE
from warehouse.server import catalog, ddl, errors, sessions
from warehouse.text import count_of

CHUNK_SECONDS = 0.2
CHUNK_ROWS_FIRST, CHUNK_ROWS_LEAST, CHUNK_ROWS_MOST = 2_000, 500, 50_000
CHUNK_LOCK_WAIT_SECONDS = 5
BEFORE_ALL = -(2**63)  # instants before 1970 have ids below 0

Report = Callable[[str, int, int], None]  # (step, how much of it is done, all of it; 0: not countable)


def copy(report: Report, patience_seconds: float, throttle_percent: int) -> None:
    """Copy what is left, in chunks of about CHUNK_SECONDS. RepartitionError: a writer never lets go of a row."""
    rows = CHUNK_ROWS_FIRST
    reached = progress()
    while not reached.copied:
        began = time.monotonic()
        reached = _copy_chunk_patiently(rows, began + patience_seconds)
        took = time.monotonic() - began
        report("copy", reached.rows_copied, max(reached.rows_total, reached.rows_copied))
        rows = max(rows // 2, min(rows * 2, int(rows * CHUNK_SECONDS / max(took, 0.001))))
        rows = max(CHUNK_ROWS_LEAST, min(CHUNK_ROWS_MOST, rows))
        time.sleep(max(ddl.GAP_SECONDS, took * throttle_percent / (100 - throttle_percent)))


def _copy_chunk_patiently(rows: int, deadline: float) -> Progress:
    """A chunk meets rows that a writer has not committed yet: it steps back and tries again."""
    while True:
        try:
            return _copy_chunk(rows)
        except OperationalError as error:
            if not errors.is_locked(error):
                raise
            if time.monotonic() > deadline:
                raise RepartitionError(
                    f"A writer keeps rows of {TABLE} uncommitted. Call again to go on. In the way: "
                    + sessions.in_words(sessions.blockers(TABLE))
                ) from error


def _copy_chunk(rows: int) -> Progress:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", [CHUNK_LOCK_WAIT_SECONDS])
        cursor.execute(f"SELECT COALESCE(last_snapshot_id, {BEFORE_ALL}) FROM {PROGRESS} FOR UPDATE")
        (after,) = cursor.fetchone()
        cursor.execute(
            f"SELECT snapshot_id FROM {TABLE} FORCE INDEX (PRIMARY) WHERE snapshot_id > %s "
            f"ORDER BY snapshot_id LIMIT 1 OFFSET {rows - 1}",
            [after],
        )
        until = cursor.fetchone()
        cursor.execute(statements.chunk(bounded=until is not None), [after, *(until or ())])
        cursor.execute(
            f"UPDATE {PROGRESS} SET last_snapshot_id = %s, rows_copied = rows_copied + %s, copied = %s",
            [until[0] if until else after, rows if until else cursor.rowcount, until is None],
        )
    return progress()


def compare(report: Report) -> None:
    """RepartitionError: the copy is not what the table is, in these months."""
    different = []
    rows = 0
    total = progress().rows_copied
    for month in comparison.compare(TABLE, COPY):
        rows += month.rows
        report("compare", rows, max(rows, total))
        if not month.same:
            different.append(month)
    if different:
        raise RepartitionError(
            f"{COPY} differs from {TABLE} in {count_of(len(different), 'month')}, so nothing was swapped ("
            + "; ".join(map(str, different[:5]))
            + "). Run manage.py partition_snapshots cleanup to take the copy back, then try again"
        )


def smoke(direction: Direction, backup: str) -> None:
    """RepartitionError: something does not hold of the table that is now in use. A row is inserted and taken back."""
    failures = []
    if not look().is_done(direction):
        failures.append(f"it is {catalog.partitioning(TABLE).description}")
    columns = catalog.columns(TABLE)
    if columns != catalog.columns(backup):
        failures.append("its columns are not those of the backup")
    names = ", ".join(list(columns)[1:])
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT snapshot_id, recorded_at FROM {backup} ORDER BY snapshot_id DESC LIMIT 1")
        if newest := cursor.fetchone():
            cursor.execute(f"SELECT COUNT(*) FROM {TABLE} WHERE snapshot_id = %s AND recorded_at = %s", newest)
            if cursor.fetchone() != (1,):
                failures.append(f"it lacks the newest row of the backup, {newest[0]}")
            begin = partitions.month_of(newest[1].date())
            opened = catalog.partitions_opened(TABLE, begin, partitions.add_months(begin, 1))
            if direction is Direction.APPLY and len(opened) != 1:
                failures.append(f"a month's range opens {len(opened)} partitions")
            try:
                with transaction.atomic():
                    cursor.execute(
                        f"INSERT INTO {TABLE} (snapshot_id, {names}) SELECT 0, {names} FROM {backup} "
                        "ORDER BY snapshot_id DESC LIMIT 1"
                    )
                    transaction.set_rollback(True)
            except DatabaseError as error:
                if errors.is_away(error):
                    raise
                failures.append(f"it takes no rows ({error})")
    if failures:
        raise RepartitionError(
            f"{TABLE} was swapped, but {'; '.join(failures)}. The old table is {backup}; "
            "manage.py partition_snapshots status shows where this stands"
        )


def run_ddl(sql: str, table: str, patience_seconds: float) -> None:
    """One statement, as soon as nobody is at `table`. RepartitionError: somebody always was, or it was refused."""
    try:
        ddl.run(sql, table, patience_seconds=patience_seconds)
    except ddl.DdlError as error:
        raise RepartitionError(f"{error}. What is done so far stays; call again to go on") from error
    except DatabaseError as error:
        if errors.is_away(error):
            raise
        raise RepartitionError(f"{sql.split('(')[0].strip()}: {error}") from error


def take_back(state: State, report: Report, patience_seconds: float) -> None:
    """Remove copy, triggers and progress: the table stays as it is."""
    # The progress goes first: without it no later run takes the copy, which falls behind from the next line on.
    for sql in [
        f"DROP TABLE IF EXISTS {PROGRESS}",
        *(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS.values() if name in state.triggers),
        f"DROP TABLE IF EXISTS {COPY}",
    ]:
        report(sql, 0, 0)
        run_ddl(sql, TABLE, patience_seconds)
