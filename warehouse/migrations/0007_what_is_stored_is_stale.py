"""What is stored already has no sums of days yet: every day of a park from its first row to its last is marked stale.

The fact table is not gone through: each ride is two steps on idx_ride_recorded in each month, 5,000 rides and 120
months are 1.2 million steps (reckoned: some 15 s). Each marked day is a row of 20 bytes, 100 parks and ten years
365,000 of them (reckoned: 5 s).

Pages count marked days from the rows, slower. The workers make the sums, month by month and park by park (the job "Make
day figures anew", which manage.py sync_schedules registers), or at once:  manage.py rebuild_days

Backwards the marks stay: nothing reads them, and they go with their table.
"""

import secrets
import time
from collections.abc import Iterator
from datetime import date, timedelta

from django.db import migrations

RIDES_PER_STATEMENT = 100
DAYS_PER_STATEMENT = 1000
ONE_DAY = timedelta(days=1)

PLACES = """
SELECT r.park_id, r.ride_id, NULL, NULL FROM rides r
WHERE NOT EXISTS (SELECT 1 FROM ride_stays s WHERE s.ride_id = r.ride_id)
UNION ALL SELECT park_id, ride_id, begins_at, ends_at FROM ride_stays ORDER BY 2
"""
END = """
(SELECT {number}, DATE(recorded_at) FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE ride_id = %s
AND recorded_at >= COALESCE(%s, '1970-01-01') AND recorded_at < COALESCE(%s, '9999-12-31')
ORDER BY recorded_at {order} LIMIT 1)
"""


def mark(apps, schema_editor) -> None:
    # in words of its own: what the application calls these may change
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(PLACES)
        places = cursor.fetchall()
        known: dict[int, list[date]] = {}
        for begin in range(0, len(places), RIDES_PER_STATEMENT):
            part = places[begin : begin + RIDES_PER_STATEMENT]
            ends = [
                (END.format(number=number, order=order), place[1:])
                for number, place in enumerate(part)
                for order in ("ASC", "DESC")
            ]
            sql = " UNION ALL ".join(one for one, _ in ends)
            cursor.execute(sql, [value for _, values in ends for value in values])
            for number, day in cursor.fetchall():
                known.setdefault(part[int(number)][0], []).append(day)
        token = (time.time_ns() // 1_000_000 << 20) | secrets.randbits(20)
        for park_id, days in sorted(known.items()):
            # the days of UTC, and one more on either side for the park's own
            marks = [(park_id, day, token) for day in _days(min(days) - ONE_DAY, max(days) + ONE_DAY)]
            for begin in range(0, len(marks), DAYS_PER_STATEMENT):
                part = marks[begin : begin + DAYS_PER_STATEMENT]
                cursor.execute(
                    f"INSERT INTO stale_days (park_id, day, token) VALUES {', '.join(['(%s, %s, %s)'] * len(part))} "
                    "ON DUPLICATE KEY UPDATE token = VALUES(token)",
                    [value for row in part for value in row],
                )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + n * ONE_DAY for n in range((last - first).days + 1))


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0006_parks_have_hours_and_rides_have_days")]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
