"""Instants, aware and UTC, and what stands for them elsewhere: whole milliseconds since 1970, and the naive datetimes
of the database driver. Sub-millisecond parts are cut off, never rounded: a snapshot's identity is its millisecond.
"""

from datetime import UTC, date, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
ONE_MILLISECOND = timedelta(milliseconds=1)


def milliseconds_of(instant: datetime) -> int:
    """Whole milliseconds since 1970 UTC of an aware instant, rounded down; below 0 before 1970.

    Integers all the way: int(timestamp() * 1000) says .368 of 1987-05-20 20:08:38.369.
    """
    return (instant - EPOCH) // ONE_MILLISECOND


def instant_at(milliseconds: int) -> datetime:
    """The instant (UTC) so many milliseconds after 1970. OverflowError: beyond the calendar, years 1 to 9999."""
    return EPOCH + timedelta(milliseconds=milliseconds)


def day_at(milliseconds: int) -> date:
    """The UTC day of the instant so many milliseconds after 1970. OverflowError: beyond the calendar."""
    return instant_at(milliseconds).date()


def naive_utc(instant: datetime) -> datetime:
    """An aware instant as raw SQL takes it: in UTC and without its zone, which MySQL and MariaDB have no type for."""
    return instant.astimezone(UTC).replace(tzinfo=None)


def aware_utc(naive: datetime) -> datetime:
    """A datetime as raw SQL returns it (UTC, without a zone) as an aware instant."""
    return naive.replace(tzinfo=UTC)
