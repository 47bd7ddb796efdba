"""Where figures come from: sums that are up to date, the rows of days that are not, and neither."""

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.plans import plan_of
from tests.warehouse.history.questions.planted import NOW, ZONE, a_park, a_ride, days, local, plant, said
from warehouse.history.questions import parks, rides
from warehouse.history.questions.days import ATTRACTIONS, of_park, of_parks, of_ride
from warehouse.history.questions.extent import first_day, newest_day
from warehouse.history.questions.sums import Sums, SumsInFull
from warehouse.history.rule import RULES_VERSION
from warehouse.models import RideStay
from warehouse.rides import stale_days

pytestmark = pytest.mark.django_db
DAY = date(2025, 7, 4)


def test_a_day_without_rows_is_unknown_and_no_zero():
    park = a_park()
    plant(a_ride(park), DAY, wait=20)
    found = parks.by_day(of_park(park, DAY - timedelta(days=1), DAY, NOW))
    assert found[DAY - timedelta(days=1)] is None
    assert (found[DAY].standby_mean, found[DAY].down_share, found[DAY].known) == (20, 0, 1)


def test_a_day_of_which_all_is_unknown_is_unknown_too():
    park = a_park()
    nothing = {"closed_minutes": 0, "hours_operating": 0, "hours_unknown": 720}
    plant(a_ride(park), DAY, **nothing, operating_minutes=0, unknown_minutes=1440)
    assert parks.by_day(of_park(park, DAY, DAY, NOW)) == {DAY: None}


def test_a_figure_says_what_share_of_park_hours_it_knows():
    park = a_park()
    plant(a_ride(park), DAY, unknown=180, down=54)
    sums = of_park(park, DAY, DAY, NOW).by_day()[DAY]
    assert (sums.known, sums.down_share) == (0.75, 0.1)


def test_a_day_that_somebody_wrote_past_us_is_computed_from_its_rows():
    park = a_park()
    ride = a_ride(park)
    plant(ride, DAY, wait=20)
    said(ride, f"{DAY + timedelta(days=3)} 10:00", "OPERATING", 5)
    said(ride, f"{DAY + timedelta(days=3)} 20:00", "CLOSED")
    found = parks.by_day(of_park(park, DAY - timedelta(days=9), DAY + timedelta(days=9), NOW))
    assert {day for day, sums in found.items() if sums} == {DAY, DAY + timedelta(days=3)}


@pytest.mark.parametrize("why", ["marked", "older rules"])
def test_a_stale_day_is_computed_from_its_rows(why):
    park = a_park()
    ride = a_ride(park)
    version = {"rules_version": RULES_VERSION + 1} if why == "older rules" else {}
    plant(ride, DAY, wait=99, **version)
    plant(ride, DAY + timedelta(days=1), wait=10)
    if why == "marked":
        stale_days.mark([(park.pk, DAY)])
    said(ride, "2025-07-04 10:00", "OPERATING", 30)
    said(ride, "2025-07-04 22:00", "CLOSED")
    known = of_park(park, DAY, DAY + timedelta(days=1), NOW)
    found = known.by_day()
    assert [found[day].standby_mean for day in sorted(found)] == [30, 10]
    assert found[DAY].operating_minutes == 720
    assert known.from_rows.keys() == {(park.pk, DAY)}
    of_the_ride = rides.ride_days(of_ride(ride, DAY, DAY, NOW))
    assert of_the_ride[DAY, ride.pk].standby_p50 == 30


def test_stale_days_that_are_too_many_for_a_page_are_left_out_and_said():
    park = a_park()
    ride = a_ride(park)
    some = days(DAY, 5)
    plant(ride, *some, wait=10)
    stale_days.mark((park.pk, day) for day in some)
    for day in some:
        said(ride, f"{day} 10:00", "OPERATING", 30)
        said(ride, f"{day} 22:00", "CLOSED")
    known = of_park(park, some[0], some[-1], NOW, days_from_rows=2)
    assert sorted(known.by_day()) == some[3:]
    assert sorted(known.left_out) == [(park.pk, day) for day in some[:3]]


