"""Real clusters of django-q2 on the test database: killed, frozen, two at once. The rows are those of a quiet run."""

import os
import signal
from collections.abc import Callable
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TypeVar

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from imports.models import ImportCheckpoint, ImportStatus
from imports.workers import queue
from imports.workers.models import Worker
from quality.models import OwedCheck
from tests.emptying import empty_tables
from tests.imports import forks
from tests.imports.clusters import Cluster
from tests.imports.gate import Gate
from tests.imports.table_state import table_state
from tests.waiting import HANG_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
# The seconds of the real thing (25, 5, 20), shortened where a frozen worker is to be given up within the test.
# Elsewhere nobody is: a worker that was killed is known to be at once, and one that is slow is to keep what it has.
STALE_SECONDS = 6


@pytest.fixture(scope="module")
def archive(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("workers") / "archive"
    call_command(
        "create_sample_archive", str(folder), days=25, events_per_day=600, destinations=2, seed=3,
        start=date(2025, 1, 10), verbosity=0,
    )  # fmt: skip
    return folder


_states: dict[Path, dict] = {}


@pytest.fixture
def undisturbed(archive):
    """What a quiet import of the archive leaves; made once, since it takes seconds."""
    if archive not in _states:
        assert forks.run("import_archive", "--source", archive, "--all")[0] == 0
        _states[archive] = table_state()
        empty_tables()
        assert _states[archive]["snapshots"][0] > 20_000
    return _states[archive]


@pytest.fixture
def gates(archive, undisturbed):
    """In each destination a day that does not arrive before it is let in: no import is done before that."""
    destinations = [path for path in archive.iterdir() if path.is_dir()]
    gates = [Gate(sorted(destination.rglob("*.json.gz"))[15]) for destination in destinations]
    yield gates
    for gate in gates:
        gate.open()


@pytest.fixture
def start_cluster(tmp_path):
    """Starts clusters; what is left of them at the end is killed."""
    started = []

    def start(stale_seconds: float = HANG_SECONDS) -> Cluster:
        started.append(Cluster(tmp_path / f"cluster{len(started)}.log", stale_seconds=stale_seconds))
        return started[-1]

    yield start
    for cluster in started:
        cluster.kill()


def wait_until(what: Callable[[], T], every_seconds: float = 0.1) -> T:
    return until(
        what,
        every_seconds=every_seconds,
        otherwise=lambda: list(
            ImportCheckpoint.objects.values_list("park__park_name", "status", "files_processed", "worker", "last_error")
        ),
    )


def queue_all(archive: Path) -> None:
    assert forks.run("import_archive", "--source", archive, "--all", "--queue")[0] == 0


def some_files_are_in() -> bool:
    return ImportCheckpoint.objects.filter(files_processed__gte=3, status=ImportStatus.IN_PROGRESS).exists()


def all_completed() -> bool:
    assert not ImportCheckpoint.objects.filter(status__in=[ImportStatus.FAILED, ImportStatus.PAUSED]).exists()
    if ImportCheckpoint.objects.exclude(status=ImportStatus.COMPLETED).exists():
        return False
    return not OwedCheck.objects.exists()  # what came in was checked, too, by a task of its own


def process_of(worker: str) -> int:
    return int(worker.split("/")[1])


def busy_worker() -> str | None:
    return (
        ImportCheckpoint.objects.filter(status=ImportStatus.IN_PROGRESS, files_processed__gte=3)
        .exclude(worker="")
        .values_list("worker", flat=True)
        .first()
    )


def test_an_import_goes_on_by_itself_when_its_worker_or_the_whole_cluster_is_killed(
    archive, undisturbed, gates, start_cluster
):
    queue_all(archive)
    cluster = start_cluster()
    victim = wait_until(busy_worker)
    os.kill(process_of(victim), signal.SIGKILL)
    wait_until(lambda: not ImportCheckpoint.objects.filter(worker=victim).exclude(queued_at=None).exists())
    wait_until(some_files_are_in)

    cluster.kill()
    assert ImportCheckpoint.objects.exclude(status=ImportStatus.COMPLETED).exists()
    for gate in gates:
        gate.open()
    OrmQ.objects.update(lock=timezone.now())  # the queue hands out again what the dead had in hand, minutes later
    start_cluster()
    wait_until(all_completed)
    assert table_state() == undisturbed


def test_two_clusters_never_import_a_park_twice_at_once_also_when_one_is_frozen_and_wakes_up(
    archive, undisturbed, start_cluster
):
    queue_all(archive)
    clusters = [start_cluster(STALE_SECONDS), start_cluster(STALE_SECONDS)]

    def freeze_one_that_is_busy() -> tuple[Cluster, set[int]] | None:
        """The cluster, and the imports that it holds; None, and nobody is frozen, when it had just put them down."""
        if (worker := busy_worker()) is None:
            return None
        group = os.getpgid(process_of(worker))
        os.killpg(group, signal.SIGSTOP)
        (frozen,) = (cluster for cluster in clusters if cluster.pid == group)
        held = set(ImportCheckpoint.objects.filter(worker__in=workers_of(frozen)).values_list("pk", flat=True))
        if held:
            return frozen, held
        os.killpg(group, signal.SIGCONT)
        return None

    with commits_by_worker() as commits, silence_before_a_takeover() as silences:
        frozen, held = wait_until(freeze_one_that_is_busy, every_seconds=0.01)  # at work for half a second
        wait_until(
            lambda: (
                not ImportCheckpoint.objects.filter(
                    pk__in=held, status=ImportStatus.IN_PROGRESS, worker__in=workers_of(frozen)
                ).exists()
            )
        )
        os.killpg(frozen.pid, signal.SIGCONT)
        wait_until(all_completed)
    assert table_state() == undisturbed
    assert silences
    assert min(silences) >= STALE_SECONDS, "it was taken from a worker that had just given a sign of life"
    for park, generations in commits.items():
        assert generations == sorted(generations), f"park {park} was imported by two workers at once"


def test_workers_say_that_they_live(start_cluster):
    cluster = start_cluster()
    wait_until(lambda: Worker.alive().count() == 2)
    assert all(os.getpgid(process_of(worker.name)) == cluster.pid for worker in Worker.alive())


def workers_of(cluster: Cluster) -> list[str]:
    """Zombies included: they are in the process group until somebody waits for them."""
    names = []
    for name in Worker.objects.values_list("name", flat=True):
        try:
            if os.getpgid(process_of(name)) == cluster.pid:
                names.append(name)
        except ProcessLookupError:
            continue
    return names


@contextmanager
def commits_by_worker():
    """By park, the generation of its import at each file that was committed, in the order of the commits.

    A generation belongs to one worker: had two of them a park at once, theirs would alternate.
    """
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE watched (id BIGINT AUTO_INCREMENT PRIMARY KEY, park_id INT, generation INT)")
        cursor.execute(
            "CREATE TRIGGER watch AFTER UPDATE ON import_checkpoints FOR EACH ROW "
            "BEGIN IF NOT (NEW.last_processed_file <=> OLD.last_processed_file) THEN "
            "INSERT INTO watched (park_id, generation) VALUES (NEW.park_id, NEW.generation); END IF; END"
        )
    seen: dict[int, list[int]] = {}
    try:
        yield seen
        with connection.cursor() as cursor:
            cursor.execute("SELECT park_id, generation FROM watched ORDER BY id")
            for park_id, generation in cursor.fetchall():
                seen.setdefault(park_id, []).append(generation)
        assert seen
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS watch")
            cursor.execute("DROP TABLE IF EXISTS watched")


@contextmanager
def silence_before_a_takeover():
    """Seconds by the server's clock: how old the last sign of life was, each time one worker took from another."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE takeovers (silence DOUBLE)")
        cursor.execute(
            "CREATE TRIGGER watch_takeovers AFTER UPDATE ON import_checkpoints FOR EACH ROW "
            "BEGIN IF NEW.generation > OLD.generation AND OLD.status = 'IN_PROGRESS' AND OLD.worker <> '' THEN "
            "INSERT INTO takeovers VALUES (TIMESTAMPDIFF(MICROSECOND, OLD.heartbeat_at, UTC_TIMESTAMP(6)) / 1e6); "
            "END IF; END"
        )
    seen: list[float] = []
    try:
        yield seen
        with connection.cursor() as cursor:
            cursor.execute("SELECT silence FROM takeovers")
            seen += [silence for (silence,) in cursor.fetchall()]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER IF EXISTS watch_takeovers")
            cursor.execute("DROP TABLE IF EXISTS takeovers")


def test_a_pause_takes_effect_within_a_file_and_a_resume_goes_on(archive, undisturbed, gates, start_cluster):
    queue_all(archive)
    start_cluster()
    wait_until(some_files_are_in)
    for checkpoint in ImportCheckpoint.objects.all():
        checkpoint.pause("by somebody")
    files = sum(ImportCheckpoint.objects.values_list("files_processed", flat=True))
    for gate in gates:
        gate.open()
    wait_until(no_slice_is_in_hand)
    assert set(ImportCheckpoint.objects.values_list("status", flat=True)) == {ImportStatus.PAUSED}
    assert sum(ImportCheckpoint.objects.values_list("files_processed", flat=True)) == files
    queue.enqueue(ImportCheckpoint.objects.select_related("park"))
    wait_until(all_completed)
    assert table_state() == undisturbed


def no_slice_is_in_hand() -> bool:
    """A message leaves the queue when its slice has ended."""
    return not any(row.task["func"] == queue.TASK for row in OrmQ.objects.all())
