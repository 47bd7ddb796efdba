"""One pass over the observations of a window: what every detector needs to know of them, in little memory.

Each month is read once, in the order of the primary key, which is the order of time (warehouse.snapshot_id), without
a sort: two numbers a row (rows), taken in portions (taking). Ride and instant follow from the id, and leaving out
recorded_at spares its conversion, which takes five times as long as all the rest.
"""

import gc
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise

from django.db.models import Q

from quality.check.profiles import ParkProfile, RideProfile
from quality.check.reading import QueueRows, portions
from quality.check.rows import Row
from quality.check.taking import take
from quality.check.window import Window
from quality.evidence import EXAMPLES_MAX
from warehouse.models import EntityMetadata, Park, Ride
from warehouse.rides import stays
from warehouse.rides.numbering import highest_number
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import RIDE_ID_BITS, SNAPSHOT_ID_MAX, ride_id_of

FindNearDuplicates = Callable[[ParkProfile], Iterator[tuple[RideProfile, RideProfile]]]


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


class Scan:
    """What one pass over a window found, as far as it has come. Of rows that cannot be attributed, how many and which.

    It goes on from any instant: what it knows of the rows before are the profiles.
    """

    def __init__(self, window: Window, parks: Iterable[Park], *, whole: bool):
        self.window = window
        self.whole = whole  # all parks
        self.parks = {park.pk: ParkProfile(park, window, queues_read=whole) for park in parks}
        self._nowhere = ParkProfile(Park(), window)  # nobody looks at it: where rides are in parks not asked for
        self._of_rides: dict[int, dict[int, RideProfile]] = {}  # by ride_id and park_id
        self._courses: dict[int, list[Stay]] = {}  # by ride_id
        self._rides: dict[int, RideProfile] = {}  # by ride_id: in the park where the scan has come to
        self._moves: list[tuple[int, int, RideProfile]] = []  # first snapshot_id, ride_id; last comes first
        self.highest_ride_id = 0  # that there was when rides were named
        self.months = 0  # that were read to their end
        self.rows = 0
        self.rideless: dict[int, int] = {}  # ride_id -> snapshots
        self.misnumbered: dict[date, Tally] = {}  # by month
        self.queue_orphans: dict[date, Tally] = {}  # by month; a queue row each

    @property
    def ride_ids(self) -> list[int]:
        """Of all rides that were in one of the parks."""
        return list(self._rides)

    def name_rides(self) -> bool:
        """A profile for each ride and park that it was in; again for those that are new, or called otherwise now.

        False: of some ride it is known now that it was elsewhere than the rows before were taken to say.
        """
        known_up_to, self.highest_ride_id = self.highest_ride_id, highest_number()
        entity_types = dict(EntityMetadata.objects.values_list("ride_id", "entity_type"))
        rides = Ride.objects.all()
        if not self.whole:
            rides = rides.filter(Q(park__in=self.parks) | Q(stays__park__in=self.parks)).distinct()
        found = list(rides.values_list("ride_id", "ride_name", "themeparks_wiki_id", "park_id"))
        moved = stays.of_rides([ride_id for ride_id, *_ in found])
        for park in (*self.parks.values(), self._nowhere):
            park.rides = []  # in the order found, whenever each was
        for ride_id, name, wiki_id, park_id in found:
            course = moved.get(ride_id) or [Stay(park_id, None)]
            if self._courses.setdefault(ride_id, course) != course:
                return False
            if ride_id not in self._of_rides:
                if ride_id <= known_up_to:
                    return False  # it was in no park of these
                self._begin_ride(ride_id, course)
            for in_park, ride in self._of_rides[ride_id].items():
                ride.name, ride.wiki_id, ride.entity_type = name, wiki_id, entity_types.get(ride_id, "")
                ride.is_here = in_park == park_id
                ride.park.rides.append(ride)
        return len(found) == len(self._courses)

    def _begin_ride(self, ride_id: int, course: list[Stay]) -> None:
        profiles = self._of_rides[ride_id] = {}
        for stay in course:
            if stay.park_id not in profiles:
                park = self.parks.get(stay.park_id, self._nowhere)
                ride = profiles[stay.park_id] = RideProfile(ride_id, "", None, "", park)
                ride.changes_a_day.extend([0.0] * self.months)
        self._rides[ride_id] = profiles[course[0].park_id]
        for before, after in pairwise(course):
            begins = after.begins_ms or 0
            self._moves.append((begins << RIDE_ID_BITS, ride_id, profiles[after.park_id]))
            profiles[before.park_id].left_at.append(begins)
        self._moves.sort(key=lambda move: move[:2], reverse=True)

    def cover(self, window: Window) -> None:
        """Go on in this window, which begins where the one before did."""
        self.window = window
        for park in (*self.parks.values(), self._nowhere):
            park.cover(window)

    def take(self, month: date, rows: Sequence[Row], queue_rows: QueueRows | None = None) -> None:
        """A portion of a month's rows, in the order of their ids. Where rides move it is cut."""
        if queue_rows is not None and rows:
            rows, orphans = queue_rows.beside(rows)
            for snapshot_id in orphans:
                self.queue_orphans.setdefault(month, Tally()).add(snapshot_id)
        begin = 0
        while begin < len(rows):
            next_move = self._move(rows[begin][0])
            end = len(rows) if rows[-1][0] < next_move else bisect_left(rows, (next_move,), begin)
            part = rows if (begin, end) == (0, len(rows)) else rows[begin:end]
            misnumbered, rideless = take(self._rides, part)
            for snapshot_id in misnumbered:
                self.misnumbered.setdefault(month, Tally()).add(snapshot_id)
            for snapshot_id in rideless:
                ride_id = ride_id_of(snapshot_id)
                self.rideless[ride_id] = self.rideless.get(ride_id, 0) + 1
            begin = end
        self.rows += len(rows)

    def _move(self, snapshot_id: int) -> int:
        """Go on with the profiles that rides have at `snapshot_id`; the id at which the next of them moves."""
        while self._moves and self._moves[-1][0] <= snapshot_id:
            _, ride_id, after = self._moves.pop()
            self._rides[ride_id].leave()
            self._rides[ride_id] = after
        return self._moves[-1][0] if self._moves else SNAPSHOT_ID_MAX

    def end_month(
        self, month: date, find_near_duplicates: FindNearDuplicates, queue_rows: QueueRows | None = None
    ) -> None:
        """All rows of the month were taken."""
        if queue_rows is not None:
            for snapshot_id in queue_rows.left():
                self.queue_orphans.setdefault(month, Tally()).add(snapshot_id)
        for park in self.parks.values():
            park.near_duplicates += [(month, one, other) for one, other in find_near_duplicates(park)]
        for ride in self._profiles():
            ride.end_month(month)
        self.months += 1

    def finish(self) -> None:
        """No row comes any more."""
        for park in self.parks.values():
            park.end_hour()
            park.nights.turns(park.last_ms)
        for ride in self._profiles():
            ride.leave()

    def _profiles(self) -> Iterator[RideProfile]:
        return (ride for of_ride in self._of_rides.values() for ride in of_ride.values())


def scan(
    window: Window,
    parks: Iterable[Park],
    *,
    whole: bool,
    find_near_duplicates: FindNearDuplicates,
    progress: Callable[[date, int], None] = lambda month, rows: None,
    begun: tuple[Scan, date] | None = None,
) -> Scan:
    """Read the window's observations of these parks, month by month; of all rides and of none where `whole`.

    `begun`: a scan of these parks in this window (quality.check.ahead), and the first day that it has not read.
    Not to be called inside a transaction that is held open for long: a SELECT keeps partitions from being changed
    until its transaction ends.
    """
    with without_collections():
        scanned, read_to = begun or (Scan(window, parks, whole=whole), date.min)
        if begun is None:
            scanned.name_rides()
        for month, end in window.months[scanned.months :]:
            queue_rows = QueueRows(month, end) if whole else None
            rides = scanned.ride_ids
            for rows in portions(window, max(month, read_to), end, None if whole else rides, len(rides)):
                scanned.take(month, rows, queue_rows)
            scanned.end_month(month, find_near_duplicates, queue_rows)
            progress(month, scanned.rows)
        scanned.finish()
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
