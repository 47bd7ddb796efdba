"""Everything paused and resumed: what is stopped, what does not begin meanwhile, and what the way back restores."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import OrmQ, Schedule
from django_q.tasks import async_task

from imports.archive.pause_model import Pause
from imports.archive.transitions import ImportStatus, TransitionRefused
from imports.models import ImportCheckpoint
from imports.workers import queue, schedules, standstill
from tests.imports.building import DESTINATION
from tests.imports.desk import new_import, park, running

pytestmark = pytest.mark.django_db
OTHER = f"{DESTINATION[:-2]}99"


def job(name: str, **changes) -> Schedule:
    fields = {"func": "quality.tasks.daily_check", "schedule_type": "C", "cron": "20 2 * * *"}
    return Schedule.objects.create(name=name, **fields | changes)


def states() -> dict[str, str]:
    return dict(ImportCheckpoint.objects.values_list("park__park_name", "status"))


@pytest.fixture
def four_imports():
    """One that a worker is at, one that waits for its turn, one that a command runs, one that was paused before."""
    at_work, waits, command, paused = (new_import(park(n, f"{DESTINATION[:-2]}{n:02}")) for n in range(1, 5))
    queue.enqueue([at_work, waits])
    running(at_work)
    running(command, queued=False)
    running(paused)
    paused.pause("by bob")
    return at_work, waits, command, paused


def test_what_runs_or_waits_is_stopped_and_the_way_back_restores_just_that(four_imports):
    job("On")
    job("Ten times", repeats=10)
    job("Off", repeats=0)
    _, stopped = standstill.begin("anna", "disk full")
    assert str(stopped) == "3 imports and 2 recurring jobs"
    assert set(states().values()) == {"PAUSED"}
    assert set(Schedule.objects.values_list("repeats", flat=True)) == {0}
    assert ImportCheckpoint.objects.get(park__park_name="Park 1").last_error == (
        "everything was paused by anna: disk full"
    )
    pause, restored = standstill.end("carla")
    assert str(restored) == "3 imports and 2 recurring jobs"
    assert states() == {"Park 1": "IN_PROGRESS", "Park 2": "IN_PROGRESS", "Park 3": "IN_PROGRESS", "Park 4": "PAUSED"}
    assert ImportCheckpoint.objects.filter(queued_at__isnull=False).count() == 3  # the command's too: it has ended
    assert dict(Schedule.objects.values_list("name", "repeats")) == {"On": -1, "Ten times": 10, "Off": 0}
    assert (pause.left, pause.ended_by, pause.is_active, Pause.current()) == ([], "carla", None, None)


def test_what_was_changed_meanwhile_is_left_as_it_is_and_named(four_imports):
    job("Gone")
    job("On again")
    standstill.begin("anna")
    at_work, waits, *_ = ImportCheckpoint.objects.order_by("pk")
    at_work.cancel("bob", "wrong archive")
    waits.queue()
    Schedule.objects.filter(name="Gone").delete()
    Schedule.objects.filter(name="On again").update(repeats=5)
    pause, restored = standstill.end("anna")
    assert [checkpoint.park.park_name for checkpoint in restored.imports] == ["Park 3"]
    assert sorted(said.split(": ", 1)[1] for said in pause.left) == [
        "is FAILED by what was done with it meanwhile",
        "is IN_PROGRESS by what was done with it meanwhile",
        "there is no such job any more",
        "was switched on meanwhile",
    ]
    assert Schedule.objects.get().repeats == 5


def test_of_an_import_that_waits_for_its_source_the_instant_is_kept(four_imports):
    at_work, *_ = four_imports
    until = datetime(2099, 1, 1, tzinfo=UTC)
    at_work.wait(until, "the budget is spent")
    standstill.begin("anna")
    standstill.end("anna")
    at_work.refresh_from_db()
    assert (at_work.not_before, at_work.last_error) == (until, "the budget is spent")


def test_of_two_who_pause_or_resume_at_once_the_second_is_told_of_the_first():
    standstill.begin("anna", "disk full")
    with pytest.raises(standstill.PauseRefused, match=r"everything is paused by anna since .*: disk full"):
        standstill.begin("bob")
    standstill.end("bob")
    with pytest.raises(standstill.PauseRefused, match="bob ended the pause of anna"):
        standstill.end("anna")
    standstill.begin("anna")
    assert Pause.objects.count() == 2


# --- what does not begin meanwhile -------------------------------------------------------------------------------
def test_no_import_can_be_claimed_and_whoever_tries_is_told_why(four_imports):
    standstill.begin("anna", "disk full")
    with pytest.raises(TransitionRefused, match=r"does not begin: Everything is paused by anna since .*: disk full"):
        new_import(park(9, OTHER)).claim("host/1/1/0")
    assert ImportCheckpoint.objects.get(park__park_name="Park 9").status == ImportStatus.PENDING


def test_workers_fetch_nothing_but_what_only_tells(settings):
    broker = get_broker()
    async_task("quality.tasks.daily_check", group="Check quality", broker=broker)
    async_task("config.tasks.tell_anything", group="Tell", broker=broker)
    OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=5))
    standstill.begin("anna")
    ((fetched, _),) = broker.dequeue()
    assert OrmQ.objects.get(pk=fetched).func() == "config.tasks.tell_anything"
    assert broker.dequeue() is None
    standstill.end("anna")
    ((fetched, _),) = broker.dequeue()
    assert OrmQ.objects.get(pk=fetched).func() == "quality.tasks.daily_check"


def test_a_job_that_is_registered_meanwhile_is_off_until_everything_is_resumed():
    standstill.begin("anna")
    assert any("registered, and off while everything is paused" in line for line in schedules.sync())
    assert not Schedule.objects.exclude(repeats=0).exists()
    standstill.end("anna")
    assert not Schedule.objects.filter(repeats=0).exists()


def test_jobs_that_only_tell_go_on():
    job("Tell", func="config.tasks.tell")
    standstill.begin("anna")
    assert Schedule.objects.get().repeats == -1


@pytest.mark.django_db(transaction=True)
def test_an_import_that_is_claimed_in_this_very_moment_is_stopped_too(monkeypatch):
    """The claim has not seen the pause, and the pause not the claim: it waits for the row."""
    checkpoint = new_import(park())
    asked, go_on = threading.Event(), threading.Event()
    current = Pause.current

    def late(cls=Pause):
        found = current()
        if threading.current_thread() is claiming:
            asked.set()
            go_on.wait(30)
        return found

    monkeypatch.setattr(Pause, "current", late)

    def claim():
        checkpoint.claim("host/1/1/0")
        connection.close()

    claiming = threading.Thread(target=claim)
    claiming.start()
    assert asked.wait(30)
    threading.Timer(0.3, go_on.set).start()
    standstill.begin("anna")
    claiming.join()
    assert states() == {"Park 1": "PAUSED"}


def test_a_command_says_why_it_begins_nothing_and_leaves_nothing_begun(tmp_path):
    standstill.begin("anna", "disk full")
    with pytest.raises(CommandError, match=r"paused by anna since .*: disk full\. Resume everything") as refused:
        call_command("import_archive", "--source", str(tmp_path), "--all")
    assert refused.value.returncode == 3
    assert not ImportCheckpoint.objects.exists()
