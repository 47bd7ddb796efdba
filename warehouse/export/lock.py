"""One export at a time into one place: who is at it stands in export.lock there, with a sign of life each half minute.

Taken over is the lock of a process of this host that is gone, and any without a sign of life for ten minutes. Whoever
was only frozen, and wakes up behind that, cannot name a file: the manifest is no more the one it has read (Outdated).
"""

import json
import os
import socket
import threading
import uuid
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from warehouse.export.errors import AlreadyRunning, ExportError
from warehouse.export.target import Outdated, Target
from warehouse.text import age_in_words

NAME = "export.lock"
SIGN_OF_LIFE_SECONDS = 30.0
STALE_AFTER = timedelta(minutes=10)


class Lock:
    """A context. AlreadyRunning: somebody else is at it."""

    def __init__(self, target: Target, clock: Callable[[], datetime] = lambda: datetime.now(UTC)):
        self._target = target
        self._clock = clock
        self._who = {"host": socket.gethostname(), "pid": os.getpid(), "id": uuid.uuid4().hex}
        self._since = ""
        self._version: str | None = None
        self._ended = threading.Event()
        self._living = threading.Thread(target=self._live, daemon=True, name="export lock")

    def __enter__(self) -> "Lock":
        found = self._target.read(NAME)
        self._version = found[1] if found else None
        if found:
            self._refuse_if_alive(found[0])
        self._since = self._clock().isoformat(timespec="seconds")
        try:
            self._write()
        except Outdated as error:
            raise AlreadyRunning(f"{self._target.url}: another export has just begun; one at a time") from error
        self._living.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ended.set()
        self._living.join()
        with suppress(Outdated, ExportError):
            self._target.swap(NAME, b"{}\n", self._version)
            # now nobody's: a file that says so harms nobody, where removing it might remove another's

    def _refuse_if_alive(self, content: bytes) -> None:
        try:
            holder: dict[str, Any] = json.loads(content)
            host, pid, alive_at = str(holder["host"]), int(holder["pid"]), datetime.fromisoformat(holder["alive_at"])
        except (ValueError, KeyError, TypeError):
            return  # nobody's
        age = self._clock() - alive_at
        if age > STALE_AFTER or (host == self._who["host"] and not _runs(pid)):
            return
        raise AlreadyRunning(
            f"{self._target.url}: another export is at it (process {pid} on {host}, since {holder.get('since')}, last "
            f"sign of life {age_in_words(age.total_seconds())} ago). If it is gone, its lock is taken over "
            f"{STALE_AFTER.seconds // 60} min after its last sign of life"
        )

    def _write(self) -> None:
        said = {**self._who, "since": self._since, "alive_at": self._clock().isoformat(timespec="seconds")}
        self._version = self._target.swap(NAME, json.dumps(said).encode() + b"\n", self._version)

    def _live(self) -> None:
        while not self._ended.wait(SIGN_OF_LIFE_SECONDS):
            with suppress(Outdated, ExportError):  # the manifest shows whether the lock was lost
                self._write()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
