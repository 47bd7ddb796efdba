"""An HTTP server on loopback that answers by a function, and breaks its answers in the ways networks do.

Used in front of the S3 server and as the live API: `answers` maps a request to what is sent, `faults` lists what
goes wrong first, one fault a request, for paths that match.
"""

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import requests

from tests.waiting import HANG_SECONDS

# When a request may come is an instant, which a busy machine may miss by as much as it likes: too early is wrong. It is
# reckoned by the database's clock, which may go by its last tick.
CLOCKS_APART = timedelta(milliseconds=10)


@dataclass
class Answer:
    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Fault:
    """kind: status (send `answer` instead), cut (half the body, then close), stall (half, then silence for as long as
    the client stays), trickle (a byte every `seconds`), reset (close without an answer), before (answer as ever), mute
    (not a byte for as long as the client stays), head (the headers trickle), endless (the body, again and again, with
    no length and no end).

    `act` is called when such a request has come, before anything is sent. `finished` counts the answers of which all
    was sent: none of one that a client has given up.
    """

    kind: str
    path: str = ""
    times: int = 1
    answer: Answer = field(default_factory=Answer)
    seconds: float = 0.0
    act: Callable[[], None] = lambda: None
    finished: int = 0


class FaultServer:
    def __init__(self, answers: Callable[[str, dict[str, str]], Answer]):
        self.answers = answers
        self.faults: list[Fault] = []
        self.requests: list[tuple[datetime, str, dict[str, str]]] = []  # when it came, path with query, headers
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def came(self) -> list[datetime]:
        return [at for at, _, _ in self.requests]

    def paths(self) -> list[str]:
        return [path for _, path, _ in self.requests]

    def take_fault(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.times > 0 and re.search(fault.path, path):
                    fault.times -= 1
                    return fault
        return None

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def fault_server(answers) -> Iterator[FaultServer]:
    server = FaultServer(answers)
    try:
        yield server
    finally:
        server.close()


def forward_to(url: str) -> Callable[[str, dict[str, str]], Answer]:
    """Answers of another server, passed on as they are."""

    def answer(path: str, headers: dict[str, str]) -> Answer:
        got = requests.get(url + path, headers=headers, timeout=HANG_SECONDS)
        kept = {k: v for k, v in got.headers.items() if k.lower() not in {"content-length", "connection", "date"}}
        return Answer(got.content, got.status_code, kept)

    return answer


class _Handler(BaseHTTPRequestHandler):
    owner: FaultServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        headers = dict(self.headers.items())
        with self.owner._lock:
            self.owner.requests.append((datetime.now(UTC), self.path, headers))
        fault = self.owner.take_fault(self.path)
        if fault is not None:
            fault.act()
        if fault is None or fault.kind == "before":
            self._send(self.owner.answers(self.path, headers))
        elif fault.kind == "status":
            self._send(fault.answer)
        elif fault.kind == "reset":
            self._hang_up()
        elif fault.kind == "mute":
            self.connection.recv(1)
            self._hang_up()
        elif fault.kind == "head":
            self._trickle(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: of a header that never ends\r\n" * 90, fault)
        elif fault.kind == "endless":
            self._without_end(self.owner.answers(self.path, headers))
        else:
            self._break_off(self.owner.answers(self.path, headers), fault)

    def _trickle(self, sent: bytes, fault: Fault) -> None:
        with suppress(OSError):  # the client gives up, which is what is being tested
            for byte in sent:
                self.wfile.write(bytes([byte]))
                time.sleep(fault.seconds)
            fault.finished += 1
        self._hang_up()

    def _without_end(self, answer: Answer) -> None:
        self.send_response(answer.status)
        self.send_header("Connection", "close")
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(OSError):
            while True:
                self.wfile.write(answer.body * max(1, 65_536 // len(answer.body)))
        self._hang_up()

    def _send(self, answer: Answer) -> None:
        self._head(answer)
        self.wfile.write(answer.body)

    def _head(self, answer: Answer) -> None:
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()

    def _break_off(self, answer: Answer, fault: Fault) -> None:
        self._head(answer)
        if fault.kind == "trickle":
            self._trickle(answer.body, fault)
            return
        with suppress(OSError):
            self.wfile.write(answer.body[: len(answer.body) // 2])
            if fault.kind == "stall":
                self.connection.recv(1)  # nothing comes before the client hangs up
        self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):  # the client may have been quicker
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args):
        """Silent: pytest shows what matters."""
