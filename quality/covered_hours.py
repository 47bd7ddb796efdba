"""Which hours the days of a park's ledger spoke for, and which no day did.

A day of the archive is taken to be UTC's: whether its files are cut by UTC or by the park's own day is not proven, and
by the park's own there would be no hole anywhere. A day of the History API is the park's own, from local midnight to
local midnight. Where the days of one feed end and those of the other begin, hours may lie that belong to neither:
docs/decisions/the-seam.md.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import pairwise
from operator import itemgetter

from quality.import_ledger import HISTORY, ParkLedger
from warehouse.days import ONE_DAY, midnight
from warehouse.zones import local_day, zone_or_utc

Span = tuple[datetime, datetime]  # UTC, half-open


def hours_of(feed: str, day: date, zone: tzinfo) -> Span:
    """What a feed's day of a park in this zone speaks for: 24 hours of UTC, or the 23 to 25 of the park's own day."""
    return local_day(day, zone) if feed == HISTORY else (midnight(day), midnight(day + ONE_DAY))


def days_touched(begin: datetime, end: datetime, zone: tzinfo = UTC) -> tuple[date, date]:
    """The first and the last calendar day of a zone that a half-open span reaches into."""
    return begin.astimezone(zone).date(), (end - timedelta.resolution).astimezone(zone).date()


def utc_days(begin: datetime, end: datetime) -> list[date]:
    """Every day of UTC that a half-open span reaches into."""
    first, last = days_touched(begin, end)
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


@dataclass(frozen=True, slots=True)
class Hole:
    """Hours (UTC, half-open) that nobody asked for, between a day of the feed `before` and one of the feed `after`."""

    begin: datetime
    end: datetime
    before: str
    after: str

    @property
    def hours(self) -> float:
        """How many; a few zones are half an hour off."""
        return (self.end - self.begin) / timedelta(hours=1)


@dataclass(slots=True)
class _Stretch:
    """Successive days without a hole, and of which feeds the first and the last of them are."""

    begin: datetime
    end: datetime
    begun_by: set[str]
    ended_by: set[str]


class CoveredHours:
    """Of one park, by its ledger and its zone. Without a zone its days are taken to be UTC's, and have no seams."""

    def __init__(self, ledger: ParkLedger, timezone: str):
        zone = zone_or_utc(timezone)
        spans = [(*hours_of(each.feed, each.day, zone), each) for each in ledger.days]
        told = _stretches((begin, end, each.feed) for begin, end, each in spans if each.was_read)
        # as for missing days: from the first day with events to the last one of the ledger
        began = min((begin for begin, _, each in spans if each.has_events), default=None)
        inside = [] if began is None else [(began, max(end for _, end, _ in spans))]
        outside = [(begin, end) for begin, end, each in spans if not each.was_read and (began is None or begin < began)]
        self._told = covered = [(stretch.begin, stretch.end) for stretch in told]
        pieces = _stretches((*piece, "") for span in inside + outside for piece in _less(span, covered))
        self._unasked = [(stretch.begin, stretch.end) for stretch in pieces]
        self.seam_holes = [hole for hole in _seam_holes(told, ledger) if began is not None and hole.begin >= began]

    def unasked_in(self, begin: datetime, end: datetime) -> bool:
        """Whether a half-open span touches hours that no day spoke for: nobody asked, or no file could be read."""
        begun_before_its_end = bisect_left(self._unasked, end, key=itemgetter(0))
        return begun_before_its_end > 0 and self._unasked[begun_before_its_end - 1][1] > begin

    def tells(self, begin: datetime, end: datetime) -> bool:
        """Whether days spoke for all of a half-open span."""
        return self.told_since(end) <= begin

    def told_since(self, instant: datetime) -> datetime:
        """Since when, without a hole until an instant, days spoke for every hour; the instant itself where none did."""
        begun_before = bisect_left(self._told, instant, key=itemgetter(0))
        begin, end = self._told[begun_before - 1] if begun_before else (instant, instant)
        return begin if end >= instant else instant


def _stretches(spans: Iterable[tuple[datetime, datetime, str]]) -> list[_Stretch]:
    found: list[_Stretch] = []
    for begin, end, feed in sorted(spans):
        last = found[-1] if found else None
        if last is None or begin > last.end:
            found.append(_Stretch(begin, end, {feed}, {feed}))
            continue
        if begin == last.begin:
            last.begun_by.add(feed)
        if end > last.end:
            last.end, last.ended_by = end, {feed}
        elif end == last.end:
            last.ended_by.add(feed)
    return found


def _seam_holes(told: list[_Stretch], ledger: ParkLedger) -> Iterator[Hole]:
    """What lies between two feeds, without the days (UTC) that are told on their own: missing or unreadable ones."""
    for one, other in pairwise(told):
        if not one.ended_by.isdisjoint(other.begun_by):
            continue
        days = [day for day in utc_days(one.end, other.begin) if ledger.was_not_read(day)]
        told_elsewhere = [(midnight(day), midnight(day + ONE_DAY)) for day in days]
        for begin, end in _less((one.end, other.begin), told_elsewhere):
            yield Hole(begin, end, min(one.ended_by), min(other.begun_by))


def _less(span: Span, others: Iterable[Span]) -> Iterator[Span]:
    """The pieces of a span that none of the others, which are in order and apart, covers."""
    begin, end = span
    for other_begin, other_end in others:
        if other_begin >= end:
            break
        if other_begin > begin:
            yield begin, other_begin
        begin = max(begin, other_end)
    if begin < end:
        yield begin, end
