"""Partition a fact table that is in use, and take it back: the procedure behind `manage.py partition_snapshots`.

    verify -> create the copy -> triggers -> copy in chunks -> compare month by month -> swap -> smoke checks -> tidy

Readers and writers go on all the time. Three triggers keep the copy in step with every row that comes, changes or
goes; the rows that were there before are copied in chunks of a fraction of a second; one RENAME TABLE swaps both
names. The old table stays as a backup until `cleanup`.

What has been done can be read from the server alone: which tables and triggers are there, and one row in a small
table that moves in the transaction of each chunk. So a run that was killed at any instant goes on when it is called
again (`run`), or is taken back (`undo`). Statements that need a table for themselves never queue (warehouse.ddl).
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from enum import Enum

from django.db import DatabaseError, OperationalError, connection, transaction

from warehouse import catalog, comparison, ddl, partitions, server_errors
from warehouse import repartition_statements as statements
from warehouse.catalog import Partition, Partitioning, Scheme
from warehouse.partitions import COPY, TABLE
from warehouse.repartition_statements import PARTITIONED_BACKUP, PROGRESS, TRIGGERS, UNPARTITIONED_BACKUP

PATIENCE_SECONDS = 120.0
CHUNK_SECONDS = 0.2
CHUNK_ROWS_FIRST, CHUNK_ROWS_LEAST, CHUNK_ROWS_MOST = 2_000, 500, 50_000
CHUNK_LOCK_WAIT_SECONDS = 5
ROOM_FACTOR = 1.2  # of the copy: rows that come meanwhile, and the server's log of changes
OTHER_OPERATOR_WAIT_SECONDS = 5  # a session whose process was killed may still be ending its statement
BEFORE_ALL = -(2**63)  # instants before 1970 have ids below 0

Report = Callable[[str, int, int], None]  # (step, how much of it is done, all of it; 0: not countable)


class RepartitionError(Exception):
    """The procedure cannot begin or go on; the message says what to do."""


class Direction(Enum):
    APPLY = "apply"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True)
class Progress:
    """The row that moves with each chunk: all rows up to `last_snapshot_id` are in the copy."""

    direction: Direction
    backup: str
    last_snapshot_id: int | None
    rows_copied: int
    rows_total: int  # as the server estimated it at the beginning
    copied: bool


@dataclass(frozen=True, slots=True)
class State:
    """What is there, all of it read from the server."""

    table: Partitioning
    copy_exists: bool
    progress: Progress | None
    triggers: tuple[str, ...]  # on the table, ours and others
    backups: tuple[str, ...]

    @property
    def swapped(self) -> bool:
        """The names were exchanged, and only smoke checks and tidying are left."""
        return self.progress is not None and not self.copy_exists

    @property
    def unfinished(self) -> bool:
        return self.copy_exists or self.progress is not None or bool(set(self.triggers) & set(TRIGGERS.values()))

    def is_done(self, direction: Direction) -> bool:
        if direction is Direction.ROLLBACK:
            return self.table.scheme is Scheme.NONE
        return self.table.scheme is Scheme.COLUMN and all(
            partitions.bounds_of(each.name) == _named_bounds(each) for each in self.table.partitions
        )


def look() -> State:
    """CatalogError: there is no fact table."""
    return State(
        catalog.partitioning(TABLE),
        catalog.table_exists(COPY),
        _read_progress(),
        tuple(catalog.triggers(TABLE)),
        tuple(name for name in (PARTITIONED_BACKUP, UNPARTITIONED_BACKUP) if catalog.table_exists(name)),
    )


def run(
    direction: Direction,
    today: date,
    report: Report,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    throttle_percent: int = 0,
    force: bool = False,
) -> str | None:
    """Do all of it, or go on where an earlier call stopped; the name of the backup, None when nothing was to be done.

    `throttle_percent` (below 100) of the time is spent resting between chunks. `force` begins although the disk seems
    too small. RepartitionError: something stands in the way, or the comparison failed; what is done so far stays, to be
    gone on with or undone. When the disk is full, the copy is taken back before that: it took the room that writers
    need, and its triggers would fail them.
    """
    with _alone():
        state = look()
        if state.is_done(direction) and not state.unfinished:
            return None
        _refuse(state, direction)
        if not state.swapped:
            if state.progress is None:
                if not force:
                    _refuse_a_small_disk()
                for sql in statements.prepare(direction.value, today):
                    report("prepare the copy", 0, 0)
                    _ddl(sql, TABLE, patience_seconds)
            for event in TRIGGERS:
                if TRIGGERS[event] not in state.triggers:
                    report(f"create the {event} trigger", 0, 0)
                    _ddl(statements.trigger(event), TABLE, patience_seconds)
            try:
                _copy(report, patience_seconds, throttle_percent)
            except DatabaseError as error:
                if not server_errors.is_disk_full(error):
                    raise
                _take_back(look(), report, patience_seconds)
                raise RepartitionError(
                    f"The disk of the database is full, so the copy was taken back and {TABLE} is as it was. "
                    f"A copy takes about {bytes_needed() / 1e6:,.0f} MB"
                ) from error
            _compare(report)
            report("swap the names", 0, 0)
            _ddl(statements.swap(_read_progress().backup), TABLE, patience_seconds)
        backup = _read_progress().backup
        report("smoke checks", 0, 0)
        _smoke(direction, backup)
        for name in catalog.triggers(backup):
            report(f"drop trigger {name}", 0, 0)
            _ddl(f"DROP TRIGGER IF EXISTS {name}", backup, patience_seconds)
        report("drop the progress", 0, 0)
        _ddl(f"DROP TABLE {PROGRESS}", PROGRESS, patience_seconds)
        return backup


def undo(report: Report, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Take back an unfinished run: the table is as it was, the copy is gone. RepartitionError: already swapped."""
    with _alone():
        state = look()
        if state.swapped:
            raise RepartitionError(
                f"The names are exchanged already. Run manage.py partition_snapshots {state.progress.direction.value} "
                "to finish, then the other direction to go back"
            )
        _take_back(state, report, patience_seconds)


