"""deploy/*.service and *.socket: what systemd says of them, and what they start is what this version has."""

import configparser
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from config.settings import Q_CLUSTER

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
UNITS = sorted([*(ROOT / "deploy").glob("*.service"), *(ROOT / "deploy").glob("*.socket")])
SERVICES = [path for path in UNITS if path.suffix == ".service"]
HARDEST = 2.0  # of 10, by which systemd-analyze says how much of the machine a service could reach


@pytest.fixture(scope="module")
def systemd_analyze() -> str:
    found = shutil.which("systemd-analyze")
    if found is None:
        message = "no systemd-analyze: install systemd, which need not run"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder with the units, as docs/running.md installs them, with this clone in the place of /srv/warehouse."""
    folder = tmp_path_factory.mktemp("units")
    for path in UNITS:
        (folder / path.name).write_text(path.read_text().replace("/srv/warehouse", str(ROOT)))
    return folder


def lines_of(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(path)
    return parser


def test_systemd_takes_them_without_a_word(systemd_analyze, installed):
    done = subprocess.run(
        [systemd_analyze, "verify", "--man=no", *(installed / path.name for path in UNITS)],
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem)
def test_a_service_reaches_little_of_the_machine(service, systemd_analyze):
    done = subprocess.run(
        [systemd_analyze, "security", "--offline=true", f"--threshold={HARDEST * 10:.0f}", service],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES, ids=lambda path: path.stem)
def test_a_stop_leaves_time_to_end_what_is_in_hand(service):
    found = lines_of(service)["Service"]
    assert found["KillMode"] == "mixed"
    longest = Q_CLUSTER["timeout"] if "qcluster" in found["ExecStart"] else 30  # gunicorn's graceful_timeout
    assert int(found["TimeoutStopSec"]) > longest


def test_what_they_start_is_there():
    for service in SERVICES:
        for word in re.findall(r"/srv/warehouse/(\S+)|\b(manage\.py)\b", service.read_text()):
            for path in filter(None, word):
                assert (ROOT / path).exists() or path == "var", path
