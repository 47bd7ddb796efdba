"""In which park a ride was when: its stays, and whose rows a park's rows are.

A ride has one park at a time. Most rides never move and have no rows here: they are in their `rides.park_id`, always.
Every question that joins rows with parks asks here (docs/decisions/ride-stays.md).
"""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

from django.db import connection, transaction

from warehouse.days import ONE_DAY
from warehouse.instants import aware_utc, day_at, instant_at, milliseconds_of
from warehouse.models import Ride, RideStay
from warehouse.rides import stale_days
from warehouse.snapshot_id import recorded_ms_of, ride_id_of


@dataclass(frozen=True, slots=True)
class Stay:
    """In one park from `begins_ms` (milliseconds since 1970; None: from the beginning) on, until the next stay."""

    park_id: int
    begins_ms: int | None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A ride was heard of in one park on one UTC day, first and last at these milliseconds since 1970."""

    day: date
    park_id: int
    first_ms: int
    last_ms: int


@dataclass(frozen=True, slots=True)
class Span:
    """A ride whose rows of these instants (aware, half-open) are the park's."""

    ride_id: int
    start: datetime
    end: datetime


# --- what follows from sightings ------------------------------------------------------------------------------------
def stays_of(sightings: Iterable[Sighting]) -> list[Stay]:
    """The stays that follow from all that was heard of one ride, in order, one at least; a function of the set alone.

    A stay begins at the first word from the new park. A day on which the words of two parks interleave moves nothing:
    it stays with the park in which the ride was before, or of which it spoke first.
    """
    stays: list[Stay] = []
    for _, seen in _by_day(sightings):
        if is_interleaved(seen):
            parks = {sighting.park_id for sighting in seen}
            if stays and stays[-1].park_id in parks:
                continue
            seen = seen[:1]
        for sighting in seen:
            if not stays:
                stays.append(Stay(sighting.park_id, None))
            elif stays[-1].park_id != sighting.park_id:
                stays.append(Stay(sighting.park_id, sighting.first_ms))
    return stays


def interleaved_days(sightings: Iterable[Sighting]) -> list[date]:
    """The days on which a ride was heard of in two parks by turns."""
    return [day for day, seen in _by_day(sightings) if is_interleaved(seen)]


def is_interleaved(seen: Sequence[Sighting]) -> bool:
    """Of one day, in the order of `first_ms`: whether one park was heard of before another one had fallen silent."""
    return any(one.last_ms >= other.first_ms for one, other in pairwise(seen))


def _by_day(sightings: Iterable[Sighting]) -> Iterator[tuple[date, list[Sighting]]]:
    days: dict[date, list[Sighting]] = {}
    for sighting in sightings:
        days.setdefault(sighting.day, []).append(sighting)
    for day in sorted(days):
        yield day, sorted(days[day], key=lambda sighting: (sighting.first_ms, sighting.last_ms, sighting.park_id))


def park_at(stays: Sequence[Stay], milliseconds: int) -> int:
    """The park_id at an instant."""
    if len(stays) == 1:
        return stays[0].park_id
    begins = [stay.begins_ms or 0 for stay in stays[1:]]
    return stays[bisect_right(begins, milliseconds)].park_id


def differences(before: Sequence[Stay], after: Sequence[Stay]) -> Iterator[tuple[set[int], int | None, int | None]]:
    """Where two courses of a ride have it in two parks: these, from and to (None: the beginning, the end)."""
    begins = sorted({stay.begins_ms or 0 for stay in (*before, *after)})
    for begin_ms, end_ms in pairwise([*begins, None]):
        parks = {park_at(before, begin_ms or 0), park_at(after, begin_ms or 0)}
        if len(parks) > 1:
            yield parks, begin_ms or None, end_ms


# --- asking the tables ----------------------------------------------------------------------------------------------
def of_rides(ride_ids: Collection[int]) -> dict[int, list[Stay]]:
    """The stays of those among these rides that were heard of in more than one park; of most: nothing."""
    found: dict[int, list[Stay]] = {}
    for ride_id, park_id, begins_at in (
        RideStay.objects.filter(ride__in=ride_ids).order_by("ride_id", "begins_at")  # NULL comes first
    ).values_list("ride_id", "park_id", "begins_at"):
        found.setdefault(ride_id, []).append(Stay(park_id, milliseconds_of(begins_at) if begins_at else None))
    return found


