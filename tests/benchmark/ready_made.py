"""The limit and a peer: the very rows that an import stored, loaded ready-made, and by Django's bulk_create."""

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

from django.db import connection, transaction

from imports.loading.loader import SNAPSHOT_COLUMNS, SNAPSHOT_QUEUE_COLUMNS
from warehouse.models import QueueData, RideStatusSnapshot

BULK_CREATE_EVENTS = 50_000  # bulk_create is some twelve times slower
_KEPT = ("auth_", "django_")

Rows = list[tuple]


def empty() -> None:
    """Nothing is left of what was imported."""
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for table in connection.introspection.table_names(cursor):
            if not table.startswith(_KEPT):
                cursor.execute(f"TRUNCATE TABLE {table}")
        cursor.execute("SET foreign_key_checks = 1")


def stored() -> tuple[Rows, Rows]:
    """The snapshots and the queue rows that are there, in the order of their ids."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(SNAPSHOT_COLUMNS)} FROM ride_status_snapshots ORDER BY snapshot_id")
        snapshots = list(cursor.fetchall())
        cursor.execute(f"SELECT {', '.join(SNAPSHOT_QUEUE_COLUMNS)} FROM queue_data ORDER BY snapshot_id")
        return snapshots, list(cursor.fetchall())


def load_seconds(snapshots: Rows, queues: Rows) -> float:
    """LOAD DATA LOCAL of finished files in memory, a day a transaction, in one session."""
    by_day = _files_by_day(snapshots, queues)
    return _timed(lambda: _load_by_day(by_day))


def bulk_create_speed(snapshots: Rows, queues: Rows) -> float:
    """Events a second, of some of them."""
    some = snapshots[:BULK_CREATE_EVENTS]
    ids = {row[0] for row in some}
    first = [RideStatusSnapshot(**_aware(SNAPSHOT_COLUMNS, row)) for row in some]
    second = [QueueData(**_aware(SNAPSHOT_QUEUE_COLUMNS, row)) for row in queues if row[0] in ids]
    return len(some) / _timed(lambda: _bulk_create(first, second))


def _files_by_day(snapshots: Rows, queues: Rows) -> list[tuple[bytes, bytes]]:
    day_of = {row[0]: row[2].date() for row in snapshots}
    days: dict = {}
    for row in snapshots:
        days.setdefault(day_of[row[0]], ([], []))[0].append(_line(row))
    for row in queues:
        days[day_of[row[0]]][1].append(_line(row))
    return [("".join(one).encode(), "".join(other).encode()) for one, other in days.values()]


def _line(row: tuple) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


def _load_by_day(by_day: list[tuple[bytes, bytes]]) -> None:
    for snapshots, queues in by_day:
        with transaction.atomic(), connection.cursor() as cursor:
            _load(cursor, "ride_status_snapshots", SNAPSHOT_COLUMNS, snapshots)
            _load(cursor, "queue_data", SNAPSHOT_QUEUE_COLUMNS, queues)


def _load(cursor, table: str, columns: tuple[str, ...], content: bytes) -> None:
    with os.fdopen(os.memfd_create("rows"), "wb") as file:
        file.write(content)
        file.flush()
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '/proc/self/fd/{file.fileno()}' INTO TABLE {table} "
            f"CHARACTER SET utf8mb4 ({', '.join(columns)})"
        )


def _aware(columns: tuple[str, ...], row: tuple) -> dict:
    return {
        column: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for column, value in zip(columns, row, strict=True)
    }


def _bulk_create(snapshots: list[RideStatusSnapshot], queues: list[QueueData]) -> None:
    with transaction.atomic():
        RideStatusSnapshot.objects.bulk_create(snapshots, batch_size=5000)
        QueueData.objects.bulk_create(queues, batch_size=5000)


def _timed(work: Callable[[], None]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began
