"""A park's days made from its rows: some ten statements a park and month, however many rides it has.

Rows come of the partitions of the days alone, 10 days of a park of 250 rides at a time (250,000 rows, 30 MB), with two
days before the first and one after the last, by which the rule tells what it tells. Those of a park that has a good
share of all rides are read in the order of time, by the primary key, and its own are taken out; those of others through
idx_ride_recorded, from which the server steps to each row.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from warehouse.days import ONE_DAY
from warehouse.history.before import ROWS, periods, states_before
from warehouse.history.rule import DayOfPark, Milliseconds
from warehouse.history.whole_park import Known, Seen, days_of
from warehouse.history.words import (
    CARRIED_DAYS,
    CODE_SQL,
    PAID_RETURN_TIME,
    PAID_STANDBY,
    RETURN_TIME,
    SINGLE_RIDER,
    ParkWords,
    Queue,
    Word,
)
from warehouse.instants import instant_at, milliseconds_of, naive_utc
from warehouse.models import EntityMetadata, HoursSource, HoursType, Park, Ride
from warehouse.rides import hours, openings, stays
from warehouse.rides.stays import Span
from warehouse.snapshot_id import RIDE_ID_BITS, RIDE_ID_MASK
from warehouse.zones import known_zone

DAYS_AT_ONCE = 10
RIDE_DAYS_AT_ONCE = 10 * 250  # of a smaller park so many days more
DAYS_BEFORE = 2
#: of all rides, from which on a park is read in the order of time. A row of others that is passed over takes the server
#: 0.5 us, the step from the index to a row of its own 5
LARGE_SHARE = 1 / 8

#: by the number that a queue's kind has in the ENUM of queue_data
_QUEUES = {2: SINGLE_RIDER, 3: RETURN_TIME, 4: PAID_RETURN_TIME, 6: PAID_STANDBY}
_AVAILABLE = 1  # in that of return_time_state
_KIND = "CAST(q.queue_type AS UNSIGNED)"
_QUEUE_COLUMNS = (
    f"q.snapshot_id, {_KIND}, q.wait_time_minutes, CAST(q.return_time_state AS UNSIGNED), "
    "q.price_amount, q.price_currency"
)


def park_days(park: Park, first: date, last: date, now: datetime, seen: Seen | None = None) -> Iterator[DayOfPark]:
    """The days of the park from `first` to `last` (its own, both included) of which something was heard, in order, by
    the rows as they are. What lies after `now` (aware) is not told; nothing is written. `seen` is given what each day
    was made from."""
    zone = known_zone(park.timezone)
    days = [first + n * ONE_DAY for n in range(-DAYS_BEFORE, (last - first).days + 2)]
    midnights = [
        datetime.combine(day, time(), tzinfo=zone or UTC).astimezone(UTC) for day in [*days, days[-1] + ONE_DAY]
    ]
    begin = midnights[0]
    # what an opening of up to 92 days ago tells depends on what was known when it came
    spans = stays.spans_of(park.pk, begin - timedelta(days=2 * CARRIED_DAYS), midnights[-1])
    rides = {span.ride_id for span in spans}
    if not rides or begin >= now:
        return
    opened = {
        ride_id: opening
        for ride_id, opening in openings.of_rides(rides).items()
        if any(span.ride_id == ride_id and span.start <= instant_at(opening.opens_ms) < span.end for span in spans)
    }
    known = Known(
        zone=zone,
        now_ms=milliseconds_of(now),
        scheduled=_scheduled(park.pk, days[0], days[-1]),
        attractions=set(
            EntityMetadata.objects.filter(ride__in=rides, entity_type="ATTRACTION").values_list("ride_id", flat=True)
        ),
        openings=opened,
    )
    states = states_before(spans, opened, begin, zone or UTC)
    is_large = len(rides) >= LARGE_SHARE * Ride.objects.count()
    for found in days_of(_words(days, midnights, spans, now, is_large), states, known, seen):
        if found.rides:
            yield found


def _scheduled(park_id: int, first: date, last: date) -> dict[date, tuple[tuple[Milliseconds, ...], HoursSource]]:
    """Hours by day, of the days of which a schedule or an operator says any, also that the park is closed.

    INFO says nothing about hours: a day of which only that is said is asked of the rows.
    """
    return {
        day: (hours.open_ms(said), HoursSource(said[0].source))
        for (_, day), said in hours.hours_of([park_id], first, last).items()
        if said[0].source != HoursSource.INFERRED and any(each.type != HoursType.INFO for each in said)
    }


def _words(
    days: list[date], midnights: list[datetime], spans: list[Span], now: datetime, is_large: bool
) -> Iterator[ParkWords]:
    """The days one after the other, read several at once."""
    rides = len({span.ride_id for span in spans})
    at_once = max(DAYS_AT_ONCE, RIDE_DAYS_AT_ONCE // rides)
    for at in range(0, len(days), at_once):
        part = days[at : at + at_once]
        bounds = [milliseconds_of(instant) for instant in midnights[at : at + len(part) + 1]]
        found = [ParkWords(day, bounds[n], bounds[n + 1]) for n, day in enumerate(part)]
        begin, end = midnights[at], midnights[at + len(part)]
        for ride_ids, *period in periods(spans, begin, min(end, now)):
            by_ride: dict[int, list[Word]] = {ride_id: [] for ride_id in ride_ids}
            add = {ride_id: words.append for ride_id, words in by_ride.items()}
            for word in (_rows_by_time if is_large else _rows_by_ride)(ride_ids, *period):
                add[word[0] & RIDE_ID_MASK](word)
            for ride_id, words in by_ride.items():
                if words:
                    _divide(found, bounds, ride_id, words)
        # what they tell is carried over one midnight: it is not read of the days at the ends
        for ride_ids, *period in periods(spans, max(begin, midnights[1]), min(end, midnights[-2], now)):
            queues = (_queues_by_time if is_large else _queues_by_ride)(ride_ids, *period)
            for day in found:
                day.queues = {**day.queues, **queues} if day.queues else queues
        _leave(found, spans, midnights[-1])
        yield from found


def _divide(found: list[ParkWords], bounds: list[int], ride_id: int, words: list[Word]) -> None:
    """The words of a ride to the days on which they were said."""
    at = 0
    for day, end_ms in zip(found, bounds[1:], strict=True):
        limit = end_ms << RIDE_ID_BITS
        stop = len(words) if words[-1][0] < limit else bisect_left(words, (limit,), at)
        if at < stop:
            day.words.setdefault(ride_id, []).extend(words[at:stop])
        at = stop


def _leave(found: list[ParkWords], spans: Iterable[Span], end: datetime) -> None:
    """Which rides went to another park when, and did not come back that day. `end`: of all that is read."""
    for span in spans:
        end_ms = milliseconds_of(span.end)
        for day in found:
            if day.begin_ms < end_ms <= day.end_ms and span.end < end:
                comes_back = any(
                    other.ride_id == span.ride_id and end_ms <= milliseconds_of(other.start) < day.end_ms
                    for other in spans
                )
                if not comes_back:
                    day.leaves = {**day.leaves, span.ride_id: end_ms}


def _rows_by_ride(ride_ids: list[int], start: datetime, end: datetime) -> list[Word]:
    return _select(
        f"SELECT snapshot_id, {CODE_SQL}, wait_time {ROWS} ride_id IN %s AND recorded_at >= %s AND recorded_at < %s "
        "ORDER BY ride_id, recorded_at",
        [ride_ids, naive_utc(start), naive_utc(end)],
    )


def _rows_by_time(ride_ids: list[int], start: datetime, end: datetime) -> list[Word]:
    """The same rows; recorded_at names the partitions."""
    keys = [milliseconds_of(start) << RIDE_ID_BITS, milliseconds_of(end) + 1 << RIDE_ID_BITS]
    return _select(
        f"SELECT snapshot_id, {CODE_SQL}, wait_time FROM ride_status_snapshots FORCE INDEX (PRIMARY) "
        "WHERE snapshot_id >= %s AND snapshot_id < %s AND recorded_at >= %s AND recorded_at < %s AND ride_id IN %s "
        "ORDER BY snapshot_id",
        [*keys, naive_utc(start), naive_utc(end), ride_ids],
    )


def _queues_by_ride(ride_ids: list[int], start: datetime, end: datetime) -> dict[int, list[Queue]]:
    """What the snapshots of these rides say of further queues that count, by snapshot_id."""
    return _queues(
        f"SELECT {_QUEUE_COLUMNS} FROM ride_status_snapshots s FORCE INDEX (idx_ride_recorded) "
        "STRAIGHT_JOIN queue_data q FORCE INDEX (idx_queue_snapshot) ON q.snapshot_id = s.snapshot_id "
        f"WHERE s.ride_id IN %s AND s.recorded_at >= %s AND s.recorded_at < %s AND {_KIND} IN %s",
        [ride_ids, naive_utc(start), naive_utc(end), list(_QUEUES)],
    )


def _queues_by_time(ride_ids: list[int], start: datetime, end: datetime) -> dict[int, list[Queue]]:
    """The same, and perhaps those of another row at the last instant, which nobody looks up; whose they are is told by
    their snapshot_id."""
    return _queues(
        f"SELECT {_QUEUE_COLUMNS} FROM queue_data q FORCE INDEX (idx_queue_snapshot) "
        f"WHERE q.snapshot_id >= %s AND q.snapshot_id < %s AND q.snapshot_id & {RIDE_ID_MASK} IN %s "
        f"AND {_KIND} IN %s",
        [
            milliseconds_of(start) << RIDE_ID_BITS,
            milliseconds_of(end) + 1 << RIDE_ID_BITS,
            ride_ids,
            list(_QUEUES),
        ],
    )


def _queues(sql: str, parameters: list[Any]) -> dict[int, list[Queue]]:
    found: dict[int, list[Queue]] = {}
    for snapshot_id, kind, wait, state, price, currency in _select(sql, parameters):
        found.setdefault(snapshot_id, []).append(Queue(_QUEUES[kind], wait, state == _AVAILABLE, price, currency))
    return found


def _select(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
