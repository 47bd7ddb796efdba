"""Whether there is a night is told at a glance, which must never pass over one that a look at all words finds."""

import random
from collections import defaultdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.history.nights import found_among, hours_of, may_lie_in_one
from warehouse.history.words import CLOSED, OPERATING, Word
from warehouse.instants import instant_at, milliseconds_of
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.no_database
ZONE = ZoneInfo("Europe/London")
DAYS = [date(2025, 3, 28), date(2025, 3, 29), date(2025, 3, 30)]  # the clocks are changed at 1 of the last
MINUTE = 60_000
#: (day, minutes from its midnight on, ride, status, wait)
Said = tuple[int, int, int, int, int | None]

NIGHT = [(0, 20 * 60 + 25 * n, 1, OPERATING, None) for n in range(9)]  # 20:00 to 23:20
#: what is said, whether there is a night from 3 to 5 of the second day, and whether there may be one at a glance
CASES: dict[str, tuple[list[Said], bool, bool]] = {
    "all through it": ([(1, 30 * n, 1, OPERATING, 0) for n in range(13)], True, True),
    "not from 3 to 5": (
        [*NIGHT, (1, 130, 1, OPERATING, 0), (1, 301, 1, OPERATING, 0), (1, 400, 1, CLOSED, 0)], True, True,
    ),
    "from 3 to 5 by one that is closed": (
        [(0, 0, 2, CLOSED, None), *NIGHT, (1, 100, 1, OPERATING, None), (1, 250, 2, CLOSED, None),
         (1, 400, 1, OPERATING, 5)], True, True,
    ),
    "by one that was not heard of before": (
        [*((0, 1200 + 25 * n, 2, CLOSED, 0) for n in range(18)), *((1, 240 + 30 * n, 2, CLOSED, 0) for n in range(5)),
         *((1, 400 + n, 1, OPERATING, None) for n in range(9))], True, True,
    ),
    "waits at 3 and at 5": (
        [*((1, 20 * n, 1, OPERATING, 0) for n in range(30)), (1, 180, 2, OPERATING, 5), (1, 300, 2, OPERATING, 5)],
        True, True,
    ),
    "by one that is first heard a day later": (
        [*((day, 90 * n, 2, CLOSED, 0) for day in range(3) for n in range(16)),
         *((2, 10 * n, 1, OPERATING, None) for n in range(20, 30))], True, True,
    ),
    "none but one that showed a wait": (
        [*NIGHT, (1, 100, 1, OPERATING, 5), *((1, 30 * n, 2, CLOSED, 0) for n in range(30))], False, False,
    ),
    "quiet from 3 on": (
        [(1, 120, 1, OPERATING, 5), *((1, 180 + 20 * n, 1, OPERATING, 0) for n in range(10))], True, True,
    ),
    "a wait between": ([*NIGHT, *((1, 60 * n, 1, OPERATING, 5 * (n == 4)) for n in range(8))], False, False),
    "a silence": ([*NIGHT, (1, 100, 1, OPERATING, 0), (1, 370, 1, OPERATING, 0)], False, False),
    "a silence of three hours": ([*NIGHT, (1, 130, 1, OPERATING, 0), (1, 310, 1, OPERATING, 0)], False, True),
    "all are closed": ([(day, 60 * n, 1, CLOSED, None) for day in (0, 1) for n in range(24)], False, False),
}  # fmt: skip


def days_of(said: list[Said]) -> list[dict[int, list[Word]]]:
    words: list[dict[int, list[Word]]] = [defaultdict(list) for _ in DAYS]
    for number, minute, ride, status, wait in sorted(said, key=lambda each: each[:2]):
        ms = midnight(number) + minute * MINUTE
        day = instant_at(ms).astimezone(ZONE).date()
        words[DAYS.index(day)][ride].append((snapshot_id_of(ride, ms), status, wait))
    return words


def midnight(number: int) -> int:
    return milliseconds_of(datetime.combine(DAYS[number], datetime.min.time(), tzinfo=ZONE))


def holds_one(days: list[dict[int, list[Word]]], number: int) -> bool:
    """As a look at all words finds it."""
    words = sorted(word for day in days for said in day.values() for word in said)
    rows = ((key & 0xFFFFF, key >> 20, status, wait) for key, status, wait in words)
    begin_ms, end_ms = hours_of(DAYS[number], ZONE)
    return any(night.begin_ms <= begin_ms and end_ms <= night.end_ms for night in found_among(rows, ZONE))


def glance(days: list[dict[int, list[Word]]], number: int) -> bool:
    return may_lie_in_one(days, number, hours_of(DAYS[number], ZONE))


@pytest.mark.parametrize(("said", "is_one", "may_be_one"), CASES.values(), ids=CASES.keys())
def test_a_night_and_what_is_none(said, is_one, may_be_one):
    days = days_of(said)
    assert (holds_one(days, 1), glance(days, 1)) == (is_one, may_be_one)


def some_nights(seed: int) -> list[Said]:
    dice = random.Random(seed)
    said: list[Said] = []
    longest = dice.choice((40, 100, 178))
    quiet = dice.choice((0.9, 0.97, 1.0))
    statuses = {ride: dice.choice((OPERATING, OPERATING, CLOSED)) for ride in range(1, dice.randrange(2, 5))}
    minute = dice.randrange(0, 900)
    while minute < 3 * 1440 - 60:  # the last day lacks an hour
        ride = dice.choice(list(statuses))
        if dice.random() > quiet:
            statuses[ride] = dice.choice((OPERATING, CLOSED))
        wait = None if dice.random() < quiet else dice.choice((0, 5))
        said.append((0, minute, ride, statuses[ride], wait))
        minute += dice.randrange(1, longest) if dice.random() > 0.02 else dice.randrange(170, 190)
    return said


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32))
def test_no_night_is_passed_over(seed):
    days = days_of(some_nights(seed))
    for number in range(3):
        assert glance(days, number) or not holds_one(days, number)


def test_of_such_nights_many_are_some_and_many_are_none():
    """Else the test above would see nothing."""
    found = [(glance(days, 1), holds_one(days, 1)) for days in map(days_of, map(some_nights, range(300)))]
    assert sum(is_one for _, is_one in found) > 60
    assert sum(not seen for seen, _ in found) > 60
