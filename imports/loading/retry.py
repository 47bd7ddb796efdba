"""What may be tried again, and a short transaction that is."""

from collections.abc import Callable
from typing import TypeVar

from django.db import IntegrityError

from imports.loading.loader import RowsRefused
from warehouse.partitioning.partitions import PartitionsBlocked
from warehouse.server import errors
from warehouse.server.away import patiently
from warehouse.server.turns import brief_transaction

T = TypeVar("T")


def in_a_short_transaction(write: Callable[[], T]) -> T:
    """What `write` returns, committed: for work without a checkpoint, which is simply done again where another writer's
    row, ride or lock is in the way, or the server goes away (warehouse.server.away). What was committed though its
    answer was lost is known the second time, and counted as such."""

    def attempt() -> T:
        with brief_transaction():
            return write()

    return patiently(attempt, is_conflict)


def is_conflict(error: Exception) -> bool:
    """Whether another writer's row, ride or lock was in the way, so that the same work done again may succeed."""
    return errors.is_locked(error) or isinstance(error, RowsRefused | IntegrityError)


def is_transient(error: Exception) -> bool:
    """Whether the cause lies with the server or another session, so that a later try may succeed."""
    return errors.is_away(error) or errors.is_locked(error) or isinstance(error, PartitionsBlocked)
