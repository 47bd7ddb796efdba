"""How the days of a ride went, and those of all rides of a park."""

from datetime import date

from warehouse.history.questions.days import KnownDays
from warehouse.history.questions.ride_on_day import RideOnDay


def ride_days(known: KnownDays) -> dict[tuple[date, int], RideOnDay]:
    """What is known of each ride on each day, by (day, ride_id), in order, without days of which nothing is known.

    On the day on which a ride moved it has figures of both parks: those of the park in which more is known are told.
    """
    found: dict[tuple[date, int], RideOnDay] = {}
    for row in known.ride_days():
        key = (row.day, row.ride_id)
        if key not in found or _known_minutes(found[key]) < _known_minutes(row):
            found[key] = row
    return dict(sorted(found.items()))


def _known_minutes(row: RideOnDay) -> tuple[int, int]:
    return row.minutes - row.unknown_minutes, row.observations