def spans(park_ids: Collection[int], start: datetime, end: datetime) -> dict[int, list[Span]]:
    """By park, whose rows of the period (aware, half-open) are its: each ride with the part of it that it was there.

    A ride that came back has several. Parks without any are there with none.
    """
    found: dict[int, list[Span]] = {park_id: [] for park_id in park_ids}
    if not found:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT r.park_id, r.ride_id, NULL begins_at, NULL ends_at FROM rides r "
            "WHERE r.park_id IN %s AND NOT EXISTS (SELECT 1 FROM ride_stays s WHERE s.ride_id = r.ride_id) "
            "UNION ALL SELECT park_id, ride_id, begins_at, ends_at FROM ride_stays WHERE park_id IN %s "
            "ORDER BY park_id, ride_id, begins_at",
            [list(found), list(found)],
        )
        rows = cursor.fetchall()
    for park_id, ride_id, begins_at, ends_at in rows:
        begin = max(start, aware_utc(begins_at)) if begins_at else start
        until = min(end, aware_utc(ends_at)) if ends_at else end
        if begin < until:
            found[park_id].append(Span(ride_id, begin, until))
    return found


def spans_of(park_id: int, start: datetime, end: datetime) -> list[Span]:
    """`spans` of one park."""
    return spans([park_id], start, end)[park_id]


def periods_of(park_id: int, start: datetime, end: datetime) -> list[tuple[list[int], datetime, datetime]]:
    """The same as (ride_ids, start, end), for statements that name many rides: one where none of them moved."""
    found: dict[tuple[datetime, datetime], list[int]] = {}
    for span in spans_of(park_id, start, end):
        found.setdefault((span.start, span.end), []).append(span.ride_id)
    return [(ride_ids, *period) for period, ride_ids in found.items()]


def parks_of(snapshot_ids: Collection[int]) -> dict[int, int]:
    """The park_id of each snapshot whose ride is known: that of the ride's stay at its instant."""
    ride_ids = {ride_id_of(snapshot_id) for snapshot_id in snapshot_ids}
    parks = dict(Ride.objects.filter(pk__in=ride_ids).values_list("ride_id", "park_id"))
    moved = of_rides(ride_ids)
    return {
        snapshot_id: park_at(moved[ride_id], recorded_ms_of(snapshot_id)) if ride_id in moved else parks[ride_id]
        for snapshot_id in snapshot_ids
        if (ride_id := ride_id_of(snapshot_id)) in parks
    }


# --- writing them ---------------------------------------------------------------------------------------------------
def write(ride_id: int, stays: Sequence[Stay]) -> None:
    """These and no others, in the caller's transaction, in which the ride is locked; it stands in the last one now."""
    always = [Stay(Ride.objects.values_list("park_id", flat=True).get(pk=ride_id), None)]
    for park_ids, start_ms, end_ms in differences(of_rides([ride_id]).get(ride_id, always), stays):
        first = date.min if start_ms is None else day_at(start_ms) - ONE_DAY
        last = date.max if end_ms is None else day_at(end_ms) + ONE_DAY
        stale_days.mark_ride(ride_id, park_ids, first, last)
    ends = [*(stay.begins_ms for stay in stays[1:]), None]
    RideStay.objects.filter(ride=ride_id).delete()
    RideStay.objects.bulk_create(
        RideStay(ride_id=ride_id, park_id=stay.park_id, begins_at=_instant(stay.begins_ms), ends_at=_instant(end))
        for stay, end in zip(stays, ends, strict=True)
    )
    Ride.objects.filter(pk=ride_id).update(park=stays[-1].park_id)


@transaction.atomic
def set_by_operator(ride_id: int, park_id: int) -> None:
    """An operator says where the ride stands now: its newest stay is in that park, those before it stay.

    A ride that never moved has none, and its whole history is that park's.
    """
    Ride.objects.select_for_update().get(pk=ride_id)
    stays = of_rides([ride_id]).get(ride_id)
    if stays is None:
        return
    stays[-1] = Stay(park_id, stays[-1].begins_ms)
    if len(stays) > 1 and stays[-2].park_id == park_id:
        stays.pop()
    write(ride_id, stays)


def _instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else instant_at(milliseconds)
