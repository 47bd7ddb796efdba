"""The recurring jobs: registered with django-q2 by `manage.py sync_schedules`, from then on the operators' own.

What an operator changed or switched off in the admin stays so. A schedule that django-q2 cannot read stops all others
(measured), so each is checked before it is stored.
"""

import pydoc
from collections.abc import Iterator
from dataclasses import dataclass

from django.conf import settings
from django_q.models import Schedule

OUR_TASKS = ("warehouse.", "quality.", "imports.", "config.")


@dataclass(frozen=True)
class Job:
    """A recurring job: the function `func` (dotted path), at the times of `cron` or every so many `minutes`.

    `setting`: there is such a job only where this setting is not empty ("A or B": where one of them is not).
    """

    name: str
    func: str
    purpose: str
    cron: str = ""  # UTC
    minutes: int | None = None
    setting: str = ""

    @property
    def is_wanted(self) -> bool:
        return not self.setting or any(getattr(settings, name) for name in self.setting.split(" or "))


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
    Job("Sync metadata", "imports.tasks.sync_metadata", "names, places, heights", cron="30 3 * * 1"),
    Job(
        "Sync park hours",
        "imports.tasks.sync_hours",
        "of the coming days, a request a park; of the month that is over, in the first days of the next",
        cron="20 4 * * *",
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
)


def sync() -> Iterator[str]:
    """Register what is new, and say of each job how it stands. What runs already keeps its times."""
    for job in JOBS:
        schedule = Schedule.objects.filter(name=job.name).order_by("id").first()
        if pydoc.locate(job.func) is None:
            yield f"{job.name}: left out, there is no task {job.func}"
        elif not job.is_wanted:
            yield f"{job.name}: left out, {job.setting} is empty"
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
    if schedule.repeats == 0:
        return "switched off"
    if schedule.schedule_type == Schedule.CRON:
        return f"at {schedule.cron} (cron, UTC)"
    if schedule.schedule_type == Schedule.MINUTES:
        return f"every {schedule.minutes or 1} minutes"
    return schedule.get_schedule_type_display().lower()


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
    return f"{job.name}: registered, {said(schedule)}"
