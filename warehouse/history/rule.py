"""The rule of a ride's day: what counts as which of the five kinds of minutes, and which wait was shown when.

The day is looked at on each full minute from local midnight on, as the History API's own summaries look at it
(/history/daily; docs/decisions/figures-by-time.md says what differs and why). A status holds until the next word of the
ride. Unknown is a minute in which nobody can say how the ride stood:

- before its first word, where no opening says it,
- OPERATING outside the park's hours, of which the ride last said 4 hours before that it opens, or the day before,
- OPERATING or DOWN while nothing was heard of the whole park for a day (warehouse.history.whole_park),
- 92 days after its last word,
- OPERATING without a wait in a night through which closed rides say so (warehouse.history.nights).

A wait is shown while OPERATING alone. No database: facts go in, figures come out.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple, TypeVar

from warehouse.history import clock_hours
from warehouse.history.following import Followed
from warehouse.history.frame import Frame, common, length, minute_of
from warehouse.history.words import CLOSED, DOWN, HOUR_MS, OPERATING, REFURBISHMENT, UNKNOWN, State
from warehouse.instants import instant_at
from warehouse.models import DayTold, HoursSource

#: Kept with each row: rows of other rules are made anew. 2: nights of which nothing is said from 3 to 5 are some, too.
RULES_VERSION = 2
SAID_MS = 4 * HOUR_MS  # for so long OPERATING holds outside the park's hours

Milliseconds = tuple[int, int]
Told = TypeVar("Told")
#: status, first minute and the one behind the last, wait
Piece = tuple[int, int, int, int | None]


class Figures(NamedTuple):
    """One ride's day, by the names of the columns of ride_days (warehouse.day_models.RideDay)."""

    observations: int
    operating_minutes: int
    down_minutes: int
    closed_minutes: int
    refurbishment_minutes: int
    unknown_minutes: int
    hours_minutes: int
    hours_operating: int
    hours_down: int
    hours_closed: int
    hours_refurbishment: int
    hours_unknown: int
    standby_minutes: int
    standby_sum: int
    standby_min: int | None
    standby_p50: int | None
    standby_p90: int | None
    standby_max: int | None
    single_minutes: int
    single_sum: int
    single_min: int | None
    single_p50: int | None
    single_p90: int | None
    single_max: int | None
    first_operating_at: datetime | None
    last_closed_at: datetime | None
    return_minutes: int
    price_min: Decimal | None
    price_max: Decimal | None
    price_currency: str | None
    hours: bytes | None
    carried: int


@dataclass(frozen=True, slots=True)
class DayOfPark:
    """A park's day of which something was heard. `hours`: from and to in milliseconds since 1970 UTC, ascending and
    apart, of this day alone: those of the day before may reach into it. `rides`: by ride_id, each of which a word is
    known that is not older than 92 days."""

    day: date
    told_by: DayTold
    hours: tuple[Milliseconds, ...]
    hours_source: HoursSource | None  # None: there are no hours
    rides: dict[int, Figures]


