"""How a park's days went: time-weighted, in the park's own days, against hand-made observations; and its page."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from warehouse.history import park_days
from warehouse.instants import milliseconds_of
from warehouse.models import DataSource, Park, Ride, RideStatusSnapshot
from warehouse.partitioning.partitions import TABLE
from warehouse.rides import openings, stays
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import snapshot_id_of

DAY = date(2025, 7, 4)
LATER = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def park(db):
    return Park.objects.create(park_name="Lakeside", timezone="America/New_York", themeparks_wiki_id="p" * 36)


@pytest.fixture
def ride(park):
    return a_ride(park, "Coaster")


def a_ride(park: Park, name: str) -> Ride:
    return Ride.objects.create(park=park, ride_name=name, themeparks_wiki_id=name)


def said(ride: Ride, local: str, status: str, wait: int | None = None, **columns) -> None:
    """What the ride said at an hour of the park, YYYY-MM-DD HH:MM."""
    at = datetime.fromisoformat(local).replace(tzinfo=park_days.zone_of(ride.park)).astimezone(UTC)
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id_of(ride.pk, milliseconds_of(at)),
        ride=ride,
        recorded_at=at,
        status=status,
        wait_time=wait,
        computed_is_open=status == "OPERATING",
        **{"data_source": DataSource.ARCHIVE, **columns},
    )


def figures(park: Park, day: date = DAY, now: datetime = LATER) -> park_days.Figures:
    (found,) = park_days.park_by_day(park, day, day, now)
    assert found.day == day
    return found.figures


def test_waits_are_weighted_by_how_long_they_held(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 10)
    said(ride, "2025-07-04 12:00", "OPERATING", 40)  # six words in an hour weigh no more than one
    for minute in (10, 20, 30, 40, 50):
        said(ride, f"2025-07-04 12:{minute}", "OPERATING", 40)
    said(ride, "2025-07-04 13:00", "CLOSED")
    found = figures(park)
    assert found.average_wait == pytest.approx((2 * 10 + 1 * 40) / 3)
    assert (found.highest_wait, found.operating_hours, found.observations) == (40, 3.0, 8)
    assert found.rides == {ride.pk}


def test_an_event_that_is_silent_about_the_line_leaves_the_wait_as_it_was_told(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 30, wait_told=True)
    for minute in (10, 20, 30):  # a return window moves
        said(ride, f"2025-07-04 10:{minute}", "OPERATING", wait_told=False)
    said(ride, "2025-07-04 11:00", "OPERATING", 60, wait_told=True)
    said(ride, "2025-07-04 12:00", "CLOSED")
    found = figures(park)
    assert (found.average_wait, found.operating_hours, found.wait_ms) == (45, 2.0, 2 * 3_600_000)


def test_a_line_that_is_said_to_have_no_wait_has_none(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 30, wait_told=True)
    said(ride, "2025-07-04 11:00", "OPERATING", None, wait_told=True)
    said(ride, "2025-07-04 12:00", "OPERATING", wait_told=False)
    said(ride, "2025-07-04 13:00", "CLOSED")
    found = figures(park)
    assert (found.wait_ms, found.operating_hours) == (3_600_000, 3.0)


@pytest.mark.parametrize(
    "columns", [{"wait_told": None}, {"wait_told": False, "data_source": DataSource.LIVE}], ids=["not known", "live"]
)
def test_where_silence_is_not_known_or_states_are_whole_nothing_is_carried(park, ride, columns):
    said(ride, "2025-07-04 10:00", "OPERATING", 30)
    said(ride, "2025-07-04 11:00", "OPERATING", **columns)
    said(ride, "2025-07-04 12:00", "CLOSED")
    assert figures(park).wait_ms == 3_600_000


def test_a_wait_is_carried_for_three_hours_and_not_past_another_status(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 30, wait_told=True)
    for hour in range(11, 16):
        said(ride, f"2025-07-04 {hour}:00", "OPERATING", wait_told=False)
    said(ride, "2025-07-04 16:00", "OPERATING", 50, wait_told=True)
    said(ride, "2025-07-04 16:30", "DOWN", wait_told=False)
    said(ride, "2025-07-04 17:00", "OPERATING", wait_told=False)
    said(ride, "2025-07-04 18:00", "CLOSED")
    found = figures(park)
    assert found.operating_hours == 7.5
    assert found.wait_ms == 3.5 * 3_600_000
    assert found.wait_minutes_ms == (3 * 30 + 0.5 * 50) * 3_600_000


def test_time_without_a_wait_counts_as_open_and_not_as_no_wait(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 30)
    said(ride, "2025-07-04 11:00", "OPERATING")
    said(ride, "2025-07-04 12:00", "CLOSED")
    found = figures(park)
    assert (found.average_wait, found.operating_hours) == (30, 2.0)


def test_down_is_a_share_of_the_time_a_ride_was_to_operate(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 5)
    said(ride, "2025-07-04 11:30", "DOWN", 5)  # a wait that is shown while down is none
    said(ride, "2025-07-04 12:00", "OPERATING", 5)
    said(ride, "2025-07-04 12:30", "REFURBISHMENT")
    found = figures(park)
    assert found.down_share == pytest.approx(0.2)
    assert found.wait_ms == 2 * 3_600_000


def test_a_day_is_the_parks_own_and_a_state_that_holds_over_midnight_counts_on_both(park, ride):
    said(ride, "2025-07-03 23:00", "OPERATING", 20)
    said(ride, "2025-07-04 01:00", "CLOSED")
    before, of_day = park_days.park_by_day(park, DAY - timedelta(days=1), DAY, LATER)
    assert (before.figures.operating_hours, of_day.figures.operating_hours) == (1.0, 1.0)
    assert (before.figures.observations, of_day.figures.observations) == (1, 1)
    assert figures(park).operating_hours == 1.0  # also when the day before was not asked for
    assert figures(park).observations == 1


def test_after_three_hours_without_a_word_nobody_knows(park, ride):
    said(ride, "2025-07-04 20:00", "OPERATING", 15)  # and never a word of closing
    assert figures(park).operating_hours == 3.0
    assert figures(park, DAY + timedelta(days=1)).operating_hours == 0.0


def test_what_is_still_to_come_is_not_told(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 15)
    now = datetime(2025, 7, 4, 14, 30, tzinfo=UTC)  # 10:30 there
    assert figures(park, now=now).operating_hours == 0.5


def test_a_ride_counts_for_the_park_that_it_is_in(park, ride):
    """It operated from 10 to 14, and moved at noon: two hours each, and nobody has the day before twice."""
    new = Park.objects.create(park_name="New", timezone="America/New_York", themeparks_wiki_id="n" * 36)
    said(ride, "2025-07-03 10:00", "OPERATING", 10)
    said(ride, "2025-07-03 11:00", "CLOSED")
    said(ride, "2025-07-04 10:00", "OPERATING", 20)
    moment = datetime(2025, 7, 4, 16, tzinfo=UTC)  # noon there
    said(ride, "2025-07-04 12:00", "OPERATING", 40)
    said(ride, "2025-07-04 14:00", "CLOSED")
    stays.write(ride.pk, [Stay(park.pk, None), Stay(new.pk, milliseconds_of(moment))])
    before, after = figures(park), figures(new)
    assert (before.operating_hours, before.average_wait, before.observations) == (2.0, 20, 1)
    assert (after.operating_hours, after.average_wait, after.observations) == (2.0, 40, 2)
    assert (figures(park, DAY - timedelta(days=1)).operating_hours, figures(new, DAY - timedelta(days=1)).rides) == (
        1,
        set(),
    )
    assert (park_days.newest_day(park, LATER), park_days.newest_day(new, LATER)) == (DAY, DAY)


def test_a_day_on_which_the_clock_is_changed_has_an_hour_less(park, ride):
    for hour in range(0, 24, 2):
        said(ride, f"2025-03-09 {hour:02}:00", "OPERATING", 10)
    said(ride, "2025-03-10 00:00", "CLOSED")
    assert figures(park, date(2025, 3, 9)).operating_hours == 23.0


def test_a_year_before_means_the_same_weekdays(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 30)
    said(ride, "2024-07-05 10:00", "OPERATING", 20)
    now, before = park_days.same_period_last_year(park, DAY, DAY, LATER)
    assert (now[0].day, before[0].day) == (date(2025, 7, 4), date(2024, 7, 5))
    assert now[0].day.weekday() == before[0].day.weekday()
    assert (now[0].figures.average_wait, before[0].figures.average_wait) == (30, 20)


def test_days_add_up_to_a_period(park, ride):
    other = a_ride(park, "Carousel")
    said(ride, "2025-07-04 10:00", "OPERATING", 30)
    said(ride, "2025-07-04 11:00", "CLOSED")
    said(other, "2025-07-05 10:00", "OPERATING", 60)
    said(other, "2025-07-05 12:00", "DOWN")
    said(other, "2025-07-05 13:00", "CLOSED")
    found = park_days.total(park_days.park_by_day(park, DAY, DAY + timedelta(days=1), LATER))
    assert found.average_wait == pytest.approx((30 + 2 * 60) / 3)
    assert found.down_share == pytest.approx(0.25)
    assert (found.highest_wait, found.rides, found.observations) == (60, {ride.pk, other.pk}, 5)


def test_days_of_which_nothing_is_known_are_there_without_figures(park):
    found = park_days.park_by_day(park, DAY, DAY + timedelta(days=2), LATER)
    assert [each.day for each in found] == [DAY + timedelta(days=n) for n in range(3)]
    assert (found[0].figures.average_wait, found[0].figures.down_share) == (None, None)
    assert park_days.newest_day(park, LATER) is None


def test_the_newest_day_is_that_of_the_park(park, ride):
    said(ride, "2025-07-04 23:30", "OPERATING", 5)  # the 5th in UTC
    assert park_days.newest_day(park, LATER) == DAY


@pytest.mark.parametrize("zone", ["", "Nowhere/At_All", "../etc/passwd", "America"])
def test_a_park_without_a_zone_has_days_of_utc(park, zone):
    park.timezone = zone
    assert park_days.zone_of(park).key == "UTC"


def test_only_the_partitions_of_the_days_are_opened(snapshots, django_assert_num_queries):
    park = Park.objects.create(park_name="Lakeside", timezone="UTC", themeparks_wiki_id="p" * 36)
    ride = a_ride(park, "Coaster")
    said(ride, "2025-07-04 10:00", "OPERATING", 30)
    with django_assert_num_queries(4) as queries:  # rides, hours of the nights, openings, and the ride's rows
        figures(park)
    assert opened_by(queries[-1]["sql"]) == [("p202507", "idx_ride_recorded")]


def opened_by(sql: str) -> list[tuple[str, str]]:
    """The partitions that a query opens and the key that it takes, for each of its parts that reads the fact table."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'PARTITIONS' if connection.mysql_is_mariadb else 'FORMAT=TRADITIONAL'} {sql}")
        names = [column[0] for column in cursor.description]
        plan = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return [(part["partitions"], part["key"]) for part in plan if part["table"] == TABLE]


