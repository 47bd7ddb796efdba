"""Django's backend for MySQL and MariaDB, with two things it leaves open; settings.DATABASES names it as ENGINE."""

import socket
from contextlib import suppress
from typing import Any

from django.db.backends.mysql import base, operations

# A host that loses its power, or a firewall that forgets, says nothing: a session that waits for an answer would wait
# for ever, since a statement may take hours and so has no limit of its own. The other host's kernel answers a probe
# whatever its server is at. Gone is who has answered none for a minute: the error is 2013 then, and
# warehouse.server.away goes on from there. Linux begins to ask after two hours.
PROBE_AFTER_SECONDS = 30
PROBE_EVERY_SECONDS = 10
PROBES = 3
GONE_AFTER_SECONDS = PROBE_AFTER_SECONDS + PROBES * PROBE_EVERY_SECONDS


class DatabaseOperations(operations.DatabaseOperations):
    def convert_booleanfield_value(self, value: Any, expression: Any, connection: Any) -> bool | None:
        """A BOOLEAN is a TINYINT, into which SQL may write 2: true, as the server takes it. Django leaves it a number,
        with which its own pages end in an error."""
        return None if value is None else bool(value)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        connection = super().get_new_connection(conn_params)
        _notice_a_lost_peer(connection.fileno())
        return connection


def _notice_a_lost_peer(descriptor: int) -> None:
    """Of a TCP connection; one of a unix socket ends with its server."""
    options = (
        (socket.SOL_SOCKET, "SO_KEEPALIVE", 1),
        (socket.IPPROTO_TCP, "TCP_KEEPIDLE", PROBE_AFTER_SECONDS),
        (socket.IPPROTO_TCP, "TCP_KEEPINTVL", PROBE_EVERY_SECONDS),
        (socket.IPPROTO_TCP, "TCP_KEEPCNT", PROBES),
        # of what was sent and nobody has confirmed, which no probe follows: Linux sends it again for 15 minutes
        (socket.IPPROTO_TCP, "TCP_USER_TIMEOUT", GONE_AFTER_SECONDS * 1000),
    )
    with socket.socket(fileno=descriptor) as peer:
        try:
            if peer.family in (socket.AF_INET, socket.AF_INET6):
                for level, name, value in options:
                    with suppress(AttributeError, OSError):  # other systems have some of them
                        peer.setsockopt(level, getattr(socket, name), value)
        finally:
            peer.detach()  # it is the client library's
