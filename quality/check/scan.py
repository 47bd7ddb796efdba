"""One pass over the observations of a window: what every detector needs to know of them, in little memory.

Each month is read once, in the order of the primary key, which is the order of time (warehouse.snapshot_id), without
a sort: two numbers a row (rows), taken in portions (taking). Ride and instant follow from the id, and leaving out
recorded_at spares its conversion, which takes five times as long as all the rest.
"""

import gc
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from django.db import connection
from django.db.models import Q
from MySQLdb.cursors import SSCursor

from quality.check.profiles import ParkProfile, RideProfile
from quality.check.rows import KEY_SQL, NOT_TOLD, QUEUE_BITS, Row
from quality.check.taking import take
from quality.check.window import Window
from quality.findings import EXAMPLES_MAX
from warehouse.days import midnight
from warehouse.models import EntityMetadata, Park, Ride
from warehouse.partitioning.partitions import TABLE
from warehouse.rides import stays
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import RIDE_ID_BITS, SNAPSHOT_ID_MAX, first_id_at, ride_id_of

ROWS_AT_ONCE, ROWS_AT_ONCE_MAX = 20_000, 100_000  # 120 bytes each
ROWS_A_RIDE = 100  # at once, so that what is done once a ride and portion does not count
FindNearDuplicates = Callable[[ParkProfile], Iterator[tuple[RideProfile, RideProfile]]]
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
    find_near_duplicates: FindNearDuplicates,
    progress: Callable[[date, int], None] = lambda month, rows: None,
) -> Scan:
    """Read the window's observations of these parks, month by month; of all rides and of none where `whole`.

    Not to be called inside a transaction that is held open for long: a SELECT keeps partitions from being changed
    until its transaction ends.
    """
    with without_collections():
        scanned = Scan(window, {park.pk: ParkProfile(park, window, queues_read=whole) for park in parks}, whole)
        _name_rides(scanned)
        for month, end in window.months:
            queue_rows = QueueRows(month, end) if whole else None
            for rows in _portions(scanned, month, end):
                _take(scanned, month, rows, queue_rows)
            _end_month(scanned, month, find_near_duplicates, queue_rows)
            progress(month, scanned.rows)
        finish(scanned)
    return scanned


@contextmanager
def without_collections() -> Iterator[None]:
    """Rows are tuples without cycles: to go through them again and again takes a fifth of the time."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _end_month(
    scanned: Scan, month: date, find_near_duplicates: FindNearDuplicates, queue_rows: "QueueRows | None" = None
) -> None:
    if queue_rows is not None:
        for snapshot_id in queue_rows.left():
            scanned.queue_orphans.setdefault(month, Tally()).add(snapshot_id)
    for park in scanned.parks.values():
        park.near_duplicates += [(month, one, other) for one, other in find_near_duplicates(park)]
    for ride in scanned.profiles:
        ride.end_month(month)


def finish(scanned: Scan) -> None:
    """No row comes any more."""
    for park in scanned.parks.values():
        park.end_hour()
        park.nights.turns(park.last_ms)
    for ride in scanned.profiles:
        ride.leave()


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


def _take(scanned: Scan, month: date, rows: Sequence[Row], queue_rows: "QueueRows | None" = None) -> None:
    """A portion of a month's rows, in the order of their ids. Where rides move it is cut."""
    if queue_rows is not None:
        rows, orphans = queue_rows.beside(rows)
        for snapshot_id in orphans:
            scanned.queue_orphans.setdefault(month, Tally()).add(snapshot_id)
    begin = 0
    while begin < len(rows):
        next_move = _move(scanned, rows[begin][0])
        end = len(rows) if rows[-1][0] < next_move else bisect_left(rows, (next_move,), begin)
        misnumbered, rideless = take(scanned.rides, rows if (begin, end) == (0, len(rows)) else rows[begin:end])
        for snapshot_id in misnumbered:
            scanned.misnumbered.setdefault(month, Tally()).add(snapshot_id)
        for snapshot_id in rideless:
            ride_id = ride_id_of(snapshot_id)
            scanned.rideless[ride_id] = scanned.rideless.get(ride_id, 0) + 1
        begin = end
    scanned.rows += len(rows)


