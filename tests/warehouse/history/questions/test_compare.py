"""A period beside the same one of years before: matched day by day, only what is known of both, and today until now."""

from datetime import date, time, timedelta

import pytest

from tests.warehouse.history.questions.planted import NOW, a_park, a_ride, days, local, plant, said
from warehouse.history.questions.compare import Matched, years_before
from warehouse.history.questions.days import of_park, of_ride
from warehouse.rides import stale_days

pytestmark = pytest.mark.django_db


@pytest.fixture
def park():
    return a_park()


@pytest.fixture
def ride(park):
    return a_ride(park)


def test_a_year_before_of_which_three_of_six_days_are_known_is_compared_by_these_alone(park, ride):
    now = days(date(2025, 7, 7), 6)  # Monday to Saturday
    before = [day - timedelta(weeks=52) for day in now]
    for wait, day in zip((10, 20, 30, 40, 50, 60), now, strict=True):
        plant(ride, day, wait=wait)
    for wait, day in zip((10, 20, 30), before, strict=False):
        plant(ride, day, wait=wait)
    (found,) = years_before(of_park(park, now[0], now[-1], NOW))
    assert (found.days, found.days_matched, found.wait_change) == (6, 3, 0)
    assert (found.now.standby_mean, found.before.standby_mean) == (20, 20)
    assert [pair.is_known for pair in found.pairs] == [True] * 3 + [False] * 3
    assert all(pair.day.weekday() == pair.before_day.weekday() for pair in found.pairs)


def test_today_until_noon_is_held_against_the_day_before_until_noon(park, ride):
    """Both days alike: 20 minutes until noon, then 60. Half a day against a whole one would be -60 %."""
    today, like = date(2025, 7, 5), date(2024, 7, 6)
    for day in (today, like):
        said(ride, f"{day} 10:00", "OPERATING", 20)
    said(ride, f"{like} 12:00", "OPERATING", 60)
    said(ride, f"{like} 22:00", "CLOSED")
    plant(ride, like, wait=50)  # what ride_days says of the whole day
    stale_days.mark([(park.pk, today)])
    now = local(f"{today} 12:00")
    (found,) = years_before(of_park(park, today, today, now))
    assert (found.until, found.wait_change, found.days_matched) == (time(12), 0, 1)
    assert found.now.operating_minutes == found.before.operating_minutes == 120
    (of_the_ride,) = years_before(of_ride(ride, today, today, now))
    assert of_the_ride.wait_change == 0


def test_yesterday_is_compared_as_a_whole(park, ride):
    yesterday, today = date(2025, 7, 4), date(2025, 7, 5)
    plant(ride, yesterday, yesterday - timedelta(weeks=52), wait=30)
    (found,) = years_before(of_park(park, yesterday, yesterday, local(f"{today} 12:00")))
    assert (found.until, found.days_matched, found.now.operating_minutes) == (None, 1, 720)


def test_there_are_as_many_years_as_are_known(park, ride):
    for year in (2021, 2022, 2024, 2025):
        plant(ride, *days(date(year, 7, 1), 14), wait=year - 2000)
    known = of_park(park, date(2025, 7, 7), date(2025, 7, 10), NOW)
    found = years_before(known)
    assert [of.years for of in found] == [1, 2, 3, 4]
    assert [of.days_matched for of in found] == [4, 0, 4, 4]
    assert [of.before.standby_mean for of in found] == [24, None, 22, 21]
    assert [of.wait_change is None for of in found] == [False, True, False, False]
    assert {pair.before_day.weekday() - pair.day.weekday() for of in found for pair in of.pairs} == {0}
    # never more than half a week away from the same date
    assert all(abs((of.before_first.replace(year=2025) - of.first).days) <= 4 for of in found)
    assert [of.years for of in years_before(known, years=1)] == [1]


def test_same_dates_leave_out_the_day_that_a_year_does_not_have(park, ride):
    leap = days(date(2024, 2, 27), 4)  # to March 1
    plant(ride, *leap, wait=20)
    plant(ride, *days(date(2023, 2, 27), 3), wait=10)
    (found,) = years_before(of_park(park, leap[0], leap[-1], NOW), Matched.DATES)
    assert [(pair.day, pair.before_day) for pair in found.pairs][1:3] == [
        (date(2024, 2, 28), date(2023, 2, 28)),
        (date(2024, 2, 29), None),
    ]
    assert (found.days, found.days_matched, found.wait_change) == (4, 3, 1.0)


def test_a_leap_day_alone_finds_its_like_only_in_leap_years(park, ride):
    plant(ride, date(2024, 2, 29), wait=20)
    plant(ride, date(2020, 2, 29), wait=10)
    found = years_before(of_park(park, date(2024, 2, 29), date(2024, 2, 29), NOW), Matched.DATES)
    assert [of.days_matched for of in found] == [0, 0, 0, 1]


def test_whole_months_and_years_are_made_of_the_days_that_are_asked_for(park, ride):
    plant(ride, *days(date(2025, 2, 1), 28), wait=20)
    plant(ride, *days(date(2024, 2, 1), 29), wait=10)
    known = of_park(park, date(2025, 2, 10), date(2025, 2, 12), NOW)
    (of_month,) = years_before(known, Matched.MONTHS)
    assert (of_month.first, of_month.last) == (date(2025, 2, 1), date(2025, 2, 28))
    assert (of_month.before_first, of_month.before_last) == (date(2024, 2, 1), date(2024, 2, 29))
    assert (of_month.days, of_month.days_matched, of_month.wait_change) == (28, 28, 1.0)
    (of_year,) = years_before(known, Matched.YEARS)
    assert (of_year.days, of_year.days_matched) == (365, 28)


def test_days_that_no_sums_were_made_of_are_no_zeros_of_a_year_before(park, ride):
    plant(ride, date(2025, 7, 7), wait=20)
    assert years_before(of_park(park, date(2025, 7, 7), date(2025, 7, 7), NOW)) == []
    plant(ride, date(2024, 1, 1), wait=20)
    assert years_before(of_park(park, date(2025, 7, 7), date(2025, 7, 7), NOW))[0].wait_change is None


def test_a_period_longer_than_a_year_is_compared_with_itself_a_year_earlier(park, ride):
    first = date(2023, 1, 1)
    plant(ride, *days(first, 900), wait=10)
    found = years_before(of_park(park, first + timedelta(days=400), first + timedelta(days=899), NOW), years=1)
    assert [(of.days, of.days_matched, of.wait_change) for of in found] == [(500, 500, 0)]
