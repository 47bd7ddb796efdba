"""What the server knows of our tables: partitions, columns, sizes.

With warehouse.server.sessions the only reader of information_schema, performance_schema and InnoDB's tablespace tables,
because MariaDB and MySQL differ in all three. It asks and never changes anything but statistics (`analyze`); what the
answers mean is said elsewhere (partitions, storage, repartition).

MariaDB leaves a table out of information_schema, with a warning, while another session is changing it and the one that
asks holds a lock of any kind, GET_LOCK or a read table among them. Beside a session that did nothing but ALTERs, half
of all answers about the table were empty, "is there such a table" too. So `ask` looks for the warning and asks again.
"""

import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import Enum
from pathlib import Path
from socket import gethostname

from django.db import DatabaseError, OperationalError, connection

from warehouse.server import errors
from warehouse.server.dialect import is_mariadb

MAXVALUE = "MAXVALUE"
# Another session has a table to itself for 30 to 70 ms to make months, and for 4 s to move a million rows.
ASK_AGAIN_SECONDS = 10.0
ASK_AGAIN_PAUSE_SECONDS = 0.02
EMPTY_ANSWERS = 4  # of a table that is there, until it is believed that it has none of what is asked
_SKIPPED = 1684  # ER_WARN_I_S_SKIPPED_TABLE
_NO_SUCH_TABLE = 1146
_THERE = {1142, 1143, 1205}  # no right to read it, or another session has it locked


class CatalogError(Exception):
    """The catalog cannot be read, or holds something this project does not understand; the message says what."""


class NoSuchTableError(CatalogError):
    """There is no table of that name."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: rows from `lower` (None: no limit) up to, and not including, `upper` (None: MAXVALUE)."""

    name: str
    lower: date | None
    upper: date | None


class Scheme(Enum):
    """What a table is partitioned by."""

    NONE = "not partitioned"
    COLUMN = "RANGE COLUMNS (recorded_at)"  # ours
    NUMBER = "RANGE (YEAR(recorded_at) * 100 + MONTH(recorded_at))"  # the data model's own: no range prunes it
    OTHER = "something else"


@dataclass(frozen=True, slots=True)
class Partitioning:
    """How a table is partitioned, and its partitions in order. The bounds of OTHER schemes are not read."""

    scheme: Scheme
    description: str
    partitions: tuple[Partition, ...]


@dataclass(frozen=True, slots=True)
class Size:
    """What a table or a partition weighs, in bytes, by the server's statistics and by its file.

    `file_bytes` is None where it cannot be read: without the right PROCESS, or where tables share a file.
    """

    rows_estimate: int
    data_bytes: int
    index_bytes: int
    file_bytes: int | None


def table_exists(table: str) -> bool:
    """Whether the database has a table of that name; also yes while another session is changing it.

    That there is none is believed only of the table itself: an empty answer of the catalog has been one of a moment.
    """
    named = "SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s"
    return bool(ask(named, table)) or _can_be_opened(table)


def _can_be_opened(table: str) -> bool:
    """By the lock that a rename holds until its end; waits for no other longer than ASK_AGAIN_SECONDS."""
    # MySQL's catalog is a table that knows nothing of moments: its answer was the truth, and this is quick
    limit = f"SET STATEMENT lock_wait_timeout = {ASK_AGAIN_SECONDS:.0f} FOR " if is_mariadb() else ""
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"{limit}SELECT 1 FROM {table} LIMIT 0")
    except DatabaseError as error:
        if error.args[0] == _NO_SUCH_TABLE:
            return False
        if error.args[0] in _THERE:
            return True
        raise
    return True


