"""The time zones of parks: names that came with an event or from an operator, and may be none."""

from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo


def known_zone(name: str) -> ZoneInfo | None:
    """None for a name that is empty or unknown."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a path or a folder is the others
        return None


def zone_or_utc(name: str) -> ZoneInfo:
    """UTC for a name that is empty or unknown: days of such a park are UTC's."""
    return known_zone(name) or ZoneInfo("UTC")


def local_day(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """The instants (UTC) at which a calendar day of a zone begins and ends: 24 hours, or 23 or 25 and the like where
    the clocks change."""
    begin, end = (datetime.combine(each, time(), tzinfo=zone) for each in (day, day + timedelta(days=1)))
    return begin.astimezone(UTC), end.astimezone(UTC)


def local_date(instant: datetime, zone: tzinfo | None) -> date:
    """The calendar day of a zone at an (aware) instant; UTC's where the zone is not known."""
    return instant.astimezone(zone or UTC).date()
