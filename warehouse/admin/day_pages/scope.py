"""What the answers of a page are made from: the days it asks about, and where its links lead."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from warehouse.admin.day_pages import links
from warehouse.admin.day_pages.asking import Asked
from warehouse.history.questions.days import KnownDays, NamedRide

DAYS_AT_MOST, WEEKS_AT_MOST = 400, 2000  # of a period that is shown day by day, week by week


@dataclass(frozen=True, slots=True)
class Scope:
    """Of one page. `name` is that of the park or the ride."""

    known: KnownDays
    asked: Asked
    name: str
    days_from_rows: int | None = None  # as in `known`
    earliest: date | None = None  # of all days of which anything is known

    @property
    def of_ride(self) -> bool:
        """Else of a park."""
        return self.known.ride is not None

    def address(self, show: str, **changes: Any) -> str:
        """Of another tab of this page, for the same days unless others are given."""
        asked = self.asked.address() | {"show": show} | changes
        if self.known.ride is not None:
            return links.ride(self.known.ride.pk, **{name: asked[name] for name in asked if name != "kinds"})
        return links.park(self.known.park.pk, **asked)

    def days(self) -> links.DayLinks:
        """Of each day of the park; of a ride, with its waits."""
        if self.known.ride is not None:
            return links.DayLinks(self.known.park.pk, ride=self.known.ride.pk)
        return links.DayLinks(self.known.park.pk, kinds=self.asked.kinds)

    def ride_on(self, ride: NamedRide) -> str:
        """Of this page of a day, with the waits of a ride."""
        asked = self.asked
        return links.day(self.known.park.pk, asked.first, kinds=asked.kinds, ride=ride.ride_id) + "#waits"

    def ride(self, ride_id: int, show: str = "") -> str:
        """Of a ride, over the same days."""
        return links.ride(ride_id, **{"from": self.asked.first, "to": self.asked.last, "show": show})

    def known_in_words(self) -> str:
        """Which days, for headings of pictures."""
        return f"{self.name}, {self.asked.first} to {self.asked.last}"


@dataclass(frozen=True, slots=True)
class Step:
    """Days, weeks or months: what a period is shown by."""

    name: str  # day, week, month
    begin_of: Callable[[date], date]
    shown: Callable[[date], str]


STEPS = {
    "day": Step("day", lambda day: day, lambda day: f"{day:%a %Y-%m-%d}"),
    "week": Step("week", lambda day: day - timedelta(days=day.weekday()), lambda day: f"week of {day}"),
    "month": Step("month", lambda day: day.replace(day=1), lambda day: f"{day:%Y-%m}"),
}


def step_of(asked: Asked) -> Step:
    """As it is asked for, or as is legible over so many days."""
    chosen = asked.options.get("by") or (
        "day" if asked.days <= DAYS_AT_MOST else "week" if asked.days <= WEEKS_AT_MOST else "month"
    )
    return STEPS[chosen]
