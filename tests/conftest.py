"""What every test needs: the real database that bin/test provides, and a real Chromium for the tests marked `browser`.

Tests run on all cores, each worker process with a database of its own (test_..._gw0, ...). While a test marked `serial`
runs, no other does: it changes or counts what belongs to the whole server. A test marked `no_database` fails when it
asks for one.

A browser test asks for `logged_in_page` (a superuser's) or calls `log_in(user)`. pytest-playwright does the rest: it
waits by itself, and `--tracing retain-on-failure` or `--headed` show what a test saw.
"""

import fcntl
import gc
import os
import re
import shutil
import signal
import tempfile
from pathlib import Path

import MySQLdb
import pytest
from django.conf import settings
from django.db import connection
from django.test import TransactionTestCase

from tests.emptying import empty_tables
from tests.nowhere import NOWHERE_URL
from tests.waiting import HANG_SECONDS
from warehouse.server.dialect import is_galera

# Playwright's sync API runs an event loop in this thread, in which Django would refuse the test's own queries.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

BROWSER_TIMEOUT_MS = HANG_SECONDS * 1000  # a slow machine is no fault
# The one without windows takes a third of the CPU of a whole browser: of ten pages 7 s, and 21 s with them.
CHROMIUMS = "chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"


# --- garbage --------------------------------------------------------------------------------------------------------
# What is made while tests are collected stays to the end, and no collection need walk through it again. Nor through all
# that tests make for themselves (caches, connections, what is loaded late) with every 70,000 objects more, as Python
# has it: in the tests of pages that was 15 of 50 s of CPU, and it is 1.3 of 33 s.
AS_PYTHON_HAS_IT = gc.get_threshold()
gc.disable()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 50)
    gc.enable()


@pytest.fixture
def usual_garbage():
    """For what measures memory: garbage is collected as often as in a process of the application."""
    as_in_tests = gc.get_threshold()
    gc.collect()
    gc.set_threshold(*AS_PYTHON_HAS_IT)
    yield
    gc.set_threshold(*as_in_tests)


# --- transactions ---------------------------------------------------------------------------------------------------
# What a test without transactions of its own has stored is rolled back after it, unless one of these has committed it:
# then it is there in all tests behind, in whichever process, until one has the tables emptied.
COMMITTING = re.compile(
    r"\s*(ALTER|ANALYZE\s+(LOCAL\s+)?TABLE|(CREATE|DROP)(?!\s+TEMPORARY)|FLUSH|LOCK|OPTIMIZE|RENAME|TRUNCATE)\b", re.I
)


@pytest.fixture(scope="session", autouse=True)
def _nothing_commits_unseen():
    def look(execute, sql, params, many, context):
        is_rolled_back = any(block._from_testcase for block in context["connection"].atomic_blocks)
        assert not (is_rolled_back and COMMITTING.match(sql)), f"commits: ask for transactional_db: {sql[:100]}"
        return execute(sql, params, many, context)

    with connection.execute_wrapper(look):
        yield


# --- passwords ------------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session", autouse=True)
def _passwords_cost_nothing():
    """The real hash is slow on purpose: half a second of CPU for each user that a test makes, 40 s of a run."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


# --- static files ---------------------------------------------------------------------------------------------------
@pytest.fixture(scope="session", autouse=True)
def _static_files_are_looked_for_when_asked():
    """Else each client's first request looks at all of them, 0.1 s of CPU."""
    settings.WHITENOISE_AUTOREFRESH = True


# --- tables between tests -------------------------------------------------------------------------------------------
@pytest.fixture(scope="session", autouse=True)
def _what_migrate_made_stays():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_tables)
        yield


