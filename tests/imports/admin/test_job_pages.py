"""The recurring jobs in the admin: times by fields, within what workers can bear, and what came of the last runs."""

from datetime import UTC, datetime, time, timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from imports.workers import schedules
from tests.imports.desk import queries_of_a_page, somebody
from tests.imports.workers.odd_schedules import BY_SQL, insert
from tests.warehouse.admin.day_pages import rows_of_csv

pytestmark = pytest.mark.django_db
SCHEDULES = "/admin/django_q/schedule/"


def job(name: str = "Check quality") -> Schedule:
    return Schedule.objects.get(name=name)


def page_of(name: str = "Check quality") -> str:
    return f"{SCHEDULES}{job(name).pk}/change/"


@pytest.fixture
def configurer():
    call_command("sync_schedules", stdout=StringIO())
    return somebody("Configurers")


def form(**fields) -> dict:
    return {"enabled": "on", "how": "day", "at": "02:20", "minutes": "", "cron": "", "weekday": "", "day": ""} | fields


def history_of(client, name: str = "Check quality") -> str:
    return client.get(f"{SCHEDULES}{job(name).pk}/history/").content.decode()


# --- switching and running --------------------------------------------------------------------------------------------
def test_a_job_is_switched_off_and_on_with_a_line_in_the_history(configurer):
    for action, repeats in (("switch_off", 0), ("switch_on", -1)):
        configurer.post(SCHEDULES, {"action": action, "_selected_action": [job().pk]})
        assert job().repeats == repeats
    text = history_of(configurer)
    assert "every day at 02:20 UTC → switched off" in text
    assert "switched off → switched on" in text


def test_a_job_that_is_off_already_is_not_switched_off_again(configurer):
    for _ in range(2):
        configurer.post(SCHEDULES, {"action": "switch_off", "_selected_action": [job().pk]})
    assert LogEntry.objects.count() == 1


def test_a_job_whose_times_cannot_be_read_stays_off_and_one_that_is_long_late_is_set_right(configurer):
    Schedule.objects.filter(name="Check quality").update(repeats=0, cron="0 0 31 2 *")
    Schedule.objects.filter(name="Collect live states").update(repeats=0, next_run=datetime(206, 1, 1, tzinfo=UTC))
    ids = [job().pk, job("Collect live states").pk]
    response = configurer.post(SCHEDULES, {"action": "switch_on", "_selected_action": ids}, follow=True)
    assert "stays off: &#x27;0 0 31 2 *&#x27; never comes" in response.content.decode()
    assert job().repeats == 0
    live = job("Collect live states")
    assert live.repeats == -1
    assert live.next_run.year == timezone.now().year


def test_a_job_can_be_run_now(configurer):
    configurer.post(SCHEDULES, {"action": "run_now", "_selected_action": [job().pk]})
    assert [row.func() for row in OrmQ.objects.all()] == ["quality.tasks.daily_check"]
    assert LogEntry.objects.get().change_message == "Run now"
    assert "one waits, or is at work" in configurer.get(SCHEDULES).content.decode()


# --- times --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "cron", "words"),
    [
        ({"how": "day", "at": "04:15"}, "15 4 * * *", "every day at 04:15 UTC"),
        ({"how": "hour", "at": "00:20"}, "20 * * * *", "every hour, 20 minutes past"),
        ({"how": "week", "at": "03:30", "weekday": "0"}, "30 3 * * 0", "every Sunday at 03:30 UTC"),
        ({"how": "month", "at": "05:00", "day": "28"}, "0 5 28 * *", "on day 28 of every month at 05:00 UTC"),
        ({"how": "cron", "cron": " 30 2 *  * 1-5 "}, "30 2 * * 1-5", "Monday to Friday at 02:30 UTC"),
    ],
)
def test_times_are_chosen_by_fields_and_told_in_words(configurer, fields, cron, words):
    assert configurer.post(page_of(), form(**fields)).status_code == 302
    assert job().cron == cron
    assert timezone.now() < job().next_run <= timezone.now() + timedelta(days=31)
    assert words in configurer.get(SCHEDULES).content.decode()
    assert f"every day at 02:20 UTC → {words}" in history_of(configurer)
    # and the form shows what was chosen
    shown = configurer.get(page_of()).context["adminform"].form.initial
    assert {name: str(shown[name]) for name in fields if name != "cron"} == {
        name: value for name, value in fields.items() if name != "cron"
    }


