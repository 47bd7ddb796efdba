"""Rows of parks, rides and metadata brought to what a source says of them: what an operator set by hand is passed over,
and what was before is kept (MetadataChange). In the caller's transaction, the rows locked by it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Model
from django.db.models.functions import Now

from warehouse.models import EntityMetadata, MetadataChange, Park, Ride


def apply(row: Park | Ride | EntityMetadata, says: Mapping[str, Any]) -> dict[str, Any]:
    """Set what differs and was not set by hand; the values as they were before, by field. To be saved by the caller."""
    before = {}
    for name, value in says.items():
        old = getattr(row, name)
        if name not in row.hand_set and old != value:
            before[name] = MetadataChange.plain(old)
            setattr(row, name, value)
    return before


def raise_version(metadata: EntityMetadata, now: datetime) -> None:
    """It is another than before, since `now`."""
    metadata.version += 1
    metadata.last_updated = now


def remembered(
    before: dict[str, Any],
    at: datetime | Now,
    by: str = "",
    *,
    park: Park | None = None,
    ride: Ride | None = None,
    metadata: EntityMetadata | None = None,
) -> MetadataChange:
    """What a park, or a ride and its metadata, was `before` they came to be as they are; to be saved by the caller."""
    after = {name: MetadataChange.plain(_value(name, park, ride, metadata)) for name in before}
    version = metadata.version if metadata else None
    return MetadataChange(
        park=park, ride=ride, changed_at=at, changed_by=by, version=version, before=before, after=after
    )


def _value(name: str, *rows: Model | None) -> Any:
    return next(getattr(row, name) for row in rows if row is not None and hasattr(row, name))
