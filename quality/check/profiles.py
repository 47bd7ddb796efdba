"""The profiles of rides and parks, as one scan makes them: of a ride a byte a day, of a park a number an hour.

Ten years of 5,000 rides fit into 20 MB. A record says that something changed, so a state holds until the next one;
a ride of which nothing is heard may simply be closed. What silence means is for the detectors to say.
"""

from array import array
from bisect import insort
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from quality.check.window import Window
from quality.covered_hours import CoveredHours
from quality.import_ledger import ParkLedger
from warehouse.days import midnight
from warehouse.history.nights import NightWatch
from warehouse.instants import day_at, milliseconds_of
from warehouse.models import Park, QueueType, RideStatus
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
MASK_64 = (1 << 64) - 1

# What a byte says of a ride's day.
HEARD, OPEN, WAITED = 1, 2, 4
LAST_STATUS_SHIFT = 4
# "": what a server without strict mode makes of a word it does not know
STATUSES = [*(status.value for status in RideStatus), ""]
FLAGS = {status: HEARD | (OPEN if status == RideStatus.OPERATING else 0) for status in STATUSES}
OPERATING = RideStatus.OPERATING.value
# Of which queues an event speaks, as bits of one byte; STANDBY is 1, as wait_told says it.
QUEUE_BITS = {queue_type.value: 1 << number for number, queue_type in enumerate(QueueType)}
SPOKEN_AGAIN_MS = HOUR_MS  # a queue that is not spoken of for longer was closed, not left out


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
        "status",
        "wait",
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
        self.status: str | None = None
        self.wait: int | None = None
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

    def next_day(self, ms: int) -> None:
        """Before a row of another day (ms since 1970 UTC): what was gathered of the day before is kept."""
        self.end_day()
        self.day, self.day_end_ms = self.park.day_of(ms)

    def end_day(self) -> None:
        """Write what was heard on the day into its byte of `days`: flags, and the last status above them."""
        if self.flags:
            heard_before = self.days[self.day] & (HEARD | OPEN | WAITED)  # where a month ends within the day
            self.days[self.day] = heard_before | self.flags | STATUSES.index(self.status or "") << LAST_STATUS_SHIFT
            self.waited_days += bool(self.flags & WAITED)
            self.flags = 0

    def speak(self, ms: int, status: str, queues: int) -> None:
        """An archive event speaks of `queues` (QUEUE_BITS). One that lacks a queue of which the ride spoke before and
        speaks again within the hour, operating all the while, left it out."""
        if status != OPERATING:
            self.spoken, self.silent_about = 0, {}
            return
        self.omissions.events += 1
        if queues != self.spoken or self.silent_about:
            self._compare(ms, queues)
        self.spoken_ms = ms

    def _compare(self, ms: int, queues: int) -> None:
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

    def turn(self, ms: int, status: str | None, wait: int | None) -> None:
        """The state changed, or was not heard of for so long that it cannot be taken to have held."""
        park = self.park
        if status != self.status or (wait or 0) != (self.wait or 0):
            park.nights.turns(ms)
        unbroken = self.epoch == park.epoch and ms - self.last_ms <= HOLD_MAX_MS
        held_to = ms if unbroken else self.last_ms
        minutes = self.wait or 0
        if self.status == OPERATING and minutes > WALK_ON_MINUTES and held_to - self.since_ms >= FROZEN_MS:
            self.frozen.append((self.since_ms, held_to, minutes, self.records - self.since_records))
        self.since_ms, self.since_records, self.epoch = ms, self.records, park.epoch
        if status != self.status:
            if self.status == OPERATING:
                park.open_now -= 1
            if status == OPERATING:
                park.open_now += 1
                park.open_peak = max(park.open_peak, park.open_now)
            self.status = status
        if wait != self.wait:
            if wait is not None:
                self._sketch(ms // 60_000 << 15 | wait)
                self.waits |= 1 << abs(wait) // 5
                self.changes += 1
            self.wait = wait

    def _sketch(self, value: int) -> None:
        hashed = value * SKETCH_SPREAD & MASK_64
        hashed ^= hashed >> 29
        if hashed < self.sketch_max:
            insort(self.sketch, hashed)
            if len(self.sketch) > SKETCH:
                self.sketch.pop()
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
        self.nights = NightWatch(known_zone(park.timezone))
        self.near_duplicates: list[
            tuple[date, RideProfile, RideProfile]
        ] = []  # month, and two rides that were alike in it
        self.silences: list[tuple[int, int, float]] = []  # from, to (ms), open rides as a share of the most of a day

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

    def next_hour(self, ms: int) -> None:
        """Before a row of another hour (ms since 1970 UTC): the count of the hour before is kept."""
        self.end_hour()
        hour = ms // HOUR_MS
        if hour // 24 != (self._hour_0 + self.hour) // 24:
            self._open_peak_before, self.open_peak = self.open_peak, self.open_now
        self.hour, self.hour_end_ms = hour - self._hour_0, (hour + 1) * HOUR_MS

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

    def silent(self, ms: int) -> None:
        """Nothing was heard of the park since last_ms."""
        if self.last_ms:
            most = max(self.open_peak, self._open_peak_before)
            self.silences.append((self.last_ms, ms, self.open_now / most if most else 0.0))
        self.nights.falls_silent(self.last_ms, ms)
        self.epoch += 1


def _offset_ms(zone: str, day: date) -> int:
    """From UTC, as it is in January: a day begins an hour later in summer, when nobody is in the park."""
    known = known_zone(zone)
    if known is None:
        return 0
    offset = datetime(day.year, 1, 15, 12, tzinfo=known).utcoffset() or timedelta(0)
    return int(offset.total_seconds()) * 1000
