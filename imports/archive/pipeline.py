"""The flow of an import on one screen: `run_import`. One file, or a batch of small ones, one transaction; DDL before
it, never inside.

A kill at any instant leaves exactly the files that were committed. A worker that lost its claim (paused, taken over,
frozen and woken up) fails the compare-and-set of the checkpoint inside the transaction of the rows, and changes
nothing.
"""

import gc
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count

from django.db import OperationalError

from imports.archive.batches import Batch, Batches
from imports.archive.commit import transaction
from imports.archive.decoder import decoders_for
from imports.archive.heartbeat import Heartbeat
from imports.archive.prefetch import ReadAhead
from imports.archive.run import ImportRun, Step
from imports.archive.writing import write
from imports.loading.loader import forget_local_infile, make_months
from imports.loading.retry import is_transient
from imports.sources.source import DayFile, NotNow
from warehouse.server import errors
from warehouse.server.away import briefly, patiently
from warehouse.server.errors import ServerAway

logger = logging.getLogger(__name__)

TRANSACTIONS_PER_COLLECTION = 50
FAREWELL_SECONDS = 2.0

Progress = Callable[[ImportRun, Step], None]


class ImportFailed(Exception):
    """The run cannot go on; its checkpoints are FAILED and say why, and what was committed stays.

    Those of a queued run are back in the queue where the cause may pass: they are tried again a few times.
    """


def run_import(run: ImportRun, stop: threading.Event, progress: Progress = lambda run, step: None) -> bool:
    """Claim the run's checkpoints and take them to the end of their range.

    True: completed. False: stopped by `stop` (the checkpoints are PAUSED), or some parks were paused or taken over,
    or the slice of a queued run is over (they are at the end of the queue), or the source gives nothing for a while
    (`run.waits_until`).
    TransitionRefused: somebody else is at a park (one of a queued run just leaves it). ImportFailed: anything else, a
    clock that is slow and a month that cannot be made among it.
    """
    forget_local_infile()
    with _claims_written_down(run):
        run.claim()
    if not run.checkpoints and (run.queued or run.left):
        return False
    slice_ends = math.inf if run.slice_seconds is None else time.monotonic() + run.slice_seconds
    steps = run.steps()
    files = [step for step in steps if isinstance(step, DayFile)]
    decoders = decoders_for(files) if run.decoders is None else run.decoders
    read_ahead = ReadAhead(run.source, files, run.clock, run.fetched, run.was_read, decoders)
    with _failure_written_down(run), Heartbeat(run), _few_collections() as sweep, closing(read_ahead):
        batches = Batches(run, steps, read_ahead)
        while batches:
            if stop.is_set():
                run.pause("stopped by the operator")
                return False
            if batches.begun and time.monotonic() >= slice_ends:
                run.put_back()
                return False
            batch = batches.take()
            _make_months(batch)
            many = _commit(run, batch)
            batches.done(batch, many)
            for step in batch.steps[:many]:
                progress(run, step)
            sweep()
            if run.nothing_left_to_do:
                return False
        return run.complete()
    return False  # the source gives nothing before run.waits_until


def _make_months(batch: Batch) -> None:
    patiently(lambda: make_months(batch.observations()))


def _commit(run: ImportRun, batch: Batch) -> int:
    """Write the steps of a batch, and say how many of them, one at least, are done.

    What cannot be written together is tried one by one, so that those before the one at fault are there.
    """
    try:
        return _commit_together(run, batch)
    except Exception as error:
        if len(batch) == 1 or is_transient(error):
            raise
        logger.info("%s; trying the %d files one by one", error, len(batch))
        return sum(_commit_together(run, single) for single in batch.singly())


def _commit_together(run: ImportRun, batch: Batch) -> int:
    many = len(batch)  # also where no park wants them any more
    for attempt in transaction(run, batch.steps[0]):
        with attempt:
            attempt.written = write(run, attempt.checkpoints, batch.found)
            many = attempt.written.steps
    return many


@contextmanager
def _failure_written_down(run: ImportRun) -> Iterator[None]:
    """Whatever ends the run, its checkpoints say so: FAILED, back in the queue, or PAUSED. A source that gives nothing
    for a while is no failure: the run ends here."""
    try:
        yield
    except NotNow as waiting:
        run.wait(waiting.until, waiting.in_words())
    except Exception as error:
        why = _why(error)
        with _farewell():
            if run.queued and is_transient(error):
                run.put_back(why)
            elif isinstance(error, ServerAway) and error.is_stopped:
                run.pause(why)
            else:
                run.fail(why)
        raise ImportFailed(str(error)) from error
    except BaseException as interruption:
        why = "interrupted inside a file, which was rolled back"
        with _farewell():
            if run.queued:
                run.put_back(f"{why} ({interruption or type(interruption).__name__})")
            else:
                run.pause(why)
        raise


@contextmanager
def _claims_written_down(run: ImportRun) -> Iterator[None]:
    """Where the server goes away between two claims, those that were made are given back. What else there is against a
    claim, it says itself."""
    try:
        yield
    except OperationalError as error:
        with _farewell():
            run.give_back_claims(_why(error))
        raise


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, ServerAway) else f"{type(error).__name__}: {error}"


@contextmanager
def _farewell() -> Iterator[None]:
    """For the last that a run has to say: a server that was waited for in vain is asked once more. Where it hears
    nothing, the import goes on for whoever resumes it, as after a kill: its process is gone then."""
    try:
        with briefly(FAREWELL_SECONDS):
            yield
    except OperationalError as error:
        logger.warning("why it ended could not be written down: %s", errors.in_words(error))


@contextmanager
def _few_collections() -> Iterator[Callable[[], None]]:
    """Without the cyclic collector while files come in: nothing of a file holds a cycle, and going through its
    hundred thousands of objects again and again took a fifth of the time. What errors leave is swept up every
    TRANSACTIONS_PER_COLLECTION calls of the function it gives."""
    calls = count(1)

    def sweep() -> None:
        if next(calls) % TRANSACTIONS_PER_COLLECTION == 0:
            gc.collect()

    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what is there already is not gone through again
    try:
        yield sweep
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()
