"""A thread in every worker process of django-q2: it says that the worker lives, and rings for imports left lying.

The schedules of django-q2 come round once a minute at best; an import whose worker died is to be gone on with within
30 s. A worker that is killed or frozen takes its thread with it, and the threads of the others notice.
"""

import logging
import threading
import time
from datetime import timedelta

from django.db import DatabaseError, connection
from django.utils import timezone
from django_q.signals import post_execute_in_worker, post_spawn, pre_execute

from imports.archive import process
from imports.workers import queue
from imports.workers.models import Worker

LOOK_EVERY_SECONDS = 3
WORKERS_FORGOTTEN_AFTER = timedelta(days=1)

logger = logging.getLogger(__name__)


def stand_by() -> None:
    """Have every worker process start its lookout, once it has been spawned."""
    post_spawn.connect(_start, dispatch_uid="lookout")


def look(name: str, doing: str) -> None:
    """Once: say that this worker lives, forget those of yesterday, and ring for what waits."""
    Worker.seen(name, doing)
    Worker.objects.filter(seen_at__lt=timezone.now() - WORKERS_FORGOTTEN_AFTER).delete()
    queue.ring()


class Lookout(threading.Thread):
    def __init__(self):
        super().__init__(name="lookout", daemon=True)
        self.doing = ""

    def run(self) -> None:
        name = process.name()
        while True:
            try:
                look(name, self.doing)
            except DatabaseError as error:  # the server is away: a new connection is tried next time
                logger.warning("the lookout cannot reach the database: %s", error)
                connection.close()
            except Exception:  # a worker that nobody sees any more would be worse
                logger.exception("the lookout failed; it looks again")
            time.sleep(LOOK_EVERY_SECONDS)


def _start(**kwargs) -> None:
    lookout = Lookout()
    # weak=False: nobody else holds these functions
    pre_execute.connect(lambda task, **kwargs: _set(lookout, task), weak=False)
    post_execute_in_worker.connect(lambda **kwargs: _set(lookout, None), weak=False)
    lookout.start()


def _set(lookout: Lookout, task: dict | None) -> None:
    lookout.doing = "" if task is None else str(task.get("group") or task["func"])
