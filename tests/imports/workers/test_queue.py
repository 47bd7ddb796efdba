"""The queue of imports: which may be queued, what a message names; messages stay few and none gets lost."""

from datetime import date, datetime, timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ

from imports.archive.checkpoint import HEARTBEAT_STALE_SECONDS
from imports.models import ClaimLost, ImportCheckpoint, ImportStatus, TransitionRefused
from imports.workers import queue
from imports.workers.models import Worker
from tests.clock import standing_still
from tests.imports.desk import new_import, park, running

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db):
    """A worker that is alive, or gone for 26 s, is so however long the test takes."""
    with standing_still() as clock:
        yield clock


def messages() -> list[list[list[int]]]:
    return [row.task["args"][0] for row in OrmQ.objects.order_by("id")]


def test_a_new_import_that_is_enqueued_waits_and_is_named_by_one_message():
    checkpoint = new_import(park(1))
    queue.enqueue([checkpoint])
    assert (checkpoint.status, checkpoint.queued_at is not None) == (ImportStatus.PENDING, True)
    assert messages() == [[[checkpoint.pk, 0]]]
    assert queue.not_stale(messages()[0]) == [checkpoint]


def test_dispatching_again_sends_no_second_message():
    queue.enqueue([new_import(park(1))])
    assert [queue.dispatch() for _ in range(3)] == [0, 0, 0]


def test_the_parks_of_one_request_share_a_message_and_those_of_another_do_not():
    together = [new_import(park(n)) for n in (1, 2, 3)]
    other_days = new_import(park(4), end_date=date(2024, 12, 31))
    elsewhere = new_import(park(5, destination="99999999-9999-4999-8999-999999999999"))
    for n in range(5):
        Worker.seen(f"worker {n}", "")
    queue.enqueue([*together, other_days, elsewhere])
    assert messages() == [[[each.pk, 0] for each in together], [[other_days.pk, 0]], [[elsewhere.pk, 0]]]


def test_there_are_as_many_messages_as_workers_and_who_waits_longest_gets_the_next():
    for n in range(2):
        Worker.seen(f"worker {n}", "")
    imports = [new_import(park(n), end_date=date(2024, 2, n)) for n in range(1, 6)]
    for minutes, checkpoint in zip((3, 5, 1, 4, 2), imports, strict=True):
        checkpoint.queue()
        ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(queued_at=Now() - timedelta(minutes=minutes))
    queue.dispatch()
    assert messages() == [[[imports[1].pk, 0]], [[imports[3].pk, 0]]]


def test_without_a_worker_alive_one_message_waits_for_the_first_that_comes():
    Worker.seen("worker", "")
    Worker.objects.update(seen_at=Now() - timedelta(minutes=5))
    queue.enqueue([new_import(park(n), end_date=date(2024, 2, n)) for n in (1, 2, 3)])
    assert len(messages()) == 1


def test_a_message_is_stale_once_its_import_was_claimed():
    checkpoint = new_import(park(1))
    queue.enqueue([checkpoint])
    running(checkpoint)
    assert queue.not_stale(messages()[0]) == []


@pytest.mark.parametrize("move", ["pause", "fail"])
def test_a_message_is_stale_once_its_import_was_stopped(move):
    checkpoint = new_import(park(1))
    queue.enqueue([checkpoint])
    if move == "fail":
        running(checkpoint).put_back()
        queue.dispatch()
    getattr(checkpoint, move)("enough")
    assert [named for message in messages() for named in queue.not_stale(message)] == []
    assert checkpoint.queued_at is None
    OrmQ.objects.all().delete()
    assert queue.dispatch() == 0


def test_a_running_import_is_not_dispatched_and_one_without_a_sign_of_life_is():
    checkpoint = new_import(park(1))
    queue.enqueue([checkpoint])
    running(checkpoint, heartbeat_age=HEARTBEAT_STALE_SECONDS - 1)
    assert queue.dispatch() == 0
    ImportCheckpoint.objects.update(heartbeat_at=Now() - timedelta(seconds=HEARTBEAT_STALE_SECONDS + 1))
    assert queue.dispatch() == 1
    assert messages()[-1] == [[checkpoint.pk, checkpoint.generation]]


def test_an_import_of_the_command_whose_process_died_is_not_taken_by_the_workers():
    running(new_import(park(1)), queued=False, heartbeat_age=1000)
    assert queue.dispatch() == 0


def test_a_message_that_a_dead_cluster_fetched_is_sent_again_and_one_just_fetched_is_not(settings):
    queue.enqueue([new_import(park(1))])
    fetched = timezone.now() + timedelta(seconds=settings.Q_CLUSTER["retry"])
    OrmQ.objects.update(lock=fetched)
    assert queue.dispatch() == 0
    assert queue.dispatch(timezone.now() + timedelta(seconds=queue.FETCHED_MESSAGE_LOST_SECONDS + 1)) == 1


