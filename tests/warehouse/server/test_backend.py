"""The connection to the server: what Django leaves open (warehouse.server.backend)."""

import select
import socket
import threading

import pytest
from django.db import connection, connections

from tests.waiting import HANG_SECONDS
from warehouse.server.backend import base


def test_a_boolean_is_true_whatever_number_sql_wrote(db):
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE truths (n INT, truth TINYINT(1))")
        cursor.execute("INSERT INTO truths VALUES (1, 0), (2, 1), (3, 2), (4, -1), (5, NULL)")
    converted = base.DatabaseOperations(connection).convert_booleanfield_value
    with connection.cursor() as cursor:
        cursor.execute("SELECT truth FROM truths ORDER BY n")
        assert [converted(truth, None, connection) for (truth,) in cursor] == [False, True, True, True, None]
    assert connection.ops.convert_booleanfield_value.__func__ is base.DatabaseOperations.convert_booleanfield_value


@pytest.mark.parametrize(
    ("level", "name", "value"),
    [
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", 30),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", 10),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", 3),
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", 60_000),
    ],
)
def test_a_host_that_says_nothing_any_more_is_noticed_in_a_minute(over_tcp, level, name, value):
    """That the kernel then ends the connection was seen with a network that was cut (docs/reliability.md)."""
    if not hasattr(socket, name):
        pytest.skip(f"this system has no {name}")
    assert over_tcp.getsockopt(level, getattr(socket, name)) == value


@pytest.fixture
def over_tcp(db):
    """The socket of a connection over TCP. The tests' own server opens no port: then by a relay before its socket."""
    own = connections.create_connection("default")
    path = own.settings_dict["OPTIONS"].get("unix_socket")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        if path:
            options = {name: value for name, value in own.settings_dict["OPTIONS"].items() if name != "unix_socket"}
            host, port = listener.getsockname()
            own.settings_dict = {**own.settings_dict, "HOST": host, "PORT": port, "OPTIONS": options}
            threading.Thread(target=_relay, args=(listener, path), daemon=True).start()
        own.ensure_connection()
        peer = socket.socket(fileno=own.connection.fileno())
        yield peer
        peer.detach()
        own.close()


def _relay(listener: socket.socket, path: str) -> None:
    client, _ = listener.accept()
    with client, socket.socket(socket.AF_UNIX) as server:
        server.connect(path)
        other = {client: server, server: client}
        while ready := select.select([client, server], [], [], HANG_SECONDS)[0]:
            for one in ready:
                said = one.recv(65_536)
                if not said:
                    return
                other[one].sendall(said)
