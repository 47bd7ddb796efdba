"""A signal that comes while another one is being heard, or while its event is being waited for."""

import itertools
import signal
import sys
import threading
from collections.abc import Callable

import pytest

from tests.waiting import HANG_SECONDS
from warehouse.management import graceful_stop
from warehouse.management.graceful_stop import Stop, stop_on_signals

pytestmark = pytest.mark.no_database
FILES = {graceful_stop.__file__, threading.__file__}


def interrupted(work: Callable[[], object], instant: int, handler: Callable[[], object]) -> bool:
    """Call `work`, and `handler` inside of it before its n-th step (of the bytecode), as Python calls those of signals:
    whether there are so many. AssertionError: it never ends."""
    steps = itertools.count(1)
    is_reached = False

    def trace(frame, what, argument):
        nonlocal is_reached
        if frame.f_code.co_filename not in FILES:
            return None
        frame.f_trace_opcodes = True
        if what == "opcode" and next(steps) == instant:
            is_reached = True
            handler()
        return trace

    def traced():
        sys.settrace(trace)
        try:
            work()
        finally:
            sys.settrace(None)

    thread = threading.Thread(target=traced, daemon=True)
    thread.start()
    thread.join(HANG_SECONDS)
    assert not thread.is_alive(), f"it waits for itself at step {instant}"
    return is_reached


@pytest.mark.parametrize("work", [Stop.set, lambda stop: stop.wait(0.001)], ids=["set", "wait"])
def test_a_handler_may_set_it_whatever_it_interrupts(work):
    for instant in itertools.count(1):
        stop = Stop()
        if not interrupted(lambda stop=stop: work(stop), instant, stop.set):
            break
        assert stop.is_set()
        assert stop.wait(0)
    assert instant > 5


def test_a_wait_ends_when_it_is_set_and_so_do_all_others():
    stop, heard = Stop(), []
    threads = [threading.Thread(target=lambda: heard.append(stop.wait(HANG_SECONDS))) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert not stop.wait(0.01)
    stop.set()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert heard == [True] * 3
    assert stop.wait()


@pytest.mark.usefixtures("signals")
def test_a_second_signal_inside_of_the_first_ones_handler_breaks_off():
    """As they come from `timeout`, or from a terminal and whoever passes on what it hears, at once."""
    for instant in itertools.count(1):
        came = []
        with stop_on_signals(lambda came=came: came.append("broken off")) as stop:
            handler = signal.getsignal(signal.SIGTERM)
            is_reached = interrupted(
                lambda handler=handler: handler(signal.SIGINT, None),
                instant,
                lambda handler=handler: handler(signal.SIGTERM, None),
            )
            assert stop.is_set()
        if not is_reached:
            break
        assert came == ["broken off"], f"at step {instant}"
    assert instant > 10
