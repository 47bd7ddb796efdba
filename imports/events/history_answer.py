"""An answer of the History API -> events in the archive's shape, for the rules that all feeds share. No database.

The answer of a park holds every entity of it for one park-local day, that of an entity its own rows of up to 31 days.
Each row is the complete state from its `time` until the next row's. The park itself and destinations are left out, as
the live collector does; showtimes are not kept.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from imports.events.dayfile import Event, EventData, UnreadableFile, inflate
from imports.events.decoded import Opening
from imports.events.json_text import decode_json
from imports.events.load_format import text_of
from warehouse.ids import uuid_of

PLACES = ("PARK", "DESTINATION")


class HistoryAnswer:
    """One answer, of a park or of an entity, plain or packed as day files are.

    UnreadableFile: it is no JSON, or no such answer.
    """

    def __init__(self, raw: bytes):
        try:
            answer = decode_json(inflate(raw))
        except ValueError as error:
            raise UnreadableFile(f"not JSON: {error}") from error
        if not isinstance(answer, dict):
            raise UnreadableFile("it is no answer of the History API, which is an object")
        self.envelope: dict = answer
        self.of_park = "entities" in answer
        if not isinstance(answer.get("entities" if self.of_park else "history"), list):
            raise UnreadableFile("it is no answer of the History API: it has no list of entities, and no history")

    @property
    def entity_id(self) -> str | None:
        """Whose answer it is: a UUID in lower case."""
        return uuid_of(self.envelope.get("id"))

    @property
    def days(self) -> tuple[Any, Any]:
        """The first and the last day of its range, as they came."""
        told = self.envelope.get("range")
        return (told.get("from"), told.get("to")) if isinstance(told, dict) else (None, None)

    @property
    def degraded(self) -> bool:
        """Whether any opening looked back too short."""
        return any(opening.degraded for opening in self.openings())

    @property
    def opens_at(self) -> datetime | None:
        """The first instant of its range, as its openings say it; None where they do not."""
        told = (entity.get("opening") for entity in self.entities() if isinstance(entity, dict))
        instants = (_instant(opening.get("time")) for opening in told if isinstance(opening, dict))
        return min((instant for instant in instants if instant is not None), default=None)

    def entities(self) -> list[Any]:
        """Everything that it speaks of but the park and destinations, as it came; mostly objects."""
        told = self.envelope["entities"] if self.of_park else [self.envelope]
        return [entity for entity in told if not self._is_place(entity)]

    def events(self, park_id: str | None = None) -> list[Event | Any]:
        """Its rows, entity by entity, ascending. What is no row, or an entity without a list of them, stands in the
        list as it came, to be counted.

        The park is the answer's own; of an entity's answer `park_id`, or else its parent.
        """
        envelope = self.envelope
        park = envelope.get("id") if self.of_park else park_id or envelope.get("parentId")
        zone = envelope.get("timezone")
        found: list[Event | Any] = []
        for entity in self.entities():
            rows = entity.get("history") if isinstance(entity, dict) else None
            if not isinstance(rows, list):
                found.append(entity)
                continue
            entity_id, name = entity.get("id"), entity.get("name")
            found += [
                Event(
                    entityId=entity_id,
                    name=name,
                    data=EventData(row.get("status"), row.get("queue")),
                    eventTime=row.get("time"),
                    timezone=zone,
                    parkId=park,
                )
                if isinstance(row, dict)
                else row
                for row in rows
            ]
        return found

    def entity_ids(self) -> set[str]:
        """Whom it speaks of, with history or without: UUIDs in lower case."""
        told = (uuid_of(entity.get("id")) for entity in self.entities() if isinstance(entity, dict))
        return {entity_id for entity_id in told if entity_id is not None}

    def entity_types(self) -> dict[str, str]:
        """By UUID (lower case) what each entity is: ATTRACTION, SHOW, RESTAURANT, ..."""
        return {
            entity_id: entity_type
            for entity in self.entities()
            if isinstance(entity, dict)
            and (entity_id := uuid_of(entity.get("id")))
            and (entity_type := text_of(entity.get("entityType")))
        }

    def openings(self) -> Iterator[Opening]:
        """Of each entity that has one and an id."""
        for entity in self.entities():
            opening = entity.get("opening") if isinstance(entity, dict) else None
            entity_id = uuid_of(entity.get("id")) if isinstance(entity, dict) else None
            if isinstance(opening, dict) and entity_id is not None:
                yield Opening(
                    entity_id,
                    _instant(opening.get("observedAt")),
                    opening.get("status"),
                    opening.get("queue"),
                    opening.get("degraded") is True,
                )

    def _is_place(self, entity: Any) -> bool:
        if not isinstance(entity, dict):
            return False
        return entity.get("entityType") in PLACES or (self.of_park and entity.get("id") == self.envelope.get("id"))


def decode(raw: bytes, park_id: str | None = None) -> list[Event | Any]:
    """The events of an answer: see HistoryAnswer.events. UnreadableFile."""
    return HistoryAnswer(raw).events(park_id)


def entity_types(raw: bytes) -> dict[str, str]:
    """By UUID (lower case) what each entity of an answer is. UnreadableFile."""
    return HistoryAnswer(raw).entity_types()


def openings(raw: bytes) -> list[Opening]:
    """The state of each entity at the beginning of an answer. UnreadableFile."""
    return list(HistoryAnswer(raw).openings())


def _instant(value: Any) -> datetime | None:
    try:
        instant = datetime.fromisoformat(value)
        return instant.astimezone(UTC) if instant.tzinfo is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
