"""An operator at the triage desk, in a real browser."""

from datetime import UTC, date, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from quality.check.run import check
from quality.log import record
from quality.models import DataQualityLog
from tests.quality.admin.desk import finding
from tests.waiting import HANG_SECONDS
from warehouse.models import Park

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)

expect.set_options(timeout=HANG_SECONDS * 1000)

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def park() -> Park:
    """A park whose ledger lacks two days, and whose time zone nobody set."""
    park = Park.objects.create(
        park_name="Lakeside",
        themeparks_wiki_id="00000000-0000-0000-0000-000000000010",
        destination_wiki_id="00000000-0000-0000-0000-000000000001",
    )
    checkpoint = ImportCheckpoint.objects.create(park=park, source="/archive")
    for day in (date(2025, 3, 3), date(2025, 3, 6)):
        ImportedFile.objects.create(
            park=park,
            file_date=day,
            source_file=f"d/{day:%Y/%m/%d}.json.gz",
            outcome=FileOutcome.IMPORTED,
            events_read=1,
            stored=1,
            imported_at=NOW,
            checkpoint=checkpoint,
        )
    return park


def status(page: Page):
    return page.locator(".q-sentence .q-status")


def test_findings_are_triaged_one_to_resolved_one_to_wont_fix_and_one_comes_back(park, logged_in_page):
    page = logged_in_page
    check(None, None, None, NOW)

    # the list, by its links, from the index
    page.get_by_role("link", name="Findings").first.click()
    page.get_by_role("link", name="One by one").click()
    expect(page.locator("#result_list")).to_contain_text("Lakeside: never imported: 2 days, 2025-03-04 to 2025-03-05")
    expect(page.locator(".paginator")).to_have_text("2 findings")

    # open -> investigating -> resolved, with a note
    page.get_by_role("link", name="never imported").click()
    expect(status(page)).to_have_text("Open")
    page.get_by_role("button", name="Investigate").click()
    expect(page.locator(".messagelist")).to_contain_text("The finding is being investigated")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".messagelist")).to_contain_text("Say why: to resolve a finding takes a note")
    page.get_by_label("Note").fill("The days are imported elsewhere")
    page.get_by_role("button", name="Resolve").click()
    expect(status(page)).to_have_text("Resolved")

    # a mistake: taken back on the same page, and resolved again
    page.get_by_role("button", name="Take back").click()
    expect(status(page)).to_have_text("Investigating")
    page.get_by_label("Note").fill("The days are imported now")
    page.get_by_role("button", name="Resolve").click()
    history = page.locator("section", has_text="History").locator("tbody")
    expect(history).to_contain_text("Investigating to Resolved")
    expect(history).to_contain_text("taken back: The days are imported elsewhere")

    # the other one is given up from the list
    page.locator(".breadcrumbs").get_by_role("link", name="Findings").click()
    page.get_by_role("link", name="One by one").click()
    page.locator("tr", has_text="no time zone").get_by_role("checkbox").check()
    page.locator("select[name=action]").select_option("give_up")
    page.get_by_role("button", name="Go").click()
    expect(page.locator("h1", has_text="Won't fix: 1 finding")).to_be_visible()
    page.get_by_label("Note, for 1 finding").fill("Nobody knows it")
    page.get_by_role("button", name="Won't fix").click()
    expect(page.locator(".messagelist")).to_contain_text("The finding is given up")
    expect(page.locator(".paginator")).to_have_text("0 findings")

    # the days are missing still: the finding comes back, the one that was given up does not
    check(None, None, None, NOW + timedelta(days=1))
    page.reload()
    expect(page.locator(".paginator")).to_have_text("1 finding")
    page.get_by_role("link", name="never imported").click()
    expect(status(page)).to_have_text("Open")
    expect(page.locator(".q-facts")).to_contain_text("opened again, the same finding came back")
    assert sorted(DataQualityLog.objects.values_list("resolution_status", flat=True)) == ["OPEN", "WONTFIX"]


def test_import_again_leads_to_the_start_of_an_import_with_the_days_filled_in(park, logged_in_page):
    page = logged_in_page
    check([park.pk], None, None, NOW)
    row = DataQualityLog.objects.get(reason="missing_days")
    page.goto(f"{page.url}quality/dataqualitylog/{row.pk}/change/")
    page.get_by_role("link", name="Import 2025-03-04 to 2025-03-05 again").click()
    expect(page.get_by_role("heading", name="Start import")).to_be_visible()
    expect(page.get_by_label("First day")).to_have_value("2025-03-04")
    expect(page.get_by_label("Last day")).to_have_value("2025-03-05")
    expect(page.get_by_label("Single parks")).to_have_values([str(park.pk)])
    expect(page.get_by_role("combobox", name="Source")).to_have_value("/archive")


@pytest.mark.parametrize("width", [1280, 400])
def test_nothing_is_wider_than_the_window(park, logged_in_page, width):
    page = logged_in_page
    record([finding(1, examples=[{"a key": "x" * 300, "another": {"b": "y" * 300}}], source_file="d" * 200)], NOW)
    page.set_viewport_size({"width": width, "height": 900})
    base = f"{page.url}quality/dataqualitylog/"
    for url in (base, f"{base}{DataQualityLog.objects.get().pk}/change/"):
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