# --- taking turns ---------------------------------------------------------------------------------------------------
def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.turns = tempfile.TemporaryDirectory(prefix="tests-")
        config.add_cleanup(config.turns.cleanup)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node):
    node.workerinput["turns"] = node.config.turns.name


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items):
    """Serial ones first, before any long one is begun: at the end all waited for whatever took half a minute just then,
    60 of 300 s. Then those of a browser, so that one worker has them all, and starts the only one; then those of
    migrations, for which a process renders four seconds long what models were."""
    items.sort(key=lambda item: (not _is_serial(item), item.get_closest_marker("browser") is None, not _migrates(item)))


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around everything else: a test that waits for its turn is not too slow
def pytest_runtest_protocol(item):
    folder = getattr(item.config, "workerinput", {}).get("turns")
    if folder is None:  # one process: tests are alone anyway
        return (yield)
    # Whoever wants to be alone waits for those inside at the door, and keeps others from entering meanwhile.
    with open(Path(folder, "door"), "w") as door, open(Path(folder, "room"), "w") as room:
        fcntl.flock(door, fcntl.LOCK_EX)
        fcntl.flock(room, fcntl.LOCK_EX if _is_serial(item) else fcntl.LOCK_SH)
        fcntl.flock(door, fcntl.LOCK_UN)
        try:
            return (yield)
        finally:
            fcntl.flock(room, fcntl.LOCK_UN)  # said, not left to close(): a fork of a test may have the file open


def _migrates(item) -> bool:
    return item.path.name == "test_migrations.py"


def _is_serial(item) -> bool:
    return item.get_closest_marker("serial") is not None


# --- tests of one server ---------------------------------------------------------------------------------------------
@pytest.fixture(autouse=True)
def _one_server(request):
    """A test marked one_server(why) is left out on a node of a Galera cluster, where that is another thing."""
    marker = request.node.get_closest_marker("one_server")
    if marker is not None:
        request.getfixturevalue("django_db_setup")
        with request.getfixturevalue("django_db_blocker").unblock():
            if is_galera():
                pytest.skip(f"on a Galera cluster {marker.args[0]}")


# --- signals ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def signals():
    """A command that was told to stop leaves them to nobody: its process is about to end."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


# --- tests without a database ---------------------------------------------------------------------------------------
@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    wanted = {"db", "transactional_db", "live_server", "django_db_setup"} & set(getattr(item, "fixturenames", ()))
    if item.get_closest_marker("no_database") and (wanted or item.get_closest_marker("django_db")):
        pytest.fail("it is marked no_database, and asks for one by a mark or a fixture", pytrace=False)


@pytest.fixture(autouse=True)
def _no_database(request, monkeypatch):
    """What a test so marked reaches by itself is no server either: not by MySQLdb, not in a process that it starts."""
    if request.node.get_closest_marker("no_database"):
        monkeypatch.setattr(MySQLdb, "connect", _refuse)
        monkeypatch.setenv("DATABASE_URL", NOWHERE_URL)


def _refuse(*args, **kwargs):
    pytest.fail("it is marked no_database, and connects to one")


# --- a browser ------------------------------------------------------------------------------------------------------
def _chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next(filter(None, map(shutil.which, CHROMIUMS)), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    executable = _chromium()
    if executable is None:
        message = "no Chromium: install it (apt-get install chromium-headless-shell) or name one in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return {
        **browser_type_launch_args,
        "executable_path": executable,
        # Root has no sandbox; containers have 64 MB of /dev/shm; where there is no GPU a process draws for it, which
        # took with the extensions that Debian loads an eighth of the browser's CPU.
        "args": ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--disable-extensions"],
    }


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """A bar that moves while a test waits for something else is drawn by the CPU, 60 times a second."""
    return {**browser_context_args, "reduced_motion": "reduce"}


@pytest.fixture
def page(page):
    """Whatever a test does in it: nothing may be refused by the Content-Security-Policy."""
    refused = []
    page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)
    yield page
    assert not refused or getattr(page, "refusals_are_wanted", False)


@pytest.fixture
def log_in(page, live_server, client, settings):
    """log_in(user) -> the page, at the admin's index, with that user's session."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False  # the live server speaks plain HTTP

    def _log_in(user):
        client.force_login(user)
        page.context.add_cookies(
            [
                {
                    "name": settings.SESSION_COOKIE_NAME,
                    "value": client.cookies[settings.SESSION_COOKIE_NAME].value,
                    "url": live_server.url,
                }
            ]
        )
        page.set_default_timeout(BROWSER_TIMEOUT_MS)
        page.goto(f"{live_server.url}/admin/")
        return page

    return _log_in


@pytest.fixture
def logged_in_page(log_in, django_user_model):
    return log_in(django_user_model.objects.create_superuser("operator", "operator@example.org", "not used"))
