"""The flow of an import on one screen: `run_import`. One file, one transaction; DDL before it, never inside.

A kill at any instant leaves exactly the files that were committed. A worker that lost its claim (paused, taken over,
frozen and woken up) fails the compare-and-set of the checkpoint inside the transaction of the rows, and changes
nothing.
"""

import gc
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from imports.archive.commit import transaction
from imports.archive.decoder import decoders_for
from imports.archive.growth import hold_back
from imports.archive.heartbeat import Heartbeat
from imports.archive.prefetch import ReadAhead, Reading
from imports.archive.run import ImportRun, MissingDays, Step
from imports.archive.slow_clock import refuse_a_slow_clock
from imports.archive.writing import write
from imports.loading.loader import forget_local_infile, make_months
from imports.loading.retry import is_transient
from imports.sources.source import DayFile, NotNow

FILES_PER_COLLECTION = 50

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
    run.claim()
    if not run.checkpoints and (run.queued or run.left):
        return False
    slice_ends = math.inf if run.slice_seconds is None else time.monotonic() + run.slice_seconds
    steps = run.steps()
    files = [step for step in steps if isinstance(step, DayFile)]
    decoders = decoders_for(files) if run.decoders is None else run.decoders
    read_ahead = ReadAhead(run.source, files, run.clock, run.fetched, run.was_read, decoders)
    with _failure_written_down(run), Heartbeat(run), _few_collections() as sweep, closing(read_ahead):
        for number, step in enumerate(steps):
            if stop.is_set():
                run.pause("stopped by the operator")
                return False
            if number and time.monotonic() >= slice_ends:
                run.put_back()
                return False
            found = _found(step, read_ahead)
            if isinstance(found, Reading):
                refuse_a_slow_clock(found, run.clock())
                if not run.options.force:
                    hold_back(run.sudden_growth(found), run.clock())
                make_months(found.validated.observations)
            for attempt in transaction(run, step):
                with attempt:
                    attempt.written = write(run, attempt.checkpoints, found)
            progress(run, step)
            sweep(run.totals.files)
            if run.nothing_left_to_do:
                return False
        return run.complete()
    return False  # the source gives nothing before run.waits_until


def _found(step: Step, read_ahead: Iterator[Reading]) -> Reading | MissingDays:
    """What there is to be written of a step; a file that is gone since it was listed is a missing day."""
    if isinstance(step, MissingDays):
        return step
    reading = next(read_ahead)
    return MissingDays(step.day, step.day) if reading.missing else reading


@contextmanager
def _failure_written_down(run: ImportRun) -> Iterator[None]:
    """Whatever ends the run, its checkpoints say so: FAILED, back in the queue, or PAUSED. A source that gives nothing
    for a while is no failure: the run ends here."""
    try:
        yield
    except NotNow as waiting:
        run.wait(waiting.until, waiting.in_words())
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        if run.queued and is_transient(error):
            run.put_back(why)
        else:
            run.fail(why)
        raise ImportFailed(str(error)) from error
    except BaseException as interruption:
        why = "interrupted inside a file, which was rolled back"
        if run.queued:
            run.put_back(f"{why} ({interruption or type(interruption).__name__})")
        else:
            run.pause(why)
        raise


@contextmanager
def _few_collections() -> Iterator[Callable[[int], None]]:
    """Without the cyclic collector while files come in: nothing of a file holds a cycle, and going through its
    hundred thousands of objects again and again took a fifth of the time. What errors leave is swept up every
    FILES_PER_COLLECTION files, by the function it gives, which is told the number of files."""

    def sweep(files: int) -> None:
        if files % FILES_PER_COLLECTION == 0:
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
