"""What schedules say of a park's days: closings after midnight put right, what cannot be refused, days covered."""

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from imports.events.issues import Issues
from imports.metadata.hours import read_month, read_upcoming
from tests.captures import SAMPLES
from warehouse.instants import instant_at
from warehouse.rides.hours import Hours, open_ms

pytestmark = pytest.mark.no_database
SAMPLE = SAMPLES / "sdk-python-mk_schedule.json"
PARK = "75ea578a-adc8-4116-a54d-dccb60765ef9"
NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2026, 4, 14)


def entry(opens="2026-04-14T09:00:00-04:00", closes="2026-04-14T22:00:00-04:00", **fields) -> dict:
    return {"date": "2026-04-14", "type": "OPERATING", "openingTime": opens, "closingTime": closes} | fields


def read(*entries, zone=NEW_YORK, today=DAY):
    """What is said, by day, and how often what was refused."""
    issues = Issues()
    schedule = read_upcoming(entries, PARK, zone, today, issues)
    assert {park for park, _ in issues.found} <= {PARK}
    return schedule, {reason: issue.count for (_, reason), issue in issues.found.items()}


def clock(hours: Hours, zone=NEW_YORK) -> str:
    opens, closes = (instant_at(ms).astimezone(zone) for ms in (hours.opens_ms, hours.closes_ms))
    return f"{opens:%d %H:%M} - {closes:%d %H:%M}"


def only(entry: dict, zone=NEW_YORK, day=DAY) -> str:
    """When the one entry says that the park opens and closes, by the park's clock."""
    schedule, issues = read(entry, zone=zone, today=day)
    assert not issues
    (hours,) = schedule.said[day]
    return clock(hours, zone)


@pytest.mark.skipif(not SAMPLE.exists(), reason=f"{SAMPLE} is not here")
def test_the_captured_answer():
    issues = Issues()
    schedule = read_upcoming(json.loads(SAMPLE.read_text())["schedule"], PARK, NEW_YORK, DAY, issues)
    assert not issues.found
    assert sum(map(len, schedule.said.values())) == 69
    assert len(schedule.said) == len(schedule.covered) == 31
    assert {hours.type for said in schedule.said.values() for hours in said} == {"OPERATING", "TICKETED_EVENT"}
    first = sorted(schedule.said[DAY], key=lambda hours: hours.opens_ms)
    assert [(clock(hours), hours.description) for hours in first] == [
        ("14 08:30 - 14 09:00", "Early Entry"),
        ("14 09:00 - 14 22:00", ""),
    ]


@pytest.mark.parametrize(
    ("opens", "closes", "by_the_clock"),
    [
        ("2026-04-14T09:00:00-04:00", "2026-04-14T22:00:00-04:00", "14 09:00 - 14 22:00"),
        ("2026-04-14T13:00:00Z", "2026-04-15T02:00:00Z", "14 09:00 - 14 22:00"),
        ("2026-04-14T09:00:00-04:00", "2026-04-15T01:00:00-04:00", "14 09:00 - 15 01:00"),
        ("2026-04-14T09:00:00-04:00", "2026-04-14T01:00:00-04:00", "14 09:00 - 15 01:00"),
        ("2026-04-14T18:00:00-04:00", "2026-04-14T00:00:00-04:00", "14 18:00 - 15 00:00"),
        ("2026-04-15T00:00:00-04:00", "2026-04-14T05:00:00-04:00", "15 00:00 - 15 05:00"),  # "24:00 to 05:00"
        ("2026-04-15T00:30:00-04:00", "2026-04-15T02:30:00-04:00", "15 00:30 - 15 02:30"),
        ("2026-04-14T00:00:00-04:00", "2026-04-14T00:00:00-04:00", "14 00:00 - 15 00:00"),
        ("2026-04-14T00:00:00-04:00", "2026-04-15T00:00:00-04:00", "14 00:00 - 15 00:00"),
    ],
)
def test_a_closing_after_midnight_lies_on_the_next_day(opens, closes, by_the_clock):
    assert only(entry(opens, closes)) == by_the_clock


