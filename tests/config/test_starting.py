"""What keeps a process from beginning is one line, without a traceback and without a secret, by every door."""

import json
import logging
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from config import starting
from config.environment import Environment
from config.server_away import page
from imports.workers import rounds
from tests.cutting_proxy import cutting_proxy
from tests.imports import forks
from tests.imports.processes import ROOT
from tests.nowhere import NOWHERE, NOWHERE_URL, reached_by
from warehouse.log_lines import OneObject
from warehouse.server import dialect
from warehouse.server.readiness import NotReady, ready

DOORS = {
    "manage.py": ["manage.py", "show_summary"],
    "workers": ["manage.py", "qcluster"],
    "gunicorn": ["-m", "gunicorn", "config.wsgi", "--bind", "127.0.0.1:0"],
}
SERVER_NOT_NEEDED = NOWHERE_URL.replace("nobody@", "nobody:s3cret@")


def start(door: str, **environment: str) -> subprocess.CompletedProcess:
    passed = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, *DOORS[door]]
    return subprocess.run(command, cwd=ROOT, env=passed | environment, capture_output=True, text=True, timeout=120)


# --- settings -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("door", DOORS)
def test_a_database_without_a_secret_key_is_one_line_at_every_door(door):
    done = start(door, DATABASE_URL=SERVER_NOT_NEEDED)
    assert done.returncode == (4 if door == "gunicorn" else 1)
    assert done.stdout == "" and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("SECRET_KEY is required with DATABASE_URL. Make one: ")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://me:secret/word@db/warehouse", "%2F for /"),
        ("mysql://me:word@db:secret/warehouse", "%2F for /"),
        ("postgres://me:secret@db/warehouse", "must name a MySQL or MariaDB server"),
        ("secret", "must name a MySQL or MariaDB server"),
        ("mysql://me:secret@db", "names no database"),
        ("mysql://me:secret@db/", "names no database"),
    ],
)
def test_an_address_that_cannot_be_read_is_told_without_what_may_be_its_password(url, said, recwarn):
    with pytest.raises(ImproperlyConfigured) as raised:
        Environment().database(url)
    assert said in str(raised.value) and "secret" not in str(raised.value)
    assert not recwarn.list


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("bool", "ture", "X must be true or false, and not 'ture'"),
        ("int", "two", "X must be a whole number, and not 'two'"),
        ("float", "1 GB", "X must be a number, and not '1 GB'"),
    ],
)
def test_a_value_of_another_kind_is_told_by_its_name_and_not_taken_for_false(kind, value, said, monkeypatch):
    monkeypatch.setenv("X", value)
    with pytest.raises(ImproperlyConfigured) as raised:
        getattr(Environment(), kind)("X", default=None)
    assert str(raised.value) == said


@pytest.mark.parametrize(("value", "taken"), [("", False), ("No", False), ("0", False), ("1", True), (" TRUE ", True)])
def test_the_words_for_true_and_false_are_taken(value, taken, monkeypatch):
    monkeypatch.setenv("X", value)
    assert Environment().bool("X", default=not taken) is taken


# --- .env -----------------------------------------------------------------------------------------------------------
@pytest.fixture
def env_file(tmp_path, monkeypatch):
    monkeypatch.setattr(Environment, "ENVIRON", {"KEPT": "as it was"})
    return tmp_path / ".env"


def read(path) -> str:
    """What is said of it; "" where it was read."""
    try:
        Environment().read_file(path)
    except ImproperlyConfigured as error:
        return str(error)
    return ""


def test_a_file_is_read_beside_the_environment_and_none_is_none(env_file):
    assert read(env_file) == ""
    env_file.write_text("# a note\n\nKEPT=another\r\nexport A='b c'\nD=e=f\n")
    assert read(env_file) == ""
    assert Environment.ENVIRON == {"KEPT": "as it was", "A": "b c", "D": "e=f"}


def test_a_file_that_cannot_be_read_is_told_and_not_passed_over(env_file, tmp_path):
    assert "cannot be read: Is a directory" in read(tmp_path)
    env_file.write_bytes(b"SECRET_KEY=\xff\xfe")
    assert "no text in UTF-8" in read(env_file)
    env_file.write_text("A=b\n SECRET KEY: hidden\n")
    assert read(env_file) == f"Line 2 of {env_file} is not of the form NAME=value"


