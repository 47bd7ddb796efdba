"""The time zones of parks: names that came with an event or from an operator, and may be none; and how an instant is
written for people: by the clock of the park with its zone named, and UTC with a Z.
"""

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


# --- for people -------------------------------------------------------------------------------------------------------
def utc_in_words(instant: datetime, timespec: str = "minutes") -> str:
    """An aware instant as 2025-07-01 00:30Z; `timespec`: how far, as of datetime.isoformat (seconds, milliseconds)."""
    return f"{instant.astimezone(UTC).replace(tzinfo=None).isoformat(' ', timespec)}Z"


def clock_in_words(instant: datetime, zone: tzinfo | None, timespec: str = "minutes") -> str:
    """The same by the clock of a zone, which is not named: 2025-07-01 09:30; for a table whose heading names it.

    UTC's where the zone is not known, or has no such day: the calendar ends at 9999-12-31.
    """
    return _at(instant, zone)[0].replace(tzinfo=None).isoformat(" ", timespec)


def there_in_words(instant: datetime, zone: tzinfo | None, timespec: str = "minutes") -> str:
    """With the zone named: 2025-07-01 09:30 Asia/Tokyo."""
    there, zone = _at(instant, zone)
    return f"{there.replace(tzinfo=None).isoformat(' ', timespec)} {zone}"


def both_in_words(instant: datetime, zone: tzinfo | None, timespec: str = "minutes") -> str:
    """With UTC beside it: 2025-07-01 09:30 Asia/Tokyo (00:30Z), and its day where that is another one there. Of a park
    whose clock is UTC's it is said once."""
    there, _ = _at(instant, zone)
    said = there_in_words(instant, zone, timespec)
    if not there.utcoffset():
        return said
    utc = utc_in_words(instant, timespec)
    return f"{said} ({utc.split(' ')[1] if utc.startswith(f'{there:%Y-%m-%d}') else utc})"


def _at(instant: datetime, zone: tzinfo | None) -> tuple[datetime, tzinfo]:
    """`zone` UTC where there is none."""
    try:
        return instant.astimezone(zone or UTC), zone or UTC
    except OverflowError:
        return instant.astimezone(UTC), UTC
