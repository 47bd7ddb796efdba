"""Processes of tests that end with the one that started them, whatever ends it: a run that is killed or times out left
clusters behind, which went on asking a database that was no longer there."""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def end_with_the_parent() -> None:
    """A SIGKILL when the parent has gone, to be asked for by the child; it reaches one that is stopped too.

    What the child executes keeps it, what it forks does not. Elsewhere than on Linux there is no such thing.
    """
    if _prctl is not None:
        _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_the_parent_and_so_do_all_that_are_forked() -> None:
    end_with_the_parent()
    os.register_at_fork(after_in_child=end_with_the_parent)
