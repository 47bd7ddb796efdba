"""Mail by a server that may say a byte a second: a connection that keeps to the bounds of warehouse.wire.bounds."""

import smtplib
import socket
import ssl
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

from warehouse.wire.bounds import OutOfBounds, current
from warehouse.wire.sockets import BoundSocket, connected_within


class _Bound:
    """What is added to a connection of smtplib, which reads and writes by what it keeps in `sock`."""

    _kept: BoundSocket | None = None

    def _get_socket(self, host: str, port: int, timeout: float) -> Any:
        bounds, connect = current(), super()._get_socket  # type: ignore[misc]
        if bounds is None:
            return connect(host, port, timeout)
        return connected_within(bounds, lambda: connect(host, port, timeout))  # with its handshake, where it has TLS

    @property
    def sock(self) -> BoundSocket | None:
        """As smtplib has it."""
        return self._kept

    @sock.setter
    def sock(self, connected: socket.socket | None) -> None:
        self._kept = connected and BoundSocket(connected)

    def getreply(self) -> Any:
        """See smtplib.SMTP, which closes a connection that is lost."""
        try:
            return super().getreply()  # type: ignore[misc]
        except OutOfBounds:
            self.close()  # type: ignore[attr-defined]
            raise

    def starttls(self, *, context: ssl.SSLContext) -> Any:
        """See smtplib.SMTP."""
        return super().starttls(context=_Unwrapping(context))  # type: ignore[misc]


class _Unwrapping:
    """A context of TLS that is given a BoundSocket, and takes the socket itself."""

    def __init__(self, context: ssl.SSLContext):
        self._context = context

    def wrap_socket(self, connected: BoundSocket, **how: Any) -> ssl.SSLSocket:
        """See ssl.SSLContext."""
        bounds = current()
        if bounds is not None:
            connected.wait_no_longer_than(bounds)
        return self._context.wrap_socket(connected.bare, **how)


class _BoundSmtp(_Bound, smtplib.SMTP):
    pass


class _BoundSmtpOverTls(_Bound, smtplib.SMTP_SSL):
    pass


class BoundBackend(EmailBackend):
    """Django's, over connections that keep to the bounds in which they are used."""

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        """See EmailBackend."""
        return _BoundSmtpOverTls if self.use_ssl else _BoundSmtp
