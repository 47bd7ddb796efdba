"""Whether a month is other than it was: asked before it is copied, and again when nobody can write to it any more."""

from dataclasses import dataclass
from datetime import date
from types import TracebackType

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog


@dataclass(frozen=True, slots=True)
class Signs:
    """The tokens of a month's parks (how many, summed, XORed), and the rows that were changed since its statistics were
    made; None: not shown to us."""

    tokens: tuple[int, ...]
    modified: int | None


class Watch:
    """A context that tells a month's signs, over a session of its own.

    A session that has the fact table locked may ask no table but those it has locked, and on MariaDB 10.11 an exchange
    fails while a third table is locked beside (its own transaction holds what the exchange wants, for
    innodb_lock_wait_timeout). No lock is needed on the tokens: whoever touched a row of the fact table keeps the table
    until it has committed, so with the table locked all tokens of all rows are there to be read by everybody.
    """

    def __init__(self, partition: str, month: date) -> None:
        self._partition, self._month = partition, month
        self._own: BaseDatabaseWrapper = connection.copy()

    def __enter__(self) -> "Watch":
        self._own.ensure_connection()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._own.close()

    def signs(self) -> Signs:
        """As they are now."""
        with self._own.cursor() as cursor:
            cursor.execute(
                "SELECT COUNT(*), COALESCE(SUM(token), 0), COALESCE(BIT_XOR(token), 0) FROM park_months "
                "WHERE month = %s",
                [self._month],
            )
            tokens = tuple(map(int, cursor.fetchone()))
        modified = catalog.modified(TABLE)
        return Signs(tokens, None if modified is None else modified.get(self._partition.lower(), 0))
