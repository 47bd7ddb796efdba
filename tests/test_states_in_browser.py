"""In a real browser: a source that dies while the preview of an import is open, two operators at one import, and a
failed import that is dismissed."""

import re
import socket
import threading

import pytest
import stamina
from playwright.sync_api import expect

from imports.admin.actions import act
from imports.models import ImportCheckpoint, ImportPreview, Worker
from imports.workers import preview_task
from tests.imports.desk import CHANGELIST, new_import, park
from tests.waiting import HANG_SECONDS, until

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
expect.set_options(timeout=HANG_SECONDS * 1000)


class DeafServer:
    """Takes connections and never says a word, until it dies."""

    def __init__(self):
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self._calls: list[socket.socket] = []
        threading.Thread(target=self._answer, daemon=True).start()

    def _answer(self) -> None:
        while True:
            try:
                self._calls.append(self._listening.accept()[0])
            except OSError:
                return

    @property
    def calls(self) -> int:
        return len(self._calls)

    def die(self) -> None:
        if self._listening.fileno() < 0:
            return
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for call in self._calls:
            call.close()


@pytest.fixture
def deaf_bucket(settings):
    server = DeafServer()
    settings.ARCHIVE_URL, settings.ARCHIVE_S3_ENDPOINT_URL = "s3://deaf", server.url
    settings.ARCHIVE_S3_STALL_TIMEOUT_SECONDS = float(HANG_SECONDS)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield server
        server.die()


def look_in_a_worker() -> threading.Thread:
    """What a worker does with the newest preview, in a thread of this process."""
    worker = threading.Thread(target=preview_task.look, args=[ImportPreview.objects.latest("pk").pk])
    worker.start()
    return worker


def test_a_source_that_dies_while_its_preview_is_open_is_seen_at_once_and_its_error_when_it_comes(
    logged_in_page, live_server, deaf_bucket
):
    page = logged_in_page
    Worker.seen("a worker", "")
    page.goto(f"{live_server.url}{CHANGELIST}start/")
    page.get_by_label("Everything the source has").check()
    page.get_by_role("button", name="Preview").click()
    said = page.locator("#preview-said")
    expect(said).to_contain_text("Waits for a worker")

    # it hangs: that is said, and cancelling it ends it here and in the worker, while the request hangs still
    worker = look_in_a_worker()
    until(lambda: deaf_bucket.calls)
    expect(said).to_contain_text("Looks at s3://deaf")
    expect(said).to_contain_text("asks s3://deaf for its destinations")
    page.get_by_role("button", name="Cancel preview").click()
    expect(page.get_by_text("The preview was cancelled.")).to_be_visible()
    worker.join()
    assert ImportPreview.objects.get().state == "CANCELLED"

    # it dies: what the operator types below meanwhile stays
    page.get_by_role("link", name="Look again").click()
    worker = look_in_a_worker()
    expect(said).to_contain_text("asks s3://deaf for its destinations")
    page.get_by_label("First day:").fill("2025-03-01")
    deaf_bucket.die()
    worker.join()
    error = page.locator("#preview-box .errornote")
    expect(error).to_contain_text("s3://deaf")
    expect(error).to_contain_text("given up after")
    expect(page.get_by_label("First day:")).to_have_value("2025-03-01")
    expect(page.get_by_role("button", name="Start import")).to_have_count(0)


def test_of_two_operators_the_second_is_told_what_the_first_did(logged_in_page, live_server, django_user_model):
    page = logged_in_page
    checkpoint = new_import(park(), status="PAUSED", last_error="pause by operator")
    page.goto(f"{live_server.url}{CHANGELIST}{checkpoint.pk}/change/")
    bob = django_user_model.objects.create_superuser("bob")
    act("cancel", ImportCheckpoint.objects.get(), bob, "the archive is the wrong one")
    page.get_by_role("button", name="Resume").click()
    refused = page.locator(".messagelist .error")
    expect(refused).to_contain_text("has changed since the page was made, which showed PAUSED")
    expect(refused).to_contain_text(re.compile(r"Meanwhile: bob, \d\d:\d\dZ: Cancel: PAUSED .* Reason: the archive is"))
    expect(page.locator("[data-live$=':status']").first).to_contain_text("dismissed")
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.queued_at) == ("FAILED", None)


def test_a_failed_import_is_dismissed_from_the_home_page_on_and_brought_back(logged_in_page, live_server):
    page = logged_in_page
    failed = [new_import(park(n), status="FAILED", last_error="the disk is full") for n in (1, 2)]
    page.goto(f"{live_server.url}/admin/")
    page.get_by_role("link", name=re.compile("2 imports have failed")).click()
    for checkpoint in failed:
        page.locator("#result_list tr", has_text=checkpoint.import_id).get_by_role("checkbox").check()
    page.get_by_label("Action:").select_option("Dismiss")
    page.get_by_role("button", name=re.compile("Run|Go")).click()
    page.get_by_label("Reason, kept with each import").fill("another archive has these days")
    page.get_by_role("button", name="Dismiss them").click()
    expect(page.get_by_text("Dismissed: 2 imports")).to_be_visible()
    expect(page.locator("#result_list tbody tr")).to_have_count(0)
    page.goto(f"{live_server.url}/admin/")
    expect(page.get_by_text("imports have failed")).to_have_count(0)

    page.goto(f"{live_server.url}{CHANGELIST}?show=dismissed")
    row = page.locator("#result_list tbody tr", has_text=failed[0].import_id)
    expect(row).to_contain_text("the disk is full")
    expect(row).to_contain_text("another archive has these days")
    row.get_by_role("link", name=re.compile("Park")).click()
    page.get_by_role("button", name="Undo dismissal").click()
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    page.goto(f"{live_server.url}/admin/")
    expect(page.get_by_role("link", name=re.compile("An import has failed"))).to_be_visible()
