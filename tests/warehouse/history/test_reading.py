"""Days made from rows in the database: what the rule makes of small archives, and which rows are read."""

from datetime import date, datetime

import pytest

from tests.warehouse.history.planting import LATER, at, make_park, plant
from warehouse.history.clock_hours import unpack
from warehouse.history.reading import park_days
from warehouse.history.rule import DayOfPark, Figures
from warehouse.models import DayTold, HoursSource, Park, ParkHours, Ride

pytestmark = pytest.mark.django_db
DAY = date(2025, 7, 4)
NEXT = date(2025, 7, 5)


@pytest.fixture
def park(db) -> Park:
    return make_park()[0]


@pytest.fixture
def ride(park) -> Ride:
    return park.rides.get()


def told(park: Park, day: date = DAY, now: datetime = LATER) -> DayOfPark:
    (found,) = park_days(park, day, day, now)
    assert found.day == day
    return found


def figures(ride: Ride, day: date = DAY, now: datetime = LATER) -> Figures:
    found = told(ride.park, day, now).rides[ride.pk]
    kinds = (found.operating_minutes, found.down_minutes, found.closed_minutes, found.refurbishment_minutes)
    if now is LATER:
        assert sum(kinds) + found.unknown_minutes in (1380, 1410, 1440, 1470, 1500)
    return found


def schedule(park: Park, opens: str, closes: str, kind: str = "OPERATING", source: str = "SCHEDULE") -> None:
    ParkHours.objects.create(
        park=park,
        day=date.fromisoformat(opens[:10]),
        type=kind,
        opens_at=at(opens, park.timezone),
        closes_at=at(closes, park.timezone),
        source=source,
        read_at=LATER,
    )


def mean(found: Figures) -> float:
    return found.standby_sum / found.standby_minutes


# --- the truths -------------------------------------------------------------------------------------------------------
def test_down_from_10_to_20_is_10_hours(ride):
    plant(ride, [("2025-07-04 10:00", "DOWN", None), ("2025-07-04 20:00", "CLOSED", None)])
    assert figures(ride).down_minutes == 600


def test_open_for_12_hours_told_four_times(ride):
    plant(
        ride,
        [
            ("2025-07-04 10:00", "OPERATING", 10),
            ("2025-07-04 12:00", "OPERATING", 30),
            ("2025-07-04 18:00", "OPERATING", 20),
            ("2025-07-04 22:00", "CLOSED", None),
        ],
    )
    found = figures(ride)
    assert (found.operating_minutes, found.observations, round(mean(found), 1)) == (720, 4, 23.3)
    assert (found.standby_min, found.standby_p50, found.standby_p90, found.standby_max) == (10, 20, 30, 30)
    assert (found.hours_minutes, found.hours_operating) == (720, 720)
    assert unpack(found.hours)[12] == (60, 1800)
    assert (found.first_operating_at, found.last_closed_at) == (
        at("2025-07-04 10:00", "America/New_York"),
        at("2025-07-04 22:00", "America/New_York"),
    )


def test_down_from_the_evening_until_6_counts_on_both_days(ride):
    plant(
        ride,
        [
            ("2025-07-04 10:00", "OPERATING", 5),
            ("2025-07-04 20:30", "DOWN", None),
            ("2025-07-05 06:00", "CLOSED", None),
        ],
    )
    assert (figures(ride).down_minutes, figures(ride, NEXT).down_minutes) == (210, 360)


@pytest.mark.parametrize("is_scheduled", [True, False])
def test_down_at_closing_time_counts_in_the_hours_of_the_park_alone(is_scheduled):
    park, (ride, other) = make_park(rides=2)
    for day in ("2025-07-04", "2025-07-05"):
        plant(other, [(f"{day} 10:00", "OPERATING", 5), (f"{day} 22:00", "CLOSED", None)])
        if is_scheduled:
            schedule(park, f"{day} 10:00", f"{day} 22:00")
    plant(
        ride,
        [
            ("2025-07-04 10:00", "OPERATING", 5),
            ("2025-07-04 21:50", "DOWN", None),
            ("2025-07-05 10:00", "OPERATING", 5),
            ("2025-07-05 22:00", "CLOSED", None),
        ],
    )
    first, second = figures(ride), figures(ride, NEXT)
    assert (first.hours_down, first.hours_operating, first.down_minutes) == (10, 710, 130)
    assert (second.hours_down, second.hours_operating, second.down_minutes) == (0, 720, 600)
    assert told(park).hours_source == (HoursSource.SCHEDULE if is_scheduled else HoursSource.INFERRED)


def test_two_late_live_rows_beside_the_archive_do_not_speak(ride):
    plant(
        ride,
        [
            ("2025-07-04 10:00", "OPERATING", 10),
            ("2025-07-04 14:00", "DOWN", None),
            ("2025-07-04 16:00", "OPERATING", 10),
            ("2025-07-04 19:55", "CLOSED", None),
            ("2025-07-04 20:05", "DOWN", None, "LIVE"),  # 00:05Z of the next day
            ("2025-07-04 23:00", "OPERATING", 60, "LIVE"),
        ],
    )
    found = figures(ride)
    assert round(found.hours_down / (found.hours_down + found.hours_operating), 2) == 0.2
    assert (told(ride.park).told_by, found.observations, found.standby_max) == (DayTold.ARCHIVE, 4, 10)


def test_of_today_there_is_as_much_as_has_passed(ride):
    plant(ride, [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 13:00", "OPERATING", 90)])
    found = figures(ride, now=at("2025-07-04 12:00", "America/New_York"))
    assert (found.operating_minutes, found.unknown_minutes, found.observations) == (120, 600, 1)
    assert (found.standby_sum, found.standby_max) == (1200, 10)


def test_a_day_nobody_collected_is_not_there_and_nothing_operates_out_of_it(ride):
    plant(
        ride,
        [
            ("2025-07-03 20:00", "OPERATING", 10),
            ("2025-07-05 12:00", "OPERATING", 10),
            ("2025-07-05 20:00", "CLOSED", None),
        ],
    )
    assert list(park_days(ride.park, DAY, DAY, LATER)) == []
    found = figures(ride, NEXT)
    assert (found.unknown_minutes, found.operating_minutes, found.closed_minutes) == (720, 480, 240)
    assert found.first_operating_at == at("2025-07-05 12:00", "America/New_York")


def test_zeros_said_all_night_are_12_hours_and_30_minutes(ride):
    said = []
    for day in range(3, 7):
        for minute in range(0, 24 * 60, 5):
            is_open = 9 * 60 <= minute < 21 * 60
            if not is_open or minute % 30 == 0:
                said.append((f"2025-07-0{day} {minute // 60:02}:{minute % 60:02}", "OPERATING", 30 if is_open else 0))
    plant(ride, said)
    found = figures(ride)
    assert (found.operating_minutes, mean(found), found.standby_min) == (720, 30, 30)
    assert (found.hours_minutes, found.hours_operating, found.unknown_minutes) == (720, 720, 720)
