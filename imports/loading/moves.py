"""Rides that are heard of in another park than theirs: their stays, brought up to date, and the findings that tell it.

The park of an event is not the word of the event alone but that of the ride's stay at its instant, so that the ledger
counts an event where its row is found later (docs/decisions/ride-stays.md).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from imports.events.validation import Observation
from imports.loading.held import Held
from imports.loading.resolver import KnownRide
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.instants import day_at, instant_at
from warehouse.models import Park, Ride
from warehouse.rides import sightings
from warehouse.rides.sightings import Noted
from warehouse.rides.stays import Sighting, Stay
from warehouse.server.turns import on_every_node


@dataclass
class Moves:
    """The stays of the entities that do not simply stand in one park, and what came of the look."""

    courses: dict[str, list[Stay]] = field(default_factory=dict)  # by entity
    interleaved: list[tuple[str, Noted]] = field(default_factory=list)  # entities heard of in two parks by turns
    findings: list[Finding] = field(default_factory=list)


def follow(
    heard: Mapping[str, list[Observation]],
    rides: Mapping[str, KnownRide],
    parks_of: Callable[[set[str]], dict[str, Park]],
    source_file: str,
    held: Held,
) -> Moves:
    """Bring the stays of all rides in `rides` up to date with what was heard of them, in the caller's transaction.

    `heard`: observations by entity, the oldest first. `parks_of` gives parks by their UUIDs, and makes new ones.
    """
    found = Moves()
    current = held.stays_of([rides[entity].ride_id for entity in heard if entity in rides])
    moving: dict[str, list[Observation]] = {}
    for entity, mine in heard.items():
        ride = rides.get(entity)
        if ride is None:
            continue
        if ride.park_is_set:
            found.courses[entity] = current.get(ride.ride_id) or [Stay(ride.park_id, None)]
        elif ride.ride_id in current or {observation.park_id for observation in mine} - {None, ride.park_wiki_id}:
            moving[entity] = mine
    if not moving:
        return found
    named = {observation.park_id for mine in moving.values() for observation in mine}
    park_ids = {wiki_id: park.pk for wiki_id, park in parks_of({name for name in named if name}).items()}
    held.flush()  # rows of a ride that moves for the first time are evidence of where it was
    on_every_node("ride", [rides[entity].ride_id for entity in moving])  # files of two destinations may tell of one
    noted = sightings.note({rides[entity].ride_id: sightings_of(mine, park_ids) for entity, mine in moving.items()})
    held.stays_changed({ride_id: about.after for ride_id, about in noted.items()})
    for entity in moving:
        about = noted[rides[entity].ride_id]
        found.courses[entity] = about.after
        if about.interleaved:
            found.interleaved.append((entity, about))
    found.findings = moved_findings(noted.values(), source_file)
    return found


def sightings_of(mine: Iterable[Observation], park_ids: Mapping[str, int]) -> list[Sighting]:
    """What observations of one ride, the oldest first, say of the parks it was in; one a day and park."""
    found: dict[tuple[int, int], Sighting] = {}
    for observation in mine:
        if observation.park_id is None:
            continue
        park_id, day = park_ids[observation.park_id], day_at(observation.milliseconds)
        key = day.toordinal(), park_id
        first = found[key].first_ms if key in found else observation.milliseconds
        found[key] = Sighting(day, park_id, first, observation.milliseconds)
    return list(found.values())


def moved_findings(noted: Iterable[Noted], source_file: str) -> list[Finding]:
    """One for each ride and pair of parks between which it has moved, where that was not known before."""
    news = [(about, _moves(about.after) - _moves(about.before)) for about in noted]
    news = [(about, moves) for about, moves in news if moves]
    if not news:
        return []
    rides = Ride.objects.in_bulk([about.ride_id for about, _ in news])
    parks = Park.objects.in_bulk({park_id for about, _ in news for stay in about.after for park_id in [stay.park_id]})
    findings = []
    for about, moves in news:
        for pair in sorted({(before, after) for before, after, _ in moves}):
            instants = sorted(at for before, after, at in _moves(about.after) if (before, after) == pair)
            findings.append(_moved(rides[about.ride_id], parks[pair[0]], parks[pair[1]], instants, source_file))
    return findings


def _moves(course: list[Stay]) -> set[tuple[int, int, int]]:
    """(park before, park after, milliseconds)"""
    return {(one.park_id, other.park_id, other.begins_ms or 0) for one, other in pairwise(course)}


def _moved(ride: Ride, before: Park, after: Park, instants: list[int], source_file: str) -> Finding:
    days = ", ".join(f"{day_at(at)}" for at in instants[:EXAMPLES_MAX]) + (
        f" and {len(instants) - EXAMPLES_MAX} more" if len(instants) > EXAMPLES_MAX else ""
    )
    sentence = REASONS["ride_moved"].say(len(instants), before=before, after=after, days=days)
    return Finding(
        reason="ride_moved",
        entity_type="ride",
        entity_key=ride.themeparks_wiki_id or f"ride {ride.pk}",
        entity_id=ride.pk,
        park_id=after.pk,
        scope=f"{before.themeparks_wiki_id} {after.themeparks_wiki_id}",
        description=f"{ride}: {sentence}",
        start=instant_at(instants[0]),
        source_file=source_file,
        count=len(instants),
        examples=[
            {
                "at": instant_at(at).isoformat(),
                "from": f"{before}",
                "to": f"{after}",
                "from_park_id": before.pk,
                "to_park_id": after.pk,
            }
            for at in instants
        ],
    )
