"""The profiles of rides and parks, as one scan makes them: of a ride a byte a day, of a park a number an hour.

Ten years of 5,000 rides fit into 20 MB. A record says that something changed, so a state holds until the next one;
a ride of which nothing is heard may simply be closed. What silence means is for the detectors to say.
"""

from array import array
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from quality.check.rows import HEARD, OPEN, QUEUE_BITS, STATES, WAITED, State
from quality.check.window import Window
from quality.covered_hours import CoveredHours
from quality.import_ledger import ParkLedger
from warehouse.days import midnight
from warehouse.history.nights import NightWatch
from warehouse.instants import day_at, milliseconds_of
from warehouse.models import Park
from warehouse.zones import known_zone

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
SILENCE_MS = 3 * HOUR_MS  # a park of which nothing is heard for so long; nights among them
HOLD_MAX_MS = DAY_MS  # a state is taken to hold until the next record, but no longer than this
FROZEN_MS = 10 * HOUR_MS
WALK_ON_MINUTES = 10  # 5 and 10 are what parks post for a ride without a line, all day long
DAY_BEGINS_AT_HOUR = 4  # local: what happens after midnight belongs to the evening

SKETCH = 32
SKETCH_SPREAD = 0x9E3779B97F4A7C15  # odd and without a pattern: spreads consecutive minutes over 64 bits
SKETCH_FOLD = 29
WAIT_MASK = (1 << 15) - 1
MASK_64 = (1 << 64) - 1

SPOKEN_AGAIN_MS = HOUR_MS  # a queue that is not spoken of for longer was closed, not left out
UNHEARD = -1  # the state of a ride of which nothing was heard, or that has left
NOTHING = State("", None, False, STATES[0].last_status, 0)


@dataclass(slots=True)
class Omissions:
    """Of a ride in a month: how many OPERATING archive events it has, and how many lack a queue, by its bit."""

    events: int = 0
    lacking: dict[int, int] = field(default_factory=dict)
    first_ms: dict[int, int] = field(default_factory=dict)  # when the first of them was, for examples