def test_every_so_many_minutes_begins_when_it_is_told_to(configurer):
    begins = (timezone.now() + timedelta(days=1)).replace(second=0, microsecond=0)
    fields = form(how="minutes", minutes="30", next_run_0=f"{begins:%Y-%m-%d}", next_run_1=f"{begins:%H:%M}")
    assert configurer.post(page_of(), fields).status_code == 302
    assert (job().schedule_type, job().minutes, job().next_run) == (Schedule.MINUTES, 30, begins)
    assert "every 30 minutes" in history_of(configurer)


def test_saving_what_is_shown_changes_nothing_and_says_so(configurer):
    before = Schedule.objects.values().get(name="Check quality")
    assert configurer.post(page_of(), form()).status_code == 302
    assert Schedule.objects.values().get(name="Check quality") == before
    assert "Saved without a change" in history_of(configurer)


def test_a_kind_of_schedule_that_the_form_does_not_know_is_kept_unless_another_is_chosen(configurer):
    soon = timezone.now() + timedelta(days=3)
    Schedule.objects.filter(name="Check quality").update(schedule_type=Schedule.QUARTERLY, next_run=soon)
    assert "As it is: every three months" in configurer.get(page_of()).content.decode()
    assert configurer.post(page_of(), form(how="as it is", enabled="")).status_code == 302
    assert (job().schedule_type, job().repeats, job().next_run) == (Schedule.QUARTERLY, 0, soon)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"how": "cron", "cron": "every day"}, "is no cron expression"),
        ({"how": "cron", "cron": ""}, "Say when"),
        ({"how": "cron", "cron": "0 0 31 2 *"}, "never comes"),
        ({"how": "cron", "cron": "* * * * * *"}, "is no cron expression"),
        ({"how": "cron", "cron": "1" * 101}, "at most 100 characters"),
        ({"how": "minutes", "minutes": ""}, "Say every how many minutes"),
        ({"how": "minutes", "minutes": "0"}, "greater than or equal to 1"),
        ({"how": "minutes", "minutes": "1441"}, "less than or equal to 1440"),
        ({"how": "minutes", "minutes": "5", "next_run_0": "0206-01-01", "next_run_1": "00:00"}, "within a year"),
        ({"how": "minutes", "minutes": "5", "next_run_0": "9999-12-31", "next_run_1": "23:59"}, "within a year"),
        ({"how": "minutes", "minutes": "5", "next_run_0": "never", "next_run_1": ""}, "Enter a valid"),
        ({"how": "day", "at": ""}, "Say at what time"),
        ({"how": "day", "at": "25:00"}, "Enter a valid time"),
        ({"how": "week", "weekday": ""}, "Say on which day of the week"),
        ({"how": "week", "weekday": "7"}, "Select a valid choice"),
        ({"how": "month", "day": "31"}, "less than or equal to 28"),
        ({"how": "O"}, "Select a valid choice"),
    ],
)
def test_times_that_workers_could_not_bear_are_refused_with_a_word(configurer, fields, says):
    before = Schedule.objects.values().get(name="Check quality")
    response = configurer.post(page_of(), form(**fields))
    assert response.status_code == 200
    assert says in response.content.decode()
    assert Schedule.objects.values().get(name="Check quality") == before


def test_nobody_can_make_the_workers_run_another_function(configurer):
    configurer.post(page_of(), form(func="os.system", args="'id'", hook="os.system"))
    assert (job().func, job().args, job().hook) == ("quality.tasks.daily_check", None, None)
    assert configurer.get(f"{SCHEDULES}add/").status_code == 403
    assert configurer.post(f"{SCHEDULES}{job().pk}/delete/", {"post": "yes"}).status_code == 403