@pytest.mark.skipif(os.geteuid() != 0, reason="to be another user for a moment takes root")
def test_a_file_that_this_user_may_not_read_is_told_with_who_that_is(env_file):
    env_file.write_text("SECRET_KEY=x")
    env_file.chmod(0o600)
    env_file.parent.chmod(0o755)
    for folder in list(env_file.parents)[1:-2]:
        if folder.stat().st_uid == 0 and not folder.stat().st_mode & 0o001:
            folder.chmod(folder.stat().st_mode | 0o001)
    os.seteuid(65534)
    try:
        said = read(env_file)
    finally:
        os.seteuid(0)
    assert "may not be read by user nobody" in said and "chmod 640" in said


# --- the database ---------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("door", ["workers", "web"])
def test_what_the_server_refuses_is_one_line(door):
    for changes, said in (
        ({"NAME": "not_there"}, "Unknown database 'not_there'. Make it"),
        ({"USER": "nobody_of_ours", "PASSWORD": "s3cret"}, "See user, password and database in DATABASE_URL"),
    ):
        if door == "workers":
            status, text = forks.run("qcluster", **changes)
        else:
            fork = forks.Fork(begin_web, [], **changes)
            text, status = fork.communicate()[0], fork.returncode
        assert (status, text.count("\n")) == (4 if door == "web" else 1, 1), text
        assert said in text and "s3cret" not in text


def begin_web() -> None:
    starting.begin(lambda: None)


@pytest.mark.django_db(transaction=True)
def test_workers_that_end_while_the_server_is_away_do_so_without_a_traceback():
    fork = forks.Fork(rounds.ended, ["host/1/1/0"], **reached_by(NOWHERE))
    assert (fork.communicate()[0], fork.returncode) == ("", 0)


@pytest.mark.django_db(transaction=True)
def test_a_server_that_is_too_old_is_one_line():
    """The real one, which on the way is made to say another version."""
    version = ".".join(map(str, dialect.version()))
    oldest = "10.4." if connection.mysql_is_mariadb else "5.7."
    older = oldest.ljust(len(version), "1")
    with cutting_proxy(connection) as proxy, proxy.between(connection):
        proxy.misquote(version.encode(), older.encode())
        status, text = forks.run("qcluster")
    assert (status, text.count("\n")) == (1, 1), text
    assert "is too old: " in text and f"(found {oldest}1" in text and "Use MariaDB 10.11" in text


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_not_brought_up_to_this_version_keeps_both_from_beginning():
    ready()
    newest = MigrationRecorder.Migration.objects.filter(app="imports").latest("id")
    try:
        MigrationRecorder.Migration.objects.filter(id=newest.id).update(name="0000_of_another_version")
        with pytest.raises(NotReady, match=r": 1 migrations to come\. Run manage.py deploy"):
            ready()
        status, said = forks.run("qcluster")
        assert (status, said.count("\n")) == (1, 1) and "Run manage.py deploy" in said, said
    finally:
        newest.save()


def test_a_page_of_a_site_that_is_not_let_in_any_more_says_so_without_naming_the_account(rf):
    denied = OperationalError(1045, "Access denied for user 'web'@'10.0.0.7' (using password: YES)")
    answer = page(rf.get("/admin/"), denied)
    assert answer.status_code == 503
    assert "does not let this site in" in answer.content.decode() and "10.0.0.7" not in answer.content.decode()


def test_a_missing_package_says_what_installs_it_and_a_module_of_ours_that_is_not_there_is_a_fault():
    assert "The package whitenoise is missing in" in starting.in_one_line(
        ModuleNotFoundError("No module named 'whitenoise.middleware'", name="whitenoise.middleware")
    )
    assert starting.in_one_line(ModuleNotFoundError("No module named 'imports.x'", name="imports.x")) is None
    assert starting.in_one_line(ValueError("x")) is None


# --- the log as JSON ------------------------------------------------------------------------------------------------
def test_a_record_is_an_object_on_one_line_with_its_traceback():
    try:
        raise ValueError("a\nb\x1b[2J")
    except ValueError:
        record = logging.LogRecord("imports.x", logging.ERROR, "", 0, "%s\nfailed\u202e", ("it",), sys.exc_info())
    line = OneObject().format(record)
    assert line.isascii() and line.isprintable()
    found = json.loads(line)
    assert found.pop("time").endswith("+00:00") and found.pop("process") == os.getpid()
    assert found.pop("exception").startswith("Traceback (most recent call last)")
    assert found == {"level": "ERROR", "logger": "imports.x", "message": "it\nfailed\u202e"}


def test_what_keeps_the_workers_from_beginning_is_such_a_record_too():
    done = start("workers", DATABASE_URL=SERVER_NOT_NEEDED, SECRET_KEY="x", LOG_FORMAT="json", WORKERS="0")
    assert done.returncode == 1
    assert json.loads(done.stderr)["message"] == "WORKERS must be 1 or more"
