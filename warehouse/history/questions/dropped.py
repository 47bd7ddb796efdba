"""Rides that dropped out: nothing is heard of them any more, while their park goes on."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db import connection

from warehouse.days import ONE_DAY
from warehouse.history.questions.days import ATTRACTIONS, Kinds, NamedRide, of_park
from warehouse.history.questions.extent import newest_day
from warehouse.instants import aware_utc, naive_utc
from warehouse.models import Park
from warehouse.rides import stays
from warehouse.zones import local_day

SILENT_DAYS = 28  # a ride in refurbishment says nothing for weeks


@dataclass(frozen=True, slots=True)
class DroppedOut:
    """The last day on which a ride said anything in this park; `silent_days` since then, until the park's newest."""

    ride: NamedRide
    park_id: int
    last_day: date
    silent_days: int
    has_moved: bool  # it stands in another park now


def dropped_out(
    parks: list[Park], now: datetime, *, silent_days: int = SILENT_DAYS, kinds: Kinds = ATTRACTIONS
) -> list[DroppedOut]:
    """Those of which nothing was heard for so many days before the newest day of their park, the newest first."""
    found = []
    for park in parks:
        newest = newest_day([park.pk], now)
        if newest is None:
            continue
        rides = of_park(park, newest, newest, now, kinds=kinds).rides
        last_days = _last_days(park, rides, newest - silent_days * ONE_DAY, now)
        for ride_id, last in last_days.items():
            silent = (newest - last).days
            if silent >= silent_days:
                found.append(DroppedOut(rides[ride_id], park.pk, last, silent, rides[ride_id].park_id != park.pk))
    return sorted(found, key=lambda dropped: (dropped.silent_days, dropped.ride.name, dropped.ride.ride_id))


def _last_days(park: Park, rides: Collection[int], enough: date, now: datetime) -> dict[int, date]:
    """Of each ride that ever said something here; of those that did after `enough`, any such day."""
    if not rides:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(  # sums go on for 92 days after the last word: few steps back on the index a ride
            "SELECT r.ride_id, (SELECT d.day FROM ride_days d FORCE INDEX (idx_ride_days_ride) "
            "WHERE d.ride_id = r.ride_id AND d.park_id = %s AND d.observations > 0 ORDER BY d.day DESC LIMIT 1) "
            "FROM rides r WHERE r.ride_id IN %s",
            [park.pk, list(rides)],
        )
        last_days = dict(cursor.fetchall())
        doubtful = [ride_id for ride_id, day in last_days.items() if day is None or day <= enough]
        cursor.execute(
            "SELECT MIN(day) FROM stale_days WHERE park_id = %s AND day > %s",
            [park.pk, min((last_days[ride_id] or date.min for ride_id in doubtful), default=date.max)],
        )
        (stale,) = cursor.fetchone()
    if stale and doubtful:  # days that are not summed up may know more
        for ride_id, day in _last_days_of_rows(park, doubtful, stale, now).items():
            last_days[ride_id] = max(day, last_days[ride_id] or day)
    return {ride_id: day for ride_id, day in last_days.items() if day is not None}


def _last_days_of_rows(park: Park, rides: Collection[int], first: date, now: datetime) -> dict[int, date]:
    zone = park.zone
    found: dict[int, date] = {}
    for ride_ids, start, until in stays.periods_of(park.pk, local_day(first, zone)[0], now):
        some = set(ride_ids) & set(rides)
        if some:
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT ride_id, MAX(recorded_at) FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
                    "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s GROUP BY ride_id",
                    [list(some), naive_utc(start), naive_utc(until)],
                )
                for ride_id, at in cursor.fetchall():
                    day = aware_utc(at).astimezone(zone).date()
                    found[ride_id] = max(day, found.get(ride_id, day))
    return found
