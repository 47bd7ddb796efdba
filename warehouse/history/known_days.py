"""The days of a park of which anything is known: from its first row to its last, by steps on indexes."""

from datetime import date, datetime, tzinfo

from django.db import connection

from warehouse.instants import END_OF_TIME, EPOCH, aware_utc, naive_utc
from warehouse.models import Park
from warehouse.rides import stays
from warehouse.zones import local_date, local_day, zone_or_utc

_OF_ONE_RIDE = (
    "(SELECT recorded_at FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE ride_id = %s "
    "AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at {} LIMIT 1)"
)


_ANY = (
    "SELECT 1 FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE ride_id IN %s "
    "AND recorded_at >= %s AND recorded_at < %s LIMIT 1"
)


def known_days(park: Park, first: date | None = None, last: date | None = None) -> tuple[date, date] | None:
    """The park's own days of its first and its last row, or of which there are sums; None: there are neither.

    Two steps on idx_ride_recorded a ride, in each month that it may be in: 0.3 s of 250 rides in 61 months. Who asks
    for the days from `first` on, or to `last`, is told these where there are rows beyond them, which is a step.
    """
    zone = zone_or_utc(park.timezone)
    is_before = first is not None and _any_row(park, EPOCH, local_day(first, zone)[0])
    is_behind = last is not None and _any_row(park, local_day(last, zone)[1], END_OF_TIME)
    begins = first if is_before else _end_of_rows(park, zone, "MIN", "ASC")
    ends = last if is_behind else _end_of_rows(park, zone, "MAX", "DESC")
    with connection.cursor() as cursor:
        cursor.execute("SELECT MIN(day), MAX(day) FROM ride_days WHERE park_id = %s", [park.pk])
        first_summed, last_summed = cursor.fetchone()
    begins = min((day for day in (begins, first_summed) if day is not None), default=None)
    ends = max((day for day in (ends, last_summed) if day is not None), default=None)
    return None if begins is None or ends is None else (begins, ends)


def _any_row(park: Park, start: datetime, end: datetime) -> bool:
    with connection.cursor() as cursor:
        for ride_ids, *period in stays.periods_of(park.pk, start, end):
            cursor.execute(_ANY, [ride_ids, *map(naive_utc, period)])
            if cursor.fetchone() is not None:
                return True
    return False


def _end_of_rows(park: Park, zone: tzinfo, end: str, order: str) -> date | None:
    spans = stays.spans_of(park.pk, EPOCH, END_OF_TIME)
    if not spans:
        return None
    values = [value for span in spans for value in (span.ride_id, naive_utc(span.start), naive_utc(span.end))]
    each = " UNION ALL ".join([_OF_ONE_RIDE.format(order)] * len(spans))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {end}(recorded_at) FROM ({each}) ends", values)
        (instant,) = cursor.fetchone()
    return local_date(aware_utc(instant), zone) if instant else None