def test_only_attractions_and_what_nobody_has_told_count_unless_others_are_asked_for():
    park = a_park()
    for name, kind in (("A", "ATTRACTION"), ("B", ""), ("C", "SHOW"), ("D", "RESTAURANT")):
        plant(a_ride(park, name, kind), DAY, wait=10)
    assert of_park(park, DAY, DAY, NOW).by_day()[DAY].operated == 2
    assert of_park(park, DAY, DAY, NOW, kinds=None).by_day()[DAY].operated == 4
    assert of_park(park, DAY, DAY, NOW, kinds={"SHOW"}).by_day()[DAY].operated == 1
    assert of_park(park, DAY, DAY, NOW, kinds={"HOTEL"}).by_day() == {}


@pytest.mark.parametrize("kinds", [ATTRACTIONS, None, {"SHOW"}, {"SHOW", "RESTAURANT", ""}])
def test_sums_that_are_kept_are_those_of_the_rides(kinds):
    here, there = a_park("Here"), a_park("There")
    for number, kind in enumerate(("ATTRACTION", "ATTRACTION", "", "SHOW", "RESTAURANT", "Show")):
        for park in (here, there):
            ride = a_ride(park, f"{kind} {number}", kind)
            plant(ride, *days(DAY, 3 + number), wait=7 * number or None, down=number, return_minutes=number)
    stale_days.mark([(here.pk, DAY)])
    known = of_parks([here, there], DAY, DAY + timedelta(days=9), NOW, kinds=kinds)
    added: dict = {}
    for row in known.ride_days():
        added.setdefault((row.park_id, row.day), SumsInFull()).add(row)
    assert added == known.by_park_and_day(SumsInFull)
    assert {each.standby_min for each in added.values()} & {14, 21}
    either: dict = {}
    for (_, day), of in added.items():
        either.setdefault(day, Sums()).add(of)
    assert either == known.over(known.ranges).by_day()


def test_a_ride_down_half_its_time_beside_nine_restaurants_is_fifty_percent():
    park = a_park()
    plant(a_ride(park, "Coaster", "ATTRACTION"), DAY, down=360)
    for number in range(9):
        plant(a_ride(park, f"Restaurant {number}", "RESTAURANT"), DAY)
    assert of_park(park, DAY, DAY, NOW).by_day()[DAY].down_share == 0.5


def test_a_ride_that_moved_counts_where_it_was_and_its_days_are_told_of_both_parks():
    old, new = a_park("Old"), a_park("New")
    ride = a_ride(new)
    moved = local("2025-07-05 12:00", ZONE)
    RideStay.objects.create(ride=ride, park=old, ends_at=moved)
    RideStay.objects.create(ride=ride, park=new, begins_at=moved)
    plant(ride, DAY, wait=10, park_id=old.pk)
    plant(ride, DAY + timedelta(days=1), wait=20, park_id=old.pk, unknown=360)
    plant(ride, DAY + timedelta(days=1), wait=30, park_id=new.pk, unknown=300)
    plant(ride, DAY + timedelta(days=2), wait=40)
    last = DAY + timedelta(days=2)
    assert sorted(of_park(old, DAY, last, NOW).by_day()) == [DAY, DAY + timedelta(days=1)]
    assert sorted(of_park(new, DAY, last, NOW).by_day()) == [DAY + timedelta(days=1), last]
    found = rides.ride_days(of_ride(ride, DAY, last, NOW))
    assert [row.standby_p50 for row in found.values()] == [10, 30, 40]


def test_a_page_of_ten_questions_looks_up_once_what_is_known():
    park = a_park()
    plant(a_ride(park), *days(DAY, 40), wait=10)
    known = of_park(park, DAY, DAY + timedelta(days=39), NOW)
    with CaptureQueriesContext(connection) as queries:
        parks.by_day(known)
        parks.by_month(known)
        parks.by_weekday(known)
        parks.by_year(known)
    assert len(queries) == 2  # what is stale, sums


