"""Days with rows that nobody summed up and nobody marked: somebody wrote rows past us."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from django.db import connection

from warehouse.days import ONE_DAY
from warehouse.instants import naive_utc
from warehouse.models import Park
from warehouse.rides import stays
from warehouse.zones import local_day, zone_or_utc

_ANY = (
    "(SELECT %s FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
    "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s LIMIT 1)"
)


def with_rows(parks: Mapping[int, Park], days: Collection[tuple[int, date]]) -> set[tuple[int, date]]:
    """Those of these (park_id, day) near which there are rows, by two statements: of days that follow each other all or
    none. A step on the index a ride and run of days."""
    runs = runs_of(days)
    if not runs:
        return set()
    bounds = [_bounds(parks[park_id], first, last) for park_id, first, last in runs]
    spans = stays.spans(list(parks), min(begin for begin, _ in bounds), max(end for _, end in bounds))
    asked: list[str] = []
    values: list[Any] = []
    for number, ((park_id, _, _), (begin, end)) in enumerate(zip(runs, bounds, strict=True)):
        periods: dict[tuple[datetime, datetime], list[int]] = {}
        for span in spans[park_id]:
            if (start := max(begin, span.start)) < (stop := min(end, span.end)):
                periods.setdefault((start, stop), []).append(span.ride_id)
        for period, ride_ids in periods.items():
            asked.append(_ANY)
            values += [number, ride_ids, *map(naive_utc, period)]
    if not asked:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(asked), values)
        found = {runs[number] for (number,) in cursor.fetchall()}
    return {key for key in days if any(park_id == key[0] and a <= key[1] <= b for park_id, a, b in found)}


def runs_of(keys: Collection[tuple[int, date]]) -> list[tuple[int, date, date]]:
    """(park_id, first, last) of days that follow each other."""
    found: list[tuple[int, date, date]] = []
    for park_id, day in sorted(keys):
        if found and found[-1][0] == park_id and found[-1][2] + ONE_DAY == day:
            found[-1] = (park_id, found[-1][1], day)
        else:
            found.append((park_id, day, day))
    return found


def _bounds(park: Park, first: date, last: date) -> tuple[datetime, datetime]:
    """The instants between which the park's days lie, both included."""
    zone = zone_or_utc(park.timezone)
    return local_day(first, zone)[0], local_day(last, zone)[1]
