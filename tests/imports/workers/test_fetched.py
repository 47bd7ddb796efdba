"""Who has a message in hand: what the dead had is delivered again, what the living have is not, and not for ever."""

import os
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.models import Failure, OrmQ
from django_q.tasks import async_task

from imports.archive.process import process_token
from imports.workers import fetched
from imports.workers.channel import MESSAGE_BYTES_MAX, STOP, Channel
from imports.workers.models import FetchedMessage, Worker
from imports.workers.rounds import Tasks

pytestmark = pytest.mark.django_db
PUSHER, WORKER, ANOTHER = "host-a/1/1/m", "host-a/2/1/m", "host-b/3/1/n"


@pytest.fixture
def message() -> OrmQ:
    """One that was fetched a moment ago, by a pusher that lives."""
    async_task("quality.tasks.daily_check", group="Check quality")
    (row,) = OrmQ.objects.all()
    for name in (PUSHER, WORKER, ANOTHER):
        Worker.seen(name, "")
    assert fetched.fetch(row, PUSHER)
    return row


def seen(name: str, seconds_ago: float) -> None:
    Worker.objects.filter(name=name).update(seen_at=Now() - timedelta(seconds=seconds_ago))


def ended(name: str, seconds_ago: float) -> None:
    Worker.objects.filter(name=name).update(ended_at=Now() - timedelta(seconds=seconds_ago))


def waits(message: OrmQ) -> bool:
    return OrmQ.objects.filter(pk=message.pk, lock__lte=timezone.now()).exists()


def test_what_lies_in_a_cluster_that_lives_or_is_worked_on_is_not_delivered_again(message):
    assert fetched.give_back() == []
    assert fetched.take(message.pk, WORKER, PUSHER)
    ended(PUSHER, 600)
    seen(WORKER, 20)
    assert fetched.give_back() == []
    fetched.done(message.pk, WORKER)
    ended(WORKER, 2)  # its result is on its way to the monitor
    assert fetched.give_back() == []
    assert not waits(message)


@pytest.mark.parametrize("how", ["ended", "frozen", "forgotten"])
@pytest.mark.parametrize("taken", [False, True])
def test_what_somebody_had_who_is_gone_is_delivered_again_once(message, taken, how):
    assert not taken or fetched.take(message.pk, WORKER, PUSHER)
    holder = WORKER if taken else PUSHER
    if how == "ended":
        ended(holder, 6)
    elif how == "frozen":
        seen(holder, 31)
    else:
        Worker.objects.filter(name=holder).delete()
    assert fetched.give_back() == [message.pk]
    assert fetched.give_back() == []
    assert waits(message)
    assert not fetched.take(message.pk, ANOTHER, PUSHER), "what lies in the cluster of before is nobody's any more"
    assert FetchedMessage.objects.get().deaths == int(taken)


def test_a_worker_begins_with_what_is_its_own_alone_and_writes_down_that_it_has_ended(message):
    channel = Channel()
    for _ in range(2):  # the second time it is nobody's any more who read the first
        channel.put((PUSHER, {"ack_id": message.pk}))
    channel.close()
    tasks = Tasks(channel, os.getppid())
    assert tasks.get() == {"ack_id": message.pk}
    assert FetchedMessage.objects.get().holder == process_token()
    tasks.done()
    assert FetchedMessage.objects.get().done_at is not None
    assert tasks.get() == STOP


def test_a_result_that_was_lost_with_the_monitor_has_its_task_run_again_and_counts_as_no_death(message):
    fetched.take(message.pk, WORKER, PUSHER)
    fetched.done(message.pk, WORKER)
    FetchedMessage.objects.update(done_at=Now() - timedelta(seconds=31))
    assert fetched.give_back() == [message.pk]
    assert FetchedMessage.objects.get().deaths == 0


def test_what_three_died_with_is_a_failed_task_and_gone_from_the_queue(message):
    for n in range(3):
        assert n == 0 or fetched.fetch(OrmQ.objects.get(), PUSHER)
        assert fetched.take(message.pk, WORKER, PUSHER)
        seen(WORKER, 40)
        assert fetched.give_back() == ([message.pk] if n < 2 else [])
    (failed,) = Failure.objects.all()
    assert (failed.func, failed.group) == ("quality.tasks.daily_check", "Check quality")
    assert f"3 processes died with it in hand or made no round any more, {WORKER} the last" in failed.result
    assert not OrmQ.objects.exists()
    assert not FetchedMessage.objects.exists()


def test_pushers_may_die_as_often_as_they_like(message):
    for n in range(5):
        assert n == 0 or fetched.fetch(OrmQ.objects.get(), PUSHER)
        seen(PUSHER, 40)
        assert fetched.give_back() == [message.pk]


def test_of_two_clusters_one_fetches_it(message):
    row = OrmQ.objects.get()
    OrmQ.objects.update(lock=timezone.now())
    row.refresh_from_db()
    assert fetched.fetch(row, ANOTHER)
    assert not fetched.fetch(row, PUSHER)
    assert FetchedMessage.objects.get().holder == ANOTHER


def test_the_broker_fetches_nothing_while_something_lies_untaken_and_forgets_what_is_acknowledged(message):
    broker, untaken = get_broker(), [True]
    broker.lies_untaken = lambda: untaken[0]
    OrmQ.objects.update(lock=timezone.now() - timedelta(seconds=1))
    assert broker.dequeue() is None
    untaken[0] = False
    assert broker.dequeue() == [(message.pk, message.payload)]
    assert FetchedMessage.objects.get().holder == process_token()
    broker.acknowledge(message.pk)
    assert not FetchedMessage.objects.exists()


@pytest.mark.parametrize(
    ("payload", "why"), [("gibberish", "cannot be read"), ("x" * (MESSAGE_BYTES_MAX + 1), "characters")]
)
def test_a_message_that_no_pusher_bears_is_a_failed_task(payload, why):
    OrmQ.objects.create(key=get_broker().list_key, payload=payload, lock=timezone.now() - timedelta(seconds=1))
    assert get_broker().dequeue() is None
    assert why in Failure.objects.get().result
    assert not OrmQ.objects.exists()
