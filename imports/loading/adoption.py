"""Rides that have no id yet, known by park and name alone: which entity each of them is, where names leave no choice.

Equal names go first, over all entities at hand, then near ones; an entity is given a ride only where neither of them
has a second one to go to. So the order in which entities come means nothing. Each adoption is told, and can be undone
(warehouse.rides.splitting).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from imports.loading.near_names import are_near
from imports.loading.wanted import WantedRide
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.models import Ride
from warehouse.names import normalised
from warehouse.rides.splitting import rows_held


@dataclass
class Choice:
    """What becomes of entities that are not known."""

    adoptions: list[tuple[WantedRide, int]] = field(default_factory=list)  # with the ride_id they are given
    ambiguous: list[tuple[WantedRide, list[int]]] = field(default_factory=list)  # several could be meant; also in `new`
    new: list[WantedRide] = field(default_factory=list)


def choose(unknown: Iterable[WantedRide], without_id: Mapping[int, Mapping[int, str]]) -> Choice:
    """`without_id`: names by ride_id by park_id, of the rides that have no id yet."""
    choice = Choice()
    by_park: dict[int, list[WantedRide]] = {}
    for ride in sorted(unknown, key=lambda ride: ride.entity_id):
        by_park.setdefault(ride.park.park_id, []).append(ride)
    for park_id, rides in by_park.items():
        free = {ride_id: normalised(name) for ride_id, name in without_id.get(park_id, {}).items()}
        names = {ride.entity_id: normalised(ride.name) for ride in rides}
        for alike in (_equal, are_near):
            rides = _pair(rides, names, free, alike, choice)
        choice.new += rides
    choice.new.sort(key=lambda ride: ride.entity_id)
    return choice


def _equal(one: str, other: str) -> bool:
    return one == other


def _pair(
    rides: list[WantedRide],
    names: Mapping[str, str],
    free: dict[int, str],
    alike: Callable[[str, str], bool],
    choice: Choice,
) -> list[WantedRide]:
    """Give rides of `free` to entities that are alike; who is left, and not ambiguous, is returned."""
    candidates = {
        ride.entity_id: [
            ride_id
            for ride_id, name in free.items()
            if name and names[ride.entity_id] and alike(names[ride.entity_id], name)
        ]
        for ride in rides
    }
    claims: dict[int, int] = {}
    for ride_ids in candidates.values():
        for ride_id in ride_ids:
            claims[ride_id] = claims.get(ride_id, 0) + 1
    left = []
    for ride in rides:
        found = candidates[ride.entity_id]
        if len(found) == 1 and claims[found[0]] == 1:
            choice.adoptions.append((ride, found[0]))
        elif found:
            choice.ambiguous.append((ride, found))
            choice.new.append(ride)
        else:
            left.append(ride)
    for ride_id in claims:  # whether it went to one of them or is in doubt between several
        del free[ride_id]
    return left


def ambiguous(ride: WantedRide, candidates: list[int], source_file: str) -> Finding:
    """The finding that a name left a choice, and a new ride was made."""
    reason = REASONS["ambiguous_ride"]
    sentence = reason.say(len(candidates), name=ride.name, entity_id=ride.entity_id)
    return Finding(
        reason="ambiguous_ride",
        entity_type="park",
        entity_key=ride.park.themeparks_wiki_id,
        entity_id=ride.park.park_id,
        scope=ride.entity_id,
        description=f"{ride.park}: {sentence}. {reason.advice}",
        start=_seen_at(ride),
        source_file=source_file,
        count=len(candidates),
        examples=[{"ride_id": ride_id} for ride_id in candidates[:EXAMPLES_MAX]],
    )


@dataclass(frozen=True)
class Adoption:
    """An entity that was given a ride which had no id."""

    wanted: WantedRide
    ride: Ride
    source_file: str


def adopted(adoption: Adoption) -> Finding:
    """The finding of an adoption. It is never grouped by files, since each is undone on its own page; what the ride
    held before is kept in it, which tells later whose rows are whose."""
    wanted, ride = adoption.wanted, adoption.ride
    sentence = REASONS["id_adopted"].say(1, name=wanted.name, entity_id=wanted.entity_id, ride=ride)
    held = rows_held(ride.pk)
    return Finding(
        reason="id_adopted",
        entity_type="ride",
        entity_key=wanted.entity_id,
        entity_id=ride.pk,
        park_id=ride.park_id,
        scope=f"without an id: {ride}",
        description=f"{ride.park}: {sentence}",
        start=_seen_at(wanted),
        examples=[
            {
                "entity": wanted.entity_id,
                "called": wanted.name,
                "ride_id": ride.pk,
                "ride_name": ride.ride_name,
                "seen_in": adoption.source_file,
                "rows_before": held.count,
                "first_before": held.first and held.first.isoformat(),
                "last_before": held.last and held.last.isoformat(),
            }
        ],
    )


def _seen_at(ride: WantedRide) -> datetime:
    return datetime.fromisoformat(ride.seen_at).replace(tzinfo=UTC)
