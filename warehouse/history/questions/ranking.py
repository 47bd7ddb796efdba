"""How reliable rides are, by the share of park hours in which they were down; and what tiers their waits suggest."""

from dataclasses import dataclass
from math import ceil

from warehouse.history.questions.days import KnownDays, NamedRide
from warehouse.history.questions.sums import Sums

#: of a minute of a ride of each tier in the park's figure; without a tier a ride counts as one of the third
WEIGHTS = {1: 3, 2: 2, 3: 1}
FIRST_TIER, SECOND_TIER = 0.1, 0.3  # shares of the rides that show waits


@dataclass(frozen=True, slots=True)
class Ranked:
    """A ride and its sums over all days; `rank` 1 is the least reliable. Rides that never were to operate have none."""

    rank: int | None
    ride: NamedRide
    sums: Sums


@dataclass(frozen=True, slots=True)
class Ranking:
    """`down_share` of the park weighs rides by their tiers (WEIGHTS); `down_share_unweighted` takes minutes alike."""

    rides: list[Ranked]
    down_share: float | None
    down_share_unweighted: float | None


def ranking(known: KnownDays) -> Ranking:
    """Rides by down share, the highest first; of equal shares those that were meant to operate longer.

    The share is hours_down / (hours_operating + hours_down): time in which the park was closed, the ride closed or in
    refurbishment, or of which nothing is known, is none of it.
    """
    of_rides = known.by_ride()
    shares = [(sums.down_share, sums.hours_operating + sums.hours_down, ride_id) for ride_id, sums in of_rides.items()]
    meant = sorted((-share, -minutes, ride_id) for share, minutes, ride_id in shares if share is not None)
    never = [ride_id for share, _, ride_id in shares if share is None]
    rides = [
        Ranked(rank, known.rides[ride_id], of_rides[ride_id]) for rank, (_, _, ride_id) in enumerate(meant, start=1)
    ] + [Ranked(None, known.rides[ride_id], of_rides[ride_id]) for ride_id in never]
    return Ranking(rides, _down_share(rides, weighted=True), _down_share(rides, weighted=False))


def _down_share(rides: list[Ranked], *, weighted: bool) -> float | None:
    down = meant = 0
    for ranked in rides:
        weight = WEIGHTS.get(ranked.ride.tier or 3, 1) if weighted else 1
        down += weight * ranked.sums.hours_down
        meant += weight * (ranked.sums.hours_operating + ranked.sums.hours_down)
    return down / meant if meant else None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """`tier` None: too little is known. `standby_mean` over the days, minutes; `days` on which it showed a wait."""

    ride: NamedRide
    tier: int | None
    standby_mean: float | None
    days: int


def suggested_tiers(known: KnownDays) -> list[Suggestion]:
    """What tiers the waits of these days (a year, best) suggest; nothing is set: that is the operator's.

    Rides by mean wait, those that showed a wait on a day in four (28 at least, or all days where fewer are asked for):
    the first tenth are of tier 1, the next three tenths of tier 2, the others of tier 3.
    """
    enough = min(len(known.days), max(28, len(known.days) // 4))
    of_rides = known.by_ride()
    means = {ride_id: sums.standby_mean for ride_id, sums in of_rides.items()}
    judged = sorted(
        (ride_id for ride_id, sums in of_rides.items() if sums.waited >= enough),
        key=lambda ride_id: -(means[ride_id] or 0),
    )
    first, second = ceil(len(judged) * FIRST_TIER), ceil(len(judged) * (FIRST_TIER + SECOND_TIER))
    tiers = {ride_id: 1 if n < first else 2 if n < second else 3 for n, ride_id in enumerate(judged)}
    order = sorted(of_rides, key=lambda ride_id: (tiers.get(ride_id, 4), -(means[ride_id] or 0), ride_id))
    return [
        Suggestion(known.rides[ride_id], tiers.get(ride_id), means[ride_id], of_rides[ride_id].waited)
        for ride_id in order
    ]
