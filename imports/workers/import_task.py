"""What the workers run. Each task may be run twice, late, or never to its end: it does no harm, and is called again."""

import logging
import threading

from django.conf import settings
from django.db import DatabaseError, OperationalError

from imports.archive import beginning, post_import_check
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.decoder import decoders_for
from imports.archive.pipeline import ImportFailed, run_import
from imports.archive.process import process_token
from imports.archive.transitions import TransitionRefused
from imports.sources.opening import open_source
from imports.sources.source import NotNow
from imports.workers import queue
from warehouse.server import errors
from warehouse.server.away import briefly, patiently
from warehouse.text import count_of

logger = logging.getLogger(__name__)

SLICE_SECONDS = 25  # a slice ends with a file, which takes seconds: 30 in all
ATTEMPTS_MAX = 3
DISPATCH_SECONDS = 2.0


def import_slice(message: queue.Message) -> str:
    """Go on for SLICE_SECONDS with the imports that a message names, then dispatch whoever is next.

    Returns a sentence for the list of tasks. Only a DatabaseError is raised: django-q2 keeps it as a failed task, and
    the import is dispatched again.
    """
    try:
        named = patiently(lambda: queue.not_stale(message))
        checkpoints = [checkpoint for checkpoint in named if not _worn_out(checkpoint)]
        return _slice(checkpoints) if checkpoints else "nothing to do: paused, ended or taken over since"
    finally:
        _dispatch()


def _dispatch() -> None:
    """Whoever waits next; where the server is away still, every worker's heartbeat sees to it when it is back."""
    try:
        with briefly(DISPATCH_SECONDS):
            patiently(queue.dispatch)
    except OperationalError as error:
        logger.warning("nobody was told who is next: %s", errors.in_words(error))


def _slice(checkpoints: list[ImportCheckpoint]) -> str:
    try:
        run = beginning.run_of(checkpoints, open_source(checkpoints[0].source))
        run.slice_seconds = SLICE_SECONDS
        run.decoders = decoders_for(run.files, jobs=settings.Q_CLUSTER["workers"])
        completed = run_import(run, threading.Event())
        if ended := post_import_check.completed(run):
            post_import_check.check_later(ended)
        waits = f", waits until {run.waits_until:%Y-%m-%d %H:%M}Z" if run.waits_until else ""
        return f"{count_of(run.totals.files, 'file')}, {count_of(run.totals.stored, 'row')}" + (
            ", completed" if completed else waits
        )
    except ImportFailed as error:
        logger.error("%s: %s", checkpoints[0].import_id, error)
        return f"failed: {error}"
    except NotNow as waiting:  # its listing is not to be had; what is out while files are read, the run sees to
        for checkpoint in _claim(checkpoints):
            checkpoint.wait(waiting.until, waiting.in_words())
        return f"waits: {waiting.in_words()}"
    except DatabaseError:
        raise  # the server is away, or another session stands in the way: a new message follows
    except Exception as error:
        logger.exception("%s cannot go on", checkpoints[0].import_id)
        for checkpoint in _claim(checkpoints):
            checkpoint.fail(f"{type(error).__name__}: {error}", generation=checkpoint.generation)
        return f"failed: {error}"


def _worn_out(checkpoint: ImportCheckpoint) -> bool:
    """End an import that kills its workers, or that none of them can go on with, instead of trying for ever."""
    if checkpoint.attempts < ATTEMPTS_MAX:
        return False
    at = f"after {checkpoint.last_processed_file}" if checkpoint.last_processed_file else "at its first file"
    last = checkpoint.last_error or f"{checkpoint.worker} died there without a word (killed, or out of memory)"
    why = f"given up {at}: {ATTEMPTS_MAX} attempts finished no file. The last one: {last}"
    logger.error("%s: %s", checkpoint, why)
    try:
        checkpoint.fail(why, generation=checkpoint.generation)
    except TransitionRefused as refused:  # paused in this very moment: it is left alone either way
        logger.info("%s", refused)
    return True


def _claim(checkpoints: list[ImportCheckpoint]) -> list[ImportCheckpoint]:
    """Those that can be had, to write down what keeps them from going on."""
    claimed = []
    for checkpoint in checkpoints:
        try:
            checkpoint.claim(process_token(), queued=True)
        except TransitionRefused as refused:
            logger.info("%s", refused)
        else:
            claimed.append(checkpoint)
    return claimed
