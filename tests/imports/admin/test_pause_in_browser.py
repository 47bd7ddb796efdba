"""Two clicks from home pause everything, two bring it back; and a list is taken as a CSV by one."""

import csv
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django_q.models import Schedule
from playwright.sync_api import expect

from imports.models import ImportCheckpoint
from imports.workers import queue
from tests.imports.desk import new_import, park

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_everything_is_paused_and_resumed_by_two_clicks_and_a_list_is_taken_by_one(logged_in_page, live_server):
    call_command("sync_schedules", stdout=StringIO())
    queue.enqueue([new_import(park())])
    page = logged_in_page
    page.reload()
    page.get_by_role("link", name="Pause everything").click()
    page.get_by_role("button", name="Pause everything").click()
    expect(page.get_by_text("Everything is paused by operator since").first).to_be_visible()
    assert not Schedule.objects.exclude(repeats=0).exists()

    page.goto(f"{live_server.url}/admin/imports/importcheckpoint/?q=park")
    expect(page.get_by_text("Everything is paused by operator since")).to_be_visible()
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download CSV").click()
    assert taken.value.suggested_filename.startswith("imports-filtered-2")
    (row,) = csv.DictReader(StringIO(Path(taken.value.path()).read_text("utf-8-sig")))
    assert (row["park"], row["status"]) == ("Park 1", "PAUSED")

    page.goto(f"{live_server.url}/admin/")
    page.get_by_role("link", name="Resume everything", exact=True).click()
    page.get_by_role("button", name="Resume everything").click()
    expect(page.get_by_text("Everything goes on: 1 import and 9 recurring jobs.")).to_be_visible()
    assert ImportCheckpoint.objects.get().queued_at is not None
    expect(page.get_by_role("link", name="Pause everything")).to_be_visible()
