"""What follows an import: the quality check of the parks and days it brought in, and the sums of these days, at once or
by the workers.

The import is complete whatever becomes of these. Its checkpoint wrote down that the check is owed
(quality.owed_checks), in the transaction that ended it, and it stays owed until it is done. The days are marked as
stale in the transactions of their rows (warehouse.rides.stale_days), until they are made anew.
"""

import threading
import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from django_q.tasks import async_task

from imports.archive.check_ahead import CheckAhead
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.run import ImportRun
from imports.archive.transitions import ImportStatus
from quality import owed_checks
from quality.check.paying import pay
from quality.tasks import line_of
from warehouse.history import all_parks
from warehouse.history.recompute import Made
from warehouse.rides import stale_days
from warehouse.server.away import patient, patiently
from warehouse.text import count_of

SAY_EVERY_SECONDS = 10
PATIENCE_SECONDS = 20  # a worker that is at one of the parks needs some seconds


def completed(run: ImportRun) -> list[str]:
    """The imports of a run that came to their end, by import_id. Others may have left it."""
    return [checkpoint.import_id for checkpoint in run.checkpoints if checkpoint.status == ImportStatus.COMPLETED]


@patient
def completed_and_owed(import_ids: Collection[str]) -> list[str]:
    """Those of these imports that are COMPLETED, and whose check is all that is left to do."""
    causes = {row.cause for row in owed_checks.owed(import_ids)}
    return list(
        ImportCheckpoint.objects.filter(import_id__in=causes, status=ImportStatus.COMPLETED).values_list(
            "import_id", flat=True
        )
    )


def check_now(import_ids: Collection[str] | None, ahead: CheckAhead | None = None) -> str:
    """Do what these imports (None: all) left owed; a line that says what came of it, "" where nothing is owed. `ahead`
    has gone along with them.

    ChecksFailed: it stays owed; the message says what to do.
    """
    done = pay(datetime.now(UTC), import_ids, None if ahead is None else ahead.scans)
    return f"quality check of {'; '.join(map(line_of, done))}" if done else ""


def check_later(import_ids: Collection[str] | None) -> None:
    """Let a worker do it. A message that gets lost loses nothing: what is owed is paid by the daily check."""
    ids = None if import_ids is None else list(import_ids)
    # twice is as good as once: what is paid is owed no more
    patiently(lambda: async_task("quality.tasks.check_owed", ids, group="Check imports", save=False))


def make_days(run: ImportRun, stop: threading.Event, say: Callable[[str], None]) -> str:
    """Make the days anew that are stale, of the parks of a run that came to their end; a line on what came of it, ""
    where none was stale. `say` hears every SAY_EVERY_SECONDS how far it is; `stop` leaves the rest to the workers.

    DaysFailed: some could not be made, and stay marked; the message says what to do.
    """
    parks = {
        checkpoint.park_id: checkpoint.park
        for checkpoint in run.checkpoints
        if checkpoint.status == ImportStatus.COMPLETED
    }
    now, said_at = datetime.now(UTC), time.monotonic()

    def progress(made: Made) -> None:
        nonlocal said_at
        if time.monotonic() - said_at >= SAY_EVERY_SECONDS:
            said_at = time.monotonic()
            left = patiently(lambda: stale_days.waiting(now, parks)).days
            say(f"days of {parks[made.park_id]} made anew up to {made.last}, {count_of(left, 'day')} of all parks left")

    done = all_parks.make(parks, now, patience_seconds=PATIENCE_SECONDS, stop=stop.is_set, say=progress)
    left = patiently(lambda: stale_days.waiting(now, parks)).days
    if left:
        return f"{done}; {count_of(left, 'day')} left to the workers, or to  manage.py rebuild_days"
    return str(done) if done.days else ""
