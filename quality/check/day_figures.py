"""A ride's figures of one day of its park, by the rule of the History API's own (/history/daily), to be held against
them. Those of warehouse.history are made by the same rule and know the park's hours, silences and nights besides, as
well as whose word holds: here the rows are taken as they are, since it is they that are compared.

A state holds until the ride's next word, and is looked at on each full minute from local midnight on: a day of 1,380,
1,440 or 1,500. On the day captured of Space Mountain (2026-09-26) that is 933 minutes OPERATING, which are the API's
929 and the 4 that it calls unknown; half a minute later it would be 931. Waits are those of OPERATING, the mean
weighted by minutes, the highest over every value; one carried over midnight does not count until it changes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from warehouse.instants import milliseconds_of, naive_utc
from warehouse.models import RideStatus
from warehouse.rides import openings, stays
from warehouse.snapshot_id import recorded_ms_of, ride_id_of
from warehouse.zones import local_day

MINUTE_MS = 60_000
_COLUMNS = (
    "snapshot_id, status, wait_time, data_source = 'LIVE', "
    "wait_time IS NULL AND wait_told = 0 AND data_source = 'ARCHIVE'"
)


@dataclass(frozen=True, slots=True)
class Word:
    """What a ride said at `at_ms` (milliseconds since 1970 UTC). `is_silent`: nothing about the standby line."""

    at_ms: int
    status: str
    wait: int | None  # minutes
    is_live: bool = False
    is_silent: bool = False


@dataclass(frozen=True, slots=True)
class RideDay:
    """One ride's day. Minutes are those looked at, waits are minutes in the standby line."""

    observations: int
    live_observations: int  # of these
    operating_minutes: int
    down_minutes: int
    unsure_minutes: int  # until its first word, where nothing is known of how it stood before
    waits: tuple[int, ...]  # while operating, one for each minute
    highest_wait: int | None  # of every value, also one that no full minute saw
    waits_are_sure: bool  # False: the first wait may have been carried over midnight, which is not known

    @property
    def mean_wait(self) -> float | None:
        """Over the minutes; None where none showed a wait."""
        return sum(self.waits) / len(self.waits) if self.waits else None


def figures(begin_ms: int, end_ms: int, before: Word | None, words: Sequence[Word]) -> RideDay:
    """Of the words of one day, ascending, and the one that held when it began; None: not known how the ride stood."""
    minutes = dict.fromkeys([*(status.value for status in RideStatus), ""], 0)
    waits: list[int] = []
    highest: int | None = None
    is_carried, wait = before is not None, before.wait if before else None
    carried_wait = wait
    first = Word(begin_ms, before.status if before else "", wait)
    last = Word(end_ms, "", None)
    for number, (word, following) in enumerate(pairwise([first, *words, last])):
        if number and not (word.is_silent and word.status == RideStatus.OPERATING):
            wait = word.wait
            is_carried = is_carried and wait == carried_wait
        count = _minutes_before(begin_ms, following.at_ms) - _minutes_before(begin_ms, word.at_ms)
        minutes[word.status] += count
        if word.status == RideStatus.OPERATING and wait is not None and not is_carried:
            waits += [wait] * count
            highest = max(wait, highest or 0)
    return RideDay(
        observations=len(words),
        live_observations=sum(word.is_live for word in words),
        operating_minutes=minutes[RideStatus.OPERATING],
        down_minutes=minutes[RideStatus.DOWN],
        unsure_minutes=minutes[""],
        waits=tuple(waits),
        highest_wait=highest,
        waits_are_sure=before is not None or not words or words[0].wait is None,
    )


def _minutes_before(begin_ms: int, at_ms: int) -> int:
    """How many full minutes from `begin_ms` on lie before an instant."""
    return -((begin_ms - at_ms) // MINUTE_MS)


def of_park(park_id: int, day: date, zone: ZoneInfo, known_since: datetime) -> dict[int, RideDay]:
    """The day of each ride that was in the park all day, by ride_id, also of those that said nothing.

    `known_since` (aware): everything that was said from then on is stored, so that the last word from then on, or else
    the ride's opening, says how it stood when the day began. Three statements, which open the partitions from then to
    the end of the day.
    """
    begin, end = local_day(day, zone)
    rides = [span.ride_id for span in stays.spans_of(park_id, begin, end) if (span.start, span.end) == (begin, end)]
    if not rides:
        return {}
    said: dict[int, list[Word]] = {ride_id: [] for ride_id in rides}
    for ride_id, word in _words(
        f"SELECT {_COLUMNS} FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
        "WHERE ride_id IN %s AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at",
        [rides, naive_utc(begin), naive_utc(end)],
    ):
        said[ride_id].append(word)
    last_of_one = (
        f"(SELECT {_COLUMNS} FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
        "WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s ORDER BY recorded_at DESC LIMIT 1)"
    )
    before = dict(
        _words(
            " UNION ALL ".join([last_of_one] * len(rides)),
            [value for ride_id in rides for value in (ride_id, naive_utc(known_since), naive_utc(begin))],
        )
    )
    begin_ms, end_ms = milliseconds_of(begin), milliseconds_of(end)
    for opening in openings.of_rides(set(rides) - before.keys()).values():
        if milliseconds_of(known_since) <= opening.opens_ms <= begin_ms and not opening.is_degraded:
            before[opening.ride_id] = Word(opening.opens_ms, opening.status, opening.wait_time)
    return {ride_id: figures(begin_ms, end_ms, before.get(ride_id), words) for ride_id, words in said.items()}


def _words(sql: str, parameters: list[Any]) -> Iterable[tuple[int, Word]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows = cursor.fetchall()
    for snapshot_id, status, wait, is_live, is_silent in rows:
        yield ride_id_of(snapshot_id), Word(recorded_ms_of(snapshot_id), status, wait, bool(is_live), bool(is_silent))
