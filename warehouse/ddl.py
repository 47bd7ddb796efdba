"""DDL on a table that others read and write, without ever making them wait.

An ALTER that waits for a metadata lock blocks every reader and writer that comes after it, for twice
lock_wait_timeout, whose default is a day. So a statement here never queues: it is tried, steps back at once when
the table is in use, and is tried again for as long as the caller is patient. Then the error names who was in the way.
"""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import OperationalError, connection

from warehouse import catalog
from warehouse.catalog import Session

# A try that does not wait harms nobody, and a table that is hardly ever idle is met idle by trying often: with an
# importer, a live writer and a reader at it, pauses up to 0.3 s took 2 to 4 s for a statement, these take a tenth.
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.02
# MySQL has no such try: it makes others wait for up to 1 s. Where it does not show us locks, they are given a rest.
BLIND_PAUSE_SECONDS = 5.0

_LOCKED = {1205, 1213}  # lock wait timeout, deadlock
_DENIED = {1044, 1045, 1142, 1227, 1419}  # the last: triggers beside a binary log, on MySQL


class DdlError(Exception):
    """A statement could not be run; the message says what to do."""


class InsideTransaction(DdlError):
    """DDL commits whatever transaction it meets, so it is not begun inside one."""


class NotAllowed(DdlError):
    """The database user lacks a right."""


class TableInUse(DdlError):
    """Other sessions held locks on the table for longer than was waited."""

    def __init__(self, table: str, waited_seconds: float, sessions: Sequence[Session] | None):
        self.sessions = list(sessions or ())
        if sessions is None:
            who = "the database user may not see who: grant it PROCESS (MySQL: SELECT on performance_schema)"
        elif not sessions:
            who = "they have just gone"
        elif sessions[0].certain:
            who = "; ".join(map(str, sessions))
        else:
            who = "one of the open transactions: " + "; ".join(map(str, sessions))
        super().__init__(f"{table} was in use for {waited_seconds:.1f} s, so it is as it was. In the way: {who}")


def run(sql: str, table: str, *, patience_seconds: float) -> None:
    """Run one DDL statement that needs `table` for itself, as soon as nobody is at it.

    Looked at or tried once at least, however short the patience. TableInUse: somebody was at it all the time.
    NotAllowed: a right is missing. InsideTransaction: the caller holds one open. Other errors come through.
    """
    refuse_inside_a_transaction()
    began = time.monotonic()
    pause = FIRST_PAUSE_SECONDS
    while True:
        holders = None if connection.mysql_is_mariadb else catalog.blockers(table)
        locked = None
        if not holders:
            locked = _try(sql, table)
            if locked is None:
                return
        waited = time.monotonic() - began
        if waited + pause + _lock_wait_seconds() > patience_seconds:
            raise TableInUse(table, waited, catalog.blockers(table)) from locked
        if not connection.mysql_is_mariadb and holders is None:
            pause = BLIND_PAUSE_SECONDS
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _try(sql: str, table: str) -> OperationalError | None:
    """Run it now; what the server said when a lock was in the way."""
    try:
        with _hardly_any_lock_wait(), connection.cursor() as cursor:
            cursor.execute(sql)
    except OperationalError as error:
        if error.args[0] in _DENIED:
            raise NotAllowed(
                f"The database user may not change {table}: grant it ALTER, CREATE, DROP, INSERT and TRIGGER on this "
                f"database ({error.args[1]})"
            ) from error
        if error.args[0] not in _LOCKED:
            raise
        return error
    return None


def refuse_inside_a_transaction() -> None:
    if connection.in_atomic_block or not connection.get_autocommit():
        raise InsideTransaction("A table cannot be changed inside a transaction: that would commit it")


def _lock_wait_seconds() -> int:
    """None at all on MariaDB (what NOWAIT does, for statements that have no NOWAIT too); 1, the least, on MySQL."""
    return 0 if connection.mysql_is_mariadb else 1


@contextmanager
def _hardly_any_lock_wait() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@SESSION.lock_wait_timeout")
        (before,) = cursor.fetchone()
        cursor.execute("SET SESSION lock_wait_timeout = %s", [_lock_wait_seconds()])
        try:
            yield
        finally:
            cursor.execute("SET SESSION lock_wait_timeout = %s", [before])
