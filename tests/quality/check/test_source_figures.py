"""Our figures of a ride's day and how they are held against the source's: on made days, and on those captured."""

import json
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from imports.archive.daily_figures import source_day
from quality.check.day_figures import RideDay, Word, figures
from quality.check.days_to_compare import DAYS_A_REQUEST, requests, sample
from quality.check.source_figures import Beside, Difference, SourceDay, differences
from tests.captures import HISTORY_SAMPLES
from warehouse.instants import milliseconds_of
from warehouse.zones import local_day

pytestmark = pytest.mark.no_database
#: answers of the real API, captured by others (MIT); they are no part of this repository
CAPTURED = HISTORY_SAMPLES
NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2024, 11, 20)
BEGIN_MS, END_MS = (milliseconds_of(instant) for instant in local_day(DAY, NEW_YORK))
RIDE = "44444444-4444-4444-8444-444444444444"


def word(minute: float, status: str, wait: int | None = None, **said) -> Word:
    """So many minutes after local midnight."""
    return Word(BEGIN_MS + round(minute * 60_000), status, wait, **said)


CLOSED_BEFORE = Word(0, "CLOSED", None)


def a_day(*words: Word, before: Word | None = CLOSED_BEFORE) -> RideDay:
    return figures(BEGIN_MS, END_MS, before, words)


def told(**changed) -> SourceDay:
    """What the API would say of `ORDINARY`."""
    values = {"changes": 3, "operating_minutes": 600, "down_minutes": 0, "unknown_minutes": 0}
    return SourceDay(RIDE, "Comet", "ATTRACTION", DAY, **(values | {"mean_wait": 13, "highest_wait": 20} | changed))


ORDINARY = a_day(word(540, "OPERATING", 10), word(960, "OPERATING", 20), word(1140, "CLOSED"))


def compared(ours=ORDINARY, source=None, beside=Beside.NOTHING) -> list[tuple]:
    return [(d.what, d.ours, d.source) for d in differences(ours, source or told(), beside, 300)]


# --- our figures ------------------------------------------------------------------------------------------------------
def test_states_are_looked_at_by_the_minute_and_hold_until_the_next_word():
    seen = a_day(word(0.5, "OPERATING"), word(300.2, "DOWN"), word(400, "CLOSED"))
    assert (seen.operating_minutes, seen.down_minutes, seen.unsure_minutes) == (300, 99, 0)
    assert a_day(word(60, "OPERATING", 5)).operating_minutes == 23 * 60  # no three hours


@pytest.mark.parametrize(("day", "minutes"), [(date(2024, 3, 10), 1380), (DAY, 1440), (date(2024, 11, 3), 1500)])
def test_a_local_day_has_as_many_minutes_as_its_clocks_show(day, minutes):
    begin_ms, end_ms = (milliseconds_of(instant) for instant in local_day(day, NEW_YORK))
    assert figures(begin_ms, end_ms, Word(0, "OPERATING", None), []).operating_minutes == minutes


def test_until_the_first_word_nothing_is_known_where_nothing_was_said_before():
    seen = a_day(word(540, "OPERATING", 10), word(600, "CLOSED"), before=None)
    assert (seen.unsure_minutes, seen.operating_minutes, seen.waits_are_sure) == (540, 60, False)
    assert a_day(word(540, "CLOSED"), before=None).waits_are_sure


def test_waits_are_weighted_by_minutes_and_the_highest_is_of_every_value():
    seen = a_day(word(0, "OPERATING", 10), word(1, "OPERATING", 20), word(4, "OPERATING", 90), word(4.5, "CLOSED"))
    assert seen.waits == (10, 20, 20, 20, 90)
    seen = a_day(word(10.1, "OPERATING", 10), word(10.2, "OPERATING", 75), word(10.4, "DOWN", 75))
    assert (seen.waits, seen.highest_wait) == ((), 75)


def test_a_wait_carried_over_midnight_does_not_count_until_it_changes():
    over_night = Word(BEGIN_MS - 1, "OPERATING", 45)
    seen = a_day(word(1, "OPERATING", 45), word(2, "OPERATING", 30), word(4, "CLOSED"), before=over_night)
    assert (seen.waits, seen.highest_wait, seen.operating_minutes) == ((30, 30), 30, 4)