class RideProfile:
    """A ride in one park, and what the scan has found of it there; a ride that moved has one for each of its parks."""

    __slots__ = (
        "changes",
        "changes_a_day",
        "day",
        "day_end_ms",
        "days",
        "entity_type",
        "epoch",
        "flags",
        "frozen",
        "is_here",
        "last_ms",
        "left_at",
        "name",
        "omissions",
        "omissions_of_months",
        "park",
        "records",
        "ride_id",
        "silent_about",
        "since_ms",
        "since_records",
        "sketch",
        "sketch_max",
        "spoken",
        "spoken_ms",
        "state",
        "waited_days",
        "waits",
        "wiki_id",
    )

    def __init__(self, ride_id: int, name: str, wiki_id: str | None, entity_type: str, park: "ParkProfile"):
        self.ride_id, self.name, self.wiki_id, self.entity_type, self.park = ride_id, name, wiki_id, entity_type, park
        self.days = bytearray(park.day_count)  # by day of the park
        self.is_here = True  # in this park now
        self.left_at: list[int] = []  # ms: when it moved to another one
        self.day, self.day_end_ms, self.flags = 0, 0, 0
        self.last_ms = self.since_ms = self.epoch = 0
        self.records = self.since_records = 0
        self.state = UNHEARD  # as the key of a row has it (quality.check.rows)
        self.frozen: list[tuple[int, int, int, int]] = []  # from, to (ms), minutes, records in between
        self.spoken = self.spoken_ms = 0  # queues the ride has while it operates; when it spoke last
        self.silent_about: dict[
            int, list[int]
        ] = {}  # by queue: when it was spoken of, events since, when the first was
        self.omissions_of_months: list[tuple[date, Omissions]] = []
        self.changes_a_day = array("f")  # of the wait, by month that was read, on days with waits
        self._begin_month()

    @property
    def key(self) -> str:
        """The ride's stable name in findings: its themeparks_wiki_id, or "ride 12" where it has none."""
        return self.wiki_id or f"ride {self.ride_id}"

    def end_month(self, month: date) -> None:
        """After the last row of a month: its day ends, and the changes and the sketch of the wait begin anew."""
        self.end_day()
        if self.omissions.lacking:
            self.omissions_of_months.append((month, self.omissions))
        self.changes_a_day.append(self.changes / self.waited_days if self.waited_days else 0.0)
        self._begin_month()

    def _begin_month(self) -> None:
        self.sketch: list[int] = []  # the SKETCH smallest hashes of (minute, new wait)
        self.sketch_max = MASK_64
        self.omissions = Omissions()
        self.changes = self.waited_days = 0
        self.waits = 0  # a bit for each five minutes

    @property
    def said(self) -> State:
        """Its state in full."""
        return NOTHING if self.state == UNHEARD else STATES[self.state]

    def end_day(self) -> None:
        """Write what was heard on the day into its byte of `days`: flags, and the last status above them."""
        if self.flags:
            heard_before = self.days[self.day] & (HEARD | OPEN | WAITED)  # where a month ends within the day
            self.days[self.day] = heard_before | self.flags | self.said.last_status
            self.waited_days += bool(self.flags & WAITED)
            self.flags = 0

    def compare_queues(self, ms: int, queues: int) -> None:
        """An archive event of the operating ride speaks of `queues` (QUEUE_BITS). One that lacks a queue of which the
        ride spoke before and speaks again within the hour, operating all the while, left it out."""
        still_silent = 0
        for bit, silence in list(self.silent_about.items()):
            if ms - silence[0] > SPOKEN_AGAIN_MS:
                del self.silent_about[bit]
                self.spoken &= ~bit
            elif queues & bit:
                self.omissions.lacking[bit] = self.omissions.lacking.get(bit, 0) + silence[1]
                self.omissions.first_ms.setdefault(bit, silence[2])
                del self.silent_about[bit]
            else:
                silence[1] += 1
                still_silent |= bit
        if left_out := self.spoken & ~queues & ~still_silent:
            for bit in QUEUE_BITS.values():
                if left_out & bit:
                    self.silent_about[bit] = [self.spoken_ms, 1, ms]
        self.spoken |= queues

    def hold_until(self, ms: int, records: int) -> None:
        """The state held until `ms`, when the ride had so many records: the wait was frozen if it did for long."""
        said = self.said
        if said.is_open and (said.wait or 0) > WALK_ON_MINUTES and ms - self.since_ms >= FROZEN_MS:
            self.frozen.append((self.since_ms, ms, said.wait or 0, records - self.since_records))

    def leave(self) -> None:
        """It goes to another park, or the scan is over: nothing is heard of it here any more."""
        park, said = self.park, self.said
        if self.state != UNHEARD:
            park.nights.turns(self.last_ms)
        self.hold_until(self.last_ms, self.records)
        park.open_now -= said.is_open
        self.since_ms, self.since_records, self.epoch = self.last_ms, self.records, park.epoch
        self.state = UNHEARD

    def wait_changed(self, changes: list[int]) -> None:
        """The wait went to another one: minutes since 1970 << 15 | the wait, of each time."""
        self.changes += len(changes)
        for wait in {change & WAIT_MASK if change >= 0 else change for change in changes}:
            self.waits |= 1 << abs(wait) // 5
        # the top bits of a hash are known before it is folded, and most are too great after the first 32
        bound = (self.sketch_max >> SKETCH_FOLD + 6 << SKETCH_FOLD + 6) + (1 << SKETCH_FOLD + 6)
        small = [hashed for change in changes if (hashed := change * SKETCH_SPREAD & MASK_64) < bound]
        if small:
            self.sketch = sorted(self.sketch + [hashed ^ hashed >> SKETCH_FOLD for hashed in small])[:SKETCH]
            if len(self.sketch) == SKETCH:
                self.sketch_max = self.sketch[-1]


