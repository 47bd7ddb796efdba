"""The queue as the workers fetch from it: django-q2's own, of which nothing is fetched while everything is paused, or
while a message that was fetched before lies in the cluster untaken.

What waits there keeps its place, and is fetched when the pause is over, by whichever cluster has a worker for it.
"""

import logging
from collections.abc import Callable
from time import sleep

from django.db import DatabaseError, connections
from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf
from django_q.models import OrmQ

from imports.archive.pause_model import Pause
from imports.archive.process import process_token
from imports.workers import fetched
from imports.workers.channel import MESSAGE_BYTES_MAX
from imports.workers.standstill import GOES_ON

AWAY_SECONDS = 3.0
UNTAKEN_SECONDS = 0.1  # all workers are busy, or one is about to take it
logger = logging.getLogger(__name__)


class PausableQueue(ORM):
    """Named by Q_CLUSTER["broker_class"]. `each_round` and `lies_untaken` are the pusher's (imports.workers.rounds)."""

    each_round: Callable[[], None] = staticmethod(lambda: None)
    lies_untaken: Callable[[], bool] = staticmethod(lambda: False)

    def dequeue(self):
        """The next message and its number, as django-q2's; None, after a moment, where there is none to be had.

        One query more than django-q2 each half second. A server that is away is waited for.
        """
        try:
            self.each_round()
            if self.lies_untaken():
                sleep(UNTAKEN_SECONDS)
                return None
            for row in self._waiting():
                if self._can_be_done(row) and fetched.fetch(row, process_token()):
                    return [(row.pk, row.payload)]
        except DatabaseError as error:
            logger.warning("the queue cannot be asked for tasks: %s", error)
            connections.close_all()
            sleep(AWAY_SECONDS)
        sleep(Conf.POLL)
        return None

    def acknowledge(self, task_id):
        super().acknowledge(task_id)
        fetched.forget(task_id)

    def _waiting(self):
        """The first message; while everything is paused, of what goes on all the same."""
        waiting = self.get_connection().filter(key=self.list_key, lock__lt=timezone.now()).order_by("id")
        if not Pause.objects.filter(is_active=True).exists():
            return waiting[: Conf.BULK]
        return [row for row in waiting if str(row.task.get("func", "")).startswith(GOES_ON)]

    def _can_be_done(self, row: OrmQ) -> bool:
        """What cannot be read would end the pusher, whenever it comes round."""
        if len(row.payload) > MESSAGE_BYTES_MAX:
            fetched.fail(row, f"its message has {len(row.payload):,} characters: {MESSAGE_BYTES_MAX:,} at most")
            return False
        if "func" not in row.task:
            fetched.fail(
                row, f"its message cannot be read ({row.task['id'][1:]}): was it queued with another SECRET_KEY?"
            )
            return False
        return True