def test_the_newest_day_is_looked_for_in_the_newest_months_first(snapshots):
    park = Park.objects.create(park_name="Lakeside", timezone="UTC", themeparks_wiki_id="p" * 36)
    said(a_ride(park, "Coaster"), "2025-07-04 10:00", "OPERATING", 30)
    a_ride(park, "Carousel")

    def asked(now: str) -> list[list[tuple[str, str]]]:
        """What each query opens, for each of the two rides."""
        with CaptureQueriesContext(connection) as queries:
            assert park_days.newest_day(park, datetime.fromisoformat(now).replace(tzinfo=UTC)) == DAY
        return [opened_by(query["sql"]) for query in queries if TABLE in query["sql"]]

    assert asked("2025-07-20") == [[("p202506,p202507", "idx_ride_recorded")] * 2]
    for now, months in (("2025-09-20", [2, 3]), ("2026-06-20", [2, 3, 10]), ("2026-10-20", [2, 3, 10, 11])):
        assert [len(of_one[0].split(",")) for of_one, _ in asked(now)] == months


def test_what_lies_after_now_is_not_the_newest_day(park, ride):
    said(ride, "2025-07-04 10:00", "OPERATING", 5)
    said(ride, "2025-07-04 12:00", "OPERATING", 5)
    said(ride, "2025-07-05 12:00", "OPERATING", 5)
    assert park_days.newest_day(park, datetime(2025, 7, 4, 16, tzinfo=UTC)) == DAY  # noon there, to the millisecond
    assert park_days.newest_day(park, datetime(2025, 7, 4, 13, tzinfo=UTC)) is None


