"""The recurring jobs: registered with django-q2 by `manage.py sync_schedules`, from then on the operators' own.

What an operator changed or switched off in the admin stays so. A schedule that django-q2 cannot read stops all others
(measured), so each is checked before it is stored, by whatever door, and what gets in all the same (by SQL, from an
older version) is set right or switched off by the workers.
"""

import logging
import pydoc
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DatabaseError, transaction
from django.db.models.signals import pre_save
from django.utils import timezone
from django_q.models import Schedule

from imports.live.sample_ids import is_made_up
from imports.workers import standstill, times
from warehouse.models import Park

OUR_TASKS = ("warehouse.", "quality.", "imports.", "config.")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A recurring job: the function `func` (dotted path), at the times of `cron` or every so many `minutes`.

    `setting`: there is such a job only where this setting is not empty ("A or B": where one of them is not).
    `of_real_parks`: only where there are other parks than made-up ones, of which no API knows.
    """

    name: str
    func: str
    purpose: str
    cron: str = ""  # UTC
    minutes: int | None = None
    setting: str = ""
    of_real_parks: bool = False

    def why_not(self) -> str:
        """Why there is no such job; "" where there is one."""
        names = self.setting.split(" or ") if self.setting else []
        if names and not any(getattr(settings, name) for name in names):
            how = "off" if getattr(settings, names[0]) is False else "empty"
            return f"{' and '.join(names)} {'is' if len(names) == 1 else 'are'} {how}"
        return "all parks here are made up" if self.of_real_parks and _all_are_made_up() else ""


def _all_are_made_up() -> bool:
    """Of a warehouse without parks it is not known yet what it is for."""
    ids = list(Park.objects.values_list("themeparks_wiki_id", flat=True))
    return bool(ids) and not settings.DESTINATIONS and all(map(is_made_up, filter(None, ids)))


JOBS = (
    Job("Make partitions", "warehouse.tasks.maintain_partitions", "12 months ahead of today", cron="10 1 * * *"),
    Job("Measure storage", "warehouse.tasks.collect_storage_metrics", "a row a table and day", cron="40 1 * * *"),
    Job("Make day figures anew", "warehouse.tasks.make_days_anew", "of days that rows came for", minutes=5),
    Job("Check quality", "quality.tasks.daily_check", "the last two weeks of every park", cron="20 2 * * *"),
    Job(
        "Collect live states",
        "imports.tasks.collect_live",
        "of all known destinations",
        minutes=settings.LIVE_EVERY_MINUTES,
        of_real_parks=True,
    ),
    Job(
        "Import final days",
        "imports.tasks.import_final_days",
        "of the History API, what the ledger lacks of destinations that were imported from it",
        cron="50 4 * * *",
    ),
    Job(
        "Export history",
        "imports.tasks.export_history",
        "as Parquet into EXPORT_TO, the months that have changed",
        cron="20 5 * * *",
        setting="EXPORT_TO",
    ),
    Job(
        "Compact months",
        "warehouse.tasks.compact_months",
        "that are closed and take more room than their rows need",
        cron="50 2 10 * *",
        setting="COMPACT_MONTHLY",
    ),
    Job(
        "Sync metadata", "imports.tasks.sync_metadata", "names, places, heights", cron="30 3 * * 1", of_real_parks=True
    ),
    Job(
        "Sync park hours",
        "imports.tasks.sync_hours",
        "of the coming days, a request a park; of the month that is over, in the first days of the next",
        cron="20 4 * * *",
        of_real_parks=True,
    ),
    Job(
        "Tell what needs attention",
        "config.tasks.tell_attention",
        "by mail and webhook, when it begins and when it is over",
        minutes=2,
        setting="ALERT_EMAILS or ALERT_WEBHOOK_URL",
    ),
    Job(
        "Report the night",
        "config.tasks.report_night",
        "by mail and webhook: what ended, failed and came in since yesterday 18:00",
        cron="0 6 * * *",
        setting="ALERT_EMAILS or ALERT_WEBHOOK_URL",
    ),
    Job(
        "Forget old sign-ins",
        "config.tasks.forget_old_sign_ins",
        "sessions that are over, and what is kept of sign-ins for 90 days",
        cron="35 1 * * *",
    ),
)


def sync() -> Iterator[str]:
    """Register what is new, and say of each job how it stands. What runs already keeps its times, if it can be read."""
    yield from mend()
    for job in JOBS:
        schedule = Schedule.objects.filter(name=job.name).order_by("id").first()
        if pydoc.locate(job.func) is None:
            yield f"{job.name}: left out, there is no task {job.func}"
        elif why_not := job.why_not():
            yield f"{job.name}: left out, {why_not}"
            if schedule is not None:
                schedule.delete()
        elif schedule is None:
            yield _register(job)
        elif schedule.func != job.func:
            schedule.func = job.func
            schedule.save(update_fields=["func"])
            yield f"{job.name}: its task is {job.func} now; its times are kept"
        else:
            yield f"{job.name}: {said(schedule)}"
    for schedule in Schedule.objects.exclude(name__in=[job.name for job in JOBS]):
        if schedule.func.startswith(OUR_TASKS) and pydoc.locate(schedule.func) is None:
            schedule.delete()
            yield f"{schedule.name or schedule.func}: removed, there is no such task any more"


def said(schedule: Schedule) -> str:
    """When it runs, in words."""
    return "switched off" if schedule.repeats == 0 else times.in_words(schedule)


def mend(now: datetime | None = None) -> Iterator[str]:
    """Set right or switch off what would keep the workers from running any job, and say so of each.

    Each row by itself, locked and read again: two workers may do this at once, and an operator beside them.
    """
    now = now or timezone.now()
    on = Schedule.objects.exclude(repeats=0)
    try:
        suspects = [schedule.pk for schedule in on if times.problem_of(schedule, now)]
    except DatabaseError:
        raise
    except Exception:  # a value that cannot even be read; which one it is, each by itself tells
        suspects = list(on.values_list("pk", flat=True))
    for pk in suspects:
        if said := _mended(pk, now):
            yield said


def set_right(schedule: Schedule, problem: str, now: datetime) -> str:
    """Give a schedule, whose row is locked, a next run where that alone is its `problem`, else switch it off; what was
    done, in words."""
    row, name = Schedule.objects.filter(pk=schedule.pk), schedule.name or schedule.func
    if problem == times.problem_of_next_run(schedule, now):
        next_run = times.next_run_set_right(schedule, now)
        row.update(next_run=next_run)
        return f"{name}: {problem}; set to {next_run:%Y-%m-%d %H:%M}Z"
    row.update(repeats=0)
    return f"{name}: {problem}; switched off: give it other times in the admin, and switch it on"


def _mended(pk: int, now: datetime) -> str:
    try:
        with transaction.atomic():
            locked = Schedule.objects.select_for_update().exclude(repeats=0).filter(pk=pk).first()
            problem = times.problem_of(locked, now) if locked else ""
            return set_right(locked, problem, now) if locked and problem else ""
    except DatabaseError:
        raise
    except Exception as error:  # it must not keep the others from being looked at
        Schedule.objects.filter(pk=pk).update(repeats=0)
        return f"{pk}: it cannot be read ({error}); switched off"


def mend_and_log() -> None:
    """The same by a worker: what was done stands in the log."""
    for line in mend():
        logger.error("recurring job %s", line)


def refuse_what_stops_the_others() -> None:
    """Have every save of a schedule refuse what `times.problem_of` finds, whoever saves it: ValidationError."""
    pre_save.connect(_refuse, sender=Schedule, dispatch_uid="schedules that stop the others")


def _refuse(sender, instance: Schedule, raw: bool = False, **kwargs) -> None:
    if not raw and instance.repeats != 0 and (problem := times.problem_of(instance)):
        raise ValidationError(f"{instance.name or instance.func}: {problem}")


def _register(job: Job) -> str:
    schedule = Schedule(
        name=job.name,
        func=job.func,
        schedule_type=Schedule.CRON if job.cron else Schedule.MINUTES,
        cron=job.cron or None,
        minutes=job.minutes,
        repeats=-1,
    )
    schedule.full_clean()
    schedule.save()
    if standstill.remember(schedule):
        return f"{job.name}: registered, and off while everything is paused"
    return f"{job.name}: registered, {said(schedule)}"
