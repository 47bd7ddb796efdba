"""How the rides of a park stood before a day: their last words of the 92 days before it that hold.

A word of the live collector may be one that does not hold (warehouse.history.whose_word): then the whole day on which
it was said is looked at, and where nothing of the ride holds on it, the days before that.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

from django.db import connection

from warehouse.days import ONE_DAY
from warehouse.history.whole_park import state_of
from warehouse.history.whose_word import choose
from warehouse.history.words import (
    ARCHIVE,
    CARRIED_DAYS,
    CARRIED_MS,
    CODE_SQL,
    DOWN,
    OPERATING,
    STATUS,
    UNKNOWN,
    State,
    Word,
)
from warehouse.instants import instant_at, milliseconds_of, naive_utc
from warehouse.rides.openings import Opening
from warehouse.rides.stays import Span
from warehouse.snapshot_id import RIDE_ID_BITS, ride_id_of
from warehouse.zones import local_date, local_day

ROWS = "FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE"
AT_ONCE = 500  # parts of one statement


def states_before(
    spans: Collection[Span], openings: Mapping[int, Opening], begin: datetime, zone: tzinfo
) -> dict[int, State]:
    """By ride_id, of those rides that were in the park when `begin` (aware; a midnight there) came and of which a word
    is known that is not older than 92 days. What they told beside their status is not looked up.

    An opening tells at its midnight, and only of a ride of which nothing was known by then (whole_park.days_of)."""
    earliest = begin - timedelta(days=CARRIED_DAYS)
    come = {
        ride_id: _Come.of(opening, zone)
        for ride_id, opening in openings.items()
        if opening.opens_ms <= milliseconds_of(begin)
    }
    there = {}
    for span in spans:
        if span.start < begin < span.end:
            since = earliest
            if span.ride_id in come:  # it tells of a ride of which nothing was known when it came
                since = min(earliest, come[span.ride_id].at(zone) - timedelta(days=CARRIED_DAYS))
            there[span.ride_id] = max(since, span.start)
    last = _last_words(there, begin, zone, spans)
    found: dict[int, State] = {}
    told: dict[int, date] = {}  # the days of those that are lost where the park was silent since
    for ride_id in there:
        word, opening = last.get(ride_id), come.get(ride_id)
        if word is not None:
            heard_ms = word[0] >> RIDE_ID_BITS
            if opening is None or heard_ms + CARRIED_MS > milliseconds_of(opening.at(zone)):
                found[ride_id] = State(word[1] & STATUS, heard_ms)
                told[ride_id] = local_date(instant_at(heard_ms), zone)
                continue
        if opening is not None:
            found[ride_id], told[ride_id] = State(opening.status, opening.observed_ms), opening.day
    found = _lost(found, told, come, spans, begin, zone)
    earliest_ms = milliseconds_of(earliest)
    return {
        ride_id: state
        for ride_id, state in found.items()
        if state.heard_ms > earliest_ms or (state.heard_ms == earliest_ms and ride_id in last)
    }


@dataclass(frozen=True, slots=True)
class _Come:
    """An opening that has come: `day`, at whose end it tells how the ride stood, if nothing was known of it then."""

    status: int
    observed_ms: int
    day: date

    @classmethod
    def of(cls, opening: Opening, zone: tzinfo) -> "_Come":
        day = local_date(instant_at(opening.opens_ms - 1), zone)
        return cls(state_of(opening).status, opening.observed_ms, day)

    def at(self, zone: tzinfo) -> datetime:
        return local_day(self.day, zone)[1]


def periods(spans: Iterable[Span], begin: datetime, end: datetime) -> list[tuple[list[int], datetime, datetime]]:
    """Whose rows are the park's of a period: rides, from and to; one statement where none of them moved."""
    found: dict[tuple[datetime, datetime], list[int]] = {}
    for span in spans:
        if (start := max(begin, span.start)) < (stop := min(end, span.end)):
            found.setdefault((start, stop), []).append(span.ride_id)
    return [(ride_ids, *period) for period, ride_ids in sorted(found.items())]


