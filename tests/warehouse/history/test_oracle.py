"""Random days of random parks: the rule gives what a slow look at each minute gives (oracle.py beside this)."""

import random
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.warehouse.history.oracle import MINUTE, Archive, Said
from warehouse.history.clock_hours import unpack
from warehouse.history.rule import DayOfPark
from warehouse.history.whole_park import Known, days_of
from warehouse.history.words import (
    ARCHIVE,
    PAID_RETURN_TIME,
    RETURN_TIME,
    SILENT,
    SINGLE_RIDER,
    STATUS_CODES,
    ParkWords,
    Queue,
)
from warehouse.instants import milliseconds_of
from warehouse.models import HoursSource
from warehouse.rides.openings import Opening
from warehouse.snapshot_id import snapshot_id_of
from warehouse.zones import local_day

pytestmark = pytest.mark.no_database
ONE_DAY = timedelta(days=1)
#: days on which clocks are changed, by 23, 25, 23.5 and 24.5 hours, a leap day, and ordinary ones
PLACES = [
    ("America/New_York", date(2025, 3, 9)),
    ("America/New_York", date(2025, 11, 2)),
    ("America/New_York", date(2025, 7, 4)),
    ("Asia/Tokyo", date(2024, 2, 29)),
    ("Australia/Lord_Howe", date(2025, 10, 5)),
    ("Australia/Lord_Howe", date(2025, 4, 6)),
    ("Europe/London", date(2025, 3, 30)),
    ("Europe/London", date(2025, 10, 26)),
    ("UTC", date(2025, 1, 1)),
]


def archive_of(seed: int) -> tuple[Archive, date]:
    """Five days of a park of one to four rides around a day; anything may happen, most of it by day."""
    dice = random.Random(seed)
    name, day = dice.choice(PLACES)
    zone = ZoneInfo(name)
    archive = Archive(zone, milliseconds_of(datetime(2030, 1, 1, tzinfo=UTC)), [])
    begin = archive.midnight(day)
    rides = range(1, dice.choice((1, 2, 3, 3, 2, 11)) + 1)
    day_is_silent = [dice.random() < 0.1 for _ in range(6)]
    night_words = dice.random() < 0.25  # rides that say OPERATING all night
    only = dice.choice(("ARCHIVE", "ARCHIVE", "LIVE", None))  # None: both feeds
    cut = begin + dice.randrange(-1, 3) * 43_200_000  # up to which the record goes
    few = dice.random() < 0.3
    said: dict[tuple[int, int], Said] = {}
    for ride in rides:
        statuses = dice.choice(
            (["OPERATING"] * 6 + ["DOWN", "CLOSED"], ["OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"])
        )
        values = dice.choice(([0, 5], [5, 10, 45], [None], [0, None], [20], [5, 10, None, 120]))
        for number in range(-3, 3):
            if day_is_silent[number + 3] or dice.random() < 0.15:
                continue
            midnight = archive.midnight(day + number * ONE_DAY)
            opens, closes = (
                midnight + hour * 3_600_000 for hour in (dice.choice((7, 9, 10)), dice.choice((18, 22, 25)))
            )
            times = [dice.randrange(opens, closes) for _ in range(dice.randrange(3 if few else 14))]
            times += [dice.randrange(midnight, midnight + 26 * 3_600_000) for _ in range(dice.randrange(3))]
            if dice.random() < 0.3:
                times = [at - at % MINUTE for at in times]
            words = [(at, dice.choice(statuses), dice.choice(values)) for at in times]
            if dice.random() < 0.7:
                words.append((closes + dice.randrange(3_600_000), "CLOSED", None))
            if night_words:
                words += [(closes + n * 2_400_000, "OPERATING", 0) for n in range(14)]
            for at, status, wait in words:
                is_live = only == "LIVE" or (only is None and (at >= cut or dice.random() < 0.2))
                word = Said(
                    at,
                    ride,
                    status,
                    wait,
                    is_live,
                    is_silent=not is_live and wait is None and dice.random() < 0.5,
                    single=dice.choice((None, None, (dice.choice((0, 5, 10, None)),))) if ride < 3 else None,
                    returns=dice.choice((None, None, True, False)) if ride < 3 else None,
                    paid=dice.choice((None, None, None, True, False)) if ride < 2 else None,
                )
                said.setdefault((at, ride), word)
    archive.said = list(said.values())
    if dice.random() < 0.3:  # a word of long ago, whose 92 days end somewhere here
        long_ago = begin - 92 * 86_400_000 + dice.randrange(-86_400_000, 172_800_000)
        archive.said.append(Said(long_ago, 1, dice.choice(("CLOSED", "OPERATING", "REFURBISHMENT"))))
    for number in range(-2, 3):
        if dice.random() < 0.3:
            midnight = archive.midnight(day + number * ONE_DAY)
            archive.schedule[day + number * ONE_DAY] = dice.choice(
                (
                    [],
                    [(midnight + 36_000_000, midnight + 79_200_000)],
                    [(midnight + 32_430_000, midnight + 90_030_000)],
                    [(midnight + 28_800_000, midnight + 32_400_000), (midnight + 36_000_000, midnight + 72_000_000)],
                )
            )
    for ride in rides:
        if dice.random() < 0.3:
            opens = archive.midnight(day + dice.randrange(-3, 3) * ONE_DAY)
            observed = opens - dice.choice((60_000, 86_400_000 * 20, 86_400_000 * 91))
            archive.openings[ride] = (opens, observed, dice.choice(list(STATUS_CODES)))
    archive.attractions = {ride for ride in rides if dice.random() < 0.5}
    if dice.random() < 0.25:
        archive.now = begin + dice.randrange(-3_600_000, 40 * 3_600_000)
    archive.__post_init__()
    return archive, day


