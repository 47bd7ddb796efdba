"""How tests are run: what a mark promises is kept, and nothing hangs. Shown on small modules that pytest runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
# Those that matter here: to load all that are installed takes a second of CPU a process.
PLUGINS = ["pytest_django.plugin", "pytest_timeout", "xdist.plugin", "tests.conftest"]


@pytest.fixture
def run(tmp_path):
    """run({name: source}, *options) -> what pytest says of modules of those names and sources."""

    def _run(sources: dict[str, str], *options: str) -> str:
        modules = [tmp_path / f"test_{name}.py" for name in sources]
        for module, source in zip(modules, sources.values(), strict=True):
            module.write_text(source)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--tb=short", "-c", ROOT / "pyproject.toml", *options, *modules],
            cwd=ROOT,
            env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_PLUGINS": ",".join(PLUGINS)},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        return done.stdout

    return _run


def outcomes(said: str) -> dict[str, int]:
    """As the closing line counts them: {"passed": 2, "failed": 1}."""
    closing = said.rstrip().splitlines()[-1]
    return {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|errors?)\b", closing)}


NO_DATABASE = """
import subprocess, sys
import MySQLdb, pytest
from django.db import connection

pytestmark = pytest.mark.no_database

def test_it_asks_for_nothing(): pass
def test_by_a_fixture(db): pass
@pytest.mark.django_db
def test_by_a_mark(): pass
def test_by_a_fixture_later(request): request.getfixturevalue("transactional_db")
def test_by_django(): connection.ensure_connection()
def test_by_the_driver(): MySQLdb.connect()
def test_in_a_process(): subprocess.run([sys.executable, "manage.py", "migrate", "--check"], check=True)
"""
HANGS = """
import time
import pytest

@pytest.mark.timeout(1)
def test_hangs(): time.sleep(600)
def test_other(): pass
"""  # and the other has all the time it needs


# Two runs for four promises: a process that runs tests takes 1.5 s of CPU until it begins.
def test_in_one_process_what_reaches_for_a_database_fails_and_so_does_what_hangs_and_the_rest_is_run(run):
    said = run({"database": NO_DATABASE, "hangs": HANGS})
    assert outcomes(said) == {"passed": 2, "failed": 5, "errors": 2}, said
    assert said.count("it is marked no_database, and ") >= 4
    assert re.search(r"^FAILED .*::test_by_the_driver - Failed: it is marked no_database", said, re.MULTILINE), said
    failed = set(re.findall(r"^(?:FAILED|ERROR) .*::(\w+)", said, re.MULTILINE))
    by = {"a_fixture", "a_mark", "a_fixture_later", "django", "the_driver"}
    assert failed == {"test_hangs", "test_in_a_process", *(f"test_by_{name}" for name in by)}, said
    assert "Timeout (>1.0s)" in said


SERIAL = """
import time
import pytest

@pytest.mark.serial
@pytest.mark.parametrize("number", range(4))
def test_serial(number):
    for sign in "<>":
        with open("{told}", "a") as told:
            told.write(sign)
        time.sleep(0.2)

@pytest.mark.parametrize("number", range(12))
def test_other(number):
    with open("{told}", "a") as told:
        told.write(".")
"""
DEAF = """
import signal, time
import pytest

@pytest.mark.timeout(1)
def test_deaf():
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])
    time.sleep(600)
def test_other(): pass
"""


def test_in_several_a_serial_test_runs_alone_and_one_that_hangs_and_hears_no_signal_fails_too(run, tmp_path):
    said = run(
        {"serial": SERIAL.format(told=tmp_path / "told"), "deaf": DEAF},
        *("-n2", "-o", "faulthandler_timeout=3"),
    )
    assert outcomes(said) == {"passed": 17, "failed": 1}, said
    told = (tmp_path / "told").read_text()
    assert (told.count("<>"), told.replace("<>", "")) == (4, "." * 12)
    assert re.search(r"worker 'gw\d+' crashed while running '.*test_deaf'", said)
