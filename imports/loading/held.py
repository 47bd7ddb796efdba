"""What the table holds where the files of one transaction come, and what these files add to it.

Several files share a transaction where they are small (imports.archive.batches). What is stored of their rides and days
is read once for all of them, in one range of the index, and their own rows are loaded together at the end: a LOAD DATA
and a range read cost 3 ms each, whatever they hold. Until then a file finds the rows of those before it here, so that
each is attributed as if these had been stored. Whatever reads the table by itself meanwhile asks for `flush` first.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from imports.events.load_format import row_text
from imports.events.validation import Observation
from imports.loading.content import Content, content_of
from imports.loading.loader import State, stored_at, stored_between, stored_near, with_queues
from warehouse.instants import instant_at
from warehouse.rides import stays
from warehouse.rides.stays import Stay
from warehouse.server.turns import wait_for_turn
from warehouse.snapshot_id import RIDE_ID_BITS, first_id_at, instant_of

REACH_MS = 1000  # whether a feed cuts or rounds is not known: a whole second to either side

Span = tuple[datetime, datetime]  # aware, half-open


V = TypeVar("V")


class _Rows(Generic[V]):
    """Rows by snapshot_id, and the ids in order, which is that of time. Rows that are taken out of the mapping later
    (the server refused them) are not there any more."""

    def __init__(self, by_id: Mapping[int, V]):
        self.by_id = by_id
        self._ids = sorted(by_id)

    def between(self, low: int, high: int) -> list[int]:
        """The ids from `low` to `high`, both included."""
        found = self._ids[bisect_left(self._ids, low) : bisect_right(self._ids, high)]
        return [key for key in found if key in self.by_id]


class Held:
    """Of one transaction. Without `look_ahead` every question is asked of the tables, as a single file's are."""

    def __init__(self) -> None:
        self._rides: set[int] = set()  # of which all is known between _low and _high
        self._low = self._high = 0  # snapshot ids, both included
        self._stored: _Rows[State] = _Rows({})
        self._seen: dict[int, State] = {}  # stored rows that were read since
        self._to_come: list[_Rows[Observation]] = []  # of the files before, in their order
        self._stays: dict[int, list[Stay]] = {}
        self._rides_with_stays: set[int] = set()  # of which all is known
        self._turns: set[int] = set()
        self._store: Callable[[], None] = lambda: None

    # --- what is known of the tables before the first file --------------------------------------------------------
    def wait_for_turn(self, park_ids: Collection[int]) -> None:
        """warehouse.server.turns, once a park."""
        if not self._turns.issuperset(park_ids):
            wait_for_turn(park_ids)
            self._turns.update(park_ids)

    def look_ahead(self, ride_ids: Collection[int], files: Iterable[tuple[Span, Iterable[int]]]) -> None:
        """Read what the tables hold of these rides where the files come: the span of each with the milliseconds since
        1970 of its observations, of which those outside of the span are looked up one by one later."""
        inside = [
            instant
            for (start, end), instants in files
            for low, high in [(first_id_at(start) >> RIDE_ID_BITS, first_id_at(end) >> RIDE_ID_BITS)]
            for instant in instants
            if low <= instant < high
        ]
        self._stays, self._rides_with_stays = stays.of_rides(ride_ids), set(ride_ids)
        if not inside or not ride_ids:
            return
        begin, finish = min(inside) - REACH_MS, max(inside) + REACH_MS
        self._rides = set(ride_ids)
        self._low, self._high = begin << RIDE_ID_BITS, (finish + 1 << RIDE_ID_BITS) - 1
        self._stored = _Rows(stored_between(ride_ids, instant_at(begin), instant_at(finish)))

    def stays_of(self, ride_ids: Collection[int]) -> dict[int, list[Stay]]:
        """The stays of those of these rides that were in several parks."""
        found = {ride_id: self._stays[ride_id] for ride_id in ride_ids if ride_id in self._stays}
        if others := set(ride_ids) - self._rides_with_stays:
            found |= stays.of_rides(others)
        return found

    def stays_changed(self, changed: Mapping[int, list[Stay]]) -> None:
        """These are the stays of rides from now on."""
        self._stays.update(changed)
        self._rides_with_stays.update(changed)

    # --- what the files before add --------------------------------------------------------------------------------
    def add(self, rows: Mapping[int, Observation]) -> None:
        """Rows of a file that are to be stored, and are not yet."""
        self._to_come.append(_Rows(rows))

    def store_by(self, store: Callable[[], None]) -> None:
        """What stores the rows that were added so far."""
        self._store = store

    def flush(self) -> None:
        """See to it that the table has all of them: for whoever is about to read it."""
        self._store()

    # --- what is there ----------------------------------------------------------------------------------------------
    def look(
        self, ride_ids: Collection[int], wanted: Mapping[int, object], span: Span
    ) -> tuple[dict[int, Content], set[int]]:
        """What there is of the snapshot ids in `wanted`, which are of the rides in `ride_ids`; and the ids of other
        rows of these rides: all that lie within REACH_MS of an id that is not there, perhaps more.

        Within `span` (the file's day and its neighbours) one range read of the rides through idx_ride_recorded; the few
        outliers one by one, by key: a single event months old must not make the months between be read.
        """
        in_range: list[int] = []
        outliers: list[int] = []
        low, high = first_id_at(span[0]), first_id_at(span[1])
        for snapshot_id in wanted:
            (in_range if low <= snapshot_id < high else outliers).append(snapshot_id)
        own: dict[int, Content] = {}
        beside: set[int] = set()
        states: dict[int, str] = {}
        reach = REACH_MS << RIDE_ID_BITS
        if in_range:
            first, last = min(in_range) - reach, max(in_range) + reach
            for key, state in self._states_between(ride_ids, first, last).items():
                if key in wanted:
                    states[key] = row_text(state)
                else:
                    beside.add(key)
        if outliers:
            at = stored_at(outliers)
            states |= {key: row_text(state) for key, state in at.items()}
            near = stored_near([key for key in outliers if key not in at], timedelta(milliseconds=REACH_MS))
            self._seen |= near
            beside |= near.keys() - wanted.keys()
        places = [(first, last)] if in_range else []
        places += [(outlier - reach, outlier + reach) for outlier in outliers]
        for rows in self._to_come:
            for low, high in places:
                found = rows.between(low, high)  # of most files before nothing: a day or more lies between
                own |= {key: content_of(rows.by_id[key]) for key in found if key in wanted}
                beside.update(found)
        return own | with_queues(states), beside - wanted.keys()

    def contents(self, snapshot_ids: Iterable[int]) -> dict[int, Content]:
        """What rows say of which `look` gave the ids."""
        found: dict[int, Content] = {}
        states: dict[int, str] = {}
        for key in snapshot_ids:
            coming = next((rows.by_id[key] for rows in self._to_come if key in rows.by_id), None)
            if coming is not None:
                found[key] = content_of(coming)
            else:
                states[key] = row_text(self._seen[key] if key in self._seen else self._stored.by_id[key])
        return found | with_queues(states)

    def _states_between(self, ride_ids: Collection[int], first: int, last: int) -> Mapping[int, State]:
        """Stored rows from one snapshot_id to another, both included; of the rides in `ride_ids` all of them."""
        if not (self._low <= first and last <= self._high):
            found = stored_between(ride_ids, instant_of(first), instant_of(last))
            self._seen |= found
            return found
        found = {key: self._stored.by_id[key] for key in self._stored.between(first, last)}
        if others := set(ride_ids) - self._rides:  # made, or found by their names, since the look ahead
            later = stored_between(others, instant_of(first), instant_of(last))
            self._seen |= later
            found |= later
        return found
