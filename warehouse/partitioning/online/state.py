"""Where the making over of a table stands, all of it read from the server: tables, triggers, a row of progress."""

from dataclasses import dataclass
from datetime import date
from enum import Enum

from django.db import connection

from warehouse.partitioning import partitions
from warehouse.partitioning.online.statements import PARTITIONED_BACKUP, PROGRESS, TRIGGERS, UNPARTITIONED_BACKUP
from warehouse.partitioning.partitions import COPY, TABLE
from warehouse.server import catalog
from warehouse.server.catalog import Partition, Partitioning, Scheme


class RepartitionError(Exception):
    """The procedure cannot begin or go on; the message says what to do."""


class Direction(Enum):
    """Which way the table is made over: to a partition a month, or back to none."""

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
        """A run has left something behind: a copy, a row of progress, or triggers of ours on the table."""
        return self.copy_exists or self.progress is not None or bool(set(self.triggers) & set(TRIGGERS.values()))

    def is_done(self, direction: Direction) -> bool:
        """Whether the table is as that direction would make it, with names that say the bounds."""
        if direction is Direction.ROLLBACK:
            return self.table.scheme is Scheme.NONE
        return self.table.scheme is Scheme.COLUMN and all(
            partitions.bounds_of(each.name) == _named_bounds(each) for each in self.table.partitions
        )


def look() -> State:
    """The state now, in some seven questions to the catalog. CatalogError: there is no fact table."""
    return State(
        catalog.partitioning(TABLE),
        catalog.table_exists(COPY),
        read_progress(),
        tuple(catalog.triggers(TABLE)),
        tuple(name for name in (PARTITIONED_BACKUP, UNPARTITIONED_BACKUP) if catalog.table_exists(name)),
    )


def read_progress() -> Progress | None:
    """None when there is no run under way: neither begun, nor left unfinished."""
    if not catalog.table_exists(PROGRESS):
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT direction, backup, last_snapshot_id, rows_copied, rows_total, copied FROM {PROGRESS}")
        row = cursor.fetchone()
    if row is None:
        return None
    direction, backup, last_snapshot_id, rows_copied, rows_total, copied = row
    return Progress(Direction(direction), backup, last_snapshot_id, rows_copied, rows_total, bool(copied))


def progress() -> Progress:
    """Of the run that has begun. RepartitionError: somebody else has taken it back, or finished it."""
    found = read_progress()
    if found is None:
        raise RepartitionError(
            f"{PROGRESS} is gone: another session has finished this, or taken it back. "
            "See manage.py partition_snapshots status"
        )
    return found


def _named_bounds(partition: Partition) -> tuple[date | None, date | None]:
    """Its bounds as its name can say them: that of p_future does not say where it begins."""
    return (None if partition.name == partitions.FUTURE else partition.lower), partition.upper
