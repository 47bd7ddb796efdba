"""The look for recurring jobs that are due: in place of django-q2's, by which one row could keep all jobs from running.

That one holds all due rows in one transaction, in which it steps next_run forward interval by interval (191 million
steps from the year 206), runs a task itself that asks for it (`sync`), and gives up all rows for an error in one. Here
each row has a transaction of its own, is held to imports.workers.times before anything is made of it, and its next run
takes STEPS_MAX steps at most.
"""

import ast
import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone
from django_q.brokers import Broker
from django_q.conf import Conf
from django_q.models import Schedule
from django_q.tasks import async_task

from imports.workers import schedules, times
from warehouse.server import errors

ROWS_MAX = 200  # of a look; what is behind them is for the next one
STEPS_MAX = 800  # 732 days behind, day by day

logger = logging.getLogger(__name__)


def look(broker: Broker, now: datetime | None = None) -> int:
    """Enqueue a task for each job that is due; returns how many. DatabaseError: the server is away.

    Two clusters may look at once: who comes second finds the row locked, or no longer due.
    """
    now = now or timezone.now()
    return sum(
        _enqueued(pk, broker, now) for pk in _due(now).order_by("next_run").values_list("pk", flat=True)[:ROWS_MAX]
    )


def next_run_after(schedule: Schedule, now: datetime) -> datetime:
    """The first of its times after `now`, of a schedule without a problem."""
    if schedule.schedule_type == Schedule.CRON:
        return times.next_of_cron(schedule.cron, now)
    step = {Schedule.MINUTES: timedelta(minutes=schedule.minutes or 1), Schedule.HOURLY: timedelta(hours=1)}
    if every := step.get(schedule.schedule_type):
        return schedule.next_run + every * max(1, (now - schedule.next_run) // every + 1)
    comes = schedule.next_run
    for _ in range(STEPS_MAX):
        comes = schedule.calculate_next_run(comes)
        if comes > now:
            return comes
    return now + timedelta(days=1)


def _due(now: datetime):
    ours = Q(cluster=Conf.CLUSTER_NAME) | Q(cluster__isnull=True)
    return Schedule.objects.exclude(repeats=0).filter(ours, next_run__lt=now)


def _enqueued(pk: int, broker: Broker, now: datetime) -> bool:
    try:
        with transaction.atomic():
            schedule = _due(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if schedule is None:
                return False
            if problem := times.problem_of(schedule, now):
                logger.error("recurring job %s", schedules.set_right(schedule, problem, now))
                return False
            arguments, keywords = arguments_of(schedule)
            once = schedule.schedule_type == Schedule.ONCE
            if not once:
                schedule.next_run = next_run_after(schedule, now)
            options = {"group": schedule.name or str(schedule.pk), "broker": broker}
            schedule.task = async_task(schedule.func, *arguments, **keywords, q_options=options)
            if once and schedule.repeats < 0:
                schedule.delete()
                return True
            schedule.repeats = 0 if once else max(-1, schedule.repeats - (schedule.repeats > 0))
            Schedule.objects.filter(pk=pk).update(
                next_run=schedule.next_run, repeats=schedule.repeats, task=schedule.task
            )
        return True
    except DatabaseError as error:
        if errors.is_locked(error):  # another cluster had it first, on another node: looked at again in 30 s
            return False
        raise
    except Exception as error:  # not foreseen: it must not keep the others from running, nor come again each look
        logger.exception("recurring job %s could not be enqueued", pk)
        Schedule.objects.filter(pk=pk).update(repeats=0)
        logger.error("recurring job %s is switched off: %s", pk, error)
        return False


def arguments_of(schedule: Schedule) -> tuple[tuple, dict[str, Any]]:
    """As django-q2 reads them, of a schedule without a problem."""
    arguments = ast.literal_eval(schedule.args) if schedule.args else ()
    keywords = times.keywords_of(schedule.kwargs)
    if schedule.intended_date_kwarg:
        keywords[schedule.intended_date_kwarg] = schedule.next_run.isoformat()
    return arguments if isinstance(arguments, tuple) else (arguments,), keywords
