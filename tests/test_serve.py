"""bin/serve, run for real on the test database: web server and workers come and go together and leave nobody behind."""

import os
import signal
import socket
import subprocess
import urllib.request
import uuid
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection

from tests.imports.parents import end_with_the_parent
from tests.waiting import HANG_SECONDS, until

ROOT = Path(__file__).parent.parent
pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks for processes in /proc"),
]


@pytest.fixture
def served():
    """(bin/serve as a process, its processes): the admin answers, and the workers run."""
    mark = f"SERVED_BY_TEST={uuid.uuid4()}"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [ROOT / "bin" / "serve"],
        env={
            **os.environ,
            **dict([mark.split("=")]),
            "DATABASE_URL": _url_of_the_test_database(),
            "SECRET_KEY": "only-for-tests",
            "ALLOWED_HOSTS": "127.0.0.1",
            "SECURE_SSL_REDIRECT": "false",
            "PORT": str(port),
            "GUNICORN_CMD_ARGS": "--preload",  # Django loaded once for both of its workers
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=end_with_the_parent,  # and its two by setpriv with it
    )

    def running() -> dict[int, str]:
        return _processes_with(mark)

    try:
        until(lambda: process.poll() is not None or (_answers(port) and _workers(running()) >= 4))
        if process.poll() is not None:
            pytest.fail(f"bin/serve ended: {process.communicate()[0]}")
        yield process, running
    finally:
        for pid in running():
            os.kill(pid, signal.SIGKILL)
        process.communicate()


def test_sigterm_ends_both_and_leaves_nobody_behind(served):
    process, running = served
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 0, output
    assert running() == {}


def test_when_the_workers_are_killed_the_rest_ends_too_and_says_so(served):
    process, running = served
    workers = min(pid for pid, line in running().items() if "qcluster" in line)
    os.kill(workers, signal.SIGKILL)
    output, _ = process.communicate(timeout=HANG_SECONDS)
    assert process.returncode == 1
    assert "the worker cluster has ended by itself" in output
    assert running() == {}


def test_when_the_script_itself_is_killed_both_end(served):
    process, running = served
    process.kill()
    until(lambda: running() == {})


def _url_of_the_test_database() -> str:
    url = os.environ.get("DATABASE_URL") or settings.PRIVATE_DATABASE_URL_FILE.read_text().strip()
    return urlsplit(url)._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def _answers(port: int) -> bool:
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}/admin/login/", timeout=HANG_SECONDS).status == 200
    except OSError:
        return False


def _workers(running: dict[int, str]) -> int:
    return sum("qcluster" in line for line in running.values())


def _processes_with(mark: str) -> dict[int, str]:
    """pid -> command line of every process that has `mark` in its environment; zombies have none."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # ended meanwhile, or another user's
    return found
