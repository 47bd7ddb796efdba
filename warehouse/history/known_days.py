"""The days of a park of which anything is known: from its first row to its last, by steps on indexes."""

from datetime import date

from django.db import connection

from warehouse.instants import END_OF_TIME, EPOCH, aware_utc, naive_utc
from warehouse.models import Park
from warehouse.rides import stays
from warehouse.zones import known_zone, local_date

_OF_ONE_RIDE = (
    "(SELECT recorded_at FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE ride_id = %s "
    "AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at {} LIMIT 1)"
)


def known_days(park: Park) -> tuple[date, date] | None:
    """The park's own days of its first and its last row, or of which there are sums; None: there are neither.

    Two steps on idx_ride_recorded a ride, in each month that it may be in.
    """
    zone = known_zone(park.timezone)
    found: list[date] = []
    with connection.cursor() as cursor:
        if spans := stays.spans_of(park.pk, EPOCH, END_OF_TIME):
            values = [value for span in spans for value in (span.ride_id, naive_utc(span.start), naive_utc(span.end))]
            for end, order in (("MIN", "ASC"), ("MAX", "DESC")):
                each = " UNION ALL ".join([_OF_ONE_RIDE.format(order)] * len(spans))
                cursor.execute(f"SELECT {end}(recorded_at) FROM ({each}) ends", values)
                found += [local_date(aware_utc(instant), zone) for (instant,) in cursor.fetchall() if instant]
        cursor.execute("SELECT MIN(day), MAX(day) FROM ride_days WHERE park_id = %s", [park.pk])
        found += [day for day in cursor.fetchone() if day is not None]
    return (min(found), max(found)) if found else None
