"""A row of the live API (`liveData`) in the shape of the archive's events. No database.

One home for the collector, which asks the API, and for captures of its answers that somebody kept.
"""

from typing import Any

from imports.events.dayfile import Event, EventData


def is_place(row: Any) -> bool:
    """Whether a live row is that of a park or destination, which means nothing, not of something in it."""
    return isinstance(row, dict) and row.get("entityType") in ("PARK", "DESTINATION")


def as_event(row: Any, park_id: Any = None, timezone: Any = None) -> Event | Any:
    """A live row as an event; what is no object comes back as it is, and is rejected there.

    `park_id`, `timezone`: of the park that was asked for, for its own rows: they are all in it, and name it.
    """
    if not isinstance(row, dict):
        return row
    named = row.get("parkId")
    if named is None:
        named = park_id
    return Event(
        entityId=row.get("id"),
        name=row.get("name"),
        data=EventData(row.get("status"), row.get("queue")),
        eventTime=row.get("lastUpdated"),
        timezone=timezone if named == park_id else None,
        parkId=named,
    )
