"""What the rows of a portion, in the order of time, add to the profiles of their rides and parks.

Row after row through objects took 2 us of a row. So the rows are dealt out, and each ride's are gone through by
themselves with all that is known of it in local variables, where a row that says the same again costs one comparison.
What is the park's (hours, silences, how many rides are open, nights) is found in its rows by bisection, since most of
them bear on none of it.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import timedelta

from quality.check.profiles import (
    FROZEN_MS,
    HOLD_MAX_MS,
    SILENCE_MS,
    UNHEARD,
    WALK_ON_MINUTES,
    ParkProfile,
    RideProfile,
)
from quality.check.rows import LAST_STATUS_SHIFT, NOT_TOLD, QUEUES, STATE_SHIFT, STATES, Row
from warehouse.history import nights
from warehouse.instants import instant_at
from warehouse.snapshot_id import RIDE_ID_BITS, RIDE_ID_MASK, SNAPSHOT_ID_MAX

FLAGS = (1 << LAST_STATUS_SHIFT) - 1
ROLL, SILENT, SWITCH = range(3)  # what one row does to a park, in this order


class _OfRide:
    """A ride's rows of a portion, and its state before them."""

    __slots__ = ("before", "ride", "rows")

    def __init__(self, ride: RideProfile):
        self.ride, self.rows, self.before = ride, list[Row](), ride.state


class _OfPark:
    """A park's rows of a portion, and those of each of its rides that has any, by ride_id."""

    __slots__ = ("park", "rides", "rows")

    def __init__(self, park: ParkProfile):
        self.park, self.rows, self.rides = park, list[Row](), dict[int, _OfRide]()


class _Places(dict[int, tuple[Callable[[Row], None], Callable[[Row], None]]]):
    """By ride_id: what takes a row of it as the ride's, and as its park's."""

    def __init__(self, rides: dict[int, RideProfile]):
        self._rides = rides
        self.parks: dict[int, _OfPark] = {}  # by id(): the one of rides that are nowhere has no park_id
        self.rideless: list[Row] = []

    def __missing__(self, ride_id: int) -> tuple[Callable[[Row], None], Callable[[Row], None]]:
        ride = self._rides.get(ride_id)
        if ride is None:
            self[ride_id] = self.rideless.append, _ignore
            return self[ride_id]
        park = self.parks.setdefault(id(ride.park), _OfPark(ride.park))
        park.rides[ride_id] = mine = _OfRide(ride)
        self[ride_id] = mine.rows.append, park.rows.append
        return self[ride_id]


def _ignore(row: Row) -> None:
    pass


def take(rides: dict[int, RideProfile], rows: Sequence[Row]) -> tuple[list[int], list[int]]:
    """Rows in the order of their ids, which lie behind all that were taken before, of these rides as they are in their
    parks now. Returns the ids of rows that are misnumbered, and of such as belong to no ride: nothing is made of them.
    """
    places = _Places(rides)
    misnumbered = []
    for row in rows:
        if row[1] < 0:
            misnumbered.append(row[0])
            continue
        of_ride, of_park = places[row[0] & RIDE_ID_MASK]
        of_ride(row)
        of_park(row)
    for of_park_ in places.parks.values():
        _take_park(of_park_)
    return misnumbered, [snapshot_id for snapshot_id, _ in places.rideless]