def test_a_wait_goes_on_over_events_that_are_silent_about_it():
    seen = a_day(word(0, "OPERATING", 10), word(1, "OPERATING", is_silent=True), word(3, "CLOSED", is_silent=True))
    assert seen.waits == (10, 10, 10)


# --- against the source's -------------------------------------------------------------------------------------------
def test_a_day_that_agrees_has_no_differences():
    assert ORDINARY.mean_wait == 13
    assert compared() == []


def test_changes_are_equal_or_differ():
    assert compared(source=told(changes=4)) == [("changes", 3, 4)]
    assert compared(source=told(changes=2)) == [("changes", 3, 2)]
    assert compared(source=told(changes=None)) == []


def test_a_ride_that_one_side_does_not_know_differs():
    assert [(d.what, d.ours, d.source) for d in differences(None, told(), Beside.NOTHING, 300)] == [
        ("changes", None, 3)
    ]
    assert differences(None, told(changes=0), Beside.NOTHING, 300) == []  # it said nothing that could be stored
    assert [(d.ours, d.source) for d in differences(ORDINARY, None, Beside.NOTHING, 300)] == [(3, None)]


def test_rows_of_the_live_collector_may_stand_for_changes_or_lie_beside_them():
    mixed = a_day(word(540, "OPERATING", 10), word(960, "OPERATING", 20, is_live=True), word(1140, "CLOSED"))
    assert [compared(mixed, told(changes=n)) == [] for n in (1, 2, 3, 4)] == [False, True, True, False]


def test_where_other_records_lie_beside_there_may_be_more_and_not_fewer():
    beside = Beside.OTHER_RECORDS
    assert [compared(source=told(changes=n), beside=beside) == [] for n in (0, 3, 4)] == [True, True, False]
    assert compared(source=told(changes=99), beside=Beside.NO_WHOLE_DAY) == []
    assert compared(source=told(operating_minutes=99), beside=Beside.NO_WHOLE_DAY) == [("operating minutes", 600, 99)]


@pytest.mark.parametrize(("operating", "unknown", "agrees"), [(598, 0, True), (602, 0, True), (597, 0, False)])
def test_minutes_agree_within_the_tolerance(operating, unknown, agrees):
    assert (compared(source=told(operating_minutes=operating, unknown_minutes=unknown)) == []) is agrees


def test_minutes_that_the_source_calls_unknown_may_be_operating_ones_of_ours():
    assert compared(source=told(operating_minutes=500, unknown_minutes=100)) == []
    assert compared(source=told(operating_minutes=500, unknown_minutes=97)) == [("operating minutes", 600, 500)]
    assert compared(source=told(down_minutes=30)) == [("down minutes", 0, 30)]


def test_minutes_before_our_first_word_may_be_what_the_source_says():
    ours = a_day(word(540, "OPERATING", 10), word(960, "OPERATING", 20), word(1140, "CLOSED"), before=None)
    assert compared(ours, told(operating_minutes=1140, mean_wait=99)) == []
    assert compared(ours, told(operating_minutes=1143)) == [("operating minutes", 600, 1143)]


def test_counted_under_earlier_rules_changes_are_compared_alone():
    assert compared(source=told(unknown_minutes=None, operating_minutes=1, highest_wait=99)) == []
    assert compared(source=told(unknown_minutes=None, changes=1)) == [("changes", 3, 1)]


def test_waits_agree_in_the_highest_and_within_a_minute_in_the_mean():
    assert [compared(source=told(mean_wait=n)) == [] for n in (11, 12, 14, 15)] == [False, True, True, False]
    assert compared(source=told(highest_wait=25)) == [("highest wait", 20, 25)]
    assert compared(source=told(mean_wait=None, highest_wait=None)) == [("mean wait", 13, None)]
    no_waits = a_day(word(540, "OPERATING"), word(960, "OPERATING"), word(1140, "CLOSED"))
    assert compared(no_waits) == [("mean wait", None, 13)]


def test_a_mean_may_lack_the_minutes_that_the_source_calls_unknown():
    assert compared(source=told(operating_minutes=420, unknown_minutes=180, mean_wait=10)) == []
    assert compared(source=told(operating_minutes=420, unknown_minutes=180, mean_wait=8)) == [("mean wait", 13, 8)]


