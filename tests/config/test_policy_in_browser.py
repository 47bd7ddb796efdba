"""Pages with the most in them, in a browser that holds to our Content-Security-Policy. What it refuses fails a test of
any page (the fixture `page`); here are those that no other test opens, and what scripts of Django's admin draw."""

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import expect

from tests.planted_desk import plant_desk

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_no_page_is_refused_anything_of_its_own(logged_in_page, live_server):
    page, desk = logged_in_page, plant_desk(timezone.now(), User.objects.get())
    park = f"/admin/warehouse/park/{desk.park.pk}"
    for path in (
        f"{park}/day/?day={desk.newest}",
        f"{park}/over-time/",
        f"/admin/warehouse/ride/{desk.ride.pk}/over-time/?show=hours",
        f"/admin/warehouse/ridestatussnapshot/?park={desk.park.pk}",
        "/admin/warehouse/storagemetrics/storage/",
        "/admin/imports/importcheckpoint/",
        f"/admin/imports/importcheckpoint/{desk.failed.pk}/change/",
        "/admin/imports/worker/",
    ):
        page.goto(f"{live_server.url}{path}")
    bar = page.goto(f"{live_server.url}/admin/imports/importcheckpoint/") and page.locator(".desk-bar > span").first
    drawn, of = (round(each.bounding_box()["width"]) for each in (bar, page.locator(".desk-bar").first))
    assert abs(drawn - of * int(bar.get_attribute("data-done")) / 100) <= 1

    page.goto(f"{live_server.url}/admin/warehouse/parkhours/add/")
    page.locator(".select2-selection").click()  # a list that select2 draws, and a calendar
    expect(page.locator(".select2-results__option").first).to_contain_text("side")
    page.keyboard.press("Escape")
    page.locator(".date-icon").first.click()
    expect(page.locator(".calendarbox").first).to_be_visible()


def test_what_a_page_says_in_itself_is_refused(logged_in_page, live_server):
    """The guard of the guard: injected as text from outside would be, it neither runs nor draws."""
    page = logged_in_page
    page.evaluate(
        """() => {
            window.refused = [];
            document.addEventListener("securitypolicyviolation", (told) => refused.push(told.violatedDirective));
            document.body.insertAdjacentHTML("beforeend", '<b id="x" style="color: red" onclick="ran = 1">x</b>');
            const script = document.body.appendChild(document.createElement("script"));
            script.textContent = "ran = 1";
            document.getElementById("x").click();
        }"""
    )
    page.wait_for_function("() => window.refused.length >= 3")
    assert page.evaluate("() => window.ran") is None
    assert set(page.evaluate("() => window.refused")) == {"style-src-attr", "script-src-attr", "script-src-elem"}
    page.refusals_are_wanted = True
