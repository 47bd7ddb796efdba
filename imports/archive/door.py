"""A door that jobs of one command pass between two files, and that one of them closes while it changes a table.

Whoever makes a partition needs the table for itself and never queues for it (warehouse.server.ddl). Of four jobs there
was always one inside a transaction: a fourth waited until the others had loaded all they had, and would have failed
after 60 s. At a closed door all others are outside of transactions after the file in hand.
"""

import fcntl
import tempfile


class Door:
    """Made before the fork of those who use it. It is a lock on a file without a name: it belongs to a process, is not
    inherited by a fork, and whoever is killed leaves the door open."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (as long as its processes)

    def close(self) -> None:
        """To be opened again by the same process. Waits while another one has it closed."""
        fcntl.lockf(self._file, fcntl.LOCK_EX)

    def open(self) -> None:
        """Let all others pass."""
        fcntl.lockf(self._file, fcntl.LOCK_UN)

    def pass_through(self) -> None:
        """Waits while it is closed. Two system calls where it is open."""
        fcntl.lockf(self._file, fcntl.LOCK_SH)
        fcntl.lockf(self._file, fcntl.LOCK_UN)
