"""A day file that does not arrive before the test says so: however fast or slow the machine, the import waits there.

It waits in open(): the test has a lease on the file (fcntl(2), F_SETLEASE; Linux), which the kernel asks back for
whoever opens it. It takes it by force after /proc/sys/fs/lease-break-time, 45 s as a rule: so long a gate holds.
"""

import fcntl
import os
import signal
from pathlib import Path

F_SETSIG = 10  # which signal asks for the lease; fcntl does not name it


class Gate:
    """Before the file at `path`: every reader waits until it is opened."""

    def __init__(self, path: Path):
        self._file = os.open(path, os.O_RDWR)
        fcntl.fcntl(self._file, F_SETSIG, signal.SIGURG)  # the usual one, SIGIO, would end this process
        fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_WRLCK)

    def open(self) -> None:
        """Let every reader in, from now on, and those that wait already."""
        if self._file >= 0:
            fcntl.fcntl(self._file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
            os.close(self._file)
            self._file = -1
