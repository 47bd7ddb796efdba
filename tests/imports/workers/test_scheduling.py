"""The look for what is due: whatever stands in a row, the others run, and it takes a bounded number of steps."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from django.db import connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule

from imports.workers import scheduling, times
from tests.imports.workers.odd_schedules import BY_SQL, insert

pytestmark = pytest.mark.django_db


@pytest.fixture
def steps(monkeypatch) -> list[str]:
    """One for each step that django-q2's own way takes from a next run to the one after it."""
    taken, step = [], Schedule.calculate_next_run

    def counted(self, next_run=None):
        taken.append(self.name)
        return step(self, next_run)

    monkeypatch.setattr(Schedule, "calculate_next_run", counted)
    return taken


def test_whatever_is_written_by_sql_the_others_run_and_the_look_ends(steps):
    for name, columns in BY_SQL.items():
        insert(name, **columns)
    for n in range(2):
        insert(f"due {n}")
    for _ in range(3):
        scheduling.look(get_broker())
    ran = [str(row.group()) for row in OrmQ.objects.all()]
    assert {"due 0", "due 1"} <= set(ran)
    assert len(ran) == len(set(ran)), "what is due runs once"
    set_right = {"year 206", "year 1", "no date", "day 0"}  # what was missed is made up for by one run
    assert set(ran) - {"due 0", "due 1"} == set_right | {"below all repeats", "long cron", "cron of leap years"}
    assert all(row.func() == "quality.tasks.daily_check" for row in OrmQ.objects.all())
    assert len(steps) <= 10
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT name FROM django_q_schedule WHERE repeats <> 0 AND next_run < UTC_TIMESTAMP() AND cluster IS NULL"
        )
        assert cursor.fetchall() == (), "no row is due for ever"


def test_no_row_without_a_problem_takes_more_than_a_bounded_number_of_steps(steps):
    now = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)
    kinds = [{"schedule_type": kind} for kind, _ in Schedule.TYPE if kind not in (Schedule.ONCE, Schedule.CRON)]
    kinds += [{"schedule_type": Schedule.MINUTES, "minutes": minutes} for minutes in (0, 1, 7, 1_440, 65_535)]
    kinds += [
        {"schedule_type": Schedule.CRON, "cron": cron}
        for cron in ("* * * * *", "0 0 1 1 *", "0 0 31 2 *", "5 4 * * 0", "0 0 29 2 *", "nonsense")
    ]
    most = 0
    for kind, seconds in product(kinds, (1, 86_400, 10**6, 6 * 10**7, 10**9, 5 * 10**10)):
        job = Schedule(func="quality.tasks.daily_check", next_run=now - timedelta(seconds=seconds), **kind)
        if times.problem_of(job, now):
            continue
        steps.clear()
        assert now < scheduling.next_run_after(job, now) <= now + times.AHEAD_MAX
        assert len(steps) <= scheduling.STEPS_MAX
        most = max(most, len(steps))
    assert most > 100, "and some take many"


def test_a_schedule_of_so_many_runs_ends_and_one_of_once_is_gone():
    insert("twice", repeats=2)
    insert("once", schedule_type="O", args="'Epcot'", kwargs="x=1", intended_date_kwarg="at")
    due = Schedule.objects.get(name="once").next_run
    assert scheduling.look(get_broker()) == 2
    (once,) = [row.task for row in OrmQ.objects.all() if row.group() == "once"]
    assert (once["args"], once["kwargs"]) == (("Epcot",), {"x": 1, "at": due.isoformat()})
    assert [(job.name, job.repeats) for job in Schedule.objects.all()] == [("twice", 1)]
    assert Schedule.objects.get().next_run > timezone.now()
    assert scheduling.look(get_broker()) == 0
