"""The time zones of parks: names that came with an event or from an operator, and may be none."""

from zoneinfo import ZoneInfo


def known_zone(name: str) -> ZoneInfo | None:
    """None for a name that is empty or unknown."""
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError; a path or a folder is the others
        return None
