"""A job: one run in a process of its own, forked from the command's, which is told what it says and how far it is.

A process lives for one run: it begins with the memory of the command's, shared as long as nobody writes to it, and what
it took is the system's again at its end. It is stopped by what the command's process tells it, never by the terminal,
whose Ctrl-C reaches both: the second would be taken for a second wish. Where that process is gone, however it ended,
the pipe from it is at its end, and the job pauses behind the file in hand.
"""

import logging
import multiprocessing
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing.connection import Connection

from django.db import DatabaseError, connections

from imports.archive import going
from imports.archive.door import Door
from imports.archive.process import process_token
from imports.archive.run import ImportRun, Step
from imports.sources.opening import open_source
from imports.sources.source import ArchiveError
from warehouse.management.graceful_stop import Stop
from warehouse.server import ddl, errors
from warehouse.server.away import patience

logger = logging.getLogger(__name__)
_fork = multiprocessing.get_context("fork")

TELL_EVERY_SECONDS = 0.5
INTERRUPT_EVERY_SECONDS = 0.2
_ASKED_TO_STOP = (signal.SIGINT, signal.SIGTERM)


# --- what goes over the pipes ---------------------------------------------------------------------------------------
class Wish(StrEnum):
    """Of the command's process."""

    STOP = "stop"  # behind the file in hand
    BREAK_OFF = "break off"  # roll it back


@dataclass(frozen=True, slots=True)
class Began:
    """The first that a job says: who claims its imports."""

    worker: str


@dataclass(frozen=True, slots=True)
class Said:
    """Lines that belong together."""

    lines: Sequence[str]


@dataclass(frozen=True, slots=True)
class At:
    """How far it is, and at which file, or what else."""

    files: int
    rows: int
    where: str


Message = Began | Said | At | going.Outcome


class Job:
    """As the command's process sees it."""

    def __init__(self, run: ImportRun, beside: Iterable["Job"], door: Door):
        """Begin, beside these others. Nobody may have a connection open, and no other thread be at work: neither
        survives a fork whole."""
        self.run = run
        self.worker = ""  # as the imports name it
        self.outcome: going.Outcome | None = None
        self.said, says = _fork.Pipe(duplex=False)
        hears, self._wishes = _fork.Pipe(duplex=False)
        # the far ends of all pipes come along in a fork: open there, none of the others would come to its end
        not_its_own = [end for job in (self, *beside) for end in (job.said, job._wishes)]
        arguments = (run, door, says, hears, not_its_own)
        self.process = _fork.Process(target=_work, args=arguments, name=f"job {run.destination}")
        self.has_said_all = False
        connections.close_all()
        try:
            with _without_signals():
                self.process.start()
        finally:
            says.close()
            hears.close()

    def wish(self, wish: Wish) -> None:
        """One that has just ended hears nothing."""
        with suppress(OSError):
            self._wishes.send(wish)

    def heard(self) -> Iterator[Message]:
        """What it has said since; all of it, once it has ended."""
        try:
            while not self.has_said_all and self.said.poll():
                yield self.said.recv()
        except (EOFError, OSError):  # its end is closed; one that is killed may leave half a message
            self.has_said_all = True

    @property
    def has_ended(self) -> bool:
        """Asked of the system, not of the pipe: a process that the job began itself may hold its end open."""
        return self.process.exitcode is not None

    def close(self) -> None:
        """Once it has ended."""
        self.said.close()
        self._wishes.close()
        self.process.close()


@contextmanager
def _without_signals() -> Iterator[None]:
    """Those that come meanwhile are heard at the end: in a fork, by its own handlers."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _ASKED_TO_STOP)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


# --- in the job's process -------------------------------------------------------------------------------------------
def _work(run: ImportRun, door: Door, says: Connection, hears: Connection, not_its_own: Sequence[Connection]) -> None:
    for end in not_its_own:
        end.close()
    stop = Stop()
    signal.set_wakeup_fd(-1)  # the command's process is woken by it
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, frame: stop.set())
    breaking_off = BreakingOff()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _ASKED_TO_STOP)
    told = _Told(says, door)
    ddl.door.set(door)
    with suppress(KeyboardInterrupt):  # as late as behind its end
        try:
            threading.Thread(target=_listen, args=(hears, stop, breaking_off), name="wishes", daemon=True).start()
            run.worker = process_token()
            told.tell(Began(run.worker))
            with patience(stop=stop):
                outcome = _go(run, stop, told)
        except KeyboardInterrupt:
            outcome = going.Outcome(ends_all=True)
        told.tell(outcome)
        connections.close_all()


class BreakingOff:
    """Made by the main thread, in which another one raises KeyboardInterrupt.

    By a real signal, which also ends a sleep or a question to the server. Sent again until it is heard: one that comes
    when the main thread has just let go of Python for a system call, and is not inside it, does not end that call.
    """

    def __init__(self) -> None:
        self._is_wanted = False
        signal.signal(signal.SIGUSR1, self._raise)

    def _raise(self, number: int, frame: object) -> None:
        if self._is_wanted:
            self._is_wanted = False
            raise KeyboardInterrupt

    def __call__(self) -> None:
        """Raise it, and wait until it is."""
        self._is_wanted = True
        while self._is_wanted:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR1)
            time.sleep(INTERRUPT_EVERY_SECONDS)


def _listen(hears: Connection, stop: threading.Event, break_off: BreakingOff) -> None:
    try:
        while True:
            wish = hears.recv()
            stop.set()
            if wish == Wish.BREAK_OFF:
                break_off()
    except (EOFError, OSError):
        stop.set()  # the command's process is gone


def _go(run: ImportRun, stop: threading.Event, told: "_Told") -> going.Outcome:
    try:
        run.source = open_source(run.source.url)  # connections to a bucket are not for two processes
        return going.go(run, stop, told.say, lambda run: told)
    except DatabaseError as error:
        if errors.is_ours(error):
            logger.exception("%s: the server refused what it was asked", run.destination)
        return going.Outcome(failure=errors.in_words(error), ends_all=errors.is_away(error))
    except ArchiveError as error:
        return going.Outcome(failure=str(error))
    except Exception as error:  # whatever it is: it is told, and the others go on
        logger.exception("the import of %s broke off", run.destination)
        return going.Outcome(failure=f"{type(error).__name__}: {error}")


class _Told:
    """What the command's process is told; nobody, when it is gone."""

    def __init__(self, says: Connection, door: Door):
        self._says = says
        self._door = door
        self._told_at = 0.0
        self._at = At(0, 0, "")

    def tell(self, message: Message) -> None:
        with suppress(OSError):
            self._says.send(message)

    def say(self, lines: Sequence[str]) -> None:
        """See going.Say."""
        self.tell(Said(list(lines)))

    # --- a reporter ---
    def __call__(self, run: ImportRun, step: Step) -> None:
        self._at = At(run.totals.files, run.totals.stored, getattr(step, "key", run.destination))
        if time.monotonic() - self._told_at >= TELL_EVERY_SECONDS:
            self._told_at = time.monotonic()
            self.tell(self._at)
        self._door.pass_through()  # no transaction is open here

    def next_is(self, what: str) -> None:
        self.tell(replace(self._at, where=f"{self._at.where.partition('/')[0]}: {what}"))

    def close(self) -> None:
        self.tell(self._at)
