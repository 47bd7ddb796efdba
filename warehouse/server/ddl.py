"""DDL on a table that others read and write, never queueing for it.

An ALTER that waits for a metadata lock blocks every reader and writer that comes after it, for twice
lock_wait_timeout, whose default is a day. So a statement here never queues: it is tried, steps back at once when
the table is in use, and is tried again for as long as the caller is patient. Then the error names who was in the way.

A try of CREATE TRIGGER keeps writers out for an instant before it is refused: on a session that waits for no lock at
all, 7 INSERTs were refused in one run of partition_snapshots behind an open reader, and no SELECT.

`run` is for statements that ask for the table before they do anything. `alter` is for those that ask last.

On a Galera cluster a statement is carried out on all nodes at one place in the order of all transactions (TOI), and
what is in its way there does not keep it waiting: transactions at the table, readers' too, are ended (1213). Here
it still steps back from whoever is at the table on this node, which is looked for by a lock that is given back at once;
on the others they have to do their work again (`said_of_galera`). To hold the lock meanwhile, as on a single server, is
what must not be: when another node commits a row of the table in between, this node waits for the lock to apply it, and
the ALTER for that row to be applied. Tried: it hung until the server was killed, KILL did not end it.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Protocol

from django.db import DatabaseError, OperationalError, ProgrammingError, connection

from warehouse.server import errors
from warehouse.server.dialect import is_galera, is_mariadb
from warehouse.server.sessions import Session, blockers, in_words

# A try that does not wait harms nobody, and a table that is hardly ever idle is met idle by trying often: with an
# importer, a live writer and a reader at it, pauses up to 0.3 s took 2 to 4 s for a statement, these take a tenth.
FIRST_PAUSE_SECONDS = 0.005
LONGEST_PAUSE_SECONDS = 0.02
# What an ALTER that has the table locked still waits for: looks at the catalog, which no lock of a table keeps out and
# which take a millisecond. 1 s is the least that is not nothing.
CATALOG_WAIT_SECONDS = 1
# Whoever reads a table in long statements, one after the other, leaves so much between two of them, or nobody would
# ever meet the table idle.
GAP_SECONDS = LONGEST_PAUSE_SECONDS * 1.25
# A process that is frozen, or cut off, while it has a table locked is not to keep it: its session ends after this.
LOCKED_AND_IDLE_SECONDS = 5
# MySQL has no such try: it makes others wait for up to 1 s. Where it does not show us locks, they are given a rest.
BLIND_PAUSE_SECONDS = 5.0

# On Galera, for what is not ended in favour of a change of the table: a backup that holds it, somebody's LOCK TABLES. A
# node that gave up while the others did it would be put out of the cluster, so it is rather waited for.
EVERYWHERE_WAIT_SECONDS = 60

_DENIED = {1044, 1045, 1142, 1227}
_NO_TABLE = 1146
_NO_TRIGGERS = 1419  # beside a binary log, which MySQL keeps unless told otherwise; no right of a database lifts it


# So long others stand aside: twice as long as a large file takes. Whoever is in the way behind that is none of them;
# they go on for as long before they are asked again.
ASIDE_SECONDS = 10


class Door(Protocol):
    """Where others that write beside this process wait between two transactions, while it is closed."""

    def close(self) -> None: ...

    def open(self) -> None: ...


#: of who works side by side with others on purpose; mostly nobody
door: ContextVar[Door | None] = ContextVar("door", default=None)


class DdlError(Exception):
    """A statement could not be run; the message says what to do."""


class InsideTransaction(DdlError):
    """DDL commits whatever transaction it meets, so it is not begun inside one."""


class NotAllowed(DdlError):
    """The database user lacks a right."""


class TableInUse(DdlError):
    """Other sessions held locks on the table for longer than was waited."""

    def __init__(self, table: str, waited_seconds: float, blockers: Sequence[Session] | None):
        self.sessions = list(blockers or ())
        super().__init__(
            f"{table} was in use for {waited_seconds:.1f} s, so it is as it was. In the way: {in_words(blockers)}"
        )


def run(sql: str, table: str, *, patience_seconds: float) -> None:
    """Run one DDL statement that needs `table` for itself, as soon as nobody is at it.

    Looked at or tried once at least, however short the patience. TableInUse: somebody was at it all the time.
    NotAllowed: a right is missing. InsideTransaction: the caller holds one open. Other errors come through.
    """
    _patiently(_execute, sql, table, patience_seconds)


def alter(sql: str, table: str, *, patience_seconds: float) -> None:
    """As run, for an ALTER that makes or copies partitions: the table is locked first.

    Such an ALTER does its work while no writer may in, and asks to be alone at its end. Refused there, as it always is
    while a reader has a transaction open, it throws the work away, and the next try does it again: on a busy disk one
    try took 1.05 s, and an INSERT waited for 1.17 s. A lock is refused at once and keeps nobody waiting; once it is
    there, the ALTER needs nobody's leave. Readers wait for all of its work then, not for the end of it alone: 70 ms
    instead of 30 for 42 months.
    """
    _patiently(_execute_locked, sql, table, patience_seconds)


def alter_if(
    sql: str, table: str, *, beside: Sequence[str], only_if: Callable[[], bool], patience_seconds: float
) -> bool:
    """As alter, with further tables locked (`beside`: "name WRITE", "name READ"), and only if `only_if` says so then,
    when whoever wrote to any of them has committed and nobody else can; whether it was done.

    `only_if` can ask the locked tables and the catalog alone (or over another session), and everybody waits for its
    answer.
    """
    done = False

    def execute(sql: str, table: str) -> None:
        nonlocal done
        # an exchange that met a lock of InnoDB's would keep the table for innodb_lock_wait_timeout, 50 s
        with _session(innodb_lock_wait_timeout=CATALOG_WAIT_SECONDS):
            done = _execute_locked(sql, table, beside, only_if)

    _patiently(execute, sql, table, patience_seconds)
    return done


def _patiently(execute: Callable[[str, str], object], sql: str, table: str, patience_seconds: float) -> None:
    refuse_inside_a_transaction()
    with _others_aside() as ask:
        _try_on(execute, sql, table, patience_seconds, ask)


def _try_on(
    execute: Callable[[str, str], object],
    sql: str,
    table: str,
    patience_seconds: float,
    ask_others_aside: Callable[[float], None],
) -> None:
    began = time.monotonic()
    pause = FIRST_PAUSE_SECONDS
    while True:
        holders = None if is_mariadb() else blockers(table)
        locked = None
        if not holders:
            locked = _try(execute, sql, table)
            if locked is None:
                return
        waited = time.monotonic() - began
        ask_others_aside(waited)
        # Where we may look first, the next try meets nobody and takes milliseconds: a second kept for it would leave
        # maintain_partitions 0.5 of its 1.5 s.
        if waited + pause + (_lock_wait_seconds() if holders is None else 0) > patience_seconds:
            raise TableInUse(table, waited, blockers(table)) from locked
        if not is_mariadb() and holders is None:
            pause = BLIND_PAUSE_SECONDS
        time.sleep(pause * random.uniform(0.5, 1.0))
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


@contextmanager
def _others_aside() -> Iterator[Callable[[float], None]]:
    """A function that closes or opens the door, by how long was waited so far; at the end it is open."""
    theirs, is_closed = door.get(), False

    def ask(waited_seconds: float) -> None:
        nonlocal is_closed
        wanted = waited_seconds // ASIDE_SECONDS % 2 == 0
        if theirs is not None and wanted != is_closed:
            theirs.close() if wanted else theirs.open()
            is_closed = wanted

    try:
        yield ask
    finally:
        if theirs is not None and is_closed:
            theirs.open()


def _try(execute: Callable[[str, str], object], sql: str, table: str) -> OperationalError | None:
    """Run it now; what the server said when a lock was in the way."""
    try:
        with _session(lock_wait_timeout=_lock_wait_seconds()):
            execute(sql, table)
    except OperationalError as error:
        if error.args[0] == _NO_TRIGGERS:
            raise NotAllowed(
                f"The server keeps a binary log and makes no trigger on {table} for a user without SUPER: "
                f"SET GLOBAL log_bin_trust_function_creators = 1, until this is done ({error.args[1]})"
            ) from error
        if error.args[0] in _DENIED:
            raise NotAllowed(
                f"The database user may not change {table}: grant it ALTER, CREATE, DROP, INSERT, LOCK TABLES and "
                f"TRIGGER on this database ({error.args[1]})"
            ) from error
        if not errors.is_locked(error):
            raise
        return error
    return None


def said_of_galera() -> str:
    """What an operator is told before tables are changed; "" on a single server."""
    if not is_galera():
        return ""
    return (
        "On this Galera cluster each change of a table ends the transactions that are at it on the other nodes: "
        "imports do theirs again, readers are told to. Best done in a quiet hour"
    )


def _execute(sql: str, table: str) -> None:
    if is_galera():
        _execute_everywhere(sql, table)
        return
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _execute_locked(
    sql: str, table: str, beside: Sequence[str] = (), only_if: Callable[[], bool] = lambda: True
) -> bool:
    if is_galera():
        return _execute_everywhere(sql, table, beside, only_if)
    with _session(wait_timeout=LOCKED_AND_IDLE_SECONDS), connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLES {', '.join((f'{table} WRITE', *beside))}")
        try:
            if not only_if():
                return False
            with _session(lock_wait_timeout=CATALOG_WAIT_SECONDS):
                cursor.execute(sql)
            return True
        finally:
            with suppress(DatabaseError):  # a session that has ended has no locks
                cursor.execute("UNLOCK TABLES")


def _execute_everywhere(
    sql: str, table: str, beside: Sequence[str] = (), only_if: Callable[[], bool] = lambda: True
) -> bool:
    """As _execute_locked, on Galera. What is written between the answer of `only_if` and the statement is not kept out:
    who goes by that answer has to look at what came out."""
    with connection.cursor() as cursor:
        with _session(wait_timeout=LOCKED_AND_IDLE_SECONDS):
            try:
                cursor.execute(f"LOCK TABLES {', '.join((f'{table} WRITE', *beside))}")
            except ProgrammingError as error:
                if error.args[0] != _NO_TABLE:  # DROP ... IF EXISTS
                    raise
            finally:
                with suppress(DatabaseError):
                    cursor.execute("UNLOCK TABLES")
        if not only_if():
            return False
        with _session(lock_wait_timeout=EVERYWHERE_WAIT_SECONDS):
            cursor.execute(sql)
        return True


def refuse_inside_a_transaction() -> None:
    """InsideTransaction: this session has one open, or would open one with the next statement (autocommit is off)."""
    if connection.in_atomic_block or not connection.get_autocommit():
        raise InsideTransaction("A table cannot be changed inside a transaction: that would commit it")


def _lock_wait_seconds() -> int:
    """None at all on MariaDB (what NOWAIT does, for statements that have no NOWAIT too); 1, the least, on MySQL."""
    return 0 if is_mariadb() else 1


@contextmanager
def _session(**variable: int) -> Iterator[None]:
    """The session with this variable, and afterwards as it was."""
    ((name, value),) = variable.items()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@SESSION.{name}")
        (before,) = cursor.fetchone()
        cursor.execute(f"SET SESSION {name} = %s", [value])
        try:
            yield
        finally:
            with suppress(DatabaseError):  # a session that has ended begins anew with the server's own
                cursor.execute(f"SET SESSION {name} = %s", [before])