def _last_words(
    there: Mapping[int, datetime], begin: datetime, zone: tzinfo, park: Collection[Span]
) -> dict[int, Word]:
    """The last word of each ride that holds, from the instant on that stands beside it to `begin`."""
    found: dict[int, Word] = {}
    bounds = dict.fromkeys(there, begin)
    while bounds:
        words = _last_of_each([(ride_id, there[ride_id], bound) for ride_id, bound in bounds.items()])
        live: dict[date, list[int]] = {}
        for key, code, wait in words:
            if code & ARCHIVE:
                found[ride_id_of(key)] = (key, code, wait)
            else:
                live.setdefault(local_date(instant_at(key >> RIDE_ID_BITS), zone), []).append(ride_id_of(key))
        by_ride = {ride_id_of(word[0]): word for word in words}
        bounds = {}
        mixed = _days_with(park, live, zone, "AND data_source = 'ARCHIVE'")
        for day, ride_ids in live.items():
            if day not in mixed:
                found |= {ride_id: by_ride[ride_id] for ride_id in ride_ids}
                continue
            start, end = local_day(day, zone)
            said = words_of_day(park, start, end)
            chosen, _ = choose(said, milliseconds_of(start), milliseconds_of(end))
            for ride_id in ride_ids:
                held = [word for word in chosen.get(ride_id, ()) if word[0] <= by_ride[ride_id][0]]
                if held and held[-1][0] >> RIDE_ID_BITS >= milliseconds_of(there[ride_id]):
                    found[ride_id] = held[-1]
                elif start > there[ride_id]:
                    bounds[ride_id] = start
    return found


def words_of_day(park: Collection[Span], start: datetime, end: datetime) -> dict[int, list[Word]]:
    """All that was said in the park, by ride, ascending."""
    found: dict[int, list[Word]] = {}
    for ride_ids, *period in periods(park, start, end):
        for word in _select(
            f"SELECT snapshot_id, {CODE_SQL}, wait_time {ROWS} ride_id IN %s "
            "AND recorded_at >= %s AND recorded_at < %s ORDER BY ride_id, recorded_at",
            [ride_ids, *map(naive_utc, period)],
        ):
            found.setdefault(ride_id_of(word[0]), []).append(word)
    return found


def _last_of_each(asked: list[tuple[int, datetime, datetime]]) -> list[Word]:
    one = (
        f"(SELECT snapshot_id, {CODE_SQL}, wait_time {ROWS} ride_id = %s AND recorded_at >= %s AND recorded_at < %s "
        "ORDER BY recorded_at DESC LIMIT 1)"
    )
    found: list[Word] = []
    for at in range(0, len(asked), AT_ONCE):
        part = asked[at : at + AT_ONCE]
        parameters = [value for ride_id, *period in part for value in (ride_id, *map(naive_utc, period))]
        found += _select(" UNION ALL ".join([one] * len(part)), parameters)
    return found


def _lost(
    found: dict[int, State],
    told: dict[int, date],
    come: Mapping[int, _Come],
    park: Collection[Span],
    begin: datetime,
    zone: tzinfo,
) -> dict[int, State]:
    """OPERATING and DOWN are not carried out of a day of which nothing was heard of the park. What was lost before an
    opening came, that tells instead."""
    carried = [ride_id for ride_id, state in found.items() if state.status in (OPERATING, DOWN)]
    if not carried:
        return found
    first, today = min(told[ride_id] for ride_id in carried), local_date(begin, zone)
    between = [first + n * ONE_DAY for n in range(1, (today - first).days)]
    silent = set(between) - _days_with(park, between, zone)
    last_silent = max(silent, default=None)
    if last_silent is None:
        return found
    for ride_id in carried:
        opening = come.get(ride_id)
        if opening is not None and any(told[ride_id] < day <= opening.day for day in silent):
            found[ride_id], told[ride_id] = State(opening.status, opening.observed_ms), opening.day
        if found[ride_id].status in (OPERATING, DOWN) and told[ride_id] < last_silent:
            found[ride_id] = State(UNKNOWN, found[ride_id].heard_ms)
    return found


def _days_with(park: Collection[Span], days: Iterable[date], zone: tzinfo, which: str = "") -> set[date]:
    """Those of the park's days on which any ride that was in it then has a row (such a one)."""
    one = f"(SELECT %s {ROWS} ride_id IN %s AND recorded_at >= %s AND recorded_at < %s {which} LIMIT 1)"
    asked = sorted(days)
    found = set()
    for at in range(0, len(asked), CARRIED_DAYS):
        part = asked[at : at + CARRIED_DAYS]
        parameters: list[Any] = []
        asks = 0
        for number, day in enumerate(part):
            for ride_ids, *period in periods(park, *local_day(day, zone)):
                parameters += [number, ride_ids, *map(naive_utc, period)]
                asks += 1
        if asks:
            found |= {part[int(number)] for (number,) in _select(" UNION ALL ".join([one] * asks), parameters)}
    return found


def _select(sql: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
