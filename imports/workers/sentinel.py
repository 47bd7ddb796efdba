"""The process that watches the others of a cluster: django-q2's sentinel, with what it lacks.

It starts anew what has ended, as django-q2 does, and ends what makes no round any more (imports.workers.rounds): a
frozen process of django-q2 stays for ever, with the task it has in hand, and a frozen pusher stops the cluster. What
the processes share has no lock that one of them may die with (imports.workers.channel). It looks for recurring jobs
that are due by imports.workers.scheduling.
"""

import logging
import os
import time
from multiprocessing import Value
from multiprocessing.process import BaseProcess

from django import db
from django_q.cluster import Sentinel, get_mp_context
from django_q.conf import Conf

from imports.archive.process import process_token, token_of
from imports.workers import models, parents, rounds, scheduling
from imports.workers.channel import Channel, Flag, PatientLock, Pulse, Watch
from imports.workers.models import NO_ROUND, NO_ROUND_SECONDS, Role, Worker
from warehouse.server.impatient import impatient_from_now_on

LOOK_EVERY_SECONDS = 15.0
STOP_CYCLE_SECONDS = 0.1

logger = logging.getLogger(__name__)


class WatchfulSentinel(Sentinel):
    """Runs until `stop_event`; is itself watched by the process of manage.py qcluster (imports.workers.cluster)."""

    no_round_seconds: float = NO_ROUND_SECONDS
    look_every_seconds: float = LOOK_EVERY_SECONDS

    def __init__(
        self, stop_event, start_event, cluster_id, broker, timeout, *, pulse: Pulse, parent: int, pulse_of_parent: Pulse
    ):
        parents.end_with(parent)
        impatient_from_now_on(models.DATABASE_ANSWERS_WITHIN_SECONDS)  # the pusher and the monitor, too
        super().__init__(stop_event, start_event, cluster_id, broker, timeout, start=False)
        self._pulse, self._parent, self._token_of_parent = pulse, parent, token_of(parent)
        self._watch_of_parent = Watch(pulse_of_parent)
        self._watches: dict[BaseProcess, Watch] = {}
        self._looked_at = float("-inf")
        self.task_queue, self.result_queue, self.event_out = Channel(), Channel(), Flag()
        self.start()

    # --- the processes ----------------------------------------------------------------------------------------------
    def spawn_cluster(self) -> None:
        self.pool = []
        db.connections.close_all()
        for _ in range(self.pool_size):
            self.spawn_worker()
        self.monitor = self.spawn_monitor()
        self.pusher = self.spawn_pusher()

    def spawn_worker(self) -> None:
        timer = Value("f", -1, lock=PatientLock())
        process = self._spawn(rounds.work, self.task_queue, self.result_queue, timer, self.timeout)
        process.timer = timer
        self.pool.append(process)

    def spawn_monitor(self) -> BaseProcess:
        return self._spawn(rounds.keep_results, self.result_queue, self.broker)

    def spawn_pusher(self) -> BaseProcess:
        return self._spawn(rounds.push, self.task_queue, self.event_out, self.broker)

    def _spawn(self, target, *arguments) -> BaseProcess:
        pulse = Pulse()
        process = get_mp_context().Process(target=target, args=(*arguments, pulse, os.getpid()), daemon=True)
        process.start()
        process.token = token_of(process.pid)
        self._watches[process] = Watch(pulse)
        return process

    def reincarnate(self, process: BaseProcess) -> None:
        self._watches.pop(process, None)
        ended_by_itself = process.exitcode == 0
        super().reincarnate(process)
        if process.exitcode is None:  # took longer than its task may: django-q2 only asks it to end
            process.kill()
            process.join(1)
        self._write_down(process.token, "" if ended_by_itself else _exit_in_words(process))

    # --- the rounds -------------------------------------------------------------------------------------------------
    def guard(self) -> None:
        """Until it is asked to stop. Nothing in it waits for longer than DATABASE_ANSWERS_WITHIN_SECONDS."""
        logger.info("cluster %s runs: %s workers", self.cluster_id, self.pool_size)
        self.start_event.set()
        while not self.stop_event.is_set():
            self._round()
            for process in list(self.pool):
                if not process.is_alive() or process.timer.value == 0:
                    self.reincarnate(process)
                else:
                    _count_down(process, Conf.GUARD_CYCLE)
            for process in (self.monitor, self.pusher):
                if not process.is_alive():
                    self.reincarnate(process)
            if time.monotonic() - self._looked_at >= self.look_every_seconds:
                self._looked_at = time.monotonic()
                self._look()
            self.stop_event.wait(Conf.GUARD_CYCLE)
        self.stop()

    def stop(self) -> None:
        """Everybody ends what is in hand, the pusher first, the monitor last."""
        self.event_out.set()
        self._until_ended([self.pusher])
        self.task_queue.close()
        self._until_ended(self.pool)
        self.result_queue.close()
        self._until_ended([self.monitor])
        self._write_down(process_token(), "")
        self._write_down(self._token_of_parent, "")

    def _until_ended(self, processes: list[BaseProcess]) -> None:
        while any(process.is_alive() for process in processes):
            self._round()
            for process in processes:
                if process in self.pool and _count_down(process, STOP_CYCLE_SECONDS) == 0:
                    process.kill()
            time.sleep(STOP_CYCLE_SECONDS)

    def _round(self) -> None:
        parents.end_if_gone(self._parent)
        self._pulse.beat()
        self._parent_silent_for = self._watch_of_parent.silent_for()
        for process, watch in list(self._watches.items()):
            silent_for = watch.silent_for()
            if silent_for >= self.no_round_seconds and process.is_alive():
                said = f"it had made no round for {silent_for:.0f} s"
                logger.critical("%s is ended, another takes its place: %s", process.token, said)
                process.kill()
                process.join(1)
                self._write_down(process.token, f"{NO_ROUND}: {said}")

    def _look(self) -> None:
        try:
            db.close_old_connections()
            scheduling.look(self.broker)
            Worker.seen(process_token(), "", Role.SCHEDULER)
            if self._parent_silent_for < self.no_round_seconds / 4:
                Worker.seen(self._token_of_parent, "", Role.MAIN)
        except db.DatabaseError as error:
            logger.warning("recurring jobs cannot be looked for: %s", error)
            db.connections.close_all()
        except Exception:
            logger.exception("recurring jobs cannot be looked for")

    @staticmethod
    def _write_down(token: str, by: str) -> None:
        try:
            Worker.ended([token], by)
        except db.DatabaseError:
            db.connections.close_all()


def _count_down(process: BaseProcess, seconds: float) -> float:
    """What is left to the task that a worker has in hand, or below 0: it has none."""
    timer = process.timer
    with timer.get_lock():
        if timer.value > 0:
            timer.value = max(0, timer.value - seconds)
        return timer.value


def _exit_in_words(process: BaseProcess) -> str:
    code = process.exitcode
    return f"signal {-code}" if code is not None and code < 0 else f"an error (exit status {code})"
