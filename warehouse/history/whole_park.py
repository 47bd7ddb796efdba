"""A park's days, one after the other: what its rides did, by the rule of a ride's day and by what the park tells of it.

Which words hold, when the park was open, when nothing was heard of it and which nights its rides only seem to be open
is asked of the whole park, and of a day, the one before and the one after alone: so a day that is made alone is the
same as one that is made in a month. No database.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date
from itertools import pairwise
from zoneinfo import ZoneInfo

from warehouse.history.following import Followed, follow
from warehouse.history.frame import Frame, clock_of, minute_of, minutes_of
from warehouse.history.inferred_hours import RideHours, inferred
from warehouse.history.nights import Night, found_among, hours_of, may_lie_in_one
from warehouse.history.rule import DayOfPark, Milliseconds, carried_of, figures_of
from warehouse.history.whose_word import choose
from warehouse.history.words import (
    CARRIED_MS,
    DAY_MS,
    DOWN,
    OPERATING,
    STATUS,
    STATUS_CODES,
    UNKNOWN,
    ParkWords,
    State,
    Word,
)
from warehouse.models import DayTold, HoursSource
from warehouse.rides.openings import Opening
from warehouse.snapshot_id import RIDE_ID_BITS, ride_id_of

#: what a day was made from: its frame, and each ride through it
Seen = dict[date, tuple[Frame, dict[int, Followed]]]
SILENCE_MS = DAY_MS  # of a whole park
_NOTHING = State(UNKNOWN, 0)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a park beside its rows. `scheduled`: hours by day, of those alone of which somebody told them
    (none on a day that is closed). `attractions`: which of the rides are some."""

    zone: ZoneInfo | None
    now_ms: int
    scheduled: Mapping[date, tuple[tuple[Milliseconds, ...], HoursSource]] = field(default_factory=dict)
    attractions: Collection[int] = ()
    openings: Mapping[int, Opening] = field(default_factory=dict)


@dataclass(slots=True)
class _Day:
    """One day while it is looked at."""

    park: ParkWords
    words: dict[int, list[Word]]  # those that hold
    told_by: DayTold | None
    sorted: list[Word] | None = None

    @property
    def first_ms(self) -> int:
        return min(said[0][0] for said in self.words.values()) >> RIDE_ID_BITS

    @property
    def last_ms(self) -> int:
        return max(said[-1][0] for said in self.words.values()) >> RIDE_ID_BITS

    def in_time(self) -> list[Word]:
        if self.sorted is None:
            self.sorted = sorted(word for said in self.words.values() for word in said)
        return self.sorted


def days_of(
    days: Iterable[ParkWords], states: dict[int, State], known: Known, seen: Seen | None = None
) -> Iterator[DayOfPark]:
    """The days but for the first two and the last one, which are read for what they say of those between: consecutive
    ones, and how the rides stood before them all (`states`, by ride_id). Days without a word are left out. `seen` is
    given what each day was made from."""
    window: list[_Day] = []
    late: tuple[Milliseconds, ...] = ()  # hours of the day before
    for number, park in enumerate(days):
        window.append(_Day(park, *choose(park.words, park.begin_ms, park.end_ms)))
        if number == 1:
            _follow(window[0], states, {})
        if number < 2:
            continue
        before, day, after = window
        opening = {
            ride_id: opening
            for ride_id, opening in known.openings.items()
            if before.park.begin_ms < opening.opens_ms <= day.park.begin_ms
        }
        followed = _follow(day, states, opening)
        nights = _nights(before, day, after, known.zone)
        hours, source = known.scheduled.get(day.park.day) or _inferred(day, after, followed, nights, known)
        if number > 2 and day.told_by is not None:
            frame = _frame(before, day, after, (*late, *hours), nights, known)
            rides = {
                ride_id: figures_of(
                    frame,
                    ride,
                    _closed_next(ride, after.words.get(ride_id, ()), hours, day.park.end_ms),
                    carried_of(ride.leaves, hours, day.park.end_ms),
                )
                for ride_id, ride in followed.items()
            }
            if seen is not None:
                seen[day.park.day] = (frame, followed)
            yield DayOfPark(day.park.day, day.told_by, hours, source, rides)
        late = hours
        window.pop(0)


def state_of(opening: Opening) -> State:
    """How a ride stood at the first midnight of its record."""
    status = STATUS_CODES[opening.status]
    return State(status, opening.observed_ms, opening.wait_time if status == OPERATING else None)


