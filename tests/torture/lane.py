"""Where cycles happen: one private server, one folder, the children, and what an importer is told."""

import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import MySQLdb
from django.conf import settings

from tests.torture.children import Child, Children, Trigger
from tests.torture.server import Server

# In production 25, 5 and 20 s: what is frozen is taken over after so long.
STALE_SECONDS, BEAT_SECONDS, IDLE_SECONDS = 2.0, 0.5, 2
TEMPORARY = ("ARCHIVE_CACHE_DIR", "THEMEPARKS_CACHE_DIR", "HISTORY_DIR")


def be_in_a_hurry() -> None:
    """What waits for others waits less long: in this process and all its forks."""
    from imports.archive import checkpoint, heartbeat
    from imports.workers import heartbeat as workers_heartbeat
    from warehouse.server import turns

    checkpoint.HEARTBEAT_STALE_SECONDS = STALE_SECONDS
    heartbeat.HEARTBEAT_EVERY_SECONDS = BEAT_SECONDS
    turns.IDLE_TRANSACTION_SECONDS = IDLE_SECONDS
    workers_heartbeat.BEAT_EVERY_SECONDS = 0.5


class Lane:
    """`kills` counts what was really hit, by kind."""

    def __init__(self, folder: Path, template: Path, server: Server | None = None):
        """`server`: instead of one in this folder."""
        self.folder, self._template = folder, template
        self.server = server or Server(folder / "s")
        self.server.mount()
        self.archive = folder / "archive"
        self.kills: Counter = Counter()
        self.notes: list[str] = []
        (folder / "logs").mkdir()
        self.children = Children(folder / "logs")
        self._watcher: MySQLdb.Connection | None = None
        self.server.lead_here()
        for name in TEMPORARY:
            setattr(settings, name, str(folder / "cache"))

    def begin(self) -> None:
        """A server with an empty warehouse, and nothing of the cycle before."""
        self.children.close()
        self._forget_watcher()
        for log in (self.folder / "logs").iterdir():
            log.unlink()
        self.server.begin_as(self._template)
        self.kills, self.notes = Counter(), []

    def close(self) -> None:
        self.children.close()
        self._forget_watcher()
        self.server.close()

    # --- the server -----------------------------------------------------------------------------------------------
    def see_to_the_server(self, away_seconds: float = 0.0) -> bool:
        """Start it again where it was killed, after so long; whether it was."""
        if self.server.is_up:
            return False
        self._forget_watcher()
        time.sleep(away_seconds)
        self.server.start()
        return True

    @property
    def server_pid(self) -> int:
        return self.server.pid

    def ask(self, sql: str) -> list[tuple]:
        """By the lane's own connection, which no child has."""
        for attempt in (1, 2):
            try:
                if self._watcher is None:
                    self._watcher = self.server.connect()
                    self._watcher.autocommit(True)
                    self.children.private = [self._watcher.fileno()]
                cursor = self._watcher.cursor()
                cursor.execute(sql)
                rows = list(cursor.fetchall())
                cursor.close()
                return rows
            except MySQLdb.OperationalError:
                self._forget_watcher()
                if attempt == 2:
                    raise
        raise AssertionError

    def _forget_watcher(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
        self._watcher, self.children.private = None, []

    # --- importing ------------------------------------------------------------------------------------------------
    def is_done(self) -> bool:
        (row,) = self.ask("SELECT COUNT(*), SUM(status = 'COMPLETED') FROM import_checkpoints")
        return bool(row[0]) and row[0] == row[1]

    @staticmethod
    def stop(chance: random.Random) -> Trigger:
        """What ends nothing stops it soon, as Ctrl-C would, so that enough is left for the next strike."""
        return Trigger("commit", chance.randint(6, 24), signal=signal.SIGTERM)

    def importer(
        self,
        chance: random.Random,
        *more: str,
        trigger: Trigger | None = None,
        may_be_asked_anew: bool = True,
        **options: Any,
    ) -> Child:
        """An import begun, or gone on with, by one of the ways there are. `may_be_asked_anew`: not beside somebody who
        cancels, nor behind one that stands still with all of it done: what is asked for after that is begun anew by
        design, beside what there is of it."""
        stop = self.stop(chance)
        begun = bool(self.ask("SELECT 1 FROM import_checkpoints LIMIT 1"))
        resumed = begun and (chance.random() < 0.7 or not may_be_asked_anew or self.is_done())
        how = ["--resume"] if resumed else ["--source", str(self.archive), "--all"]
        triggers = [stop] if trigger is None else [trigger, stop]
        return self.children.manage("import_archive", *how, *more, triggers=triggers, **options)
