"""Answers of the catalogue -> parks, rides, entity_metadata and their history, inside the caller's transaction.

What changes is kept as it was before (MetadataChange); what an operator set by hand is passed over; what an answer is
silent about stays; an entity that vanished is kept and no longer `listed`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction

from imports.events.history_answer import PLACES
from imports.events.issues import Issues
from imports.loading.changes import apply, raise_version, remembered
from imports.loading.moves import moved_findings
from imports.loading.resolver import Resolver, WantedRide
from imports.metadata.answers import Answers, Synced, Target
from imports.metadata.parsing import Entity
from quality import log
from quality.check.missing_fields import time_zone_findings
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.instants import milliseconds_of
from warehouse.models import NAME_LENGTH, EntityMetadata, MetadataChange, Park, Ride
from warehouse.outside import fitting
from warehouse.rides import sightings, stale_days
from warehouse.rides.stays import Sighting
from warehouse.server.turns import on_every_node

# So many entities of one park do not vanish between two syncs; the answer is taken for half of one.
HALF_ANSWER_AT_LEAST = 10
HALF_ANSWER_SHARE = 0.5

_METADATA_FIELDS = [
    "latitude",
    "longitude",
    "height_min_cm",
    "height_max_cm",
    "entity_type",
    "tags",
    "listed",
    "last_updated",
    "version",
]


def write(answers: Answers, issues: Issues, now: datetime, dry_run: bool) -> Synced:
    """Bring one target's answers into the tables; with `dry_run` the transaction is rolled back at its end.

    IntegrityError: another process made one of the rides meanwhile; to be done again.
    """
    synced = _Writing(answers, issues.copy(), now).write()
    if dry_run:
        transaction.set_rollback(True)
    return synced


def record_failure(target: Target, why: str, now: datetime, dry_run: bool) -> int:
    """A finding for an answer that is none; how many are new."""
    issues = Issues()
    issues.add(target.park, "malformed_answer", why)
    parks = {park.themeparks_wiki_id: park for park in Park.objects.filter(themeparks_wiki_id=target.park)}
    new = log.record(_findings(target, issues, now, parks), now).new
    if dry_run:
        transaction.set_rollback(True)
    return new


@dataclass
class _Writing:
    """One target's answers on their way into the tables, inside one transaction."""

    answers: Answers
    issues: Issues
    now: datetime
    history: list[MetadataChange] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def write(self) -> Synced:
        target = self.answers.target
        parks = self._parks()
        inside = [entity for entity in self.answers.entities if entity.kind not in PLACES]
        kept = [entity for entity in inside if entity.park_id in parks]
        outside = [entity for entity in inside if entity.park_id not in self.answers.timezones]
        synced = Synced(target, parks=len(parks), entities=len(kept), outside=len(outside))
        self._rides_and_metadata(kept, parks, synced)
        self._vanished(kept, parks, synced)
        MetadataChange.objects.bulk_create(self.history)
        synced.changed = len(self.history)
        without_zone = time_zone_findings({park.pk for park in parks.values()}, self.now.date())
        findings = [*self.findings, *_findings(target, self.issues, self.now, parks), *without_zone]
        synced.findings = log.record(findings, self.now).new
        return synced

    def _parks(self) -> dict[str, Park]:
        """The target's parks by themeparks_wiki_id, made where they are new, named and placed as the API has them."""
        target, timezones = self.answers.target, self.answers.timezones
        names = dict(target.parks)
        names |= {
            entity.entity_id: entity.name for entity in self.answers.entities if entity.kind == "PARK" and entity.name
        }
        known = {
            park.themeparks_wiki_id: park
            for park in Park.objects.select_for_update().filter(themeparks_wiki_id__in=timezones)
        }
        for park_id, timezone in timezones.items():
            name = fitting(names.get(park_id, ""), NAME_LENGTH)
            says = {"destination_wiki_id": target.destination}
            says |= {"park_name": name} if name else {}
            says |= {"timezone": timezone} if timezone else {}
            park = known.get(park_id)
            if park is not None and self._is_anothers(park):
                example = {"id": park_id, "name": name, "destination": park.destination_wiki_id}
                self.issues.add(park_id, "listed_twice", example)
                del known[park_id]
                continue
            if park is None:
                says.setdefault("park_name", park_id)
                known[park_id] = Park.objects.create(themeparks_wiki_id=park_id, **says)
            elif before := apply(park, says):
                park.save(update_fields=before)
                if "timezone" in before:
                    stale_days.mark_park(park.pk)
                self._remember(before, park=park)
        return known

    def _is_anothers(self, park: Park) -> bool:
        """The catalogue lists the park under another destination, too, and it is in that: only one of them writes it,
        else it would be in either by turns."""
        destination = park.destination_wiki_id
        listed_by = self.answers.target.listed_by.get(park.themeparks_wiki_id, frozenset())
        return destination != self.answers.target.destination and destination in listed_by

    def _rides_and_metadata(self, kept: list[Entity], parks: dict[str, Park], synced: Synced) -> None:
        wanted = [WantedRide(entity.entity_id, parks[entity.park_id], entity.name, self._seen_at()) for entity in kept]
        resolved, self.findings = Resolver().resolve(wanted, f"api/{self.answers.target.asked}")
        rides = Ride.objects.select_for_update().in_bulk([ride.ride_id for ride in resolved.values()])
        known = {
            row.themeparks_wiki_id: row
            for row in EntityMetadata.objects.select_for_update().filter(themeparks_wiki_id__in=resolved)
        }
        by_entity = {entity_id: rides[ride.ride_id] for entity_id, ride in resolved.items()}
        anothers = self._listed_elsewhere(by_entity, known)
        kept = [entity for entity in kept if entity.entity_id not in anothers]
        synced.entities = len(kept)
        moved = self._moves(kept, by_entity, parks, known)
        new, changed, heard, renamed = [], [], [], []
        of_another_kind: list[Ride] = []
        for entity in kept:
            ride, metadata = by_entity[entity.entity_id], known.get(entity.entity_id)
            says = {"park_id": moved[ride.pk]} if ride.pk in moved else {}
            if entity.name and (metadata is None or metadata.catalogue_name != entity.name):
                says |= {"ride_name": entity.name}
            before = apply(ride, says)
            if "ride_name" in before:
                ride.named_at = self.now
            if before:
                renamed.append(ride)
            if metadata is None:
                metadata = EntityMetadata(
                    ride=ride, themeparks_wiki_id=entity.entity_id, last_updated=self.now, **entity.says
                )
                new.append(metadata)
                if metadata.entity_type:
                    of_another_kind.append(ride)
            else:
                before |= apply(metadata, entity.says | {"listed": True})
                if "entity_type" in before:
                    of_another_kind.append(ride)
                if before:
                    raise_version(metadata, self.now)
                    changed.append(metadata)
            if _remember_what_was_said(metadata, entity) and metadata.pk:
                heard.append(metadata)
            if before:
                self._remember(before, ride=ride, metadata=metadata)
        Ride.objects.bulk_update(renamed, ["ride_name", "named_at"])  # the park is in the tables already
        EntityMetadata.objects.bulk_create(new)
        EntityMetadata.objects.bulk_update(changed, _METADATA_FIELDS)
        EntityMetadata.objects.bulk_update(heard, ["catalogue_name", "catalogue_park"])
        stale_days.mark_kinds(ride.pk for ride in of_another_kind)
        synced.new = len(new)

    def _listed_elsewhere(self, rides: Mapping[str, Ride], known: Mapping[str, EntityMetadata]) -> set[str]:
        """The entities in a park of another destination whose catalogue has them still: that one speaks of them."""
        target = self.answers.target
        others = target.destinations - {target.destination}
        parks = set(Park.objects.filter(destination_wiki_id__in=others).values_list("pk", flat=True))
        return {
            entity_id
            for entity_id, ride in rides.items()
            if ride.park_id in parks and (metadata := known.get(entity_id)) is not None and metadata.listed
        }

    def _moves(
        self,
        kept: list[Entity],
        rides: Mapping[str, Ride],
        parks: Mapping[str, Park],
        known: Mapping[str, EntityMetadata],
    ) -> dict[int, int]:
        """Where the rides stand now (park_id by ride_id) that the catalogue newly has in another park than theirs.

        What it said before already moves nothing again: events may have another opinion since.
        """
        at = milliseconds_of(self.now)
        seen = {}
        for entity in kept:
            ride, metadata = rides[entity.entity_id], known.get(entity.entity_id)
            park = parks[entity.park_id]
            is_news = metadata is None or metadata.catalogue_park != entity.park_id
            if is_news and ride.park_id != park.pk and "park_id" not in ride.hand_set:
                seen[ride.pk] = [Sighting(self.now.astimezone(UTC).date(), park.pk, at, at)]
        if not seen:
            return {}
        on_every_node("ride", seen)
        noted = sightings.note(seen)
        self.findings += moved_findings(noted.values(), f"api/{self.answers.target.asked}")
        return {about.ride_id: about.park_id for about in noted.values()}

    def _vanished(self, kept: list[Entity], parks: dict[str, Park], synced: Synced) -> None:
        """Entities that were listed and are no more: kept, with all that is known of them."""
        there = {entity.entity_id for entity in kept}
        for park in parks.values():
            listed = list(
                EntityMetadata.objects.select_for_update().select_related("ride").filter(ride__park=park, listed=True)
            )
            gone = [metadata for metadata in listed if metadata.themeparks_wiki_id not in there]
            if len(gone) >= HALF_ANSWER_AT_LEAST and len(gone) > len(listed) * HALF_ANSWER_SHARE:
                for metadata in gone:
                    example = {"id": metadata.themeparks_wiki_id, "name": metadata.ride.ride_name}
                    self.issues.add(park.themeparks_wiki_id, "half_answer", example)
                continue
            for metadata in gone:
                metadata.listed = False
                raise_version(metadata, self.now)
                self._remember({"listed": True}, ride=metadata.ride, metadata=metadata)
            EntityMetadata.objects.bulk_update(gone, _METADATA_FIELDS)
            synced.vanished += len(gone)

    def _remember(self, before: dict[str, Any], **subject: Any) -> None:
        self.history.append(remembered(before, self.now, **subject))

    def _seen_at(self) -> str:
        return self.now.astimezone(UTC).isoformat(" ", "milliseconds")[:23]


def _remember_what_was_said(metadata: EntityMetadata, entity: Entity) -> bool:
    """Keep what the catalogue says of name and park, whatever they are by now; whether it is another than before."""
    said = entity.name or metadata.catalogue_name, entity.park_id or ""
    if said == (metadata.catalogue_name, metadata.catalogue_park):
        return False
    metadata.catalogue_name, metadata.catalogue_park = said
    return True


def _findings(target: Target, issues: Issues, now: datetime, parks: dict[str, Park]) -> list[Finding]:
    findings = []
    for (park_id, reason), issue in issues.found.items():
        park = parks.get(park_id)
        sentence = REASONS[reason].say_grouped(issue.count) or REASONS[reason].say(issue.count)
        findings.append(
            Finding(
                reason=reason,
                entity_type="park" if park else "destination",
                entity_key=park_id if park else target.destination,
                entity_id=park.park_id if park else None,
                scope="catalogue",
                description=f"Catalogue of {park or target.name}: {sentence}.",
                start=now,
                source_file=f"api/{target.asked}",
                count=issue.count,
                examples=issue.examples,
            )
        )
    return findings
