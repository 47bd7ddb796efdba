"""Who has a message of the queue in hand: so that what a dead process had is delivered again within a minute, what a
living one is at is not, and what kills whoever takes it does not come round for ever.

django-q2 delivers a message again `retry` seconds after it was fetched (20 minutes here, since a task may take 10),
whether its worker lives or not, and as often as it kills one. Here the pusher writes down that it has fetched it, the
worker that it has taken it and ended it; the heartbeat of every worker gives back what is held by nobody.
"""

import logging
from datetime import datetime, timedelta
from functools import partial
from uuid import uuid4

from django.db import OperationalError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ, Task

from imports.workers.models import HOLDER_SILENT_SECONDS, FetchedMessage, Worker
from warehouse.server import errors
from warehouse.server.away import despite_locks
from warehouse.text import count_of

DEATHS_MAX = 3
logger = logging.getLogger(__name__)


def fetch(row: OrmQ, by: str) -> bool:
    """Fetch a message that waits, for the process token `by`. False: another cluster was faster."""
    try:
        with transaction.atomic():
            if not OrmQ.objects.filter(pk=row.pk, lock=row.lock).update(lock=_not_before()):
                return False
            FetchedMessage.objects.bulk_create(
                [FetchedMessage(message_id=row.pk, holder=by)],
                update_conflicts=True,
                update_fields=["holder", "fetched_at", "taken_at", "done_at"],
            )
    except OperationalError as error:
        if errors.is_locked(error):  # on another node of a cluster
            return False
        raise
    return True


def take(message_id: int, by: str, pusher: str) -> bool:
    """A worker takes what the pusher had fetched. False: it was given back meanwhile, and is another's."""
    return despite_locks(lambda: _taken(message_id, by, pusher))


def _taken(message_id: int, by: str, pusher: str) -> bool:
    with transaction.atomic():
        mine = FetchedMessage.objects.filter(pk=message_id, holder=pusher).update(holder=by, taken_at=Now())
        if mine:  # it may have lain behind a long task
            OrmQ.objects.filter(pk=message_id).update(lock=_not_before())
    return bool(mine)


def done(message_id: int, by: str) -> None:
    """The task of it has ended; the monitor will acknowledge it."""
    mine = FetchedMessage.objects.filter(pk=message_id, holder=by)
    despite_locks(lambda: mine.update(done_at=Now()))


def forget(message_id: int) -> None:
    """It is acknowledged."""
    FetchedMessage.objects.filter(pk=message_id).delete()


def give_back() -> list[int]:
    """Have what nobody has in hand any more delivered again; returns the messages. One query where there is none.

    Held by nobody: its holder has ended, or makes no round; or its task ended, and what came of it was lost with the
    monitor. One that DEATHS_MAX processes died with is a failed task instead.
    """
    holders = Worker.objects.filter(Worker.of_holders()).values("name")
    done_long_ago = Q(done_at__lt=Now() - timedelta(seconds=HOLDER_SILENT_SECONDS))
    lost = FetchedMessage.objects.exclude(holder="").filter(done_long_ago | ~Q(holder__in=holders))
    return [message.pk for message in lost if despite_locks(partial(_given_back, message))]


def fail(row: OrmQ, why: str) -> None:
    """Keep a message that cannot be done as a failed task, which is told to operators, and take it from the queue."""
    task, now = row.task, timezone.now()  # one that cannot be read is {"id": "*..."}
    with transaction.atomic():
        if not OrmQ.objects.filter(pk=row.pk).delete()[0]:
            return
        forget(row.pk)
        Task.objects.update_or_create(
            id=task["id"] if "func" in task else uuid4().hex,
            defaults={
                "name": f"{task.get('name') or 'message ' + str(row.pk)}"[:100],
                "func": f"{task.get('func') or 'unknown'}"[:256],
                "args": task.get("args"),
                "kwargs": task.get("kwargs"),
                "group": f"{task.get('group') or ''}"[:100] or None,
                "started": task.get("started") or now,
                "stopped": now,
                "success": False,
                "result": why,
                "attempt_count": 1,
            },
        )
    logger.error("task %s of message %s failed: %s", task.get("func"), row.pk, why)


def _given_back(message: FetchedMessage) -> bool:
    died = message.taken_at is not None and message.done_at is None  # a pusher dies of no message
    with transaction.atomic():
        seen = FetchedMessage.objects.filter(pk=message.pk, holder=message.holder, done_at=message.done_at)
        last_death = {"deaths": F("deaths") + 1, "last_death": message.holder} if died else {}
        if not seen.update(holder="", **last_death):
            return False
        row = OrmQ.objects.filter(pk=message.pk).first()
        if row is None:  # taken from the queue by somebody else
            forget(message.pk)
            return False
        if died and message.deaths + 1 >= DEATHS_MAX:
            fail(
                row,
                f"given up: {count_of(message.deaths + 1, 'process', 'processes')} died with it in hand or made no "
                f"round any more, {message.holder} the last (killed, out of memory, or stuck): see the log of then",
            )
            return False
        OrmQ.objects.filter(pk=message.pk).update(lock=timezone.now())
    logger.warning(
        "message %s is delivered again: %s, who had it, is gone or makes no round", message.pk, message.holder
    )
    return True


def _not_before() -> datetime:
    """Until then nobody else fetches it, also where the heartbeats of all workers stand still."""
    return timezone.now() + timedelta(seconds=Conf.RETRY)
