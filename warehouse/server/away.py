"""The one way of talking to a server that may go away: it is restarted, its network is cut, it lets nobody in for now
(too many connections, a Galera node that is not ready), or another session stands in the way for a moment.

    runs = patiently(lambda: begin(plans))                      # work that may be done twice; @patient: all calls
    once(lambda: checkpoint.pause(), checkpoint.is_paused)      # a change whose answer may be lost
    tries = Patience(); ... tries.wait(error)                   # a loop of one's own

`patiently` does work again from its start until it holds, for 60 s of a server that is away and six times where a lock
is in the way (1205, 1213). Work is done again only where that is the same as doing it once. Where it is not, the answer
to a COMMIT may be lost and the change made: `once` then asks first. Inside a transaction both do nothing of their own,
since what is lost there is the whole of it: whoever began it does it again.

How long is waited, and what ends the waiting, is not told from function to function: `with patience(stop=stop)` holds
for all that its thread asks, as deep as it may lie. A person at a page does not wait for a minute (`seconds`), and
Ctrl-C ends the waiting at once (`stop`). After it a ServerAway says in words which server, for how long, and why; it is
an OperationalError with the code of the last try, so whoever asks errors.is_away of it hears yes.
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from django.db import DatabaseError, OperationalError, connection

from warehouse.server import errors
from warehouse.server.errors import ServerAway

logger = logging.getLogger(__name__)

SAY_EVERY_SECONDS = 10
# Work that went on for so long after a pause had the server: that it went away again is counted as another time, of
# which there are as many as of conflicts. A connection that is refused fails at once, one without an answer in 10 s.
WORKED_FOR_SECONDS = 15

# Whether the server has ever answered this process, or the one that it was forked from. One that was never there is not
# waited for: it was not started, or DATABASE_URL names another place, and a person waits for the answer.
_has_answered = False

T = TypeVar("T")
P = ParamSpec("P")


@dataclass(frozen=True, slots=True)
class Terms:
    """How patient this thread is."""

    seconds: float = 60.0  # for a server that is away: a restart takes 3 to 30 s
    attempts: int = 6  # where another session's lock is in the way
    # A connection that was cut is there again at once; a server that starts is not to be asked all the time.
    first_pause: float = 0.05
    longest_pause: float = 1.5
    stop: threading.Event | None = None  # set: waits no longer


_AS_USUAL = Terms()
_terms: ContextVar[Terms] = ContextVar("patience", default=_AS_USUAL)


@contextmanager
def patience(**changes: Any) -> Iterator[None]:
    """Within it this thread is as patient as said; the names are those of Terms, and what is not named stays."""
    before = _terms.set(replace(_terms.get(), **changes))
    try:
        yield
    finally:
        _terms.reset(before)


@contextmanager
def briefly(seconds: float) -> Iterator[None]:
    """Within it a server that is away is waited for no longer than so."""
    with patience(seconds=min(seconds, _terms.get().seconds)):
        yield


class Patience:
    """With one piece of work: how often, and for how long, it is tried."""

    def __init__(self, is_conflict: Callable[[Exception], bool] = errors.is_locked):
        """`is_conflict`: which errors are another session's, so that the same work done again may succeed."""
        self._terms = _terms.get()
        self._is_conflict = is_conflict
        self._conflicts = 0
        self._tries = 0  # of a server that is away
        self._since: float | None = None
        self._failed_at = 0.0
        self._outages = 0
        self._said_at = 0.0

    def wait(self, error: Exception) -> None:
        """So long that whoever was in the way can end, or the server come back; its connection is closed then.

        ServerAway: it was away for as long as the terms say, or their `stop` was set. `error` itself: it is neither of
        the two, or met a lock for the last of its attempts.
        """
        if isinstance(error, ServerAway):  # somebody further in has waited already
            raise error
        if errors.is_away(error):
            self._wait_for_the_server(error)
            return
        self._conflicts += 1
        if self._conflicts >= self._terms.attempts or not self._is_conflict(error):
            raise error
        logger.info("%s; trying again", error)
        time.sleep(random.uniform(0.4, 2.0) * self._terms.first_pause * 2**self._conflicts)

    def _wait_for_the_server(self, error: Exception) -> None:
        with suppress(DatabaseError):
            connection.close()
        if not _has_answered and errors.is_not_found(error):
            raise ServerAway(error, 0, is_stopped=False) from error
        now = time.monotonic()
        if self._since is None or now - self._failed_at > WORKED_FOR_SECONDS:
            self._since, self._tries = now, 0  # it was there: this is another time
            self._outages += 1
        stop, waited = self._terms.stop, now - self._since
        is_stopped = stop is not None and stop.is_set()
        # once at least: of a connection that was cut the next one stands at once
        is_over = waited >= self._terms.seconds or self._outages > self._terms.attempts
        if self._tries and (is_stopped or is_over):
            raise ServerAway(error, waited, is_stopped=is_stopped) from error
        if self._terms.seconds - waited >= SAY_EVERY_SECONDS and now - self._said_at >= SAY_EVERY_SECONDS:
            self._said_at = now
            logger.warning(
                "The database server (%s) is away (%s): waiting for it, up to %.0f s more",
                errors.server(),
                errors.text(error),
                self._terms.seconds - waited,
            )
        longest = min(self._terms.longest_pause, self._terms.first_pause * 2 ** min(self._tries, 20))
        self._tries += 1
        pause = longest * random.uniform(0.5, 1.0)  # not all that were cut off at the same instant
        if stop is None or stop.is_set():
            time.sleep(pause)
        else:
            stop.wait(pause)
        self._failed_at = time.monotonic()


