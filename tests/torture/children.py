"""Commands in processes of their own at the price of a fork: of a lane, in which Django is loaded and which has neither
threads nor connections. A child may be given a trigger: at its n-th statement or commit, before it or after, something
happens to it, to its parent or to the server.
"""

import os
import random
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.mysql.base import CursorWrapper

from tests.imports.parents import end_with_the_parent_and_so_do_all_that_are_forked

ENDS_WITHIN_SECONDS = 150


@dataclass(frozen=True)
class Trigger:
    """At the `number`-th `event` (statement, commit), `moment` (before, after) it, `signal` is sent to `whom`: self, or
    a pid. `jobs_alone`: only in a process that the child has forked itself, the first that comes so far."""

    event: str
    number: int
    moment: str = "after"
    whom: int | None = None
    signal: int = signal.SIGKILL
    jobs_alone: bool = False


class Child:
    """A process group of its own: what it forks belongs to it."""

    def __init__(self, pid: int, log: Path):
        self.pid, self.log = pid, log
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and not os.WIFSTOPPED(status):
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode

    @property
    def is_stopped(self) -> bool:
        with suppress(OSError):
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"
        return False

    def send(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def wait(self, seconds: float = ENDS_WITHIN_SECONDS, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Its exit status, and that of nobody left of its group; HangsError when it takes too long."""
        until, pause = time.monotonic() + seconds, 0.001
        while self.poll() is None:
            meanwhile()
            if time.monotonic() > until:
                self.end()
                raise HangsError(f"a process hangs: {self.said()[-2000:]}")
            time.sleep(pause)
            pause = min(0.01, pause * 1.3)
        assert self.returncode is not None
        return self.returncode

    def group_lives(self) -> bool:
        self.poll()
        try:
            os.killpg(self.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return any(group == self.pid and state not in "ZX" for _, _, group, state in processes())

    def end(self) -> None:
        """All of it, by -9."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        while self.poll() is None:
            time.sleep(0.002)

    def said(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""


class HangsError(Exception):
    """What was to end did not."""


def processes() -> Iterator[tuple[int, int, int, str]]:
    """pid, parent, group and state of each."""
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with suppress(OSError, IndexError):
                state, parent, group = Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[:3]
                yield int(entry), int(parent), int(group), state


class Children:
    """Those of a lane; `close` ends all of them."""

    def __init__(self, folder: Path):
        self._folder, self._number = folder, 0
        self.living: list[Child] = []
        self.private: list[int] = []  # descriptors of the lane that are no child's

    def manage(self, *arguments: object, **options: Any) -> Child:
        """manage.py with these arguments."""
        return self.start(_manage, *map(str, arguments), **options)

    def start(
        self,
        function: Callable,
        *arguments: object,
        triggers: Sequence[Trigger] = (),
        settings_changed: dict | None = None,
        database: dict | None = None,
        file_bytes_max: int | None = None,
        own_session: bool = False,
    ) -> Child:
        """`function` with these arguments; its exit status is what it returns, 0 for nothing."""
        self._number += 1
        log = self._folder / f"{self._number}.log"
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                end_with_the_parent_and_so_do_all_that_are_forked()
                signal.signal(signal.SIGTERM, signal.SIG_DFL)
                (os.setsid if own_session else os.setpgrp)()
                for descriptor in self.private:
                    os.close(descriptor)
                self.living = []
                _say_into(log if file_bytes_max is None else Path("/dev/null"))
                random.seed()
                connection.settings_dict.update(database or {})
                for name, value in (settings_changed or {}).items():
                    setattr(settings, name, value)
                for trigger in triggers:
                    _arm(trigger)
                if file_bytes_max is not None:
                    resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes_max, file_bytes_max))
                status = function(*arguments) or 0
            except SystemExit as end:
                status = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
                if isinstance(end.code, str):
                    sys.stderr.write(end.code + "\n")
            except KeyboardInterrupt:  # before anybody listens to it
                status = 130
            except BaseException:
                traceback.print_exc()
                status = 71
            finally:
                with suppress(Exception):
                    sys.stdout.flush()
                os._exit(status)
        with suppress(OSError):
            if not own_session:  # it would be the leader of a group, which may begin no session
                os.setpgid(pid, pid)
        child = Child(pid, log)
        self.living.append(child)
        return child

    def close(self) -> None:
        for child in self.living:
            child.end()
        self.living = []

    def reap(self) -> None:
        """Forget those that have ended with all their group; end what is left of a group."""
        for child in list(self.living):
            if child.poll() is not None:
                if child.group_lives():
                    continue
                self.living.remove(child)

    def run(self, *arguments: object, **options: Any) -> tuple[int, str]:
        child = self.manage(*arguments, **options)
        return child.wait(), child.said()

    def call(self, function: Callable, *arguments: object, **options: Any) -> tuple[int, str]:
        child = self.start(function, *arguments, **options)
        return child.wait(), child.said()


def _manage(*arguments: str) -> None:
    import manage

    sys.argv = ["manage.py", *arguments]
    manage.main()


def _say_into(log: Path) -> None:
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open("/dev/null", os.O_RDONLY)
    os.dup2(nothing, 0)
    for number in (1, 2):
        os.dup2(said, number)
    sys.stdout = sys.stderr = os.fdopen(1, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False)


# --- triggers --------------------------------------------------------------------------------------------------------
def _arm(trigger: Trigger) -> None:
    begun_by = os.getpid()
    counted = {begun_by: 0}

    @contextmanager
    def at(event: str) -> Iterator[None]:
        pid = os.getpid()
        if event != trigger.event or (trigger.jobs_alone and pid == begun_by):
            yield
            return
        counted[pid] = counted.get(pid, 0) + 1
        meets = counted[pid] == trigger.number
        if meets and trigger.moment == "before":
            _strike(trigger)
        yield
        if meets and trigger.moment == "after":
            _strike(trigger)

    execute, many, commit = CursorWrapper.execute, CursorWrapper.executemany, BaseDatabaseWrapper._commit

    def execute_counted(self, query, args=None):
        with at("statement"):
            return execute(self, query, args)

    def many_counted(self, query, args):
        with at("statement"):
            return many(self, query, args)

    def commit_counted(self):
        with at("commit"):
            return commit(self)

    CursorWrapper.execute = execute_counted
    CursorWrapper.executemany = many_counted
    BaseDatabaseWrapper._commit = commit_counted


def _strike(trigger: Trigger) -> None:
    with suppress(ProcessLookupError):
        os.kill(os.getpid() if trigger.whom is None else trigger.whom, trigger.signal)