# --- a park -----------------------------------------------------------------------------------------------------------
def _take_park(mine: _OfPark) -> None:
    park, rows = mine.park, mine.rows
    events: list[tuple[int, int, int]] = []  # snapshot_id, what, and of it: the silence's beginning, or +1, -1
    silences: dict[int, int] = {}  # by the index of the first row after one: when it began
    begin = 0
    while begin < len(rows):  # an hour after the other
        first_id = rows[begin][0]
        ms = first_id >> RIDE_ID_BITS
        if ms >= park.hour_end_ms and park.next_hour(ms):
            events.append((first_id, ROLL, 0))
        if ms - park.last_ms >= SILENCE_MS:
            silences[begin] = park.last_ms
            events.append((first_id, SILENT, park.last_ms))
        end = bisect_left(rows, (park.hour_end_ms << RIDE_ID_BITS,), begin)
        park.hour_seen += end - begin
        park.last_ms = rows[end - 1][0] >> RIDE_ID_BITS
        begin = end
    silent_before = [rows[index][0] for index in silences]
    for of_ride in mine.rides.values():
        _take_ride(of_ride, park.epoch, silent_before, events)
    for snapshot_id, what, number in sorted(events):
        if what == SWITCH:
            park.open_now += number
            park.open_peak = max(park.open_peak, park.open_now)
        elif what == ROLL:
            park.next_day_of_open_rides()
        else:
            park.silent(number, snapshot_id >> RIDE_ID_BITS)
    _Nights(mine, silences).take()


