"""The shadow table: a month's rows in the order of their key, without indexes until all are there.

An index that is built from all rows at once is dense, whatever their order. Every statement is short (a fifth of a
second) but the one that builds the indexes, which touches the shadow table alone.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from warehouse.partitioning.online.comparison import digest_of
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog, ddl, dialect

SHADOW = f"{TABLE}_compact"
BEFORE_ALL = -(2**63)
CHUNK_SECONDS = 0.2
CHUNK_ROWS_FIRST, CHUNK_ROWS_LEAST, CHUNK_ROWS_MOST = 5_000, 1_000, 100_000

Check = Callable[[], None]  # raises when the caller is to stop


@dataclass(frozen=True, slots=True)
class Digest:
    """Of a set of rows, whatever their order: how many, and their checksums summed and XORed."""

    rows: int = 0
    total: int = 0
    xor: int = 0

    def __add__(self, other: "Digest") -> "Digest":
        return Digest(self.rows + other.rows, self.total + other.total, self.xor ^ other.xor)

    @property
    def checksum(self) -> str:
        """As it is kept (MonthCompaction.checksum)."""
        return f"{self.total:x}.{self.xor:x}"


def of_partition(name: str) -> str:
    """What to select from for a month's rows."""
    return f"{TABLE} PARTITION ({name})"


def definition() -> tuple[str, list[str]]:
    """CREATE TABLE of the shadow table as the fact table is made now, without partitions and all but the primary key;
    and the other keys, as ALTER TABLE ... ADD takes them. An exchange wants both tables alike in everything."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {TABLE}")
        lines = cursor.fetchone()[1].split("\n")
    end = next(number for number, line in enumerate(lines) if line.startswith(")"))
    body = [line.strip().rstrip(",") for line in lines[1:end]]
    keys = [line for line in body if re.match(r"(UNIQUE )?KEY ", line)]
    rest = ", ".join(line for line in body if line not in keys)
    return f"CREATE TABLE {SHADOW} ({rest}{lines[end]}", keys


def make(patience_seconds: float) -> list[str]:
    """An empty shadow table; the keys that it is to get (`index`). DdlError."""
    drop(patience_seconds)
    sql, keys = definition()
    with connection.cursor() as cursor:
        cursor.execute(sql)
    return keys


def fill(partition: str, check: Check, throttle_percent: int = 0) -> Iterator[int]:
    """Copy a month's rows in the order of their key, a chunk a statement; how many are copied so far."""
    columns = ", ".join(catalog.columns(TABLE))
    copied = 0
    for where, bounds in _chunks(of_partition(partition), check, throttle_percent):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {SHADOW} ({columns}) SELECT {columns} FROM {of_partition(partition)} "
                f"FORCE INDEX (PRIMARY) WHERE {where} ORDER BY snapshot_id, recorded_at",
                bounds,
            )
            copied += cursor.rowcount
        yield copied


def index(keys: list[str], patience_seconds: float) -> None:
    """Build all keys in one go, and make the statistics that the month is to have. DdlError."""
    if keys:
        adds = ", ".join(f"ADD {key}" for key in keys)
        ddl.run(f"ALTER TABLE {SHADOW} {adds}", SHADOW, patience_seconds=patience_seconds)
    catalog.analyze(SHADOW)


def compare(partition: str, check: Check) -> Digest | None:
    """Of the shadow table's rows; None: some chunk of the month holds other rows, each read by one statement."""
    found = Digest()
    digest = digest_of(list(catalog.columns(TABLE)))
    for where, bounds in _chunks(of_partition(partition), check):
        with connection.cursor() as cursor:
            cursor.execute(
                " UNION ALL ".join(
                    f"SELECT {digest} FROM {source} FORCE INDEX (PRIMARY) WHERE {where}"
                    for source in (of_partition(partition), SHADOW)
                ),
                bounds * 2,
            )
            here, there = (Digest(*map(int, row)) for row in cursor.fetchall())
        if here != there:
            return None
        found += there
    return found


def digest(source: str, check: Check) -> Digest:
    """Of the rows of the shadow table, or of a month (`of_partition`)."""
    found = Digest()
    columns = digest_of(list(catalog.columns(TABLE)))
    for where, bounds in _chunks(source, check):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM {source} FORCE INDEX (PRIMARY) WHERE {where}", bounds)
            found += Digest(*map(int, cursor.fetchone()))
    return found


def exchange(partition: str, only_if: Callable[[], bool], patience_seconds: float) -> bool:
    """Exchange month and shadow table as soon as nobody is at either, if `only_if` says so when nobody can be; whether
    it was done. DdlError."""
    unseen = " WITHOUT VALIDATION" if dialect.exchanges_without_validation() else ""
    return ddl.alter_if(
        f"ALTER TABLE {TABLE} EXCHANGE PARTITION {partition} WITH TABLE {SHADOW}{unseen}",
        TABLE,
        beside=[f"{SHADOW} WRITE"],
        only_if=only_if,
        patience_seconds=patience_seconds,
    )


def seconds_to_validate() -> float:
    """For how long an exchange would keep the table now, about; 0 where the server looks at no row.

    MariaDB before 11.4 steps from row to row with a lock on each, as this does: 0.33 to 0.42 s of CPU for 700,000 rows
    against 0.28 to 0.44. It reads the pages that the exchange wants, so that these are in memory.
    """
    if dialect.exchanges_without_validation():
        return 0.0
    began = time.monotonic()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {SHADOW} FORCE INDEX (PRIMARY) LOCK IN SHARE MODE")
        cursor.fetchone()
    return time.monotonic() - began


def drop(patience_seconds: float) -> None:
    """Whatever it holds. DdlError: somebody is at it (storage is being measured)."""
    if catalog.table_exists(SHADOW):
        ddl.run(f"DROP TABLE IF EXISTS {SHADOW}", SHADOW, patience_seconds=patience_seconds)


def _chunks(source: str, check: Check, throttle_percent: int = 0) -> Iterator[tuple[str, list[int]]]:
    """Conditions on snapshot_id that together take in every row, in order, each for about CHUNK_SECONDS of the
    caller's time; between two of them others get at the table."""
    rows, after = CHUNK_ROWS_FIRST, BEFORE_ALL
    while True:
        check()
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT snapshot_id FROM {source} FORCE INDEX (PRIMARY) WHERE snapshot_id > %s "
                f"ORDER BY snapshot_id LIMIT 1 OFFSET {rows - 1}",
                [after],
            )
            until = cursor.fetchone()
        if until is None:
            yield "snapshot_id > %s", [after]
            return
        yield "snapshot_id > %s AND snapshot_id <= %s", [after, until[0]]
        after = until[0]
        took = time.monotonic() - began
        rows = max(rows // 2, min(rows * 2, int(rows * CHUNK_SECONDS / max(took, 0.001))))
        rows = max(CHUNK_ROWS_LEAST, min(CHUNK_ROWS_MOST, rows))
        time.sleep(max(min(took, ddl.GAP_SECONDS), took * throttle_percent / (100 - throttle_percent)))