def test_a_slice_that_ended_goes_to_the_end_of_the_queue(clock):
    first, second = (new_import(park(n), end_date=date(2024, 2, n)) for n in (1, 2))
    queue.enqueue([first, second])
    clock.goes_on(timedelta(seconds=1))
    running(first).put_back()
    assert queue.waiting() == [second, first]
    first.refresh_from_db()
    assert (first.status, first.worker, first.attempts) == (ImportStatus.IN_PROGRESS, "", 0)


def test_imports_are_enqueued_all_or_none():
    fresh, busy = new_import(park(1)), running(new_import(park(2)))
    with pytest.raises(TransitionRefused, match="is being imported by another-host"):
        queue.enqueue([fresh, busy])
    fresh.refresh_from_db()
    assert (fresh.queued_at, messages()) == (None, [])


@pytest.mark.parametrize("from_where", ["PAUSED", "FAILED", "dead command"])
def test_a_stopped_import_goes_on_by_being_queued(from_where):
    checkpoint = running(new_import(park(1)), queued=False, heartbeat_age=1000)
    if from_where == "PAUSED":
        checkpoint.pause("by somebody")
    elif from_where == "FAILED":
        checkpoint.fail("it broke")
    generation = checkpoint.generation
    queue.enqueue([checkpoint])
    assert (checkpoint.status, checkpoint.worker, checkpoint.last_error) == (ImportStatus.IN_PROGRESS, "", "")
    assert checkpoint.generation > generation
    assert messages() == [[[checkpoint.pk, checkpoint.generation]]]


def test_what_cannot_be_queued_says_why():
    done = new_import(park(1), status=ImportStatus.COMPLETED)
    with pytest.raises(TransitionRefused, match="is COMPLETED and cannot become IN_PROGRESS"):
        done.queue()
    waiting = new_import(park(2))
    waiting.queue()
    with pytest.raises(TransitionRefused, match="is queued already"):
        waiting.queue()


@pytest.mark.parametrize("state", ["waits", "runs", "was put back"])
def test_a_second_import_of_a_park_is_refused_while_the_first_is_queued(state):
    place = park(1)
    first, second = new_import(place), new_import(place, end_date=date(2024, 12, 31))
    second.pause()
    first.queue()
    if state != "waits":
        running(first)
    if state == "was put back":
        first.put_back()
    for door in (second.queue, lambda: second.claim("a command")):
        with pytest.raises(TransitionRefused, match=f"Park 1 is being imported \\({first.import_id}"):
            door()
    second.refresh_from_db()
    assert second.status == ImportStatus.PAUSED


def test_a_second_import_puts_out_the_first_whose_process_is_frozen():
    place = park(1)
    frozen = running(new_import(place), queued=False, heartbeat_age=1000)
    second = new_import(place, end_date=date(2024, 12, 31))
    second.claim("a command")
    assert not frozen.beat(), "the frozen worker may not go on when it wakes up"
    frozen.refresh_from_db()
    assert frozen.status == ImportStatus.PAUSED


def test_a_worker_whose_import_was_taken_over_can_change_nothing():
    frozen = running(new_import(park(1)), heartbeat_age=HEARTBEAT_STALE_SECONDS + 1)
    own = frozen.generation
    ImportCheckpoint.objects.get(pk=frozen.pk).claim("the next worker", queued=True)
    assert not frozen.beat()
    for move in (
        lambda: frozen.advance(day=date(2024, 1, 1), source_file="x", stored=1, errors=0),
        frozen.complete,
        frozen.put_back,
    ):
        with pytest.raises(ClaimLost):
            move()
    for move in (frozen.pause, frozen.fail):
        with pytest.raises(TransitionRefused):
            move("its own end", generation=own)
    assert ImportCheckpoint.objects.get(pk=frozen.pk).worker == "the next worker"


def test_a_command_may_take_an_import_out_of_the_queue():
    checkpoint = new_import(park(1))
    queue.enqueue([checkpoint])
    checkpoint.claim("a command")
    assert checkpoint.queued_at is None
    assert queue.not_stale(messages()[0]) == []


def test_the_age_of_the_oldest_message_tells_how_long_the_queue_has_not_moved():
    now = datetime(2030, 1, 1, tzinfo=timezone.get_current_timezone())
    assert queue.oldest_message_age(now) is None
    queue.enqueue([new_import(park(1))])
    OrmQ.objects.update(lock=now - timedelta(minutes=7))
    assert queue.oldest_message_age(now) == timedelta(minutes=7)
