"""Observations -> rows, in bulk, inside the caller's transaction. LOAD DATA LOCAL INFILE from memory, twice as fast
as multi-row INSERT on both servers, or INSERT where the server refuses local files.

LOAD DATA LOCAL turns duplicates, missing partitions and bad values into warnings even in strict mode. So what is
stored already is read first and left out, and any warning, skipped or altered row is an error.
"""

import logging
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import IO, Any

from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper

from imports.events.load_format import QUEUE_COLUMNS, STATE_COLUMNS, row_text, row_values
from imports.events.validation import Observation
from imports.loading.content import Content
from warehouse.instants import day_at, naive_utc
from warehouse.partitioning import partitions
from warehouse.rides import changed_rows
from warehouse.server import errors
from warehouse.snapshot_id import RIDE_ID_MASK, instant_of

logger = logging.getLogger(__name__)

SNAPSHOT_COLUMNS = ("snapshot_id", "ride_id", "recorded_at", *STATE_COLUMNS, "data_source")
SNAPSHOT_QUEUE_COLUMNS = ("snapshot_id", *QUEUE_COLUMNS)
IDS_PER_QUERY = 2000
IDS_PER_LOOK_UP = 200  # each with an instant or a range of its own
MILLISECONDS_A_DAY = 86_400_000
# Client or server does not do local files: 1148 and 3948 by the server, 2000/2068 and 4166 by the clients.
LOCAL_INFILE_REFUSED = {1148, 2000, 2068, 3948, 4166}
_INFO = re.compile(r"Records: (\d+)\s+Deleted: (\d+)\s+Skipped: (\d+)\s+Warnings: (\d+)")
_STATE = ", ".join(("snapshot_id", *STATE_COLUMNS))

State = Sequence[Any]  # values of STATE_COLUMNS, as the driver gives them


class RowsRefused(Exception):
    """The server did not take every row exactly as it was sent; the transaction must be rolled back.

    `by_value`: because of what rows say, so that the same rows sent again are refused again, and not because another
    writer stored one of them meanwhile or no local file is read.
    """

    def __init__(self, message: str, *, by_value: bool = False):
        super().__init__(message)
        self.by_value = by_value


def stored_between(ride_ids: Iterable[int], first: datetime, last: datetime) -> dict[int, State]:
    """The stored rows of these rides from one instant (aware) to another, both included, by snapshot_id; through
    idx_ride_recorded."""
    found: dict[int, State] = {}
    with connection.cursor() as cursor:
        for ids in _slices(sorted(ride_ids), IDS_PER_QUERY):
            cursor.execute(
                f"SELECT {_STATE} FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
                "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at <= %s",
                [ids, naive_utc(first), naive_utc(last)],
            )
            for row in cursor.fetchall():
                found[row[0]] = row[1:]
    return found


def stored_at(snapshot_ids: Iterable[int]) -> dict[int, State]:
    """Those of these that are stored, one by one by their key."""
    found: dict[int, State] = {}
    with connection.cursor() as cursor:
        for ids in _slices(sorted(snapshot_ids), IDS_PER_LOOK_UP):
            cursor.execute(
                f"SELECT {_STATE} FROM ride_status_snapshots WHERE snapshot_id IN %s AND recorded_at IN %s",
                [ids, sorted({naive_utc(instant_of(snapshot_id)) for snapshot_id in ids})],
            )
            found |= {row[0]: row[1:] for row in cursor.fetchall()}
    return found


def stored_near(snapshot_ids: Iterable[int], reach: timedelta) -> dict[int, State]:
    """The stored rows of the rides of these ids within `reach` of their instants, one by one."""
    found: dict[int, State] = {}
    with connection.cursor() as cursor:
        for ids in _slices(sorted(snapshot_ids), IDS_PER_LOOK_UP):
            places = ((key & RIDE_ID_MASK, instant_of(key)) for key in ids)
            cursor.execute(
                f"SELECT {_STATE} FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE "
                + " OR ".join(["ride_id = %s AND recorded_at BETWEEN %s AND %s"] * len(ids)),
                [each for ride_id, at in places for each in (ride_id, naive_utc(at - reach), naive_utc(at + reach))],
            )
            found |= {row[0]: row[1:] for row in cursor.fetchall()}
    return found


