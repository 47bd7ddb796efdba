"""What kind of thing an entity is (ATTRACTION, SHOW, RESTAURANT), as answers say it beside their events.

To entity_metadata, where the catalogue has it too. Of an entity that the catalogue does not list any more nobody else
says it: its row is made here, not `listed`, and holds the kind alone.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from imports.events.history_answer import PLACES
from imports.events.load_format import text_of
from imports.loading.changes import apply, raise_version, remembered
from imports.loading.resolver import KnownRide, Resolver
from warehouse.models import BY_EVENTS, EntityMetadata, MetadataChange
from warehouse.outside import fitting
from warehouse.rides import stale_days

KIND_LENGTH = 50  # of entity_metadata.entity_type


def kind_of(value: Any) -> str:
    """An `entityType` as it is stored; "" where it is not said."""
    return fitting(text_of(value).strip(), KIND_LENGTH)


def follow(said: Mapping[str, Any], rides: Mapping[str, KnownRide], resolver: Resolver, now: datetime) -> None:
    """Give these rides (by the UUID of their entity) the kinds that were said, in the caller's transaction.

    What an operator has set stays, and each change is kept. What agreed before in the run is not asked for again.
    IntegrityError: somebody else made one of the rows meanwhile.
    """
    kinds = {entity: kind_of(said[entity]) for entity in rides if entity in said}
    news = {
        entity: kind
        for entity, kind in kinds.items()
        if kind and kind not in PLACES and resolver.kinds.get(entity) != kind
    }
    if not news:
        return
    stored = dict(
        EntityMetadata.objects.filter(themeparks_wiki_id__in=news).values_list("themeparks_wiki_id", "entity_type")
    )
    _change({entity: kind for entity, kind in news.items() if stored.get(entity, kind) != kind}, now)
    _make(news.keys() - stored.keys(), news, rides, now)
    resolver.kinds.note(news)


def _change(kinds: Mapping[str, str], now: datetime) -> None:
    changed, history = [], []
    rows = EntityMetadata.objects.select_for_update().filter(themeparks_wiki_id__in=kinds).order_by("pk")
    for metadata in rows if kinds else ():
        if before := apply(metadata, {"entity_type": kinds[metadata.themeparks_wiki_id]}):
            raise_version(metadata, now)
            changed.append(metadata)
            history.append(remembered(before, now, BY_EVENTS, ride=metadata.ride, metadata=metadata))
    EntityMetadata.objects.bulk_update(changed, ["entity_type", "version", "last_updated"])
    stale_days.mark_kinds(metadata.ride_id for metadata in changed)
    MetadataChange.objects.bulk_create(history)


def _make(entities: Collection[str], kinds: Mapping[str, str], rides: Mapping[str, KnownRide], now: datetime) -> None:
    EntityMetadata.objects.bulk_create(
        EntityMetadata(
            ride_id=rides[entity].ride_id,
            themeparks_wiki_id=entity,
            entity_type=kinds[entity],
            listed=False,  # it may be; but the catalogue has not said so
            last_updated=now,
        )
        for entity in sorted(entities)
    )
    stale_days.mark_kinds(rides[entity].ride_id for entity in entities)
