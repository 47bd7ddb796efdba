"""Which sessions stand in the way of a change of a table: what the servers tell of it, each in its own way."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from django.db import DatabaseError

from warehouse.server import catalog
from warehouse.server.dialect import is_mariadb

STATEMENT_LENGTH = 120  # of a blocking statement, as shown to people


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


def blockers(table: str) -> list[Session] | None:
    """Who stands in the way of an ALTER of `table`, the longest first; None where we may not see other sessions.

    MySQL says it exactly (performance_schema.metadata_locks). MariaDB does where its performance_schema is on and told
    to watch these locks, as bin/db has it, or where the plugin metadata_lock_info is installed. Otherwise MariaDB tells
    only which sessions have a transaction open: one of these it is, and `certain` is False; five at most are named,
    those of this database first.
    """
    try:
        if not is_mariadb():
            return _found(_LOCKS_MYSQL, table, certain=True)
        if _seen("performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl' AND enabled = 'YES'"):
            return _found(_LOCKS_MARIADB.format(source=_PERFORMANCE_SCHEMA), table, certain=True)
        if _seen("information_schema.plugins WHERE plugin_name = 'METADATA_LOCK_INFO' AND plugin_status = 'ACTIVE'"):
            return _found(_LOCKS_MARIADB.format(source=_PLUGIN), table, certain=True)
        return _found(_TRANSACTIONS_MARIADB, f"%{table}%", certain=False)
    except DatabaseError as error:
        if error.args[0] in _MAY_NOT_LOOK:
            return None
        raise


def in_words(blockers: Sequence[Session] | None) -> str:
    """What `blockers` says, for people."""
    if blockers is None:
        return "the database user may not see who: grant it PROCESS (MySQL: SELECT on performance_schema)"
    if not blockers:
        return "they have just gone"
    which = "" if blockers[0].certain else "one of the open transactions: "
    return which + "; ".join(map(str, blockers))


def _seen(rows: str) -> bool:
    """Whether there are such rows, and we may look at them."""
    try:
        return bool(catalog.ask(f"SELECT 1 FROM {rows}"))
    except DatabaseError as error:
        if error.args[0] in _MAY_NOT_LOOK:
            return False
        raise


_MAY_NOT_LOOK = {1142, 1227}  # the right to this table, or PROCESS, is missing
# trx_started is in the server's own zone, which SET STATEMENT compares with the same zone's NOW().
_TRANSACTIONS_MARIADB = """
SET STATEMENT time_zone = 'SYSTEM' FOR
SELECT p.id, p.user, p.host, COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.time), p.info
FROM information_schema.processlist p
LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.id <> CONNECTION_ID() AND (t.trx_id IS NOT NULL OR p.info LIKE %s)
ORDER BY p.db <=> DATABASE() DESC, 4 DESC LIMIT 5
"""
_LOCKS_MARIADB = """
SET STATEMENT time_zone = 'SYSTEM' FOR
SELECT DISTINCT p.id, p.user, p.host, COALESCE(TIMESTAMPDIFF(SECOND, t.trx_started, NOW()), p.time), p.info
FROM ({source}) m
JOIN information_schema.processlist p ON p.id = m.session
LEFT JOIN information_schema.innodb_trx t ON t.trx_mysql_thread_id = p.id
WHERE p.id <> CONNECTION_ID() AND m.table_schema = DATABASE() AND m.table_name = %s ORDER BY 4 DESC
"""
_PERFORMANCE_SCHEMA = """
SELECT r.processlist_id session, l.object_schema table_schema, l.object_name table_name
FROM performance_schema.metadata_locks l
JOIN performance_schema.threads r ON r.thread_id = l.owner_thread_id
WHERE l.object_type = 'TABLE' AND l.lock_status = 'GRANTED'
"""
_PLUGIN = "SELECT thread_id session, table_schema, table_name FROM information_schema.metadata_lock_info"
# processlist_time is that of the last statement: of a transaction open for 5 s that asks something every second it said
# 0 or 1. timer_wait is the transaction's, in picoseconds.
_LOCKS_MYSQL = """
SELECT DISTINCT t.processlist_id, t.processlist_user, t.processlist_host,
  COALESCE(e.timer_wait DIV 1000000000000, t.processlist_time), t.processlist_info
FROM performance_schema.metadata_locks m
JOIN performance_schema.threads t ON t.thread_id = m.owner_thread_id
LEFT JOIN performance_schema.events_transactions_current e ON e.thread_id = t.thread_id AND e.state = 'ACTIVE'
WHERE m.object_type = 'TABLE' AND m.lock_status = 'GRANTED' AND t.processlist_id <> CONNECTION_ID()
  AND m.object_schema = DATABASE() AND m.object_name = %s ORDER BY 4 DESC
"""


def _found(sql: str, parameter: str, certain: bool) -> list[Session]:
    return [
        Session(int(id_), user or "", (host or "").split(":")[0], int(seconds or 0), _short(info), certain)
        for id_, user, host, seconds, info in catalog.ask(sql, parameter)
    ]


def _short(statement: str | None) -> str:
    return re.sub(r"\s+", " ", statement or "").strip()[:STATEMENT_LENGTH]
