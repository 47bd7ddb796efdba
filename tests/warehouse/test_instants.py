"""Instants and their milliseconds. No database."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.instants import EPOCH, aware_utc, day_at, instant_at, milliseconds_of, naive_utc

pytestmark = pytest.mark.no_database
EASTERN = timezone(timedelta(hours=-5))
instants = st.datetimes(datetime(1900, 1, 1), datetime(2300, 1, 1), timezones=st.sampled_from([UTC, EASTERN]))


@given(instants)
def test_an_instant_comes_back_from_its_milliseconds_cut_not_rounded(instant):
    back = instant_at(milliseconds_of(instant))
    assert back.tzinfo is UTC
    assert timedelta(0) <= instant - back < timedelta(milliseconds=1)


def test_no_instant_is_a_millisecond_short_as_the_float_of_timestamp_makes_it():
    instant = datetime(1987, 5, 20, 20, 8, 38, 369_000, tzinfo=UTC)
    assert milliseconds_of(instant) % 1000 == 369
    assert int(instant.timestamp() * 1000) % 1000 == 368  # what the float says


def test_before_1970_milliseconds_are_below_zero_and_cut_towards_the_past():
    assert milliseconds_of(EPOCH - timedelta(microseconds=1)) == -1
    assert day_at(-1) == date(1969, 12, 31)


@pytest.mark.parametrize(
    "milliseconds, day",
    [(0, date(1970, 1, 1)), (86_399_999, date(1970, 1, 1)), (86_400_000, date(1970, 1, 2))],
)
def test_a_day_is_that_of_utc(milliseconds, day):
    assert day_at(milliseconds) == day


def test_what_raw_sql_takes_and_gives_is_utc_without_a_zone():
    assert naive_utc(datetime(2024, 7, 1, 22, tzinfo=EASTERN)) == datetime(2024, 7, 2, 3)
    assert aware_utc(datetime(2024, 7, 2, 3)) == datetime(2024, 7, 1, 22, tzinfo=EASTERN)


def test_milliseconds_beyond_the_calendar_are_an_overflow():
    with pytest.raises(OverflowError):
        instant_at(1 << 62)
