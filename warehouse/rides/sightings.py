"""What is heard of rides in which park, kept as evidence, and the stays that follow from it, brought up to date."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

from django.db import connection

from warehouse.instants import aware_utc, instant_at, milliseconds_of
from warehouse.models import Ride, RideSighting
from warehouse.rides import stays
from warehouse.rides.stays import Sighting, Stay


@dataclass(frozen=True, slots=True)
class Noted:
    """The stays of a ride before and after something was heard of it, and the days on which its parks interleave."""

    ride_id: int
    before: list[Stay]
    after: list[Stay]
    interleaved: list[date]

    @property
    def park_id(self) -> int:
        """Where it stands now."""
        return self.after[-1].park_id


def note(heard: Mapping[int, Sequence[Sighting]]) -> dict[int, Noted]:
    """Keep what was heard of these rides (by ride_id), and bring their stays up to date; in the caller's transaction.

    Each row of a ride that never moved so far is evidence of the park it is in. A ride whose park an operator has set
    stays as it is, and nothing is kept of it.
    """
    noted: dict[int, Noted] = {}
    rides = list(Ride.objects.select_for_update().filter(pk__in=heard).order_by("pk"))
    current = stays.of_rides([ride.pk for ride in rides])
    known = _stored([ride.pk for ride in rides])
    for ride in rides:
        before = current.get(ride.pk) or [Stay(ride.park_id, None)]
        if "park_id" in ride.hand_set:
            noted[ride.pk] = Noted(ride.pk, before, before, [])
            continue
        evidence = known.get(ride.pk)
        kept = {} if evidence is None else dict(evidence)
        for sighting in heard[ride.pk] if evidence is not None else [*_rows_of(ride), *heard[ride.pk]]:
            _add(kept, sighting)
        changed = {key: sighting for key, sighting in kept.items() if evidence is None or evidence.get(key) != sighting}
        _store(ride.pk, changed.values())
        after = stays.stays_of(kept.values())
        if after != before or ride.pk not in current:
            stays.write(ride.pk, after)
        days = {sighting.day for sighting in heard[ride.pk]}
        interleaved = stays.interleaved_days(sighting for sighting in kept.values() if sighting.day in days)
        noted[ride.pk] = Noted(ride.pk, before, after, interleaved)
    return noted


Kept = dict[tuple[date, int], Sighting]


def _add(kept: Kept, sighting: Sighting) -> None:
    known = kept.get((sighting.day, sighting.park_id), sighting)
    kept[sighting.day, sighting.park_id] = replace(
        known, first_ms=min(known.first_ms, sighting.first_ms), last_ms=max(known.last_ms, sighting.last_ms)
    )


def _stored(ride_ids: list[int]) -> dict[int, Kept]:
    found: dict[int, Kept] = {}
    for ride_id, park_id, day, first_at, last_at in RideSighting.objects.filter(ride__in=ride_ids).values_list(
        "ride_id", "park_id", "day", "first_at", "last_at"
    ):
        sighting = Sighting(day, park_id, milliseconds_of(first_at), milliseconds_of(last_at))
        found.setdefault(ride_id, {})[day, park_id] = sighting
    return found


def _rows_of(ride: Ride) -> list[Sighting]:
    """The ride's stored rows, day by day: one walk on its index, once in its life."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DATE(recorded_at), MIN(recorded_at), MAX(recorded_at) FROM ride_status_snapshots "
            "FORCE INDEX (idx_ride_recorded) WHERE ride_id = %s GROUP BY DATE(recorded_at)",
            [ride.pk],
        )
        return [
            Sighting(day, ride.park_id, milliseconds_of(aware_utc(first)), milliseconds_of(aware_utc(last)))
            for day, first, last in cursor.fetchall()
        ]


def _store(ride_id: int, sightings: Iterable[Sighting]) -> None:
    RideSighting.objects.bulk_create(
        [
            RideSighting(
                ride_id=ride_id,
                park_id=sighting.park_id,
                day=sighting.day,
                first_at=instant_at(sighting.first_ms),
                last_at=instant_at(sighting.last_ms),
            )
            for sighting in sightings
        ],
        update_conflicts=True,
        update_fields=["first_at", "last_at"],
    )
