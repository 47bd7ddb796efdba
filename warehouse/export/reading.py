"""One consistent read of the server: what all tables held at one instant, on a session of its own.

START TRANSACTION WITH CONSISTENT SNAPSHOT holds no writer up. It keeps partitions from being altered while a table is
read (warehouse.server.ddl steps back then), so a read is of one month and no longer.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import OperationalError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from MySQLdb.constants import FIELD_TYPE
from MySQLdb.cursors import SSCursor

from warehouse.export.datasets import RIDE_DAYS, SNAPSHOTS, Column, Dataset
from warehouse.export.sums import CHECK_MODULUS, MISSING, WEIGHT_MODULUS, Sums
from warehouse.instants import aware_utc
from warehouse.partitioning.partitions import add_months, month_of
from warehouse.server import away, errors

ROWS_AT_ONCE = 20_000  # as Python objects some 10 MB
_CHANGED = 1412  # the table was altered after the transaction had begun: to be begun anew
_INTEGERS = (
    FIELD_TYPE.TINY,
    FIELD_TYPE.SHORT,
    FIELD_TYPE.INT24,
    FIELD_TYPE.LONG,
    FIELD_TYPE.LONGLONG,
)

Row = Sequence[Any]
T = TypeVar("T")


class ConsistentRead:
    """A context: the server as it was when the context began. Closed by its end, and by that of the process."""

    def __init__(self) -> None:
        # Numbers as int, all else as the text that the server sends: Arrow reads instants ten times as fast as Python.
        own = connection.copy()
        own.settings_dict["OPTIONS"] = {
            **own.settings_dict["OPTIONS"],
            "isolation_level": "repeatable read",
            "conv": dict.fromkeys(_INTEGERS, int),
        }
        self._own: BaseDatabaseWrapper = own

    def __enter__(self) -> "ConsistentRead":
        self._own.ensure_connection()
        self._ask("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
        return self

    def __exit__(self, *exc: object) -> None:
        self._own.close()

    def tokens(self, month: date) -> dict[str, int]:
        """The tokens of all parks that have rows of the month, by park_id as text (JSON has no other keys)."""
        return {str(park): token for park, token in self._ask(_TOKENS_OF_MONTH, [month])}

    def ride_days(self, month: date) -> list[int]:
        """See `ride_days_by_month`."""
        where, parameters = self._limits(RIDE_DAYS, month)
        rows = self._ask(_RIDE_DAYS.format(where=where), parameters)
        return [int(value) for value in rows[0][1:]] if rows else []

    def batches(self, dataset: Dataset, month: date | None) -> Iterator[list[Row]]:
        """The rows of a month (None: all) as columns, so many at once, in the order of the key, unbuffered."""
        where, parameters = self._limits(dataset, month)
        columns = [column.selected for column in dataset.columns if not column.derived]
        sql = f"SELECT {', '.join(columns)} FROM {dataset.tables}{where} ORDER BY {dataset.order}"
        with self._own.wrap_database_errors:
            cursor = self._own.connection.cursor(SSCursor)
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield list(zip(*rows, strict=True))
            cursor.close()  # of a read that is given up it would fetch all the rest: that ends with the session

    def sums(self, dataset: Dataset, month: date | None) -> Sums:
        """What parquet.sums_of says of the file, of the server."""
        where, parameters = self._limits(dataset, month)
        by_name = {column.name: column for column in dataset.columns}
        key = " + ".join(_key_part(by_name[part.column], part.shift, part.mask) for part in dataset.key)
        checked = " + ".join(
            f"{n} * MOD(COALESCE({column.number}, {MISSING}), {CHECK_MODULUS})"
            for n, column in enumerate(_checked(dataset), 1)
        )
        summed = [column for column in dataset.columns if column.is_summed]
        sums = "".join(f", COALESCE(SUM({column.number}), 0)" for column in summed)
        first = by_name[dataset.key[0].column].number
        (rows,) = self._ask(
            f"SELECT COUNT(*), COALESCE(BIT_XOR({key}), 0), "
            f"COALESCE(SUM(MOD({first}, {WEIGHT_MODULUS}) * ({checked})), 0){sums} FROM {dataset.tables}{where}",
            parameters,
        )
        count, xor, content, *totals = map(int, rows)
        named = {column.name: total for column, total in zip(summed, totals, strict=True)}
        return Sums(count, xor, named, content)

    def _limits(self, dataset: Dataset, month: date | None) -> tuple[str, list[object]]:
        """Without the parks, which are few, each month would be a look at every row of the table."""
        where, parameters = dataset.limits(month)
        if not dataset.by_park:
            return where, parameters
        parks = ", ".join(str(park) for (park,) in self._ask(f"SELECT DISTINCT park_id FROM {dataset.name}")) or "NULL"
        return f"{where} AND park_id IN ({parks})", parameters

    def _ask(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        with self._own.wrap_database_errors:
            cursor = self._own.connection.cursor()
            cursor.execute(sql, parameters or None)
            return list(cursor.fetchall())


def _checked(dataset: Dataset) -> list[Column]:
    return [column for column in dataset.columns if not column.derived]


def _key_part(column: Column, shift: int, mask: int | None) -> str:
    return column.number if mask is None else f"({column.number} & {mask}) * {1 << shift}"


def consistently(work: Callable[[ConsistentRead], T]) -> T:
    """What `work` makes of one read. It begins anew where the server went away, or where partitions were made between
    the begin of the transaction and its first look at the table."""

    def of_one_read() -> T:
        with ConsistentRead() as read:
            return work(read)

    return away.patiently(of_one_read, _was_altered)


def _was_altered(error: Exception) -> bool:
    return isinstance(error, OperationalError) and errors.code(error) == _CHANGED


# --- what there is, before anything is read whole -------------------------------------------------------------------
_TOKENS_OF_MONTH = "SELECT park_id, token FROM park_months WHERE month = %s"
# Rows, and sums of when they were made and of the marks upon them: another recompute or another mark, another sum.
_RIDE_DAYS = (
    "SELECT MAKEDATE(YEAR(MIN(day)), 1) + INTERVAL MONTH(MIN(day)) - 1 MONTH, COUNT(*), "
    "SUM(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', computed_at)), COALESCE(SUM(token), 0), COUNT(token) "
    "FROM ride_days LEFT JOIN stale_days USING (park_id, day){where} GROUP BY YEAR(day), MONTH(day)"
)


@away.patient
def tokens_by_month() -> dict[date, dict[str, int]]:
    """The tokens of park_months as they are now."""
    found: dict[date, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT month, park_id, token FROM park_months")
        for month, park_id, token in cursor.fetchall():
            found.setdefault(month, {})[str(park_id)] = token
    return found


@away.patient
def ride_days_by_month() -> dict[date, list[int]]:
    """Of each month that has ride_days: four numbers, of which one changes with every change of a row or of a mark
    upon its day. One pass over all of them: 1.8 million took 3 s."""
    with connection.cursor() as cursor:
        cursor.execute(_RIDE_DAYS.format(where=""))
        return {month: [int(value) for value in rest] for month, *rest in cursor.fetchall()}


@away.patient
def months_with_rows() -> list[date]:
    """The months (UTC) of which there are snapshots, in order; a step into the index for each."""
    months: list[date] = []
    after: date | datetime = date(1000, 1, 1)
    with connection.cursor() as cursor:
        while True:
            cursor.execute(
                f"SELECT recorded_at FROM {SNAPSHOTS.tables} WHERE recorded_at >= %s ORDER BY recorded_at LIMIT 1",
                [after],
            )
            row = cursor.fetchone()
            if row is None:
                return months
            months.append(month_of(aware_utc(row[0]).date()))
            after = add_months(months[-1], 1)
