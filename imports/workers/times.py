"""When a recurring job runs: in words, as an expression made of form fields, and within what workers can bear.

django-q2 steps next_run forward one interval at a time, in a transaction that holds the schedules: one that lay in the
year 206 kept every worker of the cluster from ever running a job again, and so does a cron expression that never comes
or cannot be read, since the error rolls back what was due beside it. So every schedule is checked before it is stored,
and what is stored by other means is set right by the workers (imports.workers.schedules.mend) and whenever it is due
(imports.workers.scheduling).

A row of this table is also the one way by which who may write to the database could have the workers run what they
like (messages are signed): so it names a task of ours and nothing else.
"""

import ast
import importlib
import re
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from croniter import croniter
from django.utils import timezone
from django_q.conf import Conf
from django_q.models import Schedule

MINUTES_MAX = 1_440  # what comes less often than daily is said by days
AHEAD_MAX = timedelta(days=366)
# 525,600 steps of a minute took 3 s with the rows locked; a day of them 12 ms.
BEHIND_MAX = {Schedule.MINUTES: timedelta(days=1), Schedule.HOURLY: timedelta(days=30)}
BEHIND_MAX_OTHERS = timedelta(days=732)
CRON_FIELDS = 5
ARGUMENTS_MAX = 1_000  # characters
OUR_TASK = re.compile(r"(warehouse|quality|imports|config)\.tasks\.[a-z][a-z_0-9]*", re.ASCII)
# What django-q2 takes out of the keyword arguments for itself: `sync` has the scheduler run the task, `broker` and
# `cluster` send it elsewhere, `timeout` takes away its end.
NOT_FOR_TASKS = frozenset(
    {"q_options", "task_name", "hook", "group", "save", "sync", "cached", "ack_failure", "iter_count", "iter_cached"}
    | {"chain", "broker", "broker_name", "cluster", "timeout"}
)
KINDS = frozenset(kind for kind, _ in Schedule.TYPE) - {Schedule.ONCE}
DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_IN_WORDS = {
    Schedule.HOURLY: "every hour",
    Schedule.DAILY: "every day",
    Schedule.WEEKLY: "every week",
    Schedule.BIWEEKLY: "every two weeks",
    Schedule.MONTHLY: "every month",
    Schedule.BIMONTHLY: "every two months",
    Schedule.QUARTERLY: "every three months",
    Schedule.YEARLY: "every year",
}


def problem_of(schedule: Schedule, now: datetime | None = None) -> str:
    """Why workers cannot run it, or would stand still by it; "" where they can. One that is off is held to the same."""
    now = now or timezone.now()
    if found := problem_of_task(schedule) or _problem_of_arguments(schedule):
        return found
    if schedule.schedule_type == Schedule.ONCE:
        return ""  # nobody's here; it is deleted when it has run, and nothing is stepped forward
    if schedule.schedule_type not in KINDS:
        return f"there is no kind of schedule {schedule.schedule_type!r}"
    if schedule.schedule_type == Schedule.CRON and (found := problem_of_cron(schedule.cron or "")):
        return found
    if schedule.schedule_type == Schedule.MINUTES and not 1 <= (schedule.minutes or 0) <= MINUTES_MAX:
        return f"it is to run every {schedule.minutes} minutes: give 1 to {MINUTES_MAX:,}"
    return problem_of_next_run(schedule, now)


def problem_of_next_run(schedule: Schedule, now: datetime) -> str:
    """Its next run alone, which can be set right (`next_run_set_right`)."""
    if schedule.next_run is None:
        return "it has no next run"
    if schedule.next_run > now + AHEAD_MAX:
        return f"its next run, {schedule.next_run:%Y-%m-%d %H:%M}Z, is more than a year ahead"
    if schedule.next_run < now - BEHIND_MAX.get(schedule.schedule_type, BEHIND_MAX_OTHERS):
        return f"its next run, {schedule.next_run:%Y-%m-%d %H:%M}Z, is long past"
    return ""


def next_run_set_right(schedule: Schedule, now: datetime) -> datetime:
    """At its own time of the day where it has one, else now: what was missed is made up for by one run."""
    if schedule.schedule_type == Schedule.CRON:
        return next_of_cron(schedule.cron, now)
    if schedule.next_run is None or schedule.schedule_type in (Schedule.MINUTES, Schedule.HOURLY):
        return now
    at = schedule.next_run.timetz()
    today = datetime.combine(now.date(), at)
    return today if today >= now else today + timedelta(days=1)


def next_of_cron(cron: str, now: datetime) -> datetime:
    """Of an expression without a problem. UTC."""
    return croniter(cron, now).get_next(datetime)


def problem_of_cron(cron: str) -> str:
    """Why this is no time for a job; "" where it is one. Five fields, and at least once a year."""
    return _problem_of_cron(cron.strip(), timezone.now().year)


@lru_cache(maxsize=256)
def _problem_of_cron(cron: str, year: int) -> str:
    fields = cron.split()
    if len(fields) != CRON_FIELDS:
        return f"{cron!r} is no cron expression: give minute, hour, day of month, month and day of week"
    if re.search(r"\b[RH]\b", cron, re.IGNORECASE):
        return f"{cron!r} is another time whenever it is read"
    begin = datetime(year, 1, 1)
    try:
        croniter.expand(cron)
        comes = croniter(cron, begin, max_years_between_matches=1).get_next(datetime)
    except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:  # CroniterError is a ValueError
        if "failed to find" in str(error).lower():
            return f"{cron!r} never comes, or not every year"
        return f"{cron!r} is no cron expression: {error}"
    return "" if comes - begin <= AHEAD_MAX else f"{cron!r} never comes, or not every year"


