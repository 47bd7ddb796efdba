"""One pass over the observations of a window: what every detector needs to know of them, in little memory.

Each month is read once, by one unbuffered SELECT in the order of the primary key, which is the order of time
(warehouse.snapshot_id). 1.1 million rows a second arrive so, without a sort; ride and instant
follow from the id, and leaving out recorded_at spares its conversion, which takes five times as long as all the rest.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from django.db import connection
from django.db.models import Q
from MySQLdb.cursors import SSCursor

from quality.check.profiles import (
    FLAGS,
    HOLD_MAX_MS,
    OPERATING,
    QUEUE_BITS,
    SILENCE_MS,
    WAITED,
    ParkProfile,
    RideProfile,
)
from quality.check.window import Window
from quality.findings import EXAMPLES_MAX
from warehouse.days import midnight
from warehouse.models import EntityMetadata, Park, Ride
from warehouse.partitioning.partitions import TABLE
from warehouse.rides import stays
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import IS_MISNUMBERED_SQL, RIDE_ID_BITS, RIDE_ID_MASK, SNAPSHOT_ID_MAX, first_id_at

ROWS_AT_ONCE = 10_000
# A few rides of many are fetched through idx_ride_recorded and sorted; from a quarter on, reading all is faster.
RIDES_BY_INDEX_SHARE = 0.25


@dataclass(slots=True)
class Tally:
    """Rows with one fault: how many, and the first few of them."""

    count: int = 0
    snapshot_ids: list[int] = field(default_factory=list)

    def add(self, snapshot_id: int) -> None:
        """Count one row; the first EXAMPLES_MAX are kept by their ids."""
        self.count += 1
        if self.count <= EXAMPLES_MAX:
            self.snapshot_ids.append(snapshot_id)


@dataclass
class Scan:
    """What one pass over a window found. Of rows that cannot be attributed, how many and which."""

    window: Window
    parks: dict[int, ParkProfile]
    whole: bool  # all parks
    rides: dict[int, RideProfile] = field(default_factory=dict)  # by ride_id: in the park where the scan has come to
    profiles: list[RideProfile] = field(default_factory=list)  # one a ride and park
    moves: list[tuple[int, int, RideProfile]] = field(
        default_factory=list
    )  # first snapshot_id, ride_id; last comes first
    rows: int = 0
    rideless: dict[int, int] = field(default_factory=dict)  # ride_id -> snapshots
    misnumbered: dict[date, Tally] = field(default_factory=dict)  # by month
    queue_orphans: dict[date, Tally] = field(default_factory=dict)  # by month; a queue row each


def scan(
    window: Window,
    parks: Iterable[Park],
    *,
    whole: bool,
    find_near_duplicates: Callable[[ParkProfile], Iterator[tuple[RideProfile, RideProfile]]],
    progress: Callable[[date, int], None] = lambda month, rows: None,
) -> Scan:
    """Read the window's observations of these parks, month by month; of all rides and of none where `whole`.

    Not to be called inside a transaction that is held open for long: a SELECT keeps partitions from being changed
    until its transaction ends.
    """
    scanned = Scan(window, {park.pk: ParkProfile(park, window, queues_read=whole) for park in parks}, whole)
    _name_rides(scanned)
    for month, end in window.months:
        queue_rows = _queue_rows(month, end) if whole else (array("q"), array("B"))
        _take(scanned, month, _rows(window, month, end, None if whole else list(scanned.rides)), *queue_rows)
        for park in scanned.parks.values():
            park.near_duplicates += [(month, one, other) for one, other in find_near_duplicates(park)]
        for ride in scanned.profiles:
            ride.end_month(month)
        progress(month, scanned.rows)
    for park in scanned.parks.values():
        park.end_hour()
        park.nights.turns(park.last_ms)
    for ride in scanned.profiles:
        ride.turn(ride.last_ms, None, None)
    return scanned


def _name_rides(scanned: Scan) -> None:
    """A profile for each ride and park that it was in. Rows of a stay in a park that is not asked for go to a profile
    that nobody looks at."""
    entity_types = dict(EntityMetadata.objects.values_list("ride_id", "entity_type"))
    rides = Ride.objects.all()
    if not scanned.whole:
        rides = rides.filter(Q(park__in=scanned.parks) | Q(stays__park__in=scanned.parks)).distinct()
    found = list(rides.values_list("ride_id", "ride_name", "themeparks_wiki_id", "park_id"))
    moved = stays.of_rides([ride_id for ride_id, *_ in found])
    nowhere = ParkProfile(Park(), scanned.window)
    for ride_id, name, wiki_id, park_id in found:
        course = moved.get(ride_id) or [Stay(park_id, None)]
        profiles: dict[int, RideProfile] = {}
        for stay in course:
            if stay.park_id not in profiles:
                park = scanned.parks.get(stay.park_id, nowhere)
                ride = RideProfile(ride_id, name, wiki_id, entity_types.get(ride_id, ""), park)
                ride.is_here = stay.park_id == park_id
                profiles[stay.park_id] = ride
                scanned.profiles.append(ride)
                park.rides.append(ride)
        scanned.rides[ride_id] = profiles[course[0].park_id]
        for before, after in pairwise(course):
            begins = after.begins_ms or 0
            scanned.moves.append((begins << RIDE_ID_BITS, ride_id, profiles[after.park_id]))
            profiles[before.park_id].left_at.append(begins)
    scanned.moves.sort(key=lambda move: move[:2], reverse=True)


def _move(scanned: Scan, snapshot_id: int) -> int:
    """Go on with the profiles that rides have at `snapshot_id`; the id at which the next of them moves."""
    while scanned.moves and scanned.moves[-1][0] <= snapshot_id:
        _, ride_id, after = scanned.moves.pop()
        before = scanned.rides[ride_id]
        before.turn(before.last_ms, None, None)
        scanned.rides[ride_id] = after
    return scanned.moves[-1][0] if scanned.moves else SNAPSHOT_ID_MAX


def _take(scanned: Scan, month: date, rows: Iterable[tuple], queue_rows: array, queue_bits: array) -> None:
    """The rows of one month in the order of their ids, beside the snapshot_ids of its queue rows in the same order, and
    the bits of their types (QUEUE_BITS)."""
    rides = scanned.rides
    # mask and shift as locals: ride_id_of and recorded_ms_of took 50 ns more each, of 900 ns a row
    mask, bits = RIDE_ID_MASK, RIDE_ID_BITS
    queue_row, queue_count = 0, len(queue_rows)
    count = 0
    next_move = _move(scanned, 0)
    for snapshot_id, status, wait, misnumbered, told in rows:
        count += 1
        if snapshot_id >= next_move:
            next_move = _move(scanned, snapshot_id)
        queues = told
        while queue_row < queue_count and queue_rows[queue_row] <= snapshot_id:
            if queue_rows[queue_row] != snapshot_id:
                scanned.queue_orphans.setdefault(month, Tally()).add(queue_rows[queue_row])
            elif told is not None:
                queues |= queue_bits[queue_row]
            queue_row += 1
        if misnumbered:
            scanned.misnumbered.setdefault(month, Tally()).add(snapshot_id)
            continue
        ride = rides.get(snapshot_id & mask)
        if ride is None:
            scanned.rideless[snapshot_id & mask] = scanned.rideless.get(snapshot_id & mask, 0) + 1
            continue
        ms = snapshot_id >> bits
        park = ride.park
        if ms >= park.hour_end_ms:
            park.next_hour(ms)
        park.hour_seen += 1
        if ms - park.last_ms >= SILENCE_MS:
            park.silent(ms)
        park.last_ms = ms
        if ms >= ride.day_end_ms:
            ride.next_day(ms)
        ride.flags |= FLAGS[status] if wait is None else FLAGS[status] | WAITED
        if told is not None:
            ride.speak(ms, status, queues)
        if status != ride.status or wait != ride.wait or ride.epoch != park.epoch or ms - ride.last_ms > HOLD_MAX_MS:
            ride.turn(ms, status, wait)
        if wait:
            nights = park.nights
            if nights.words:
                nights.turns(ms)
            nights.since_ms = ms
        elif status == OPERATING:
            park.nights.words += 1
        ride.records += 1
        ride.last_ms = ms
    for snapshot_id in queue_rows[queue_row:]:
        scanned.queue_orphans.setdefault(month, Tally()).add(snapshot_id)
    scanned.rows += count


def _rows(window: Window, month: date, end: date, ride_ids: list[int] | None) -> Iterator[tuple]:
    """(snapshot_id, status, wait_time, 1 if the id does not follow from ride and instant, 1 if it spoke of the standby
    line) in the order of the id. The last is None where it is not known, and of live rows, which are whole."""
    index, condition = "PRIMARY", ""
    parameters: list[object] = [month, end]
    if ride_ids is not None:
        if not ride_ids:
            return
        if len(ride_ids) < Ride.objects.count() * RIDES_BY_INDEX_SHARE:
            index = "idx_ride_recorded"
        condition = "AND ride_id IN %s"
        parameters.append(ride_ids)
    if index == "PRIMARY" and not window.partitioned:
        # No partition narrows the key down to a month: its own range does, for all rows whose id says their instant.
        condition += " AND snapshot_id >= %s AND snapshot_id < %s"
        parameters += [first_id_at(midnight(month)), first_id_at(midnight(end))]
    yield from _unbuffered(
        f"""
        SELECT snapshot_id, status, wait_time,
            {IS_MISNUMBERED_SQL}, IF(data_source = 'ARCHIVE', wait_told, NULL)
        FROM {TABLE} FORCE INDEX ({index})
        WHERE recorded_at >= %s AND recorded_at < %s {condition}
        ORDER BY snapshot_id
        """,
        parameters,
    )


def _queue_rows(month: date, end: date) -> tuple[array, array]:
    """The snapshot_ids of a month's queue rows in order, and the bits of their types, from idx_queue_snapshot alone;
    9 bytes each."""
    snapshot_ids, bits = array("q"), array("B")
    for snapshot_id, queue_type in _unbuffered(
        "SELECT snapshot_id, queue_type FROM queue_data FORCE INDEX (idx_queue_snapshot) "
        "WHERE snapshot_id >= %s AND snapshot_id < %s ORDER BY snapshot_id",
        [first_id_at(midnight(month)), first_id_at(midnight(end))],
    ):
        snapshot_ids.append(snapshot_id)
        bits.append(QUEUE_BITS.get(queue_type, 0))
    return snapshot_ids, bits


def _unbuffered(sql: str, parameters: list) -> Iterator[tuple]:
    """Rows as they come from the server; the connection can do nothing else until the last one was taken."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor(SSCursor)
        try:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(ROWS_AT_ONCE):
                yield from rows
        finally:
            cursor.close()
