"""Another session that stands in an import's way, where a file's transaction writes that the file is done.

    with locked(5) as said: ...     it has the checkpoints locked until five tries have met the lock
    with deadlock() as said: ...    the two wait for each other, once, and the server ends the import's transaction

`said` fills with what the server said to each try: the code of its error, or 0.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import MySQLdb
from django.db import OperationalError, connection

from tests.waiting import until

LOCK_WAIT_TIMEOUT, DEADLOCK = 1205, 1213
ROWS_OF_WEIGHT = 2_000  # of two that wait for each other the server ends the one that has changed less


@contextmanager
def locked(times: int, where: str = "last_processed_date") -> Iterator[list[int]]:
    """`where`: what the UPDATE of a checkpoint says that meets the lock."""
    said: list[int] = []

    def after(other: MySQLdb.Connection) -> None:
        if len(said) == times:
            other.rollback()

    with _patience(seconds=0 if connection.mysql_is_mariadb else 1), _at_the_checkpoint(_lock, after, said, where):
        yield said


@contextmanager
def deadlock() -> Iterator[list[int]]:
    """For a file that brings a ride which is new."""
    said: list[int] = []
    waiting: list[threading.Thread] = []

    def before(other: MySQLdb.Connection) -> None:
        other.cursor().executemany("INSERT INTO weight VALUES (%s)", [(n,) for n in range(ROWS_OF_WEIGHT)])
        _lock(other)
        waiting.append(threading.Thread(target=other.query, args=["UPDATE rides SET ride_name = 'not to be seen'"]))
        session = other.thread_id()
        waiting[0].start()
        until(lambda: not waiting[0].is_alive() or waits(session), every_seconds=0.2)

    def after(other: MySQLdb.Connection) -> None:
        waiting[0].join()
        other.rollback()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE weight (n INT PRIMARY KEY) ENGINE InnoDB")
    try:
        with _at_the_checkpoint(before, after, said):
            yield said
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE weight")


@contextmanager
def _at_the_checkpoint(
    before: Callable[[MySQLdb.Connection], None],
    after: Callable[[MySQLdb.Connection], None],
    said: list[int],
    where: str = "last_processed_date",
) -> Iterator[None]:
    """`before` the first try to write that a file is done, and `after` each that failed."""
    other = MySQLdb.connect(**connection.get_connection_params())

    def meet(execute, sql, params, many, context):
        if not ("UPDATE" in sql and "import_checkpoints" in sql and where in sql):
            return execute(sql, params, many, context)
        if not said:
            before(other)
        try:
            done = execute(sql, params, many, context)
        except OperationalError as error:
            said.append(error.args[0])
            after(other)
            raise
        said.append(0)
        return done

    try:
        with connection.execute_wrapper(meet):
            yield
    finally:
        other.close()


def _lock(other: MySQLdb.Connection) -> None:
    other.query("SELECT checkpoint_id FROM import_checkpoints FOR UPDATE")
    other.store_result()


def waits(session: int) -> bool:
    """Whether the session waits for a lock. To be asked every 0.2 s: the server makes its list anew if it was not
    read for 0.1 s."""
    with MySQLdb.connect(**connection.get_connection_params()) as watcher:
        return bool(
            watcher.cursor().execute(
                "SELECT 1 FROM information_schema.innodb_trx "
                "WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT'",
                [session],
            )
        )


@contextmanager
def _patience(seconds: int) -> Iterator[None]:
    """With a lock, of this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", [seconds])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = DEFAULT")
