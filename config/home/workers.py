"""Workers: who is alive, and whether the queue moves, recurring jobs run and tasks succeed."""

from datetime import datetime, timedelta

from django.db.models import Max, Q
from django_q.models import Failure, Schedule

from config.home.page import PAUSED, Attention, Figure, Home, Part, link
from imports.archive.pause_model import Pause
from imports.archive.process import is_known_dead
from imports.live import standing
from imports.workers import queue, times
from imports.workers.models import NO_ROUND, NO_ROUND_SECONDS, Role, Worker
from warehouse.rides import stale_days
from warehouse.text import count_of, duration_in_words

QUEUE_LATE = timedelta(minutes=10)
SCHEDULE_LATE = timedelta(minutes=10)
FAILURES_SINCE = timedelta(days=1)
DAYS_LATE = timedelta(hours=1)
HEARTBEAT_LATE = timedelta(minutes=2)  # a cluster that is restarted is away for less
_REPLACED = Q(ended_by__startswith=NO_ROUND)


def add(found: Home, now: datetime) -> None:
    """Who is alive, and whether the queue moves, the recurring jobs run and tasks succeed."""
    page = link("imports_worker_changelist")
    failed_page = link("django_q_failure_changelist")
    schedules_page = link("django_q_schedule_changelist")
    alive = Worker.alive().count()
    busy = Worker.alive().exclude(doing="").count()
    waits = queue.oldest_message_age(now)
    last_seen = Worker.objects.filter(role=Role.WORKER).aggregate(last=Max("seen_at"))["last"]
    stood = list(Worker.objects.filter(Worker.is_silent() | _REPLACED).order_by("seen_at"))
    silent = [each for each in stood if each.ended_at is None and not is_known_dead(each.name)]
    replaced = [each for each in stood if each.ended_at is not None and now - each.ended_at < FAILURES_SINCE]
    of_live = Q(func=standing.TASK)  # its failures are told under Live, 288 a night
    failures = Failure.objects.filter(~of_live, stopped__gt=now - FAILURES_SINCE).count()
    pause = Pause.current()
    unread = [job.name or job.func for job in Schedule.objects.all() if times.problem_of(job, now)]
    # workers that have only just come back find much that is late, and need no restart
    overdue = Schedule.objects.exclude(repeats=0).filter(next_run__lt=now - SCHEDULE_LATE).count()
    late_jobs = bool(overdue) and Worker.was_alive(SCHEDULE_LATE)
    late_queue = pause is None and waits is not None and waits > QUEUE_LATE and Worker.was_alive(QUEUE_LATE)
    figures = [
        Figure.counted("alive", "alive", alive, page, not alive),
        Figure.counted("busy", "busy", busy, page),
        Figure.counted("silent", "without a round for 2 minutes", len(silent), page, bool(silent)),
        Figure(
            key="heartbeat",
            label="last heartbeat",
            value=f"{duration_in_words((now - last_seen).total_seconds())} ago" if last_seen else "never",
            url=page,
            trouble=last_seen is None or now - last_seen > HEARTBEAT_LATE,
            raw=last_seen,
        ),
        Figure(
            key="queue_waits_seconds",
            label="first in the queue waits",
            value=duration_in_words(waits.total_seconds()) if waits else "-",
            url=link("django_q_ormq_changelist"),
            trouble=late_queue,
            raw=waits and round(waits.total_seconds()),
        ),
        Figure.counted("overdue_jobs", "jobs overdue", overdue, schedules_page, late_jobs),
        Figure.counted("failed_tasks", "failed tasks, last day", failures, failed_page, bool(failures)),
    ]
    found.parts.append(Part("workers", "Workers", page, figures))
    if unread:
        said = (
            f"{', '.join(unread)}: this job cannot be run as it stands. Give it other times, then switch it on; what "
            "else is wrong with it the list of jobs says"
        )
        found.attention.append(Attention("jobs.unreadable", said, schedules_page))
    if not alive:
        said = "No worker is alive: imports and recurring jobs wait. Start one (bin/serve, or manage.py qcluster)"
        found.attention.insert(0, Attention("workers.none", said, page))
    elif waits is not None and late_queue:
        waited = duration_in_words(waits.total_seconds())
        said = f"The queue has not moved for {waited} although workers are alive: restart them"
        found.attention.insert(0, Attention("workers.queue_stands", said, link("django_q_ormq_changelist")))
    _add_silent(found, silent, replaced, now)
    if alive and late_jobs:
        said = "A recurring job is overdue though workers are alive: restart them"
        found.attention.append(Attention("jobs.overdue", said, schedules_page))
    if failures:
        many = f"{failures:,} tasks" if failures > 1 else "A task"
        found.attention.append(Attention("jobs.failed", f"{many} failed in the last day", failed_page))
    if pause is not None:
        said = f"{pause.in_words(now)}. Resume everything when it is done"
        found.attention.insert(0, Attention(PAUSED, said, link("imports_pause_everything")))
    stale = stale_days.waiting(now)
    if stale.since is not None and now - stale.since > DAYS_LATE:
        said = (
            f"{count_of(stale.days, 'day')} of {count_of(stale.parks, 'park')} wait to be added up anew, the first for "
            f"{duration_in_words((now - stale.since).total_seconds())}: the workers do it, or manage.py rebuild_days"
        )
        found.attention.append(Attention("days.waiting", said, schedules_page))


def _add_silent(found: Home, silent: list[Worker], replaced: list[Worker], now: datetime) -> None:
    """Processes that stand still; those that did and were replaced are told for a day, since the reason is not gone."""
    page = link("imports_worker_changelist")
    if silent:
        first = silent[0]
        more = f", and {len(silent) - 1} more" if len(silent) > 1 else ""
        said = (
            f"The {first.role} {first}{more} made no round for "
            f"{duration_in_words((now - first.seen_at).total_seconds())}: it is frozen, or its host is away. Its "
            "cluster ends it and starts another; where it does not, restart the workers there. What is gone for good "
            "is forgotten after a day"
        )
        found.attention.append(Attention("workers.silent", said, page))
    if replaced:
        last = replaced[-1]
        said = (
            f"{count_of(len(replaced), 'process', 'processes')} of the workers made no round for "
            f"{NO_ROUND_SECONDS // 60} minutes in the last day and gave way to another, the last at "
            f"{last.ended_at:%H:%M}Z: the {last.role} {last}. What it had in hand went on elsewhere"
        )
        found.attention.append(Attention("workers.replaced", said, page))
