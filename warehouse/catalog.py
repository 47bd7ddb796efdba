"""What the server knows of our tables: partitions, sizes, and who holds a lock.

The only reader of information_schema, performance_schema and InnoDB's tablespace tables, because MariaDB and MySQL
differ in all three. It asks and never changes anything but statistics (`analyze`); what the answers mean is said
elsewhere (partitions, storage, repartition).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, connection

STATEMENT_LENGTH = 120  # of a blocking statement, as shown to people
MAXVALUE = "MAXVALUE"


class CatalogError(Exception):
    """The catalog holds something this project does not understand; the message says what."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: rows from `lower` (None: no limit) up to, and not including, `upper` (None: MAXVALUE)."""

    name: str
    lower: date | None
    upper: date | None


@dataclass(frozen=True, slots=True)
class Partitioning:
    """How a table is partitioned. `method` is "" for a table that is not; bounds are known for dates alone."""

    method: str
    expression: str
    names: tuple[str, ...]
    bounds: tuple[str, ...]  # as the catalog says them: '2025-01-01', 202501, MAXVALUE

    @property
    def by_recorded_at(self) -> bool:
        """The project's own: RANGE COLUMNS (recorded_at)."""
        return self.method == "RANGE COLUMNS" and self.expression.replace("`", "") == "recorded_at"

    @property
    def description(self) -> str:
        return f"{self.method} ({self.expression.replace('`', '')})" if self.method else "not partitioned"


@dataclass(frozen=True, slots=True)
class Session:
    """A session that holds, or may hold, a lock on a table."""

    id: int
    user: str
    host: str
    seconds: int  # since its transaction or statement began
    statement: str  # "" while it is idle inside a transaction
    certain: bool  # False: it has a transaction open, and the server does not tell on which tables

    def __str__(self) -> str:
        what = f"running: {self.statement}" if self.statement else "idle inside a transaction"
        return f"session {self.id} ({self.user}@{self.host}, {self.seconds} s, {what})"


def table_exists(table: str) -> bool:
    return bool(
        _rows("SELECT 1 FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s", table)
    )


def partitioning(table: str) -> Partitioning:
    """How `table` is partitioned, in order of the partitions. CatalogError: there is no such table."""
    rows = _rows(
        "SELECT partition_method, partition_expression, partition_name, partition_description "
        "FROM information_schema.partitions WHERE table_schema = DATABASE() AND table_name = %s "
        "ORDER BY partition_ordinal_position",
        table,
    )
    if not rows:
        raise CatalogError(f"There is no table {table}: run manage.py migrate")
    if rows[0][2] is None:
        return Partitioning("", "", (), ())
    return Partitioning(rows[0][0], rows[0][1], tuple(row[2] for row in rows), tuple(row[3] for row in rows))


def partitions(table: str) -> list[Partition]:
    """The partitions of a table that is partitioned by RANGE COLUMNS (recorded_at), in order; [] for one that is not.

    Takes 0.6 ms with 26 partitions, so callers ask again rather than remember: another process may have changed them.
    """
    found = partitioning(table)
    if not found.method:
        return []
    if not found.by_recorded_at:
        raise CatalogError(f"{table} is partitioned by {found.description}, not by RANGE COLUMNS (recorded_at)")
    lower = None
    result = []
    for name, bound in zip(found.names, found.bounds, strict=True):
        upper = _date_of(table, name, bound)
        result.append(Partition(name, lower, upper))
        lower = upper
    return result


def blockers(table: str) -> list[Session]:
    """Who stands in the way of an ALTER of `table`, the longest first.

    MySQL says it exactly (performance_schema.metadata_locks), MariaDB where the plugin metadata_lock_info is
    installed. Without it MariaDB tells only which sessions have a transaction open: one of these it is, and
    `certain` is False. [] where the user may not see other sessions (PROCESS) or nobody is left.
    """
    try:
        if not connection.mysql_is_mariadb:
            return _sessions(_LOCKS_MYSQL, table, certain=True)
        if _rows(
            "SELECT 1 FROM information_schema.plugins "
            "WHERE plugin_name = 'METADATA_LOCK_INFO' AND plugin_status = 'ACTIVE'"
        ):
            return _sessions(_LOCKS_MARIADB, table, certain=True)
        return _sessions(_TRANSACTIONS_MARIADB, f"%{table}%", certain=False)
    except DatabaseError:  # without the right to look we still must say that something blocks
        return []


# trx_started is in the server's own zone, which SET STATEMENT compares with the same zone's NOW().
_TRANSACTIONS_MARIADB = """
SET STATEMENT time_zone = 'SYSTEM' FOR
SELECT p.id, p.user, p.host, COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.time), p.info
FROM information_schema.processlist p
LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.id <> CONNECTION_ID() AND (t.trx_id IS NOT NULL OR p.info LIKE %s) ORDER BY 4 DESC
"""
_LOCKS_MARIADB = """
SET STATEMENT time_zone = 'SYSTEM' FOR
SELECT DISTINCT p.id, p.user, p.host, COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.time), p.info
FROM information_schema.metadata_lock_info m
JOIN information_schema.processlist p ON p.id = m.thread_id
LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.id <> CONNECTION_ID() AND m.table_schema = DATABASE() AND m.table_name = %s ORDER BY 4 DESC
"""
_LOCKS_MYSQL = """
SELECT DISTINCT t.processlist_id, t.processlist_user, t.processlist_host, t.processlist_time, t.processlist_info
FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id
WHERE m.object_type = 'TABLE' AND m.lock_status = 'GRANTED' AND t.processlist_id <> CONNECTION_ID()
  AND m.object_schema = DATABASE() AND m.object_name = %s ORDER BY 4 DESC
"""


def _sessions(sql: str, parameter: str, certain: bool) -> list[Session]:
    return [
        Session(int(id_), user or "", (host or "").split(":")[0], int(seconds or 0), _short(info), certain)
        for id_, user, host, seconds, info in _rows(sql, parameter)
    ]


def _short(statement: str | None) -> str:
    return re.sub(r"\s+", " ", statement or "").strip()[:STATEMENT_LENGTH]


def _date_of(table: str, name: str, bound: str) -> date | None:
    """`'2025-01-01'` or `'2025-01-01 00:00:00.000'` -> 2025-01-01; MAXVALUE -> None."""
    if bound == MAXVALUE:
        return None
    match = re.fullmatch(r"'(\d{4}-\d\d-\d\d)(?: 00:00:00(?:\.0+)?)?'", bound)
    if match is None:
        raise CatalogError(f"Partition {name} of {table} ends at {bound}, which is not the start of a day")
    return date.fromisoformat(match[1])


def _rows(sql: str, *parameters: object) -> Iterable[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.fetchall()