def _take_ride(mine: _OfRide, epoch: int, silent_before: list[int], events: list[tuple[int, int, int]]) -> None:
    """`silent_before`: the ids of the park's rows that come after a silence, each of which raises the epoch."""
    ride, rows = mine.ride, mine.rows
    park, state, is_open, wait = ride.park, ride.state, ride.said.is_open, ride.said.wait
    since_ms, since_records, since_epoch, records = ride.since_ms, ride.since_records, ride.epoch, ride.records
    day_end_ms, flags, last_ms = ride.day_end_ms, ride.flags, ride.last_ms
    spoken, is_silent, speaks, spoke_so_often = ride.spoken, bool(ride.silent_about), False, 0
    changes: list[int] = []
    ends_of_epochs = [*silent_before, SNAPSHOT_ID_MAX]
    next_epoch = 0
    index = looked_at = same_until = boundary = 0
    same_key, turns = None, False
    for index, (snapshot_id, key) in enumerate(rows):
        if key == same_key and snapshot_id < same_until:
            continue  # it says the same again
        if speaks:
            spoke_so_often += index - looked_at
        looked_at, same_key, now = index, key, key >> STATE_SHIFT
        if snapshot_id >= boundary:  # the portion begins, or a day, or something is heard of the park again
            ms = snapshot_id >> RIDE_ID_BITS
            if index:
                last_ms = rows[index - 1][0] >> RIDE_ID_BITS
            if ms >= day_end_ms:
                ride.flags, ride.state = flags, state
                ride.end_day()
                ride.day, day_end_ms = park.day_of(ms)
                flags = 0
            while snapshot_id >= ends_of_epochs[next_epoch]:
                next_epoch, epoch = next_epoch + 1, epoch + 1
            boundary = min(day_end_ms << RIDE_ID_BITS, ends_of_epochs[next_epoch])
            # a state that is not heard of for a day cannot be taken to have held, nor over a silence of the park
            turns = epoch != since_epoch or ms - last_ms > HOLD_MAX_MS
            flags |= STATES[now].flags
        if now != state or turns:
            ms = snapshot_id >> RIDE_ID_BITS
            if ms - since_ms >= FROZEN_MS and is_open and wait is not None and wait > WALK_ON_MINUTES:
                held_to = last_ms if turns else ms
                if held_to - since_ms >= FROZEN_MS:
                    ride.frozen.append((since_ms, held_to, wait, records + index - since_records))
            since_ms, since_records, since_epoch, turns = ms, records + index, epoch, False
            if now != state:
                state, says = now, STATES[now]
                flags |= says.flags
                if says.is_open != is_open:
                    is_open = says.is_open
                    events.append((snapshot_id, SWITCH, 1 if is_open else -1))
                if says.wait != wait:
                    wait = says.wait
                    if wait is not None:
                        changes.append(ms // 60_000 << 15 | wait)
        queues = key & QUEUES
        if queues == NOT_TOLD or not is_open:
            if speaks:
                ride.spoken_ms, speaks = rows[index - 1][0] >> RIDE_ID_BITS, False
            if queues != NOT_TOLD:
                spoken, is_silent, ride.silent_about = 0, False, {}
        elif queues == spoken and not is_silent:
            speaks = True
        else:
            if speaks:
                ride.spoken_ms = rows[index - 1][0] >> RIDE_ID_BITS
            ride.spoken, speaks = spoken, True
            ride.compare_queues(snapshot_id >> RIDE_ID_BITS, queues)
            spoken, is_silent = ride.spoken, bool(ride.silent_about)
        same_until = 0 if is_silent else boundary
    ride.last_ms = rows[-1][0] >> RIDE_ID_BITS
    if speaks:
        spoke_so_often += len(rows) - looked_at
        ride.spoken_ms = ride.last_ms
    ride.state, ride.day_end_ms, ride.flags, ride.spoken = state, day_end_ms, flags, spoken
    ride.since_ms, ride.since_records, ride.epoch = since_ms, since_records, since_epoch
    ride.omissions.events += spoke_so_often
    ride.records += len(rows)
    if changes:
        ride.wait_changed(changes)


# --- its nights -------------------------------------------------------------------------------------------------------
class _Nights:
    """Shows a park's rows to its NightWatch: only those are looked at that may lie in a night (or at the portion's
    ends), since on a usual night a park is silent."""

    def __init__(self, mine: _OfPark, silences: dict[int, int]):
        self._rows, self._rides, self._silences = mine.rows, mine.rides, silences
        self._watch, self._zone = mine.park.nights, mine.park.zone

    def take(self) -> None:
        rows, watch, count = self._rows, self._watch, len(self._rows)
        first = self._next_break(0)
        watch.words += self._words(0, first)
        if first == count:
            return
        self._break(first)
        looked_to = self._ms(first)
        last_ms = self._ms(count - 1)
        day = instant_at(looked_to).date() - timedelta(days=1)
        while self._zone is not None and day <= instant_at(last_ms).date() + timedelta(days=1):
            begin_ms, end_ms = nights.hours_of(day, self._zone)
            day += timedelta(days=1)
            if begin_ms < looked_to or end_ms > last_ms:
                continue
            inside = bisect_left(rows, ((begin_ms + 1) << RIDE_ID_BITS,))
            after = bisect_left(rows, (end_ms << RIDE_ID_BITS,), inside)
            if self._next_break(inside, after) < after:
                continue
            begin, end = self._last_break(inside - 1), self._next_break(after)
            if end == count:
                break
            watch.since_ms, watch.words = self._ms(begin), self._words(begin, end)
            self._break(end)
            looked_to = self._ms(end)
        begin = self._last_break(count - 1)
        watch.since_ms, watch.words = self._ms(begin), self._words(begin, count)

    def _break(self, index: int) -> None:
        """What was quiet ends with this row."""
        if index in self._silences:
            self._watch.falls_silent(self._silences[index], self._ms(index))
        else:
            self._watch.turns(self._ms(index))

    def _ms(self, index: int) -> int:
        return self._rows[index][0] >> RIDE_ID_BITS

    def _next_break(self, index: int, end: int | None = None) -> int:
        end = len(self._rows) if end is None else end
        while index < end and not self._is_break(index):
            index += 1
        return index

    def _last_break(self, index: int) -> int:
        while not self._is_break(index):
            index -= 1
        return index

    def _words(self, begin: int, end: int) -> int:
        """How often OPERATING without a wait is said."""
        states = (STATES[key >> STATE_SHIFT] for _, key in self._rows[begin:end])
        return sum(state.is_open and not state.wait for state in states)

    def _is_break(self, index: int) -> bool:
        """Whether the row shows a wait, or changes how its ride stands, or comes after a silence."""
        snapshot_id, key = self._rows[index]
        says = STATES[key >> STATE_SHIFT]
        if says.wait or index in self._silences:
            return True
        mine = self._rides[snapshot_id & RIDE_ID_MASK]
        position = bisect_left(mine.rows, (snapshot_id,))
        before = mine.rows[position - 1][1] >> STATE_SHIFT if position else mine.before
        if before == UNHEARD:
            return True
        said = STATES[before]
        return said.status != says.status or bool(said.wait)
