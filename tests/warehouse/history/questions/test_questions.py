"""Waits by hour, longest waits, reliability, busy days, operating times, rides that dropped out, and other lines."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from tests.warehouse.history.questions.planted import NOW, a_park, a_ride, days, local, plant, said
from warehouse.history import clock_hours
from warehouse.history.questions import busy, dropped, hours, lines, longest, ranking, times
from warehouse.history.questions.days import of_park, of_ride
from warehouse.models import EntityMetadata, QueueData, RideStatusSnapshot, RideStay

pytestmark = pytest.mark.django_db
DAY = date(2025, 7, 4)  # a Friday
WEEK = days(DAY, 7)


@pytest.fixture
def park():
    return a_park()


@pytest.fixture
def ride(park):
    return a_ride(park)


# --- by hour ---------------------------------------------------------------------------------------------------------
def with_hours(of: dict[int, tuple[int, int]]) -> dict:
    return {
        "hours": clock_hours.pack(*zip(*(of.get(hour, (0, 0)) for hour in range(24)), strict=True)),
        "standby_minutes": sum(minutes for minutes, _ in of.values()),
        "standby_sum": sum(total for _, total in of.values()),
        "standby_p50": 1,
        "standby_p90": 2,
    }


def test_waits_by_hour_are_weighed_by_the_minutes_in_which_they_were_shown(park, ride):
    plant(ride, WEEK[0], **with_hours({9: (30, 300), 10: (60, 1200), 12: (60, 18_000)}))
    plant(ride, WEEK[1], **with_hours({10: (30, 1500), 11: (60, 600)}))
    plant(a_ride(park, "Other"), WEEK[0], **with_hours({10: (60, 2400)}))
    plant(a_ride(park, "Walk-on"), WEEK[0])
    known = of_park(park, WEEK[0], WEEK[-1], NOW)
    (everything,) = hours.by_hour(known, "all").values()
    assert {hour: (of.minutes, of.sum) for hour, of in everything.items()} == {
        9: (30, 300), 10: (150, 5100), 11: (60, 600), 12: (60, 18_000),
    }  # fmt: skip
    assert everything[10].mean == 34
    assert list(hours.by_hour(known, "day")) == WEEK[:2]
    assert {key: list(of) for key, of in hours.by_hour(known, "weekday").items()} == {4: [9, 10, 12], 5: [10, 11]}
    assert list(hours.by_hour(known, "month")) == [date(2025, 7, 1)]
    assert list(hours.by_hour(known, "month-of-year")) == [7]
    assert hours.by_hour(of_ride(ride, DAY, DAY, NOW), "day")[DAY][10].mean == 20


def test_percentiles_of_a_park_are_exact_for_one_ride_and_by_hours_of_rides_for_several(park, ride):
    plant(ride, WEEK[0], **with_hours({10: (60, 600)}))
    plant(ride, WEEK[1], **with_hours({10: (60, 600), 11: (60, 1200)}))
    plant(a_ride(park, "Other"), WEEK[1], **with_hours({10: (60, 5400), 11: (60, 1800)}))
    found = hours.percentiles(of_park(park, WEEK[0], WEEK[-1], NOW))
    assert found == {(park.pk, WEEK[0]): (1, 2), (park.pk, WEEK[1]): (20, 90)}


# --- longest waits ---------------------------------------------------------------------------------------------------
def test_the_longest_waits_say_which_ride_when_and_how_long(park, ride):
    other = a_ride(park, "Other")
    plant(ride, WEEK[0], wait=90)
    plant(ride, WEEK[1], wait=120)
    plant(other, WEEK[2], wait=100)
    plant(a_ride(park, "Walk-on"), WEEK[2])
    for at, wait in (("10:00", 60), ("13:00", 120), ("13:40", 110), ("15:00", 120), ("16:00", 20)):
        said(ride, f"{WEEK[1]} {at}", "OPERATING", wait)
    said(ride, f"{WEEK[1]} 12:00", "OPERATING", 120, data_source="LIVE")  # the day is the archive's
    said(other, f"{WEEK[2]} 20:00", "OPERATING", 100, wait_told=True)
    said(other, f"{WEEK[2]} 20:30", "OPERATING", None, wait_told=False)
    said(other, f"{WEEK[2]} 21:00", "CLOSED")
    known = of_park(park, WEEK[0], WEEK[-1], NOW)
    first, second, third = longest.longest_waits(known)
    assert (first.ride.name, first.day, first.wait) == ("Coaster", WEEK[1], 120)
    assert (first.begins_at, first.ends_at) == (local(f"{WEEK[1]} 13:00"), local(f"{WEEK[1]} 13:40"))
    assert (second.ride.name, second.wait) == ("Other", 100)
    assert (second.begins_at, second.ends_at) == (local(f"{WEEK[2]} 20:00"), local(f"{WEEK[2]} 21:00"))
    assert (third.wait, third.begins_at) == (90, None)  # its rows are gone
    assert [of.wait for of in longest.longest_waits(known, 1)] == [120]
    once = longest.longest_waits(known, each_ride_once=True)
    assert [(of.ride.name, of.wait) for of in once] == [("Coaster", 120), ("Other", 100)]


# --- reliability -----------------------------------------------------------------------------------------------------
def test_rides_are_ranked_by_their_down_share_in_park_hours(park):
    plant(a_ride(park, "Worst", tier=1), *WEEK, down=360)
    plant(a_ride(park, "Best", tier=3), *WEEK)
    plant(a_ride(park, "Middle"), *WEEK, down=72)
    shut = {"operating_minutes": 0, "hours_operating": 0, "hours_closed": 720, "closed_minutes": 1440}
    plant(a_ride(park, "Shut"), *WEEK, **shut)
    found = ranking.ranking(of_park(park, WEEK[0], WEEK[-1], NOW))
    assert [(of.rank, of.ride.name, of.sums.down_share) for of in found.rides] == [
        (1, "Worst", 0.5), (2, "Middle", 0.1), (3, "Best", 0.0), (None, "Shut", None),
    ]  # fmt: skip
    assert found.down_share_unweighted == pytest.approx(432 / 2160)
    assert found.down_share == pytest.approx((3 * 360 + 72) / (5 * 720))


def test_tiers_are_suggested_by_mean_wait_where_enough_is_known(park):
    year = days(date(2025, 1, 1), 40)
    for number in range(10):
        plant(a_ride(park, f"Ride {number}"), *year, wait=10 * number)
    plant(a_ride(park, "New"), *year[:5], wait=200)
    plant(a_ride(park, "Walk-on"), *year)
    found = ranking.suggested_tiers(of_park(park, year[0], year[-1], NOW))
    assert [(of.ride.name, of.tier) for of in found[:5]] == [
        ("Ride 9", 1), ("Ride 8", 2), ("Ride 7", 2), ("Ride 6", 2), ("Ride 5", 3),
    ]  # fmt: skip
    assert [(of.ride.name, of.tier, of.days) for of in found[-2:]] == [("New", None, 5), ("Walk-on", None, 0)]


# --- busy days -------------------------------------------------------------------------------------------------------
def test_a_day_is_as_busy_as_its_wait_is_beside_that_of_its_year(park, ride):
    plant(ride, WEEK[0], WEEK[1], wait=20)
    plant(ride, WEEK[2], wait=50)
    plant(ride, date(2024, 7, 4), wait=500)
    found = {of.day: of for of in busy.busy_days(of_park(park, date(2024, 7, 4), WEEK[3], NOW))}
    assert found[WEEK[2]].relation == pytest.approx(50 / 30)
    assert [(found[day].rank, found[day].of) for day in WEEK[:4]] == [(2, 3), (2, 3), (1, 3), (None, 3)]
    assert found[date(2024, 7, 4)].relation == 1
    assert (found[WEEK[3]].standby_mean, found[WEEK[3]].relation) == (None, None)


# --- operating times -------------------------------------------------------------------------------------------------
def test_operating_times_are_told_by_day_and_what_is_usual_by_the_clock_there(park, ride):
    a_ride(park, "Never")
    for day, first, last in ((WEEK[0], "10:00", "23:00"), (WEEK[1], "10:30", "00:30"), (WEEK[2], "09:00", "00:10")):
        closes = day + timedelta(days=1) if last < "10" else day
        plant(ride, day, first_operating_at=local(f"{day} {first}"), last_closed_at=local(f"{closes} {last}"))
    (found,) = times.operating_times(of_park(park, WEEK[0], WEEK[-1], NOW))
    assert (found.ride.name, found.usual_first, found.usual_last) == ("Coaster", time(10), time(0, 10))
    assert [of.day for of in found.days] == WEEK[:3]
    assert found.days[1].last_closed_at == local(f"{WEEK[2]} 00:30")


# --- rides that dropped out ------------------------------------------------------------------------------------------
def test_a_ride_of_which_nothing_is_heard_while_its_park_goes_on_has_dropped_out(park, ride):
    some = days(date(2025, 1, 1), 100)
    plant(ride, *some)
    gone = a_ride(park, "Gone", "ATTRACTION")
    EntityMetadata.objects.filter(ride=gone).update(listed=False)
    plant(gone, *some[:20])
    plant(gone, *some[20:40], observations=0, closed_minutes=1440)  # carried on, not heard of
    plant(a_ride(park, "Show", "SHOW"), *some[:20])
    plant(a_ride(park, "Quiet"), *some[:80])
    moved = a_ride(a_park("New"), "Moved")
    RideStay.objects.create(ride=moved, park=park, ends_at=datetime(2025, 2, 1, tzinfo=UTC))
    plant(moved, *some[:31], park_id=park.pk)
    found = dropped.dropped_out([park], NOW)
    assert [(of.ride.name, of.last_day, of.silent_days, of.has_moved, of.ride.is_listed) for of in found] == [
        ("Moved", some[30], 69, True, True),
        ("Gone", some[19], 80, False, False),
    ]
    assert [of.ride.name for of in dropped.dropped_out([park], NOW, silent_days=15)] == ["Quiet", "Moved", "Gone"]
    assert "Show" in [of.ride.name for of in dropped.dropped_out([park], NOW, kinds=None)]


def test_rows_that_are_not_summed_up_yet_are_a_word_too(park, ride):
    from warehouse.rides import stale_days

    some = days(date(2025, 1, 1), 100)
    plant(a_ride(park, "Other"), *some)
    plant(ride, *some[:20])
    stale_days.mark([(park.pk, some[95])])
    said(ride, f"{some[95]} 10:00", "OPERATING", 5)
    assert dropped.dropped_out([park], NOW) == []


# --- other lines -----------------------------------------------------------------------------------------------------
def test_prices_and_return_times_are_told_by_day_and_ride(park, ride):
    price = {"price_min": Decimal("15.00"), "price_max": Decimal("21.50"), "price_currency": "USD"}
    plant(ride, WEEK[0], return_minutes=360, **price)
    plant(ride, WEEK[1])
    known = of_park(park, WEEK[0], WEEK[-1], NOW)
    (of,) = lines.prices(known)
    assert (of.day, of.lowest, of.highest, of.currency) == (WEEK[0], Decimal("15.00"), Decimal("21.50"), "USD")
    (given_out,) = lines.return_times(known)
    assert (given_out.return_minutes, given_out.share) == (360, 0.5)


def test_boarding_groups_of_a_day_are_told_when_they_change(park, ride):
    for at, groups in (("07:00", "1-20"), ("08:00", "1-20"), ("09:00", "1-35")):
        said(ride, f"{DAY} {at}", "OPERATING")
        QueueData.objects.create(
            snapshot_id=RideStatusSnapshot.objects.latest("recorded_at").pk,
            queue_type="BOARDING_GROUP",
            boarding_group_status="AVAILABLE",
            boarding_group_current=groups,
        )
    found = lines.boarding_groups(of_park(park, DAY, DAY, NOW))
    assert [(of.at, of.current) for of in found] == [
        (local(f"{DAY} 07:00"), "1-20"),
        (local(f"{DAY} 09:00"), "1-35"),
    ]
    assert lines.boarding_groups(of_park(park, WEEK[1], WEEK[1], NOW)) == []
