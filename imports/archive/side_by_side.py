"""Runs side by side: as many at once as there are jobs, the longest first, each by a process of its own (job.py).

This process only listens: it has no connection and no thread, so that it may fork at any time, and nothing that is
shared, a queue or a lock, can be left behind by a job that is killed. Runs of one destination take turns.
"""

import gc
import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import wait
from typing import TextIO

from django.db import DatabaseError, connections

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.decoder import decoders_for
from imports.archive.door import Door
from imports.archive.going import LEFT_TO_OTHERS, Outcome, Tally
from imports.archive.how_many_jobs import Work
from imports.archive.job import At, Began, Job, Said, Wish
from imports.archive.progress import Together
from imports.archive.run import ImportRun
from imports.archive.transitions import ImportStatus, TransitionRefused
from warehouse.management.graceful_stop import stop_on_signals
from warehouse.partitioning import partitions
from warehouse.server import errors
from warehouse.server.away import patience, patiently

MONTHS_PATIENCE_SECONDS = 10.0


def side_by_side(works: Sequence[Work], jobs: int, out: TextIO, err: TextIO) -> Tally:
    """All runs, `jobs` at once. To be called in the main thread, with no other at work."""
    make_months(works)
    for work in works:
        work.run.decoders = decoders_for(work.run.files, jobs)
    tally = Tally([work.run for work in works])
    shown = Together(out, works)
    further_signals: list[None] = []  # behind the first
    try:
        with (
            stop_on_signals(lambda: further_signals.append(None)) as stop,
            patience(stop=stop),
            _woken_by_signals() as woken,
            _nothing_collected(),
        ):
            door = Door()
            at_work: list[Job] = []
            waiting = longest_first(works)
            told_to_stop, told_to_break_off = False, 0
            while True:
                if stop.is_set() or tally.is_ended:
                    waiting = []
                while len(at_work) < jobs and (run := _next(waiting, at_work, tally)) is not None:
                    waiting.remove(run)
                    at_work.append(Job(run, at_work, door))
                if not at_work:
                    return tally
                wait([woken, *(job.said for job in at_work if not job.has_said_all)])
                with suppress(BlockingIOError):
                    os.read(woken, 1000)
                if stop.is_set() and not told_to_stop:
                    told_to_stop = True
                    _tell(at_work, Wish.STOP)
                while told_to_break_off < len(further_signals):
                    told_to_break_off += 1
                    _tell(at_work, Wish.BREAK_OFF)
                for job in list(at_work):
                    if _listen(job, tally, shown, err):
                        at_work.remove(job)
    finally:
        shown.close()


def make_months(works: Sequence[Work]) -> None:
    """The month partitions of all files' days, before anybody is at the table: to make one, a job needs the table for
    itself, and of several there is always one at it. Where it cannot be done each says so by itself."""
    with suppress(partitions.PartitionsError):
        months = set().union(*(work.months for work in works))
        patiently(lambda: partitions.ensure_months(months, patience_seconds=MONTHS_PATIENCE_SECONDS))


def longest_first(works: Sequence[Work]) -> list[ImportRun]:
    """By the bytes of their destinations, so that no long one is left at the end with all other jobs idle. Runs of one
    destination stay in their order."""
    sizes: dict[str, int] = {}
    for work in works:
        size = work.files if work.size_bytes is None else work.size_bytes
        sizes[work.run.destination] = sizes.get(work.run.destination, 0) + size
    return sorted((work.run for work in works), key=lambda run: -sizes[run.destination])


def _next(waiting: Sequence[ImportRun], at_work: Sequence[Job], tally: Tally) -> ImportRun | None:
    """One park of one destination is imported once at a time, so two runs of a destination take turns."""
    busy = {job.run.destination for job in at_work}
    return next((run for run in waiting if run.destination not in busy and tally.may_begin(run)), None)


def _tell(at_work: Sequence[Job], wish: Wish) -> None:
    for job in at_work:
        job.wish(wish)


def _listen(job: Job, tally: Tally, shown: Together, err: TextIO) -> bool:
    """Whether it has ended, and is counted in with what came of it."""
    has_ended = job.has_ended  # before its pipe is read, in which all it said lies then
    for message in job.heard():
        match message:
            case Began(worker):
                job.worker = worker
            case Said(lines):
                shown.say(job.run, lines)
            case At(files, rows, where):
                shown.at(job.run, files, rows, where)
            case Outcome():
                job.outcome = message
    if not has_ended:
        return False
    outcome = job.outcome or _killed(job)
    tally.take(job.run, outcome)
    shown.over(job.run)
    if outcome.failure:
        shown.say(job.run, [f"{job.run.destination}: {outcome.failure}"], err)
    job.run.fetched.clear()
    job.close()
    return True


def _killed(job: Job) -> Outcome:
    """It ended without a word. Its imports are paused, so that nobody takes them for running."""
    status = job.process.exitcode or 0
    by = f"was killed ({signal.Signals(-status).name})" if status < 0 else f"ended with exit status {status}"
    why = f"the process that imported it {by}"
    try:
        left = _pause(job, why)
    except DatabaseError as error:
        left = [checkpoint.import_id for checkpoint in job.run.checkpoints]
        return Outcome(failure=f"{_sentence(why, left)} ({errors.in_words(error)})", ends_all=errors.is_away(error))
    finally:
        connections.close_all()
    return Outcome(failure=_sentence(why, left))


def _pause(job: Job, why: str) -> list[str]:
    """The ids of the imports that it left."""
    if not job.worker:  # it had claimed none
        return [checkpoint.import_id for checkpoint in job.run.checkpoints]
    left = []
    its = ImportCheckpoint.objects.filter(worker=job.worker).exclude(status=ImportStatus.COMPLETED)
    for checkpoint in patiently(lambda: list(its)):
        with suppress(TransitionRefused):  # an operator paused it, or somebody has taken it over
            checkpoint.pause(why, generation=checkpoint.generation)
        left.append(checkpoint.import_id)
    return left


def _sentence(why: str, left: Sequence[str]) -> str:
    said = f"{why[0].upper()}{why[1:]}: by the system where memory is short, or by hand. "
    if left:
        return f"{said}What was committed stays; go on with:  manage.py import_archive --resume {' '.join(left)}"
    return f"{said}The import is complete; {LEFT_TO_OTHERS}"


@contextmanager
def _woken_by_signals() -> Iterator[int]:
    """What becomes readable when a signal comes, the end of a job among them."""
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    before = signal.signal(signal.SIGCHLD, lambda number, frame: None)  # by default nobody is told
    fd_before = signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(fd_before)
        signal.signal(signal.SIGCHLD, before)
        os.close(woken)
        os.close(wake)


@contextmanager
def _nothing_collected() -> Iterator[None]:
    """A collection, in a job too, writes to no page of what is here: it stays shared."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
