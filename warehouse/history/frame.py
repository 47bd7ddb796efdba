"""The minutes of a park's day as its rides are looked at: which there are, which lie in its hours, which are silent or
a night, and which hour its clock shows. Ranges of minutes are half-open, by number from local midnight on."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from itertools import groupby

from warehouse.instants import instant_at

MINUTE_MS = 60_000
QUARTER = 15  # zones differ from UTC, and clocks are changed, by multiples of it

#: (first, behind the last), ascending and apart
Ranges = Sequence[tuple[int, int]]


@dataclass(slots=True)
class Frame:
    """Of one park and day. `minutes`: how many are looked at, up to `now`."""

    begin_ms: int
    minutes: int
    hours: Ranges
    silences: Ranges
    nights: Ranges
    clock: Sequence[tuple[int, int]]  # of each minute the hour there, and the first minute behind it
    is_plain: bool = field(init=False)
    first: int = field(init=False, default=0)  # of hours in one piece
    last: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.is_plain = not self.silences and not self.nights and len(self.hours) <= 1
        if self.hours:
            self.first, self.last = self.hours[0]

    def known(self, begin: int, end: int, said_until: int, shows_none: bool) -> list[tuple[int, int]]:
        """What of a stretch OPERATING counts as that: in the hours, or up to the minute `said_until`; and heard of,
        and no night where it shows no wait."""
        pieces = self.hours_in(begin, end)
        if said_until > begin:
            pieces = merged([*pieces, (begin, min(end, said_until))])
        pieces = without(pieces, self.silences)
        return without(pieces, self.nights) if shows_none else pieces

    def hours_in(self, begin: int, end: int) -> list[tuple[int, int]]:
        """What of a stretch lies in the park's hours."""
        return common([(begin, end)], self.hours)

    def is_night(self, minute: int) -> bool:
        """Whether a minute lies in a night."""
        return any(begin <= minute < end for begin, end in self.nights)


def minute_of(begin_ms: int, at_ms: int) -> int:
    """The number of the first minute that is not before an instant."""
    return -((begin_ms - at_ms) // MINUTE_MS)


def minutes_of(begin_ms: int, most: int, ranges_ms: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges of milliseconds as those of minutes of the day, which has `most`."""
    found = ((max(0, minute_of(begin_ms, first)), min(most, minute_of(begin_ms, last))) for first, last in ranges_ms)
    return merged(found)


def clock_of(begin_ms: int, minutes: int, zone: tzinfo) -> Sequence[tuple[int, int]]:
    """Of each minute from an instant on the hour of the clock in a zone, and the first minute of another hour."""
    first = instant_at(begin_ms).astimezone(zone)
    if first.utcoffset() == instant_at(begin_ms + minutes * MINUTE_MS).astimezone(zone).utcoffset():
        return _even_clock(first.hour * 60 + first.minute, minutes)
    quarters = range(0, minutes, QUARTER)
    return _spread([instant_at(begin_ms + at * MINUTE_MS).astimezone(zone).hour for at in quarters])


@lru_cache(64)
def _even_clock(first: int, minutes: int) -> Sequence[tuple[int, int]]:
    """Of a day on which nobody changes the clocks, from a minute of it on: nearly all are the same one."""
    return tuple(_spread([(first + at) // 60 % 24 for at in range(0, minutes, QUARTER)]))


def _spread(hours: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for hour, same in groupby(hours):
        end = len(found) + QUARTER * sum(1 for _ in same)
        found += [(hour, end)] * (end - len(found))
    return found


def merged(ranges: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """All of them together, in order."""
    found: list[tuple[int, int]] = []
    for begin, end in sorted(ranges):
        if begin >= end:
            continue
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def common(some: Ranges, others: Ranges) -> list[tuple[int, int]]:
    """What lies in both."""
    if len(others) == 1:  # as hours of most days are
        ((first, last),) = others
        return [(max(begin, first), min(end, last)) for begin, end in some if begin < last and first < end]
    found = []
    for begin, end in some:
        at = bisect_right(others, begin, key=lambda other: other[1])
        while at < len(others) and others[at][0] < end:
            found.append((max(begin, others[at][0]), min(end, others[at][1])))
            at += 1
    return found


def without(some: Ranges, taken: Ranges) -> list[tuple[int, int]]:
    """What of the first lies in none of the second."""
    if not taken:
        return list(some)
    found = []
    for begin, end in some:
        for first, last in common([(begin, end)], taken):
            if begin < first:
                found.append((begin, first))
            begin = last
        if begin < end:
            found.append((begin, end))
    return found


def length(ranges: Ranges) -> int:
    """Minutes of them all."""
    return sum(end - begin for begin, end in ranges)
