"""When jobs run: in words, and what workers could not bear is found, refused, set right or switched off."""

import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.checks import run_checks
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule
from django_q.scheduler import scheduler

from imports.workers import schedules, times

NOW = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cron", "words"),
    [
        ("20 2 * * *", "every day at 02:20 UTC"),
        ("30 3 * * 1", "every Monday at 03:30 UTC"),
        ("30 3 * * 7", "every Sunday at 03:30 UTC"),
        ("0 0 * * 1-5", "Monday to Friday at 00:00 UTC"),
        ("0 6 * * 1,3,5", "every Monday, Wednesday and Friday at 06:00 UTC"),
        ("5 4 1 * *", "on day 1 of every month at 04:05 UTC"),
        ("*/5 * * * *", "every 5 minutes"),
        ("* * * * *", "every minute"),
        ("0 * * * *", "every hour, on the hour"),
        ("10 1-5 * * *", "by the cron expression 10 1-5 * * * (UTC)"),
        ("60 2 * * *", "by the cron expression 60 2 * * * (UTC)"),
    ],
)
def test_a_cron_expression_in_words(cron, words):
    assert times.cron_in_words(cron) == words


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"schedule_type": "I", "minutes": 5}, "every 5 minutes"),
        ({"schedule_type": "I", "minutes": 60}, "every hour"),
        ({"schedule_type": "D", "next_run": NOW}, "every day at 03:00 UTC"),
        ({"schedule_type": "W", "next_run": NOW}, "every Thursday at 03:00 UTC"),
        ({"schedule_type": "Q", "next_run": NOW}, "every three months"),
    ],
)
def test_a_schedule_in_words(stored, words):
    assert times.in_words(Schedule(**stored)) == words


BAD = [
    ({"schedule_type": "C", "cron": "0 0 31 2 *"}, "never comes"),
    ({"schedule_type": "C", "cron": "0 0 29 2 *"}, "not every year"),
    ({"schedule_type": "C", "cron": "every day"}, "is no cron expression"),
    ({"schedule_type": "C", "cron": None}, "is no cron expression"),
    ({"schedule_type": "C", "cron": "R 2 * * *"}, "another time whenever it is read"),
    ({"schedule_type": "C", "cron": "* * * * * *"}, "is no cron expression"),
    ({"schedule_type": "I", "minutes": 0}, "every 0 minutes"),
    ({"schedule_type": "I", "minutes": 30_000}, "every 30000 minutes"),
    ({"schedule_type": "D", "args": "1, ("}, "arguments cannot be read"),
    ({"schedule_type": "D", "kwargs": "[1]"}, "its arguments cannot be read"),
    ({"schedule_type": "D", "kwargs": "{1: 2}"}, "its keyword arguments are none"),
    ({"schedule_type": "D", "kwargs": "sync=True"}, "its keyword argument sync is no task's"),
    ({"schedule_type": "D", "kwargs": "{'q_options': {'sync': True}}"}, "its keyword argument q_options is no task's"),
    ({"schedule_type": "O", "kwargs": "f(", "args": "(" * 500}, "its arguments cannot be read"),
    ({"schedule_type": "D", "args": f"'{'x' * 1_000}'"}, "its arguments are longer"),
    ({"schedule_type": "D", "intended_date_kwarg": "timeout"}, "its time cannot be given to its task as 'timeout'"),
    ({"schedule_type": "D", "intended_date_kwarg": "a-b"}, "its time cannot be given"),
    ({"schedule_type": "D", "hook": "os.system"}, "it has 'os.system' called after each run"),
    ({"schedule_type": "D", "cluster": "another"}, "it is for a cluster 'another'"),
    ({"schedule_type": "O", "func": "os.system", "args": "'true'"}, "'os.system' is no task of this application"),
    (
        {"schedule_type": "D", "func": "imports.tasks.async_task", "args": "'os.system', 'true'"},
        "is no task of this application",
    ),
    ({"schedule_type": "D", "func": "os.path.join"}, "is no task of this application"),
    ({"schedule_type": "D", "func": ""}, "is no task of this application"),
    ({"schedule_type": "X"}, "no kind of schedule"),
]
#: what is stored, and the day and the hour of November to which it is set at NOW
LONG_PAST = [
    ({"schedule_type": "I", "minutes": 5, "next_run": datetime(206, 1, 1, tzinfo=UTC)}, (26, 3)),
    ({"schedule_type": "D", "next_run": datetime(206, 1, 1, 2, 20, tzinfo=UTC)}, (27, 2)),
    ({"schedule_type": "D", "next_run": datetime(206, 1, 1, 4, 20, tzinfo=UTC)}, (26, 4)),
    ({"schedule_type": "D", "next_run": datetime(9999, 1, 1, 4, 20, tzinfo=UTC)}, (26, 4)),
    ({"schedule_type": "C", "cron": "20 2 * * *", "next_run": datetime(206, 1, 1, tzinfo=UTC)}, (27, 2)),
]  # fmt: skip


