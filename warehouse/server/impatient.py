"""Asking a server that may hang: whoever answers a monitor, or a person at a terminal, must not hang with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy

from django.db import DEFAULT_DB_ALIAS, connection, connections


@contextmanager
def impatient(seconds: int) -> Iterator[None]:
    """Inside, this thread's queries go over a connection of its own, which takes none that was left over from before.

    OperationalError (errors.is_away): the server does not let us in, or says nothing for `seconds`. It first asks
    whether it is there at all, so that only one question waits in vain.
    """
    usual = connections[DEFAULT_DB_ALIAS]
    hasty = connections.create_connection(DEFAULT_DB_ALIAS)
    hasty.settings_dict = deepcopy(usual.settings_dict)
    hasty.settings_dict["OPTIONS"] |= dict.fromkeys(("connect_timeout", "read_timeout", "write_timeout"), seconds)
    connections[DEFAULT_DB_ALIAS] = hasty
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        yield
    finally:
        hasty.close()
        connections[DEFAULT_DB_ALIAS] = usual
