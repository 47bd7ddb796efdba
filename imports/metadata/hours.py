"""What a schedule of the API says of a park's days: opening hours, closings after midnight put right. No database.

One bad entry costs itself and becomes an issue; the others stand.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from imports.events.issues import Issues
from imports.events.load_format import text_of
from imports.events.validation import shorten
from warehouse.days import ONE_DAY, is_within_reach
from warehouse.instants import milliseconds_of
from warehouse.models import HoursType
from warehouse.outside import fitting
from warehouse.rides.hours import Hours
from warehouse.zones import local_day

UPCOMING_DAYS = 30  # what GET /entity/{id}/schedule is said to cover, today included
LISTED_BEFORE, LISTED_AHEAD = timedelta(days=2), timedelta(days=400)  # days further off are a wrong year
NIGHT = timedelta(hours=6)  # what opens so soon after midnight may be an evening's of the day before
HOURS_OF_A_DAY_MAX = 50  # a busy day has five
DESCRIPTION_LENGTH = 255

_PRIVATE_EVENT = "PRIVATE_EVENT"  # the park is somebody's alone: no hours of its guests, and told as INFO


@dataclass(frozen=True)
class Schedule:
    """An answer, read: what is said of the days it names, and the days it covers, named or not."""

    covered: frozenset[date]
    said: dict[date, frozenset[Hours]]


def read_upcoming(entries: Iterable[Any], park: str, zone: tzinfo | None, today: date, issues: Issues) -> Schedule:
    """The answer about the coming days. `zone`, `today`: the park's; without a zone the offsets of the times hold.

    It covers the days from its first on, the next 30 at least. Today only if it names it, or a day before: it may
    begin with the day that it is in UTC. An answer that names no day says nothing.
    """
    said, unread = _read(entries, park, zone, today - LISTED_BEFORE, today + LISTED_AHEAD, issues)
    if not said:
        return Schedule(frozenset(), {})
    first = min(*said, today + ONE_DAY)
    last = max(*said, today + (UPCOMING_DAYS - 1) * ONE_DAY)
    return Schedule(frozenset(_days(first, last)) - unread, said)


def read_month(entries: Iterable[Any], park: str, zone: tzinfo | None, month: date, issues: Issues) -> Schedule:
    """The answer about the calendar month that begins at `month`: it covers all of it from the first day that it names
    on. That of the month that goes on may lack the days that are over, and their hours are not to be lost by that.
    """
    last = (month + 31 * ONE_DAY).replace(day=1) - ONE_DAY
    said, unread = _read(entries, park, zone, month, last, issues)
    return Schedule(frozenset(_days(min(said), last)) - unread if said else frozenset(), said)


def _days(first: date, last: date) -> Iterable[date]:
    return (first + n * ONE_DAY for n in range((last - first).days + 1))


def _read(
    entries: Iterable[Any], park: str, zone: tzinfo | None, first: date, last: date, issues: Issues
) -> tuple[dict[date, frozenset[Hours]], set[date]]:
    """What is said by day, and the days of which there are entries and none that can be believed."""
    by_day: dict[date, dict[tuple[str, int | None], Hours]] = {}
    refused = set()
    for entry in entries:
        day = _day(entry)
        try:
            if day is None or not first <= day <= last:
                raise _Refused("impossible_hours")
            hours = _hours(entry, day, zone)
            of_day = by_day.setdefault(day, {})
            key = hours.type, hours.opens_ms
            if key not in of_day and len(of_day) == HOURS_OF_A_DAY_MAX:
                raise _Refused("impossible_hours")
            of_day[key] = _merged(of_day[key], hours) if key in of_day else hours
        except _Refused as error:
            issues.add(park, error.reason, _example(entry))
            if day is not None:
                refused.add(day)
    said = {day: frozenset(of_day.values()) for day, of_day in by_day.items() if of_day}
    return said, refused - said.keys()


class _Refused(Exception):
    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def _hours(entry: dict, day: date, zone: tzinfo | None) -> Hours:
    said_type = text_of(entry.get("type")).strip().upper()
    description = text_of(entry.get("description")).strip()
    if said_type == _PRIVATE_EVENT:
        said_type, description = HoursType.INFO, f"Private event: {description}".removesuffix(": ")
    if said_type not in HoursType.values:
        raise _Refused("unknown_hours_type")
    opens, closes = _instant(entry.get("openingTime")), _instant(entry.get("closingTime"))
    if said_type == HoursType.CLOSED or (said_type == HoursType.INFO and opens is closes is None):
        return Hours(said_type, None, None, description=fitting(description, DESCRIPTION_LENGTH))
    if opens is None or closes is None:
        raise _Refused("impossible_hours")
    opens, closes = _put_right(opens, closes, day, zone or opens.tzinfo)
    return Hours(
        said_type, milliseconds_of(opens), milliseconds_of(closes), description=fitting(description, DESCRIPTION_LENGTH)
    )


def _put_right(opens: datetime, closes: datetime, day: date, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """Feeds write a closing after midnight with the date of the opening: then it is the next day's, by the clock there.

    Midnight to midnight is the whole day. Any other closing at the very opening says nothing.
    """
    opens, closes = opens.astimezone(zone), closes.astimezone(zone)
    begin, end = local_day(day, opens.tzinfo)
    if not begin <= opens < end + NIGHT or closes < begin:
        raise _Refused("impossible_hours")
    lasts = milliseconds_of(closes) - milliseconds_of(opens)  # of one zone, Python would compare clocks
    if lasts == 0 and opens.time() != time():
        raise _Refused("impossible_hours")
    if lasts <= 0:
        closes = datetime.combine(closes.date() + ONE_DAY, closes.time(), tzinfo=closes.tzinfo)
    by_the_clock = closes.replace(tzinfo=None) - opens.replace(tzinfo=None)  # a day of 25 hours has 24 of them
    if milliseconds_of(closes) <= milliseconds_of(opens) or by_the_clock > ONE_DAY:
        raise _Refused("impossible_hours")
    return opens, closes


def _merged(one: Hours, other: Hours) -> Hours:
    """Two of one kind that open at one instant: until the later closing, by all the names that they have."""
    names = dict.fromkeys(filter(None, [*one.description.split("; "), *other.description.split("; ")]))
    later = max(one, other, key=lambda hours: hours.closes_ms or 0)
    return Hours(later.type, later.opens_ms, later.closes_ms, description=fitting("; ".join(names), DESCRIPTION_LENGTH))


def _day(entry: Any) -> date | None:
    value = entry.get("date") if isinstance(entry, dict) else None
    try:
        day = date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return day if day is not None and is_within_reach(day) else None


def _instant(value: Any) -> datetime | None:
    """An instant with its offset; None where none is said. _Refused: it cannot be read."""
    if value is None or value == "":
        return None
    try:
        instant = datetime.fromisoformat(value)
    except (ValueError, TypeError):
        raise _Refused("impossible_hours") from None
    if instant.tzinfo is None or not is_within_reach(instant.date()):
        raise _Refused("impossible_hours")
    return instant


def _example(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return shorten(entry)
    told = {name: entry.get(name) for name in ("date", "type", "openingTime", "closingTime", "description")}
    return {name: shorten(value) for name, value in told.items() if value is not None}
