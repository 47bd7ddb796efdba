"""Park and ride ids, cached for a run. Three outcomes for a ride, none of them silent: found by its id, given to the
one ride of the park that has no id yet and is called the same, or new. Two ids are never merged.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from django.db import IntegrityError
from rapidfuzz.distance import Levenshtein

from imports.events.validation import Validated
from quality.findings import EXAMPLES_MAX, Finding
from quality.reasons import REASONS
from warehouse.models import NAME_LENGTH, Park, Ride
from warehouse.names import normalised

NAME_DISTANCE_LIMIT = 3  # Levenshtein, on normalised names


@dataclass(frozen=True, slots=True)
class KnownRide:
    """A ride as it is stored, or as it will be where the transaction commits."""

    ride_id: int
    park_id: int


@dataclass(frozen=True, slots=True)
class WantedRide:
    """A ride that rows are at hand for."""

    entity_id: str
    park: Park
    name: str
    seen_at: str  # UTC, YYYY-MM-DD HH:MM:SS[.mmm]: of the event that is first in the file


@dataclass
class Resolver:
    """What is known of parks and rides by their themeparks_wiki_id. Ids made in a transaction are kept apart until
    `keep` is called after its commit; `forget` drops them after a rollback."""

    _rides: dict[str, KnownRide] = field(default_factory=dict)
    _new_rides: dict[str, KnownRide] = field(default_factory=dict)

    def known(self, entity_ids: Iterable[str]) -> dict[str, KnownRide]:
        """The rides among `entity_ids` that exist, asked of the database only for those not seen before."""
        wanted = set(entity_ids)
        missing = [entity for entity in wanted if entity not in self._rides and entity not in self._new_rides]
        if missing:
            self._rides |= _rides_of(missing)
        return {
            entity: ride
            for entity in wanted
            if (ride := self._rides.get(entity) or self._new_rides.get(entity)) is not None
        }

    def resolve(self, wanted: Iterable[WantedRide], source_file: str) -> tuple[dict[str, KnownRide], list[Finding]]:
        """A ride for every wanted entity, made where there is none; findings say where names left a choice.

        To be called inside the transaction of the rows. IntegrityError: somebody else made one of them meanwhile.
        """
        by_entity = {ride.entity_id: ride for ride in wanted}
        resolved = self.known(by_entity)
        unknown = [ride for entity, ride in by_entity.items() if entity not in resolved]
        if not unknown:
            return resolved, []
        findings = []
        to_create = []
        without_id = _rides_without_id({ride.park.park_id for ride in unknown})
        for ride in unknown:
            candidates = _candidates(ride.name, without_id.get(ride.park.park_id, {}))
            if len(candidates) == 1:
                ride_id = candidates[0]
                hit = Ride.objects.filter(ride_id=ride_id, themeparks_wiki_id=None).update(
                    themeparks_wiki_id=ride.entity_id
                )
                if not hit:
                    raise IntegrityError(f"ride {ride_id} was given an id meanwhile")
                del without_id[ride.park.park_id][ride_id]
                self._new_rides[ride.entity_id] = KnownRide(ride_id, ride.park.park_id)
                continue
            if candidates:
                findings.append(_ambiguous(ride, candidates, source_file))
            to_create.append(Ride(park=ride.park, ride_name=_fitting_name(ride), themeparks_wiki_id=ride.entity_id))
        Ride.objects.bulk_create(to_create)
        self._new_rides |= _rides_of([ride.themeparks_wiki_id for ride in to_create])
        return {entity: self._rides.get(entity) or self._new_rides[entity] for entity in by_entity}, findings

    def keep(self) -> None:
        """The transaction was committed: the rides made in it are there to stay."""
        self._rides |= self._new_rides
        self._new_rides = {}

    def forget(self) -> None:
        """The transaction was rolled back: the rides made in it are not there, and their ids may go to others."""
        self._new_rides = {}


def placeholder_name(entity_id: str) -> str:
    """For a ride whose events carry no name: until the metadata sync brings one."""
    return f"Unnamed {entity_id}"


def _rides_of(entity_ids: Iterable[str | None]) -> dict[str, KnownRide]:
    """The stored rides with these ids, by id."""
    return {
        entity_id: KnownRide(ride_id, park_id)
        for entity_id, ride_id, park_id in Ride.objects.filter(themeparks_wiki_id__in=entity_ids).values_list(
            "themeparks_wiki_id", "ride_id", "park_id"
        )
        if entity_id is not None  # it never is: it was asked for by its id
    }


def _fitting_name(ride: WantedRide) -> str:
    return ride.name.strip()[:NAME_LENGTH] or placeholder_name(ride.entity_id)


def _rides_without_id(park_ids: set[int]) -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    for ride_id, park_id, name in Ride.objects.filter(park_id__in=park_ids, themeparks_wiki_id=None).values_list(
        "ride_id", "park_id", "ride_name"
    ):
        found.setdefault(park_id, {})[ride_id] = normalised(name)
    return found


def _candidates(name: str, without_id: dict[int, str]) -> list[int]:
    wanted = normalised(name)
    if not wanted:
        return []
    equal = [ride_id for ride_id, other in without_id.items() if other == wanted]
    return equal or [
        ride_id
        for ride_id, other in without_id.items()
        if Levenshtein.distance(wanted, other, score_cutoff=NAME_DISTANCE_LIMIT - 1) < NAME_DISTANCE_LIMIT
    ]


def _ambiguous(ride: WantedRide, candidates: list[int], source_file: str) -> Finding:
    reason = REASONS["ambiguous_ride"]
    sentence = reason.say(len(candidates), name=ride.name, entity_id=ride.entity_id)
    return Finding(
        reason="ambiguous_ride",
        entity_type="park",
        entity_key=ride.park.themeparks_wiki_id,
        entity_id=ride.park.park_id,
        scope=ride.entity_id,
        description=f"{ride.park}: {sentence}. {reason.advice}",
        start=datetime.fromisoformat(ride.seen_at).replace(tzinfo=UTC),
        source_file=source_file,
        count=len(candidates),
        examples=[{"ride_id": ride_id} for ride_id in candidates[:EXAMPLES_MAX]],
    )


def make_park(destination: str, park_id: str, validated: Validated) -> Park:
    """The park, made from what the file says where it is new: its slug is its name until the metadata sync."""
    seen = validated.parks[park_id]
    park, _ = Park.objects.get_or_create(
        themeparks_wiki_id=park_id,
        defaults={
            "park_name": seen.slug[:NAME_LENGTH] or park_id,
            "timezone": seen.timezone[:64],
            "destination_wiki_id": destination,
        },
    )
    return park
