"""The same period of years before, day by day: only pairs of days of which both are known are added."""

from dataclasses import dataclass
from datetime import date, time, timedelta
from enum import Enum

from warehouse.days import end_of_month
from warehouse.history.questions.days import KnownDays, Range
from warehouse.history.questions.extent import first_day
from warehouse.history.questions.sums import Sums, total

_DAYS_OF_YEAR = 365.2425


class Matched(Enum):
    """By what a day finds its like in a year before.

    WEEKDAYS: as many whole weeks before as come nearest to the years (52, 104, 157, 209, 261), so that a Saturday is
    held against a Saturday. DATES: the same date; February 29 has none in most years, and is in no pair. MONTHS, YEARS:
    by dates as well, the period made wider to whole calendar months or years.
    """

    WEEKDAYS = "weekdays"
    DATES = "dates"
    MONTHS = "months"
    YEARS = "years"


@dataclass(frozen=True, slots=True)
class Pair:
    """A day and its like; `before_day` None: there is no such date. Sums are None where nothing is known."""

    day: date
    now: Sums | None
    before_day: date | None
    before: Sums | None

    @property
    def is_known(self) -> bool:
        """Whether both are: such pairs alone are added."""
        return self.now is not None and self.before is not None


@dataclass(frozen=True, slots=True)
class Comparison:
    """A period and the same one `years` before. `now` and `before` are the sums of the pairs that are known."""

    years: int
    matched: Matched
    first: date
    last: date
    before_first: date
    before_last: date
    until: time | None  # the last day is today: it and its like count until this local time of day
    pairs: list[Pair]
    now: Sums
    before: Sums

    @property
    def days(self) -> int:
        """That were asked for, and are not to come."""
        return len(self.pairs)

    @property
    def days_matched(self) -> int:
        """Of `days`: both are known."""
        return sum(pair.is_known for pair in self.pairs)

    @property
    def wait_change(self) -> float | None:
        """0.1: the mean wait is 10 % higher than it was. None where either showed no wait, or it was 0."""
        now, before = self.now.standby_mean, self.before.standby_mean
        return now / before - 1 if now is not None and before else None

    @property
    def down_change(self) -> float | None:
        """0.02: two percentage points more of the time down."""
        now, before = self.now.down_share, self.before.down_share
        return now - before if now is not None and before is not None else None


def years_before(
    known: KnownDays,
    matched: Matched = Matched.WEEKDAYS,
    years: int | None = None,
    *,
    earliest: date | None = None,
) -> list[Comparison]:
    """One a year, the nearest first: as many as there are days of (or `years` at most). `known` is the period itself,
    `earliest` the first day of all, if it is known already.

    If its last day is today, today and its likes are both read from the rows until the same time of the local clock: a
    fifth of a second and 7 queries a year, so a page asks for one or two `years` then.
    """
    period = _widened(known, matched)
    if known.ranges != [period]:
        known = known.over([period])
    earliest = earliest or first_day(known.parks)
    if earliest is None:
        return []
    shifts: list[tuple[int, Range]] = []
    while years is None or len(shifts) < years:
        before = _period_before(known, matched, len(shifts) + 1)
        if before[1] < earliest:
            break
        shifts.append((len(shifts) + 1, before))
    if not shifts:
        return []
    until = known.now.astimezone(known.zone).time() if known.first <= known.today <= known.last else None
    # all at once: years that lie over each other are read once
    of_days = known.over([period, *(before for _, before in shifts)]).by_day()
    return [_comparison(known, matched, n, before, until, of_days) for n, before in shifts]


def _comparison(
    known: KnownDays,
    matched: Matched,
    years: int,
    before: Range,
    until: time | None,
    of_days: dict[date, Sums],
) -> Comparison:
    pairs = []
    for day in known.days:
        like = _like(day, matched, years)
        of_like = of_days.get(like) if like else None
        if until is not None and like and day == known.today and day in of_days:
            of_like = known.until(like, until)
        pairs.append(Pair(day, of_days.get(day), like, of_like))
    both = [pair for pair in pairs if pair.is_known]
    sums = total(pair.now for pair in both), total(pair.before for pair in both)
    return Comparison(years, matched, known.first, known.last, *before, until, pairs, *sums)


def _widened(known: KnownDays, matched: Matched) -> Range:
    first, last = known.first, known.last
    if matched is Matched.MONTHS:
        return first.replace(day=1), end_of_month(last)
    if matched is Matched.YEARS:
        return first.replace(month=1, day=1), last.replace(month=12, day=31)
    return first, last


def _period_before(known: KnownDays, matched: Matched, years: int) -> Range:
    first, last = _like(known.first, matched, years), _like(known.last, matched, years)
    if first is None:  # February 29
        first = date(known.first.year - years, 3, 1)
    if last is None or (matched is Matched.MONTHS):
        last = end_of_month(date(known.last.year - years, known.last.month, 1))
    return first, last


def _like(day: date, matched: Matched, years: int) -> date | None:
    if matched is Matched.WEEKDAYS:
        return day - timedelta(weeks=round(years * _DAYS_OF_YEAR / 7))
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return None
