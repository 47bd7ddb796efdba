"""Processes of tests, and what those fork, end with the one that started them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.waiting import until

ROOT = Path(__file__).parent.parent.parent
TWO_BELOW = """
import os, signal
from tests.imports.parents import end_with_the_parent_and_so_do_all_that_are_forked
if os.fork() == 0:
    end_with_the_parent_and_so_do_all_that_are_forked()
    if os.fork() == 0:
        print(os.getppid(), os.getpid(), flush=True)
signal.pause()
"""
pytestmark = [
    pytest.mark.no_database,
    pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process that its parent has gone"),
]


def test_what_is_forked_ends_with_its_parent_and_so_does_what_that_has_forked():
    above = subprocess.Popen([sys.executable, "-c", TWO_BELOW], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    below = above.stdout.readline().split()
    above.send_signal(signal.SIGKILL)
    above.wait()
    until(lambda: not any(is_alive(pid) for pid in below))


def is_alive(pid: str) -> bool:
    """Not so a zombie, for which nobody has waited yet."""
    try:
        return Path("/proc", pid, "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
