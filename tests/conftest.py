"""What every test needs: the real database that bin/test provides, and a real Chromium for the tests marked `browser`.

A browser test asks for `logged_in_page` (a superuser's) or calls `log_in(user)`. pytest-playwright does the rest: it
waits by itself, and `--tracing retain-on-failure` or `--headed` show what a test saw.
"""

import os
import shutil
from pathlib import Path

import pytest

# Playwright's sync API runs an event loop in this thread, in which Django would refuse the test's own queries.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

BROWSER_TIMEOUT_MS = 10_000


def _chromium() -> str | None:
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).exists() else None
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args):
    executable = _chromium()
    if executable is None:
        message = "no Chromium: install it (apt-get install chromium) or name one in CHROMIUM"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return {
        **browser_type_launch_args,
        "executable_path": executable,
        "args": ["--no-sandbox", "--disable-dev-shm-usage"],  # root has no sandbox; containers have 64 MB of /dev/shm
    }


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