def patiently(work: Callable[[], T], is_conflict: Callable[[Exception], bool] = errors.is_locked) -> T:
    """What `work` returns, which is done again from its start until it holds. Doing it twice must be as doing it once.

    ServerAway, and what `work` raises beside.
    """
    if connection.in_atomic_block:
        return work()
    global _has_answered
    tries = Patience(is_conflict)
    while True:
        try:
            found = work()
            _has_answered = True
            return found
        except Exception as error:
            tries.wait(error)


class Changed(Exception):
    """What was looked at has changed since; raised by whoever notices, inside of `looking_anew`."""


def looking_anew(work: Callable[[], T]) -> T:
    """As patiently, of work that looks how a table stands and goes by that: done again from its look also where the
    table was changed since, by a swap, an exchange or a split. What is so six times is so."""
    return patiently(work, _is_moment)


def _is_moment(error: Exception) -> bool:
    return isinstance(error, Changed) or errors.is_changed(error) or errors.is_locked(error)


def despite_locks(work: Callable[[], T], is_conflict: Callable[[Exception], bool] = errors.is_locked) -> T:
    """As patiently, for what may not be done twice: done again only where another session's lock was in the way, which
    has rolled it back. A server that is away is raised as it is."""
    if connection.in_atomic_block:
        return work()
    tries = Patience(is_conflict)
    while True:
        try:
            return work()
        except OperationalError as error:
            if errors.is_away(error):
                raise
            tries.wait(error)


def despite_deadlocks(work: Callable[[], T]) -> T:
    """As despite_locks, for a page that has waited long enough for a lock of another session and says so."""
    return despite_locks(work, errors.is_deadlock)


def patient(ask: Callable[P, T]) -> Callable[P, T]:
    """A function that is called patiently, whoever calls it. Called twice it must do the same as once."""

    @wraps(ask)
    def asked(*args: P.args, **kwargs: P.kwargs) -> T:
        return patiently(lambda: ask(*args, **kwargs))

    return asked


def once(change: Callable[[], None], was_made: Callable[[], bool]) -> None:
    """Make a change that must not be made twice: one statement, or one transaction. Where its answer was lost,
    `was_made` is asked, and it is made again only if not.

    Also where it is refused the second time: the server may have got to the first one after it was asked.
    ServerAway, and what `change` raises beside.
    """
    if connection.in_atomic_block:
        change()
        return
    tries = Patience()
    is_unsure = False
    while True:
        try:
            if is_unsure and was_made():
                return
            change()
            return
        except OperationalError as error:
            is_unsure = is_unsure or errors.is_away(error)
            tries.wait(error)
        except Exception:
            if is_unsure and patiently(was_made):
                return
            raise