def _move(scanned: Scan, snapshot_id: int) -> int:
    """Go on with the profiles that rides have at `snapshot_id`; the id at which the next of them moves."""
    while scanned.moves and scanned.moves[-1][0] <= snapshot_id:
        _, ride_id, after = scanned.moves.pop()
        scanned.rides[ride_id].leave()
        scanned.rides[ride_id] = after
    return scanned.moves[-1][0] if scanned.moves else SNAPSHOT_ID_MAX


# --- rows -------------------------------------------------------------------------------------------------------------
def _portions(scanned: Scan, month: date, end: date) -> Iterator[list[Row]]:
    """The rows of a month in the order of the id."""
    count = min(ROWS_AT_ONCE_MAX, max(ROWS_AT_ONCE, ROWS_A_RIDE * len(scanned.rides)))
    sql, parameters = rows_sql(scanned.window, month, end, None if scanned.whole else list(scanned.rides))
    return _unbuffered(sql, parameters, count) if sql else iter(())


def rows_sql(window: Window, month: date, end: date, ride_ids: list[int] | None) -> tuple[str, list[object]]:
    """A statement for the rows (quality.check.rows) of these rides (None: of all and of none) from `month` to `end`
    (half-open, within one month) in the order of the id; "" where no ride is asked for."""
    index, condition = "PRIMARY", ""
    parameters: list[object] = [month, end]
    if ride_ids is not None:
        if not ride_ids:
            return "", []
        if len(ride_ids) < Ride.objects.count() * RIDES_BY_INDEX_SHARE:
            index = "idx_ride_recorded"
        condition = "AND ride_id IN %s"
        parameters.append(ride_ids)
    is_month = month.day == 1 and end.day == 1
    if index == "PRIMARY" and not (window.partitioned and is_month):
        # No partition narrows the key down to the days: its own range does, for all rows whose id says their instant.
        condition += " AND snapshot_id >= %s AND snapshot_id < %s"
        parameters += [first_id_at(midnight(month)), first_id_at(midnight(end))]
    sql = (
        f"SELECT snapshot_id, {KEY_SQL} FROM {TABLE} FORCE INDEX ({index}) "
        f"WHERE recorded_at >= %s AND recorded_at < %s {condition} ORDER BY snapshot_id"
    )
    return sql, parameters


class QueueRows:
    """The queue rows of a month in the order of their snapshot_ids, 9 bytes each, to be laid beside their snapshots."""

    def __init__(self, month: date, end: date):
        self._snapshot_ids, self._bits, self._next = array("q"), array("B"), 0
        for rows in _unbuffered(
            "SELECT snapshot_id, queue_type FROM queue_data FORCE INDEX (idx_queue_snapshot) "
            "WHERE snapshot_id >= %s AND snapshot_id < %s ORDER BY snapshot_id",
            [first_id_at(midnight(month)), first_id_at(midnight(end))],
            ROWS_AT_ONCE,
        ):
            self._snapshot_ids.extend([snapshot_id for snapshot_id, _ in rows])
            self._bits.extend([QUEUE_BITS.get(queue_type, 0) for _, queue_type in rows])

    def beside(self, rows: Sequence[Row]) -> tuple[Sequence[Row], list[int]]:
        """The rows with the queues that these speak of, and the ids up to the last row's that have no row."""
        end = bisect_right(self._snapshot_ids, rows[-1][0], self._next)
        if end == self._next:
            return rows, []
        there = {snapshot_id for snapshot_id, _ in rows}
        spoken: dict[int, int] = {}
        orphans = []
        for snapshot_id, bits in zip(self._snapshot_ids[self._next : end], self._bits[self._next : end], strict=True):
            if snapshot_id in there:
                spoken[snapshot_id] = spoken.get(snapshot_id, 0) | bits
            else:
                orphans.append(snapshot_id)
        self._next = end
        return [
            row if row[1] & NOT_TOLD or row[0] not in spoken else (row[0], row[1] | spoken[row[0]]) for row in rows
        ], orphans

    def left(self) -> array:
        """The ids behind the last row's, which have none."""
        return self._snapshot_ids[self._next :]


def _unbuffered(sql: str, parameters: list, count: int) -> Iterator[list[tuple]]:
    """Rows as they come from the server, so many at once; the connection can do nothing else until the last ones were
    taken."""
    connection.ensure_connection()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor(SSCursor)
        try:
            cursor.execute(sql, parameters)
            while rows := cursor.fetchmany(count):
                yield rows
        finally:
            cursor.close()
