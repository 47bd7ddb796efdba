"""The main process of a cluster: it starts the sentinel, watches it, and starts another one when it has died or makes
no round any more. So a cluster lives as long as this process, whatever becomes of the others.
"""

import logging
import os
import signal
import time
from collections.abc import Callable

from django_q.brokers import get_broker
from django_q.cluster import Cluster, get_mp_context

from imports.workers.channel import Flag, Pulse, Watch
from imports.workers.models import NO_ROUND_SECONDS
from imports.workers.sentinel import WatchfulSentinel

LOOK_EVERY_SECONDS = 0.5
#: a sentinel that ends by an error sooner is not worth another one for ever; one that is killed is
SHORT_LIVED_SECONDS = 60.0
SHORT_LIVES_MAX = 3

logger = logging.getLogger(__name__)


class ClusterEnded(Exception):
    """No sentinel lives for long; the message says how they ended."""


class WatchedCluster(Cluster):
    """Of the process that calls: SIGTERM and SIGINT end it when what is in hand is done. It has neither connection nor
    thread, since what it forks would share them."""

    no_round_seconds: float = NO_ROUND_SECONDS

    def __init__(self) -> None:
        super().__init__()
        self._pulse = Pulse()
        self.stop_event, self.start_event = Flag(), Flag()

    def start(self) -> int:
        """Start the sentinel, and wait until it runs. ClusterEnded: it cannot."""
        self._start_sentinel()
        while not self.start_event.is_set() and self.sentinel.is_alive():
            time.sleep(0.1)
        if not self.start_event.is_set() and self.sentinel.exitcode:
            raise ClusterEnded(f"the workers cannot be started: their sentinel ended by {self._exit()}")
        return self.pid

    def stop(self) -> bool:
        """Ask the sentinel to end; it is waited for by `watch`."""
        self.stop_event.set()
        return True

    def watch(self, says: Callable[[str], object]) -> None:
        """Until the sentinel has been asked to end, and has. ClusterEnded: it dies whenever it is started."""
        short_lives = 0
        while True:
            self._pulse.beat()
            self.sentinel.join(LOOK_EVERY_SECONDS)
            if self.sentinel.is_alive():
                silent_for = self._watch.silent_for()
                if silent_for < self.no_round_seconds:
                    continue
                says(f"The sentinel of the workers made no round for {silent_for:.0f} s and is ended")
                self.sentinel.kill()
                self.sentinel.join()
            if self.stop_event.is_set():
                return
            failed = self.sentinel.exitcode > 0 and time.monotonic() - self._began < SHORT_LIVED_SECONDS
            short_lives = short_lives + 1 if failed else 0
            ended = f"The sentinel of the workers ended by {self._exit()}, and its workers with it"
            if short_lives >= SHORT_LIVES_MAX:
                raise ClusterEnded(f"{ended}, for the {short_lives}rd time in a row")
            says(f"{ended}; another is started, and goes on with what they had in hand")
            self._start_sentinel()

    def _start_sentinel(self) -> None:
        pulse = Pulse()
        self.sentinel = get_mp_context().Process(
            target=WatchfulSentinel,
            args=(self.stop_event, self.start_event, self.cluster_id, get_broker(), self.timeout),
            kwargs={"pulse": pulse, "parent": os.getpid(), "pulse_of_parent": self._pulse},
        )
        self.sentinel.start()
        self._watch, self._began = Watch(pulse), time.monotonic()

    def _exit(self) -> str:
        code = self.sentinel.exitcode or 0
        return f"signal {-code} ({signal.Signals(-code).name})" if code < 0 else f"an error (exit status {code})"