# --- before the first row ---------------------------------------------------------------------------------------
def opened(ride: Ride, status: str, wait: int | None, *, seen: str, at: str = "2025-07-04 00:00") -> None:
    """How the ride stood at an hour of the park, and when it was last seen so."""
    zone = park_days.zone_of(ride.park)
    opens_ms, seen_ms = (milliseconds_of(datetime.fromisoformat(text).replace(tzinfo=zone)) for text in (at, seen))
    openings.keep([openings.Opening(ride.pk, opens_ms, seen_ms, status, wait, False, "an answer")])


def test_before_its_first_row_a_ride_stands_as_its_opening_says(park, ride):
    opened(ride, "DOWN", None, seen="2025-07-03 23:56:53")
    said(ride, "2025-07-04 00:01:03", "CLOSED")
    before, of_day = park_days.park_by_day(park, DAY - timedelta(days=1), DAY, LATER)
    assert before.figures == park_days.Figures()  # nobody told that day
    assert (of_day.figures.down_ms, of_day.figures.operating_ms, of_day.figures.observations) == (63_000, 0, 1)


def test_what_an_opening_calls_operating_was_carried_over_midnight_and_counts_for_no_time(park, ride):
    opened(ride, "OPERATING", 15, seen="2025-07-03 23:56:53")  # captured: Space Mountain, 2026-09-26
    said(ride, "2025-07-04 00:01:03", "CLOSED")
    assert figures(park).operating_ms == 0


