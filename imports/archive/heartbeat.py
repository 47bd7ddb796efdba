"""The sign of life of a run, given by a thread while files are being loaded."""

import threading

from django.db import DatabaseError, connection

from imports.archive.checkpoint import HEARTBEAT_EVERY_SECONDS
from imports.archive.run import ImportRun


class Heartbeat:
    """Says on a connection of its own that the run lives, also while a long file is being loaded."""

    def __init__(self, run: ImportRun):
        self._run = run
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> "Heartbeat":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join(timeout=HEARTBEAT_EVERY_SECONDS)

    def _beat(self) -> None:
        try:
            while not self._stop.wait(HEARTBEAT_EVERY_SECONDS):
                try:
                    for checkpoint in list(self._run.checkpoints):
                        checkpoint.beat()
                except DatabaseError:
                    # the server is away: the run itself finds out and says so; a new connection is tried next time
                    connection.close()
        finally:
            connection.close()
