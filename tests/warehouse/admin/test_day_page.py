"""A day of a park in full, made from planted rows: bands of all rides, the waits of one, and what is around it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from tests.warehouse.admin.day_pages import (
    QUERIES_AT_MOST,
    count_queries,
    day_page,
    rows_of_csv,
    section,
    shown,
    stand_still,
    text_of,
)
from tests.warehouse.history.planting import make_park, plant, queue
from warehouse.admin.day_pages import links
from warehouse.models import EntityMetadata, Park, ParkHours, Ride, StaleDay

DAY = date(2025, 7, 4)
LATER = datetime(2025, 9, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    stand_still(monkeypatch, LATER)


@pytest.fixture
def rides(db) -> list[Ride]:
    """One open from 10 to 22 and down for an hour, one in refurbishment."""
    park, (ride, other) = make_park(rides=2)
    plant(ride, [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 12:00", "DOWN", None)])
    plant(ride, [("2025-07-04 13:00", "OPERATING", 40), ("2025-07-04 22:00", "CLOSED", None)])
    plant(other, [("2025-07-04 09:00", "REFURBISHMENT", None)])
    Ride.objects.filter(pk=other.pk).update(ride_name="<i>Wheel</i>")
    opens, closes = (datetime(2025, 7, 4, hour, tzinfo=UTC) for hour in (14, 14))
    ParkHours.objects.create(
        park=park, day=DAY, type="OPERATING", opens_at=opens, closes_at=closes + timedelta(hours=12),
        source="SCHEDULE", read_at=LATER,
    )  # fmt: skip
    StaleDay.objects.create(park=park, day=DAY, token=1)  # nobody has added it up
    return [ride, other]


@pytest.fixture
def park(rides) -> Park:
    return rides[0].park


def test_bands_of_every_ride_and_its_figures(admin_client, park, rides):
    response = day_page(admin_client, park, day=DAY)
    text = text_of(response)
    assert "Friday, 2025-07-04" in text
    assert "10:00 to 22:00, by its schedule" in text
    rows = {row[1]: row for row in shown(response, "bands")}
    assert rows[rides[0].ride_name][2:6] == [11 * 60, 60, 120, 0]
    assert rows[rides[0].ride_name][9:11] == [pytest.approx((2 * 10 + 9 * 40) / 11), 40]
    assert rows["<i>Wheel</i>"][2:7] == [0, 0, 0, 15 * 60, 9 * 60]
    for kind, hours in (("operating", "10:00 to 12:00"), ("down", "12:00 to 13:00"), ("closed", "22:00 to 00:00")):
        assert f"<title>{kind} {hours}</title>" in text
    assert "<title>refurbishment 09:00 to 00:00</title>" in text
    assert "<i>Wheel</i>" not in text and "&lt;i&gt;Wheel&lt;/i&gt;" in text


def test_the_waits_of_the_ride_that_is_asked_for(admin_client, park, rides):
    response = day_page(admin_client, park, day=DAY, ride=rides[0].pk)
    rows = [(f"{row[0]:%H:%M}", row[2], row[3], row[4]) for row in shown(response, "waits")]
    assert rows == [
        ("00:00", "unknown", None, 600),
        ("10:00", "operating", 10, 120),
        ("12:00", "down", None, 60),
        ("13:00", "operating", 40, 540),
        ("22:00", "closed", None, 120),
    ]
    assert section(day_page(admin_client, park, day=DAY, ride=rides[1].pk), "waits").title.startswith("Waits of <i>")
    assert section(day_page(admin_client, park, day=DAY), "waits").title == f"Waits of {rides[0].ride_name}, minutes"


def test_days_beside_it_and_its_month_are_a_click_away(admin_client, park, rides):
    text = text_of(day_page(admin_client, park, day=DAY, ride=rides[0].pk))
    for day in (DAY - timedelta(days=1), DAY + timedelta(days=1), DAY - timedelta(days=364)):
        assert links.day(park.pk, day, ride=rides[0].pk).replace("&", "&amp;") in text
    assert links.park(park.pk, period="2025-07") in text
    assert links.ride(rides[0].pk, **{"from": DAY, "to": DAY}).replace("&", "&amp;") in text


def test_csvs_of_the_rides_of_all_stretches_and_of_the_waits(admin_client, park, rides):
    of_rides = rows_of_csv(day_page(admin_client, park, day=DAY, csv="ride-days"))
    assert [(row["ride_name"], row["down_minutes"]) for row in of_rides] == [
        ("<i>Wheel</i>", "0"),
        (rides[0].ride_name, "60"),
    ]
    stretches = rows_of_csv(day_page(admin_client, park, day=DAY, csv="stretches"))
    assert sum(int(row["minutes"]) for row in stretches) == 2 * 1440
    assert stretches[-1] == {
        "ride_id": str(rides[0].pk),
        "ride_name": rides[0].ride_name,
        "status": "CLOSED",
        "from": "2025-07-05T02:00:00Z",
        "to": "2025-07-05T04:00:00Z",
        "minutes": "120",
        "wait": "",
    }
    assert len(rows_of_csv(day_page(admin_client, park, day=DAY, csv="waits"))) == 5


def test_boarding_groups_are_shown_where_there_are_some(admin_client, park, rides):
    queue(rides[0], "2025-07-04 10:00", "BOARDING_GROUP", boarding_group_status="OPEN", boarding_group_current="12-20")
    (row,) = shown(day_page(admin_client, park, day=DAY), "boarding-groups")
    assert row[1:] == [rides[0].ride_name, "OPEN", "12-20"]


def test_a_day_that_is_not_over_says_as_of_when(admin_client, park, rides, monkeypatch):
    stand_still(monkeypatch, datetime(2025, 7, 4, 18, 30, tzinfo=UTC))
    response = day_page(admin_client, park, day=DAY)
    text = text_of(response)
    assert "As of 2025-07-04 14:30" in text
    assert shown(response, "waits")[-1][2:] == ["operating", 40, 90]
    assert links.day(park.pk, DAY + timedelta(days=1)) not in text  # which is still to come


def test_the_clock_is_put_forward_within_the_day(admin_client, park, rides):
    plant(rides[0], [("2025-03-09 01:00", "OPERATING", 5), ("2025-03-09 04:00", "CLOSED", None)])
    response = day_page(admin_client, park, day="2025-03-09", ride=rides[0].pk)
    assert sum(row[4] for row in shown(response, "waits")) == 1380
    assert shown(response, "waits")[1][4] == 120  # from one to four


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"day": "2025-02-30"}, "Enter a valid date."),
        ({"day": "0001-01-01"}, "Give a day of the years 1900 to 2199."),
        ({"day": "2025-07-04", "ride": "x"}, "Enter a whole number."),
        ({"day": "2025-07-04", "ride": "999999"}, "There is no ride 999999 of these kinds in this park"),
        ({"day": "2025-07-04", "ride": "9" * 40}, "There is no ride"),
        ({"day": "2025-07-04", "kinds": "HORSE"}, "Select a valid choice."),
        ({"day": "2025-07-04", "kinds": "SHOW"}, "Nothing is known of rides of these kinds on this day."),
        ({"day": "2025-07-04", "csv": "nonsense"}, "There is no such CSV here"),
        ({"day": "2020-07-04"}, "Nothing was heard of this park on 2020-07-04."),
        ({"day": "2030-07-04"}, "Nothing was heard of this park on 2030-07-04."),
        ({"day": "2199-12-31"}, "Nothing was heard of this park on 2199-12-31."),
        ({"day": "1900-01-01"}, "Nothing was heard of this park on 1900-01-01."),
    ],
)
def test_a_wrong_question_is_said_on_the_page(admin_client, park, asked, said):
    assert said in text_of(day_page(admin_client, park, **asked))


def test_other_kinds_are_shown_when_they_are_asked_for(admin_client, park, rides):
    EntityMetadata.objects.create(ride=rides[1], themeparks_wiki_id="w" * 36, entity_type="SHOW", last_updated=LATER)
    assert [row[0] for row in shown(day_page(admin_client, park, day=DAY), "bands")] == [rides[0].pk]
    assert [row[0] for row in shown(day_page(admin_client, park, day=DAY, kinds="SHOW"), "bands")] == [rides[1].pk]
    assert len(shown(day_page(admin_client, park, day=DAY, kinds="all"), "bands")) == 2


def test_a_park_of_which_nothing_is_known_has_a_page(admin_client, park):
    other = Park.objects.create(park_name="Other", themeparks_wiki_id="o" * 36)
    assert "Nothing was heard of this park" in text_of(day_page(admin_client, other))
    assert admin_client.get(links.day(10**30, DAY)).status_code == 404


def test_it_asks_few_questions(admin_client, park):
    assert count_queries(admin_client, links.day(park.pk, DAY)) <= QUERIES_AT_MOST
