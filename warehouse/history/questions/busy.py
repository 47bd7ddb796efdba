"""Which days are busy: a day's wait beside that of its year."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date

from warehouse.history.questions.days import KnownDays
from warehouse.history.questions.sums import Sums, total


@dataclass(frozen=True, slots=True)
class BusyDay:
    """`relation` 1.2: the park-wide mean wait of the day is 20 % above that of its calendar year, as far as that year
    is among the days asked for. `rank` 1 is the busiest of the year's `of` days. All None: no wait was shown."""

    day: date
    standby_mean: float | None
    relation: float | None
    rank: int | None
    of: int  # days of the year with a wait
    known: float | None  # share of park hours


def busy_days(known: KnownDays) -> list[BusyDay]:
    """Each day that is asked for, in order: ask for whole years."""
    of_days = known.by_day()
    years: dict[int, list[Sums]] = {}
    for day, sums in of_days.items():
        if sums.standby_minutes:
            years.setdefault(day.year, []).append(sums)
    of_years = {year: total(days).standby_mean for year, days in years.items()}
    rising = {year: sorted(sums.standby_mean or 0 for sums in days) for year, days in years.items()}
    found = []
    for day in known.days:
        of_day, count = of_days.get(day), len(years.get(day.year, ()))
        mean, of_year = of_day.standby_mean if of_day else None, of_years.get(day.year)
        relation = mean / of_year if mean is not None and of_year else None
        rank = count - bisect_right(rising[day.year], mean) + 1 if mean is not None else None
        found.append(BusyDay(day, mean, relation, rank, count, of_day.known if of_day else None))
    return found
