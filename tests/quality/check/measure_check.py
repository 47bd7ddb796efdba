"""Measure check_quality on a year of a large destination: 4 parks, 200 rides, 5 million observations, made up.

    DATABASE_URL=mysql://.../an_empty_database python -m tests.quality.check.measure_check

Migrate the database first and drop it afterwards. The figures in docs/quality.md are from here.
"""

import os
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from uuid import UUID, uuid4

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.db import connection  # noqa: E402

from quality.check.run import check  # noqa: E402
from tests.quality.check import clean_year  # noqa: E402
from warehouse.models import Park, RideStatusSnapshot  # noqa: E402

PARKS = ["Kingdom", "Studios", "Safari", "Harbour"]
RIDES_A_PARK = 50
MINUTES_BETWEEN = 10.5  # records of one ride
QUEUE_ROWS_SHARE = 3  # one of three observations has a further line


def main() -> None:
    if RideStatusSnapshot.objects.exists():
        sys.exit("There are observations in this database: give an empty one")
    began = time.monotonic()
    queue_rows = store_the_year()
    say(f"stored in {time.monotonic() - began:.0f} s, {queue_rows:,} queue rows among it")
    before = rows_read()
    checked = check(None, None, None, datetime(2026, 1, 3, tzinfo=UTC), dry_run=True)
    say(f"{checked.rows_read:,} observations checked, {rows_read() - before:,} rows read from all tables and indexes")
    for run in (1, 2):
        began, cpu = time.monotonic(), _cpu_seconds()
        subprocess.run([sys.executable, "manage.py", "check_quality"], check=True)
        seconds, cpu = time.monotonic() - began, _cpu_seconds() - cpu
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        say(f"run {run}: {seconds:.1f} s, {cpu:.1f} s of them its own CPU, at most {megabytes:.0f} MB")


def store_the_year() -> int:
    """The rides in turn, with their rows; the number of queue rows."""
    ride_id = queue_rows = 0
    for number, name in enumerate(PARKS, 10):
        park = Park.objects.create(
            park_name=name,
            timezone="America/New_York",
            themeparks_wiki_id=str(UUID(int=number)),
            destination_wiki_id=str(uuid4()),
        )
        clean_year.read(park, *((day, 100) for day in clean_year.days_of_the_year()))
        for n in range(RIDES_A_PARK):
            ride_id += 1
            attraction = clean_year.Attraction(f"{name} ride {n}", minutes_between=MINUTES_BETWEEN)
            clean_year.add_ride(park, attraction.name, ride_id=ride_id)
            rows = clean_year.records(attraction, park.timezone, clean_year.hours_of_lakeside, seed=ride_id)
            rows = [(ride_id, *row) for row in rows]
            clean_year.observe(rows)
            queue_rows += clean_year.queue(rows[::QUEUE_ROWS_SHARE])
    return queue_rows


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def rows_read() -> int:
    """Rows that this session took from any index so far."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