def test_waits_longer_than_what_is_stored_are_not_compared():
    assert compared(source=told(mean_wait=80, highest_wait=301)) == []


def test_a_difference_says_both_numbers():
    assert str(Difference("changes", 185, 187)) == "changes 185 (the source: 187)"
    assert str(Difference("mean wait", 37.42, None)) == "mean wait 37.4 (the source: none)"


# --- captured ---------------------------------------------------------------------------------------------------------
def captured(name: str) -> dict:
    if not (CAPTURED / name).exists():
        pytest.skip(f"the captured answers are not here: {CAPTURED / name}")
    return json.loads((CAPTURED / name).read_text())


def captured_day(day: date, rows: list[dict], opening: dict | None) -> RideDay:
    begin_ms, end_ms = (milliseconds_of(instant) for instant in local_day(day, NEW_YORK))

    def read(row: dict) -> Word:
        at = datetime.fromisoformat(row["time"])
        return Word(milliseconds_of(at), row["status"], row["queue"]["STANDBY"]["waitTime"])

    return figures(begin_ms, end_ms, opening and read(opening), [*map(read, rows)])


def test_the_captured_day_of_space_mountain_agrees_to_the_minute():
    answer, daily = (captured(f"{what}-space-mountain-2026-09-26.json") for what in ("history", "daily"))
    ours = captured_day(date(2026, 9, 26), answer["history"], answer["opening"])
    source = source_day(daily["days"][0] | {"entityId": daily["id"], "name": daily["name"]})
    assert (ours.observations, source.changes) == (187, 187)
    assert (ours.operating_minutes, source.operating_minutes, source.unknown_minutes) == (933, 929, 4)
    assert (round(ours.mean_wait, 2), source.mean_wait) == (37.42, 37)
    assert (ours.highest_wait, source.highest_wait) == (65, 65)
    assert differences(ours, source, Beside.NOTHING, 300) == []
    fewer = captured_day(date(2026, 9, 26), answer["history"][:-5], answer["opening"])
    assert [d.what for d in differences(fewer, source, Beside.NOTHING, 300)] == ["changes", "operating minutes"]


def test_the_captured_day_of_two_rows_has_the_minutes_of_the_source():
    answer = captured("pirates-adventure-2026-09-15.json")
    ours = captured_day(date(2026, 9, 15), answer["history"], None)
    source = source_day(answer["daily"] | {"entityId": RIDE})
    assert (ours.observations, ours.operating_minutes) == (source.changes, source.operating_minutes) == (2, 300)
    assert source.unknown_minutes is None  # counted under earlier rules
    assert differences(ours, source, Beside.NOTHING, 300) == []


# --- which days -------------------------------------------------------------------------------------------------------
def days(count: int, last: date = DAY) -> list[date]:
    return [last - timedelta(days=n) for n in range(count)]


def test_the_newest_day_and_some_by_chance_of_one_month_are_drawn():
    year = days(365)
    drawn = sample(year, (), 3, "a")
    assert drawn == sample(year[::-1], (), 3, "a")
    assert len(drawn) == 3
    assert drawn[-1] == DAY
    assert len({tuple(sample(year, (), 3, str(n))) for n in range(20)}) > 15
    assert all(len(requests(1, sample(year, (), 11, str(n)))) <= 2 for n in range(20))


def test_no_more_days_are_drawn_than_there_are_and_those_that_differed_come_on_top():
    assert sample(days(2), (), 5, "a") == sorted(days(2))
    assert sample([], [DAY], 3, "a") == []
    again = [DAY - timedelta(days=300), date(1999, 1, 1)]
    assert len(sample(days(365), again, 1, "a")) == 2


def test_days_near_one_another_are_one_request():
    assert [request.days for request in requests(1, days(DAYS_A_REQUEST))] == [tuple(sorted(days(DAYS_A_REQUEST)))]
    assert len(requests(1, days(DAYS_A_REQUEST + 1))) == 2
    assert requests(1, []) == []


def test_what_a_row_does_not_say_is_none():
    row = source_day({"entityId": RIDE.upper(), "date": "2024-11-20", "changes": 12.0, "standby": None})
    assert row == SourceDay(RIDE, "", "", DAY, 12)
    assert source_day({"entityId": "x", "date": "2024-11-20"}) is None
    assert source_day({"entityId": RIDE, "date": None}) is None