def test_an_opening_holds_for_three_hours_after_it_was_seen(park, ride):
    opened(ride, "DOWN", None, seen="2025-07-03 22:00")
    assert figures(park).down_ms == 3_600_000
    assert figures(park, now=datetime(2025, 7, 4, 4, 30, tzinfo=UTC)).down_ms == 1_800_000
    opened(ride, "DOWN", None, seen="2025-06-03 22:00")
    assert figures(park) == park_days.Figures()


def test_an_opening_counts_for_nothing_where_rows_lie_before_it(park, ride):
    said(ride, "2025-07-03 22:30", "CLOSED")  # of another source
    opened(ride, "DOWN", None, seen="2025-07-03 22:00")
    assert figures(park).down_ms == 0


def test_the_wait_of_an_opening_is_carried_by_rows_that_are_silent_about_it(park, ride):
    opened(ride, "OPERATING", 15, seen="2025-07-03 23:00")
    said(ride, "2025-07-04 00:30", "OPERATING", wait_told=False)
    said(ride, "2025-07-04 03:00", "CLOSED")
    found = figures(park)
    assert (found.operating_hours, found.wait_ms) == (2.5, 1.5 * 3_600_000)


def test_an_opening_is_of_the_park_in_which_the_ride_stood_then(park, ride):
    other = Park.objects.create(park_name="Seaside", timezone=park.timezone, themeparks_wiki_id="q" * 36)
    moved_at = milliseconds_of(datetime(2025, 7, 4, 5, tzinfo=UTC))  # an hour after midnight there
    opened(ride, "DOWN", None, seen="2025-07-04 00:00")
    said(ride, "2025-07-04 01:00", "CLOSED")
    stays.write(ride.pk, [Stay(park.pk, None), Stay(other.pk, moved_at)])
    assert (figures(park).down_ms, figures(other).down_ms) == (3_600_000, 0)


# --- the page ---------------------------------------------------------------------------------------------------
def page(client, park: Park, **asked):
    return client.get(reverse("admin:warehouse_park_days", args=[park.pk]), asked)


@pytest.fixture
def known_days(park, ride):
    for day, wait in (("2025-07-04", 30), ("2025-07-05", 40), ("2024-07-05", 20), ("2024-07-06", 20)):
        said(ride, f"{day} 10:00", "OPERATING", wait)
        said(ride, f"{day} 11:00", "DOWN")
        said(ride, f"{day} 12:00", "CLOSED")


def test_the_page_opens_with_the_last_weeks_that_are_known(admin_client, park, known_days):
    response = page(admin_client, park)
    assert response.status_code == 200
    rows = response.context["rows"]
    assert (len(rows), rows[0][0].day, rows[-1][0].day) == (28, date(2025, 7, 5), date(2025, 6, 8))
    text = response.content.decode()
    assert "<dd>35 min</dd><small>20 min a year before (+75 %)</small>" in text
    assert "<dd>50.0 %</dd>" in text
    assert text.count('<polyline class="line" ') == text.count('<polyline class="line before" ') == 1
    assert "America/New_York" in text


def test_other_days_are_asked_for(admin_client, park, known_days):
    response = page(admin_client, park, **{"from": "2024-07-01", "to": "2024-07-31"})
    assert len(response.context["rows"]) == 31
    assert "20 min</dd><small>- a year before</small>" in response.content.decode()


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2025-07-05", "2025-07-04", "The first day lies after the last; swap them."),
        ("2025-01-01", "2025-04-03", "At most 92 days."),
        ("2025-02-30", "2025-04-03", "Enter a valid date."),
        ("0001-01-01", "0001-01-02", "Give a day of the years 1900 to 2199."),
        ("9999-12-30", "9999-12-31", "Give a day of the years 1900 to 2199."),
        ("", "2025-04-03", "This field is required."),
    ],
)
def test_a_wrong_range_is_said_and_asks_nothing_of_the_table(admin_client, park, known_days, first, last, said):
    response = page(admin_client, park, **{"from": first, "to": last})
    assert said in response.content.decode()
    assert "rows" not in response.context


def test_a_park_of_which_nothing_is_known_has_a_page(admin_client, park):
    assert "Nothing is known of these days." in page(admin_client, park).content.decode()
    assert admin_client.get(reverse("admin:warehouse_park_days", args=[park.pk + 1])).status_code == 404


def test_who_may_not_see_snapshots_may_not_see_what_they_add_up_to(client, park, django_user_model):
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    client.force_login(user)
    assert page(client, park).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_ridestatussnapshot"))
    assert page(client, park).status_code == 200


def test_the_list_of_parks_leads_there(admin_client, park):
    text = admin_client.get(reverse("admin:warehouse_park_changelist")).content.decode()
    assert reverse("admin:warehouse_park_days", args=[park.pk]) in text
