"""Pause everything, imports and recurring jobs, and the way back, which restores what was stopped and nothing else.

What runs: an import stops at its next commit, whoever runs it (a command says that it was paused); a job that has begun
goes on to its end, 300 s at most. What would begin by itself does not: schedules are off, a job that sync_schedules
registers meanwhile is off too, workers leave the queue alone, and no import can be claimed. What people queue waits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from django.db import IntegrityError
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django_q.models import Schedule

from imports.archive.checkpoint import AT_WORK, ImportCheckpoint
from imports.archive.pause_model import WHY_MAX, Pause
from imports.archive.transitions import ImportStatus, TransitionRefused
from imports.workers import queue
from warehouse.models import Park
from warehouse.server.away import despite_locks
from warehouse.server.turns import brief_transaction, on_every_node
from warehouse.text import count_of

# Tasks that go on: they tell people how things stand, or what an import would do, and change nothing that is stored.
GOES_ON = ("config.tasks.tell", "config.tasks.report", "imports.tasks.preview_import")


class PauseRefused(Exception):
    """Everything is paused already, or nothing is; the message says by whom, and since when."""


@dataclass(frozen=True)
class Stopped:
    """What a pause would stop, or has."""

    imports: list[ImportCheckpoint]
    jobs: list[Schedule]

    def __str__(self) -> str:
        return f"{count_of(len(self.imports), 'import')} and {count_of(len(self.jobs), 'recurring job')}"


def at_work() -> Stopped:
    """What runs or waits its turn now."""
    return Stopped(list(_imports()), list(_jobs().order_by("name")))


def begin(by: str, why: str = "", now: datetime | None = None) -> tuple[Pause, Stopped]:
    """Pause everything, in the name of `by` (a user name). PauseRefused: it is paused already.

    Each import is stopped by a transaction of its own: a worker may hold its row for the file in hand. What was
    stopped is written down with it, so that a process that dies in between loses nothing of it.
    """
    pause = despite_locks(lambda: _begin(by, why, now or timezone.now()))
    jobs = despite_locks(partial(_switch_off_jobs, pause))
    stopped = [each for each in _imports() if despite_locks(partial(_stop, pause, each))]
    late = despite_locks(_at_work_by_now)
    stopped += [each for each in _imports().filter(pk__in=late) if despite_locks(partial(_stop, pause, each))]
    pause.refresh_from_db()
    return pause, Stopped(stopped, jobs)


def _begin(by: str, why: str, now: datetime) -> Pause:
    try:
        with brief_transaction():
            return Pause.objects.create(begun_at=now, begun_by=by, why=why.strip()[:WHY_MAX])
    except IntegrityError as error:
        raise PauseRefused(f"Nothing changed: {_last_words()}") from error


def _switch_off_jobs(pause: Pause) -> list[Schedule]:
    with brief_transaction():
        jobs = list(_jobs().select_for_update().order_by("id"))
        pause.jobs = [{"id": job.pk, "name": job.name, "repeats": job.repeats} for job in jobs]
        pause.save(update_fields=["jobs"])
        Schedule.objects.filter(pk__in=[job.pk for job in jobs]).update(repeats=0)
    return jobs


def _at_work_by_now() -> list[int]:
    """With the claims that had not seen the pause yet: the row of each is locked until it is a running one, and on
    another node of a cluster the park's turn is taken from it, or by it."""
    with brief_transaction():
        on_every_node("park", Park.objects.values_list("pk", flat=True))
        return list(ImportCheckpoint.objects.select_for_update().filter(AT_WORK).values_list("pk", flat=True))


def end(by: str, now: datetime | None = None) -> tuple[Pause, Stopped]:
    """Restore what was stopped and has not been touched since; what has been is told in `left` of the pause.

    PauseRefused: nothing is paused, or somebody has just ended it.
    """
    pause, restored = despite_locks(lambda: _end(by, now or timezone.now()))
    queue.dispatch()
    return pause, restored


