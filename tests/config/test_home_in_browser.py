"""The home page left open: it says what has changed since, that the server is gone, and that it is back."""

import threading
from datetime import timedelta
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.wsgi import get_wsgi_application
from django.db import connections
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule
from playwright.sync_api import expect

from imports.live.models import LiveCollection
from imports.models import ImportCheckpoint
from imports.workers.models import Worker
from tests.imports.api_world import RESORT
from tests.imports.desk import new_import, park, running, somebody
from tests.waiting import HANG_SECONDS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PATIENCE_MS = HANG_SECONDS * 1000
expect.set_options(timeout=PATIENCE_MS)


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    allow_reuse_address = True

    def process_request_thread(self, request, client_address):
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


class Mortal:
    """A web server that can die and come back at the same address."""

    def __init__(self):
        self.port = 0
        self.begin()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def begin(self) -> None:
        application = StaticFilesHandler(get_wsgi_application())
        self.server = make_server("127.0.0.1", self.port, application, Threads, Quiet)
        self.port = self.server.server_port
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def die(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def server(settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1"]
    mortal = Mortal()
    yield mortal
    mortal.die()


@pytest.fixture
def home(page, server, settings):
    """Home, open in the browser of an operator; `broken`: what its scripts have thrown."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    page.set_default_timeout(PATIENCE_MS)
    page.broken = []
    page.on("pageerror", lambda error: page.broken.append(str(error)))
    session = somebody("Operators").cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": server.url}])
    Worker.seen("host/1/1/0", "")
    page.goto(f"{server.url}/admin/")
    yield page
    assert not page.broken


def test_an_import_that_fails_behind_the_open_page_is_said_and_nothing_else_is_touched(home):
    checkpoint = running(new_import(park(name="Magic Park")))
    home.reload()
    expect(home.locator("[data-key=under-way]")).to_contain_text("Magic Park")
    home.evaluate("window.stillTheSamePage = true")
    home.locator(".desk-apps").evaluate("details => { details.open = true }")
    kept = home.locator("[data-key=workers] a").first
    kept.focus()
    before = home.locator(".desk-as-of time").text_content()

    checkpoint.fail("the disk is full")
    expect(home.locator("[data-key=attention]")).to_contain_text("An import has failed")
    expect(home.locator("[data-key=imports] [data-key=failed]")).to_contain_text("1")
    expect(home.locator("[data-key=under-way]")).to_have_count(0)
    expect(home.locator(".desk-as-of time")).not_to_have_text(before)
    assert home.evaluate("window.stillTheSamePage")
    assert home.locator(".desk-apps").evaluate("details => details.open")
    expect(kept).to_be_focused()


def test_live_collecting_that_reaches_nobody_turns_red_behind_the_open_page(home):
    running(new_import(park(destination=RESORT)))  # so that the page asks often
    now = timezone.now()
    Schedule.objects.create(name="Collect live states", func="imports.tasks.collect_live", schedule_type="I", minutes=5)
    before = now - timedelta(minutes=6)
    LiveCollection.objects.create(started_at=before, finished_at=before, destinations=3)
    home.reload()
    answered = home.locator("[data-key=live] [data-key=answered] a")
    expect(answered).to_have_text("3 of 3")
    expect(answered).not_to_have_class("desk-trouble")

    failures = [{"destination": RESORT, "error": "503 Service Unavailable"}] * 3
    LiveCollection.objects.create(started_at=now, finished_at=now, destinations=0, failed=3, failures=failures)
    expect(answered).to_have_text("0 of 3")
    expect(answered).to_have_class("desk-trouble")
    expect(home.locator("[data-key=attention]")).to_contain_text("reached none of 3 destinations")
    expect(home.locator("[data-key=live] [data-key=last_collection]")).to_contain_text("6 min ")


def test_a_server_that_dies_is_said_and_that_it_is_back(home, server):
    running(new_import(park(name="Magic Park")))
    home.reload()
    expect(home.locator("[data-key=under-way]")).to_contain_text("Magic Park")
    note = home.get_by_role("status")
    expect(note).to_be_empty()
    server.die()
    expect(note).to_contain_text("Not up to date since")
    expect(note).to_contain_text("the server cannot be reached")
    expect(home.locator("#content-main")).to_have_class(r"desk desk-home desk-stale")
    ImportCheckpoint.objects.get().fail("the disk is full")
    server.begin()
    expect(home.locator("[data-key=attention]")).to_contain_text("An import has failed")
    expect(note).to_be_empty()


def test_a_page_that_is_hidden_asks_nothing_and_one_that_is_shown_again_at_once(home):
    """Headless pages are never hidden by themselves, so the page is told that it is."""
    hide = "hidden => { Object.defineProperty(document, 'hidden', {value: hidden, configurable: true}); }"
    shown = "document.dispatchEvent(new Event('visibilitychange'))"
    home.evaluate(hide, True)
    home.evaluate(shown)
    running(new_import(park())).fail("the disk is full")
    asked = []
    home.on("request", lambda request: asked.append(request.url))
    home.evaluate(shown)  # a hidden page that is looked at by its own timer
    assert not asked
    home.evaluate(hide, False)
    home.evaluate(shown)
    expect(home.locator("[data-key=attention]")).to_contain_text("An import has failed")
    assert len(asked) == 1


def test_a_login_that_has_ended_is_said(home, server, settings):
    running(new_import(park()))
    home.reload()
    expect(home.locator("[data-key=under-way]")).to_be_visible()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = home.context.cookies()[0]["value"]
    client.logout()
    expect(home.get_by_role("status")).to_contain_text("your login has ended")
    home.get_by_role("link", name="Sign in again").click()
    expect(home.get_by_label("Username")).to_be_visible()
