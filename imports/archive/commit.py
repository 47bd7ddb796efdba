"""The transaction of a file, or of a batch of them, as a loop, until one attempt holds:
`for attempt in transaction(run, step): with attempt: ...`.

What may be tried again is tried again; what a lost connection may have committed is asked for before anything is
written a second time; and a park whose claim is lost leaves the run, the rest of which does the file again.
"""

import logging
import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType

from django.db import IntegrityError, OperationalError, connection
from django.db import transaction as database_transaction

from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.run import ImportRun, Step, Totals
from imports.loading.loader import RowsRefused
from imports.loading.retry import ATTEMPTS, is_conflict
from warehouse.server import errors
from warehouse.server.turns import never_idle_for_long

logger = logging.getLogger(__name__)

SERVER_AWAY_PATIENCE_SECONDS = 60


@dataclass
class Written:
    """What one transaction holds, to be believed once it is committed: where its parks stand, and what was counted."""

    day: date
    key: str
    totals: Totals
    steps: int = 1  # of a batch, from its first on
    joined: list[ImportCheckpoint] = field(default_factory=list)


def transaction(run: ImportRun, step: Step) -> Iterator["Attempt"]:
    """Attempts at the transaction of a step, until one of them holds or no park of the run wants the step any more.
    With steps behind it that go in together, `step` is the first: the same parks want them all.

    The body writes for `attempt.checkpoints` and sets `attempt.written`; leaving it commits, and the run believes it.
    Another writer's row, ride or lock in the way is tried again ATTEMPTS times, a server that is away for
    SERVER_AWAY_PATIENCE_SECONDS; what keeps failing is raised, and so is anything else.
    """
    patience = _Patience()
    unsure: Attempt | None = None  # its COMMIT was sent, and the connection lost before the answer came
    while (checkpoints := run.concerned_by(step)) or run.may_be_joined:
        attempt = Attempt(run, checkpoints, patience)
        try:
            if unsure is not None and unsure.was_committed():
                unsure.believe()
                return
            attempt.begin()
        except OperationalError as error:
            if not patience.permits_another(error):
                raise
            continue
        yield attempt
        if attempt.held:
            return
        unsure = attempt if attempt.answer_lost else None


class Attempt:
    """One attempt, a context manager: errors that may be tried again end in it, with everything rolled back."""

    def __init__(self, run: ImportRun, checkpoints: list[ImportCheckpoint], patience: "_Patience"):
        self.checkpoints = checkpoints
        self.written: Written | None = None
        self.held = False
        self.answer_lost = False
        self._run = run
        self._patience = patience
        self._open = ExitStack()

    def begin(self) -> None:
        """OperationalError: the server is away."""
        with ExitStack() as opening:
            opening.enter_context(never_idle_for_long())
            opening.enter_context(database_transaction.atomic())
            self._open = opening.pop_all()

    def __enter__(self) -> "Attempt":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """True: another attempt may follow."""
        try:
            self._open.__exit__(kind, error, trace)  # commits, or rolls back
        except (IntegrityError, OperationalError) as at_the_commit:
            if self._may_follow(at_the_commit):
                return True
            raise
        if error is None:
            self.believe()
            return False
        if isinstance(error, ClaimLost):
            self._run.resolver.forget()
            self._run.leave(error.checkpoints)
            logger.warning("%s left the run: paused, cancelled or taken over", error)
            return True
        return isinstance(error, RowsRefused | IntegrityError | OperationalError) and self._may_follow(error)

    def believe(self) -> None:
        """It is committed: what it holds is so from now on."""
        assert self.written is not None, "the body of an attempt says what it wrote"
        self.held = True
        self._run.resolver.keep()
        self._run.join(self.written.joined)
        self._run.totals.add(self.written.totals)
        for checkpoint in [*self.checkpoints, *self.written.joined]:
            checkpoint.last_processed_date = self.written.day
            checkpoint.last_processed_file = self.written.key

    def was_committed(self) -> bool:
        """Whether a COMMIT whose answer was lost reached the server: the checkpoints move in the same transaction.

        OperationalError: the server is away still, and nobody knows.
        """
        assert self.written is not None
        return any(
            ImportCheckpoint.objects.filter(
                pk=checkpoint.pk, generation=checkpoint.generation, last_processed_file=self.written.key
            ).exists()
            for checkpoint in [*self.checkpoints, *self.written.joined]
        )

    def _may_follow(self, error: Exception) -> bool:
        self._run.resolver.forget()
        self.answer_lost = self.written is not None and errors.is_away(error)
        return self._patience.permits_another(error)


class _Patience:
    """How often, and for how long, the transaction of one step is tried."""

    def __init__(self) -> None:
        self._failures = 0
        self._away_since: float | None = None

    def permits_another(self, error: Exception) -> bool:
        """Waits before it says yes, so that whoever was in the way can end; False: `error` is to be raised."""
        if errors.is_away(error):
            self._away_since = self._away_since or time.monotonic()
            if time.monotonic() - self._away_since > SERVER_AWAY_PATIENCE_SECONDS:
                return False
            logger.warning("the database server is away (%s); trying again", error)
            connection.close()
            time.sleep(random.uniform(0.5, 1.5))
            return True
        self._failures += 1
        if self._failures >= ATTEMPTS or not is_conflict(error):
            return False
        logger.info("%s; trying the file again", error)
        time.sleep(random.uniform(0.02, 0.1) * 2**self._failures)
        return True
