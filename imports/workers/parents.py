"""Processes of a cluster that end with the one that started them: nobody else would end them, or say that they live.

Without it the workers of a sentinel that was killed went on for ever, took tasks from a queue that nobody filled, and
counted as workers for which more messages were sent.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def end_with(parent: int) -> None:
    """To be called by a child of the process `parent` when it begins: a SIGKILL for it when that has gone, which
    reaches one that is stopped, too. What it had open is rolled back by the server. Elsewhere than on Linux each round
    of its own looks (`end_if_gone`)."""
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    end_if_gone(parent)


def end_if_gone(parent: int) -> None:
    """End this process, at once and whichever thread calls, where the parent it was forked from has gone."""
    if os.getppid() != parent:
        os._exit(1)
