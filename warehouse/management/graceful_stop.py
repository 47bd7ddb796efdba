"""How a command is stopped: the first Ctrl-C or SIGTERM asks it to finish what is in hand, the second breaks off."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


def _interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def stop_on_signals(break_off: Callable[[], None] = _interrupt) -> Iterator[threading.Event]:
    """An event that is set by the first SIGINT or SIGTERM; each further one calls `break_off`, in the midst of whatever
    the main thread is at, and by default raises KeyboardInterrupt there, which rolls back."""
    stop = threading.Event()

    def handler(number, frame):
        if stop.is_set():
            break_off()
        stop.set()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, earlier in before.items():
            # once asked to stop, the process is about to end: a further signal must not spoil its exit status
            signal.signal(number, signal.SIG_IGN if stop.is_set() else earlier)