def new(**stored) -> Schedule:
    return Schedule(**{"name": "A job", "func": "quality.tasks.daily_check", "next_run": timezone.now()} | stored)


@pytest.mark.django_db
@pytest.mark.parametrize(("stored", "says"), BAD)
def test_what_stops_the_workers_is_stored_by_no_door_and_switched_off_where_it_is(stored, says):
    job = new(**stored)
    assert says in times.problem_of(job)
    with pytest.raises((ValidationError, ValueError, AttributeError)):  # the last two: django-q2 reads a new one first
        job.save()
    Schedule.objects.bulk_create([new(**stored)])
    (warning,) = [each for each in run_checks(databases=["default"]) if each.id == "imports.W301"]
    assert says in warning.msg
    (said,) = [line for line in schedules.sync() if line.startswith("A job: ")]
    assert says in said
    assert "switched off" in said
    assert Schedule.objects.get(name="A job").repeats == 0
    assert not list(schedules.mend())


@pytest.mark.django_db
@pytest.mark.parametrize(("stored", "becomes"), LONG_PAST)
def test_a_next_run_that_workers_would_step_to_for_ever_is_set_right(stored, becomes):
    with pytest.raises(ValidationError):
        new(**{"schedule_type": "D"} | stored | {"schedule_type": stored["schedule_type"], "pk": 77}).save()
    Schedule.objects.bulk_create([new(**stored)])
    (said,) = schedules.mend(NOW)
    assert "set to 2026-11-" in said
    job = Schedule.objects.get(name="A job")
    assert (job.next_run.day, job.next_run.hour, job.repeats) == (*becomes, -1)


@pytest.mark.django_db
def test_what_runs_as_it_should_is_left_alone():
    call_command("sync_schedules", stdout=StringIO())
    Schedule.objects.update(next_run=timezone.now() - timedelta(hours=20))  # workers that were stopped over night
    before = list(Schedule.objects.values())
    assert not list(schedules.mend())
    assert list(Schedule.objects.values()) == before


@pytest.mark.django_db(transaction=True)
def test_workers_set_it_right_before_they_look_for_what_is_due(caplog):
    """What is due runs although a job beside it could not be read, and another lay in the year 206."""
    Schedule.objects.bulk_create([
        new(name="Year 206", schedule_type="I", minutes=1, next_run=datetime(206, 1, 1, tzinfo=UTC)),
        new(name="Never", schedule_type="C", cron="0 0 31 2 *"),
        new(name="Due", schedule_type="I", minutes=5, next_run=timezone.now() - timedelta(minutes=1)),
    ])  # fmt: skip
    with caplog.at_level(logging.ERROR):
        schedules.mend_and_log()
    assert "Never: '0 0 31 2 *' never comes" in caplog.text
    scheduler()
    assert {row.group() for row in OrmQ.objects.all()} >= {"Due"}
    assert Schedule.objects.get(name="Due").next_run > timezone.now()


@pytest.mark.parametrize("minutes", [0, times.MINUTES_MAX + 1])
def test_a_setting_that_no_schedule_bears_is_one_clear_error_and_not_one_of_sync_schedules(minutes):
    asked = {**os.environ, "LIVE_EVERY_MINUTES": f"{minutes}"}
    done = subprocess.run([sys.executable, "-c", "import config.settings"], env=asked, capture_output=True, text=True)

    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("LIVE_EVERY_MINUTES must lie between 1 and 1440, a day")
