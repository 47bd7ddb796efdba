"""Reading from a copy that follows the main server (DATABASE_REPLICA_URL), and saying as of when that is.

    answer, reading = read(lambda: ...)     # reading.in_words() is to be said beside it; None: there is no replica

What is read so may be done twice, and writes nothing: on the replica every session is read-only. Within it this
thread's default connection is the replica's, so no question has to know where it is asked.

How far the replica has come is known without a guess. The main server says what time it is and what it has committed
(its GTID); the replica waits for that, for a moment, and then has all of it: the answer is as of that time. Where it
has not come so far, signs of life that the main server stamped with its own clock say up to when it has: workers and
imports give one every few seconds, and commits come in the order in which they were made. Where the replica is away,
hangs, is too far behind or does not say how far, the main server is read in its place, and that is said.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from warehouse.server import errors
from warehouse.server.away import patience, patient
from warehouse.server.dialect import is_mariadb

logger = logging.getLogger(__name__)

REPLICA_ALIAS = "replica"
CATCH_UP_SECONDS = 0.5  # so long a page waits for a replica that is a moment behind
ANSWERS_WITHIN_SECONDS = 3  # a replica that hangs: the first question to it
ASK_AGAIN_SECONDS = 30  # one that did not answer keeps no further page of this process waiting for so long
T = TypeVar("T")

#: each asks the replica for the newest sign of life that the main server gave (UTC), None where there is none
signs_of_life: list[Callable[[], datetime | None]] = []

_away_until, _away_because = 0.0, ""


@dataclass(frozen=True, slots=True)
class Reading:
    """`as_of` (UTC): the replica was read, which has all that was committed by then, and `behind` is how long that was
    ago, zero where it has all. None: the main server was, and `why`."""

    as_of: datetime | None = None
    behind: timedelta = timedelta()
    why: str = ""

    def in_words(self) -> str:
        """One sentence for people."""
        if self.as_of is None:
            return f"Read from the main server: {self.why}."
        at = f"As of {self.as_of:%Y-%m-%d %H:%M:%S}Z"
        if not self.behind:
            return f"{at}, from the read replica, which has all that was there by then."
        return f"{at}: the read replica is {self.behind.total_seconds():.0f} s behind."


def is_set() -> bool:
    """Whether there is one."""
    return REPLICA_ALIAS in settings.DATABASES


def read(work: Callable[[], T]) -> tuple[T, Reading | None]:
    """What `work` returns, from the replica, or from the main server where that is better."""
    if not is_set():
        return work(), None
    reading = state()
    found, reading = attempt(work, reading)
    return (work() if found is None else found[0]), reading


def attempt(work: Callable[[], T], reading: Reading) -> tuple[tuple[T] | None, Reading]:
    """What `work` returns, in a tuple, from a replica that stands as `state` said; None: the main server has to be
    asked, as the reading says then. An error of the replica's counts also where `work` passed over it."""
    if reading.as_of is None:
        return None, reading
    heard: list[Exception] = []
    found = None
    try:
        with _in_the_place_of_the_main_server(heard):
            found = (work(),)
    except DatabaseError as error:
        heard.append(error)
    if not heard:
        return found, reading
    # of the question's own errors the main server will say the same
    trouble = next(filter(errors.is_away, heard), heard[0])
    return None, _away(trouble) if errors.is_away(trouble) else _refused(trouble)


def each_from_the_replica(pieces: Iterable[T]) -> Iterator[T]:
    """Each of them asked of the replica, whatever this thread does between two. An error breaks it off."""
    ahead = iter(pieces)
    while True:
        with _in_the_place_of_the_main_server([]):
            try:
                piece = next(ahead)
            except StopIteration:
                return
        yield piece


@patient
def state() -> Reading:
    """As of when the replica is, or why it is not to be read. ServerAway: the main server is."""
    if time.monotonic() < _away_until:
        return Reading(why=_away_because)
    if not is_mariadb():
        return Reading(why="a read replica is asked how far it is on MariaDB alone")
    with connection.cursor() as cursor:
        cursor.execute("SELECT UTC_TIMESTAMP(6), @@GLOBAL.gtid_binlog_pos")
        now, committed = cursor.fetchone()
    now = now.replace(tzinfo=UTC)
    if not committed:
        return Reading(why="it keeps no binary log, so nobody can tell how far a replica is")
    hasty = _hasty()
    try:
        with hasty.cursor() as cursor:
            cursor.execute("SELECT MASTER_GTID_WAIT(%s, %s)", [committed, CATCH_UP_SECONDS])
            if cursor.fetchone() == (0,):
                return Reading(now)
        return _behind(now, _newest_sign(hasty))
    except DatabaseError as error:
        return _away(error) if errors.is_away(error) else _refused(error)
    finally:
        hasty.close()


def _behind(now: datetime, newest: datetime | None) -> Reading:
    most = settings.DATABASE_REPLICA_LAG_SECONDS
    if newest is None:
        return Reading(why="the read replica is behind, and nothing on it says how far")
    behind = max(now - newest, timedelta(seconds=1))
    if behind.total_seconds() > most:
        return Reading(why=f"the read replica is {behind.total_seconds():.0f} s behind, {most} are allowed")
    return Reading(newest, behind)


def _newest_sign(replica: BaseDatabaseWrapper) -> datetime | None:
    with _default_is(replica):
        return max(filter(None, (sign() for sign in signs_of_life)), default=None)


def _away(error: Exception) -> Reading:
    """Nobody waits for it again soon."""
    global _away_until, _away_because
    because = f"the read replica does not answer ({errors.text(error)})"
    logger.warning("%s; the main server is read for %d s", because, ASK_AGAIN_SECONDS)
    _away_until, _away_because = time.monotonic() + ASK_AGAIN_SECONDS, because
    return Reading(why=because)


def _refused(error: Exception) -> Reading:
    because = f"the read replica says: {errors.text(error)}"
    logger.warning("%s; the main server is read", because)
    return Reading(why=because)


@contextmanager
def _in_the_place_of_the_main_server(heard: list[Exception]) -> Iterator[None]:
    """`heard`: gets what the replica could not answer."""
    replica = connections[REPLICA_ALIAS]

    def listen(execute: Callable, sql: str, parameters: object, many: bool, context: dict) -> object:
        try:
            return execute(sql, parameters, many, context)
        except DatabaseError as error:
            heard.append(error)
            raise

    replica.ensure_connection()
    with _default_is(replica), patience(seconds=0), replica.execute_wrapper(listen):
        yield


@contextmanager
def _default_is(other: BaseDatabaseWrapper) -> Iterator[None]:
    usual = connections[DEFAULT_DB_ALIAS]
    connections[DEFAULT_DB_ALIAS] = other
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = usual


def _hasty() -> BaseDatabaseWrapper:
    hasty = connections.create_connection(REPLICA_ALIAS)
    hasty.settings_dict = deepcopy(hasty.settings_dict)
    names = "connect_timeout", "read_timeout", "write_timeout"
    hasty.settings_dict["OPTIONS"] |= dict.fromkeys(names, ANSWERS_WITHIN_SECONDS)
    return hasty
