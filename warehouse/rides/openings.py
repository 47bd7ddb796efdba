"""How a ride stood when its record begins: its opening, the first one that a source told (ride_openings).

A source that tells of a park's day from midnight on says how each ride stood then. Of all days but a ride's first its
rows say that, too; so one opening a ride is kept. It is no observation of its instant: what it says was seen at
`observed_ms`, and rows before `opens_ms`, where another source brought some, know better.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from warehouse.instants import instant_at, milliseconds_of
from warehouse.models import Park, Ride, RideOpening
from warehouse.rides import stale_days, stays
from warehouse.zones import known_zone, local_date


@dataclass(frozen=True, slots=True)
class Opening:
    """The state of a ride at `opens_ms`, last seen to be so at `observed_ms` (milliseconds since 1970 UTC)."""

    ride_id: int
    opens_ms: int
    observed_ms: int
    status: str  # of RideStatus
    wait_time: int | None  # minutes in the standby line
    is_degraded: bool  # the source looked back too short, and may lack a field
    source_file: str

    def gives_way_to(self, other: "Opening") -> bool:
        """Whether another one of the ride is to be kept in its place.

        The earlier one; of one instant the one that is not degraded, then the one seen later: whatever the order in
        which they come, the same is kept. What the same file says anew of the same instant replaces what it said
        before, unless it is degraded now and was not.
        """
        if (self.opens_ms, self.source_file) == (other.opens_ms, other.source_file):
            return self != other and self.is_degraded >= other.is_degraded
        return other._rank() < self._rank()

    def _rank(self) -> tuple[int, bool, int, str]:
        return self.opens_ms, self.is_degraded, -self.observed_ms, self.source_file


def of_rides(ride_ids: Collection[int]) -> dict[int, Opening]:
    """The openings of these rides, by ride_id, by one query; most rides have none."""
    rows = RideOpening.objects.filter(pk__in=ride_ids)
    return {row.pk: _opening(row) for row in rows} if ride_ids else {}


def keep(said: Iterable[Opening]) -> dict[int, Opening]:
    """Write those that are better than what is kept, in the caller's transaction; what is kept of their rides then.

    One a ride. IntegrityError: somebody else wrote one of them meanwhile.
    """
    by_ride = {opening.ride_id: opening for opening in said}
    rows = RideOpening.objects.select_for_update().filter(pk__in=by_ride).order_by("pk")
    kept = {row.pk: _opening(row) for row in rows}
    better = {key: one for key, one in by_ride.items() if key in kept and kept[key].gives_way_to(one)}
    new = {key: one for key, one in by_ride.items() if key not in kept}
    RideOpening.objects.bulk_create([_row(opening) for opening in new.values()])
    RideOpening.objects.bulk_create(
        [_row(opening) for opening in better.values()],
        update_conflicts=True,
        update_fields=["opens_at", "observed_at", "status", "wait_time", "degraded", "source_file"],
    )
    _mark([*better.values(), *new.values(), *(kept[key] for key in better)])
    return kept | better | new


def _mark(changed: Collection[Opening]) -> None:
    """What an opening says holds from its day on, and goes into the next day of which there are sums where that day
    has none. It is a day's first instant, perhaps of a park that the ride has left since."""
    parks = dict(Ride.objects.filter(pk__in={one.ride_id for one in changed}).values_list("pk", "park_id"))
    moved = stays.of_rides(parks)
    places = {
        (stays.park_at(moved[one.ride_id], one.opens_ms) if one.ride_id in moved else parks[one.ride_id], one.opens_ms)
        for one in changed
    }
    zones = dict(Park.objects.filter(pk__in={park_id for park_id, _ in places}).values_list("pk", "timezone"))
    for park_id, day in {(park_id, local_date(instant_at(ms), known_zone(zones[park_id]))) for park_id, ms in places}:
        stale_days.mark_around(park_id, [day])
        stale_days.mark_behind(park_id, day)


def _opening(row: RideOpening) -> Opening:
    return Opening(
        row.pk,
        milliseconds_of(row.opens_at),
        milliseconds_of(row.observed_at),
        row.status,
        row.wait_time,
        row.degraded,
        row.source_file,
    )


def _row(opening: Opening) -> RideOpening:
    return RideOpening(
        ride_id=opening.ride_id,
        opens_at=instant_at(opening.opens_ms),
        observed_at=instant_at(opening.observed_ms),
        status=opening.status,
        wait_time=opening.wait_time,
        degraded=opening.is_degraded,
        source_file=opening.source_file,
    )
