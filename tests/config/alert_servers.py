"""A mail server and a web server on loopback that keep what they are given, and refuse when they are told to."""

import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class MailServer(socketserver.ThreadingTCPServer):
    """As much of SMTP as smtplib speaks. `refusal`: what it answers to MAIL in place of 250."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Smtp)
        self.mails: list[EmailMessage] = []
        self.refusal = ""


class _Smtp(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self._say("220 loopback")
        for line in self.rfile:
            verb = line[:4].upper()
            if verb == b"DATA":
                self._say("354 go on")
                lines = iter(self.rfile.readline, b".\r\n")
                data = b"".join(each.removeprefix(b".") if each.startswith(b"..") else each for each in lines)
                self.server.mails.append(message_from_bytes(data, policy=policy.default))
                self._say("250 taken")
            elif verb == b"MAIL" and self.server.refusal:
                self._say(self.server.refusal)
            elif verb == b"QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


class WebhookServer(ThreadingHTTPServer):
    """`status`: what it answers to a POST."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _Webhook)
        self.posts: list[dict] = []
        self.paths: list[str] = []
        self.status = 200


class _Webhook(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.paths.append(self.path)
        if self.server.status == 200:
            self.server.posts.append(json.loads(body))
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        if self.server.status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *args) -> None:
        pass


@contextmanager
def served(server: socketserver.BaseServer) -> Iterator[socketserver.BaseServer]:
    """Runs it in a thread."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
