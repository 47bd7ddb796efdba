"""An operator's day in a real browser, with a real cluster: start, watch, pause, resume, coverage, history."""

import re
from datetime import date

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from playwright.sync_api import expect

from imports.models import ImportCheckpoint, ImportStatus
from tests.imports.clusters import Cluster
from tests.imports.gate import Gate
from tests.waiting import HANG_SECONDS, until
from warehouse.models import Park

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = HANG_SECONDS * 1000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def archive(tmp_path, settings):
    folder = tmp_path / "archive"
    call_command(
        "create_sample_archive", str(folder), days=60, events_per_day=150, destinations=1, seed=3,
        start=date(2025, 1, 10), verbosity=0,
    )  # fmt: skip
    settings.ARCHIVE_URL = str(folder)
    return folder


@pytest.fixture
def gates(archive):
    """At a third and at two thirds of the days."""
    days = sorted(archive.rglob("*.json.gz"))
    return [Gate(days[len(days) * thirds // 3]) for thirds in (1, 2)]


@pytest.fixture
def cluster(tmp_path, live_server, archive):
    started = Cluster(tmp_path / "cluster.log", workers=1, settings={"ARCHIVE_URL": str(archive)})
    yield
    started.kill()


def sign_in(page, live_server, settings, django_user_model):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False  # the live server speaks plain HTTP
    call_command("sync_groups", verbosity=0)
    anna = django_user_model.objects.create_user("anna", password="not so secret", is_staff=True)
    anna.groups.add(Group.objects.get(name="Operators"))
    page.goto(f"{live_server.url}/admin/")
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill("not so secret")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Home")).to_be_visible()


def percent(page) -> int:
    return int(page.locator("[role=progressbar]").first.get_attribute("aria-valuenow"))


def wait_for_percent(page, above: int) -> int:
    page.wait_for_function(
        "above => +document.querySelector('[role=progressbar]').getAttribute('aria-valuenow') > above",
        arg=above,
        timeout=PATIENCE_MS,
    )
    return percent(page)


def test_an_operator_starts_watches_pauses_and_resumes_an_import_and_finds_it_all_in_the_history(
    page, live_server, settings, django_user_model, gates, cluster
):
    page.set_default_timeout(PATIENCE_MS)
    broken = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    sign_in(page, live_server, settings, django_user_model)

    # start
    page.get_by_role("link", name="Start import", exact=True).first.click()
    page.get_by_label("Everything the source has").check()
    page.get_by_role("button", name="Preview").click()
    row = page.locator("#preview tbody tr").first
    expect(row).to_contain_text("2025-01-10 to 2025-03-10")
    expect(row.locator("td").nth(1)).to_have_text("60")  # files there
    expect(row.locator("td").nth(2)).to_have_text("0")  # imported already
    page.get_by_role("button", name="Start import").click()
    expect(page.get_by_text(re.compile(r"Started \d imports"))).to_be_visible()

    # watch: the bar of the list moves, and the page was not loaded anew
    page.evaluate("window.stillTheSamePage = true")
    first = wait_for_percent(page, 0)
    gates[0].open()
    assert wait_for_percent(page, first) > first
    assert page.evaluate("window.stillTheSamePage")

    # pause, from the page of one import
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("button", name="Pause").click()
    badge = page.locator("[data-live$=':status']")
    expect(badge).to_have_text("PAUSED")
    expect(page.get_by_text("pause by anna")).to_be_visible()
    stands_at = percent(page)
    assert 0 < stands_at < 100
    gates[1].open()
    paused = ImportCheckpoint.objects.filter(status=ImportStatus.PAUSED)
    others = ImportCheckpoint.objects.exclude(pk=paused.get().pk)
    until(lambda: set(others.values_list("status", flat=True)) == {ImportStatus.COMPLETED})  # to the end of the files
    page.reload()
    assert percent(page) == stands_at

    # resume, and look on until it is done
    page.get_by_role("button", name="Resume").click()
    page.evaluate("window.stillTheSamePage = true")
    expect(badge).to_have_text("COMPLETED")
    assert page.evaluate("window.stillTheSamePage")
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)
    page_of_the_import = page.url

    # the other parks went on by themselves
    page.goto(f"{live_server.url}/admin/imports/importcheckpoint/")
    for name in Park.objects.values_list("park_name", flat=True):
        expect(page.locator("#result_list tr", has_text=name)).to_contain_text("COMPLETED")

    # coverage, and a cell of it
    page.get_by_role("navigation", name="Sidebar").get_by_role("link", name="Coverage").click()
    page.locator("table.cov-table a[href*='month=2025-02']").first.click()
    expect(page.get_by_role("heading", name="February 2025")).to_be_visible()
    expect(page.get_by_text(re.compile("28 of 28 days imported")).first).to_be_visible()
    page.get_by_role("link", name="Import what is missing here").click()
    expect(page.get_by_text("Nothing is left to read here.")).to_be_visible()

    # the history
    page.goto(page_of_the_import)
    page.get_by_role("link", name="History").click()
    history = page.locator("#change-history")
    expect(history).to_contain_text("Start: 2025-01-10 to 2025-03-10, 60 days")
    expect(history).to_contain_text(re.compile(r"Pause: IN_PROGRESS \(\d+ of 60 files, queued\) → PAUSED"))
    expect(history).to_contain_text(re.compile(r"Resume: PAUSED \(\d+ of 60 files\) → IN_PROGRESS"))
    expect(history.get_by_text("anna").first).to_be_visible()
    assert not broken, broken


def test_without_javascript_the_pages_work_and_reload_themselves(
    browser, live_server, settings, django_user_model, archive
):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    sign_in(page, live_server, settings, django_user_model)
    page.goto(f"{live_server.url}/admin/imports/importcheckpoint/start/?everything=on&days=all")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    page.get_by_role("button", name="Look in this page").click()
    page.get_by_role("button", name="Start import").click()
    expect(page.locator("#result_list")).to_contain_text("waits: no worker is alive")
    assert page.locator("meta[http-equiv=refresh]").count() == 1
    page.locator("#result_list tbody th a").first.click()
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("[data-live$=':status']")).to_have_text("PAUSED")
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    context.close()
