"""What the rows of rides and parks mean, said once more as plainly as it can be: row after row, in the order of time.

quality.check.taking does the same in a third of the time, and is held against this.
"""

from collections.abc import Sequence

from quality.check.profiles import (
    FROZEN_MS,
    HOLD_MAX_MS,
    MASK_64,
    SILENCE_MS,
    SKETCH,
    SKETCH_FOLD,
    SKETCH_SPREAD,
    WALK_ON_MINUTES,
    RideProfile,
)
from quality.check.rows import (
    HEARD,
    LAST_STATUS_SHIFT,
    NOT_TOLD,
    OPEN,
    OPERATING,
    QUEUES,
    STATES,
    STATUSES,
    WAITED,
    Row,
)
from warehouse.snapshot_id import recorded_ms_of, ride_id_of


class PlainRide(RideProfile):
    """A ride that keeps its status and wait as they are."""

    status: str | None = None
    wait: int | None = None
    hashes: tuple[int, ...] = ()

    def take(self, ms: int, status: str, wait: int | None, queues: int | None) -> None:
        park = self.park
        if ms >= self.day_end_ms:
            self.end_day()
            self.day, self.day_end_ms = park.day_of(ms)
        self.flags |= HEARD | (OPEN if status == OPERATING else 0) | (0 if wait is None else WAITED)
        if queues is not None:
            self._speak(ms, status, queues)
        if status != self.status or wait != self.wait or self.epoch != park.epoch or ms - self.last_ms > HOLD_MAX_MS:
            self._turn(ms, status, wait)
        if wait:
            park.nights.turns(ms)
        elif status == OPERATING:
            park.nights.words += 1
        self.records += 1
        self.last_ms = ms

    def end_day(self) -> None:
        if self.flags:
            kept = self.days[self.day] & (HEARD | OPEN | WAITED)
            self.days[self.day] = kept | self.flags | STATUSES.index(self.status or "") << LAST_STATUS_SHIFT
            self.waited_days += bool(self.flags & WAITED)
            self.flags = 0

    def end_month(self, month) -> None:
        super().end_month(month)
        self.hashes = ()

    def leave(self) -> None:
        self._turn(self.last_ms, None, None)

    def _speak(self, ms: int, status: str, queues: int) -> None:
        if status != OPERATING:
            self.spoken, self.silent_about = 0, {}
            return
        self.omissions.events += 1
        self.compare_queues(ms, queues)
        self.spoken_ms = ms

    def _turn(self, ms: int, status: str | None, wait: int | None) -> None:
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
            park.open_now += (status == OPERATING) - (self.status == OPERATING)
            park.open_peak = max(park.open_peak, park.open_now)
            self.status = status
        if wait != self.wait:
            if wait is not None:
                hashed = (ms // 60_000 << 15 | wait) * SKETCH_SPREAD & MASK_64
                self.hashes = (*self.hashes, hashed ^ hashed >> SKETCH_FOLD)
                self.sketch = sorted(self.hashes)[:SKETCH]
                self.waits |= 1 << abs(wait) // 5
                self.changes += 1
            self.wait = wait


def take(rides: dict[int, PlainRide], rows: Sequence[Row]) -> None:
    """As quality.check.taking.take, of rows that are all well."""
    for snapshot_id, key in rows:
        ms, ride = recorded_ms_of(snapshot_id), rides[ride_id_of(snapshot_id)]
        park = ride.park
        if ms >= park.hour_end_ms and park.next_hour(ms):
            park.next_day_of_open_rides()
        park.hour_seen += 1
        if ms - park.last_ms >= SILENCE_MS:
            park.nights.falls_silent(park.last_ms, ms)
            park.silent(park.last_ms, ms)
        park.last_ms = ms
        says = STATES[key >> 8]
        queues = key & QUEUES
        ride.take(ms, says.status, says.wait, None if queues == NOT_TOLD else queues)
