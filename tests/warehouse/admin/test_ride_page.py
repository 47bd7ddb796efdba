"""A ride over a period, on planted days."""

from datetime import date, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from tests.warehouse.admin.day_pages import (
    QUERIES_AT_MOST,
    count_queries,
    ride_page,
    rows_of_csv,
    shown,
    stand_still,
    text_of,
    text_of_csv,
)
from tests.warehouse.history.questions.planted import NOW, a_park, a_ride, days, local, plant
from warehouse.admin.day_pages import links
from warehouse.admin.day_pages.ride_page import TABS
from warehouse.models import Ride

FIRST, LAST = date(2025, 7, 1), date(2025, 7, 14)
PERIOD = {"from": FIRST, "to": LAST}


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    stand_still(monkeypatch, NOW)


@pytest.fixture
def ride(db) -> Ride:
    ride = a_ride(a_park(), """<b>"Tom" & 'Jerry'</b>""", "RESTAURANT")  # a ride that is named is told whatever it is
    price = {"price_min": Decimal(12), "price_max": Decimal("21.50"), "price_currency": "USD", "return_minutes": 360}
    opened = {"first_operating_at": local("2025-07-01 10:00"), "last_closed_at": local("2025-07-02 00:30")}
    plant(ride, FIRST, wait=30, down=72, **price, **opened)
    plant(ride, *days(FIRST, 14)[1:], wait=40)
    plant(ride, *days(FIRST - timedelta(weeks=52), 14), wait=20)
    return ride


def test_it_opens_with_the_year_beside_the_year_before(admin_client, ride):
    response = ride_page(admin_client, ride)
    assert shown(response, "days")[0][:4] == [LAST, 40, 20, 1.0]
    text = text_of(response)
    assert ride.ride_name not in text
    assert links.day(ride.park_id, LAST, ride=ride.pk).replace("&", "&amp;") in text
    assert links.park(ride.park_id) in text


def test_its_days_are_told_in_full(admin_client, ride):
    response = ride_page(admin_client, ride, show="days", **PERIOD)
    rows = shown(response, "ride-days")
    assert len(rows) == 14
    assert rows[-1][:3] == [FIRST, 648, 72]
    assert 'class="state down"' in text_of(response)
    said = StringIO()
    period = ("--from", f"{FIRST}", "--to", f"{LAST}")
    call_command("ask", "ride-days", "--ride", str(ride.pk), *period, "--format", "csv", stdout=said, stderr=StringIO())
    taken = ride_page(admin_client, ride, show="days", csv="ride-days", **PERIOD)
    assert text_of_csv(taken).splitlines() == said.getvalue().splitlines()


def test_prices_and_return_times(admin_client, ride):
    response = ride_page(admin_client, ride, show="lines", **PERIOD)
    assert shown(response, "prices") == [[FIRST, Decimal(12), Decimal("21.50"), "USD"]]
    assert shown(response, "return-times") == [[FIRST, 360, pytest.approx(0.5)]]
    taken = rows_of_csv(ride_page(admin_client, ride, show="lines", csv="prices", **PERIOD))
    assert [row["price_max"] for row in taken] == ["21.50"]


def test_first_and_last_operating_each_day(admin_client, ride):
    rows = shown(ride_page(admin_client, ride, show="times", **PERIOD), "times-by-day")
    assert [(row[0], f"{row[1]:%H:%M}", f"{row[2]:%d %H:%M}") for row in rows] == [(FIRST, "10:00", "02 00:30")]


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
def test_every_tab_stands_with_and_without_days_and_asks_few_questions(admin_client, ride, tab):
    new = Ride.objects.create(ride_id=77, park=a_park("Seaside"), ride_name="New")
    assert "Nothing is known of this ride yet." in text_of(ride_page(admin_client, new, show=tab))
    for asked in ({}, PERIOD, {"period": "2020"}, {"period": "2030"}):
        text = text_of(ride_page(admin_client, ride, show=tab, **asked))
        assert "could not be worked out" not in text
        assert ride.ride_name not in text
    assert count_queries(admin_client, links.ride(ride.pk, show=tab)) <= QUERIES_AT_MOST


def test_a_wrong_question_is_said_on_the_page(admin_client, ride):
    assert "Enter a valid date." in text_of(ride_page(admin_client, ride, **{"from": "2025-02-30"}))
    assert "There is no page called parks" in text_of(ride_page(admin_client, ride, show="parks"))
    assert admin_client.get(links.ride(10**30)).status_code == 404
