"""Pause everything by its page: asked first, told at the top of home and on both lists, and in every history."""

from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django_q.models import Schedule

from imports.archive.pause_model import Pause
from imports.models import ImportCheckpoint
from imports.workers import queue
from tests.imports.desk import CHANGELIST, new_import, park, running, somebody

pytestmark = pytest.mark.django_db
PAGE = "/admin/imports/pause/everything/"
SCHEDULES = "/admin/django_q/schedule/"


@pytest.fixture
def operator():
    call_command("sync_schedules", stdout=StringIO())
    queue.enqueue([new_import(park(1))])
    return somebody("Operators")


def text_of(client, url: str, **data) -> str:
    response = client.post(url, data, follow=True) if data else client.get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_it_says_what_it_would_stop_and_does_nothing_before_it_is_confirmed(operator):
    text = text_of(operator, PAGE)
    assert "Check quality" in text
    assert "of Park 1</a> (PENDING)" in text
    assert not Pause.objects.exists()


def test_home_and_both_lists_say_that_everything_is_paused_by_whom_and_why(operator):
    assert "Pause everything" in text_of(operator, "/admin/")
    done = text_of(operator, PAGE, move="pause", why="disk full <b>")
    assert "Everything is paused: 1 import and 9 recurring jobs stopped" in done
    for url in ("/admin/", CHANGELIST, SCHEDULES, PAGE):
        text = text_of(operator, url)
        assert "Everything is paused by operators-" in text
        assert "disk full &lt;b&gt;" in text
        assert "Resume everything" in text
    done = text_of(operator, PAGE, move="resume")
    assert "Everything goes on: 1 import and 9 recurring jobs" in done
    for url in ("/admin/", CHANGELIST, SCHEDULES):
        assert "Everything is paused by" not in text_of(operator, url)


def test_whoever_comes_second_is_told_what_the_first_did(operator):
    text_of(operator, PAGE, move="pause")
    other = somebody("Operators")
    assert "Nothing changed: everything is paused by operators-" in text_of(other, PAGE, move="pause")
    text_of(other, PAGE, move="resume")
    assert "ended the pause of operators-" in text_of(operator, PAGE, move="resume")
    assert not Pause.current()


def test_each_import_and_job_has_it_in_its_history(operator):
    text_of(operator, PAGE, move="pause", why="disk full")
    text_of(operator, PAGE, move="resume")
    for touched in (ImportCheckpoint.objects.get(), Schedule.objects.get(name="Check quality")):
        said = LogEntry.objects.filter(object_id=touched.pk, content_type__model=touched._meta.model_name)
        assert [entry.change_message for entry in said.order_by("pk")] == [
            "Paused with everything. Reason: disk full",
            "Resumed with everything",
        ]
    listed = text_of(operator, "/admin/imports/pause/")
    assert "disk full" in listed
    assert "1 import, 9 jobs" in listed


def test_viewers_see_it_and_cannot_do_it(operator):
    viewer = somebody("Viewers")
    assert 'name="move"' not in text_of(viewer, PAGE)
    assert viewer.post(PAGE, {"move": "pause"}).status_code == 403
    assert "Pause everything" not in text_of(viewer, "/admin/")
    assert not Pause.objects.exists()


def test_while_it_lasts_no_job_is_switched_or_run(operator):
    configurer = somebody("Configurers")
    text_of(operator, PAGE, move="pause")
    job = Schedule.objects.get(name="Check quality")
    for action in ("switch_on", "switch_off", "run_now"):
        said = text_of(configurer, SCHEDULES, action=action, _selected_action=[job.pk])
        assert "Nothing was done. Everything is paused by" in said
    form = {"enabled": "on", "how": "day", "at": "02:20", "minutes": "", "cron": "", "weekday": "", "day": ""}
    assert "Resume everything first" in text_of(configurer, f"{SCHEDULES}{job.pk}/change/", **form)
    assert Schedule.objects.exclude(repeats=0).count() == 0


def test_a_queue_that_stands_still_by_the_pause_asks_for_no_restart(operator):
    running(new_import(park(2, "a destination of its own")))
    text_of(operator, PAGE, move="pause")
    keys = [each.key for each in operator.get("/admin/").context["home"].attention]
    assert keys[0] == "desk.paused"
    assert not {"workers.queue_stands", "jobs.overdue"} & set(keys)
