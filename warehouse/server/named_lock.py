"""A lock by name for as long as something is done, so that it is not done twice at once.

On a single server it is GET_LOCK, which ends with its session. On a Galera cluster such locks are one node's alone; and
a session that holds one is not ended in favour of what comes from another node, which then waits for it, and it in turn
for that. There it is a row (`held_locks`) that names its holder and the holder's last sign of life, given by a
thread; without one for STALE_SECONDS it is taken over. What keeps data whole must be another thing either way.
"""

import hashlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from uuid import uuid4

from django.db import DatabaseError, connection

from warehouse.server import dialect
from warehouse.server.away import patiently

SIGN_EVERY_SECONDS = 5.0
STALE_SECONDS = 30  # five signs missed; clocks of nodes may differ by some of it
ASK_EVERY_SECONDS = 0.1

logger = logging.getLogger(__name__)


@contextmanager
def named_lock(what: str, wait_seconds: int = 0) -> Iterator[bool]:
    """Whether this session has the lock, which it then holds until the end; False: another one has, and still had it
    after `wait_seconds`."""
    name = name_of(what)
    if dialect.is_galera():
        with _held_by_a_row(name, wait_seconds) as mine:
            yield mine
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT GET_LOCK(%s, %s)", [name, wait_seconds])
        mine = cursor.fetchone()[0] == 1
    try:
        yield mine
    finally:
        if mine:
            with suppress(DatabaseError), connection.cursor() as cursor:  # a session that is gone holds none
                cursor.execute("DO RELEASE_LOCK(%s)", [name])


def name_of(what: str) -> str:
    """Locks are the whole server's, and their names end at 64 characters."""
    return f"{what[:30]} {hashlib.md5(connection.settings_dict['NAME'].encode()).hexdigest()}"


def holder_of(what: str) -> str:
    """Who has the lock, as the subject of a sentence."""
    if dialect.is_galera():
        said = _ask("SELECT TIMESTAMPDIFF(SECOND, seen_at, UTC_TIMESTAMP()) FROM held_locks WHERE name = %s", what)
        return "A session of the cluster" + ("" if said is None else f" (its last sign of life is {said} s old)")
    return f"Session {_ask('SELECT IS_USED_LOCK(%s)', what)} of the server"


def _ask(sql: str, what: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(sql, [name_of(what)])
        row = cursor.fetchone()
    return row and row[0]


@contextmanager
def _held_by_a_row(name: str, wait_seconds: float) -> Iterator[bool]:
    holder = uuid4().hex
    give_up = time.monotonic() + wait_seconds
    while not (mine := patiently(lambda: _taken(name, holder))) and time.monotonic() < give_up:
        time.sleep(ASK_EVERY_SECONDS)
    if not mine:
        yield False
        return
    ends = threading.Event()
    signs = threading.Thread(target=_give_signs, args=(name, holder, ends), name=f"holds {name}", daemon=True)
    signs.start()
    try:
        yield True
    finally:
        ends.set()
        signs.join(SIGN_EVERY_SECONDS)
        with suppress(DatabaseError):  # then it is taken over when it is stale
            patiently(lambda: _execute("DELETE FROM held_locks WHERE name = %s AND holder = %s", name, holder))


def _taken(name: str, holder: str) -> bool:
    """Asked twice it is as once: who has it already has it."""
    _execute(
        "INSERT INTO held_locks (name, holder, seen_at) VALUES (%s, %s, UTC_TIMESTAMP(6)) ON DUPLICATE KEY UPDATE "
        "holder = IF(seen_at < UTC_TIMESTAMP(6) - INTERVAL %s SECOND, VALUES(holder), holder), "
        "seen_at = IF(holder = VALUES(holder), VALUES(seen_at), seen_at)",  # left to right: holder as it is by now
        name,
        holder,
        STALE_SECONDS,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT holder FROM held_locks WHERE name = %s", [name])
        row = cursor.fetchone()
    return row is not None and row[0] == holder


def _give_signs(name: str, holder: str, ends: threading.Event) -> None:
    """Over a connection of this thread's own: the holder's may be at one statement for minutes."""
    try:
        while not ends.wait(SIGN_EVERY_SECONDS):
            try:
                sign = "UPDATE held_locks SET seen_at = UTC_TIMESTAMP(6) WHERE name = %s AND holder = %s"
                if not _execute(sign, name, holder):
                    logger.warning("the lock %s was taken over, since it gave no sign for %d s", name, STALE_SECONDS)
                    return
            except DatabaseError:
                connection.close()  # the server is away: another sign comes over another session
    finally:
        connection.close()


def _execute(sql: str, *values: object) -> int:
    with connection.cursor() as cursor:
        return cursor.execute(sql, values)