def problem_of_task(schedule: Schedule) -> str:
    """Of what it runs, and where."""
    if not OUR_TASK.fullmatch(schedule.func or "") or _is_borrowed(schedule.func):
        return f"{schedule.func!r} is no task of this application"
    if schedule.hook:
        return f"it has {schedule.hook!r} called after each run"
    if schedule.cluster not in (None, Conf.CLUSTER_NAME):
        return f"it is for a cluster {schedule.cluster!r}, which there is not"
    return ""


def _is_borrowed(func: str) -> bool:
    """Whether a module of tasks has it from elsewhere, as async_task, which would queue whatever it is given. One that
    is not there at all fails when it is run; sync_schedules knows where it is now."""
    module, _, name = func.rpartition(".")
    found = getattr(importlib.import_module(module), name, None)
    return found is not None and getattr(found, "__module__", None) != module


def _problem_of_arguments(schedule: Schedule) -> str:
    """As they are read when it is due."""
    if max(len(schedule.args or ""), len(schedule.kwargs or "")) > ARGUMENTS_MAX:
        return f"its arguments are longer than {ARGUMENTS_MAX:,} characters"
    named = schedule.intended_date_kwarg or ""
    if named and not (named.isidentifier() and named not in NOT_FOR_TASKS):
        return f"its time cannot be given to its task as {named!r}"
    try:
        if schedule.args:
            ast.literal_eval(schedule.args)
        keywords = keywords_of(schedule.kwargs)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return "its arguments cannot be read"
    if not all(isinstance(name, str) and name.isidentifier() for name in keywords):
        return "its keyword arguments are none"
    if taken := sorted(NOT_FOR_TASKS & set(keywords)):
        return f"its keyword argument {taken[0]} is no task's"
    return ""


def keywords_of(written: str | None) -> dict[str, Any]:
    """Keyword arguments written as a dict, or as in a call: `x=1, name='John'`. ValueError, SyntaxError, TypeError,
    MemoryError, RecursionError: they are none."""
    if not written:
        return {}
    try:
        read = ast.literal_eval(written)
    except (SyntaxError, ValueError):
        call = ast.parse(f"f({written})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise ValueError("no keyword arguments") from None
        return {each.arg or "**": ast.literal_eval(each.value) for each in call.keywords}
    if not isinstance(read, dict):
        raise ValueError("no keyword arguments")
    return read


# --- in words -------------------------------------------------------------------------------------------------------
def in_words(schedule: Schedule) -> str:
    """`every 5 minutes`, `every day at 02:20 UTC`, `every Monday at 03:30 UTC`; a cron expression that is neither is
    shown as it is."""
    if schedule.schedule_type == Schedule.CRON:
        return cron_in_words(schedule.cron or "")
    if schedule.schedule_type == Schedule.MINUTES:
        return every_minutes(schedule.minutes or 1)
    said = _IN_WORDS.get(schedule.schedule_type, str(schedule.get_schedule_type_display()).lower())
    if schedule.schedule_type == Schedule.DAILY and schedule.next_run:
        return f"{said} at {schedule.next_run:%H:%M} UTC"
    if schedule.schedule_type == Schedule.WEEKLY and schedule.next_run:
        return f"every {schedule.next_run:%A} at {schedule.next_run:%H:%M} UTC"
    return said


def every_minutes(minutes: int) -> str:
    if minutes == 1:
        return "every minute"
    return "every hour" if minutes == 60 else f"every {minutes} minutes"


def cron_in_words(cron: str) -> str:
    fields = cron.split()
    if len(fields) != CRON_FIELDS:
        return f"by the cron expression {cron} (UTC)"
    minute, hour, day, month, weekday = fields
    step = re.fullmatch(r"\*/(\d+)", minute)
    if step and int(step[1]) and (hour, day, month, weekday) == ("*",) * 4:
        return every_minutes(int(step[1]))
    if minute == "*" and (hour, day, month, weekday) == ("*",) * 4:
        return "every minute"
    if minute.isdigit() and month == "*" and not problem_of_cron(cron):
        if hour == "*" and day == weekday == "*":
            return f"every hour, {int(minute)} minutes past" if int(minute) else "every hour, on the hour"
        which = _days_in_words(day, weekday)
        if hour.isdigit() and which:
            return f"{which} at {int(hour):02}:{int(minute):02} UTC"
    return f"by the cron expression {cron} (UTC)"


def _days_in_words(day: str, weekday: str) -> str:
    if day == weekday == "*":
        return "every day"
    if day == "*":
        if weekday == "1-5":
            return "Monday to Friday"
        if re.fullmatch(r"[0-7](,[0-7])*", weekday):
            names = [DAYS[int(number) % 7] for number in weekday.split(",")]
            return f"every {names[0]}" if len(names) == 1 else f"every {', '.join(names[:-1])} and {names[-1]}"
    if weekday == "*" and day.isdigit():
        return f"on day {int(day)} of every month"
    return ""
