"""Nights through which a closed park's rides say OPERATING without a wait, again and again.

Some feeds never say that a park closes: of one, 516 of 648 readings of closed parks said OPERATING
(https://github.com/ThemeParks/parksapi/issues/316). Taken at their word the rides would operate for 24 hours a day, and
zeros of the night would halve an average wait. Nobody tells us when a park is open, so the park itself is asked: a
stretch is such a night when, all of it,

- no ride of the park shows a wait, and none changes its status or its wait (0 and none are the same),
- the park is heard of at least every SILENCE, and rides say OPERATING without a wait WORDS_AT_LEAST times,
- and it holds the hours from NIGHT_BEGINS to NIGHT_ENDS of the park's own clock.

So a quiet day of honest zeros is none, which ends with the evening; nor is a night in which somebody waits anywhere.
Without a time zone nobody knows when night is, and there is none.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from warehouse.history.words import OPERATING, STATUS, Word
from warehouse.instants import instant_at, milliseconds_of
from warehouse.snapshot_id import RIDE_ID_BITS

NIGHT_BEGINS, NIGHT_ENDS = time(3), time(5)  # local: no evening lasts so long, and nobody opens so early
SILENCE = timedelta(hours=3)  # who says nothing for so long does not say it again and again
WORDS_AT_LEAST = 6  # of the night, all rides together; a row that says what stands already

_SILENCE_MS = SILENCE // timedelta(milliseconds=1)
_NIGHT_MS = 2 * 3_600_000
_DAY_MS = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Night:
    """From and to in milliseconds since 1970 UTC, half-open; how often OPERATING without a wait was said."""

    begin_ms: int
    end_ms: int
    words: int


class NightWatch:
    """Finds the nights of a park whose observations, of all rides, are shown to it in the order of time.

    For each row: `waits` where it shows a wait, else `words` + 1 where it says OPERATING; `turns` where it changes what
    stands. `ends` when there are no more. The attributes are open to the pass over months, which shows 1.1 million rows
    a second and looks before it calls.
    """

    __slots__ = ("_zone", "found", "last_ms", "since_ms", "words")

    def __init__(self, zone: ZoneInfo | None):
        self._zone = zone
        self.since_ms = self.last_ms = self.words = 0
        self.found: list[Night] = []

    def turns(self, ms: int) -> None:
        """A wait is shown at `ms`, or something changed: what was quiet was so until then."""
        if self.words >= WORDS_AT_LEAST and ms - self.since_ms >= _NIGHT_MS and self.nights_in(self.since_ms, ms):
            self.found.append(Night(self.since_ms, ms, self.words))
        self.since_ms, self.words = ms, 0

    def falls_silent(self, last_ms: int, ms: int) -> None:
        """Nothing was heard of the park between the two: it was quiet until the first, and may be from the second."""
        self.turns(last_ms)
        self.since_ms = ms

    def nights_in(self, begin_ms: int, end_ms: int) -> int:
        """How many times the hours of the night lie wholly in a range."""
        if self._zone is None:
            return 0
        first, last = (instant_at(ms).astimezone(self._zone).date() for ms in (begin_ms, end_ms))
        return sum(
            begin_ms <= begin and end <= end_ms
            for n in range((last - first).days + 1)
            for begin, end in [hours_of(first + timedelta(days=n), self._zone)]
        )


def found_among(rows: Iterable[tuple[int, int, int, int | None]], zone: ZoneInfo | None) -> list[Night]:
    """The nights of rows of a park in the order of time: (ride_id, milliseconds, status as
    warehouse.history.words has them, wait). They may begin with the
    first row and end with the last, before and after which nobody looked."""
    watch = NightWatch(zone)
    states: dict[int, tuple[int, int]] = {}
    for ride_id, ms, status, wait in rows:
        if ms - watch.last_ms >= _SILENCE_MS:
            watch.falls_silent(watch.last_ms or ms, ms)
        watch.last_ms = ms
        before = states.get(ride_id)
        states[ride_id] = state = (status, wait or 0)
        if wait or (before is not None and before != state):
            watch.turns(ms)
        elif status == OPERATING:
            watch.words += 1
    watch.turns(watch.last_ms)
    return watch.found


def may_lie_in_one(days: Sequence[Mapping[int, Sequence[Word]]], number: int, hours: tuple[int, int]) -> bool:
    """False where the hours of the night of one of consecutive days surely lie in no night; far sooner told than which
    nights there are. `days`: of each the words by ride_id, ascending and none empty; `hours`: as `hours_of`.

    A park that is heard of every SILENCE is heard of in them or shortly before and after. And a ride that says
    OPERATING without a wait in a night stands so all through it: by its last word until then or, where there is none,
    by its next one.
    """
    begin_ms, end_ms = hours
    around_ms = _SILENCE_MS - (end_ms - begin_ms)
    begin, end = (begin_ms - around_ms << RIDE_ID_BITS,), (end_ms + around_ms << RIDE_ID_BITS,)
    is_heard = False
    for said in days[number].values():
        for key, _, wait in said[bisect_left(said, begin) : bisect_left(said, end)]:
            if wait and begin_ms < key >> RIDE_ID_BITS < end_ms:
                return False
            is_heard = True
    return is_heard and any(code & STATUS == OPERATING and not wait for _, code, wait in _standing(days, begin_ms))


def _standing(days: Sequence[Mapping[int, Sequence[Word]]], at_ms: int) -> Iterator[Word]:
    """Of each ride its last word up to an instant or, where there is none, its next one."""
    behind = (at_ms + 1 << RIDE_ID_BITS,)
    for ride_id in set().union(*days):
        said = [word for day in days for word in day.get(ride_id, ())]
        yield said[max(bisect_left(said, behind) - 1, 0)]


def hours_of(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """From and to of the hours of the night that begins a day, in milliseconds."""
    begin, end = (milliseconds_of(datetime.combine(day, hour, tzinfo=zone)) for hour in (NIGHT_BEGINS, NIGHT_ENDS))
    return begin, end
