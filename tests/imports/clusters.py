"""Clusters of django-q2 on the test database, each in a session of its own, forked as tests.imports.forks are.

Nobody is left of them when the process that runs the tests has gone.
"""

import os
import signal
import sys
from contextlib import suppress
from pathlib import Path

from tests.imports import forks, parents


class Cluster:
    """`pid` is that of its first process, and the number of the process group of all of them."""

    def __init__(
        self,
        log: Path,
        *,
        workers: int = 2,
        settings: dict | None = None,
        stale_seconds: float | None = None,
        hurried: dict[str, float] | None = None,
    ):
        """`settings`: what is to be another than in config.settings; `stale_seconds`: see tests.imports.workers.

        `hurried`: for clusters whose processes are killed: nothing here ends them with their parent but what they do
        themselves, and these of their times are others (see `_hurry`).
        """
        self._fork = forks.Fork(_run, [str(log), workers, stale_seconds, hurried], settings=settings)
        assert self._fork.reads("\n"), log.read_text()  # it has its session
        self.pid = self._fork.pid
        self._killed = False

    def kill(self) -> None:
        """All of it, once: by the second time its number may be somebody else's."""
        if self._killed:
            return
        self._killed = True
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGCONT)
            os.killpg(self.pid, signal.SIGKILL)
        self._fork.communicate(timeout=60)


def _run(log: str, workers: int, stale_seconds: float | None, hurried: dict[str, float] | None) -> None:
    os.setsid()
    if hurried is None:
        parents.end_with_the_parent_and_so_do_all_that_are_forked()
    else:
        _hurry(**hurried)
    sys.stdout.write("\n")  # which is line buffered
    with open(log, "w") as file:
        for number in (1, 2):
            os.dup2(file.fileno(), number)
    from django.core.management import call_command
    from django_q.conf import Conf

    if stale_seconds is not None:
        from imports.archive import checkpoint, heartbeat
        from warehouse.server import turns

        checkpoint.HEARTBEAT_STALE_SECONDS = stale_seconds
        heartbeat.HEARTBEAT_EVERY_SECONDS = 1
        turns.IDLE_TRANSACTION_SECONDS = 3
    Conf.WORKERS = Conf.QUEUE_LIMIT = workers
    sys.argv = ["manage.py", "qcluster"]
    call_command("qcluster")


def _hurry(*, no_round: float, look: float, beat: float, holder_silent: float, on_its_way: float, asks: int) -> None:
    """Seconds: without a round, between two looks for what is due and two signs of life, until a message is given back
    whose holder is silent or dead, and of a question."""
    from imports.workers import cluster, heartbeat, models, rounds, sentinel

    cluster.WatchedCluster.no_round_seconds = sentinel.WatchfulSentinel.no_round_seconds = no_round
    sentinel.WatchfulSentinel.look_every_seconds = look
    models.HOLDER_SILENT_SECONDS = holder_silent
    models.RESULT_ON_ITS_WAY_SECONDS = on_its_way
    models.DATABASE_ANSWERS_WITHIN_SECONDS = asks
    heartbeat.BEAT_EVERY_SECONDS = rounds.SAID_EVERY_SECONDS = beat
