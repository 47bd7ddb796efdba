"""Answers of the catalogue -> parks, rides, entity_metadata and their history, inside the caller's transaction.

What changes is kept as it was before (MetadataChange); what an operator set by hand is passed over; what an answer is
silent about stays; an entity that vanished is kept and no longer `listed`.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.db.models import Model

from imports.events.issues import Issues
from imports.loading.resolver import Resolver, WantedRide
from imports.metadata.parsing import Entity
from quality import log
from quality.check.missing_fields import time_zone_findings
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.models import NAME_LENGTH, EntityMetadata, MetadataChange, Park, Ride

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


@dataclass(frozen=True)
class Target:
    """What one question about a subtree is asked for: a destination, or one park of it."""

    destination: str
    name: str
    parks: dict[str, str]  # themeparks_wiki_id: name, as the catalogue has them
    park: str | None = None  # this park alone

    @property
    def asked(self) -> str:
        """The UUID that the API is asked about."""
        return self.park or self.destination


@dataclass
class Synced:
    """What came of one target, or (target None) of several."""

    target: Target | None
    parks: int = 0
    entities: int = 0  # that stand in a park and have metadata now
    outside: int = 0  # that stand in no park, as hotels do: not kept
    new: int = 0
    changed: int = 0  # parks and entities with a difference
    vanished: int = 0
    findings: int = 0  # new ones
    error: str = ""  # nothing was written

    def add(self, other: "Synced") -> None:
        """Take in the counts of another target; `error` is left as it is."""
        for name in ("parks", "entities", "outside", "new", "changed", "vanished", "findings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Answers:
    """All that the API said of one target, read."""

    target: Target
    entities: list[Entity]
    timezones: dict[str, str | None]  # by park (themeparks_wiki_id): the parks that were asked for


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
        inside = [entity for entity in self.answers.entities if entity.kind not in ("PARK", "DESTINATION")]
        kept = [entity for entity in inside if entity.park_id in parks]
        synced = Synced(target, parks=len(parks), entities=len(kept), outside=len(inside) - len(kept))
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
            name = names.get(park_id, "")[:NAME_LENGTH]
            says = {"destination_wiki_id": target.destination}
            says |= {"park_name": name} if name else {}
            says |= {"timezone": timezone} if timezone else {}
            park = known.get(park_id)
            if park is None:
                says.setdefault("park_name", park_id)
                known[park_id] = Park.objects.create(themeparks_wiki_id=park_id, **says)
            elif before := _apply(park, says):
                park.save(update_fields=before)
                self._remember(before, park=park)
        return known

    def _rides_and_metadata(self, kept: list[Entity], parks: dict[str, Park], synced: Synced) -> None:
        wanted = [WantedRide(entity.entity_id, parks[entity.park_id], entity.name, self._seen_at()) for entity in kept]
        resolved, self.findings = Resolver().resolve(wanted, f"api/{self.answers.target.asked}")
        rides = Ride.objects.select_for_update().in_bulk([ride.ride_id for ride in resolved.values()])
        known = {
            row.themeparks_wiki_id: row
            for row in EntityMetadata.objects.select_for_update().filter(themeparks_wiki_id__in=resolved)
        }
        new, changed, renamed = [], [], []
        for entity in kept:
            ride = rides[resolved[entity.entity_id].ride_id]
            says = {"park_id": parks[entity.park_id].park_id} | ({"ride_name": entity.name} if entity.name else {})
            before = _apply(ride, says)
            if before:
                renamed.append(ride)
            metadata = known.get(entity.entity_id)
            if metadata is None:
                metadata = EntityMetadata(
                    ride=ride, themeparks_wiki_id=entity.entity_id, last_updated=self.now, **entity.says
                )
                new.append(metadata)
            else:
                before |= _apply(metadata, entity.says | {"listed": True})
                if before:
                    self._new_version(metadata)
                    changed.append(metadata)
            if before:
                self._remember(before, ride=ride, metadata=metadata)
        Ride.objects.bulk_update(renamed, ["ride_name", "park"])
        EntityMetadata.objects.bulk_create(new)
        EntityMetadata.objects.bulk_update(changed, _METADATA_FIELDS)
        synced.new = len(new)

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
                self._new_version(metadata)
                self._remember({"listed": True}, ride=metadata.ride, metadata=metadata)
            EntityMetadata.objects.bulk_update(gone, _METADATA_FIELDS)
            synced.vanished += len(gone)

    def _new_version(self, metadata: EntityMetadata) -> None:
        metadata.version += 1
        metadata.last_updated = self.now

    def _remember(
        self,
        before: dict[str, Any],
        *,
        park: Park | None = None,
        ride: Ride | None = None,
        metadata: EntityMetadata | None = None,
    ) -> None:
        after = {name: MetadataChange.plain(_value(name, park, ride, metadata)) for name in before}
        self.history.append(
            MetadataChange(
                park=park,
                ride=ride,
                changed_at=self.now,
                version=metadata.version if metadata else None,
                before=before,
                after=after,
            )
        )

    def _seen_at(self) -> str:
        return self.now.astimezone(UTC).isoformat(" ", "milliseconds")[:23]


def _apply(row: Model, says: dict[str, Any]) -> dict[str, Any]:
    """Set what differs and was not set by hand; the values as they were before, by field."""
    before = {}
    for name, value in says.items():
        old = getattr(row, name)
        if name not in row.hand_set and old != value:
            before[name] = MetadataChange.plain(old)
            setattr(row, name, value)
    return before


def _value(name: str, *rows: Model | None) -> Any:
    return next(getattr(row, name) for row in rows if row is not None and hasattr(row, name))


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
