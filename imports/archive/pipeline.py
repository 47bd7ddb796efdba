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
from contextlib import contextmanager, suppress
from datetime import date, timedelta

from imports.archive import ledger
from imports.archive.checkpoint import ClaimLost, ImportCheckpoint, MoveRefused
from imports.archive.commit import Written, in_one_transaction
from imports.archive.day_file_model import FileOutcome
from imports.archive.heartbeat import Heartbeat
from imports.archive.prefetch import Reading, readings
from imports.archive.replace_live import replace_live
from imports.archive.run import ImportRun, MissingDays, Totals
from imports.loading.attribution import Origin, attribute
from imports.loading.counts import Counts
from imports.loading.loader import forget_local_infile, load
from imports.loading.retry import may_pass
from imports.sources.source import DayFile, key_of
from quality import log
from warehouse.days import midnight
from warehouse.models import EPOCH, DataSource
from warehouse.partitioning import partitions

FILES_PER_COLLECTION = 50

Progress = Callable[[ImportRun, DayFile | MissingDays], None]


class ImportFailed(Exception):
    """The run cannot go on; its checkpoints are FAILED and say why, and what was committed stays.

    Those of a queued run are back in the queue where the cause may pass: they are tried again a few times.
    """


def run_import(run: ImportRun, stop: threading.Event, progress: Progress = lambda run, step: None) -> bool:
    """Claim the run's checkpoints and take them to the end of their range.

    True: completed. False: stopped by `stop` (the checkpoints are PAUSED), or some parks were paused or taken over,
    or the slice of a queued run is over (they are at the end of the queue).
    PartitionsError: the range has no partitions, nothing was claimed. MoveRefused: somebody else is at a park (one of
    a queued run just leaves it). ImportFailed: anything else.
    """
    partitions.ensure(run.first, run.last)
    forget_local_infile()
    _claim(run)
    if run.queued and not run.checkpoints:
        return False
    try:
        with Heartbeat(run), _few_collections():
            return _walk(run, stop, progress)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
        if run.queued and may_pass(error):
            _put_back(run, why)
        else:
            _break_off(run, why)
        raise ImportFailed(str(error)) from error
    except BaseException as interruption:
        why = "interrupted inside a file, which was rolled back"
        if run.queued:
            _put_back(run, f"{why} ({interruption or type(interruption).__name__})")
        else:
            _pause(run, why)
        raise


def _walk(run: ImportRun, stop: threading.Event, progress: Progress) -> bool:
    steps = run.steps()
    slice_ends = math.inf if run.slice_seconds is None else time.monotonic() + run.slice_seconds
    files = readings(run.source, [step for step in steps if isinstance(step, DayFile)], run.clock)
    try:
        for number, step in enumerate(steps):
            if stop.is_set():
                _pause(run, "stopped by the operator")
                return False
            if number and time.monotonic() >= slice_ends:
                _put_back(run)
                return False
            if isinstance(step, MissingDays):
                _pass_over(run, step)
            else:
                _import_file(run, next(files))
            progress(run, step)
            if run.totals.files % FILES_PER_COLLECTION == 0:
                gc.collect()
            if run.nothing_left_to_do:
                return False
    finally:
        files.close()
    return _complete(run)


def _import_file(run: ImportRun, reading: Reading) -> None:
    file = reading.file
    observations = reading.validated.observations
    if reading.missing:
        _pass_over(run, MissingDays(file.day, file.day))
        return
    if observations:  # an event may be months older than its file
        instants = [observation.milliseconds for observation in observations]
        partitions.ensure(_day_at(min(instants)), _day_at(max(instants)))
    write = _write_unreadable if reading.unreadable else _write_file
    in_one_transaction(run, lambda: run.concerned_by(file.day), lambda concerned: write(run, concerned, reading))


def _pass_over(run: ImportRun, missing: MissingDays) -> None:
    in_one_transaction(
        run, lambda: list(run.missed_by(missing)), lambda concerned: _write_missing(run, concerned, missing)
    )


# --- what one transaction holds -----------------------------------------------------------------------------------
def _write_file(run: ImportRun, concerned: list[ImportCheckpoint], reading: Reading) -> Written:
    file, now = reading.file, run.clock()
    joined = run.parks_joining(file.day, reading.validated)
    checkpoints = {checkpoint.park_id: checkpoint for checkpoint in [*concerned, *joined]}
    parks = [checkpoint.park for checkpoint in checkpoints.values()]
    replaced = (
        {park.pk: replace_live(park, reading.validated, file.day) for park in parks} if run.replace_live else None
    )
    found = attribute(parks, reading.validated, run.resolver, _origin(run, file))
    load(found.rows, DataSource.ARCHIVE.value)
    recorded = log.record(found.findings, now)
    counts = {checkpoints[park_id]: count for park_id, count in found.counts.items()}
    _advance(file.day, file.key, {park: (count.stored, count.rejected) for park, count in counts.items()})
    ledger.record_file(
        file,
        FileOutcome.IMPORTED,
        counts,
        now=now,
        sha256=reading.sha256,
        live_replaced={checkpoints[park_id]: gone for park_id, gone in replaced.items()} if run.replace_live else None,
    )
    totals = Totals(files=1, findings=recorded.new, live_replaced=sum(replaced.values()) if replaced else 0)
    for count in counts.values():
        totals.events += count.events_read
        totals.stored += count.stored
        totals.already_known += count.already_known
        totals.duplicates += count.duplicates
        totals.rejected += count.rejected
    return Written(file.day, file.key, totals, joined)