def bytes_needed() -> int:
    """What a copy of the table will take on the disk: what the table takes, by its files where they can be seen."""
    size = catalog.total(catalog.sizes(TABLE))
    if size.file_bytes is not None:
        return size.file_bytes
    catalog.analyze(TABLE)  # right after a load the statistics said 53 MB of 237
    size = catalog.total(catalog.sizes(TABLE))
    return size.data_bytes + size.index_bytes


def drop_backup(name: str, report: Report, *, force: bool = False) -> None:
    """Drop a backup for good, once every row of it was found in the table (or `force`)."""
    with _alone():
        if look().unfinished:
            raise RepartitionError("A run is unfinished: finish it or take it back before a backup is dropped")
        missing = {}
        for month in comparison.compare(TABLE, name):
            report(f"look for the rows of {name}", 0, 0)
            if not month.same and (count := comparison.count_missing(TABLE, name, month)):
                missing[month] = count
        if missing and not force:
            raise RepartitionError(
                f"{name} has {sum(missing.values()):,} rows that {TABLE} lacks ("
                + "; ".join(map(str, list(missing)[:5]))
                + "). Find out why, then cleanup --force drops it all the same"
            )
        report(f"drop {name}", 0, 0)
        _ddl(f"DROP TABLE {name}", name, PATIENCE_SECONDS)


# --- the steps --------------------------------------------------------------------------------------------------
def _refuse_a_small_disk() -> None:
    needed, free = bytes_needed(), catalog.disk_free_bytes()
    if free is not None and free < needed * ROOM_FACTOR:
        raise RepartitionError(
            f"The copy takes about {needed / 1e6:,.0f} MB, and the disk of the database has {free / 1e6:,.0f} MB free. "
            "Make room, or begin all the same with --force"
        )


def _take_back(state: State, report: Report, patience_seconds: float) -> None:
    # The progress goes first: without it no later run takes the copy, which falls behind from the next line on.
    for sql in [
        f"DROP TABLE IF EXISTS {PROGRESS}",
        *(f"DROP TRIGGER IF EXISTS {name}" for name in TRIGGERS.values() if name in state.triggers),
        f"DROP TABLE IF EXISTS {COPY}",
    ]:
        report(sql, 0, 0)
        _ddl(sql, TABLE, patience_seconds)


def _refuse(state: State, direction: Direction) -> None:
    """Say why the run cannot begin, if it cannot."""
    if state.progress and state.progress.direction is not direction:
        raise RepartitionError(
            f"{state.progress.direction.value} is unfinished: run manage.py partition_snapshots "
            f"{state.progress.direction.value} to go on, or cleanup to take it back"
        )
    if state.swapped:
        return
    if state.progress is None:
        ours = set(state.triggers) & set(TRIGGERS.values())
        if ours or state.is_done(direction) or (state.copy_exists and not _is_empty(COPY)):
            raise RepartitionError(
                f"{COPY} is left over from a run that was taken back: manage.py partition_snapshots cleanup removes it"
            )
    backup = statements.backup_name()
    if backup in state.backups:
        raise RepartitionError(
            f"The backup {backup} of an earlier run is still there. When it is no longer needed, run "
            "manage.py partition_snapshots cleanup"
        )
    if others := set(state.triggers) - set(TRIGGERS.values()):
        raise RepartitionError(
            f"{TABLE} has triggers of its own, which the copy would lose: {', '.join(sorted(others))}"
        )
    if tables := catalog.foreign_keys_to(TABLE):
        raise RepartitionError(f"{TABLE} is tied by foreign keys, which partitions forbid: {', '.join(tables)}")
    columns = catalog.columns(TABLE)
    if "snapshot_id" not in columns or not columns.get("recorded_at", "").startswith("datetime"):
        raise RepartitionError(f"{TABLE} needs a snapshot_id, and a recorded_at of type DATETIME")


