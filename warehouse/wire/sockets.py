"""Sockets and connections that keep to the bounds of warehouse.wire.bounds: for requests, boto3 and smtplib."""

import io
import socket
import threading
from collections.abc import Callable, Mapping
from typing import Any

from urllib3.connectionpool import HTTPConnectionPool

from warehouse.wire.bounds import Bounds, OutOfBounds, current


class BoundSocket:
    """A connected socket, with TLS or without. What is read through `makefile`, as http.client and smtplib read, keeps
    to the bounds in which the file was made; its own timeout still is how long one read may be silent."""

    def __init__(self, connected: socket.socket):
        self.bare = connected
        self._patience = connected.gettimeout()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.bare, name)

    def settimeout(self, seconds: float | None) -> None:
        """See socket.settimeout."""
        self._patience = seconds
        self.bare.settimeout(seconds)

    def wait_no_longer_than(self, bounds: Bounds) -> None:
        """Before a read or a write. TooSlow."""
        self.bare.settimeout(bounds.timeout(self._patience))

    def sendall(self, data: Any, *flags: int) -> None:
        """See socket.sendall. TooSlow."""
        bounds = current()
        if bounds is None:
            self.bare.sendall(data, *flags)
            return
        self.wait_no_longer_than(bounds)
        try:
            self.bare.sendall(data, *flags)
        except TimeoutError:
            bounds.timeout(None)
            raise

    def makefile(self, mode: str = "r", buffering: int = -1, **how: Any) -> Any:
        """See socket.makefile; for reading bytes."""
        bounds = current()
        if bounds is None or mode != "rb":
            return self.bare.makefile(mode, buffering, **how)
        reader = _Reader(self, self.bare.makefile("rb", 0), bounds)
        return reader if buffering == 0 else io.BufferedReader(reader)


class _Reader(io.RawIOBase):
    def __init__(self, whose: BoundSocket, raw: Any, bounds: Bounds):
        self._socket, self._raw, self._bounds = whose, raw, bounds

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def readinto(self, buffer: Any) -> int | None:
        self._socket.wait_no_longer_than(self._bounds)
        try:
            count = self._raw.readinto(buffer)
        except TimeoutError:
            self._bounds.timeout(None)
            raise
        self._bounds.count(count or 0)
        return count  # type: ignore[no-any-return]

    def close(self) -> None:
        self._raw.close()
        super().close()


def connected_within(bounds: Bounds, connect: Callable[[], socket.socket]) -> socket.socket:
    """What `connect` gives: it asks for a name, which no timeout ends, and tries each address for as long as one may
    take. TooSlow: it goes on by itself on a thread of its own, and what it gets is closed."""
    found: list[socket.socket | BaseException] = []
    done, taking = threading.Event(), threading.Lock()
    given_up = False

    def go() -> None:
        try:
            got: socket.socket | BaseException = connect()
        except BaseException as error:
            got = error
        with taking:
            found.append(got)
            if given_up and isinstance(got, socket.socket):
                got.close()
        done.set()

    threading.Thread(target=go, name="connect", daemon=True).start()
    done.wait(bounds.timeout(None))
    with taking:
        given_up = not found
    if given_up:
        bounds.timeout(None)
        raise TimeoutError("no connection in time")
    if isinstance(found[0], BaseException):
        raise found[0]
    found[0].settimeout(bounds.timeout(found[0].gettimeout()))  # a handshake of TLS comes next
    return found[0]


class _BoundConnection:
    """What is added to a connection of urllib3."""

    def connect(self) -> None:
        bounds = current()
        try:
            super().connect()  # type: ignore[misc]
        except OutOfBounds:
            raise
        except Exception:
            if bounds is not None:
                bounds.timeout(None)
            raise
        self.sock = BoundSocket(self.sock)  # type: ignore[has-type]

    def _new_conn(self) -> socket.socket:
        bounds, connect = current(), super()._new_conn  # type: ignore[misc]
        return connect() if bounds is None else connected_within(bounds, connect)  # type: ignore[no-any-return]


def bound(pools: Mapping[str, type[HTTPConnectionPool]]) -> dict[str, type[HTTPConnectionPool]]:
    """The same pools of connections by scheme (PoolManager.pool_classes_by_scheme), of connections that keep to the
    bounds in which they are used."""
    return {scheme: _bound_pool(pool) for scheme, pool in pools.items()}


def _bound_pool(pool: type[HTTPConnectionPool]) -> type[HTTPConnectionPool]:
    if issubclass(pool.ConnectionCls, _BoundConnection):
        return pool
    connection = type(pool.ConnectionCls.__name__, (_BoundConnection, pool.ConnectionCls), {})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def bind_boto3(client: Any) -> None:
    """Have a client of boto3 keep to bounds. It offers no door for that, so it is done where it keeps its pools; a
    botocore that keeps them elsewhere ends here, with an error.

    A bucket that is said to lie elsewhere is asked for its region, and that question for it again, and so on: a server
    that answers all of them by 301 is asked as often as Python's stack is deep. Here once.
    """
    client.meta.events.register_last("before-parameter-build.s3", _ask_for_a_region_once)
    pools = client._endpoint.http_session._pool_classes_by_scheme  # shared by its manager and those of proxies
    pools.update(bound(pools))


def _ask_for_a_region_once(model: Any, context: dict[str, Any], **kwargs: Any) -> None:
    if model.name == "HeadBucket":
        context["s3_redirect"]["redirected"] = True
