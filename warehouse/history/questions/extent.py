"""From when to when anything is known of parks."""

from collections.abc import Collection, Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from warehouse.days import ONE_DAY
from warehouse.history.questions.days import Range, fetched
from warehouse.instants import aware_utc, naive_utc
from warehouse.models import Park
from warehouse.rides import stays
from warehouse.zones import local_day

DAYS_AT_ONCE = 31  # of rows that are looked through: one or two partitions


def first_day(parks: Collection[int]) -> date | None:
    """The first of which there are sums or a mark, of any of these park_ids (a mark may be of the day before)."""
    tables = ("ride_days", "stale_days")
    edges = [f"(SELECT MIN(day) FROM {table} WHERE park_id = %s)" for table in tables for _ in parks]
    (row,) = fetched(f"SELECT {', '.join(edges)}", [*parks, *parks])  # a step on the key each
    return min((day for day in row if day is not None), default=None)


def newest_day(parks: Collection[int], now: datetime) -> date | None:
    """The newest of which there are sums or, up to `now`, rows, of any of these park_ids.

    Sums and marks say where to look: the rows of stale days beyond the newest sums are asked for, newest month first.
    """
    return newest_day_of(Park.objects.filter(pk__in=parks), now)


def newest_day_of(parks: Iterable[Park], now: datetime) -> date | None:
    """The same of parks that are at hand."""
    return extent_of(parks, now)[1]


def extent_of(parks: Iterable[Park], now: datetime) -> Range | tuple[None, None]:
    """`first_day` and `newest_day` of parks that are at hand, by one statement a park, and two more where rows are
    newer than the sums."""
    first: date | None = None
    newest: date | None = None
    for park in parks:
        zone = park.zone
        today = now.astimezone(zone).date()
        ((first_summed, first_marked, summed, marked),) = fetched(
            "SELECT (SELECT MIN(day) FROM ride_days WHERE park_id = %s), "
            "(SELECT MIN(day) FROM stale_days WHERE park_id = %s), "
            "(SELECT MAX(day) FROM ride_days WHERE park_id = %s AND day <= %s), "
            "(SELECT MAX(day) FROM stale_days WHERE park_id = %s AND day <= %s)",  # a step on the key each
            [park.pk, park.pk, park.pk, today, park.pk, today],
        )
        if marked and (summed is None or marked > summed):
            summed = _newest_of_rows(park, zone, summed, marked, now) or summed
        first = min((day for day in (first, first_summed, first_marked) if day is not None), default=None)
        newest = max((day for day in (newest, summed) if day is not None), default=None)
    return (first, newest) if first and newest else (None, None)


def _newest_of_rows(park: Park, zone: ZoneInfo, after: date | None, last: date, now: datetime) -> date | None:
    """Of the marked days behind `after` up to `last`."""
    spans: list[Range] = []
    if after and (last - after).days <= DAYS_AT_ONCE:
        spans.append((after + ONE_DAY, last))  # as in a park that is collected: which of so few are marked is all one
    else:
        for (day,) in fetched(
            "SELECT day FROM stale_days WHERE park_id = %s AND day > %s AND day <= %s ORDER BY day DESC",
            [park.pk, after or date.min, last],
        ):
            if spans and (spans[-1][1] - day).days < DAYS_AT_ONCE:
                spans[-1] = (day, spans[-1][1])
            else:
                spans.append((day, day))
    for first, last in spans:
        begin, end = local_day(first, zone)[0], min(local_day(last, zone)[1], now)
        newest = [
            row[0]
            for ride_ids, start, until in stays.periods_of(park.pk, begin, end)
            for row in fetched(
                "SELECT MAX(recorded_at) FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
                "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s GROUP BY ride_id",
                [ride_ids, naive_utc(start), naive_utc(until)],
            )
        ]
        if newest:
            return aware_utc(max(newest)).astimezone(zone).date()
    return None