def _copy(report: Report, patience_seconds: float, throttle_percent: int) -> None:
    rows = CHUNK_ROWS_FIRST
    progress = _read_progress()
    while not progress.copied:
        began = time.monotonic()
        progress = _copy_chunk_patiently(rows, began + patience_seconds)
        took = time.monotonic() - began
        report("copy", progress.rows_copied, max(progress.rows_total, progress.rows_copied))
        rows = max(rows // 2, min(rows * 2, int(rows * CHUNK_SECONDS / max(took, 0.001))))
        rows = max(CHUNK_ROWS_LEAST, min(CHUNK_ROWS_MOST, rows))
        time.sleep(max(ddl.GAP_SECONDS, took * throttle_percent / (100 - throttle_percent)))


def _copy_chunk_patiently(rows: int, deadline: float) -> Progress:
    """A chunk meets rows that a writer has not committed yet: it steps back and tries again."""
    while True:
        try:
            return _copy_chunk(rows)
        except OperationalError as error:
            if not server_errors.is_locked(error):
                raise
            if time.monotonic() > deadline:
                raise RepartitionError(
                    f"A writer keeps rows of {TABLE} uncommitted. Call again to go on. In the way: "
                    + ddl.in_words(catalog.blockers(TABLE))
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
    return _read_progress()


def _compare(report: Report) -> None:
    different = []
    rows = 0
    total = _read_progress().rows_copied
    for month in comparison.compare(TABLE, COPY):
        rows += month.rows
        report("compare", rows, max(rows, total))
        if not month.same:
            different.append(month)
    if different:
        raise RepartitionError(
            f"{COPY} differs from {TABLE} in {len(different)} months, so nothing was swapped ("
            + "; ".join(map(str, different[:5]))
            + "). Run manage.py partition_snapshots cleanup to take the copy back, then try again"
        )


def _smoke(direction: Direction, backup: str) -> None:
    """What must hold of the table that is now in use; a row is inserted and taken back."""
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
                failures.append(f"it takes no rows ({error})")
    if failures:
        raise RepartitionError(
            f"{TABLE} was swapped, but {'; '.join(failures)}. The old table is {backup}; "
            "manage.py partition_snapshots status shows where this stands"
        )


def _ddl(sql: str, table: str, patience_seconds: float) -> None:
    try:
        ddl.run(sql, table, patience_seconds=patience_seconds)
    except ddl.DdlError as error:
        raise RepartitionError(f"{error}. What is done so far stays; call again to go on") from error
    except DatabaseError as error:
        raise RepartitionError(f"{sql.split('(')[0].strip()}: {error}") from error


def _read_progress() -> Progress | None:
    if not catalog.table_exists(PROGRESS):
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT direction, backup, last_snapshot_id, rows_copied, rows_total, copied FROM {PROGRESS}")
        row = cursor.fetchone()
    return row and Progress(Direction(row[0]), *row[1:5], bool(row[5]))


def _named_bounds(partition: Partition) -> tuple[date | None, date | None]:
    """Its bounds as its name can say them: that of p_future does not say where it begins."""
    return (None if partition.name == partitions.FUTURE else partition.lower), partition.upper


def _is_empty(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
        return not cursor.fetchone()[0]


@contextmanager
def _alone() -> Iterator[None]:
    """Tell a second operator that somebody is at it. A courtesy: what keeps the data whole is not this lock."""
    name = _lock_name()
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s), IS_USED_LOCK(%s)", [name, OTHER_OPERATOR_WAIT_SECONDS, name])
        got, owner = cursor.fetchone()
        if got != 1:
            raise RepartitionError(f"Session {owner} of the server is at this already: wait until it has finished")
        try:
            yield
        finally:
            cursor.execute("DO RELEASE_LOCK(%s)", [name])


def _lock_name() -> str:
    """Locks are the whole server's, and their names end at 64 characters."""
    return "partition_snapshots " + hashlib.md5(connection.settings_dict["NAME"].encode()).hexdigest()
