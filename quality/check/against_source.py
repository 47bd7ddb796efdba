"""Sampled days held against the source's own figures of them: what no look at the tables alone can find.

A park's days are those that the History API told and that were imported; of a park without any, those of the archive.
Each park and day that differs is one finding with both numbers, which goes when a later comparison agrees. Days that
differed are looked at again whenever they can be asked for.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from quality import import_ledger, log
from quality.check.compared_day import REASON, ComparedDay, compare_day
from quality.check.days_to_compare import Request, requests, sample
from quality.check.source_figures import (
    Allowance,
    Beside,
    DailyFigures,
    DaysOutOfReach,
    FiguresAway,
    NoFigures,
    SourceDay,
)
from quality.covered_hours import CoveredHours
from quality.import_ledger import ARCHIVE, HISTORY, IMPORTED, FedDay
from quality.models import TO_DO, DataQualityLog
from warehouse.models import Park
from warehouse.text import count_of
from warehouse.zones import known_zone, local_day

DAYS_A_PARK = 3
DELISTED = "DELISTED"
BESIDE = (ARCHIVE, "CAPTURES")  # whose days are others than the park's own


@dataclass
class Comparison:
    """All that was compared, and what kept others from it, as sentences."""

    days: list[ComparedDay] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    recorded: log.Recorded = field(default_factory=log.Recorded)
    resolved: int = 0

    def outcome(self) -> str:
        """What became of the log, as one line."""
        new = count_of(self.recorded.new, "new finding")
        again, reopened = self.recorded.seen_again, self.recorded.reopened
        return f"{new}, {again:,} seen again ({reopened:,} opened again), {self.resolved:,} resolved"


@dataclass(frozen=True)
class _Chosen:
    """A park with its days, and what to ask of them."""

    park: Park
    zone: ZoneInfo
    days: Mapping[date, Beside]
    fed: list[FedDay]
    covered: CoveredHours
    requests: list[Request]


def compare(
    parks: Iterable[Park],
    first: date | None,
    last: date | None,
    figures: DailyFigures,
    now: datetime,
    *,
    days_a_park: int = DAYS_A_PARK,
    wait_limit: int,
    dry_run: bool = False,
    say: Callable[[str], object] = lambda sentence: None,
    show: Callable[[ComparedDay], object] = lambda day: None,
) -> Comparison:
    """Hold days of `parks` from `first` to `last` (the parks' own, both included; None: no limit) against `figures`.

    What is found is written as each answer comes; `say` is told what it will cost before anything is asked, `show`
    each day. FiguresAway: nothing could be asked at all. Call it outside of transactions.
    """
    comparison = Comparison()
    allowance = figures.allowance()
    chosen = [
        found
        for park in parks
        if (found := _choose(park, first, last, allowance, days_a_park, now, comparison.troubles))
    ]
    if chosen:
        say(_cost(chosen, allowance))
    asking = _Asking(figures, comparison, now, wait_limit, dry_run, show)
    try:
        for one in chosen:
            for request in one.requests:
                asking.ask(one, request)
    except FiguresAway as away:
        comparison.troubles.append(f"Stopped before all was asked: {away}")
    return comparison


# --- choosing ---------------------------------------------------------------------------------------------------------
def _choose(
    park: Park,
    first: date | None,
    last: date | None,
    allowance: Allowance,
    count: int,
    now: datetime,
    troubles: list[str],
) -> _Chosen | None:
    zone = known_zone(park.timezone)
    fed = import_ledger.fed_days(park.pk)
    covered = CoveredHours(import_ledger.of_park(park.pk), park.timezone)
    days = {
        day: beside
        for day, beside in _comparable(fed, covered, zone or UTC).items()
        if (first is None or first <= day) and (last is None or day <= last)
    }
    if not days:
        return None
    if zone is None:
        troubles.append(f"{park} has no time zone that is known, so its days cannot be told; set it, then compare")
        return None
    reach = allowance.earliest
    if reach and (lost := sum(day < reach for day in days)):
        troubles.append(f"{park}: {count_of(lost, 'day')} before {reach}, which this key does not reach, left out")
        days = {day: beside for day, beside in days.items() if day >= reach}
    seed = f"{park.themeparks_wiki_id} {now:%Y-%m-%d}"
    picked = sample(days, _differed(park, zone), count, seed)
    return _Chosen(park, zone, days, fed, covered, requests(park.pk, picked)) if picked else None


def _comparable(fed: list[FedDay], covered: CoveredHours, zone: tzinfo) -> dict[date, Beside]:
    """The days to compare, by what lies beside: those of the History API, or else whole ones of the archive."""
    imported = {(row.day, row.feed) for row in fed if row.outcome == IMPORTED}
    around = {day + timedelta(days=n) for day, feed in imported if feed in BESIDE for n in (-1, 0, 1)}
    of_history = {
        day: Beside.OTHER_RECORDS if day in around else Beside.NOTHING for day, feed in imported if feed == HISTORY
    }
    of_archive = {
        day: Beside.NO_WHOLE_DAY for day, feed in imported if feed == ARCHIVE and covered.tells(*local_day(day, zone))
    }
    return of_history or of_archive


def _differed(park: Park, zone: ZoneInfo) -> set[date]:
    """Days with a finding that waits."""
    rows = DataQualityLog.objects.filter(reason=REASON, park=park, resolution_status__in=TO_DO)
    return {start.astimezone(zone).date() for start in rows.values_list("timestamp_start", flat=True)}


def _cost(chosen: list[_Chosen], allowance: Allowance) -> str:
    asked = sum(len(one.requests) for one in chosen)
    days = sum(len(request.days) for one in chosen for request in one.requests)
    budget = "" if allowance.requests_an_hour is None else f" of {allowance.requests_an_hour:,} an hour"
    left = "" if allowance.remaining is None else f", of which {allowance.remaining:,} are left"
    return f"{count_of(days, 'day')} of {count_of(len(chosen), 'park')}: {count_of(asked, 'request')}{budget}{left}"


# --- asking -----------------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class _Asking:
    figures: DailyFigures
    comparison: Comparison
    now: datetime
    wait_limit: int
    dry_run: bool
    show: Callable[[ComparedDay], object]

    def ask(self, one: _Chosen, request: Request) -> None:
        """Compare the days of a request, and write what was found. FiguresAway."""
        days = list(request.days)
        try:
            try:
                told = self.figures.of_park(one.park.themeparks_wiki_id, days[0], days[-1])
            except DaysOutOfReach as error:  # the reach of the key was not known, or midnight came
                self.comparison.troubles.append(f"{one.park}: {error}")
                days = [day for day in days if day >= error.earliest]
                told = self.figures.of_park(one.park.themeparks_wiki_id, days[0], days[-1]) if days else []
        except (NoFigures, DaysOutOfReach) as error:
            self.comparison.troubles.append(f"{one.park}: {error}")
            return
        compared = [self._compare(one, day, told) for day in days]
        self.comparison.days += compared
        if not self.dry_run:
            self._write(compared)

    def _compare(self, one: _Chosen, day: date, told: list[SourceDay]) -> ComparedDay:
        refused = sum(row.rejected for row in one.fed if row.day == day)
        found = compare_day(
            ComparedDay(one.park, day, one.zone, one.days[day], refused),
            told,
            known_since=one.covered.told_since(local_day(day, one.zone)[0]),
            has_delisted=any(row.feed == DELISTED for row in one.fed),
            wait_limit=self.wait_limit,
        )
        self.show(found)
        return found

    def _write(self, days: list[ComparedDay]) -> None:
        recorded = log.record([day.finding() for day in days if day.different], self.now)
        self.comparison.recorded.new += recorded.new
        self.comparison.recorded.seen_again += recorded.seen_again
        self.comparison.recorded.reopened += recorded.reopened
        for day in days:
            if day.compared and not day.different:
                agreed = f"Compared again: {count_of(day.compared, 'ride')} agree with the source now."
                self.comparison.resolved += log.resolve_gone([day.finding().fingerprint], agreed, self.now)
