"""The heartbeat of a worker process of django-q2, which also is the reaper of imports whose worker died.

The schedules of django-q2 come round once a minute at best; an import whose worker died is to be gone on with within
30 s. A worker that is killed or frozen takes this thread with it, and the threads of the others notice.
"""

import itertools
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.models import Failure
from django_q.signals import post_execute_in_worker, pre_execute

from imports.archive.process import process_token
from imports.workers import fetched, models, parents, queue, schedules
from imports.workers.channel import Pulse
from imports.workers.models import Worker
from warehouse.server.impatient import impatient_from_now_on

BEAT_EVERY_SECONDS = 3
WORKERS_FORGOTTEN_AFTER = timedelta(days=1)
# 15 s: django-q2 looks for what is due 30 s after its start and every 30 s from then on
LOOK_AT_SCHEDULES_EVERY = 5
# After a server that was away for all: the others are given this long to say that they live before what they have in
# hand is given back.
BEATS_BEFORE_GIVING_BACK = 4
FAILURES_FORGOTTEN_AFTER = timedelta(days=90)  # django-q2 forgets none

logger = logging.getLogger(__name__)


def beat(worker: str, doing: str, *, gives_back: bool = True) -> None:
    """Say once that the worker of this process token lives, forget those of yesterday, give back what the dead had in
    hand, and dispatch what waits.

    `doing`: the task in hand, "" for none. `gives_back`: False where it cannot be told yet who is dead. DatabaseError:
    the server is away.
    """
    Worker.seen(worker, doing)
    Worker.bury()
    if gives_back:
        fetched.give_back()
    Worker.objects.filter(seen_at__lt=timezone.now() - WORKERS_FORGOTTEN_AFTER).delete()
    queue.dispatch()


class WorkerHeartbeat(threading.Thread):
    """Beats every BEAT_EVERY_SECONDS, as long as the process lives. `doing`: the task in hand, "" for none.

    `pulse`: the same to the sentinel, `parent`, without which the process ends.
    """

    def __init__(self, pulse: Pulse, parent: int):
        super().__init__(name="worker-heartbeat", daemon=True)
        self.doing = ""
        self._pulse, self._parent = pulse, parent

    def run(self) -> None:
        """Never returns, and never raises: a worker that nobody sees any more would be worse."""
        worker = process_token()
        impatient_from_now_on(models.DATABASE_ANSWERS_WITHIN_SECONDS)
        regular, last = 0, time.monotonic()
        for n in itertools.count():
            parents.end_if_gone(self._parent)
            self._pulse.beat()
            try:
                if n % LOOK_AT_SCHEDULES_EVERY == 0:
                    schedules.mend_and_log()
                    Failure.objects.filter(stopped__lt=timezone.now() - FAILURES_FORGOTTEN_AFTER).delete()
                beat(worker, self.doing, gives_back=regular >= BEATS_BEFORE_GIVING_BACK)
                now = time.monotonic()
                regular, last = regular + 1 if now - last < models.WORKER_STALE_SECONDS / 2 else 0, now
            except DatabaseError as error:  # the server is away: a new connection is tried next time
                logger.warning("the worker's heartbeat cannot reach the database: %s", error)
                connection.close()
            except Exception:
                logger.exception("the worker's heartbeat failed; it tries again")
            time.sleep(BEAT_EVERY_SECONDS)


def start(pulse: Pulse, parent: int, task_ended: Callable[[], None]) -> None:
    """In a worker, when it begins. `task_ended` is called when a task has, before what came of it is sent on."""
    heartbeat = WorkerHeartbeat(pulse, parent)

    def ended(**kwargs) -> None:
        task_ended()
        _set(heartbeat, None)

    # weak=False: nobody else holds these functions
    pre_execute.connect(lambda task, **kwargs: _set(heartbeat, task), weak=False)
    post_execute_in_worker.connect(ended, weak=False)
    heartbeat.start()


def _set(heartbeat: WorkerHeartbeat, task: dict | None) -> None:
    heartbeat.doing = "" if task is None else str(task.get("group") or task["func"])
