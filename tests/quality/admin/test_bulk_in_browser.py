"""An operator with 162 findings of one kind, in a real browser, within the clicks that are theirs.

Clicks are counted: what is typed is none.
"""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from quality.findings import Finding
from quality.log import record
from quality.models import DataQualityLog, ResolutionStatus
from tests.quality.admin.desk import finding
from tests.waiting import HANG_SECONDS
from warehouse.models import Ride

expect.set_options(timeout=HANG_SECONDS * 1000)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def of_rides(park, count: int) -> list[Finding]:
    """Frozen waits, of each of two rides by turns, a day each from 2025-06-01 on."""
    rides = [Ride.objects.get_or_create(park=park, ride_name=name)[0] for name in ("Space Comet", "Log Flume")]
    return [
        finding(
            n,
            reason="frozen_wait",
            entity_type="ride",
            entity_id=rides[n % 2].pk,
            entity_key=rides[n % 2].ride_name,
            start=datetime(2025, 6, 1, tzinfo=UTC) + timedelta(days=n),
            end=datetime(2025, 6, 2, tzinfo=UTC) + timedelta(days=n),
            description=f"{rides[n % 2]} froze on day {n}",
        )
        for n in range(count)
    ]


class Clicks:
    def __init__(self) -> None:
        self.made = 0

    def __call__(self, locator) -> None:
        self.made += 1
        locator.click()


def states() -> dict[str, int]:
    found = list(DataQualityLog.objects.values_list("resolution_status", flat=True))
    return {status: found.count(status) for status in ResolutionStatus.values if status in found}


def test_162_findings_of_one_kind_are_triaged_with_five_clicks_and_taken_back_with_two(park, logged_in_page: Page):
    page, click = logged_in_page, Clicks()
    record([*of_rides(park, 162), finding(1)], timezone.now())
    page.reload()
    click(page.get_by_role("link", name="Findings").first)
    expect(page.locator("#group_list tbody tr").first).to_contain_text("leave these hours out of averages")
    click(page.get_by_role("link", name="Triage: Frozen wait, Lakeside"))
    expect(page.get_by_role("heading", name="Triage: 162 findings")).to_be_visible()

    # meanwhile: three come, a check resolves one
    record(of_rides(park, 165)[162:], timezone.now())
    DataQualityLog.objects.get(description__endswith="froze on day 7").resolve_by_system("gone", now=timezone.now())

    page.get_by_label("Note, for 162 findings").fill("The source repeats itself")
    click(page.get_by_role("button", name="Won't fix"))
    assert click.made <= 5
    said = page.locator(".messagelist")
    expect(said).to_contain_text("161 findings are given up")
    expect(said).to_contain_text("was OPEN when it was shown and is RESOLVED now: left alone")
    expect(said).to_contain_text("3 more findings fit by now, and came after the page was made")
    assert states() == {"OPEN": 4, "RESOLVED": 1, "WONTFIX": 161}
    expect(page.locator("#group_list tbody tr")).to_have_count(2)

    click = Clicks()
    click(said.get_by_role("link", name="Take back"))
    expect(page.locator(".q-facts")).to_contain_text("161 of 161")
    click(page.get_by_role("button", name="Take back 161 findings"))
    expect(page.locator(".messagelist")).to_contain_text("Taken back: 161 findings stand where they stood before")
    assert click.made <= 2
    assert states() == {"OPEN": 165, "RESOLVED": 1}

    # home tells both in a line each, which leads to the findings and to the way back
    page.locator(".breadcrumbs").get_by_role("link", name="Home").click()
    actions = page.locator("section", has_text="Latest actions").locator("tbody tr")
    expect(actions).to_have_count(2)
    expect(actions.nth(1)).to_contain_text("given up: The source repeats itself")
    actions.nth(0).get_by_role("link", name="161 findings").click()
    expect(page.get_by_role("heading", name="taken back")).to_be_visible()


def test_the_doubts_about_one_ride_in_july_are_two_clicks_away(park, logged_in_page: Page):
    page, click = logged_in_page, Clicks()
    record(of_rides(park, 100), timezone.now())
    click(page.get_by_role("link", name="Findings").first)
    page.get_by_label("Search").fill("space comet")
    page.get_by_label("about").fill("2025-07-01")
    page.get_by_label("to", exact=True).fill("2025-07-31")
    click(page.get_by_role("button", name="Search"))
    chips = page.locator(".q-chips li")
    expect(chips).to_have_count(3)
    expect(chips.nth(1)).to_contain_text("“space comet”")
    expect(chips.nth(2)).to_contain_text("About: 2025-07-01 to 2025-07-31")
    expect(page.locator("#group_list tbody tr")).to_contain_text("16")
    assert click.made <= 2
    page.locator("#group_list tbody th a").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(16)


@pytest.mark.parametrize("width", [1024, 400])
def test_nothing_of_the_lists_and_the_bulk_is_wider_than_the_window(park, logged_in_page: Page, width):
    page = logged_in_page
    record([finding(1, source_file="d" * 200), finding(2, entity_type="park", entity_id=park.pk)], timezone.now())
    batch = DataQualityLog.transition(
        DataQualityLog.objects.values_list("pk", flat=True)[:1], "RESOLVED", by="x", now=timezone.now(), note="y" * 300
    ).batch
    page.set_viewport_size({"width": width, "height": 900})
    base = f"{page.url}quality/dataqualitylog/"
    for url in ("", "?view=list", "triage/", f"bulk/{batch}/"):
        page.goto(f"{base}{url}")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, url