def _end(by: str, now: datetime) -> tuple[Pause, Stopped]:
    with brief_transaction():
        pause = Pause.objects.select_for_update().filter(is_active=True).first()
        if pause is None:
            raise PauseRefused(f"Nothing changed: {_last_words()}")
        restored = Stopped([], [])
        pause.left = [*_restore_jobs(pause, restored.jobs), *_restore_imports(pause, restored.imports)]
        pause.is_active, pause.ended_at, pause.ended_by = None, now, by
        pause.save()
    return pause, restored


def remember(job: Schedule) -> bool:
    """Of a job that is registered while everything is paused: off now, on with all others. False: nothing is paused, or
    it is one that goes on.
    """
    return not job.func.startswith(GOES_ON) and despite_locks(lambda: _remember(job))


def _remember(job: Schedule) -> bool:
    with brief_transaction():
        pause = Pause.objects.select_for_update().filter(is_active=True).first()
        if pause is None:
            return False
        pause.jobs = [*pause.jobs, {"id": job.pk, "name": job.name, "repeats": job.repeats}]
        pause.save(update_fields=["jobs"])
        Schedule.objects.filter(pk=job.pk).update(repeats=0)
        job.repeats = 0
    return True


def _imports():
    return ImportCheckpoint.objects.filter(AT_WORK).select_related("park").order_by("queued_at", "checkpoint_id")


def _jobs():
    others = Schedule.objects.exclude(repeats=0)
    for prefix in GOES_ON:
        others = others.exclude(func__startswith=prefix)
    return others


def _stop(pause: Pause, checkpoint: ImportCheckpoint) -> bool:
    was = {
        "id": checkpoint.pk,
        "import_id": checkpoint.import_id,
        "park": str(checkpoint.park),
        "queued": checkpoint.queued_at is not None,
        "not_before": checkpoint.not_before and checkpoint.not_before.isoformat(),
        "last_error": checkpoint.last_error,
    }
    try:
        with brief_transaction():
            held = Pause.objects.select_for_update().get(pk=pause.pk)
            if held.is_active is None:
                return False  # ended by somebody while we were at it
            checkpoint.pause(f"everything was paused by {pause.begun_by}{f': {pause.why}' if pause.why else ''}")
            held.imports = [*held.imports, was | {"generation": checkpoint.generation}]
            held.save(update_fields=["imports"])
    except TransitionRefused:  # it has ended in this moment
        return False
    return True


def _restore_jobs(pause: Pause, restored: list[Schedule]) -> Iterator[str]:
    known = Schedule.objects.select_for_update().in_bulk(_ids(pause.jobs))
    for each in pause.jobs:
        job = known.get(each["id"])
        if job is None:
            yield f"{each['name']}: there is no such job any more"
        elif job.repeats != 0:
            yield f"{each['name']}: was switched on meanwhile"
        else:
            job.repeats = each["repeats"]
            Schedule.objects.filter(pk=job.pk).update(repeats=job.repeats)
            restored.append(job)


def _ids(kept: list[dict[str, Any]]) -> list[int]:
    return [each["id"] for each in kept if isinstance(each["id"], int)]


def _restore_imports(pause: Pause, restored: list[ImportCheckpoint]) -> Iterator[str]:
    known = ImportCheckpoint.objects.select_related("park").in_bulk(_ids(pause.imports))
    for each in pause.imports:
        checkpoint = known.get(each["id"])
        if checkpoint is None:
            yield f"{each['import_id']}: there is no such import any more"
        elif checkpoint.status != ImportStatus.PAUSED or checkpoint.generation != each["generation"]:
            yield f"{each['import_id']} of {each['park']}: is {checkpoint.status} by what was done with it meanwhile"
        else:
            try:
                checkpoint.queue()
            except TransitionRefused as refused:
                yield str(refused)
                continue
            if each["not_before"]:  # its source gives nothing yet, and said why
                waits = {"not_before": parse_datetime(each["not_before"]), "last_error": each["last_error"]}
                ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(**waits)
            restored.append(checkpoint)


def _last_words() -> str:
    last = Pause.objects.first()
    if last is None:
        return "nothing is paused"
    if last.is_active:
        return last.in_words()[0].lower() + last.in_words()[1:]
    return f"{last.ended_by} ended the pause of {last.begun_by} at {last.ended_at:%Y-%m-%d %H:%M}Z"
