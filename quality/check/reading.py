"""Reading the rows of the fact table, and of queue_data beside them, in the order of time."""

from array import array
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django.db import connection
from MySQLdb.cursors import SSCursor

from quality.check.rows import KEY_SQL, NOT_TOLD, QUEUE_BITS, Row
from quality.check.window import Window
from warehouse.days import midnight
from warehouse.models import Ride
from warehouse.partitioning.partitions import TABLE
from warehouse.snapshot_id import first_id_at

ROWS_AT_ONCE, ROWS_AT_ONCE_MAX = 20_000, 100_000  # 120 bytes each
ROWS_A_RIDE = 100  # at once, so that what is done once a ride and portion does not count
# A few rides of many are fetched through idx_ride_recorded and sorted; from a quarter on, reading all is faster.
RIDES_BY_INDEX_SHARE = 0.25


def portions(window: Window, begin: date, end: date, ride_ids: list[int] | None, rides: int) -> Iterator[list[Row]]:
    """The rows from `begin` to `end` (half-open, within one month) of these rides (None: of all and of none), of which
    there are so many, in the order of the id, as they come from the server."""
    sql, parameters = _rows_sql(window, begin, end, ride_ids)
    at_once = min(ROWS_AT_ONCE_MAX, max(ROWS_AT_ONCE, ROWS_A_RIDE * rides))
    return _unbuffered(sql, parameters, at_once) if sql else iter(())


def rows_between(window: Window, begin: date, end: date, ride_ids: list[int]) -> list[Row]:
    """The same at once: the server is done with them, and holds nothing."""
    sql, parameters = _rows_sql(window, begin, end, ride_ids)
    if not sql:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())


def _rows_sql(window: Window, begin: date, end: date, ride_ids: list[int] | None) -> tuple[str, list[Any]]:
    index, condition = "PRIMARY", ""
    parameters: list[Any] = [begin, end]
    if ride_ids is not None:
        if not ride_ids:
            return "", []
        if len(ride_ids) < Ride.objects.count() * RIDES_BY_INDEX_SHARE:
            index = "idx_ride_recorded"
        condition = "AND ride_id IN %s"
        parameters.append(ride_ids)
    is_month = begin.day == 1 and end.day == 1
    if index == "PRIMARY" and not (window.partitioned and is_month):
        # No partition narrows the key down to the days: its own range does, for all rows whose id says their instant.
        condition += " AND snapshot_id >= %s AND snapshot_id < %s"
        parameters += [first_id_at(midnight(begin)), first_id_at(midnight(end))]
    sql = (
        f"SELECT snapshot_id, {KEY_SQL} FROM {TABLE} FORCE INDEX ({index}) "
        f"WHERE recorded_at >= %s AND recorded_at < %s {condition} ORDER BY snapshot_id"
    )
    return sql, parameters


class QueueRows:
    """The queue rows of a month in the order of their snapshot_ids, 9 bytes each, to be laid beside their snapshots."""

    def __init__(self, month: date, end: date):
        self._snapshot_ids, self._bits, self._next = array("q"), array("B"), 0
        for rows in _unbuffered(
            "SELECT snapshot_id, queue_type FROM queue_data FORCE INDEX (idx_queue_snapshot) "
            "WHERE snapshot_id >= %s AND snapshot_id < %s ORDER BY snapshot_id",
            [first_id_at(midnight(month)), first_id_at(midnight(end))],
            ROWS_AT_ONCE,
        ):
            self._snapshot_ids.extend([snapshot_id for snapshot_id, _ in rows])
            self._bits.extend([QUEUE_BITS.get(queue_type, 0) for _, queue_type in rows])

    def beside(self, rows: Sequence[Row]) -> tuple[Sequence[Row], list[int]]:
        """The rows with the queues that these speak of, and the ids up to the last row's that have no row."""
        end = bisect_right(self._snapshot_ids, rows[-1][0], self._next)
        if end == self._next:
            return rows, []
        there = {snapshot_id for snapshot_id, _ in rows}
        spoken: dict[int, int] = {}
        orphans = []
        for snapshot_id, bits in zip(self._snapshot_ids[self._next : end], self._bits[self._next : end], strict=True):
            if snapshot_id in there:
                spoken[snapshot_id] = spoken.get(snapshot_id, 0) | bits
            else:
                orphans.append(snapshot_id)
        self._next = end
        return [
            row if row[1] & NOT_TOLD or row[0] not in spoken else (row[0], row[1] | spoken[row[0]]) for row in rows
        ], orphans

    def left(self) -> array:
        """The ids behind the last row's, which have none."""
        return self._snapshot_ids[self._next :]


def _unbuffered(sql: str, parameters: list, count: int) -> Iterator[list[tuple]]:
    """Rows as they come from the server, so many at once; the connection can do nothing else until the last ones were
    taken."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor(SSCursor)
        try:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(count):
                yield rows
        finally:
            cursor.close()
