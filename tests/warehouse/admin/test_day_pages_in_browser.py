"""The pages of days in a real browser: on a phone nothing lies beside it, in the dark the colours are others, and one
gets from a year to a day, and from there to a ride."""

from datetime import date

import pytest
from playwright.sync_api import expect

from tests.warehouse.history.planting import make_park, plant
from tests.warehouse.history.questions.planted import days
from tests.warehouse.history.questions.planted import plant as plant_day
from warehouse.admin.day_pages import links
from warehouse.models import Ride

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DAY = date(2025, 7, 4)


def test_from_a_year_to_a_day_to_a_ride_on_a_desk_and_on_a_phone(logged_in_page, live_server):
    park, (ride,) = make_park()
    Ride.objects.filter(pk=ride.pk).update(ride_name="The longest name of a ride that was ever thought of " * 2)
    plant(ride, [("2025-07-04 10:00", "OPERATING", 10), ("2025-07-04 12:00", "DOWN", None)])
    plant(ride, [("2025-07-04 22:00", "CLOSED", None)])
    plant_day(ride, *days(date(2025, 7, 1), 4), wait=30)
    page = logged_in_page
    fills = set()
    for scheme, width in (("light", 1280), ("dark", 400)):
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 900})
        for show in ("year", "hours", "calendar", "reliability"):
            page.goto(live_server.url + links.park(park.pk, show=show))
            expect(page.locator(".days svg[aria-label]").first).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= width, show
        page.goto(live_server.url + links.park(park.pk))
        page.get_by_role("link", name="Fri 2025-07-04").last.click()
        expect(page.get_by_role("heading", name="Friday, 2025-07-04")).to_be_visible()
        fills.add(page.locator(".lying .state.operating").first.evaluate("each => getComputedStyle(each).fill"))
        assert "hatched" in page.locator(".lying .state.down").first.evaluate("each => getComputedStyle(each).fill")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.get_by_role("link", name="over time").last.click()
        expect(page.locator(".tabs .selected")).to_have_text("At a glance")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert fills == {"rgb(46, 125, 91)", "rgb(76, 175, 132)"}
