"""How a park's days, weekdays, months and years went, all its rides together; and parks beside each other."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from warehouse.history.questions.days import KnownDays
from warehouse.history.questions.sums import Sums
from warehouse.models import Park


@dataclass(frozen=True, slots=True)
class Period:
    """A month, a weekday or a year of a park: `days_known` of the `days` that were asked for (and are not to come)."""

    key: Any  # first day of the month, or of the year; 0 (Monday) to 6
    days: int
    days_known: int
    sums: Any  # Sums, or what kind of them is asked for


def by_day(known: KnownDays) -> dict[date, Sums | None]:
    """Each day that is asked for, in order; None: nothing is known of it."""
    found = known.by_day()
    return {day: found.get(day) for day in known.days}


def by_month(known: KnownDays, kind: type[Sums] = Sums) -> list[Period]:
    """Months in order, by their first day; of the first and last as many days as are asked for."""
    return _periods(known, lambda day: day.replace(day=1), kind)


def by_year(known: KnownDays) -> list[Period]:
    """Calendar years in order, by their first day."""
    return _periods(known, lambda day: day.replace(month=1, day=1))


def by_weekday(known: KnownDays) -> list[Period]:
    """Monday (0) to Sunday (6), those that are among the days."""
    return sorted(_periods(known, date.weekday), key=lambda period: period.key)


@dataclass(frozen=True, slots=True)
class Beside:
    """One of several parks. `days_known` of `days`; `days_of_all`: those of which something is known of every park,
    which alone are in `sums`."""

    park: Park
    days: int
    days_known: int
    days_of_all: int
    sums: Sums


def beside(known: KnownDays) -> list[Beside]:
    """The parks of `known`, in its order, over the same days: a park whose summer is not known is not held against
    the summer of another."""
    by_park: dict[int, dict[date, Sums]] = {park_id: {} for park_id in known.parks}
    for (park_id, day), sums in known.by_park_and_day().items():
        by_park[park_id][day] = sums
    of_all = set.intersection(*(set(days) for days in by_park.values()))
    found = []
    for park_id, days in by_park.items():
        together = Sums()
        for day in of_all:
            together.add(days[day])
        found.append(Beside(known.parks[park_id], len(known.days), len(days), len(of_all), together))
    return found


def _periods(known: KnownDays, key_of: Callable[[date], Any], kind: type[Sums] = Sums) -> list[Period]:
    of_days = known.by_day(kind)
    counts: dict[Any, list[int]] = {}
    together: dict[Any, Sums] = {}
    for day in known.days:
        key = key_of(day)
        count = counts.setdefault(key, [0, 0])
        count[0] += 1
        sums = together.setdefault(key, kind())
        if day in of_days:
            count[1] += 1
            sums.add(of_days[day])
    return [Period(key, days, days_known, together[key]) for key, (days, days_known) in counts.items()]
