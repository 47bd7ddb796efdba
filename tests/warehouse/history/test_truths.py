"""Days whose truth is known, told by the rule alone and from rows in the database."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.warehouse.history.planting import LATER, Said, at, make_park, plant, tell
from warehouse.history.clock_hours import unpack
from warehouse.history.reading import park_days
from warehouse.history.rule import DayOfPark, Figures
from warehouse.instants import milliseconds_of
from warehouse.models import DayTold, HoursSource, ParkHours

pytestmark = pytest.mark.django_db
NEW_YORK = "America/New_York"
DAY, NEXT = date(2025, 7, 4), date(2025, 7, 5)
Hours = Sequence[tuple[str, str]]
#: said by number of the ride, day, and as keywords: zone, now, hours; None: nothing was heard of the park
Ask = Callable[..., DayOfPark | None]


def _by_the_rule(said: dict[int, list[Said]], day: date = DAY, *, zone=NEW_YORK, now=LATER, hours: Hours = ()):
    scheduled: dict = {}
    for opens, closes in hours:
        of_day = scheduled.setdefault(date.fromisoformat(opens[:10]), ([], HoursSource.SCHEDULE))[0]
        of_day.append((milliseconds_of(at(opens, zone)), milliseconds_of(at(closes, zone))))
    days = tell(said, day - timedelta(days=4), day, zone=zone, now=now, scheduled=scheduled)
    return next((found for found in days if found.day == day), None)


def _from_rows(said: dict[int, list[Said]], day: date = DAY, *, zone=NEW_YORK, now=LATER, hours: Hours = ()):
    park, rides = make_park(zone, len(said))
    for words, ride in zip(said.values(), rides, strict=True):
        plant(ride, words)
    for opens, closes in hours:
        of_day = date.fromisoformat(opens[:10])
        times = {"opens_at": at(opens, zone), "closes_at": at(closes, zone)}
        ParkHours.objects.create(park=park, day=of_day, type="OPERATING", source="SCHEDULE", read_at=LATER, **times)
    numbers = {ride.pk: number for number, ride in zip(said, rides, strict=True)}
    found = next(park_days(park, day, day, now), None)
    return found and replace(found, rides={numbers[key]: figures for key, figures in found.rides.items()})


@pytest.fixture(params=[_by_the_rule, _from_rows], ids=["rule", "rows"])
def ask(request) -> Ask:
    return request.param


def mean(found: Figures) -> float:
    return found.standby_sum / found.standby_minutes


def kinds(found: Figures) -> tuple[int, ...]:
    """Minutes OPERATING, DOWN, CLOSED, unknown."""
    return found.operating_minutes, found.down_minutes, found.closed_minutes, found.unknown_minutes


def test_down_from_10_to_20_is_10_hours(ask):
    said = [("2025-07-04 10:00", "DOWN", None), ("2025-07-04 20:00", "CLOSED", None)]
    assert ask({1: said}).rides[1].down_minutes == 600


def test_open_for_12_hours_told_four_times(ask):
    said = [
        ("2025-07-04 10:00", "OPERATING", 10),
        ("2025-07-04 12:00", "OPERATING", 30),
        ("2025-07-04 18:00", "OPERATING", 20),
        ("2025-07-04 22:00", "CLOSED", None),
    ]
    found = ask({1: said}).rides[1]
    assert (found.operating_minutes, found.observations, round(mean(found), 1)) == (720, 4, 23.3)
    assert (found.standby_min, found.standby_p50, found.standby_p90, found.standby_max) == (10, 20, 30, 30)
    assert (found.hours_minutes, found.hours_operating) == (720, 720)
    assert unpack(found.hours) == {hour: (60, 60 * (10, 30, 20)[(hour > 11) + (hour > 17)]) for hour in range(10, 22)}
    assert found.first_operating_at == at("2025-07-04 10:00", NEW_YORK)
    assert found.last_closed_at == at("2025-07-04 22:00", NEW_YORK)


def test_down_from_the_evening_until_6_counts_on_both_days(ask):
    said = [
        ("2025-07-04 10:00", "OPERATING", 5),
        ("2025-07-04 20:30", "DOWN", None),
        ("2025-07-05 06:00", "CLOSED", None),
    ]
    assert [ask({1: said}, day).rides[1].down_minutes for day in (DAY, NEXT)] == [210, 360]


DOWN_AT_CLOSING = {
    1: [
        ("2025-07-04 10:00", "OPERATING", 5),
        ("2025-07-04 21:50", "DOWN", None),
        ("2025-07-05 10:00", "OPERATING", 5),
        ("2025-07-05 22:00", "CLOSED", None),
    ],
    2: [
        ("2025-07-04 10:00", "OPERATING", 5),
        ("2025-07-04 22:00", "CLOSED", None),
        ("2025-07-05 10:00", "OPERATING", 5),
        ("2025-07-05 22:00", "CLOSED", None),
    ],
}


@pytest.mark.parametrize("is_scheduled", [True, False])
def test_down_at_closing_time_counts_in_the_hours_of_the_park_alone(ask, is_scheduled):
    hours = [(f"2025-07-0{day} 10:00", f"2025-07-0{day} 22:00") for day in (4, 5)] if is_scheduled else []
    first, second = ask(DOWN_AT_CLOSING, DAY, hours=hours), ask(DOWN_AT_CLOSING, NEXT, hours=hours)
    assert (first.rides[1].hours_down, first.rides[1].hours_operating, first.rides[1].down_minutes) == (10, 710, 130)
    assert (second.rides[1].hours_down, second.rides[1].hours_operating) == (0, 720)
    assert first.hours_source == (HoursSource.SCHEDULE if is_scheduled else HoursSource.INFERRED)


def test_down_half_its_time_beside_nine_restaurants_is_half(ask):
    said = {n: [("2025-07-04 09:00", "OPERATING", None), ("2025-07-04 21:00", "CLOSED", None)] for n in range(2, 11)}
    said[1] = [
        ("2025-07-04 09:00", "OPERATING", 10),
        ("2025-07-04 12:00", "DOWN", None),
        ("2025-07-04 18:00", "OPERATING", 10),
        ("2025-07-04 21:00", "CLOSED", None),
    ]
    found = ask(said).rides[1]
    assert (found.hours_down, found.hours_operating) == (360, 360)


def test_two_late_live_rows_beside_the_archive_do_not_speak(ask):
    said = [
        ("2025-07-04 10:00", "OPERATING", 10),
        ("2025-07-04 14:00", "DOWN", None),
        ("2025-07-04 16:00", "OPERATING", 10),
        ("2025-07-04 19:55", "CLOSED", None),
        ("2025-07-04 20:05", "DOWN", None, "LIVE"),  # 00:05Z of the next day
        ("2025-07-04 23:00", "OPERATING", 60, "LIVE"),
    ]
    day = ask({1: said})
    found = day.rides[1]
    assert round(found.hours_down / (found.hours_down + found.hours_operating), 2) == 0.2
    assert (day.told_by, found.observations, found.standby_max) == (DayTold.ARCHIVE, 4, 10)


def test_live_goes_on_where_day_files_end_at_utc_midnight(ask):
    said = [
        ("2025-07-04 10:00", "OPERATING", 10),
        ("2025-07-04 12:00", "OPERATING", 99, "LIVE"),
        ("2025-07-04 20:30", "OPERATING", 40, "LIVE"),
        ("2025-07-04 22:00", "CLOSED", None, "LIVE"),
    ]
    day = ask({1: said})
    assert (day.told_by, day.rides[1].standby_max, day.rides[1].operating_minutes) == (DayTold.BOTH, 40, 720)


def test_of_today_there_is_as_much_as_has_passed(ask):
    said = [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 13:00", "OPERATING", 90)]
    found = ask({1: said}, now=at("2025-07-04 12:00", NEW_YORK)).rides[1]
    assert (*kinds(found), found.observations, found.standby_sum, found.standby_max) == (120, 0, 0, 600, 1, 1200, 10)


def test_a_day_nobody_collected_is_not_there_and_nothing_operates_out_of_it(ask):
    said = [
        ("2025-07-03 20:00", "OPERATING", 10),
        ("2025-07-05 12:00", "OPERATING", 10),
        ("2025-07-05 20:00", "CLOSED", None),
    ]
    assert ask({1: said}) is None
    found = ask({1: said}, NEXT).rides[1]
    assert kinds(found) == (480, 0, 240, 720)
    assert found.first_operating_at == at("2025-07-05 12:00", NEW_YORK)


def test_what_is_closed_stays_so_across_days_nobody_collected(ask):
    said = [("2025-07-02 20:00", "REFURBISHMENT", None)], [("2025-07-02 20:00", "DOWN", None)]
    other = [("2025-07-05 12:00", "OPERATING", 10), ("2025-07-05 20:00", "CLOSED", None)]
    found = ask({1: said[0], 2: said[1], 3: other}, NEXT).rides
    assert (found[1].refurbishment_minutes, found[2].unknown_minutes) == (1440, 1440)


def test_the_end_of_a_record_is_unknown_once_a_day_has_passed(ask):
    said = {
        1: [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 15:00", "OPERATING", 10)],
        2: [("2025-07-04 10:00", "CLOSED", None)],
    }
    hours = [("2025-07-04 10:00", "2025-07-04 22:00")]
    found = ask(said, hours=hours).rides
    assert (kinds(found[1]), kinds(found[2])) == ((300, 0, 0, 1140), (0, 0, 840, 600))
    found = ask(said, hours=hours, now=at("2025-07-05 14:59", NEW_YORK)).rides
    assert kinds(found[1]) == (720, 0, 0, 720)


def test_zeros_said_all_night_are_12_hours_and_30_minutes(ask):
    said = []
    for day in range(2, 7):
        for minute in range(0, 24 * 60, 5):
            is_open = 9 * 60 <= minute < 21 * 60
            if not is_open or minute % 30 == 0:
                said.append((f"2025-07-0{day} {minute // 60:02}:{minute % 60:02}", "OPERATING", 30 if is_open else 0))
    found = ask({1: said}).rides[1]
    assert (kinds(found), mean(found), found.standby_min) == ((720, 0, 0, 720), 30, 30)
    assert (found.hours_minutes, found.hours_operating) == (720, 720)


def test_operating_outside_the_hours_holds_for_4_hours_after_it_opened_and_not_over_midnight(ask):
    said = {
        1: [("2025-07-04 20:00", "OPERATING", 10), ("2025-07-04 23:30", "OPERATING", 20)],
        2: [("2025-07-05 12:00", "OPERATING", 5), ("2025-07-05 22:00", "CLOSED", None)],
    }
    hours = [(f"2025-07-0{day} 10:00", f"2025-07-0{day} 22:00") for day in (4, 5)]
    assert kinds(ask(said, hours=hours).rides[1]) == (240, 0, 0, 1200)
    assert kinds(ask(said, NEXT, hours=hours).rides[1]) == (720, 0, 0, 720)  # in the hours it operates again


def test_a_wait_carried_over_midnight_counts_once_it_is_told_anew(ask):
    said = [
        ("2025-07-03 10:00", "OPERATING", 10),
        ("2025-07-03 23:00", "OPERATING", 60),
        ("2025-07-04 00:30", "OPERATING", 60),
        ("2025-07-04 01:00", "OPERATING", 30),
        ("2025-07-04 02:00", "CLOSED", None),
    ]
    hours = [("2025-07-03 10:00", "2025-07-04 02:00")]
    found = ask({1: said}, hours=hours).rides[1]
    assert (found.operating_minutes, found.standby_minutes, found.standby_max) == (120, 90, 60)
    assert (found.first_operating_at, found.last_closed_at) == (None, None)
    before = ask({1: said}, DAY - timedelta(days=1), hours=hours).rides[1]
    assert before.last_closed_at == at("2025-07-04 02:00", NEW_YORK)


def test_an_event_that_is_silent_about_the_line_leaves_the_wait_for_as_long_as_it_operates(ask):
    said = [
        ("2025-07-04 10:00", "OPERATING", 30),
        ("2025-07-04 11:00", "OPERATING", None, "SILENT"),
        ("2025-07-04 15:00", "DOWN", None, "SILENT"),
        ("2025-07-04 16:00", "OPERATING", None, "SILENT"),
        ("2025-07-04 17:00", "OPERATING", 10),
        ("2025-07-04 18:00", "OPERATING", None),
        ("2025-07-04 20:00", "CLOSED", None),
    ]
    found = ask({1: said}).rides[1]
    assert (found.operating_minutes, found.standby_minutes, found.standby_sum) == (540, 360, 300 * 30 + 60 * 10)


def test_a_value_that_no_full_minute_saw_is_the_highest(ask):
    said = [
        ("2025-07-04 10:00", "OPERATING", 30),
        ("2025-07-04 11:00:10", "OPERATING", 95),
        ("2025-07-04 11:00:40", "OPERATING", 20),
        ("2025-07-04 12:00", "CLOSED", None),
    ]
    found = ask({1: said}).rides[1]
    assert (found.standby_max, found.standby_p90, found.standby_minutes) == (95, 30, 120)


@pytest.mark.parametrize(
    ("zone", "day", "minutes"),
    [
        (NEW_YORK, date(2025, 3, 9), 1380),
        (NEW_YORK, date(2025, 11, 2), 1500),
        ("Australia/Lord_Howe", date(2025, 10, 5), 1410),
        ("Australia/Lord_Howe", date(2025, 4, 6), 1470),
        ("Asia/Tokyo", date(2024, 2, 29), 1440),
        ("Europe/London", date(2025, 10, 26), 1500),
    ],
)
def test_a_day_has_as_many_minutes_as_its_clocks_show(ask, zone, day, minutes):
    said = [
        (f"{day} 00:00", "CLOSED", None),
        (f"{day} 10:00", "OPERATING", 20),
        (f"{day} 22:00", "CLOSED", None),
    ]
    found = ask({1: said}, day, zone=zone).rides[1]
    assert (found.operating_minutes, found.closed_minutes, found.unknown_minutes) == (720, minutes - 720, 0)
    assert unpack(found.hours) == dict.fromkeys(range(10, 22), (60, 1200))


def test_a_ride_past_midnight_has_its_minutes_where_they_lie(ask):
    said = {
        n: [
            ("2025-07-04 18:00", "OPERATING", 10),
            ("2025-07-05 00:10", "OPERATING", 20),
            ("2025-07-05 02:00", "CLOSED", None),
            ("2025-07-05 18:00", "OPERATING", 10),
            ("2025-07-05 23:00", "CLOSED", None),
        ]
        for n in (1, 2)
    }
    first, second = ask(said), ask(said, NEXT)
    assert first.hours == (
        (milliseconds_of(at("2025-07-04 18:00", NEW_YORK)), milliseconds_of(at("2025-07-05 02:00", NEW_YORK))),
    )
    assert (first.rides[1].operating_minutes, second.rides[1].operating_minutes) == (360, 120 + 300)
    assert first.rides[1].last_closed_at == at("2025-07-05 02:00", NEW_YORK)
    assert second.rides[1].first_operating_at == at("2025-07-05 18:00", NEW_YORK)
    assert (second.rides[1].hours_minutes, second.rides[1].standby_minutes) == (420, 410)


def test_nothing_is_carried_for_more_than_92_days():
    said = {
        1: [("2025-04-03 12:00", "CLOSED", None)],
        2: [(f"{date(2025, 4, 3) + timedelta(days=n)} 12:00", "OPERATING", 5) for n in range(100)],
    }
    days = tell(said, date(2025, 4, 3), date(2025, 7, 5))
    found = {day.day: day.rides.get(1) for day in days}
    assert (found[date(2025, 7, 3)].closed_minutes, found[DAY].closed_minutes, found[NEXT]) == (1440, 720, None)


def test_inferred_hours_hear_a_tenth_of_the_rides_and_no_single_one_of_many(ask):
    said = {n: [("2025-07-04 10:00", "OPERATING", 5), ("2025-07-04 20:00", "CLOSED", None)] for n in range(3, 13)}
    said[1] = [("2025-07-04 06:00", "OPERATING", None), ("2025-07-04 23:00", "CLOSED", None)]  # a test run, 1 of 12
    said[2] = [("2025-07-04 09:00", "OPERATING", 5), ("2025-07-04 21:00", "CLOSED", None)]
    day = ask(said)
    assert day.hours == (tuple(milliseconds_of(at(f"2025-07-04 {hour}:00", NEW_YORK)) for hour in ("09", "21")),)
    assert day.rides[1].hours_operating == 720


def test_a_park_without_closings_is_open_from_its_first_word_to_its_last(ask):
    said = [(f"2025-07-0{day} {hour}:00", "OPERATING", hour) for day in (3, 4, 5) for hour in (10, 13, 16, 19)]
    day = ask({1: said})
    assert day.hours == (tuple(milliseconds_of(at(f"2025-07-04 {hour}:00", NEW_YORK)) for hour in (10, 19)),)
    assert kinds(day.rides[1]) == (540, 0, 0, 900)


def test_days_of_a_park_without_a_zone_are_those_of_utc():
    park, (ride,) = make_park("")
    plant(ride, [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 22:00", "CLOSED", None)])
    (found,) = park_days(park, DAY, DAY, datetime(2026, 1, 1, tzinfo=UTC))
    assert found.rides[ride.pk].operating_minutes == 720
