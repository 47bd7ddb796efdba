"""A database server that is nowhere: a socket at which nobody listens, however the tests' own server is reached.

A path alone does not lead there. Of a server that is reached over the network the host is named, and the client takes
that, whatever socket stands beside it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection

NOWHERE = "/nowhere/no.sock"
NOWHERE_URL = f"mysql://nobody@/none?unix_socket={NOWHERE}"


def reached_by(socket: str) -> dict[str, object]:
    """What Django's settings of the tests' database have to say for a server at this socket."""
    return {"HOST": "", "PORT": "", "OPTIONS": connection.settings_dict["OPTIONS"] | {"unix_socket": socket}}


@contextmanager
def led_to(socket: str) -> Iterator[None]:
    """Whoever opens a connection in this process looks for the server there; what is open stays so."""
    before = dict(connection.settings_dict)
    connection.settings_dict.update(reached_by(socket))
    try:
        yield
    finally:
        connection.settings_dict.update(before)


@pytest.fixture
def nowhere() -> Iterator[None]:
    with led_to(NOWHERE):
        yield
