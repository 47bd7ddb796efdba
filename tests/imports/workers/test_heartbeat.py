"""What every worker does beside its task: it says that it lives, and dispatches imports whose worker died."""

from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django_q.models import OrmQ

from imports.archive.checkpoint import HEARTBEAT_STALE_SECONDS
from imports.workers.heartbeat import beat
from imports.workers.models import Worker
from tests.clock import standing_still
from tests.imports.desk import new_import, park, running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db):
    """A worker is seen alive however long the test takes."""
    with standing_still() as clock:
        yield clock


def test_a_beat_says_that_the_worker_lives_and_what_it_does():
    beat("host/1/1/0", "import of a park")
    beat("host/1/1/0", "")
    (worker,) = Worker.alive()
    assert (str(worker), worker.doing) == ("host, process 1", "")


def test_a_beat_dispatches_an_import_whose_worker_is_gone():
    running(new_import(park()), heartbeat_age=HEARTBEAT_STALE_SECONDS + 1)
    for _ in range(3):
        beat("host/1/1/0", "")
    assert OrmQ.objects.count() == 1


def test_workers_of_yesterday_are_forgotten_and_those_of_an_hour_ago_are_not():
    for name, hours in (("old/1/1/0", 25), ("recent/2/1/0", 1)):
        Worker.seen(name, "")
        Worker.objects.filter(name=name).update(seen_at=Now() - timedelta(hours=hours))
    beat("host/1/1/0", "")
    assert set(Worker.objects.values_list("name", flat=True)) == {"recent/2/1/0", "host/1/1/0"}
