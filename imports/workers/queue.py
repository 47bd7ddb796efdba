"""The queue of imports: which wait, and the messages by which a worker is told to go on with one.

django-q2 only delivers, at least once. What waits, since when and how far it has come stands in the checkpoints; a
message (a task of its queue) names the checkpoints of one run with their generations, and each of these is stale as
soon as the import was claimed. So a message that is delivered twice, late or beside another one does nothing, and one
that got lost is sent again.

Messages are few, as many as there are workers: with a hundred imports in the queue the recurring jobs would wait for
fifty slices. Who has waited longest gets the next one.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import OrmQ
from django_q.tasks import async_task

from imports.archive import beginning
from imports.archive.checkpoint import HEARTBEAT_AGE, ImportCheckpoint
from imports.archive.run import ImportRun
from imports.archive.transitions import ImportStatus
from imports.workers.models import Worker
from warehouse.server.away import once
from warehouse.server.turns import brief_transaction

TASK = "imports.tasks.import_slice"
# One file may take long where a bucket stalls (5 minutes of retries). django-q2 ends a task that takes longer.
SLICE_TIMEOUT_SECONDS = 600
# A fetched message lies in the memory of a cluster for a slice or two. After that its cluster is dead.
FETCHED_MESSAGE_LOST_SECONDS = 90

#: [checkpoint_id, generation] of each import of a run: the one argument of TASK
Message = Sequence[Sequence[int]]


def enqueue(checkpoints: Iterable[ImportCheckpoint]) -> None:
    """Queue imports for the workers, all or none. TransitionRefused: one of them cannot go on, or is queued already."""
    in_order = sorted(checkpoints, key=lambda checkpoint: checkpoint.park_id)
    as_loaded = [dict(vars(checkpoint)) for checkpoint in in_order]

    def queue_all() -> None:
        with brief_transaction():
            for checkpoint, loaded in zip(in_order, as_loaded, strict=True):
                vars(checkpoint).update(loaded)  # where it is done again, it was read as it never was
                checkpoint.queue()
            dispatch()

    def are_queued() -> bool:
        for checkpoint in in_order:
            checkpoint.refresh_from_db()
        return all(checkpoint.queued_at is not None for checkpoint in in_order)

    once(queue_all, are_queued)


def why_not_queued(runs: Iterable[ImportRun]) -> str:
    """A sentence about those that no import stands for, since no park of them is known; empty: there are none."""
    unknown = [run for run in runs if not run.checkpoints]
    troubles = [run.troubles[0] for run in unknown if run.troubles]
    if troubles:
        return f"Not queued: {troubles[0]}"
    if not unknown:
        return ""
    return (
        f"No park is known of {', '.join(run.destination for run in unknown)}, nor found in the first files: import it "
        "by manage.py import_archive, without --queue, or run manage.py sync_metadata first"
    )


def dispatch(now: datetime | None = None) -> int:
    """See to it that every free worker finds a message, as long as imports wait; returns how many were sent.

    Called whenever an import is enqueued or put back, and every few seconds by every worker
    (imports.workers.heartbeat). `now` (aware; None: this moment) decides which fetched messages are lost.
    """
    checkpoints = waiting()
    if not checkpoints:
        return 0
    current = {(checkpoint.pk, checkpoint.generation) for checkpoint in checkpoints}
    under_way = [named for message in _messages(now or timezone.now()) if (named := current & message)]
    dispatched = set().union(*under_way)
    free = max(1, Worker.alive().count()) - len(under_way)
    sent = 0
    with brief_transaction():  # inside one the broker leaves our connection alone
        for group in beginning.groups(checkpoints):
            if sent >= free:
                break
            if any((checkpoint.pk, checkpoint.generation) not in dispatched for checkpoint in group):
                _send(group)
                sent += 1
    return sent


def waiting() -> list[ImportCheckpoint]:
    """The queued imports that nobody is at (new, put back, or of a worker that died), the longest waiting first; none
    whose source gives nothing yet."""
    found = (
        ImportCheckpoint.objects.filter(
            queued_at__isnull=False, status__in=[ImportStatus.PENDING, ImportStatus.IN_PROGRESS]
        )
        .exclude(not_before__gt=Now())
        .select_related("park")
        .annotate(heartbeat_age=HEARTBEAT_AGE)
        .order_by("queued_at", "checkpoint_id")
    )
    return [checkpoint for checkpoint in found if not checkpoint.lives(checkpoint.heartbeat_age)]


def not_stale(message: Message) -> list[ImportCheckpoint]:
    """The imports of a message that still wait as it says; none: the whole message is stale."""
    named = {(checkpoint_id, generation) for checkpoint_id, generation in message}
    return [checkpoint for checkpoint in waiting() if (checkpoint.pk, checkpoint.generation) in named]


def oldest_message_age(now: datetime) -> timedelta | None:
    """How long the first message of the queue, of whatever task, has waited at `now` (aware); None: none waits."""
    added_at = OrmQ.objects.filter(lock__lte=now).order_by("id").values_list("lock", flat=True).first()
    return None if added_at is None else now - added_at


def _send(group: list[ImportCheckpoint]) -> None:
    async_task(
        TASK,
        [[checkpoint.pk, checkpoint.generation] for checkpoint in group],
        group=f"import of {group[0].park}"[:100],
        timeout=SLICE_TIMEOUT_SECONDS,
        save=False,  # what came of it stands in the checkpoint; failures are kept
    )


def _messages(now: datetime) -> list[set[tuple[int, int]]]:
    """What the messages name that lie in the queue, or that a cluster fetched a moment ago."""
    # `lock` is when a message was put into the queue, and from its fetching on, when it will be delivered again
    fetched_long_ago = now + timedelta(seconds=settings.Q_CLUSTER["retry"] - FETCHED_MESSAGE_LOST_SECONDS)
    return [
        {(checkpoint_id, generation) for checkpoint_id, generation in row.task["args"][0]}
        for row in OrmQ.objects.filter(key=Conf.CLUSTER_NAME)
        if row.task.get("func") == TASK and not now < row.lock < fetched_long_ago
    ]
