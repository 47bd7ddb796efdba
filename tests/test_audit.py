"""bin/audit against advisories on this machine: what is known fails it, and a service that is silent does not."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent
ADVISORY = {
    "id": "PYSEC-0000-1",
    "summary": "Made up",
    "affected": [
        {
            "package": {"name": "django", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "99.0"}]}],
        }
    ],
}


class Advisories(BaseHTTPRequestHandler):
    asked: list[str] = []
    of: dict[str, list[dict]] = {}

    def do_POST(self):
        name = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["package"]["name"]
        self.asked.append(name)
        body = json.dumps({"vulns": self.of[name]} if name in self.of else {}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@contextmanager
def advisories(**of: list[dict]) -> Iterator[str]:
    Advisories.asked, Advisories.of = [], of
    server = ThreadingHTTPServer(("127.0.0.1", 0), Advisories)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def audit(url: str, seconds: int = 60) -> tuple[int, str]:
    asked = {"PIP_AUDIT_VULNERABILITY_SERVICE": "osv", "PIP_AUDIT_OSV_URL": url, "AUDIT_SECONDS": str(seconds)}
    done = subprocess.run(
        [ROOT / "bin" / "audit"], env=os.environ | asked, text=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stdout + done.stderr


def test_what_is_known_to_be_vulnerable_fails_the_run_and_is_named_with_where_it_is_mended():
    with advisories(django=[ADVISORY]) as url:
        status, said = audit(url)
    assert status == 1, said
    assert "PYSEC-0000-1, mended in 99.0. Made up" in said
    assert {"django", "django-axes", "gunicorn", "pyarrow"} <= set(Advisories.asked)


def test_nothing_known_is_said_and_is_well():
    with advisories() as url:
        status, said = audit(url)
    assert status == 0 and ", 0 known vulnerabilities" in said, said


def test_a_service_that_is_not_there_or_silent_is_said_and_fails_nothing():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        status, said = audit(url, seconds=3)
        assert status == 0 and "LEFT OUT" in said and "no answer within 3 s" in said, said
    status, said = audit(url)
    assert status == 0 and "LEFT OUT" in said, said


def test_ci_asks():
    assert "./bin/audit" in (ROOT / ".ci" / "run").read_text()
