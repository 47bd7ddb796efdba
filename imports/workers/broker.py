"""The queue as the workers fetch from it: django-q2's own, of which nothing is fetched while everything is paused.

What waits there keeps its place, and is fetched when the pause is over.
"""

from time import sleep

from django.utils import timezone
from django_q.brokers.orm import ORM
from django_q.conf import Conf

from imports.archive.pause_model import Pause
from imports.workers.standstill import GOES_ON


class PausableQueue(ORM):
    """Named by Q_CLUSTER["broker_class"]."""

    def dequeue(self):
        """While paused what goes on all the same, one at a time. One query more than django-q2 each half second."""
        if Pause.objects.filter(is_active=True).exists():
            return self._what_goes_on()
        return super().dequeue()

    def _what_goes_on(self):
        waiting = self.get_connection().filter(key=self.list_key, lock__lt=timezone.now()).order_by("id")
        for row in waiting:
            if not str(row.task.get("func", "")).startswith(GOES_ON):
                continue
            if self.get_connection().filter(pk=row.pk, lock=row.lock).update(lock=self.timeout(row)):
                return [(row.pk, row.payload)]
        sleep(Conf.POLL)
        return None
