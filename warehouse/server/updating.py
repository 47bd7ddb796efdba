"""Bringing a database up to a version is for one host at a time: two that migrate at once apply a migration twice.

On a Galera cluster the lock is a row, for which there must be a table: until the update that makes it there is none,
and docs/running.md says to do that one from one host alone.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from warehouse.server import catalog, dialect
from warehouse.server.named_lock import named_lock

LONGEST_WAIT_SECONDS = 24 * 3600


class StillUpdating(Exception):
    """Another host has been at it for LONGEST_WAIT_SECONDS."""


@contextmanager
def one_host_at_a_time(say: Callable[[str], object]) -> Iterator[None]:
    """The others wait, and `say` so first."""
    if dialect.is_galera() and not catalog.table_exists("held_locks"):
        yield
        return
    with named_lock("deploy") as mine:
        if mine:
            yield
            return
    say("Another host or terminal is bringing this database up to date: waiting until it is done")
    with named_lock("deploy", LONGEST_WAIT_SECONDS) as mine:
        if not mine:
            raise StillUpdating
        yield
