"""What the processes of a cluster do beside what django-q2 has them do: each ends with the sentinel, says that it makes
its rounds (by a pulse to the sentinel, by a row to everybody), and waits for nothing that another may have died with.
"""

import time
from collections.abc import Callable
from contextlib import suppress

from django.db import DatabaseError, connection
from django_q.brokers import Broker
from django_q.monitor import monitor
from django_q.pusher import pusher
from django_q.worker import worker

from imports.archive.process import process_token
from imports.workers import fetched, heartbeat, parents
from imports.workers.broker import PausableQueue
from imports.workers.channel import STOP, Channel, Flag, Pulse, TooLarge
from imports.workers.models import Role, Worker
from warehouse.server.impatient import patient_again

SAID_EVERY_SECONDS = 5.0
AWAY_SECONDS = 1.0
RESULT_SHOWN = 10_000  # characters of a result that is too large for a message


class Tasks:
    """The tasks of a cluster as a worker reads them: those alone that are its own when it begins with them."""

    def __init__(self, channel: Channel, parent: int):
        self._channel, self._parent = channel, parent
        self.in_hand: int | None = None

    def get(self) -> object:
        """For django-q2's worker."""
        while (message := self._channel.get(lambda: parents.end_if_gone(self._parent))) != STOP:
            by, task = message
            if self._is_mine(task["ack_id"], by):
                self.in_hand = task["ack_id"]
                return task
        return STOP

    def done(self) -> None:
        """The task in hand has ended. An answer that is lost has it run once more."""
        if self.in_hand is not None:
            try:
                fetched.done(self.in_hand, process_token())
            except DatabaseError:
                connection.close()
            self.in_hand = None

    @staticmethod
    def _is_mine(message_id: int, by: str) -> bool:
        while True:
            try:
                return fetched.take(message_id, process_token(), by)
            except DatabaseError:  # away: it lies as safely here as there
                connection.close()
                time.sleep(AWAY_SECONDS)


class Sent:
    """Where the pusher puts tasks, and workers their results, for django-q2: `put`."""

    def __init__(self, channel: Channel, wrapped: Callable[[dict], object] = lambda task: task):
        self._channel, self._wrapped = channel, wrapped

    def put(self, task: dict) -> None:
        """A result that is too large is cut."""
        try:
            self._channel.put(self._wrapped(task))
        except TooLarge as error:
            kept = {"args": (), "kwargs": {}, "result": f"{str(task.get('result'))[:RESULT_SHOWN]}... ({error})"}
            self._channel.put(self._wrapped(task | kept))


def push(tasks: Channel, ends: Flag, broker: Broker, pulse: Pulse, parent: int) -> None:
    """The process that takes messages from the queue."""
    parents.end_with(parent)
    token, said = process_token(), _Said(Role.PUSHER)

    def each_round() -> None:
        parents.end_if_gone(parent)
        pulse.beat()
        said.say()

    if isinstance(broker, PausableQueue):
        broker.each_round, broker.lies_untaken = each_round, lambda: not tasks.empty()
    pusher(Sent(tasks, lambda task: (token, task)), ends, broker)
    ended(token)


def work(tasks: Channel, results: Channel, timer: object, timeout: int, pulse: Pulse, parent: int) -> None:
    """A worker."""
    parents.end_with(parent)
    patient_again()
    mine = Tasks(tasks, parent)
    heartbeat.start(pulse, parent, mine.done)
    worker(mine, Sent(results), timer, timeout)
    ended(process_token())


def keep_results(results: Channel, broker: Broker, pulse: Pulse, parent: int) -> None:
    """The process that writes down what came of tasks, and acknowledges them."""
    parents.end_with(parent)
    said = _Said(Role.MONITOR)

    def each_round() -> None:
        parents.end_if_gone(parent)
        pulse.beat()
        try:
            said.say()
        except DatabaseError:
            connection.close()

    class Results:
        get = staticmethod(lambda: results.get(each_round))

    monitor(Results(), broker)
    ended(process_token())


class _Said:
    """That this process makes its rounds, every SAID_EVERY_SECONDS of them."""

    def __init__(self, role: Role):
        self._role, self._token, self._at = role, process_token(), float("-inf")

    def say(self) -> None:
        """DatabaseError: the server is away."""
        if time.monotonic() - self._at >= SAID_EVERY_SECONDS:
            Worker.seen(self._token, "", self._role)
            self._at = time.monotonic()


def ended(token: str) -> None:
    """This process ends as it was asked to. Of a server that is away nobody hears it: then it was last seen now."""
    with suppress(DatabaseError):
        Worker.ended([token])