def partitioning(table: str) -> Partitioning:
    """How `table` is partitioned. NoSuchTableError, or CatalogError: a bound that cannot be read.

    Takes 0.6 ms with 26 partitions, so callers ask again rather than remember: another process may have changed them.
    """
    rows = _ask_of(
        table,
        "SELECT partition_name, partition_method, partition_expression, partition_description "
        "FROM information_schema.partitions WHERE table_schema = DATABASE() AND table_name = %s "
        "ORDER BY partition_ordinal_position",
    )
    name, method, expression, _ = rows[0]
    if name is None:
        return Partitioning(Scheme.NONE, Scheme.NONE.value, ())
    bare = re.sub(r"[`() ]", "", expression).lower()  # the servers differ in quotes and brackets
    if method == "RANGE COLUMNS" and bare == "recorded_at":
        scheme = Scheme.COLUMN
    elif method == "RANGE" and bare == "yearrecorded_at*100+monthrecorded_at":
        scheme = Scheme.NUMBER
    else:
        return Partitioning(Scheme.OTHER, f"partitioned by {method} ({expression})", ())
    found = []
    lower = None
    for name, _, _, bound in rows:
        upper = _date_of(table, name, bound)
        found.append(Partition(name, lower, upper))
        lower = upper
    return Partitioning(scheme, f"partitioned by {scheme.value}", tuple(found))


def partitions(table: str) -> tuple[Partition, ...]:
    """The partitions of `table`, in order; () for one that is not partitioned by month. Errors as `partitioning`."""
    return partitioning(table).partitions


def tables() -> list[str]:
    """Every table of the database in order of names, views left out.

    MariaDB lists files, so one that is renamed by an ALTER at that instant may be missing; `table_exists` never misses.
    """
    return [
        name
        for (name,) in ask(
            "SELECT table_name FROM information_schema.tables "
            "WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' ORDER BY table_name"
        )
    ]


def sizes(table: str) -> dict[str, Size]:
    """What each partition of `table` weighs, in order; under "" for a table without partitions. NoSuchTableError.

    As good as the server's statistics: right after a load they said 16 KB of 41.9 MB. `analyze` first.
    """
    _read_statistics_fresh()
    files = _file_sizes(table)
    return {
        name or "": Size(rows or 0, data or 0, index or 0, files.get((name or "").lower()))
        for name, rows, data, index in _ask_of(
            table,
            "SELECT partition_name, table_rows, data_length, index_length FROM information_schema.partitions "
            "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY partition_ordinal_position",
        )
    }


def modified(table: str) -> dict[str, int] | None:
    """Rows changed in each partition ("" for a table without) since its statistics were made; None: not shown to us.

    Kept by the server in memory: a restart, or statistics made anew, begin at 0. MySQL (9.7) shows it of whole tables
    alone, of no partition.
    """
    view = "innodb_sys_tablestats" if is_mariadb() else "innodb_tablestats"
    found = _by_partition(table, f"SELECT name, modified_counter FROM information_schema.{view}")
    return found if found or is_mariadb() else None


def analyze(table: str, partitions: list[str] | None = None) -> None:
    """Make the statistics of `table` anew, or of these partitions alone. Blocks nobody; commits, so not inside one."""
    if partitions == []:
        return
    with connection.cursor() as cursor:
        if partitions is None:
            cursor.execute(f"ANALYZE LOCAL TABLE {table}")
        else:
            cursor.execute(f"ALTER TABLE {table} ANALYZE PARTITION {', '.join(partitions)}")
        trouble = next((text for _, _, kind, text in cursor.fetchall() if kind.lower() == "error"), None)
    if trouble is None:
        return
    # raised by MariaDB; MySQL says it in a row, as whatever else is wrong
    if partitions is not None and not {part.name for part in partitioning(table).partitions} >= set(partitions):
        raise OperationalError(errors.OTHER_PARTITIONS, trouble)
    raise CatalogError(f"{table} cannot be analyzed: {trouble}")


def data_directory() -> Path | None:
    """Where the server keeps its files, when that is on this machine; None when it is not, or cannot be told."""
    ((directory, host),) = ask("SELECT @@datadir, @@hostname")
    path = Path(directory)
    return path if host == gethostname() and path.is_dir() else None


