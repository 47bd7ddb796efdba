"""DUPLICATE: one attraction under several ids, a known defect of the source. Ids are never merged, only reported."""

from collections import Counter
from collections.abc import Iterator

from quality.check.profiles import SKETCH, ParkProfile, RideProfile
from quality.check.window import Window
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import midnight
from warehouse.names import normalised

# Two rides whose waits went to the same minutes at the same minutes so often are one. Opening and closing at the same
# instant proves nothing: whole parks do. Four different waits and 20 changes a month leave out what is never busy.
CHANGES_MIN = 20
DIFFERENT_WAITS_MIN = 4
ALIKE_SHARE = 0.9

# Carts and chains of one name are normal.
_MAY_SHARE_A_NAME = {"RESTAURANT", "HOTEL"}


def same_names(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Rides of one park whose names are equal but for case, accents and punctuation."""
    by_name: dict[str, list[RideProfile]] = {}
    for ride in park.rides:
        if ride.is_here and normalised(ride.name):
            by_name.setdefault(normalised(ride.name), []).append(ride)
    for name, rides in sorted(by_name.items()):
        kinds = {ride.entity_type for ride in rides}
        if len(rides) > 1 and not kinds <= _MAY_SHARE_A_NAME:
            rides = sorted(rides, key=lambda ride: ride.ride_id)
            sentence = REASONS["duplicate_name"].say(len(rides), name=rides[0].name)
            yield Finding(
                reason="duplicate_name",
                entity_type="park",
                entity_key=park.park.themeparks_wiki_id,
                entity_id=park.park.pk,
                scope=name,
                description=f"{park.park}: {sentence}",
                count=len(rides),
                examples=[_example(ride) for ride in rides],
            )


def same_observations(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Rides whose waits changed alike in some month, grouped: three ids of one attraction are one finding."""
    group_of: dict[int, list[RideProfile]] = {}
    for _, one, other in park.near_duplicates:
        first, second = group_of.setdefault(one.ride_id, [one]), group_of.setdefault(other.ride_id, [other])
        if first is not second:
            first += second
            for ride in second:
                group_of[ride.ride_id] = first
    for group in {id(group): group for group in group_of.values()}.values():
        rides = sorted(group, key=lambda ride: ride.ride_id)
        months = sorted({month for month, one, _ in park.near_duplicates if group_of[one.ride_id] is group})
        names = " and ".join(ride.name for ride in rides[:3]) + (
            f" and {len(rides) - 3} more" if len(rides) > 3 else ""
        )
        yield Finding(
            reason="duplicate_observations",
            entity_type="ride",
            entity_key=rides[0].key,
            entity_id=rides[0].ride_id,
            park_id=park.park.pk,
            scope="",
            description=f"{park.park}: {REASONS['duplicate_observations'].say(len(rides), names=names)}",
            start=midnight(months[0]),
            count=len(rides),
            examples=[_example(ride) for ride in rides],
        )


def near_duplicates_of_the_month(park: ParkProfile) -> Iterator[tuple[RideProfile, RideProfile]]:
    """Pairs of rides that are near duplicates (bottom-k MinHash) in the month that was just read.

    A sketch is the SKETCH smallest hashes of all (minute, wait) a ride's wait changed to. Of the SKETCH smallest of
    two rides together, the share that stands in both sketches estimates the Jaccard similarity of their changes,
    whatever their number.
    """
    busy = [
        ride for ride in park.rides if ride.changes >= CHANGES_MIN and ride.waits.bit_count() >= DIFFERENT_WAITS_MIN
    ]
    by_hash: dict[int, list[int]] = {}
    for position, ride in enumerate(busy):
        for hashed in ride.sketch:
            by_hash.setdefault(hashed, []).append(position)
    shared: Counter[tuple[int, int]] = Counter()
    for positions in by_hash.values():
        for n, one in enumerate(positions):
            for other in positions[n + 1 :]:
                shared[one, other] += 1
    for (one, other), count in shared.items():
        if count >= ALIKE_SHARE * CHANGES_MIN and _alike(busy[one], busy[other]):
            yield busy[one], busy[other]


def _alike(one: RideProfile, other: RideProfile) -> bool:
    smallest = sorted({*one.sketch, *other.sketch})[:SKETCH]
    shared = {*one.sketch} & {*other.sketch} & {*smallest}
    return len(shared) >= ALIKE_SHARE * len(smallest)


def _example(ride: RideProfile) -> dict:
    return {"ride_id": ride.ride_id, "name": ride.name, "themeparks_wiki_id": ride.wiki_id}
