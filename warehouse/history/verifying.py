"""Whether the sums of days that are stored are what the rows say, and those of parks what these come to. Nothing is
written."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from warehouse.days import ONE_DAY
from warehouse.history import park_sums, reading, stored_days
from warehouse.history.recompute import DAYS_AT_ONCE, last_final
from warehouse.models import Park
from warehouse.rides import stale_days


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one day and ride, or of the park: a column, what is stored, and what the rows say. `whole_park`: what of it,
    where it is not of a ride."""

    day: date
    ride_id: int | None
    column: str
    stored: Any
    by_rows: Any
    whole_park: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """Some days of a park. `marked`: how many of them are known to be stale, or not final, and were left out."""

    first: date
    last: date
    days: int
    marked: int
    different: list[Difference]  # in the order of days


def compare(park: Park, first: date, last: date, now: datetime) -> Iterator[Compared]:
    """The park's days `first` to `last`, a month at a time. Both are read while others write: a day that differs is
    read again before it is told."""
    while first <= last:
        until = min(last, first + (DAYS_AT_ONCE - 1) * ONE_DAY)
        found = _compare(park, first, until, now)
        again = sorted({difference.day for difference in found.different})
        different = [each for day in again for each in _compare(park, day, day, now).different]
        yield Compared(found.first, found.last, found.days, found.marked, different)
        first = until + ONE_DAY


def _compare(park: Park, first: date, last: date, now: datetime) -> Compared:
    final = last_final(park.zone, now)
    left_out = set(stale_days.marked(park.pk, last))
    stored = stored_days.rows(park.pk, first, last)
    inferred = stored_days.inferred(park.pk, first, last)
    made = [day for day in reading.park_days(park, first, last, now) if first <= day.day <= last]
    of_park, of_rides = park_sums.stored(park.pk, first, last), park_sums.summed(park.pk, first, last)
    left_out |= set(stale_days.marked(park.pk, last))
    by_rows = stored_days.rows_of(park.pk, made, now)
    hours = {day.day: each for day in made if (each := stored_days.hours_of(day))}
    different: list[Difference] = []
    for key in sorted(stored.keys() | by_rows.keys()):
        different += _row(stored_days.compared(), key, stored.get(key), by_rows.get(key))
    for day in sorted(inferred.keys() | hours.keys()):
        if inferred.get(day) != hours.get(day):
            different.append(Difference(day, None, "hours", inferred.get(day), hours.get(day), "hours"))
    known = {each.day for each in different}  # sums of wrong figures would say nothing more
    for day, kind in sorted(key for key in of_park.keys() | of_rides.keys() if key[0] not in known):
        for each in _row(park_sums.COLUMNS[3:], (day, None), of_park.get((day, kind)), of_rides.get((day, kind))):
            different.append(replace(each, whole_park=f"sums of {kind or 'what has no kind'}"))
    days = [first + n * ONE_DAY for n in range((last - first) // timedelta(days=1) + 1)]
    left_out |= {day for day in days if day > final}
    counted = [each for each in different if each.day not in left_out]
    marked = sum(day in left_out for day in days)
    return Compared(first, last, len(days) - marked, marked, sorted(counted, key=lambda each: each.day))


def _row(
    columns: Sequence[str], key: tuple[date, int | None], stored: tuple | None, by_rows: tuple | None
) -> Iterator[Difference]:
    day, ride_id = key
    if stored is None or by_rows is None:
        there = ("not" if one is None else "is" for one in (stored, by_rows))
        yield Difference(day, ride_id, "a row", *there)
        return
    for column, one, other in zip(columns, stored, by_rows, strict=True):
        if one != other:
            yield Difference(day, ride_id, column, one, other)
