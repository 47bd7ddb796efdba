"""Waiting for what happens elsewhere: in another thread, process or browser, or on the server.

No test says how long anything takes on a machine that it shares. It waits for an event, and HANG_SECONDS is only how
long it takes to call a test hung; where the code under test wants a patience, it gets this one too.
"""

import time
from collections.abc import Callable
from typing import TypeVar

HANG_SECONDS = 180
T = TypeVar("T")


def until(
    what: Callable[[], T], *, every_seconds: float = 0.05, otherwise: Callable[[], object] = lambda: "it never came"
) -> T:
    """What `what` returns, as soon as that is true. AssertionError after HANG_SECONDS, with what `otherwise` says."""
    hangs_at = time.monotonic() + HANG_SECONDS
    while not (found := what()):
        assert time.monotonic() < hangs_at, otherwise()
        time.sleep(every_seconds)
    return found
