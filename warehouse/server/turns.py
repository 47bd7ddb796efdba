"""One writer of a park's rows at a time: two feeds that tell of one change at the same moment would each find it new.

The lock is on the parks' own rows, which an import and the live collector would lock shared later anyway, by the
foreign keys of what they write. Taken first and by park_id, by everybody, so that no two wait for each other; before
checkpoints and rides, in the order of a claim (ImportCheckpoint.lock_out_others) and of the metadata sync.
"""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from django.db import DatabaseError, connection, transaction

from warehouse.server import dialect

# A writer that is frozen or cut off inside a transaction holds its locks for ever, and whoever comes next stands
# before them. Between two statements of one of our transactions lie milliseconds, so the server may end it early.
IDLE_TRANSACTION_SECONDS = 20


def wait_for_turn(park_ids: Iterable[int]) -> None:
    """Be the only writer of these parks' rows, and of the sums made of them, until the caller's transaction ends; what
    others have committed by then is there to be read (READ COMMITTED)."""
    keys = sorted(park_ids)
    if keys:
        with connection.cursor() as cursor:
            # through the key and not all rows, which a small table would be read by: each row that is seen is locked
            cursor.execute(
                "SELECT park_id FROM parks FORCE INDEX (PRIMARY) WHERE park_id IN %s ORDER BY park_id FOR UPDATE",
                [keys],
            )


@contextmanager
def never_idle_for_long(wait_seconds: int | None = None) -> Iterator[None]:
    """The server ends a transaction, or a LOAD DATA, in which nothing happens. Two statements, 0.1 ms.

    `wait_seconds`: for a lock that another session holds (1205 then); None: as long as the server is set to, 50 s.
    """
    # MySQL has no limit for transactions alone: its limit for sessions must not last until the next file has come
    idle = "idle_transaction_timeout" if dialect.is_mariadb() else "wait_timeout"
    limits = dict.fromkeys((idle, "net_read_timeout"), IDLE_TRANSACTION_SECONDS)
    if wait_seconds is not None:
        limits["innodb_lock_wait_timeout"] = wait_seconds
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION " + ", ".join(f"{limit} = {seconds}" for limit, seconds in limits.items()))
    try:
        yield
    finally:
        with suppress(DatabaseError), connection.cursor() as cursor:  # a session that is gone needs none
            cursor.execute("SET SESSION " + ", ".join(f"{limit} = DEFAULT" for limit in limits))


@contextmanager
def brief_transaction() -> Iterator[None]:
    """A transaction that holds what others wait for: rows of parks, of imports. Where its process is frozen inside, the
    server ends it, as that of a file; inside of another one it is a part of that."""
    with ExitStack() as opening:
        if not connection.in_atomic_block:
            opening.enter_context(never_idle_for_long())
        opening.enter_context(transaction.atomic())
        yield
