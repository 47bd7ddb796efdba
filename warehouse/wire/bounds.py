"""The bounds of an answer: until when it may come, whole, and how many bytes it may have. Nothing of Django.

The timeouts of sockets, of requests, urllib3 and boto3 are each of one read: a server that sends a byte a second, of
a header too, is read for ever. Here a scope has one deadline and one size for all that belongs to it, names and
connections, headers and bodies, redirects and second tries; sockets ask it before each read (warehouse.wire.sockets).
Scopes lie in each other, and the nearest end holds. A scope is of the thread in which it was opened.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class OutOfBounds(Exception):
    """What came is not read on. Neither an OSError nor an HTTPException: libraries hand it on as it is."""


class TooSlow(OutOfBounds):
    """The deadline has passed before the answer was whole."""


class TooLarge(OutOfBounds):
    """There are more bytes than the answer may have."""


class Bounds:
    """One scope. `max_bytes`: as they come over the wire, headers included."""

    def __init__(self, seconds: float, max_bytes: int | None, sleeps_count: bool, outer: "Bounds | None"):
        self._seconds, self._max_bytes, self._sleeps_count, self._outer = seconds, max_bytes, sleeps_count, outer
        self._ends_at = time.monotonic() + seconds
        self._bytes = 0
        self._broken: OutOfBounds | None = None

    @property
    def left_seconds(self) -> float:
        """Until the nearest deadline; 0 or less: it has passed."""
        own = self._ends_at - time.monotonic()
        return own if self._outer is None else min(own, self._outer.left_seconds)

    def timeout(self, patience: float | None) -> float:
        """How long the next read may wait, of `patience` seconds (None: without end) at most. TooSlow: no longer."""
        left = self.left_seconds
        if left <= 0:
            raise self._breaks(TooSlow(f"the answer is not complete after {self._passed:g} s"))
        return left if patience is None else min(left, patience)

    def count(self, read: int) -> None:
        """So many bytes have come. TooLarge: more than may."""
        scope: Bounds | None = self
        while scope is not None:
            scope._bytes += read
            if scope._max_bytes is not None and scope._bytes > scope._max_bytes:
                raise self._breaks(TooLarge(f"an answer of more than {scope._max_bytes:,} bytes is not read"))
            scope = scope._outer

    def waited(self, seconds: float) -> None:
        """We chose to wait for so long, which is not the answer's time."""
        scope: Bounds | None = self
        while scope is not None:
            if not scope._sleeps_count:
                scope._ends_at += seconds
            scope = scope._outer

    @property
    def _passed(self) -> float:
        """The seconds of the scope whose deadline has passed."""
        if self._outer is None or self._ends_at <= time.monotonic():
            return self._seconds
        return self._outer._passed

    def _breaks(self, error: OutOfBounds) -> OutOfBounds:
        self._broken = error
        return error


_current: ContextVar[Bounds | None] = ContextVar("bounds", default=None)


def current() -> Bounds | None:
    """The innermost scope of this thread; None: there is none."""
    return _current.get()


@contextmanager
def within(seconds: float, max_bytes: int | None = None, *, sleeps_count: bool = False) -> Iterator[Bounds]:
    """Everything that is read inside has come after so many seconds, in so many bytes, or TooSlow, TooLarge is raised:
    whatever a library makes of it on its way. `sleeps_count`: also what is waited by our own choice (Bounds.waited)."""
    bounds = Bounds(seconds, max_bytes, sleeps_count, current())
    token = _current.set(bounds)
    try:
        yield bounds
    except OutOfBounds:
        raise
    except Exception as error:
        if bounds._broken is not None:
            raise bounds._broken from error
        raise
    finally:
        _current.reset(token)