def disk_free_bytes() -> int | None:
    """Of the disk with the server's files; None when it is on another machine, or cannot be told."""
    directory = data_directory()
    return shutil.disk_usage(directory).free if directory else None


def file_system_block_bytes(table: str) -> int | None:
    """Of the file system with the files of `table`; None where it cannot be told."""
    view = "innodb_sys_tablespaces" if is_mariadb() else "innodb_tablespaces"
    found = _by_partition(table, f"SELECT name, fs_block_size FROM information_schema.{view}") or {}
    return max(found.values(), default=None)


def total(sizes: dict[str, Size]) -> Size:
    """Of all partitions together; the size of files is known when that of each is."""
    parts = list(sizes.values())
    files = [part.file_bytes for part in parts if part.file_bytes is not None]
    return Size(
        sum(part.rows_estimate for part in parts),
        sum(part.data_bytes for part in parts),
        sum(part.index_bytes for part in parts),
        sum(files) if len(files) == len(parts) else None,
    )


def partitions_opened(table: str, begin: date, end: date) -> list[str]:
    """The partitions that a query of recorded_at from `begin` up to, not including, `end` opens, as EXPLAIN says it."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"EXPLAIN {'PARTITIONS' if is_mariadb() else 'FORMAT=TRADITIONAL'} "
            f"SELECT * FROM {table} WHERE recorded_at >= %s AND recorded_at < %s",
            [begin, end],
        )
        names = [column[0] for column in cursor.description]
        opened = dict(zip(names, cursor.fetchone(), strict=True))["partitions"]
    return opened.split(",") if opened else []


def columns(table: str) -> dict[str, str]:
    """The columns of `table` with their types as the server writes them: datetime(3); in order. NoSuchTableError."""
    return dict(
        _ask_of(
            table,
            "SELECT column_name, column_type FROM information_schema.columns "
            "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY ordinal_position",
        )
    )


def primary_key(table: str) -> list[str]:
    """The columns of the primary key of `table`, in order. CatalogError: it has none; NoSuchTableError."""
    return [
        name
        for (name,) in _ask_of(
            table,
            "SELECT column_name FROM information_schema.statistics WHERE table_schema = DATABASE() "
            "AND table_name = %s AND index_name = 'PRIMARY' ORDER BY seq_in_index",
        )
    ]


def triggers(table: str) -> list[str]:
    """The names of the triggers on `table`, in order of names; [] where it has none, or does not exist."""
    return [
        name
        for (name,) in ask(
            "SELECT trigger_name FROM information_schema.triggers "
            "WHERE event_object_schema = DATABASE() AND event_object_table = %s ORDER BY trigger_name",
            table,
        )
    ]


def foreign_keys_to(table: str) -> list[str]:
    """The tables that refer to `table`, or that it refers to, by a foreign key."""
    return [
        name
        for (name,) in ask(
            "SELECT DISTINCT IF(referenced_table_name = %s, table_name, referenced_table_name) "
            "FROM information_schema.key_column_usage WHERE table_schema = DATABASE() "
            "AND referenced_table_name IS NOT NULL AND %s IN (table_name, referenced_table_name) ORDER BY 1",
            table,
            table,
        )
    ]


def _read_statistics_fresh() -> None:
    """MySQL shows statistics of up to a day ago unless the session says otherwise."""
    if not is_mariadb():
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION information_schema_stats_expiry = 0")


# A page-compressed file of MariaDB's has holes, of which file_size knows nothing; its flags name the algorithm (and
# that they are those of innodb_checksum_algorithm = full_crc32). Of other files allocated_size lags behind while the
# operating system has not written them, and is 0 at first.
_ON_DISK = "IF(flag & 16 AND flag & 224 AND allocated_size > 0, LEAST(allocated_size, file_size), file_size)"


def _file_sizes(table: str) -> dict[str, int]:
    size, view = (_ON_DISK, "innodb_sys_tablespaces") if is_mariadb() else ("file_size", "innodb_tablespaces")
    return _by_partition(table, f"SELECT name, {size} FROM information_schema.{view}") or {}


def _by_partition(table: str, sql: str) -> dict[str, int] | None:
    """A figure of InnoDB by partition name in lower case ("" for a table without); None: PROCESS is missing."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT DATABASE()")
        name = f"{_file_name(cursor.fetchone()[0])}/{_file_name(table)}"
    try:
        rows = ask(f"{sql} WHERE name = %s OR name LIKE %s", name, name.replace("_", r"\_") + "#p#%")
    except DatabaseError as error:
        if error.args[0] == 1227:
            return None
        raise
    return {path[len(name) + 3 :].lower(): figure for path, figure in rows}


