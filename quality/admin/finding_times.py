"""When a finding was, for people: by the clock of its park, with UTC, in which it is kept, beside it.

Days from midnight to midnight are said as days: of the park where they are its own, else of UTC, as those of files are.
"""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from quality.models import DataQualityLog
from warehouse.zones import clock_in_words, local_date, there_in_words

#: of the columns of evidence, those that the checks write in UTC without saying so
_UTC_COLUMNS = ("recorded_at", "from", "to")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d")


def period_of(row: DataQualityLog, zone: tzinfo | None) -> str:
    """By a park's clock, which is named; None: UTC, which is."""
    start, end = row.timestamp_start, row.timestamp_end
    if end is None:
        return f"from {start:%Y-%m-%d}"
    if not (_has_neighbours(start) and _has_neighbours(end)):  # of SQL: no clock but UTC's shows them
        return f"{start:%Y-%m-%d %H:%M} to {end:%Y-%m-%d %H:%M} UTC"
    for whose in (UTC, zone):
        if whose is not None and _is_midnight(start, whose) and _is_midnight(end, whose):
            first, last = local_date(start, whose), local_date(end - timedelta(microseconds=1), whose)
            return f"{first}" if last <= first else f"{first} to {last}"
    begin, until = clock_in_words(start, zone), clock_in_words(end, zone)
    of_one_day = local_date(start, zone) == local_date(end, zone)
    return f"{begin} to {until[-5:] if of_one_day else until} {zone or UTC}"


def utc_beside(row: DataQualityLog, zone: tzinfo | None) -> str:
    """The same in UTC, where that is another one. Empty: it is not."""
    said = period_of(row, None)
    return "" if said == period_of(row, zone) or zone is None or f"{zone}" == "UTC" else said


def with_local_time(column: str, value: str, zone: tzinfo | None) -> str:
    """A value of the evidence as it was kept; behind an instant, what the clock of the park showed then."""
    if zone is None or not _INSTANT.match(value):
        return value
    try:
        instant = datetime.fromisoformat(value)
    except ValueError:
        return value
    if instant.tzinfo is None:
        if column not in _UTC_COLUMNS:
            return value  # an event's own word, which may be the very thing that is wrong
        instant = instant.replace(tzinfo=UTC)
    return f"{value} ({there_in_words(instant, zone)})"


def _has_neighbours(instant: datetime) -> bool:
    """Whether the calendar has the days before and after, as clocks of other zones need."""
    return datetime.min.year < instant.year < datetime.max.year


def _is_midnight(instant: datetime, zone: tzinfo) -> bool:
    there = instant.astimezone(zone)
    return (there.hour, there.minute, there.second) == (0, 0, 0)
