"""What the source itself makes of a ride's day (its daily figures), and how it is held against ours. No database.

Exact is what both count: `changes` against our observations, and the highest wait. Minutes and mean waits follow from
rules that were captured in part, so they are equal within what is said here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Protocol

from quality.check.day_figures import RideDay

#: Operating and down minutes beside those that the source calls unknown, for which it takes the park's hours: we keep
#: none. Captured days: 933 are its 929 and 4, 300 are its 300. Looking half a minute later makes 2 of a day.
MINUTES_TOLERANCE = 2
#: The source gives whole minutes: 37.42 is its 37.
MEAN_TOLERANCE = 1.0


@dataclass(frozen=True, slots=True)
class SourceDay:
    """What the source says of one entity's day in its park. Minutes; None where it says nothing."""

    entity_id: str  # UUID in lower case
    name: str
    entity_type: str  # ATTRACTION, ...; empty: not said
    day: date
    changes: int | None
    operating_minutes: int | None = None
    down_minutes: int | None = None
    unknown_minutes: int | None = None  # None: counted under earlier rules
    mean_wait: float | None = None
    highest_wait: int | None = None


class FiguresAway(Exception):
    """Nothing can be asked now; the message says why, and until when."""


class NoFigures(Exception):
    """Nothing usable came of this park; the message says why. Others may be asked for."""


class DaysOutOfReach(Exception):
    """Some of the days are not to be had: nothing before the day `earliest` is."""

    def __init__(self, message: str, earliest: date):
        super().__init__(message)
        self.earliest = earliest


class Allowance(Protocol):
    """What may be asked. None where it is not known; `earliest` None: everything."""

    @property
    def earliest(self) -> date | None:
        """The first day that may be asked."""

    @property
    def requests_an_hour(self) -> int | None:
        """Of all who share the key."""

    @property
    def remaining(self) -> int | None:
        """Of these, now."""


class DailyFigures(Protocol):
    """Who is asked: named by settings.DAILY_FIGURES, since this app knows no source. Called outside of transactions."""

    def allowance(self) -> Allowance:
        """What may be asked, without spending any of it. FiguresAway."""

    def of_park(self, park: str, first: date, last: date) -> list[SourceDay]:
        """One request: the figures of a park (UUID), of 31 days at most. FiguresAway, NoFigures, DaysOutOfReach."""


class Beside(Enum):
    """What else may lie among the rows of a park's day, and so how far `changes` can be held against them."""

    NOTHING = "nothing"
    OTHER_RECORDS = "other records of the day lie beside: there may be more observations than changes"
    NO_WHOLE_DAY = "of the archive, whose days may be cut by UTC: minutes and waits alone"


@dataclass(frozen=True, slots=True)
class Difference:
    """Both numbers of one thing. None: that side has nothing."""

    what: str  # changes, operating minutes, down minutes, mean wait, highest wait
    ours: float | None
    source: float | None

    @property
    def size(self) -> float:
        """For the order: a share of the greater number, so that kinds of figures can be told in one list."""
        ours, source = self.ours or 0, self.source or 0
        return abs(ours - source) / max(ours, source, 1)

    def __str__(self) -> str:
        return f"{self.what} {_number(self.ours)} (the source: {_number(self.source)})"


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.1f}".removesuffix(".0")


def differences(ours: RideDay | None, source: SourceDay | None, beside: Beside, wait_limit: int) -> list[Difference]:
    """Of one ride's day. Ours None: the ride is not known here; source None: the source has no row of it.

    `wait_limit`: longer waits are not stored, so where the source has them waits are not compared.
    """
    found = list(_of_changes(ours, source, beside))
    if ours is not None and source is not None and source.unknown_minutes is not None:
        found += _of_minutes(ours, source, source.unknown_minutes)
        if ours.waits_are_sure and (source.highest_wait or 0) <= wait_limit:
            found += _of_waits(ours, source, source.unknown_minutes)
    return found


def _of_changes(ours: RideDay | None, source: SourceDay | None, beside: Beside) -> Iterable[Difference]:
    told = 0 if source is None else source.changes
    if told is None or beside is Beside.NO_WHOLE_DAY:
        return
    stored, live = (ours.observations, ours.live_observations) if ours else (0, 0)
    most = told if beside is Beside.NOTHING else stored
    if not stored - live <= most or not told <= stored:
        yield Difference("changes", None if ours is None else stored, None if source is None else told)


def _of_minutes(ours: RideDay, source: SourceDay, unknown: int) -> Iterable[Difference]:
    for what, stored, told in (
        ("operating minutes", ours.operating_minutes, source.operating_minutes),
        ("down minutes", ours.down_minutes, source.down_minutes),
    ):
        if told is None:
            continue
        too_few = stored + ours.unsure_minutes < told - MINUTES_TOLERANCE
        if too_few or stored > told + unknown + MINUTES_TOLERANCE:
            yield Difference(what, stored, told)


def _of_waits(ours: RideDay, source: SourceDay, unknown: int) -> Iterable[Difference]:
    ours_mean, source_mean = ours.mean_wait, source.mean_wait
    if ours_mean is not None and source_mean is not None:
        least, most = _means_without(ours.waits, unknown)
        if not least - MEAN_TOLERANCE <= source_mean <= most + MEAN_TOLERANCE:
            yield Difference("mean wait", round(ours_mean, 2), source_mean)
        if ours.highest_wait != source.highest_wait:
            yield Difference("highest wait", ours.highest_wait, source.highest_wait)
    elif source_mean is not None or len(ours.waits) > unknown + MINUTES_TOLERANCE:
        yield Difference("mean wait", ours_mean and round(ours_mean, 2), source_mean)


def _means_without(waits: tuple[int, ...], unknown: int) -> tuple[float, float]:
    """The lowest and the highest mean where so many of the minutes do not count, and it is not known which."""
    kept = max(1, len(waits) - unknown)
    ordered = sorted(waits)
    return sum(ordered[:kept]) / kept, sum(ordered[-kept:]) / kept