class ParkProfile:
    """A park with its rides, and what the scan has found of it."""

    def __init__(self, park: Park, window: Window, *, queues_read: bool = True):
        self.park = park
        self.take_ledger(ParkLedger(()))
        self.queues_read = queues_read  # those beside the standby line, too
        self.rides: list[RideProfile] = []
        self._shift_ms = _offset_ms(park.timezone, window.read_from) - DAY_BEGINS_AT_HOUR * HOUR_MS
        self._hour_0 = milliseconds_of(midnight(window.read_from)) // HOUR_MS
        self._day_0 = milliseconds_of(midnight(window.read_from)) // DAY_MS - 1  # local days reach over both ends
        days = (window.read_to - window.read_from).days
        self.day_count = days + 2
        self.hours = array("I", bytes(array("I").itemsize * days * 24))
        self.hour, self.hour_end_ms, self.hour_seen = 0, 0, 0
        self.last_ms = 0
        self.epoch = 0  # raised by every silence: what held before it is not known to hold after it
        self.open_now = self.open_peak = self._open_peak_before = 0
        self.zone = known_zone(park.timezone)
        self.nights = NightWatch(self.zone)
        self.near_duplicates: list[
            tuple[date, RideProfile, RideProfile]
        ] = []  # month, and two rides that were alike in it
        self.silences: list[tuple[int, int, float]] = []  # from, to (ms), open rides as a share of the most of a day

    def cover(self, window: Window) -> None:
        """Go on in a window that begins where the one before did: what lies behind it is not known."""
        days = (window.read_to - window.read_from).days
        self.day_count = days + 2
        self.hours = array("I", [*self.hours[: days * 24], *[0] * (days * 24 - len(self.hours))])
        for ride in self.rides:
            ride.days = ride.days[: self.day_count].ljust(self.day_count, b"\0")

    def take_ledger(self, ledger: ParkLedger) -> None:
        """What is known of its days; nothing, until check() has read it when the scan is over."""
        self.ledger, self.covered = ledger, CoveredHours(ledger, self.park.timezone)

    def day_of(self, ms: int) -> tuple[int, int]:
        """The index of the local day, and when it ends."""
        day = (ms + self._shift_ms) // DAY_MS
        return day - self._day_0, (day + 1) * DAY_MS - self._shift_ms

    def end_of(self, day: int) -> int:
        """When the local day of an index ends (ms since 1970 UTC)."""
        return (self._day_0 + day + 1) * DAY_MS - self._shift_ms

    def date_of(self, day: int) -> date:
        """The local date of an index into a ride's `days`."""
        return day_at((self._day_0 + day) * DAY_MS)

    def end_hour(self) -> None:
        """Write the observations of the hour into `hours`."""
        if self.hour_seen:
            self.hours[self.hour] = self.hour_seen
            self.hour_seen = 0

    def observations_in(self, from_ms: int, to_ms: int) -> int | None:
        """How many, in the full hours of the range; None where it reaches beyond what is known of the park."""
        hours = self._full_hours(from_ms, to_ms)
        return None if hours is None or to_ms > self.last_ms else sum(hours)

    def hours_heard_in(self, from_ms: int, to_ms: int) -> int:
        """In how many full hours of the range the park was heard of."""
        return sum(map(bool, self._full_hours(from_ms, to_ms) or ()))

    def _full_hours(self, from_ms: int, to_ms: int) -> array | None:
        first, end = -(-from_ms // HOUR_MS) - self._hour_0, to_ms // HOUR_MS - self._hour_0
        return self.hours[first:end] if first >= 0 and end <= len(self.hours) else None

    def next_hour(self, ms: int) -> bool:
        """Before a row of another hour (ms since 1970 UTC): the count of the hour before is kept. Whether it is another
        day (UTC), too."""
        self.end_hour()
        hour = ms // HOUR_MS
        another_day = hour // 24 != (self._hour_0 + self.hour) // 24
        self.hour, self.hour_end_ms = hour - self._hour_0, (hour + 1) * HOUR_MS
        return another_day

    def next_day_of_open_rides(self) -> None:
        """A day (UTC) begins: the most rides that were open on the one before are kept."""
        self._open_peak_before, self.open_peak = self.open_peak, self.open_now

    def silent(self, last_ms: int, ms: int) -> None:
        """Nothing was heard of the park between the two; from the beginning where the first is 0."""
        if last_ms:
            most = max(self.open_peak, self._open_peak_before)
            self.silences.append((last_ms, ms, self.open_now / most if most else 0.0))
        self.epoch += 1


def _offset_ms(zone: str, day: date) -> int:
    """From UTC, as it is in January: a day begins an hour later in summer, when nobody is in the park."""
    known = known_zone(zone)
    if known is None:
        return 0
    offset = datetime(day.year, 1, 15, 12, tzinfo=known).utcoffset() or timedelta(0)
    return int(offset.total_seconds()) * 1000