def _follow(day: _Day, states: dict[int, State], openings: Mapping[int, Opening]) -> dict[int, Followed]:
    """Each ride of which something is known through the day; `states` become those of its end."""
    park = day.park
    for ride_id, opening in openings.items():
        if states.get(ride_id, _NOTHING).status == UNKNOWN:  # else rows before it know better
            states[ride_id] = state_of(opening)
    found = {}
    for ride_id in sorted(states.keys() | day.words.keys()):
        found[ride_id] = followed = follow(
            states.pop(ride_id, None),
            day.words.get(ride_id, ()),
            park.begin_ms,
            park.end_ms,
            park.queues,
            park.leaves.get(ride_id),
        )
        if followed.leaves and day.told_by is None and followed.leaves.status in (OPERATING, DOWN):
            followed.leaves = State(UNKNOWN, followed.leaves.heard_ms)
        if followed.leaves and followed.leaves.heard_ms + CARRIED_MS > park.end_ms:
            states[ride_id] = followed.leaves
    return found


def _nights(before: _Day, day: _Day, after: _Day, zone: ZoneInfo | None) -> list[Night]:
    """Those of three days that touch the middle one. Of most parks nothing is said at night: that is asked first."""
    if zone is None:
        return []
    three = (before, day, after)
    said = [each.words for each in three]
    if not any(may_lie_in_one(said, number, hours_of(each.park.day, zone)) for number, each in enumerate(three)):
        return []
    words = [word for each in three for word in each.in_time()]
    rows = ((ride_id_of(key), key >> RIDE_ID_BITS, code & STATUS, wait) for key, code, wait in words)
    begin_ms, end_ms = day.park.begin_ms, day.park.end_ms
    return [night for night in found_among(rows, zone) if night.begin_ms < end_ms and night.end_ms > begin_ms]


def _inferred(
    day: _Day, after: _Day, followed: Mapping[int, Followed], nights: list[Night], known: Known
) -> tuple[tuple[Milliseconds, ...], HoursSource | None]:
    """Hours asked of the attractions that spoke that day, of all that did where none of them is known to be one."""
    asked = [ride_id for ride_id in day.words if ride_id in known.attractions] or list(day.words)
    rides = [
        RideHours(followed[ride_id].changes, day.words[ride_id], after.words.get(ride_id, ())) for ride_id in asked
    ]
    hours = inferred(rides, day.park.end_ms, nights)
    return hours, HoursSource.INFERRED if hours else None


def _frame(
    before: _Day, day: _Day, after: _Day, hours: tuple[Milliseconds, ...], nights: list[Night], known: Known
) -> Frame:
    park = day.park
    minutes = minute_of(park.begin_ms, min(park.end_ms, known.now_ms))
    return Frame(
        park.begin_ms,
        minutes,
        minutes_of(park.begin_ms, minutes, hours),
        minutes_of(park.begin_ms, minutes, _silences(before, day, after, known.now_ms)),
        minutes_of(park.begin_ms, minutes, ((night.begin_ms, night.end_ms) for night in nights)),
        clock_of(park.begin_ms, minutes, known.zone or UTC),
    )


def _silences(before: _Day, day: _Day, after: _Day, now_ms: int) -> list[Milliseconds]:
    """Where a day or more lies between two words of the park, or between its last one and now.

    Beyond the day after nobody looks: where that day says nothing, the park is silent from this day's last word on.
    """
    words = [before.last_ms] if before.words else []
    words.append(day.first_ms)
    if day.park.end_ms - day.park.begin_ms > SILENCE_MS:
        words += [key >> RIDE_ID_BITS for key, _, _ in day.in_time()]
    words.append(day.last_ms)
    if after.words:
        words.append(after.first_ms)
    else:
        words.append(now_ms if now_ms < after.park.end_ms else words[-1] + SILENCE_MS)
    found = [(one, other) for one, other in pairwise(words) if other - one >= SILENCE_MS]
    if found and not after.words and found[-1][1] == words[-1]:
        found[-1] = (found[-1][0], day.park.end_ms)
    return found


def _closed_next(ride: Followed, words: Sequence[Word], hours: tuple[Milliseconds, ...], end_ms: int) -> int | None:
    """When a ride that was left OPERATING stops, on the next day; None where the park was closed at midnight, and
    nobody knows whether it ran until then, or where it runs on."""
    if not any(opens < end_ms < closes for opens, closes in hours):
        return None
    return next((key >> RIDE_ID_BITS for key, code, _ in words if code & STATUS != OPERATING), None)
