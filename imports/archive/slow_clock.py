"""A clock that is slow: by it, the events of a whole file have not happened yet.

One such event is the source's fault, and refused (future_time). But a day file is written after its day, so where most
of a file's events lie in the future and on the very day that the file is of, the day has passed, and it is our clock
that is wrong. Refusing all of them would count the day as imported, and lose it.
"""

from datetime import UTC, date, datetime, timedelta

from imports.archive.prefetch import Reading
from imports.loading.attribution import NEIGHBOURING_DAY
from warehouse.days import ONE_DAY, midnight
from warehouse.instants import instant_at, milliseconds_of
from warehouse.text import count_of


class ClockIsSlow(Exception):
    """The import cannot go on before this machine's clock is right; nothing of the file was stored."""


def refuse_a_slow_clock(reading: Reading, now: datetime) -> None:
    """ClockIsSlow where more than half of a file's events have not happened yet by `now`, and are of the file's day."""
    if trouble := slow_clock(reading, now):
        raise ClockIsSlow(trouble)


#: so much two clocks may differ; those of a zone mistaken for another differ by a quarter of an hour at least
APART_AT_MOST = timedelta(minutes=10)


def refuse_a_clock_behind(last: date, begun_at: datetime, now: datetime) -> None:
    """ClockIsSlow where an import was begun for days, up to `last`, that by `now` are still to come: their files would
    be taken for those of days to come, left out, and their days be called missing. And where it was begun later than
    `now`, by the server's clock, and the last of its days are not over: what is told of their later hours would be
    refused, and the days be called imported."""
    if last > now.astimezone(UTC).date() + ONE_DAY:
        raise ClockIsSlow(
            f"the clock of this machine says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and the import was begun for "
            f"days up to {last}, which had happened by then. Set the clock right, then go on; nothing was read"
        )
    if begun_at - now > APART_AT_MOST and now < midnight(last + ONE_DAY) + NEIGHBOURING_DAY:
        raise ClockIsSlow(
            f"the clock of this machine says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and the import was begun at "
            f"{begun_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC by that of the database server: one of the two is wrong. "
            "Set it right, then go on; nothing was read"
        )


def slow_clock(reading: Reading, now: datetime) -> str:
    """The same as a sentence that says what to do; empty where the clock may be right."""
    validated, file = reading.validated, reading.file
    first = milliseconds_of(midnight(file.day) - NEIGHBOURING_DAY)
    end = milliseconds_of(midnight(file.last_day) + 2 * NEIGHBOURING_DAY)
    to_come = [milliseconds for milliseconds in validated.to_come if first <= milliseconds < end]
    if 2 * len(to_come) <= validated.events:
        return ""
    earliest, latest = (f"{instant_at(edge(to_come)):%Y-%m-%d %H:%M}" for edge in (min, max))
    return (
        f"the clock of this machine says {now.astimezone(UTC):%Y-%m-%d %H:%M} UTC, and by it {len(to_come):,} of the "
        f"{count_of(validated.events, 'event')} of {reading.file.key} have not happened yet ({earliest} to {latest} "
        "UTC). Set the clock right, then go on; nothing of this file was stored"
    )
