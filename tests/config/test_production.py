"""The settings that docs/operations.md gives for production, as written there; and what is told where they are not."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.utils import get_random_secret_key

from config.checks import check_secret_files, check_transport

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parents[2]
SETTINGS = str(ROOT / "config" / "settings.py")


def documented() -> dict[str, str]:
    section = (ROOT / "docs" / "operations.md").read_text().split("## In production", 1)[1].split("\n## ", 1)[0]
    found = dict(re.findall(r"^    ([A-Z_]+)=(\S+)$", section, re.MULTILINE))
    assert {"DATABASE_URL", "SECRET_KEY", "BEHIND_TLS_PROXY"} <= set(found)
    return found | {"SECRET_KEY": f"${get_random_secret_key()}"}  # may begin so


def test_the_check_for_deployment_has_nothing_to_say_of_them():
    environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    done = subprocess.run(command, cwd=ROOT, env=environment | documented(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


def settings_with(monkeypatch, **variables: str) -> dict:
    for name in ("SECURE_SSL_REDIRECT", "SECURE_COOKIES", "SECURE_HSTS_SECONDS", "BEHIND_TLS_PROXY", "PROXIES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return runpy.run_path(SETTINGS)


def test_behind_a_proxy_https_is_asked_for_without_more_being_set(monkeypatch):
    found = settings_with(monkeypatch, **documented())
    assert found["SECURE_SSL_REDIRECT"] and found["SESSION_COOKIE_SECURE"] and found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] == 30 * 86_400
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")


def test_without_a_proxy_no_header_of_one_is_believed_and_cookies_want_https_all_the_same(monkeypatch):
    found = settings_with(monkeypatch, **(documented() | {"BEHIND_TLS_PROXY": "false"}))
    assert found["SESSION_COOKIE_SECURE"] and not found["SECURE_SSL_REDIRECT"] and not found["SECURE_HSTS_SECONDS"]
    assert "SECURE_PROXY_SSL_HEADER" not in found


def test_without_a_proxy_the_check_says_what_to_do(settings):
    settings.DEBUG = settings.PRIVATE_DATABASE = settings.BEHIND_TLS_PROXY = False
    (told,) = check_transport(None)
    assert told.id == "desk.W401" and "BEHIND_TLS_PROXY" in told.hint
    settings.BEHIND_TLS_PROXY = True
    assert not check_transport(None)
    settings.BEHIND_TLS_PROXY, settings.PRIVATE_DATABASE = False, True
    assert not check_transport(None)


def test_a_file_with_secrets_that_others_may_read_is_told(settings, tmp_path):
    settings.ENV_FILE = tmp_path / ".env"
    settings.PRIVATE_SECRET_KEY_FILE, settings.PRIVATE_DATABASE_URL_FILE = tmp_path / "key", tmp_path / "db" / "url"
    tmp_path.chmod(0o755)
    assert not check_secret_files(None)
    (tmp_path / "db").mkdir(mode=0o700)
    for path in (tmp_path / ".env", tmp_path / "key", tmp_path / "db" / "url"):
        path.write_text("SECRET_KEY=x")
        path.chmod(0o644)
    told = check_secret_files(None)
    assert [(each.id, each.hint) for each in told] == [
        ("desk.W402", f"chmod 600 {tmp_path / '.env'}"),
        ("desk.W402", f"chmod 600 {tmp_path / 'key'}"),
    ]
    (tmp_path / ".env").chmod(0o640)  # for a group that the service belongs to
    (tmp_path / "key").chmod(0o600)
    assert not check_secret_files(None)


def test_the_way_to_make_an_env_file_that_is_told_leaves_it_to_its_owner():
    for name in ("README.md", ".env.example", "docs/operations.md"):
        text = " ".join((ROOT / name).read_text().replace("#", "").split())
        assert "install -m 600 .env.example .env" in text, name
        assert "cp .env.example" not in text
