"""System checks of what the workers are to do: by `manage.py check --database default` and before every migrate."""

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError
from django_q.models import Schedule

from imports.workers import times


@register(Tags.database)
def check_schedules(app_configs, databases=None, **kwargs) -> list[CheckMessage]:
    """W301: the times of a recurring job cannot be read, or would keep the workers from running any job."""
    if "default" not in (databases or []):
        return []
    try:
        stored = list(Schedule.objects.exclude(repeats=0))
    except DatabaseError:  # not migrated yet; whether the server can be used is another check's
        return []
    return [
        Warning(
            f"The recurring job {schedule.name or schedule.func} would keep the workers from all jobs: {problem}.",
            hint="Call manage.py sync_schedules, which sets it right or switches it off; the workers do so, too.",
            id="imports.W301",
        )
        for schedule in stored
        if (problem := times.problem_of(schedule))
    ]
