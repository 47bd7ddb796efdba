"""The questions analysts ask: how a park's days went, and how the same days went a year before.

An observation is a change: what it says holds until the ride's next one. So figures are weighted by time, not by
observations, of which a ride has more the more restless it is. An archive event that is silent about the standby line
leaves the wait as it was told last, for as long as a state holds; nights in which a closed park's rides say OPERATING
again and again (warehouse.history.nights) are left out (docs/decisions/figures-by-time.md). How a ride stood before the
first row of its record, its opening says, where a source told one. Days are the park's own, midnight to midnight there.
Only the partitions of the days are opened, and each ride is one walk on idx_ride_recorded.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from warehouse.days import ONE_DAY
from warehouse.history.nights import Night, nights, overlap_ms
from warehouse.instants import EPOCH, ONE_MILLISECOND, aware_utc, instant_at, milliseconds_of, naive_utc
from warehouse.models import Park, RideStatus
from warehouse.rides import openings, stays
from warehouse.rides.openings import Opening
from warehouse.snapshot_id import recorded_ms_of
from warehouse.zones import known_zone

# A ride that is open says something every few minutes, one with no line perhaps once in a morning. After so long
# without a word nobody knows how it stands: many rides never say that they close for the night.
HOLDS_AT_MOST = timedelta(hours=3)
# 52 weeks: a Saturday is held against a Saturday.
A_YEAR = timedelta(days=364)
# So far back a park's newest row is looked for, step by step; None: to the beginning.
LOOK_BACK = (timedelta(days=28), timedelta(days=91), A_YEAR, None)


@dataclass(slots=True)
class Figures:
    """Sums over rides and time, so that days add up to a period."""

    observations: int = 0
    rides: set[int] = field(default_factory=set)  # that operated
    operating_ms: int = 0  # of all rides together
    down_ms: int = 0
    wait_ms: int = 0  # of operating_ms, in which a standby wait was shown
    wait_minutes_ms: int = 0  # minutes of wait x milliseconds
    highest_wait: int | None = None

    def add(self, other: "Figures") -> None:
        """The figures of another ride or another day to these: sums, all its rides, and the higher of two waits."""
        self.observations += other.observations
        self.rides |= other.rides
        self.operating_ms += other.operating_ms
        self.down_ms += other.down_ms
        self.wait_ms += other.wait_ms
        self.wait_minutes_ms += other.wait_minutes_ms
        if other.highest_wait is not None:
            self.highest_wait = max(other.highest_wait, self.highest_wait or 0)

    @property
    def average_wait(self) -> float | None:
        """Minutes, over all rides and all the time in which they showed a wait; None where none did."""
        return self.wait_minutes_ms / self.wait_ms if self.wait_ms else None

    @property
    def down_share(self) -> float | None:
        """Of the time in which rides were to operate; None where none was."""
        meant = self.operating_ms + self.down_ms
        return self.down_ms / meant if meant else None

    @property
    def operating_hours(self) -> float:
        """Of all rides together."""
        return self.operating_ms / 3_600_000


@dataclass(slots=True)
class ParkDay:
    """One day of a park, midnight to midnight there, with the figures of all its rides."""

    day: date
    figures: Figures


def park_by_day(park: Park, first: date, last: date, now: datetime) -> list[ParkDay]:
    """A park's days, both included, in order, also those of which nothing is known. What lies after `now` is not told.

    250,000 observations of 21 rides take a second.
    """
    zone = zone_of(park)
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    midnights = [milliseconds_of(datetime.combine(day, time(), tzinfo=zone)) for day in [*days, last + ONE_DAY]]
    found = [Figures() for _ in days]
    spans = list(stays.spans_of(park.pk, instant_at(midnights[0]) - HOLDS_AT_MOST, instant_at(midnights[-1])))
    ride_ids = sorted({span.ride_id for span in spans})
    closed = nights(ride_ids, known_zone(park.timezone), first, last)
    opened = openings.of_rides(ride_ids)
    for span in spans:
        _add_ride(found, span, opened.get(span.ride_id), midnights, milliseconds_of(now), closed)
    return [ParkDay(day, figures) for day, figures in zip(days, found, strict=True)]


def same_period_last_year(park: Park, first: date, last: date, now: datetime) -> tuple[list[ParkDay], list[ParkDay]]:
    """The days, and those of the same weekdays 52 weeks before."""
    return park_by_day(park, first, last, now), park_by_day(park, first - A_YEAR, last - A_YEAR, now)


def total(days: Iterable[ParkDay]) -> Figures:
    """Of all of them together."""
    found = Figures()
    for day in days:
        found.add(day.figures)
    return found


def newest_day(park: Park, now: datetime) -> date | None:
    """The park's own day of its newest observation up to `now`; one step on the index a ride and partition.

    The newest months are asked first: a park that is heard of every day opens two partitions for each of its rides in
    place of all (75 in six years, and 50 rides).
    """
    end = now + ONE_MILLISECOND
    for back in LOOK_BACK:
        start = EPOCH if back is None else now - back
        if newest := _newest_row(stays.spans_of(park.pk, start, end)):
            return newest.astimezone(zone_of(park)).date()
        end = start
    return None


def _newest_row(spans: Sequence[stays.Span]) -> datetime | None:
    if not spans:
        return None
    of_one_ride = (
        "(SELECT recorded_at FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE ride_id = %s "
        "AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at DESC LIMIT 1)"
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT MAX(recorded_at) FROM ({' UNION ALL '.join([of_one_ride] * len(spans))}) newest",
            [value for span in spans for value in (span.ride_id, naive_utc(span.start), naive_utc(span.end))],
        )
        (newest,) = cursor.fetchone()
    return newest and aware_utc(newest)


def zone_of(park: Park) -> ZoneInfo:
    """UTC where the park's zone is not known."""
    return known_zone(park.timezone) or ZoneInfo("UTC")