def with_queues(states: Mapping[int, str]) -> dict[int, Content]:
    """What stored rows say, by snapshot_id, of which the states are known."""
    if not states:
        return {}
    with connection.cursor() as cursor:
        queues = _stored_queues(cursor, states)
    return {snapshot_id: (state, tuple(queues.get(snapshot_id, ()))) for snapshot_id, state in states.items()}


def make_months(observations: Iterable[Observation]) -> None:
    """The month partitions of these observations, outside of any transaction: a row may be months older than what it
    came in, as an event than its file, or the last word of a closed ride. PartitionsError: they cannot be made."""
    if months := months_of(observations):
        partitions.ensure_months(months)


def months_of(observations: Iterable[Observation]) -> set[date]:
    """The months (their first days, UTC) that the observations lie in."""
    days = {observation.milliseconds // MILLISECONDS_A_DAY for observation in observations}  # few, of 100,000 instants
    return {partitions.month_of(day_at(day * MILLISECONDS_A_DAY)) for day in days}


def load(rows: dict[int, Observation], data_source: str) -> None:
    """Write a snapshot, and a row for each further queue, for every (snapshot_id, observation).

    `data_source` is a value of DataSource. To be called in a transaction, since snapshots and queue rows come one after
    the other. RowsRefused: the server skipped or altered a row, for one because another writer stored it meanwhile.
    """
    if not rows:
        return
    send = _load_infile if local_infile_allowed() else _insert
    # the mask itself: by ride_id_of the 100,000 ids of a large file took 5 ms more
    send(
        "ride_status_snapshots",
        SNAPSHOT_COLUMNS,
        [
            f"{snapshot_id}\t{snapshot_id & RIDE_ID_MASK}\t{row.recorded_at}\t{row.state}\t{data_source}\n"
            for snapshot_id, row in rows.items()
        ],
    )
    queue_rows = [f"{snapshot_id}\t{queue}\n" for snapshot_id, row in rows.items() for queue in row.queues]
    if queue_rows:
        send("queue_data", SNAPSHOT_QUEUE_COLUMNS, queue_rows)
    changed_rows.rows_changed(rows)


def complete(ends: Mapping[tuple[int, str], str]) -> None:
    """Give stored queue rows, by snapshot_id and queue_type, the ends of return times that they lack; UTC."""
    by_type: dict[str, list[tuple[int, str]]] = {}
    for (snapshot_id, queue_type), end in ends.items():
        by_type.setdefault(queue_type, []).append((snapshot_id, end))
    with connection.cursor() as cursor:
        for queue_type, rows in by_type.items():
            for part in _slices(sorted(rows), IDS_PER_LOOK_UP):
                cursor.execute(
                    f"UPDATE queue_data SET return_time_end = CASE snapshot_id {'WHEN %s THEN %s ' * len(part)}END "
                    "WHERE snapshot_id IN %s AND queue_type = %s AND return_time_end IS NULL",
                    [*(value for row in part for value in row), [row[0] for row in part], queue_type],
                )
    changed_rows.rows_changed(snapshot_id for snapshot_id, _ in ends)


def remove_orphans(snapshot_ids: Iterable[int]) -> int:
    """Remove rows of queue_data that lie where these snapshots are to come, which are not there: a file brings its own.

    Whoever wrote them wrote past us, or took the snapshots away; another writer's queue rows come behind its snapshots.
    """
    removed = 0
    with connection.cursor() as cursor:
        for ids in _slices(sorted(snapshot_ids), IDS_PER_QUERY):
            cursor.execute(
                "DELETE q FROM queue_data q LEFT JOIN ride_status_snapshots s ON s.snapshot_id = q.snapshot_id "
                "WHERE q.snapshot_id IN %s AND s.snapshot_id IS NULL",
                [ids],
            )
            removed += cursor.rowcount
    if removed:
        logger.warning("%d rows of queue_data that belonged to no snapshot gave way to those of a file", removed)
    return removed


def delete(snapshot_ids: Iterable[int]) -> None:
    """Take these snapshots and their queue rows out of the tables, in the caller's transaction."""
    snapshot_ids = list(snapshot_ids)
    changed_rows.rows_changed(snapshot_ids)
    with connection.cursor() as cursor:
        for ids in _slices(sorted(snapshot_ids), IDS_PER_QUERY):
            cursor.execute("DELETE FROM queue_data WHERE snapshot_id IN %s", [ids])
            # the instants beside the ids: they name the partitions to look in
            span = naive_utc(instant_of(ids[0])), naive_utc(instant_of(ids[-1]))
            cursor.execute(
                "DELETE FROM ride_status_snapshots WHERE snapshot_id IN %s AND recorded_at BETWEEN %s AND %s",
                [ids, *span],
            )


_local_infile: bool | None = None


def local_infile_allowed() -> bool:
    """Whether server and client do LOAD DATA LOCAL; found out once per process and said in the log."""
    global _local_infile
    if _local_infile is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT @@local_infile")
            (on,) = cursor.fetchone()
        wanted = connection.settings_dict["OPTIONS"].get("local_infile", False)
        _local_infile = bool(on) and bool(wanted)
        logger.info("rows are loaded by %s", "LOAD DATA LOCAL INFILE" if _local_infile else "multi-row INSERT")
    return _local_infile


def forget_local_infile() -> None:
    """Ask the server again: it was restarted, or its settings changed."""
    global _local_infile
    _local_infile = None


def _load_infile(table: str, columns: Sequence[str], rows: list[str]) -> None:
    with _memory_file("".join(rows).encode()) as path, connection.cursor() as cursor:
        try:
            cursor.execute(
                f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} CHARACTER SET utf8mb4 ({', '.join(columns)})"
            )
        except OperationalError as error:
            if error.args[0] in LOCAL_INFILE_REFUSED:
                raise RowsRefused(
                    f"the server refuses local files ({error.args[1]}); set local_infile=1 on it, or "
                    "?local_infile=0 in DATABASE_URL to insert rows the slower way"
                ) from error
            raise
        info = connection.connection.info() or ""
        counts = _INFO.search(info if isinstance(info, str) else info.decode())
        if counts is None or tuple(map(int, counts.groups())) != (len(rows), 0, 0, 0):
            cursor.execute("SHOW WARNINGS")  # as many as max_error_count says, 64
            warnings = [(code, str(text)) for _, code, text in cursor.fetchall()]
            said = "; ".join(text for _, text in warnings[:3])
            raise RowsRefused(
                f"{table}: {len(rows)} rows sent, {counts[0] if counts else 'no answer'} ({said})",
                by_value=bool(warnings) and all(code != errors.DUPLICATE_KEY for code, _ in warnings),
            )