@pytest.mark.parametrize(
    ("opens", "closes"),
    [
        ("2026-04-13T09:00:00-04:00", "2026-04-13T22:00:00-04:00"),  # the day before
        ("2026-04-14T03:59:00Z", "2026-04-14T22:00:00Z"),  # one minute before midnight
        ("2026-04-15T09:00:00-04:00", "2026-04-15T22:00:00-04:00"),  # the day after
        ("2026-04-14T09:00:00-04:00", "2026-04-13T22:00:00-04:00"),
        ("2026-04-14T09:00:00-04:00", "2026-04-15T09:01:00-04:00"),  # more than 24 hours
        ("2026-04-14T09:00:00-04:00", "2036-04-14T22:00:00-04:00"),
        ("2026-04-14T12:00:00-04:00", "2026-04-14T12:00:00-04:00"),
        ("2026-04-14T09:00:00", "2026-04-14T22:00:00"),  # without an offset
        ("2026-04-14T09:00:00-04:00", None),
        (None, "2026-04-14T22:00:00-04:00"),
        (None, None),
        ("09:00", "22:00"),
        (1776171600, 1776218400),
        (["2026-04-14T09:00:00-04:00"], {}),
        ("0001-01-01T00:00:00+14:00", "2026-04-14T22:00:00-04:00"),
        ("2026-04-14T09:00:00-04:00", "9999-12-31T23:59:00-04:00"),
    ],
)
def test_hours_that_cannot_be_are_refused_and_the_others_stand(opens, closes):
    good = entry(date="2026-04-16", opens="2026-04-16T09:00:00-04:00", closes="2026-04-16T22:00:00-04:00")
    schedule, issues = read(entry(opens, closes), good)
    assert issues == {"impossible_hours": 1}
    assert list(schedule.said) == [date(2026, 4, 16)]
    assert DAY not in schedule.covered  # what was known of it stays
    assert date(2026, 4, 17) in schedule.covered


@pytest.mark.parametrize("garbage", [None, "x", 7, [], {}, {"date": "14 April"}, {"date": 20260414}, entry(date=None)])
def test_an_entry_that_is_none_costs_itself(garbage):
    schedule, issues = read(garbage, entry())
    assert issues == {"impossible_hours": 1}
    assert list(schedule.said) == [DAY]


@pytest.mark.parametrize("day", ["2025-04-14", "2027-12-01", "0001-01-01", "9999-12-31"])
def test_days_far_off_are_refused(day):
    assert read(entry(date=day))[1] == {"impossible_hours": 1}


@pytest.mark.parametrize("kind", ["SPECIAL", "", None, 7, ["OPERATING"]])
def test_a_type_that_is_not_known_is_kept_out_and_told(kind):
    schedule, issues = read(entry(type=kind))
    assert (schedule.said, schedule.covered, issues) == ({}, frozenset(), {"unknown_hours_type": 1})


def test_closed_is_said_without_times_and_info_may_be():
    closed = entry(type="CLOSED", opens="2026-04-14T23:59:59-04:00", closes="2026-04-14T23:59:59-04:00")
    assert read(closed)[0].said[DAY] == {Hours("CLOSED", None, None)}
    assert read({"date": "2026-04-14", "type": "closed"}, closed)[0].said[DAY] == {Hours("CLOSED", None, None)}
    info = {"date": "2026-04-14", "type": "INFO", "description": " Pin trading "}
    assert read(info)[0].said[DAY] == {Hours("INFO", None, None, description="Pin trading")}


def test_a_private_event_is_told_and_opens_the_park_for_nobody():
    schedule, issues = read(entry(type="PRIVATE_EVENT", description="A wedding"))
    (hours,) = schedule.said[DAY]
    assert (hours.type, hours.description, issues) == ("INFO", "Private event: A wedding", {})
    assert open_ms([hours]) == ()


def test_what_is_said_twice_is_kept_once_until_the_later_closing():
    later = entry(closes="2026-04-14T23:00:00-04:00", description="Spring")
    for order in ([entry(), later, entry()], [later, entry(), later]):
        (hours,) = read(*order)[0].said[DAY]
        assert (clock(hours), hours.description) == ("14 09:00 - 14 23:00", "Spring")


def test_overlapping_hours_stand_beside_each_other():
    other = entry("2026-04-14T10:00:00-04:00", "2026-04-14T23:00:00-04:00")
    said = read(entry(), other)[0].said[DAY]
    assert len(said) == 2
    ((opens, closes),) = open_ms(said)
    assert clock(Hours("OPERATING", opens, closes)) == "14 09:00 - 14 23:00"


