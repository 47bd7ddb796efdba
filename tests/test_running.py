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
    """run(source, *options) -> what pytest says of a module of that source."""

    def _run(source: str, *options: str) -> str:
        module = tmp_path / "test_shown.py"
        module.write_text(source)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--tb=short", "-c", ROOT / "pyproject.toml", *options, module],
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


def test_a_test_without_a_database_that_reaches_for_one_fails(run):
    said = run(
        """
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
    )
    assert outcomes(said) == {"passed": 1, "failed": 4, "errors": 2}, said
    assert said.count("it is marked no_database, and ") >= 4
    assert re.search(r"^FAILED .*::test_by_the_driver - Failed: it is marked no_database", said, re.MULTILINE), said


def test_a_serial_test_runs_alone(run, tmp_path):
    said = run(
        f"""
import time
import pytest

@pytest.mark.serial
@pytest.mark.parametrize("number", range(4))
def test_serial(number):
    for sign in "<>":
        with open("{tmp_path}/told", "a") as told:
            told.write(sign)
        time.sleep(0.2)

@pytest.mark.parametrize("number", range(12))
def test_other(number):
    with open("{tmp_path}/told", "a") as told:
        told.write(".")
""",
        "-n2",
    )
    assert outcomes(said) == {"passed": 16}, said
    told = (tmp_path / "told").read_text()
    assert (told.count("<>"), told.replace("<>", "")) == (4, "." * 12)


def test_a_test_that_hangs_fails_and_the_rest_is_run(run):
    said = run(
        "import time\n"
        "import pytest\n"
        "@pytest.mark.timeout(1)\n"  # and the other has all the time it needs
        "def test_hangs(): time.sleep(600)\n"
        "def test_other(): pass\n"
    )
    assert outcomes(said) == {"passed": 1, "failed": 1}, said
    assert "Timeout (>1.0s)" in said


def test_a_test_that_hangs_and_hears_no_signal_fails_too(run):
    said = run(
        "import signal, time\n"
        "import pytest\n"
        "@pytest.mark.timeout(1)\n"
        "def test_deaf():\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM])\n"
        "    time.sleep(600)\n"
        "def test_other(): pass\n",
        *("-n1", "-o", "faulthandler_timeout=3"),
    )
    assert outcomes(said) == {"passed": 1, "failed": 1}, said
    assert re.search(r"worker 'gw\d+' crashed while running '.*test_deaf'", said)
