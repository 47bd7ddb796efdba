"""Partition a fact table that is in use, and take it back: the procedure behind `manage.py partition_snapshots`.

    verify -> create the copy -> triggers -> copy in chunks -> compare month by month -> swap -> smoke checks -> tidy

Readers and writers go on all the time. Three triggers keep the copy in step with every row that comes, changes or
goes; the rows that were there before are copied in chunks of a fraction of a second; one RENAME TABLE swaps both
names. The old table stays as a backup until `cleanup`.

What has been done can be read from the server alone: which tables and triggers are there, and one row in a small
table that moves in the transaction of each chunk. So a run that was killed at any instant goes on when it is called
again (`run`), or is taken back (`undo`). Statements that need a table for themselves never queue
(warehouse.server.ddl).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.db import DatabaseError, connection

from warehouse.partitioning import page_compression as compression
from warehouse.partitioning.online import comparison
from warehouse.partitioning.online import statements as statements
from warehouse.partitioning.online import steps as steps
from warehouse.partitioning.online.state import Direction, RepartitionError, State, look, progress
from warehouse.partitioning.online.statements import PROGRESS, TRIGGERS
from warehouse.partitioning.online.steps import Report
from warehouse.partitioning.partitions import COPY, TABLE
from warehouse.server import catalog, errors
from warehouse.server.away import patient, patiently
from warehouse.server.named_lock import holder_of, named_lock
from warehouse.text import count_of, size_in_words

PATIENCE_SECONDS = 120.0
ROOM_FACTOR = 1.2  # of the copy: rows that come meanwhile, and the server's log of changes
TURN = "partition_snapshots"  # compacting takes it, too
OTHER_OPERATOR_WAIT_SECONDS = 5  # a session whose process was killed may still be ending its statement


def run(
    direction: Direction,
    today: date,
    report: Report,
    *,
    patience_seconds: float = PATIENCE_SECONDS,
    throttle_percent: int = 0,
    force: bool = False,
    page_compression: bool | None = None,
) -> str | None:
    """Do all of it, or go on where an earlier call stopped; the name of the backup, None when nothing was to be done.

    `throttle_percent` (below 100) of the time is spent resting between chunks. `force` begins although the disk seems
    too small. `page_compression` copies a table that is partitioned already, too, where it has it otherwise.
    RepartitionError: something stands in the way, or the comparison failed; what is done so far stays, to be
    gone on with or undone. When the disk is full, the copy is taken back before that: it took the room that writers
    need, and its triggers would fail them.
    """
    backup: str | None = None

    def go_on() -> None:
        nonlocal backup
        with _alone():
            state = look()
            is_done = state.is_done(direction) and (page_compression is None or compression.is_on() == page_compression)
            if is_done and not state.unfinished:
                return
            _refuse(state, direction, is_done)
            if page_compression and not state.unfinished and (why_not := compression.why_not()):
                raise RepartitionError(f"There is no page compression to be had: {why_not}")
            if not state.swapped:
                if state.progress is None:
                    if not force:
                        _refuse_a_small_disk()
                    for sql in statements.prepare(direction.value, today, page_compression):
                        report("prepare the copy", 0, 0)
                        steps.run_ddl(sql, TABLE, patience_seconds)
                for event in TRIGGERS:
                    if TRIGGERS[event] not in state.triggers:
                        report(f"create the {event} trigger", 0, 0)
                        steps.run_ddl(statements.trigger(event), TABLE, patience_seconds)
                try:
                    steps.copy(report, patience_seconds, throttle_percent)
                except DatabaseError as error:
                    if not errors.is_disk_full(error):
                        raise
                    steps.take_back(look(), report, patience_seconds)
                    raise RepartitionError(
                        f"The disk of the database is full, so the copy was taken back and {TABLE} is as it was. "
                        f"A copy takes about {size_in_words(bytes_needed() / 1e6)}"
                    ) from error
                steps.compare(report)
                report("swap the names", 0, 0)
                steps.run_ddl(statements.swap(progress().backup), TABLE, patience_seconds)
            backup = progress().backup
            report("smoke checks", 0, 0)
            steps.smoke(direction, backup)
            for name in catalog.triggers(backup):
                report(f"drop trigger {name}", 0, 0)
                steps.run_ddl(f"DROP TRIGGER IF EXISTS {name}", backup, patience_seconds)
            report("drop the progress", 0, 0)
            steps.run_ddl(f"DROP TABLE {PROGRESS}", PROGRESS, patience_seconds)

    patiently(go_on)  # where the server went away, too, what is done stays
    return backup


@patient
def undo(report: Report, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
    """Take back an unfinished run: the table is as it was, the copy is gone. RepartitionError: already swapped."""
    with _alone():
        state = look()
        if state.progress is not None and state.swapped:
            raise RepartitionError(
                f"The names are exchanged already. Run manage.py partition_snapshots {state.progress.direction.value} "
                "to finish, then the other direction to go back"
            )
        steps.take_back(state, report, patience_seconds)


def bytes_needed() -> int:
    """What a copy of the table will take on the disk: what the table takes, by its files where they can be seen."""
    size = catalog.total(catalog.sizes(TABLE))
    if size.file_bytes is not None:
        return size.file_bytes
    catalog.analyze(TABLE)  # right after a load the statistics said 53 MB of 237
    size = catalog.total(catalog.sizes(TABLE))
    return size.data_bytes + size.index_bytes


@patient
def drop_backup(name: str, report: Report, *, force: bool = False) -> None:
    """Drop a backup for good, once every row of it was found in the table (or `force`)."""
    with _alone():
        if look().unfinished:
            raise RepartitionError("A run is unfinished: finish it or take it back before a backup is dropped")
        if not catalog.table_exists(name):
            return  # dropped, and the answer was lost
        missing = {}
        for month in comparison.compare(TABLE, name):
            report(f"look for the rows of {name}", 0, 0)
            if not month.same and (count := comparison.count_missing(TABLE, name, month)):
                missing[month] = count
        if missing and not force:
            raise RepartitionError(
                f"{name} has {count_of(sum(missing.values()), 'row')} that {TABLE} lacks ("
                + "; ".join(map(str, list(missing)[:5]))
                + "). Find out why, then cleanup --force drops it all the same"
            )
        report(f"drop {name}", 0, 0)
        steps.run_ddl(f"DROP TABLE {name}", name, PATIENCE_SECONDS)


# --- the steps --------------------------------------------------------------------------------------------------
def _refuse_a_small_disk() -> None:
    needed, free = bytes_needed(), catalog.disk_free_bytes()
    if free is not None and free < needed * ROOM_FACTOR:
        raise RepartitionError(
            f"The copy takes about {size_in_words(needed / 1e6)}, and the disk of the database has "
            f"{size_in_words(free / 1e6)} free. Make room, or begin all the same with --force"
        )


def _refuse(state: State, direction: Direction, is_done: bool) -> None:
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
        if ours or is_done or (state.copy_exists and not _is_empty(COPY)):
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


def _is_empty(table: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
        return not cursor.fetchone()[0]


@contextmanager
def _alone() -> Iterator[None]:
    """Tell a second operator that somebody is at it. A courtesy: what keeps the data whole is not this lock."""
    with named_lock(TURN, OTHER_OPERATOR_WAIT_SECONDS) as mine:
        if not mine:
            raise RepartitionError(f"{holder_of(TURN)} is at this already: wait until it has finished")
        yield
