"""One writer of a park's rows at a time: two feeds that tell of one change at the same moment would each find it new.

The lock is on the parks' own rows, which an import and the live collector would lock shared later anyway, by the
foreign keys of what they write. Taken first and by park_id, by everybody, so that no two wait for each other; before
checkpoints and rides, in the order of a claim (ImportCheckpoint.lock_out_others) and of the metadata sync.

On a Galera cluster a lock is one node's alone: two nodes claimed one park in 8 of 8 tries. There whoever wants to be
the only one also writes a row that stands for it (`on_every_node`): of two nodes that do, the second to commit is told
1213, and does its work again. It has to be written before anything is read that the turn is taken for. Then whatever
another node commits under the same turn is either there to be read, or ends this transaction when it arrives.
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
        on_every_node("park", keys)
        with connection.cursor() as cursor:
            # through the key and not all rows, which a small table would be read by: each row that is seen is locked
            cursor.execute(
                "SELECT park_id FROM parks FORCE INDEX (PRIMARY) WHERE park_id IN %s ORDER BY park_id FOR UPDATE",
                [keys],
            )


def on_every_node(what: str, keys: Iterable[int]) -> None:
    """Of all transactions that say so of the same `what` and key, on whatever nodes of a Galera cluster, one is
    committed at a time. To be said first: see above. On a single server it does nothing; whoever calls locks a row.

    It writes a table of its own, `turns`: a row of `parks` that is written by each file would end whatever other nodes
    store with a foreign key to it.
    """
    if dialect.is_galera() and (names := sorted({f"{what} {key}" for key in keys})):
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO turns (turn, number) VALUES {', '.join(['(%s, 1)'] * len(names))} "
                "ON DUPLICATE KEY UPDATE number = number + 1",  # an UPDATE that changes nothing is not replicated
                names,
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
