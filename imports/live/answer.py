"""An answer of the live API about one destination, in the shape of the archive's events."""

from dataclasses import dataclass
from typing import Any

from imports.events.validation import Validated


@dataclass(frozen=True)
class Answer:
    """What the API reported of one destination, as it came and as the archive's rules read it."""

    destination: str  # its UUID
    rows: list[Any]  # without those of the parks and the destination themselves, which mean nothing
    validated: Validated  # of the same rows


def is_place(row: Any) -> bool:
    """Whether a live row is that of a park or destination, not of something in it."""
    return isinstance(row, dict) and row.get("entityType") in ("PARK", "DESTINATION")


def as_event(row: Any) -> Any:
    """A live row in the shape of an archive event; what is no object comes back as it is, and is rejected there."""
    if not isinstance(row, dict):
        return row
    return {
        "entityId": row.get("id"),
        "name": row.get("name"),
        "parkId": row.get("parkId"),
        "eventTime": row.get("lastUpdated"),
        "data": {"status": row.get("status"), "queue": row.get("queue")},
    }