def _file_name(identifier: str) -> str:
    """An identifier as InnoDB names files after it: all but letters, digits and _ is written @xxxx."""
    return re.sub(r"[^0-9A-Za-z_]", lambda match: f"@{ord(match[0]):04x}", identifier)


def _date_of(table: str, name: str, bound: str) -> date | None:
    """`'2025-01-01'`, `'2025-01-01 00:00:00.000'` or `202501` -> 2025-01-01; MAXVALUE -> None."""
    if bound == MAXVALUE:
        return None
    if (match := re.fullmatch(r"(\d{4})(\d\d)", bound)) and 1 <= int(match[2]) <= 13:
        return date(int(match[1]) + int(match[2]) // 13, int(match[2]) % 12 or 12, 1)  # 202513: all of December
    match = re.fullmatch(r"'(\d{4}-\d\d-\d\d)(?: 00:00:00(?:\.0+)?)?'", bound)
    if match is None:
        raise CatalogError(f"Partition {name} of {table} ends at {bound}, which is not the start of a day")
    return date.fromisoformat(match[1])


def ask(sql: str, *parameters: str) -> tuple[tuple, ...]:
    """The rows that one question to the catalog brings, of every table that is there.

    CatalogError: another session has been changing one of the tables for longer than ASK_AGAIN_SECONDS.
    """
    skipped = ""
    for _ in _tries():
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, parameters)
                rows = cursor.fetchall()
        except OperationalError as error:
            if connection.in_atomic_block or not errors.is_deadlock(error):
                raise
            skipped = errors.text(error)  # on Galera a change of the table ends who asks of it
            continue
        skipped = _skipped()
        if not skipped:
            return rows
    raise CatalogError(
        f"Another session has been changing a table for {ASK_AGAIN_SECONDS:g} s, so the server says nothing of it "
        f"({skipped}). Call again when that has ended"
    )


def _ask_of(table: str, sql: str) -> tuple[tuple, ...]:
    """What is asked of `table`, whose name is the one parameter, and which answers with a row at least."""
    for n in range(EMPTY_ANSWERS):
        if n:  # it came between the two questions, or the answer was one of a moment
            time.sleep(ASK_AGAIN_PAUSE_SECONDS)
        if rows := ask(sql, table):
            return rows
        if not table_exists(table):
            raise NoSuchTableError(f"There is no table {table}: run manage.py migrate")
    raise CatalogError(f"The server says that there is a table {table}, and of it nothing to: {sql}")


def _tries() -> Iterator[None]:
    """At once, and again after a pause for as long as ASK_AGAIN_SECONDS."""
    deadline = time.monotonic() + ASK_AGAIN_SECONDS
    yield
    while time.monotonic() < deadline:
        time.sleep(ASK_AGAIN_PAUSE_SECONDS)
        yield


def _skipped() -> str:
    """What the server warned of the last answer, when it left a table out of it; "" when it did not."""
    client = connection.connection  # mysqlclient's: Django has no word for warnings
    if not client.warning_count():
        return ""
    return next((text for _, code, text in client.show_warnings() if code == _SKIPPED), "")
