"""Making the sums of days anew where they are marked as stale: ride_days, and hours that are inferred beside them.

Sums are made of rows alone, never of other sums, and any number of processes may make them at once. What keeps them
right (docs/decisions/days-made-anew.md):

- Marks are read before the rows, and cleared only if they are the same afterwards.
- The oldest marked day of a park comes first, and a day is cleared only with all before it.
- Whoever clears a day marks again what is marked behind it, as far as a state is carried: what others have read
  meanwhile of these is void.
- Where what a day carries further is other than before, the next day with sums is marked.

So a day without a mark, and without a marked day before it, is what the rows say.
"""

import gc
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from itertools import islice

from django.db import DatabaseError, transaction

from warehouse.days import ONE_DAY
from warehouse.history import reading, stored_days
from warehouse.history.rule import RULES_VERSION, DayOfPark
from warehouse.models import Park, Ride
from warehouse.rides import stale_days
from warehouse.server import errors
from warehouse.server.named_lock import named_lock
from warehouse.server.turns import never_idle_for_long, wait_for_turn
from warehouse.zones import local_date, local_day, zone_or_utc

DAYS_AT_ONCE = 31  # made together, and held in memory: 750,000 rows of a park of 250 rides
RIDE_DAYS_AT_ONCE = 31 * 250  # of a smaller park so many more: a go costs 40 statements, and the days around it
DAYS_AT_ONCE_MAX = 366
NEAR_DAYS = 3  # marked days so near each other are made together, with those between them
FINAL_AFTER = timedelta(hours=24)
ATTEMPTS = 4  # at a day on which another process writes at this very moment
LOCK_WAIT_SECONDS = 5  # an import holds its park for a file, which takes less
NOT_FINAL_EVERY = timedelta(hours=1)  # sums of days that are not final are so old at most


@dataclass(frozen=True, slots=True)
class Made:
    """What was made of a park in one go: days that are what the rows say since, and rows that they have."""

    park_id: int
    first: date
    last: date
    days: int
    rows: int


class ParkBusy(Exception):
    """Another process makes this park's days, or writes rows of it for long: to be tried later. Marks stay."""


def recompute(
    park_id: int,
    now: datetime,
    *,
    until: date | None = None,
    not_final_after: timedelta = timedelta(0),
    patience_seconds: int = 0,
    goes: int | None = None,
) -> list[Made]:
    """Make the marked days of a park anew, the oldest first; what was made in each go, [] where nothing was left.

    `until`: up to this day. `goes`: no more than so many; what is left stays marked. ParkBusy: not now, see `in_goes`.
    To be called outside of transactions.
    """
    all_goes = in_goes(park_id, now, until=until, not_final_after=not_final_after, patience_seconds=patience_seconds)
    with closing(all_goes):
        return list(islice(all_goes, goes))


def in_goes(
    park_id: int,
    now: datetime,
    *,
    until: date | None = None,
    not_final_after: timedelta = timedelta(0),
    patience_seconds: int = 0,
) -> Generator[Made]:
    """The same, a month of a large park or a year of a small one at most in each go: whoever takes no more of them
    leaves the rest marked.

    Days that are not final keep their mark whatever is done. They are made as well, once they are over, where their
    sums are older than `not_final_after`. ParkBusy: another process is at this park's days, and still was after
    `patience_seconds`, or writes its rows without a pause.
    """
    with named_lock(f"days of park {park_id}", patience_seconds) as mine:
        if not mine:  # to do the same beside it would be void, not wrong
            raise ParkBusy
        stale_days.mark_older_than(park_id, RULES_VERSION)
        in_vain, at_once = 0, _days_at_once(park_id)
        while (seen := _oldest(park_id, now, until, at_once)) is not None:
            made = _make(park_id, seen, now)
            in_vain = 0 if made.days else in_vain + 1
            if in_vain >= ATTEMPTS:
                raise ParkBusy
            if made.days:
                yield made
        yield from (made for made in _not_final(park_id, now, until, not_final_after) if made.rows)


def last_final(zone: tzinfo, now: datetime) -> date:
    """The last day of a zone that was over 24 hours ago: what is told of it late has been told, or is marked."""
    day = local_date(now, zone)
    while local_day(day, zone)[1] + FINAL_AFTER > now:
        day -= ONE_DAY
    return day


# --- one go ---------------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Seen:
    """Days to be made together, without holes, and the marks among them as they were before the rows were read."""

    first: date
    last: date
    marks: Mapping[date, int]

    @property
    def days(self) -> list[date]:
        return [self.first + n * ONE_DAY for n in range((self.last - self.first).days + 1)]


