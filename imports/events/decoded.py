"""What a file or an answer holds, once its bytes are read: events, and what some feeds say beside them."""

from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Any

from imports.events import dayfile
from imports.events.dayfile import Event


@dataclass(frozen=True, slots=True)
class Opening:
    """The state of an entity at the first instant of a range. Nobody observed it then, but at `observed_at`."""

    entity_id: str  # a UUID in lower case
    observed_at: datetime | None  # aware, UTC; None: nothing is held from before the range
    status: Any  # as it came; None: not known
    queue: Any
    degraded: bool  # looked back too short: fields may be missing


@dataclass(slots=True)
class Decoded:
    """Events in their order; what is none stands in the list as it came."""

    events: list[Event | Any]
    _: KW_ONLY
    entity_types: dict[str, str] = field(default_factory=dict)  # by UUID: ATTRACTION, SHOW, RESTAURANT, ...
    park_names: dict[str, str] = field(default_factory=dict)  # by UUID
    openings: list[Opening] = field(default_factory=list)
    opens_at: datetime | None = None  # aware, UTC: of the openings


def of_day_file(raw: bytes) -> Decoded:
    """A day file of the archive. UnreadableFile: nothing of it can be used."""
    return Decoded(dayfile.decode(raw))
