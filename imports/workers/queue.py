"""Imports in the hands of the workers: who is next, and the tickets that call a worker to it.

django-q2 is a doorbell here. What waits, since when and how far it has come stands in the checkpoints; a ticket (a
task of its queue) names the checkpoints of one run with their generations, and is void as soon as one was claimed.
So a ticket that is delivered twice, late or beside another one does nothing, and one that got lost is rung again.

Tickets are few, as many as there are workers: with a hundred imports in the queue the recurring jobs would wait for
fifty slices. Who has waited longest gets the next one.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from imports.archive import planning
from imports.archive.checkpoint import HEARTBEAT_AGE, ImportCheckpoint
from imports.archive.transitions import ImportStatus
from imports.workers.models import Worker

TASK = "imports.tasks.import_slice"
# One file may take long where a bucket stalls (5 minutes of retries). django-q2 ends a task that takes longer.
SLICE_TIMEOUT_SECONDS = 600
# A fetched ticket lies in the memory of a cluster for a slice or two. After that its cluster is dead.
FETCHED_TICKET_GOOD_SECONDS = 90

#: checkpoint_id and generation of each import of a run
Ticket = Sequence[Sequence[int]]


def hand_over(checkpoints: Iterable[ImportCheckpoint]) -> None:
    """Give imports to the workers, all or none. TransitionRefused: one of them cannot go on, or is in their hands."""
    with transaction.atomic():
        for checkpoint in sorted(checkpoints, key=lambda checkpoint: checkpoint.park_id):
            checkpoint.queue()
        ring()


def ring(now: datetime | None = None) -> int:
    """See to it that every free worker finds a ticket, as long as imports wait; returns how many were added.

    Called whenever an import is handed over or put back, and every few seconds by every worker
    (imports.workers.heartbeat).
    """
    checkpoints = waiting()
    if not checkpoints:
        return 0
    current = {(checkpoint.pk, checkpoint.generation) for checkpoint in checkpoints}
    good = [called for ticket in _good_tickets(now or timezone.now()) if (called := current & ticket)]
    rung = set().union(*good)
    free = max(1, Worker.alive().count()) - len(good)
    added = 0
    with transaction.atomic():  # inside one the broker leaves our connection alone
        for group in planning.groups(checkpoints):
            if added >= free:
                break
            if any((checkpoint.pk, checkpoint.generation) not in rung for checkpoint in group):
                _ring_for(group)
                added += 1
    return added


def waiting() -> list[ImportCheckpoint]:
    """The imports that the workers should go on with and nobody is at, the longest waiting first."""
    found = (
        ImportCheckpoint.objects.filter(
            queued_at__isnull=False, status__in=[ImportStatus.PENDING, ImportStatus.IN_PROGRESS]
        )
        .select_related("park")
        .annotate(heartbeat_age=HEARTBEAT_AGE)
        .order_by("queued_at", "checkpoint_id")
    )
    return [checkpoint for checkpoint in found if not checkpoint.lives(checkpoint.heartbeat_age)]


def called_by(ticket: Ticket) -> list[ImportCheckpoint]:
    """The imports of a ticket that are still to be gone on with; none: the ticket is void."""
    generations = dict(ticket)
    return [checkpoint for checkpoint in waiting() if generations.get(checkpoint.pk) == checkpoint.generation]


def oldest_ticket(now: datetime) -> timedelta | None:
    """For how long the first task of the queue, of whatever kind, has been left lying there; None: it is empty."""
    added_at = OrmQ.objects.filter(lock__lte=now).order_by("id").values_list("lock", flat=True).first()
    return None if added_at is None else now - added_at


def _ring_for(group: list[ImportCheckpoint]) -> None:
    async_task(
        TASK,
        [[checkpoint.pk, checkpoint.generation] for checkpoint in group],
        group=f"import of {group[0].park}"[:100],
        timeout=SLICE_TIMEOUT_SECONDS,
        save=False,  # what came of it stands in the checkpoint; failures are kept
    )


def _good_tickets(now: datetime) -> list[set[tuple[int, int]]]:
    """What the tickets call that lie in the queue, or that a cluster fetched a moment ago."""
    # `lock` is when a task was put into the queue, and from its fetching on, when it will be handed out again
    fetched_long_ago = now + timedelta(seconds=settings.Q_CLUSTER["retry"] - FETCHED_TICKET_GOOD_SECONDS)
    return [
        {(checkpoint_id, generation) for checkpoint_id, generation in row.task["args"][0]}
        for row in OrmQ.objects.filter(key=Conf.CLUSTER_NAME)
        if row.task.get("func") == TASK and not now < row.lock < fetched_long_ago
    ]
