"""When a park was open, asked of its own rows: for days of which no schedule is known.

A park opens when the first rides change to OPERATING, and closes when the last ones leave it. One alone is not heard: a
tenth of the rides that operated that day must have opened by then, and as many close so late, so that a test run in the
morning opens no park. Where nobody says that rides open or close, their first and last words of operating stand for it,
and midnight where they operate before and after it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from warehouse.history.following import Change
from warehouse.history.frame import merged, without
from warehouse.history.nights import Night
from warehouse.history.words import CLOSED, DOWN, HOUR_MS, OPERATING, REFURBISHMENT, STATUS, Word
from warehouse.snapshot_id import RIDE_ID_BITS

LATEST_MS = 5 * HOUR_MS  # after midnight: a ride that is still open then and closes until 5 was open that long
SHARE = 10  # of the rides: one of so many, one at least

_SHUT = (CLOSED, REFURBISHMENT)


@dataclass(slots=True)
class RideHours:
    """Of one ride: the changes of its day, the first as it stood at midnight; its words of the day and of the next
    one, ascending."""

    changes: Sequence[Change]
    words: Sequence[Word]
    next_words: Sequence[Word]


def inferred(rides: Collection[RideHours], end_ms: int, nights: Sequence[Night]) -> tuple[tuple[int, int], ...]:
    """From and to in milliseconds, ascending; () where no ride operated. `end_ms`: the day's end; `nights`: its own."""
    opened: list[int] = []
    said: list[tuple[int, int]] = []  # first and last word of operating
    for ride in rides:
        first, last = _first_said(ride.words, nights), _first_said(reversed(ride.words), nights)
        if first is not None and last is not None:
            said.append((first, last))
            turns = (
                at
                for (_, before, _), (at, status, _) in pairwise(ride.changes)
                if status == OPERATING != before and not _within(nights, at)
            )
            if (turn := next(turns, None)) is not None:
                opened.append(turn)
    if not said:
        return ()
    quorum = -(-len(said) // SHARE)
    opens = sorted(opened if len(opened) >= quorum else [first for first, _ in said])[quorum - 1]
    closes = _closes(rides, opens, end_ms, quorum)
    if closes is None:
        closes = sorted((last for _, last in said), reverse=True)[quorum - 1]
        closes = next((night.begin_ms for night in nights if closes <= night.begin_ms < end_ms), closes)
        if sum(_goes_on(ride, end_ms, nights) for ride in rides) >= quorum:
            closes = end_ms
    open_ = without(merged([(opens, closes)]), [(night.begin_ms, night.end_ms) for night in nights])
    return tuple(open_)


def _closes(rides: Iterable[RideHours], opens: int, end_ms: int, quorum: int) -> int | None:
    """The last change away from OPERATING; from DOWN, where that says more than nothing."""
    for status in (OPERATING, DOWN):
        found = [at for ride in rides if (at := _left(ride, status, end_ms)) is not None and at > opens]
        if len(found) >= quorum:
            return sorted(found, reverse=True)[quorum - 1]
    return None


def _left(ride: RideHours, left: int, end_ms: int) -> int | None:
    """When a ride last changed from a status to a shut one: until 5 of the next day if it stood so at midnight."""
    if ride.changes[-1][1] == left:
        for key, code, _ in ride.next_words:
            if key >> RIDE_ID_BITS >= end_ms + LATEST_MS:
                break
            if code & STATUS in _SHUT:
                return key >> RIDE_ID_BITS
            if code & STATUS != left:
                break
    changes = ride.changes
    for n in range(len(changes) - 1, 0, -1):
        if changes[n][1] in _SHUT and changes[n - 1][1] == left:
            return changes[n][0]
    return None


def _goes_on(ride: RideHours, end_ms: int, nights: Sequence[Night]) -> bool:
    """Whether a ride operates at midnight and says so again before 5: a park that is open round the clock."""
    if ride.changes[-1][1] != OPERATING or not ride.next_words:
        return False
    at, code = ride.next_words[0][0] >> RIDE_ID_BITS, ride.next_words[0][1]
    return at < end_ms + LATEST_MS and code & STATUS == OPERATING and not _within(nights, at)


def _first_said(words: Iterable[Word], nights: Sequence[Night]) -> int | None:
    """When these words say OPERATING first, nights apart."""
    for key, code, _ in words:
        if code & STATUS == OPERATING and not _within(nights, key >> RIDE_ID_BITS):
            return key >> RIDE_ID_BITS
    return None


def _within(nights: Iterable[Night], at: int) -> bool:
    return any(night.begin_ms <= at < night.end_ms for night in nights)