def test_parks_beside_each_other_are_held_over_the_days_known_of_both():
    here, there = a_park("Here"), a_park("There", "Europe/Berlin")
    plant(a_ride(here, "A"), *days(DAY, 3), wait=10)
    plant(a_ride(there, "B"), *days(DAY + timedelta(days=1), 3), wait=30)
    plant(a_ride(there, "C"), DAY + timedelta(days=3), wait=90)
    one, other = parks.beside(of_parks([here, there], DAY, DAY + timedelta(days=3), NOW))
    assert (one.days, one.days_known, one.days_of_all, one.sums.standby_mean) == (4, 3, 2, 10)
    assert (other.days, other.days_known, other.days_of_all, other.sums.standby_mean) == (4, 3, 2, 30)


def test_a_month_says_how_many_of_its_days_are_known():
    park = a_park()
    plant(a_ride(park), date(2025, 7, 30), date(2025, 8, 1), date(2025, 8, 2), wait=10)
    july, august = parks.by_month(of_park(park, date(2025, 7, 30), date(2025, 8, 31), NOW))
    assert (july.key, july.days, july.days_known) == (date(2025, 7, 1), 2, 1)
    assert (august.key, august.days, august.days_known, august.sums.ride_days) == (date(2025, 8, 1), 31, 2, 2)


def test_days_to_come_are_not_asked_about():
    park = a_park()
    assert of_park(park, date(2026, 2, 27), date(2026, 3, 31), NOW).days == [
        date(2026, 2, 27),
        date(2026, 2, 28),
        date(2026, 3, 1),
    ]


# --- of what there is anything ---------------------------------------------------------------------------------------
def test_the_newest_day_is_of_sums_or_of_rows_that_are_not_summed_up():
    park = a_park()
    ride = a_ride(park)
    assert newest_day([park.pk], NOW) is first_day([park.pk]) is None
    plant(ride, DAY)
    stale_days.mark([(park.pk, DAY + timedelta(days=1))])
    assert newest_day([park.pk], NOW) == first_day([park.pk]) == DAY
    stale_days.mark((park.pk, day) for day in days(date(2025, 9, 1), 60))
    said(ride, "2025-09-02 10:00", "OPERATING", 30)
    assert newest_day([park.pk], NOW) == date(2025, 9, 2)
    assert newest_day([park.pk], local("2025-08-01 10:00", ZONE)) == DAY


# --- how it is read --------------------------------------------------------------------------------------------------
def plan(known, action) -> list[dict]:
    """The server's plan of each statement that reads sums or marks."""
    with CaptureQueriesContext(connection) as queries:
        action(known)
    tables = "ride_days", "park_days", "stale_days"
    found = [query["sql"] for query in queries if any(table in query["sql"] for table in tables)]
    return [step for sql in found for step in plan_of(sql)]


@pytest.fixture
def five_parks(transactional_db):
    """Three months of five parks: enough that the server reads ranges."""
    found = [a_park(f"Park {number}") for number in range(5)]
    for park in found:
        for number in range(3):
            plant(a_ride(park, f"Ride {number}"), *days(DAY, 90), wait=number)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE ride_days, park_days, stale_days")
        cursor.fetchall()
    return found


def test_the_days_of_a_park_are_a_range_of_the_primary_key(five_parks):
    known = of_park(five_parks[2], DAY, DAY + timedelta(days=9), NOW)
    steps = plan(known, lambda known: (known.by_day(), known.by_ride(), list(known.ride_days())))
    read = [step for step in steps if step["table"] in ("ride_days", "park_days")]
    assert [step["table"] for step in read] == ["park_days", "park_days", "ride_days", "ride_days"]
    assert {(step["type"], step["key"]) for step in read} == {("range", "PRIMARY")}
    assert all(int(step["key_len"]) >= 7 and int(step["rows"]) <= 60 for step in read), read  # park and day, at least
    assert not [step for step in steps if step["type"] == "ALL" and step["table"] in ("ride_days", "stale_days")]


def test_the_days_of_a_ride_are_a_range_of_its_index(five_parks):
    ride = five_parks[2].rides.first()
    steps = plan(of_ride(ride, DAY, DAY + timedelta(days=9), NOW), lambda known: rides.ride_days(known))
    read = [step for step in steps if step["table"] == "ride_days" and step["key"] == "idx_ride_days_ride"]
    assert [(step["type"], step["key_len"]) for step in read] == [("range", "7")]
    assert int(read[0]["rows"]) <= 11
