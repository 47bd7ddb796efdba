"""Coverage in a real browser: by arrow keys and by mouse, from the cells to the form of an import, filled in."""

from datetime import date, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import expect

from tests.imports.desk import day_file, new_import, park

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAGE = "/admin/imports/importedfile/coverage/?year=2024"


@pytest.fixture
def parks(settings, tmp_path):
    settings.ARCHIVE_URL = str(tmp_path)
    alpha, beta, gamma = (park(n, name=name) for n, name in enumerate(("Alpha", "Beta", "Gamma"), 1))
    for place in (alpha, gamma):
        new_import(place, source=str(tmp_path))
        for n in range(59):
            day_file(place, date(2024, 1, 1) + timedelta(days=n), size_bytes=20_000)
    day_file(alpha, date(2024, 2, 29), "UNREADABLE")
    day_file(beta, date(2024, 3, 31), "MISSING")
    return alpha, beta, gamma


def test_arrow_keys_walk_the_table_say_each_cell_and_select_what_an_import_begins_with(
    logged_in_page, live_server, parks
):
    page = logged_in_page
    broken = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.goto(live_server.url + PAGE)
    said = page.locator("[data-coverage=months] [data-said]")
    assert page.locator("[role=grid] [tabindex='0']").count() == 1  # one stop of the Tab key
    page.locator("[role=grid] [tabindex='0']").focus()
    expect(said).to_have_text("Alpha, 2024-01 (100 %): 31 of 31 days imported, 310 rows, files of 0.62 MB")
    page.keyboard.press("ArrowRight")
    expect(said).to_have_text("Alpha, 2024-02 (96 %): 28 of 29 days imported, 280 rows, files of 0.56 MB, 1 unreadable")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator("td[aria-selected=true]")).to_have_count(4)
    bar = page.locator("[data-coverage=months] [data-moves]")
    expect(bar).to_contain_text("2 parks, 4 months in all: 92 days missing (1 of them the source did not have)")
    expect(bar).to_contain_text("2024-02-01 to 2024-03-31")
    page.keyboard.press("Escape")
    expect(page.locator("td[aria-selected=true]")).to_have_count(0)

    page.keyboard.press("Control+Home")
    expect(said).to_have_text("Alpha: its page")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Alpha, February 2024")).to_be_visible()
    page.locator("#days td.bad a").click()
    page.wait_for_url("**/importedfile/*/change/")
    assert not broken, broken


def test_cells_of_several_parks_and_months_lead_to_one_form_which_says_what_else_it_takes_in(
    logged_in_page, live_server, parks, settings
):
    page, (alpha, beta, gamma) = logged_in_page, parks
    page.goto(live_server.url + PAGE)
    rows = {each: page.locator(f"tr[data-park='{each.pk}'] td") for each in parks}
    bar = page.locator("[data-coverage=months] [data-moves]")

    rows[alpha].nth(2).hover()
    page.mouse.down()
    rows[alpha].nth(4).hover()
    page.mouse.up()
    expect(page.locator("td[aria-selected=true]")).to_have_count(3)
    assert page.url.endswith(PAGE)  # the drag was no click
    rows[gamma].nth(6).click(modifiers=["Control"])
    expect(bar).to_contain_text(
        "2 parks, 4 months in all: 123 days missing. One range for all: 2024-03-01 to 2024-07-31. "
        "It takes in 6 months not selected, with 183 days missing"
    )
    go = page.get_by_role("link", name="Import what is missing", exact=True)
    assert parse_qs(urlsplit(go.get_attribute("href")).query) == {
        "park": [str(alpha.pk), str(gamma.pk)],
        "from": ["2024-03-01"],
        "to": ["2024-07-31"],
        "days": ["missing"],
        "source": [settings.ARCHIVE_URL],
    }
    go.click()
    expect(page.get_by_role("heading", name="Start import")).to_be_visible()
    assert page.get_by_label("Single parks").evaluate("each => [...each.selectedOptions].map(one => one.text)") == [
        "Alpha",
        "Gamma",
    ]
    expect(page.get_by_label("First day")).to_have_value("2024-03-01")

    page.set_viewport_size({"width": 400, "height": 800})
    page.goto(live_server.url + PAGE)
    page.get_by_role("button", name="Select several").click()  # as on a phone, which cannot drag
    rows[alpha].nth(0).click()
    rows[beta].nth(1).click()
    expect(page.locator("td[aria-selected=true]")).to_have_count(4)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
