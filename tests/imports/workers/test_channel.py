"""What the processes of a cluster share, which none of them can keep from the others."""

import os
import signal

import pytest

from imports.workers.channel import MESSAGE_BYTES_MAX, STOP, Channel, Pulse, TooLarge, Watch
from imports.workers.rounds import Sent

pytestmark = pytest.mark.no_database


def test_messages_are_taken_once_in_their_order_until_it_is_closed_and_empty():
    channel = Channel()
    assert channel.empty()
    channel.put(1)
    channel.put({"two": 2})
    channel.close()
    assert not channel.empty()
    assert [channel.get(), channel.get(), channel.get(), channel.get()] == [1, {"two": 2}, STOP, STOP]


def test_who_is_killed_while_it_waits_takes_nothing_with_it():
    channel = Channel()
    waiting = os.fork()
    if waiting == 0:
        channel.get()
        os._exit(0)
    os.kill(waiting, signal.SIGKILL)
    os.waitpid(waiting, 0)
    channel.put("for another")
    assert channel.get() == "for another"


def test_a_result_that_is_too_large_is_cut():
    channel = Channel()
    with pytest.raises(TooLarge):
        channel.put("x" * MESSAGE_BYTES_MAX)
    Sent(channel).put({"ack_id": 7, "success": False, "args": ("y" * MESSAGE_BYTES_MAX,), "result": "x" * 10**6})
    got = channel.get()
    assert (got["ack_id"], got["success"], got["args"], len(got["result"]) < 11_000) == (7, False, (), True)


def test_silence_counts_while_the_watcher_is_awake_alone():
    now = [0.0]
    pulse = Pulse()
    watch = Watch(pulse, clock=lambda: now[0])
    for second in range(1, 6):
        now[0] = float(second)
        silent_for = watch.silent_for()
    assert silent_for == 5
    now[0] += 3_600  # both stood still, as in a container that was paused
    assert watch.silent_for() == 5 + Watch.LONGEST_ROUND_SECONDS
    pulse.beat()
    assert watch.silent_for() == 0