def _days_at_once(park_id: int) -> int:
    rides = Ride.objects.filter(park_id=park_id).count()
    return min(DAYS_AT_ONCE_MAX, max(DAYS_AT_ONCE, RIDE_DAYS_AT_ONCE // max(1, rides)))


def _oldest(park_id: int, now: datetime, until: date | None, at_once: int = DAYS_AT_ONCE) -> _Seen | None:
    last = last_final(_zone_of(park_id), now)
    marks = stale_days.marked(park_id, last if until is None else min(last, until), limit=at_once)
    if not marks:
        return None
    chosen: dict[date, int] = {}
    for day, token in marks.items():
        if chosen and ((day - max(chosen)).days > NEAR_DAYS or (day - min(chosen)).days >= at_once):
            break
        chosen[day] = token
    return _Seen(min(chosen), max(chosen), chosen)


def _make(park_id: int, seen: _Seen, now: datetime) -> Made:
    before = stored_days.carried(park_id, seen.first, seen.last)
    found = _read(park_id, seen, now)
    ready = stored_days.prepared(park_id, found.values(), now)

    def write() -> Made:
        marks = stale_days.marked(park_id, seen.last, for_update=True)
        done: list[date] = []
        for day in seen.days if min(marks, default=seen.first) >= seen.first else ():
            if marks.get(day) != seen.marks.get(day):
                break  # something came meanwhile: it and what lies behind it wait for another go
            done.append(day)
        if not done:
            return Made(park_id, seen.first, seen.first, 0, 0)
        first, last = done[0], done[-1]
        rows = stored_days.write(park_id, done, ready)
        stale_days.clear(park_id, [day for day in done if day in marks])  # one set since is not ours
        behind = stale_days.mark_behind if _carry_something_else(done, before, found) else stale_days.mark_again_behind
        behind(park_id, last)
        return Made(park_id, first, last, len(done), rows)

    return _in_turn(park_id, write)


def _read(park_id: int, seen: _Seen, now: datetime) -> dict[date, DayOfPark]:
    park = Park.objects.get(pk=park_id)  # behind the marks: a zone that changes marks all days
    # rows are tuples without cycles: to go through 250,000 of them again and again takes a quarter of the time
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return {day.day: day for day in reading.park_days(park, seen.first, seen.last, now)}
    finally:
        if was_enabled:
            gc.enable()


def _in_turn(park_id: int, write: Callable[[], Made]) -> Made:
    for _ in range(ATTEMPTS):
        try:
            with never_idle_for_long(LOCK_WAIT_SECONDS), transaction.atomic():
                wait_for_turn([park_id])
                return write()
        except DatabaseError as error:
            if not errors.is_locked(error):
                raise
    raise ParkBusy


def _carry_something_else(
    done: list[date], before: Mapping[date, Mapping[int, int]], found: Mapping[date, DayOfPark]
) -> bool:
    """Whether these days carry something else to those behind them than they did. Among themselves they are as one."""
    for day in reversed(done):
        now = {ride_id: figures.carried for ride_id, figures in found[day].rides.items()} if day in found else {}
        if before.get(day, {}) != now:
            return True
        if now:
            return False  # what the days before it carry has come through this one
    return False


# --- days that are not final ----------------------------------------------------------------------------------------
def _not_final(park_id: int, now: datetime, until: date | None, older_than: timedelta) -> Iterator[Made]:
    """Days that are marked, over and not final: there for whoever reads the table, and taken for good by nobody."""
    zone = _zone_of(park_id)
    first = last_final(zone, now) + ONE_DAY
    last = local_date(now, zone) - ONE_DAY  # today is not over
    for day, token in stale_days.marked(park_id, last if until is None else min(last, until)).items():
        if day >= first and not stored_days.is_made_since(park_id, day, now - older_than):
            yield _make_for_now(park_id, _Seen(day, day, {day: token}), now)


def _make_for_now(park_id: int, seen: _Seen, now: datetime) -> Made:
    ready = stored_days.prepared(park_id, _read(park_id, seen, now).values(), now)
    day = seen.first

    def write() -> Made:
        if stale_days.marked(park_id, day, for_update=True).get(day) != seen.marks[day]:
            return Made(park_id, day, day, 0, 0)
        return Made(park_id, day, day, 1, stored_days.write(park_id, [day], ready))

    return _in_turn(park_id, write)


def _zone_of(park_id: int) -> tzinfo:
    return zone_or_utc(Park.objects.values_list("timezone", flat=True).get(pk=park_id))
