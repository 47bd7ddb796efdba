"""Days made from rows in the database: whose rows they are, what stands beside them, how much is read."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.plans import plan_of
from tests.warehouse.history.planting import LATER, at, make_park, plant, queue
from warehouse.history import reading
from warehouse.history.reading import park_days
from warehouse.history.rule import Figures
from warehouse.instants import milliseconds_of
from warehouse.models import EntityMetadata, HoursSource, Park, ParkHours, Ride
from warehouse.rides import openings, stays
from warehouse.rides.stays import Stay

pytestmark = pytest.mark.django_db
NEW_YORK = "America/New_York"
DAY, NEXT = date(2025, 7, 4), date(2025, 7, 5)


@pytest.fixture
def ride(db) -> Ride:
    return make_park()[1][0]


def heard_all_along(park: Park) -> None:
    """Another ride of the park, which is closed and says so twice a day: the park is not silent."""
    other = Ride.objects.create(park=park, ride_name="Closed", themeparks_wiki_id=f"closed {park.pk}")
    days = [f"2025-07-0{day}" for day in range(3, 7)]
    plant(other, [(f"{day} {hour}:30", "CLOSED", None) for day in days for hour in ("00", "12")])


def figures(ride: Ride, day: date = DAY, park=None, now: datetime = LATER) -> Figures | None:
    return next((found.rides.get(ride.pk) for found in park_days(park or ride.park, day, day, now)), None)


# --- whose rows -------------------------------------------------------------------------------------------------------
def test_a_ride_counts_for_the_park_that_it_is_in(ride):
    new, _ = make_park(rides=0)
    heard_all_along(ride.park)
    heard_all_along(new)
    plant(
        ride,
        [
            ("2025-07-04 10:00", "OPERATING", 20),
            ("2025-07-04 12:00", "OPERATING", 40),
            ("2025-07-04 14:00", "CLOSED", None),
            ("2025-07-05 10:00", "OPERATING", 10),
            ("2025-07-05 14:00", "CLOSED", None),
        ],
    )
    moment = milliseconds_of(at("2025-07-04 12:00", NEW_YORK))
    stays.write(ride.pk, [Stay(ride.park_id, None), Stay(new.pk, moment)])
    before, after = figures(ride), figures(ride, park=new)
    assert (before.operating_minutes, before.unknown_minutes, before.standby_max) == (120, 1320, 20)
    assert (after.operating_minutes, after.closed_minutes, after.unknown_minutes) == (120, 600, 720)
    assert (before.observations, after.observations, before.last_closed_at) == (1, 2, None)
    assert figures(ride, NEXT) is None
    assert figures(ride, NEXT, park=new).operating_minutes == 240


def test_a_ride_that_comes_back_has_both_its_stays(ride):
    other, _ = make_park(rides=0)
    heard_all_along(other)
    plant(
        ride,
        [
            *((f"2025-07-04 {hour}:00", "OPERATING", hour) for hour in (10, 12, 14)),
            ("2025-07-04 16:00", "CLOSED", None),
        ],
    )
    moments = [milliseconds_of(at(f"2025-07-04 {hour}:00", NEW_YORK)) for hour in (12, 14)]
    stays.write(ride.pk, [Stay(ride.park_id, None), Stay(other.pk, moments[0]), Stay(ride.park_id, moments[1])])
    assert (figures(ride).observations, figures(ride).standby_max) == (3, 14)
    assert figures(ride, park=other).operating_minutes == 120


def test_before_its_first_word_a_ride_stands_as_its_opening_says(ride):
    begin = at("2025-07-04 00:00", NEW_YORK)
    seen = milliseconds_of(begin) - 60_000
    openings.keep([openings.Opening(ride.pk, milliseconds_of(begin), seen, "DOWN", None, False, "an answer")])
    plant(ride, [("2025-07-04 10:00", "OPERATING", 20), ("2025-07-04 14:00", "CLOSED", None)])
    found = figures(ride)
    assert (found.down_minutes, found.operating_minutes, found.observations) == (600, 240, 2)
    plant(ride, [("2025-07-03 12:00", "CLOSED", None)])  # of another source, and knows better
    assert figures(ride).closed_minutes == 600 + 600


# --- what stands beside them ------------------------------------------------------------------------------------------
def test_the_single_rider_line_return_times_and_prices_of_a_day(ride):
    plant(
        ride,
        [
            ("2025-07-04 09:00", "CLOSED", None),
            ("2025-07-04 10:00", "OPERATING", 20),
            ("2025-07-04 11:00", "OPERATING", 20),
            ("2025-07-04 12:00", "OPERATING", 20),
            ("2025-07-04 13:00", "DOWN", None),
            ("2025-07-04 14:00", "CLOSED", None),
        ],
    )
    queue(ride, "2025-07-04 09:00", "RETURN_TIME", return_time_state="AVAILABLE")
    queue(ride, "2025-07-04 10:00", "SINGLE_RIDER", wait_time_minutes=5)
    queue(ride, "2025-07-04 11:00", "SINGLE_RIDER", wait_time_minutes=15)
    paid = {"return_time_state": "AVAILABLE", "price_currency": "USD"}
    queue(ride, "2025-07-04 11:00", "PAID_RETURN_TIME", price_amount=Decimal("21.00"), **paid)
    queue(ride, "2025-07-04 12:00", "PAID_RETURN_TIME", price_amount=Decimal("18.50"), **paid)
    queue(ride, "2025-07-04 12:00", "RETURN_TIME", return_time_state="FINISHED")
    found = figures(ride)
    assert (found.single_minutes, found.single_sum, found.single_min, found.single_max) == (
        180,
        60 * 5 + 120 * 15,
        5,
        15,
    )
    assert (found.single_p50, found.single_p90) == (15, 15)
    assert found.return_minutes == 240  # from 10 on, while it was not closed
    assert (found.price_min, found.price_max, found.price_currency) == (Decimal("18.50"), Decimal("21.00"), "USD")


def test_a_live_row_without_a_queue_says_that_there_is_none(ride):
    plant(
        ride,
        [
            ("2025-07-04 10:00", "OPERATING", 20, "LIVE"),
            ("2025-07-04 11:00", "OPERATING", 20, "LIVE"),
            ("2025-07-04 14:00", "CLOSED", None, "LIVE"),
        ],
    )
    queue(ride, "2025-07-04 10:00", "SINGLE_RIDER", wait_time_minutes=5)
    queue(ride, "2025-07-04 10:00", "RETURN_TIME", return_time_state="AVAILABLE")
    assert (figures(ride).single_minutes, figures(ride).return_minutes) == (60, 60)


def test_hours_are_asked_of_attractions_where_some_are_known(db):
    _, (ride, restaurant) = make_park(rides=2)
    plant(ride, [("2025-07-04 10:00", "OPERATING", 5), ("2025-07-04 20:00", "CLOSED", None)])
    plant(restaurant, [("2025-07-04 07:00", "OPERATING", None), ("2025-07-04 23:00", "CLOSED", None)])
    assert figures(ride).hours_minutes == 960
    EntityMetadata.objects.create(ride=ride, themeparks_wiki_id="a", entity_type="ATTRACTION", last_updated=LATER)
    assert figures(ride).hours_minutes == 600


def test_hours_that_were_said_go_before_those_of_the_rows(ride):
    plant(ride, [("2025-07-04 10:00", "OPERATING", 5), ("2025-07-04 20:00", "CLOSED", None)])
    said = {"park": ride.park, "day": DAY, "read_at": LATER}
    ParkHours.objects.create(type="INFO", source=HoursSource.SCHEDULE, description="Fireworks", **said)
    assert next(park_days(ride.park, DAY, DAY, LATER)).hours_source == HoursSource.INFERRED
    times = {"opens_at": at("2025-07-04 09:00", NEW_YORK), "closes_at": at("2025-07-04 21:00", NEW_YORK)}
    ParkHours.objects.create(type="OPERATING", source=HoursSource.SCHEDULE, **times, **said)
    assert figures(ride).hours_minutes == 720
    ParkHours.objects.create(type="CLOSED", source=HoursSource.OPERATOR, **said)
    day = next(park_days(ride.park, DAY, DAY, LATER))
    assert (day.hours, day.hours_source, day.rides[ride.pk].hours_minutes) == ((), HoursSource.OPERATOR, 0)


# --- what goes into the next day --------------------------------------------------------------------------------------
def test_what_is_carried_changes_with_what_the_next_day_takes_and_with_nothing_else(ride):
    plant(ride, [("2025-07-04 10:00", "OPERATING", 20), ("2025-07-04 20:00", "CLOSED", None)])
    before = figures(ride).carried
    plant(ride, [("2025-07-04 12:00", "DOWN", None)])
    assert figures(ride).carried == before
    plant(ride, [("2025-07-04 21:00", "REFURBISHMENT", None)])
    assert figures(ride).carried != before


# --- how much is read -------------------------------------------------------------------------------------------------
def test_a_month_takes_few_statements_however_many_rides_there_are(db):
    park, rides = make_park(rides=5)
    for ride in rides:
        plant(ride, [(f"2025-07-0{day} 10:00", "OPERATING", 5) for day in range(1, 8)])
    with CaptureQueriesContext(
        connection,
    ) as few:
        list(park_days(park, date(2025, 7, 1), date(2025, 7, 31), LATER))
    assert len(few) < 18


@pytest.mark.parametrize(
    ("large", "order", "key"), [(0, "snapshot_id", "PRIMARY"), (2, "ride_id, recorded_at", "idx_ride_recorded")]
)
def test_only_the_partitions_of_the_days_are_opened(ride, monkeypatch, large, order, key):
    monkeypatch.setattr(reading, "LARGE_SHARE", large)
    plant(ride, [("2025-07-15 10:00", "OPERATING", 5), ("2025-07-15 12:00", "CLOSED", None)])
    day = date(2025, 7, 15)
    with CaptureQueriesContext(connection) as queries:
        assert figures(ride, day).operating_minutes == 120
    rows = [query["sql"] for query in queries if f"ORDER BY {order}" in query["sql"]]
    (plan,) = plan_of(rows[-1])
    assert (plan["type"], plan["key"]) == ("range", key)
    assert "filesort" not in (plan["Extra"] or "")
    assert plan["partitions"] is None or "," not in plan["partitions"]


def test_a_park_of_which_nothing_is_known_has_no_days(db):
    park, _ = make_park(rides=0)
    assert list(park_days(park, DAY, DAY + timedelta(days=3), LATER)) == []
    assert list(park_days(park, DAY, NEXT, datetime(2025, 7, 1, tzinfo=UTC))) == []