def _add_ride(
    found: list[Figures],
    span: stays.Span,
    opening: Opening | None,
    midnights: Sequence[int],
    now_ms: int,
    closed: Sequence[Night],
) -> None:
    """What a ride did while it was in the park; what it said before it came, and after it left, is another park's."""
    ride_id = span.ride_id
    begin, end = midnights[0], min(midnights[-1], now_ms, milliseconds_of(span.end))
    holds_ms = HOLDS_AT_MOST // ONE_MILLISECOND
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT snapshot_id, status, wait_time, wait_time IS NULL AND wait_told = 0 AND data_source = 'ARCHIVE' "
            "FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
            "WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at",
            [ride_id, naive_utc(span.start), naive_utc(instant_at(end))],
        )
        rows = cursor.fetchall()
    # from when on, when it was last seen to be so, what; an observation is seen when it begins
    words = [(at := recorded_ms_of(key), at, status, wait, is_silent) for key, status, wait, is_silent in rows]
    for word in words:
        number_of_day = bisect_right(midnights, word[0]) - 1
        if number_of_day >= 0:
            found[number_of_day].observations += 1
    opens = opening is not None and opening.opens_ms < (words[0][0] if words else end)  # else rows come before it
    if opening is not None and opens:
        words.insert(0, (opening.opens_ms, opening.observed_ms, opening.status, opening.wait_time, False))
    begin = max(begin, milliseconds_of(span.start))
    told_wait: int | None = None  # the last wait that was told while the ride operated, and when
    told_at = 0
    for number, (at, seen_at, status, wait, is_silent) in enumerate(words):
        if status != RideStatus.OPERATING:
            told_wait = None
        elif not is_silent:
            told_wait, told_at = wait, seen_at
        carried_until = told_at + holds_ms if is_silent and told_wait is not None else 0
        if status not in (RideStatus.OPERATING, RideStatus.DOWN):
            continue
        if opens and not number and status == RideStatus.OPERATING:
            continue  # carried over midnight, when parks are closed: the source itself calls this unknown
        until = min(seen_at + holds_ms, end)
        if number + 1 < len(words):
            until = min(until, words[number + 1][0])
        at = max(at, begin)
        while at < until:  # a state that holds over midnight counts on both days
            number_of_day = bisect_right(midnights, at) - 1
            stop = min(until, midnights[number_of_day + 1])
            if at < carried_until:
                stop = min(stop, carried_until)
            shown = told_wait if at < carried_until else wait
            left_out = overlap_ms(closed, at, stop) if status == RideStatus.OPERATING and not shown else 0
            if stop - at > left_out:
                _add_time(found[number_of_day], ride_id, status, shown, stop - at - left_out)
            at = stop


def _add_time(figures: Figures, ride_id: int, status: str, wait: int | None, milliseconds: int) -> None:
    if status == RideStatus.DOWN:
        figures.down_ms += milliseconds
        return
    figures.operating_ms += milliseconds
    figures.rides.add(ride_id)
    if wait is not None:
        figures.wait_ms += milliseconds
        figures.wait_minutes_ms += wait * milliseconds
        if figures.highest_wait is None or wait > figures.highest_wait:
            figures.highest_wait = wait
