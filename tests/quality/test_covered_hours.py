"""Which hours a ledger's days speak for, of parks whose clocks are far from UTC, half an hour off, or changed."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from quality.covered_hours import CoveredHours, days_touched, hours_of, utc_days
from quality.import_ledger import FeedDay, ParkLedger

pytestmark = pytest.mark.no_database
NEW_YORK, TOKYO, LORD_HOWE, UNKNOWN = "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe", "Nowhere/Land"


def september(day: int) -> date:
    return date(2026, 9, day)


def utc(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2026, 9, day, hour, minute, tzinfo=UTC)


def days(feed: str, first: int, last: int, outcome: str = "IMPORTED") -> list[FeedDay]:
    return [FeedDay(september(day), feed, outcome, outcome == "IMPORTED") for day in range(first, last + 1)]


def covered(timezone: str, *found: list[FeedDay]) -> CoveredHours:
    return CoveredHours(ParkLedger(day for each in found for day in each), timezone)


def holes(timezone: str, *found: list[FeedDay]) -> list[tuple]:
    return [(hole.begin, hole.end, hole.before, hole.after) for hole in covered(timezone, *found).seam_holes]


# --- what a day is ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        (NEW_YORK, date(2026, 9, 26), 24),
        (NEW_YORK, date(2026, 11, 1), 25),
        (NEW_YORK, date(2027, 3, 14), 23),
        (TOKYO, date(2026, 11, 1), 24),
        (LORD_HOWE, date(2026, 10, 4), 23.5),
        (LORD_HOWE, date(2027, 4, 4), 24.5),
        ("Africa/Cairo", date(2026, 4, 24), 23),  # at midnight: its first hour is not there
        ("Africa/Cairo", date(2026, 10, 29), 25),  # at midnight: its last hour comes twice
        ("America/Havana", date(2026, 11, 1), 25),  # its first hour comes twice
    ],
)
def test_a_day_of_the_history_api_is_the_park_s_own_whatever_the_clocks_do(zone, day, hours):
    begin, end = hours_of("HISTORY", day, ZoneInfo(zone))
    assert (end - begin) / timedelta(hours=1) == hours
    around = [hours_of("HISTORY", day + timedelta(days=n), ZoneInfo(zone)) for n in (-1, 0, 1)]
    assert all(one[1] == other[0] for one, other in pairwise(around))


def test_a_day_of_the_archive_is_utc_s():
    assert hours_of("ARCHIVE", september(26), ZoneInfo(NEW_YORK)) == (utc(26), utc(27))


def test_a_park_s_day_lies_in_two_of_utc_but_where_its_clock_is_utc_s():
    assert utc_days(*hours_of("HISTORY", september(26), ZoneInfo(NEW_YORK))) == [september(26), september(27)]
    assert utc_days(*hours_of("HISTORY", september(26), ZoneInfo(TOKYO))) == [september(25), september(26)]
    assert utc_days(*hours_of("HISTORY", september(26), UTC)) == [september(26)]


def test_a_span_that_ends_at_midnight_does_not_touch_the_next_day():
    assert days_touched(utc(26, 15), utc(27)) == (september(26), september(26))
    assert days_touched(utc(26, 15), utc(27), ZoneInfo(TOKYO)) == (september(27), september(27))


# --- seams ------------------------------------------------------------------------------------------------------------
def test_west_of_utc_the_evening_between_the_archive_and_the_history_api_belongs_to_neither():
    seam = [days("ARCHIVE", 20, 26), days("HISTORY", 27, 30)]
    assert holes(NEW_YORK, *seam) == [(utc(27), utc(27, 4), "ARCHIVE", "HISTORY")]
    assert holes(TOKYO, *seam) == []


def test_east_of_utc_the_morning_between_the_history_api_and_the_archive_belongs_to_neither():
    seam = [days("HISTORY", 20, 26), days("ARCHIVE", 27, 30)]
    assert holes(TOKYO, *seam) == [(utc(26, 15), utc(27), "HISTORY", "ARCHIVE")]
    assert holes(LORD_HOWE, *seam) == [(utc(26, 13, 30), utc(27), "HISTORY", "ARCHIVE")]
    assert holes(NEW_YORK, *seam) == []


def test_of_a_park_in_utc_and_of_one_without_a_zone_days_follow_on_one_another():
    for timezone in ("UTC", UNKNOWN, ""):
        assert holes(timezone, days("ARCHIVE", 20, 26), days("HISTORY", 27, 30)) == []
        assert holes(timezone, days("HISTORY", 20, 26), days("ARCHIVE", 27, 30)) == []


@pytest.mark.parametrize("filled_by", [days("HISTORY", 26, 26), days("ARCHIVE", 27, 27)])
def test_the_day_on_either_side_fills_the_hole(filled_by):
    assert holes(NEW_YORK, days("ARCHIVE", 20, 26), days("HISTORY", 27, 30), filled_by) == []


@pytest.mark.parametrize(("outcome", "fills"), [("NO_EVENTS", True), ("MISSING", False), ("UNREADABLE", False)])
def test_a_day_without_an_event_was_asked_for_and_one_without_a_file_was_not(outcome, fills):
    found = holes(NEW_YORK, days("ARCHIVE", 20, 26), days("HISTORY", 27, 30), days("ARCHIVE", 27, 27, outcome))
    assert (found == []) == fills


def test_a_day_that_one_feed_lacks_is_told_as_missing_and_is_no_seam():
    for feed in ("ARCHIVE", "HISTORY"):
        assert holes(NEW_YORK, days(feed, 20, 26), days(feed, 28, 30)) == []
    both = [days(feed, *span) for feed in ("ARCHIVE", "HISTORY") for span in ((20, 26), (28, 30))]
    assert holes(NEW_YORK, *both) == holes(TOKYO, *both) == []


@pytest.mark.parametrize("outcome", [None, "MISSING", "UNREADABLE"])
def test_of_a_missing_day_on_a_seam_only_the_hours_are_told_that_are_not_its_own(outcome):
    lacking = [] if outcome is None else days("ARCHIVE", 27, 27, outcome)
    assert holes(NEW_YORK, days("ARCHIVE", 20, 26), lacking, days("HISTORY", 28, 30)) == [
        (utc(28), utc(28, 4), "ARCHIVE", "HISTORY")
    ]
    assert holes(TOKYO, days("HISTORY", 20, 26), lacking, days("ARCHIVE", 28, 30)) == [
        (utc(26, 15), utc(27), "HISTORY", "ARCHIVE")
    ]
    assert holes(TOKYO, days("ARCHIVE", 20, 26), lacking, days("HISTORY", 28, 30)) == []


def test_before_a_park_s_first_event_nothing_is_lacking():
    assert holes(NEW_YORK, days("ARCHIVE", 20, 26, "NO_EVENTS"), days("HISTORY", 27, 30)) == []


def test_a_seam_in_the_night_of_the_change_of_clocks_has_the_hours_of_the_old_time():
    ledger = ParkLedger(
        [FeedDay(date(2026, 10, 31), "ARCHIVE", "IMPORTED"), FeedDay(date(2026, 11, 1), "HISTORY", "IMPORTED")]
    )
    assert [hole.hours for hole in CoveredHours(ledger, NEW_YORK).seam_holes] == [4]
    ledger = ParkLedger(
        [FeedDay(date(2026, 11, 1), "ARCHIVE", "IMPORTED"), FeedDay(date(2026, 11, 2), "HISTORY", "IMPORTED")]
    )
    assert [hole.hours for hole in CoveredHours(ledger, NEW_YORK).seam_holes] == [5]


def test_feeds_that_take_turns_have_a_seam_each_time():
    turns = [days("ARCHIVE" if day % 2 else "HISTORY", day, day) for day in range(1, 9)]
    assert [hole.begin for hole in covered(NEW_YORK, *turns).seam_holes] == [utc(2), utc(4), utc(6), utc(8)]


# --- hours that nobody asked for -------------------------------------------------------------------------------------
def test_hours_are_unasked_to_the_minute():
    found = covered(NEW_YORK, days("ARCHIVE", 20, 26), days("HISTORY", 27, 30))
    assert found.unasked_in(utc(27, 3, 59), utc(27, 8))
    assert not found.unasked_in(utc(27, 4), utc(27, 8))
    assert not found.unasked_in(utc(26, 20), utc(27))


def test_of_a_missing_day_those_hours_are_asked_for_that_the_park_s_day_beside_it_has():
    found = covered(NEW_YORK, days("HISTORY", 20, 26), days("HISTORY", 28, 30))
    assert not found.unasked_in(utc(27), utc(27, 4))
    assert found.unasked_in(utc(27, 4), utc(27, 5))
    assert found.unasked_in(utc(28, 3), utc(28, 12))
    assert not found.unasked_in(utc(28, 4), utc(28, 12))


def test_outside_of_the_ledger_only_what_was_looked_for_in_vain_is_unasked():
    found = covered(
        TOKYO, days("ARCHIVE", 10, 11, "UNREADABLE"), days("ARCHIVE", 20, 26), days("ARCHIVE", 27, 27, "MISSING")
    )
    assert found.unasked_in(utc(11, 23), utc(12, 5))
    assert not found.unasked_in(utc(12), utc(20))
    assert found.unasked_in(utc(27, 23), utc(29))
    assert not found.unasked_in(utc(28), utc(30))
    assert not covered(TOKYO).unasked_in(utc(1), utc(30))


# --- since when -------------------------------------------------------------------------------------------------------
def test_since_when_every_hour_was_spoken_for():
    told = covered(NEW_YORK, days("ARCHIVE", 1, 3), days("HISTORY", 4, 6), days("ARCHIVE", 5, 8))
    assert told.told_since(utc(3, 12)) == utc(1)
    assert told.told_since(utc(4, 2)) == utc(4, 2)  # on the seam, of which nobody spoke
    assert told.told_since(utc(4, 4)) == utc(4, 4)  # where the next feed begins
    assert told.told_since(utc(9)) == utc(4, 4)
    assert told.told_since(utc(10)) == utc(10)
    assert covered(NEW_YORK).told_since(utc(1)) == utc(1)
    assert told.tells(utc(1), utc(4)) and not told.tells(utc(1), utc(5))
