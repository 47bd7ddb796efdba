"""manage.py as a process of its own, to be signalled and killed, at the price of a fork: Django is loaded once.

As tests.imports.processes, whose each process takes a second of CPU until it begins. Those are for what stands in the
environment, and for a start from nothing.

Forked is not this process, of which a browser's loop and servers' threads would not survive a fork whole, but one that
has neither connections nor threads: the fork server of multiprocessing, which ends with this process.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable

from django.conf import settings as settings_of_this_process
from django.db import connection

from tests.imports import parents, processes

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.imports.loaded"])


def barrier(parties: int):
    """For forks and this process to wait for one another: an argument of a fork's function."""
    return _forks.Barrier(parties)


class Fork:
    """What is used of a subprocess.Popen."""

    def __init__(self, function: Callable, arguments: list, *, settings: dict | None = None, **changes: object):
        """`function` of a module, which finds the settings changed as said, and the database by `changes`."""
        self._said, says = _forks.Pipe(duplex=False)
        database = {key: value for key, value in connection.settings_dict.items() if key != "TEST"} | changes
        self._process = _forks.Process(
            target=_call, args=(says, processes.environment(), database, settings or {}, function, arguments)
        )
        self._process.start()
        says.close()
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def reads(self, line: str) -> bool:
        """Waits for a line, and says whether it is this one; nothing of what comes behind it is taken."""
        return os.read(self._said.fileno(), len(line)).decode() == line

    def communicate(self, timeout: float = processes.RUN_SECONDS) -> tuple[str, None]:
        """All that was printed, after the end; it is killed after `timeout` seconds."""
        late = threading.Timer(timeout, self.send_signal, [signal.SIGKILL])
        late.start()
        with open(self._said.fileno(), encoding="utf-8", closefd=False) as said:
            output = said.read()
        self._process.join()
        late.cancel()
        self._said.close()
        return output, None


def start(*arguments: object, settings: dict | None = None, **changes: object) -> Fork:
    """With changes of Django's settings, and of what they say of the database: NAME="another"."""
    return Fork(_manage, [*map(str, arguments)], settings=settings, **changes)


def run(*arguments: object, settings: dict | None = None, **changes: object) -> tuple[int, str]:
    """Exit status and all that was printed."""
    process = start(*arguments, settings=settings, **changes)
    output, _ = process.communicate()
    return process.returncode, output


def run_hastily(*arguments: object) -> tuple[int, str]:
    """As run, where pauses between tries are a fiftieth: six of a table that is not there take 4 s else."""
    process = Fork(_manage_hastily, [*map(str, arguments)])
    output, _ = process.communicate()
    return process.returncode, output


def _call(says, environment: dict, database: dict, settings: dict, function: Callable, arguments: list) -> None:
    parents.end_with_the_parent()  # the fork server, which ends with the process of the tests
    for number in (1, 2):
        os.dup2(says.fileno(), number)
    says.close()
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, encoding="utf-8", closefd=False)
    os.environ.update(environment)
    connection.settings_dict.update(database)
    for name, value in settings.items():
        setattr(settings_of_this_process, name, value)
    function(*arguments)


def _manage(*arguments: str) -> None:
    import manage

    sys.argv = ["manage.py", *arguments]
    manage.main()


def _manage_hastily(*arguments: str) -> None:
    from warehouse.server import away

    with away.patience(first_pause=0.001):
        _manage(*arguments)
