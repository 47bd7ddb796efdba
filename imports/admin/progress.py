"""The progress of imports, for people: how far, how fast, how long still, what they wait for, and what may be done now.

The list, the page of an import, the home page and their refreshing all say what is said here. A number of imports
is asked about with a fixed number of queries, and none of them reads a fact.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Min, Sum

from imports.archive import beginning, standing
from imports.archive.checkpoint import HEARTBEAT_AGE, ImportCheckpoint
from imports.archive.day_file_model import ImportedFile
from imports.archive.pause_model import Pause
from imports.archive.transitions import ImportStatus
from imports.workers import queue
from imports.workers.import_task import ATTEMPTS_MAX
from imports.workers.models import Worker

PACE_WINDOW = timedelta(seconds=120)
PACE_LEAST_SECONDS = 2  # a pace taken over less says nothing


@dataclass(frozen=True, slots=True)
class Pace:
    files_per_second: float
    rows_per_second: float


@dataclass(frozen=True, slots=True)
class Progress:
    checkpoint: ImportCheckpoint
    heartbeat_age: float | None  # seconds
    alive: bool  # a worker is at it
    pace: Pace | None
    explanation: str  # what is going on, why it waits, or why it ended
    at: datetime  # as of when
    covered_by: ImportCheckpoint | None = None  # a later import that has the days which it has left

    @property
    def done(self) -> int:
        """Days of the range that lie behind, with those that were passed over."""
        if self.checkpoint.status == ImportStatus.COMPLETED:
            return self.total
        if self.checkpoint.last_processed_date is None:
            return 0
        return min(self.total, (self.checkpoint.last_processed_date - self.checkpoint.start_date).days + 1)

    @property
    def total(self) -> int:
        return self.checkpoint.files_total

    @property
    def percent(self) -> int:
        return 100 * self.done // self.total if self.total else 0

    @property
    def seconds_left(self) -> float | None:
        if self.pace is None or self.checkpoint.status != ImportStatus.IN_PROGRESS or self.checkpoint.not_before:
            return None
        return (self.total - self.done) / self.pace.files_per_second

    @property
    def moving(self) -> bool:
        """Whether it may change by itself, so that whoever looks at it should look again."""
        return self.checkpoint.status == ImportStatus.IN_PROGRESS or (
            self.checkpoint.status == ImportStatus.PENDING and self.checkpoint.queued_at is not None
        )

    @property
    def abandoned(self) -> bool:
        """Begun by a command whose process is gone: nobody goes on with it unless asked to."""
        return self.checkpoint.is_abandoned(alive=self.alive)

    @property
    def asks_for_attention(self) -> bool:
        """Whether somebody has to decide over it: it failed or nobody goes on with it, no person has dismissed it, and
        no later import has its days."""
        stopped = self.abandoned or self.checkpoint.status == ImportStatus.FAILED
        return stopped and self.checkpoint.dismissed_at is None and self.covered_by is None

    @property
    def actions(self) -> list[str]:
        """What an operator may do with it now, by the names of transitions.ACTIONS."""
        return self.checkpoint.allowed_actions(alive=self.alive, covered=self.covered_by is not None)


def progress_of(checkpoints: Sequence[ImportCheckpoint], now: datetime) -> dict[int, Progress]:
    """By checkpoint_id. Seven queries, whatever the number; `checkpoints` come with their parks."""
    ids = [checkpoint.pk for checkpoint in checkpoints]
    ages = dict(ImportCheckpoint.objects.filter(pk__in=ids).values_list("pk", HEARTBEAT_AGE))
    paces = _paces(ids, now)
    places = {
        checkpoint.pk: place for place, group in enumerate(beginning.groups(queue.waiting())) for checkpoint in group
    }
    workers = Worker.alive().count()
    paused = Pause.current() is not None
    covers = standing.covered_by(checkpoints)
    found = {}
    for checkpoint in checkpoints:
        age = ages.get(checkpoint.pk)
        alive = checkpoint.lives(age)
        explanation = _explanation(checkpoint, age, alive, places.get(checkpoint.pk), workers, paused)
        found[checkpoint.pk] = Progress(
            checkpoint, age, alive, paces.get(checkpoint.pk), explanation, now, covers.get(checkpoint.pk)
        )
    return found


def _paces(ids: list[int], now: datetime) -> dict[int, Pace]:
    """Of the last two minutes, by the clock on the wall: it falls when a worker shares its time or stands still."""
    paces = {}
    for row in (
        ImportedFile.objects.filter(checkpoint__in=ids, imported_at__gte=now - PACE_WINDOW)
        .order_by()
        .values("checkpoint")
        .annotate(files=Count("pk"), rows=Sum("stored"), first=Min("imported_at"))
    ):
        seconds = (now - row["first"]).total_seconds()
        if row["files"] > 1 and seconds >= PACE_LEAST_SECONDS:
            paces[row["checkpoint"]] = Pace(row["files"] / seconds, row["rows"] / seconds)
    return paces


def _explanation(
    checkpoint: ImportCheckpoint, age: float | None, alive: bool, place: int | None, workers: int, paused: bool
) -> str:
    status = checkpoint.status
    if status in (ImportStatus.PAUSED, ImportStatus.FAILED, ImportStatus.COMPLETED):
        return checkpoint.last_error
    if alive:
        return f"worker: {_process(checkpoint.worker)}"
    if checkpoint.queued_at is None:
        if status == ImportStatus.PENDING:
            return "begun by a command that did not go on with it: resume queues it"
        return f"its command died ({_process(checkpoint.worker)}): resume queues it"
    if checkpoint.not_before is not None:
        return f"waits: {checkpoint.last_error}"
    if paused:
        return "waits: everything is paused"
    if not workers:
        return "waits: no worker is alive"
    if checkpoint.worker:
        return f"{_process(checkpoint.worker)} gave no sign of life for {age or 0:.0f} s: the next worker takes over"
    if checkpoint.last_error:
        return f"attempt {checkpoint.attempts} of {ATTEMPTS_MAX} failed, it is tried again: {checkpoint.last_error}"
    return f"waits for a worker, {place} before it" if place else "waits for a worker, first in the queue"


def _process(worker: str) -> str:
    host, pid, *_ = [*worker.split("/"), "?"]
    return f"{host}, process {pid}"
