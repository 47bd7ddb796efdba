"""When rides operated first and last on each day, and when they usually do."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from statistics import median_low

from warehouse.history.questions.days import KnownDays, NamedRide
from warehouse.instants import aware_utc

_NOON = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Operated:
    """On one day: the first change to OPERATING and the end of the last run that began that day (aware, UTC), which may
    lie on the next; None: not told (it ran over from the day before, or nobody said when it ended)."""

    day: date
    first_operating_at: datetime | None
    last_closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class OperatingTimes:
    """Of one ride. `usual_first` and `usual_last` are medians of the local clock over the days that tell them."""

    ride: NamedRide
    days: list[Operated]  # on which either is told, in order
    usual_first: time | None
    usual_last: time | None


def operating_times(known: KnownDays) -> list[OperatingTimes]:
    """By name of the ride; rides that did not operate are not in it."""
    by_ride: dict[int, list[Operated]] = {}
    told = " AND (first_operating_at IS NOT NULL OR last_closed_at IS NOT NULL)"
    for day, ride_id, first, last in known.columns(
        "day", "ride_id", "first_operating_at", "last_closed_at", where=told
    ):
        if first or last:
            by_ride.setdefault(ride_id, []).append(Operated(day, _aware(first), _aware(last)))
    found = []
    for ride_id, ride in known.rides.items():
        days = sorted(by_ride.get(ride_id, ()), key=lambda operated: operated.day)
        if days:
            usual = (
                _usual(known, [(each.day, at) for each in days if (at := getattr(each, name))])
                for name in ("first_operating_at", "last_closed_at")
            )
            found.append(OperatingTimes(ride, days, *usual))
    return found


def _usual(known: KnownDays, instants: list[tuple[date, datetime]]) -> time | None:
    """The median of the clock there; half past midnight comes after eleven at night."""
    if not instants:
        return None
    # by the clock of the day's noon: on the two days on which it is changed it may be off before three in the morning
    noons = {day: datetime.combine(day, time(12), tzinfo=known.zone).astimezone(UTC) for day, _ in instants}
    since_noon = median_low([at - noons[day] for day, at in instants])
    minutes = int((since_noon + _NOON).total_seconds() // 60) % 1440
    return time(minutes // 60, minutes % 60)


def _aware(instant: datetime | None) -> datetime | None:
    """As the server gives it, or as it was computed."""
    return instant if instant is None or instant.tzinfo else aware_utc(instant)
