"""A cluster whose processes are killed or frozen, one after another: it goes on, says so, and nobody is left of it."""

import os
import signal
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success
from django_q.tasks import async_task

from imports.archive.process import is_known_dead
from imports.workers.models import NO_ROUND, FetchedMessage, Role, Worker
from tests.imports import forks
from tests.imports.clusters import Cluster
from tests.imports.workers import held_task
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
#: waits where its argument, a file, is not there yet; django-q2 calls any function of a message, which is signed
WAITS = "tests.imports.workers.held_task.wait_for"
KILLS = "tests.imports.workers.held_task.die"
# Of 120, 30, 5, 3 and 15, and of 55: what is killed or frozen is waited for eight times.
HURRIED = {"no_round": 5.0, "holder_silent": 4.0, "on_its_way": 1.5, "beat": 0.8, "look": 0.8, "asks": 1}


@pytest.fixture
def cluster(tmp_path):
    started = Cluster(tmp_path / "cluster.log", hurried=HURRIED)
    yield started
    started.kill()


def row(role: Role, **which: str) -> Worker | None:
    return Worker.objects.filter(role=role, ended_at=None, **which).order_by("worker_id").first()


def living(role: Role) -> list[int]:
    """The process ids of those that live, by their rows."""
    rows = Worker.objects.filter(role=role, ended_at=None)
    return [int(each.name.split("/")[1]) for each in rows if not is_known_dead(each.name)]


def all_there() -> bool:
    return len(living(Role.WORKER)) == 2 and all(
        len(living(role)) == 1 for role in (Role.SCHEDULER, Role.PUSHER, Role.MONITOR)
    )


def runs_a_task(name: str) -> None:
    async_task("builtins.len", name, group=name)
    until(lambda: Success.objects.filter(group=name).exists(), otherwise=how_it_stands)


def how_it_stands() -> object:
    return [*Worker.objects.values(), *FetchedMessage.objects.values(), *OrmQ.objects.values("id", "lock")]


def held(group: str) -> Worker | None:
    return row(Role.WORKER, doing=group)


def test_a_cluster_goes_on_whichever_of_its_processes_is_killed_or_frozen(cluster, tmp_path):
    until(all_there, otherwise=how_it_stands)

    # an idle worker that is killed took the lock of django-q2's queue with it, and no other got a task any more
    for pid in living(Role.WORKER):
        os.kill(pid, signal.SIGKILL)
    runs_a_task("after idle workers were killed")

    # what is frozen gives way to another
    frozen = [living(role)[0] for role in (Role.WORKER, Role.PUSHER, Role.MONITOR)]
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    until(lambda: all(map(was_replaced, frozen)), otherwise=how_it_stands)
    runs_a_task("after one of each was frozen")
    for role in (Role.PUSHER, Role.MONITOR):
        (pid,) = until(lambda role=role: living(role), otherwise=how_it_stands)
        os.kill(pid, signal.SIGKILL)
    runs_a_task("after the pusher and the monitor were killed")

    # a task of the killed sentinel's cluster is delivered again, and by its orphans nothing is done any more
    async_task(WAITS, str(tmp_path / "go"), group="held")
    worker = until(lambda: held("held"), otherwise=how_it_stands)
    orphans = [*living(Role.WORKER), *living(Role.PUSHER), *living(Role.MONITOR)]
    (sentinel,) = living(Role.SCHEDULER)
    os.kill(sentinel, signal.SIGKILL)
    until(lambda: not any(map(_runs, orphans)), otherwise=how_it_stands)
    (tmp_path / "go").touch()
    until(lambda: Success.objects.filter(group="held").exists(), otherwise=how_it_stands)
    assert is_known_dead(worker.name)
    until(lambda: not FetchedMessage.objects.exists())

    # a frozen one is ended by the main process, which starts another
    until(all_there, otherwise=how_it_stands)
    assert living(Role.MAIN) == [cluster.pid]
    (sentinel,) = living(Role.SCHEDULER)
    os.kill(sentinel, signal.SIGSTOP)
    until(lambda: not _runs(sentinel))
    runs_a_task("after the sentinel was frozen")

    # what kills whoever takes it is a failed task after the third
    async_task(KILLS, group="deadly")
    until(lambda: Failure.objects.filter(group="deadly").exists(), otherwise=how_it_stands)
    (failed,) = Failure.objects.filter(group="deadly")
    assert "given up: 3 processes died with it in hand" in failed.result
    assert not OrmQ.objects.exists()
    runs_a_task("after the deadly one")

    # without the main process nobody is left
    until(all_there, otherwise=how_it_stands)
    all_of_them = [pid for role in Role for pid in living(role)]
    os.kill(cluster.pid, signal.SIGKILL)
    until(lambda: not any(map(_runs, all_of_them)))
    assert "ended by signal 9 (SIGKILL), and its workers with it; another is started" in log_of(tmp_path)


def test_a_cluster_that_is_asked_to_end_finishes_what_is_in_hand_and_says_so(cluster, tmp_path):
    until(all_there, otherwise=how_it_stands)
    async_task(WAITS, str(tmp_path / "go"), group="held")
    until(lambda: held("held"), otherwise=how_it_stands)
    with connection.cursor() as cursor:  # for longer than a cluster bears a process without a round
        cursor.execute("LOCK TABLES workers WRITE, django_q_schedule WRITE")
        time.sleep(HURRIED["no_round"] * 1.5)
        cursor.execute("UNLOCK TABLES")
    Schedule.objects.bulk_create([a_job("Year 206", datetime(206, 1, 1, tzinfo=UTC)), a_job("Due", timezone.now())])
    until(lambda: {"Due", "Year 206"} <= {row.group() for row in OrmQ.objects.all()} | done_groups())
    os.kill(cluster.pid, signal.SIGTERM)
    until(lambda: row(Role.PUSHER) is None)
    (tmp_path / "go").touch()
    until(lambda: not Worker.objects.filter(ended_at=None).exists(), otherwise=how_it_stands)
    assert Success.objects.filter(group="held").exists()
    assert (tmp_path / "go.runs").read_text() == "once\n", "its worker lived, although nobody could say so for a while"
    assert not Worker.objects.exclude(ended_by="").exists()
    assert not FetchedMessage.objects.exists()


def test_a_cluster_whose_scheduler_fails_again_and_again_ends_and_says_so():
    run = forks.Fork(held_task.run_a_cluster_whose_scheduler_fails, [])
    said, _ = run.communicate()
    assert run.returncode == 1
    assert said.count("ended by an error (exit status 1), and its workers with it; another is started") == 2
    assert "for the 3rd time in a row. What stands above says why" in said


def a_job(name: str, next_run: datetime) -> Schedule:
    return Schedule(name=name, func="config.tasks.report_night", schedule_type="I", minutes=1, next_run=next_run)


def done_groups() -> set[str]:
    return set(Success.objects.values_list("group", flat=True))


def was_replaced(pid: int) -> bool:
    return Worker.objects.filter(name__contains=f"/{pid}/", ended_by__startswith=NO_ROUND).exists()


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def log_of(folder: Path) -> str:
    return (folder / "cluster.log").read_text()
