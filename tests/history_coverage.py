"""What coverage says of an entity and of a park."""

from collections.abc import Collection
from datetime import date

from tests.history_truth import Entity


def entity_coverage(entity: Entity, recorded: date, today: date) -> dict:
    """`recorded` is the newest day of the archive."""
    known = entity.first is not None
    return {
        "firstRecordedAt": str(entity.first) if known else None,
        "lastRecordedAt": str(min(entity.last or recorded, recorded)) if known else None,
        "retrievableThrough": str(entity.last or today) if known else None,
        "kinds": {p: {"first": str(entity.first), "last": str(recorded)} for p in _paths(entity) if known},
    }


def park_coverage(inside: list[Entity], recorded: date, today: date, said_listed: Collection[str] = ()) -> dict:
    """The same of a park with these entities, delisted ones among them; `said_listed` of these it says otherwise."""
    told = [
        {
            "id": e.id,
            "name": e.name,
            "entityType": e.kind,
            "from": str(e.first),
            "newest": str(min(e.last or recorded, recorded)),
            "fields": _paths(e),
            "stillListed": not e.gone_on(today) or e.id in said_listed,
        }
        for e in inside
    ]
    summary = {
        "entitiesWithData": len(inside),
        "archiveFrom": min((row["from"] for row in told), default=None),
        "recordedTo": str(recorded) if inside else None,
        "retrievableThrough": str(today) if inside else None,
        "measuredOn": str(today),
    }
    return {"summary": summary, "fields": {}, "entities": told}


def _paths(e: Entity) -> list[str]:
    return ["status", *(["showtimes"] if e.kind == "SHOW" else []), *(f"queue.{kind}" for kind in e.queues)]
