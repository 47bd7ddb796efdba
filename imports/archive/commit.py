"""The transaction of a file, or of a batch of them, as a loop, until one attempt holds:
`for attempt in transaction(run, step): with attempt: ...`.

What may be tried again is tried again; what a lost connection may have committed is asked for before anything is
written a second time; and a park whose claim is lost leaves the run, the rest of which does the file again.
"""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date
from types import TracebackType
from typing import Any

from django.db import IntegrityError, OperationalError
from django.db import transaction as database_transaction

from imports.archive.checkpoint import ClaimLost, ImportCheckpoint
from imports.archive.run import ImportRun, Step, Totals
from imports.loading.loader import RowsRefused
from imports.loading.names import FOLLOWED_OF_PARKS
from imports.loading.retry import is_conflict
from warehouse.models import Park
from warehouse.server import errors
from warehouse.server.away import Patience
from warehouse.server.turns import brief_transaction, never_idle_for_long, on_every_node

logger = logging.getLogger(__name__)


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
    Another writer's row, ride or lock in the way is tried again, and a server that is away is waited for, both as
    warehouse.server.away says; what keeps failing is raised, and so is anything else.
    """
    patience = Patience(is_conflict)
    unsure: Attempt | None = None  # its COMMIT was sent, and the connection lost before the answer came
    while (checkpoints := run.concerned_by(step)) or run.may_be_joined:
        attempt = Attempt(run, checkpoints, patience)
        try:
            if unsure is not None and unsure.was_committed():
                unsure.believe()
                return
            attempt.begin()
        except OperationalError as error:
            patience.wait(error)
            continue
        yield attempt
        if attempt.held:
            return
        unsure = attempt if attempt.answer_lost else None


class Attempt:
    """One attempt, a context manager: errors that may be tried again end in it, with everything rolled back."""

    def __init__(self, run: ImportRun, checkpoints: list[ImportCheckpoint], patience: Patience):
        self.checkpoints = checkpoints
        self.written: Written | None = None
        self.held = False
        self.answer_lost = False
        self._run = run
        self._patience = patience
        self._parks: list[tuple[Park, dict[str, Any]]] = []  # as they were
        self._open = ExitStack()

    def begin(self) -> None:
        """OperationalError: the server is away."""
        parks = [checkpoint.park for checkpoint in self.checkpoints]
        self._parks = [(park, {name: getattr(park, name) for name in FOLLOWED_OF_PARKS}) for park in parks]
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
            self._await_another(at_the_commit)
            return True
        if error is None:
            self.believe()
            return False
        self._forget()
        if isinstance(error, ClaimLost):
            self._run.leave(error.checkpoints)
            logger.warning("%s left the run: paused, cancelled or taken over", error)
            return True
        if not isinstance(error, RowsRefused | IntegrityError | OperationalError):
            return False
        self._await_another(error)
        return True

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

        Their rows are locked for the question: a COMMIT that is under way still, in a session that the server has not
        missed yet, is waited for. Asked without, a server that took its time said no, and the file that was done again
        found its checkpoint moved, as if another worker had it. On another node of a Galera cluster it may be
        under way, too: with the park's turn taken here it is either there to be read, or comes too late.
        OperationalError: the server is away still, and nobody knows.
        """
        assert self.written is not None
        moved = [*self.checkpoints, *self.written.joined]
        with brief_transaction():
            on_every_node("park", {checkpoint.park_id for checkpoint in moved})
            return any(
                ImportCheckpoint.objects.select_for_update()
                .filter(pk=checkpoint.pk, generation=checkpoint.generation, last_processed_file=self.written.key)
                .exists()
                for checkpoint in moved
            )

    def _await_another(self, error: Exception) -> None:
        """Until another attempt may hold; raises where none is to follow."""
        self._forget()
        self.answer_lost = self.written is not None and errors.is_away(error)
        self._patience.wait(error)

    def _forget(self) -> None:
        """What was rolled back, for whatever reason: the steps may be tried again one by one. They would store rows of
        rides that are not there, and take a park for called by its new name already."""
        self._run.resolver.forget()
        for park, said in self._parks:
            for name, value in said.items():
                setattr(park, name, value)