def _origin(run: ImportRun, file: DayFile) -> Origin:
    start = midnight(file.day)
    return Origin(run.destination, file.key, f"{file.day}", start, start + timedelta(days=1))


def _write_unreadable(run: ImportRun, concerned: list[ImportCheckpoint], reading: Reading) -> Written:
    file, now = reading.file, run.clock()
    recorded = log.record([ledger.unreadable_finding(run.destination, file, reading.unreadable)], now)
    _advance(file.day, file.key, dict.fromkeys(concerned, (0, 1)))
    nothing = {checkpoint: Counts() for checkpoint in concerned}
    ledger.record_file(file, FileOutcome.UNREADABLE, nothing, now=now, sha256=reading.sha256)
    return Written(file.day, file.key, Totals(files=1, unreadable=1, findings=recorded.new))


def _write_missing(run: ImportRun, concerned: list[ImportCheckpoint], missing: MissingDays) -> Written:
    now = run.clock()
    key = key_of(run.destination, missing.last)
    totals = Totals()
    missed = run.missed_by(missing)
    _advance(missing.last, key, dict.fromkeys(concerned, (0, 0)), missed)
    for checkpoint in concerned:
        days = missed[checkpoint]
        if ledger.has_events_before(checkpoint.park_id, days[0]):
            findings = ledger.record_missing(checkpoint, run.destination, days, now=now)
            totals.findings += log.record(findings, now).new
            totals.missing_days += len(days)
    return Written(missing.last, key, totals)


def _advance(
    day: date,
    key: str,
    results: dict[ImportCheckpoint, tuple[int, int]],
    days: dict[ImportCheckpoint, list[date]] | None = None,
) -> None:
    """Move each park's checkpoint on, by (stored, errors); ClaimLost with all those that are no longer ours.

    Before the ledger is written: its rows refer to the checkpoints, which locks these shared, and going from there
    to the lock of an UPDATE while an operator's pause waits in between is a deadlock.
    """
    lost = []
    for checkpoint in sorted(results, key=lambda checkpoint: checkpoint.pk):
        stored, errors = results[checkpoint]
        try:
            checkpoint.advance(
                day=day,
                source_file=key,
                stored=stored,
                errors=errors,
                files=len(days[checkpoint]) if days else 1,
            )
        except ClaimLost:
            lost.append(checkpoint)
    if lost:
        raise ClaimLost(lost)


@contextmanager
def _few_collections() -> Iterator[None]:
    """Without the cyclic collector while files come in: nothing of a file holds a cycle, and going through its
    hundred thousands of objects again and again took a fifth of the time. What errors leave is swept up every
    FILES_PER_COLLECTION files."""
    was_enabled = gc.isenabled()
    gc.disable()
    gc.freeze()  # what is there already is not gone through again
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


# --- beginning and end --------------------------------------------------------------------------------------------
def _claim(run: ImportRun) -> None:
    claimed: list[ImportCheckpoint] = []
    for checkpoint in list(run.checkpoints):
        try:
            checkpoint.claim(run.worker, queued=run.queued)
        except MoveRefused:
            if run.queued:  # paused or taken meanwhile: the rest can go on
                run.leave([checkpoint])
                continue
            for mine in claimed:
                mine.pause("another park of the run was not to be had", generation=mine.generation)
            raise
        claimed.append(checkpoint)


def _complete(run: ImportRun) -> bool:
    for checkpoint in list(run.checkpoints):
        try:
            checkpoint.complete()
        except ClaimLost:
            run.leave([checkpoint])
    return not run.left


def _pause(run: ImportRun, why: str) -> None:
    for checkpoint in run.checkpoints:
        with suppress(MoveRefused):  # an operator paused it, or another worker has it: as good
            checkpoint.pause(why, generation=checkpoint.generation)


def _put_back(run: ImportRun, trouble: str = "") -> None:
    for checkpoint in run.checkpoints:
        with suppress(ClaimLost):  # an operator paused it, or another worker has it: as good
            checkpoint.put_back(trouble)


def _break_off(run: ImportRun, why: str) -> None:
    for checkpoint in run.checkpoints:
        with suppress(MoveRefused):  # paused or taken over meanwhile: it is not ours to fail
            checkpoint.fail(why, generation=checkpoint.generation)


def _day_at(milliseconds: int) -> date:
    return (EPOCH + timedelta(milliseconds=milliseconds)).date()