def test_rows_that_were_written_by_sql_are_shown_and_no_foreign_function_is_run(configurer):
    for name, columns in BY_SQL.items():
        insert(name, **columns)
    odd = list(Schedule.objects.filter(name__in=BY_SQL).values_list("pk", flat=True))
    assert len(odd) == len(BY_SQL)
    assert configurer.get(SCHEDULES).status_code == 200
    assert {configurer.get(f"{SCHEDULES}{pk}/change/").status_code for pk in odd} == {200}
    for action in ("run_now", "switch_off", "switch_on"):
        assert configurer.post(SCHEDULES, {"action": action, "_selected_action": odd}).status_code == 302
    assert {row.func() for row in OrmQ.objects.all()} <= {"quality.tasks.daily_check", "config.tasks.tell_attention"}
    on = set(Schedule.objects.filter(name__in=BY_SQL).exclude(repeats=0).values_list("name", flat=True))
    assert on & {"os", "queues another", "no function", "hook", "date as an option", "runs in the scheduler"} == set()


@pytest.mark.parametrize("group", ["Viewers", "Operators"])
def test_whoever_may_not_change_jobs_sees_them_and_changes_none(configurer, group):
    client = somebody(group)
    text = client.get(SCHEDULES).content.decode()
    assert "Check quality" in text
    assert 'name="action"' not in text
    client.post(SCHEDULES, {"action": "switch_off", "_selected_action": [job().pk]})
    shown = client.get(page_of())
    assert shown.status_code == 200
    assert "every day at 02:20 UTC" in shown.content.decode()
    assert 'name="how"' not in shown.content.decode()
    assert client.post(page_of(), form(enabled="")).status_code == 403
    assert job().repeats == -1


# --- what came of it ------------------------------------------------------------------------------------------------
def ran(name: str, n: int, *, success: bool = True, result: str = "") -> None:
    number = sum(map(ord, name))
    begun = datetime.combine(timezone.now().date(), time(2, 20), tzinfo=UTC) - timedelta(days=n)
    Task.objects.create(
        id=f"{number:08}{n:024}", name=f"{name} {n}", func="quality.tasks.daily_check", group=name, started=begun,
        stopped=begun + timedelta(seconds=75), success=success, result=result or f"run {n} done",
    )  # fmt: skip


def test_a_job_tells_of_its_last_ten_runs_how_long_they_took_and_what_came_of_them(configurer):
    for n in range(1, 13):
        ran("Check quality", n)
    ran("Check quality", 0, success=False, result="the disk is full : Traceback (most recent call last): ...")
    text = configurer.get(page_of()).content.decode()
    assert "run 9 done" in text
    assert "run 10 done" not in text
    assert text.count("1 min 15 s") == 10
    assert "failed: the disk is full" in text
    assert "Traceback" not in text
    listed = configurer.get(SCHEDULES).content.decode()
    assert "failed: the disk is full" in listed
    row = next(row for row in rows_of_csv(configurer.get(f"{SCHEDULES}csv/")) if row["Name"] == "Check quality")
    assert (row["when"], row["seconds"], row["went well"]) == ("every day at 02:20 UTC", "75.0", "no")


def test_ten_runs_of_a_weekly_job_outlive_those_of_one_that_comes_every_five_minutes(settings):
    """django-q2 keeps save_limit tasks of each job, not of all together."""
    assert settings.Q_CLUSTER["save_limit_per"] == "group"
    assert settings.Q_CLUSTER["save_limit"] >= 10
    assert {name for name in settings.Q_CLUSTER if name == "broker_class"}


def test_the_list_makes_as_many_queries_for_many_runs_as_for_few(configurer):
    counts = []
    for days in (range(1), range(1, 20)):
        for each in schedules.JOBS:
            for n in days:
                ran(each.name, n)
        with queries_of_a_page() as sql:
            assert configurer.get(SCHEDULES).status_code == 200
        counts.append(len(sql))
    assert counts[0] == counts[1]
