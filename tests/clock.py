"""A clock that stands still while a test lasts, for what is told from how long ago something was."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import time_machine
from django.db import connection


class Clock:
    """That of this process, and that of its session on the server: what other processes and sessions read goes on."""

    def __init__(self, traveller, now: datetime):
        self._traveller = traveller
        self.set(now)

    def set(self, now: datetime) -> None:
        self._traveller.move_to(now)
        with connection.cursor() as cursor:
            cursor.execute(f"SET timestamp = {now.timestamp():.6f}")
        self.now = now

    def goes_on(self, by: timedelta) -> None:
        self.set(self.now + by)


@contextmanager
def standing_still() -> Iterator[Clock]:
    """At the present instant."""
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=False) as traveller:
        yield Clock(traveller, now)
    with connection.cursor() as cursor:
        cursor.execute("SET timestamp = DEFAULT")
