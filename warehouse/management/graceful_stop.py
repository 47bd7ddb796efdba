"""How a command is stopped: the first Ctrl-C or SIGTERM asks it to finish what is in hand, the second breaks off."""

import itertools
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty, SimpleQueue


class Stop(threading.Event):
    """An event that the handler of a signal may set, whatever the thread that it interrupts is at. Set, it stays so.

    threading.Event has a lock, which is taken to set it and at both ends of a wait: a handler that came right there
    waited for its own thread for ever, as where two signals came at once. SimpleQueue.put may come anywhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self._is_asked = False
        self._wakes: SimpleQueue[None] = SimpleQueue()

    def is_set(self) -> bool:
        """Whether it was set."""
        return self._is_asked

    def set(self) -> None:
        """Wake all that wait."""
        self._is_asked = True
        self._wakes.put(None)

    def wait(self, timeout: float | None = None) -> bool:
        """As of any event: whether it is set, within `timeout` seconds."""
        if not self._is_asked:
            try:
                self._wakes.get(timeout=timeout)
            except Empty:
                return self._is_asked
            self._wakes.put(None)  # for the next that waits
        return self._is_asked


def _interrupt() -> None:
    raise KeyboardInterrupt


@contextmanager
def stop_on_signals(break_off: Callable[[], None] = _interrupt) -> Iterator[Stop]:
    """An event that is set by the first SIGINT or SIGTERM; each further one calls `break_off`, in the midst of whatever
    the main thread is at, and by default raises KeyboardInterrupt there, which rolls back."""
    stop, came = Stop(), itertools.count()

    def handler(number, frame):
        is_further = next(came)  # at once: another one may come inside of this
        stop.set()
        if is_further:
            break_off()

    before = {number: signal.signal(number, handler) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, earlier in before.items():
            # once asked to stop, the process is about to end: a further signal must not spoil its exit status
            signal.signal(number, signal.SIG_IGN if stop.is_set() else earlier)