class _memory_file:
    """A path from which the client library reads `content`; in memory where the system has memfd (Linux)."""

    def __init__(self, content: bytes):
        self._file: IO[bytes]
        if hasattr(os, "memfd_create"):
            self._file = os.fdopen(os.memfd_create("rows"), "wb", buffering=0)
            self._path = f"/proc/self/fd/{self._file.fileno()}"
        else:
            self._file = tempfile.NamedTemporaryFile(buffering=0)  # noqa: SIM115 (closed in __exit__)
            self._path = self._file.name
        view = memoryview(content)
        while view:  # an unbuffered write may be short
            view = view[self._file.write(view) :]

    def __enter__(self) -> str:
        return self._path

    def __exit__(self, *exc: object) -> None:
        self._file.close()


def _insert(table: str, columns: Sequence[str], rows: list[str]) -> None:
    values = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({values})", [row_values(row[:-1]) for row in rows]
        )


def _stored_queues(cursor: CursorWrapper, snapshot_ids: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for ids in _slices(sorted(snapshot_ids), IDS_PER_QUERY):
        cursor.execute(
            f"SELECT {', '.join(SNAPSHOT_QUEUE_COLUMNS)} FROM queue_data WHERE snapshot_id IN %s "
            "ORDER BY snapshot_id, CAST(queue_type AS CHAR)",
            [ids],
        )
        for snapshot_id, queue_type, wait, start, end, *rest in cursor.fetchall():
            found.setdefault(snapshot_id, []).append(row_text((queue_type, wait, _text(start), _text(end), *rest)))
    return found


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat(" ", "milliseconds")[:23]


def _slices(values: list, size: int) -> Iterable[list]:
    for start in range(0, len(values), size):
        yield values[start : start + size]
