"""Which days are busy: a day's wait beside that of its year."""

from bisect import bisect_left
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
        if sums.standby_mean is not None:
            years.setdefault(day.year, []).append(sums)
    of_years = {year: total(days).standby_mean for year, days in years.items()}
    falling = {year: sorted(-sums.standby_mean for sums in days) for year, days in years.items()}
    found = []
    for day in known.days:
        sums, year = of_days.get(day), day.year
        mean = sums and sums.standby_mean
        found.append(
            BusyDay(
                day,
                mean,
                mean / of_years[year] if mean is not None and of_years[year] else None,
                bisect_left(falling[year], -mean) + 1 if mean is not None else None,
                len(years.get(year, ())),
                sums.known if sums else None,
            )
        )
    return found
