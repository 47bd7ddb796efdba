"""Which days and months of which parks rows of the fact table bear on, by their snapshot ids alone."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, tzinfo

from warehouse.days import ONE_DAY
from warehouse.instants import instant_at, milliseconds_of
from warehouse.models import Park, Ride
from warehouse.rides import stale_days, stays
from warehouse.snapshot_id import RIDE_ID_BITS, RIDE_ID_MASK
from warehouse.zones import known_zone, local_date, local_day

_QUARTER_MS = 900_000  # no zone begins its day but at a full quarter of an hour


def rows_changed(snapshot_ids: Iterable[int]) -> None:
    """These snapshots came, changed or go; they or their rides are still known. Two queries and two writes."""
    # by quarter of an hour: of the 15,000 rows of a file some 3,000 pairs are left
    seen = {((key >> RIDE_ID_BITS) // _QUARTER_MS, key & RIDE_ID_MASK) for key in snapshot_ids}
    rides = {ride_id for _, ride_id in seen}
    if not rides:
        return
    # of a file with some hundred rows each of these statements is 2 % of the time
    known = Ride.objects.filter(pk__in=rides).values_list("pk", "park_id", "park__timezone")
    parks: dict[int, int] = {}
    zones: dict[int, str] = {}
    for ride_id, park_id, zone_name in known:
        parks[ride_id] = park_id
        zones[park_id] = zone_name
    moved = stays.of_rides(rides)
    quarters: dict[int, set[int]] = {}  # by park_id
    for quarter, ride_id in seen:
        if ride_id in moved:
            begin = quarter * _QUARTER_MS
            for at in (begin, begin + _QUARTER_MS - 1):  # a stay may begin between
                quarters.setdefault(stays.park_at(moved[ride_id], at), set()).add(quarter)
        elif ride_id in parks:
            quarters.setdefault(parks[ride_id], set()).add(quarter)
    if elsewhere := quarters.keys() - zones:  # where rides were that have left since
        zones |= Park.objects.filter(pk__in=elsewhere).values_list("pk", "timezone")
    days: set[tuple[int, date]] = set()
    months: set[tuple[date, int]] = set()
    for park_id, found in quarters.items():
        zone = known_zone(zones.get(park_id, ""))
        in_order = sorted(found)
        months |= {(day.replace(day=1), park_id) for day in _days_of(in_order, UTC)}
        for day in _days_of(in_order, zone):
            days |= {(park_id, day - ONE_DAY), (park_id, day), (park_id, day + ONE_DAY)}
    stale_days.mark(days)
    stale_days.mark_months(months)


def _days_of(quarters: Sequence[int], zone: tzinfo | None) -> Iterator[date]:
    """The days of a zone that quarters of an hour, in order, lie in: a look a day, and not one a quarter."""
    at = 0
    while at < len(quarters):
        day = local_date(instant_at(quarters[at] * _QUARTER_MS), zone)
        yield day
        at = bisect_left(quarters, milliseconds_of(local_day(day, zone or UTC)[1]) // _QUARTER_MS, at + 1)