def test_a_flood_of_hours_of_one_day_is_cut():
    many = [entry(opens=f"2026-04-14T09:{n % 60:02}:{n // 60:02}-04:00") for n in range(120)]
    schedule, issues = read(*many)
    assert (len(schedule.said[DAY]), issues) == (50, {"impossible_hours": 70})


def test_long_and_odd_descriptions_can_be_stored():
    (hours,) = read(entry(description="x" * 300 + "\ud800"))[0].said[DAY]
    assert len(hours.description) == 255
    (hours,) = read(entry(description=["x"]))[0].said[DAY]
    assert hours.description == ""


@pytest.mark.parametrize(
    ("zone", "day", "opens", "closes", "lasts"),
    [
        ("America/New_York", "2026-03-07", "2026-03-07T18:00:00-05:00", "2026-03-07T04:00:00-05:00", 9),
        ("America/New_York", "2026-10-31", "2026-10-31T18:00:00-04:00", "2026-10-31T04:00:00-04:00", 11),
        ("America/New_York", "2026-11-01", "2026-11-01T00:00:00-04:00", "2026-11-01T00:00:00-04:00", 25),
        ("America/New_York", "2026-03-08", "2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00", 23),
        ("Australia/Lord_Howe", "2026-04-04", "2026-04-04T18:00:00+11:00", "2026-04-04T04:00:00+11:00", 10.5),
        ("Asia/Tokyo", "2026-02-28", "2026-02-28T09:00:00+09:00", "2026-02-28T00:30:00+09:00", 15.5),
        ("Europe/London", "2028-02-29", "2028-02-29T09:00:00Z", "2028-02-29T01:00:00Z", 16),
    ],
)
def test_midnight_is_passed_by_the_clock_of_the_park(zone, day, opens, closes, lasts):
    day = date.fromisoformat(day)
    schedule, issues = read(entry(opens, closes, date=str(day)), zone=ZoneInfo(zone), today=day)
    (hours,) = schedule.said[day]
    assert not issues
    assert (hours.closes_ms - hours.opens_ms) / 3_600_000 == lasts


def test_without_a_zone_the_offsets_of_the_times_hold():
    opens, closes = "2026-04-14T09:00:00+09:00", "2026-04-14T00:30:00+09:00"
    (hours,) = read(entry(opens, closes), zone=None)[0].said[DAY]
    assert instant_at(hours.closes_ms) == datetime(2026, 4, 14, 15, 30, tzinfo=UTC)


def test_the_coming_days_are_covered_for_a_month_and_what_is_not_named_has_no_hours():
    schedule, _ = read(entry())
    assert schedule.covered == {DAY + timedelta(days=n) for n in range(30)}
    further = entry(date="2026-06-01", opens="2026-06-01T09:00:00-04:00", closes="2026-06-01T22:00:00-04:00")
    assert max(read(further)[0].covered) == date(2026, 6, 1)


def test_today_is_covered_only_if_it_is_named():
    yesterday, _ = read(entry(), today=date(2026, 4, 13))
    assert min(yesterday.covered) == date(2026, 4, 14)
    named, _ = read(entry(), today=date(2026, 4, 15))  # the answer lay in a cache over midnight
    assert min(named.covered) == DAY


def test_an_answer_that_names_no_day_says_nothing():
    assert read()[0].covered == frozenset()
    assert read_month([], PARK, NEW_YORK, date(2026, 4, 1), Issues()).covered == frozenset()


def test_a_month_is_covered_from_the_first_day_it_names_to_its_last_and_no_other_day_is_taken():
    issues = Issues()
    other = entry(date="2026-05-01", opens="2026-05-01T09:00:00-04:00", closes="2026-05-01T22:00:00-04:00")
    schedule = read_month([entry(), other], PARK, NEW_YORK, date(2026, 4, 1), issues)
    days = sorted(schedule.covered)  # what was known of the days before stays
    assert (days[0], days[-1], len(days)) == (DAY, date(2026, 4, 30), 17)
    assert list(schedule.said) == [DAY]
    assert issues.found[PARK, "impossible_hours"].count == 1
    february = read_month([entry(date="2028-02-29")], PARK, NEW_YORK, date(2028, 2, 1), Issues())
    assert february.covered == frozenset()  # of its one day the times lie elsewhere