def told_of(archive: Archive, first: date, last: date) -> list[DayOfPark]:
    """What the rule makes of the days when it reads all that was ever said."""
    days = []
    said = [archive.local(word.ms).date() for word in archive.said]
    opened = [archive.local(opens).date() - ONE_DAY for opens, *_ in archive.openings.values()]  # as of the day before
    day = min([*said, *opened, first - 3 * ONE_DAY])
    while day <= last + ONE_DAY:
        begin, end = (milliseconds_of(instant) for instant in local_day(day, archive.zone))
        park = ParkWords(day, begin, end)
        queues = {}
        for word in archive.said:
            if begin <= word.ms < end:
                code = STATUS_CODES[word.status] + (0 if word.is_live else ARCHIVE + SILENT * word.is_silent)
                key = snapshot_id_of(word.ride, word.ms)
                park.words.setdefault(word.ride, []).append((key, code, word.wait))
                queues[key] = [
                    *([Queue(SINGLE_RIDER, word.single[0], False, None, None)] if word.single else []),
                    *([Queue(RETURN_TIME, None, word.returns, None, None)] if word.returns is not None else []),
                    *([Queue(PAID_RETURN_TIME, None, word.paid, None, None)] if word.paid is not None else []),
                ]
        park.queues = {key: said for key, said in queues.items() if said}
        days.append(park)
        day += ONE_DAY
    known = Known(
        archive.zone,
        archive.now,
        {day: (tuple(hours), HoursSource.SCHEDULE) for day, hours in archive.schedule.items()},
        archive.attractions,
        {
            ride: Opening(ride, opens, observed, status, None, False, "an answer")
            for ride, (opens, observed, status) in archive.openings.items()
        },
    )
    return [found for found in days_of(days, {}, known) if first <= found.day <= last]


def as_told(found: DayOfPark, ride: int) -> dict:
    figures = found.rides[ride]
    columns = figures._asdict()
    for name in ("price_min", "price_max", "price_currency", "carried"):
        columns.pop(name)
    for name in ("first_operating_at", "last_closed_at"):
        columns[name] = columns[name] and milliseconds_of(columns[name])
    return columns | {"clock": unpack(columns.pop("hours"))}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
@example(483)  # an opening that came while another word stood, which was lost afterwards
@example(1_000_000_000)  # a night of which nothing is said from 3 to 5, but before and after
def test_the_rule_gives_what_each_minute_says(seed):
    archive, day = archive_of(seed)
    day += (seed % 2) * ONE_DAY
    told = next(iter(told_of(archive, day, day)), None)
    rides = archive.rides(day)
    assert sorted(told.rides if told else []) == rides
    if told is None:
        return
    assert list(told.hours) == archive.hours(day)
    assert told.told_by == archive.told_by(day)
    for ride in rides:
        assert as_told(told, ride) == archive.figures(ride, day)
