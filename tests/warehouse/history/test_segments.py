"""From when to when rides stood how: the stretches cover the day, and add up to what the rule counts."""

import random
from datetime import date, datetime, timedelta

import pytest

from tests.warehouse.history.planting import LATER, make_park, plant
from warehouse.history.segments import Segment, full_day, states_alone
from warehouse.history.words import CLOSED, DOWN, OPERATING, UNKNOWN

pytestmark = pytest.mark.django_db
DAY = date(2025, 7, 4)


def test_a_day_from_midnight_to_midnight():
    park, (ride,) = make_park()
    plant(ride, [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 12:00", "OPERATING", 20)])
    plant(ride, [("2025-07-04 18:00", "DOWN", None), ("2025-07-04 20:00", "CLOSED", None)])
    full = full_day(park, DAY, LATER)
    assert full.rides[ride.pk] == [
        Segment(UNKNOWN, 0, 600, None),
        Segment(OPERATING, 600, 720, 10),
        Segment(OPERATING, 720, 1080, 20),
        Segment(DOWN, 1080, 1200, None),
        Segment(CLOSED, 1200, 1440, None),
    ]
    assert [segment.minutes for segment in states_alone(full.rides[ride.pk])] == [600, 480, 120, 240]
    assert f"{full.at(600):%H:%M}" == "14:00"  # UTC


def test_a_day_of_which_nothing_was_heard():
    park, (ride,) = make_park()
    plant(ride, [("2025-07-04 10:00", "OPERATING", 10)])
    full = full_day(park, date(2025, 6, 1), LATER)
    assert (full.of, full.rides) == (None, {})


@pytest.mark.parametrize("seed", range(6))
def test_stretches_add_up_to_what_the_rule_counts(seed):
    some = random.Random(seed)
    park, rides = make_park(rides=4)
    for ride in rides:
        at, said = datetime(2025, 7, 1, 6), {}
        while at < datetime(2025, 7, 6):
            status = some.choice(["OPERATING", "OPERATING", "DOWN", "CLOSED", "REFURBISHMENT"])
            source = some.choice([(), (), ("LIVE",), ("SILENT",)])
            wait = some.choice([None, 0, 5, 30]) if status == "OPERATING" and source != ("SILENT",) else None
            said[f"{at:%Y-%m-%d %H:%M}"] = (status, wait, *source)
            at += timedelta(minutes=some.choice([1, 7, 30, 300, 1500]))
        plant(ride, [(local, *word) for local, word in said.items()])
    for day in (date(2025, 7, n) for n in range(1, 7)):
        full = full_day(park, day, datetime.fromisoformat("2025-07-05T20:00+00:00"))
        for ride_id, segments in full.rides.items():
            figures = full.of.rides[ride_id]
            assert [segment.begin for segment in segments] == [0, *(segment.end for segment in segments)][:-1]
            assert segments[-1].end == full.minutes
            minutes = [sum(each.minutes for each in segments if each.status == status) for status in range(5)]
            assert minutes == [
                figures.unknown_minutes,
                figures.operating_minutes,
                figures.down_minutes,
                figures.closed_minutes,
                figures.refurbishment_minutes,
            ]
            waits = [each for each in segments if each.wait is not None]
            assert sum(each.minutes for each in waits) == figures.standby_minutes
            assert sum(each.minutes * each.wait for each in waits) == figures.standby_sum