def figures_of(
    frame: Frame, ride: Followed, closed_next_ms: int | None, carried: int, pieces_seen: list[Piece] | None = None
) -> Figures:
    """Of one ride's day. `closed_next_ms`: when the run ends that it left the day with, where that is known.
    `pieces_seen` is given the stretches that count as each status (warehouse.history.segments)."""
    minutes = [0] * 5
    within = [0] * 5
    waits: dict[int, int] = {}  # minutes by wait
    of_hour, waited = [0] * 24, [0] * 24  # by hour of the clock: minutes, wait x minutes
    values: list[int] = []  # of the standby line, also those that no full minute saw
    operating: list[tuple[int, int]] = []
    down: list[tuple[int, int]] = []
    begin_ms, most, clock = frame.begin_ms, frame.minutes, frame.clock
    plain, first, last = frame.is_plain, frame.first, frame.last
    opened_ms = run_ms = closed_ms = None
    said_until = 0
    before = -1
    held = ride.held
    begin = run_begin = run_end = 0
    # a ride has a hundred changes a day, a park's month 750,000: what is done of each is written out
    ends = [-((begin_ms - change[0]) // 60_000) for change in ride.changes[1:]]
    for (at_ms, status, wait), end in zip(ride.changes, (*ends, most), strict=True):
        if end > most:
            end = most
        if status != before:
            if before == OPERATING:
                closed_ms = at_ms if status != UNKNOWN else None
            if status == OPERATING and before >= 0:
                run_ms = at_ms
                closed_ms = None
                opened_ms = at_ms if opened_ms is None else opened_ms
                said_until = minute_of(begin_ms, at_ms + SAID_MS)
            before = status
        if status == OPERATING:
            if begin >= end:
                pieces: Sequence[tuple[int, int]] = ()
            elif begin == run_end and plain and first <= begin and end <= last and pieces_seen is None:
                pieces = ()  # as below, of most changes
                run_end = end
                if wait is not None:
                    waits[wait] = waits.get(wait, 0) + end - begin
                    while begin < end:
                        hour, stop = clock[begin]
                        if stop > end:
                            stop = end
                        of_hour[hour] += stop - begin
                        waited[hour] += wait * (stop - begin)
                        begin = stop
            elif plain and first <= begin and end <= last:
                pieces = ((begin, end),)
            else:
                pieces = frame.known(begin, end, said_until, not (wait or held))
            for a, b in pieces:
                if pieces_seen is not None:
                    pieces_seen.append((OPERATING, a, b, wait))
                if a != run_end:
                    operating.append((run_begin, run_end))
                    run_begin = a
                run_end = b
                if wait is not None:
                    waits[wait] = waits.get(wait, 0) + b - a
                    while a < b:
                        hour, stop = clock[a]
                        if stop > b:
                            stop = b
                        of_hour[hour] += stop - a
                        waited[hour] += wait * (stop - a)
                        a = stop
            if wait is not None and not plain and (wait or not frame.is_night(begin)):
                values.append(wait)
        elif begin < end:
            pieces = ((begin, end),)
            if status == DOWN:
                pieces = frame.known(begin, end, end, False)
                down += pieces
            minutes[status] += length(pieces)
            if pieces_seen is not None and status:
                pieces_seen += [(status, a, b, None) for a, b in pieces]
            within[status] += length(common(pieces, frame.hours))
        held = None
        if begin < end:
            begin = end
    operating.append((run_begin, run_end))
    operating = [piece for piece in operating if piece[0] < piece[1]]
    minutes[OPERATING], within[OPERATING] = length(operating), length(common(operating, frame.hours))
    hours = length(frame.hours)
    minutes[0] = most - sum(minutes[1:])
    within[0] = hours - sum(within[1:])
    if run_ms is not None and before == OPERATING:
        closed_ms = closed_next_ms
    if plain:
        values = [change[2] for change in ride.changes if change[2] is not None]
    standby = _Line(waits, values) if values or waits else _NO_LINE
    single = _single(frame, ride, operating)
    prices = _prices(ride.prices)
    return Figures(
        observations=ride.observations,
        operating_minutes=minutes[OPERATING],
        down_minutes=minutes[DOWN],
        closed_minutes=minutes[CLOSED],
        refurbishment_minutes=minutes[REFURBISHMENT],
        unknown_minutes=minutes[0],
        hours_minutes=hours,
        hours_operating=within[OPERATING],
        hours_down=within[DOWN],
        hours_closed=within[CLOSED],
        hours_refurbishment=within[REFURBISHMENT],
        hours_unknown=within[0],
        standby_minutes=standby.minutes,
        standby_sum=standby.total,
        standby_min=standby.least,
        standby_p50=standby.p50,
        standby_p90=standby.p90,
        standby_max=standby.most,
        single_minutes=single.minutes,
        single_sum=single.total,
        single_min=single.least,
        single_p50=single.p50,
        single_p90=single.p90,
        single_max=single.most,
        first_operating_at=None if opened_ms is None else instant_at(opened_ms),
        last_closed_at=instant_at(closed_ms) if run_ms is not None and closed_ms is not None else None,
        return_minutes=_return_minutes(frame, ride, operating, down),
        price_min=prices[0],
        price_max=prices[1],
        price_currency=prices[2],
        hours=clock_hours.pack(of_hour, waited) if waits else None,
        carried=carried,
    )


class _Line:
    """Of a line: `waits` are minutes by wait, `values` all that were told. p50 and p90 are of the nearest rank."""

    __slots__ = ("least", "minutes", "most", "p50", "p90", "total")

    def __init__(self, waits: Mapping[int, int], values: Sequence[int]):
        self.minutes = sum(waits.values())
        self.total = sum(wait * count for wait, count in waits.items())
        every = {*values, *waits}
        self.least: int | None = min(every, default=None)
        self.most: int | None = max(every, default=None)
        self.p50: int | None = None
        self.p90: int | None = None
        if not self.minutes:
            return
        ranked, seen = sorted(waits.items()), 0
        half, most = (self.minutes * 50 + 99) // 100, (self.minutes * 90 + 99) // 100
        for wait, count in ranked:
            seen += count
            if self.p50 is None and seen >= half:
                self.p50 = wait
            if seen >= most:
                self.p90 = wait
                break


_NO_LINE = _Line({}, ())


def carried_of(state: State | None, hours: Iterable[Milliseconds], end_ms: int) -> int:
    """A check sum of all that the next day takes from this one: how the ride stood, and the park's hours past midnight.

    Equal ones: whatever changed on this day, the next one is what it was.
    """
    late = [closes for _, closes in hours if closes > end_ms]
    return zlib.crc32(repr((state and tuple(state), late)).encode())


def _single(frame: Frame, ride: Followed, operating: Sequence[tuple[int, int]]) -> _Line:
    shown: dict[int, list[tuple[int, int]]] = {}  # when which wait was told
    for begin, end, wait in _stretches(frame, ride.single):
        if wait is not None:
            shown.setdefault(wait, []).append((begin, end))
    if not shown:
        return _NO_LINE
    minutes = {wait: length(common(stretches, operating)) for wait, stretches in shown.items()}
    return _Line({wait: count for wait, count in minutes.items() if count}, list(shown))


def _return_minutes(
    frame: Frame, ride: Followed, operating: Sequence[tuple[int, int]], down: Sequence[tuple[int, int]]
) -> int:
    given = [(begin, end) for begin, end, available in _stretches(frame, ride.returns) if available]
    return length(common(given, sorted([*operating, *down]))) if given else 0


def _stretches(frame: Frame, changes: Sequence[tuple[int, Told]]) -> Iterator[tuple[int, int, Told]]:
    """What holds from each change to the next one; empty ones as well, in which no full minute lies."""
    if not changes:
        return
    ends = [minute_of(frame.begin_ms, at_ms) for at_ms, _ in changes[1:]]
    begin = minute_of(frame.begin_ms, changes[0][0])
    for (_, told), end in zip(changes, (*ends, frame.minutes), strict=True):
        yield begin, min(end, frame.minutes), told
        begin = end


def _prices(told: Sequence[tuple[Decimal, str | None]]) -> tuple[Decimal | None, Decimal | None, str | None]:
    """The lowest and the highest, of the currency that was told last."""
    if not told:
        return None, None, None
    currency = told[-1][1]
    amounts = [amount for amount, of in told if of == currency]
    return min(amounts), max(amounts), currency
