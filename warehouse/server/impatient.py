"""Asking a server that may hang: whoever answers a monitor, or a person at a terminal, must not hang with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper


@contextmanager
def impatient(seconds: int) -> Iterator[None]:
    """Inside, this thread's queries go over a connection of its own, which takes none that was left over from before.

    OperationalError (errors.is_away): the server does not let us in, or says nothing for `seconds`. It first asks
    whether it is there at all, so that only one question waits in vain.
    """
    usual = connections[DEFAULT_DB_ALIAS]
    hasty = _connection(seconds)
    connections[DEFAULT_DB_ALIAS] = hasty
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield
    finally:
        hasty.close()
        connections[DEFAULT_DB_ALIAS] = usual


def impatient_from_now_on(seconds: int) -> None:
    """The same for the rest of this thread, and for what is forked from it: OperationalError in place of an answer that
    does not come within `seconds`, whatever the server or the network is at."""
    connections[DEFAULT_DB_ALIAS].close()
    connections[DEFAULT_DB_ALIAS] = _connection(seconds)


def patient_again() -> None:
    """After a fork: this thread's queries take as long as they take."""
    connections[DEFAULT_DB_ALIAS].close()
    del connections[DEFAULT_DB_ALIAS]


def _connection(seconds: int) -> BaseDatabaseWrapper:
    hasty = connections.create_connection(DEFAULT_DB_ALIAS)
    hasty.settings_dict = deepcopy(connections[DEFAULT_DB_ALIAS].settings_dict)
    hasty.settings_dict["OPTIONS"] |= dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), seconds)
    return hasty
