"""The checkpoint of an import with its state machine.

Every transition of a checkpoint (imports.archive.transitions) is one conditional UPDATE written here, and every door
(command, admin, task) uses it: a worker that was paused, replaced or frozen finds its UPDATE hitting no row and can
change nothing.
"""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now

from imports.archive.checkpoint_row import CheckpointRow
from imports.archive.pause_model import Pause
from imports.archive.process import is_known_dead
from imports.archive.seen import Seen
from imports.archive.transitions import (
    ACTIONS,
    TRANSITIONS,
    ImportStatus,
    TransitionRefused,
    allowed_transitions,
)
from quality import owed_checks
from warehouse.models import Park
from warehouse.server import away
from warehouse.server.turns import brief_transaction, on_every_node

HEARTBEAT_EVERY_SECONDS = 5
# Five beats missed. A worker's import is to be taken over within 30 s of its last one; the others look every 3 s.
HEARTBEAT_STALE_SECONDS = 25

#: runs, or waits its turn in the queue
AT_WORK = Q(status=ImportStatus.IN_PROGRESS) | Q(status=ImportStatus.PENDING, queued_at__isnull=False)

#: seconds since the last sign of life, by the server's clock
HEARTBEAT_AGE = models.Func(
    F("heartbeat_at"),
    template="TIMESTAMPDIFF(MICROSECOND, %(expressions)s, UTC_TIMESTAMP(6)) / 1e6",
    output_field=models.FloatField(),
)


class ClaimLost(Exception):
    """The checkpoint is no longer this worker's: it was paused, cancelled, or taken over by another worker."""

    def __init__(self, checkpoints: list["ImportCheckpoint"]):
        self.checkpoints = checkpoints
        super().__init__(", ".join(checkpoint.import_id for checkpoint in checkpoints))


_NOT_DISMISSED: dict[str, Any] = {"dismissed_at": None, "dismissed_by": "", "dismissed_why": ""}


class ImportCheckpoint(CheckpointRow):
    """How far the import of one park's days from one destination's files has come.

    Advanced in the transaction of the rows it speaks of.
    """

    class Meta:
        db_table = "import_checkpoints"
        verbose_name = "import"
        ordering = ["-checkpoint_id"]
        indexes = [models.Index(fields=["status", "park"], name="idx_checkpoint_status_park")]
        permissions = [("operate_imports", "Can start, pause, resume, retry and cancel imports")]

    # --- claiming and being alive -------------------------------------------------------------------------------
    def claim(self, worker: str, *, queued: bool = False) -> None:
        """Make `worker` the one that goes on with this import, as it was seen to stand when it was loaded.

        TransitionRefused: it is completed, somebody is at it, or an operator paused, cancelled or dismissed it since. A
        claim that took whatever may become IN_PROGRESS would undo a pause given in the moment before it. One that was
        dismissed when it was loaded is no longer: whoever goes on with it named it.

        `queued`: the worker is one of django-q2's, and the import stays in their queue should it die.
        """
        seen = self.seen()
        self._once(
            lambda: self._claim(worker, queued, seen),
            lambda row: (
                row.status == ImportStatus.IN_PROGRESS and (row.generation, row.worker) == (seen.generation + 1, worker)
            ),
        )

    def _claim(self, worker: str, queued: bool, seen: Seen) -> None:
        with brief_transaction():
            ImportCheckpoint.lock_out_others([self.park_id], self.destination_wiki_id, [self])
            hit = (
                ImportCheckpoint.objects.filter(
                    Q(status=seen.status) & Q(status__in=TRANSITIONS[ImportStatus.IN_PROGRESS]),
                    pk=self.pk,
                    generation=seen.generation,
                    dismissed_at__isnull=not seen.dismissed,
                )
                .exclude(self._alive())
                .update(
                    status=ImportStatus.IN_PROGRESS,
                    generation=F("generation") + 1,
                    attempts=F("attempts") + 1,
                    worker=worker,
                    queued_at=Coalesce("queued_at", Now()) if queued else None,
                    not_before=None,
                    heartbeat_at=Now(),
                    last_error="",
                    **_NOT_DISMISSED,
                )
            )
            # after the UPDATE: whoever begins a pause now waits for this row, and finds it running
            if hit and (pause := Pause.current()) is not None:
                raise TransitionRefused(
                    f"{self.import_id} of {self.park} does not begin: {pause.in_words()}. Resume everything in the "
                    "admin, on its home page"
                )
        self.refresh_from_db()
        if not hit:
            if self.dismissed_at is not None and not seen.dismissed:
                raise TransitionRefused(f"{self.import_id} of {self.park} was {self.dismissal} meanwhile")
            if self.status != seen.status and self.status in (ImportStatus.PAUSED, ImportStatus.FAILED):
                raise TransitionRefused(f"{self.import_id} of {self.park} has become {self.status} meanwhile")
            self._refuse(ImportStatus.IN_PROGRESS)

    @staticmethod
    def lock_out_others(park_ids: Sequence[int], destination: str, for_these: Sequence["ImportCheckpoint"]) -> None:
        """One import of a park from a destination's files at a time: to be called inside the transaction in which one
        begins or goes on. From two destinations' files a park may be imported at once: each row is stored by one.

        TransitionRefused where another one runs or is queued. One whose worker is gone is paused, so that a frozen
        worker that wakes up finds itself out.
        """
        # locked, so that of two that want one park the second sees what the first did
        on_every_node("park", park_ids)
        list(Park.objects.select_for_update().filter(pk__in=park_ids).order_by("pk"))
        others = ImportCheckpoint.objects.filter(
            AT_WORK,
            park__in=park_ids,
            destination_wiki_id=destination,
        ).exclude(pk__in=[checkpoint.pk for checkpoint in for_these])
        for other in others.select_related("park"):
            if other.queued_at is not None:
                other.refuse_another()
            other.refuse_another_if_alive()
            other.pause("its worker gave no sign of life", generation=other.generation)

    def refuse_another_if_alive(self) -> None:
        """TransitionRefused where a worker is at this import: another one of its park has to wait."""
        if self.is_alive():
            self.refuse_another()

    def refuse_another(self) -> None:
        """TransitionRefused, with what stands in the way and what to do about it."""
        by = f"by {self.worker}" if self.worker else "which is queued"
        raise TransitionRefused(
            f"{self.park} is being imported ({self.import_id}, {by}); pause that import or wait for its end"
        )

    def is_alive(self) -> bool:
        """Whether a worker is at it and has given a sign of life."""
        return self.lives(self.seconds_since_heartbeat()) if self._may_live() else False

    def lives(self, heartbeat_age: float | None) -> bool:
        """The same for a caller that has asked for HEARTBEAT_AGE together with the rest."""
        return self._may_live() and heartbeat_age is not None and heartbeat_age < HEARTBEAT_STALE_SECONDS

    def _may_live(self) -> bool:
        return self.status == ImportStatus.IN_PROGRESS and bool(self.worker) and not is_known_dead(self.worker)

    def beat(self) -> bool:
        """Say that the worker lives; False when the import is no longer its own."""
        return bool(self._mine().update(heartbeat_at=Now()))

    def advance(self, *, day: date, source_file: str, stored: int, errors: int, files: int = 1) -> None:
        """Move past one day file, inside its transaction. ClaimLost when this worker no longer holds the import."""
        with connection.cursor() as cursor:  # as SQL: through the ORM it took a third of the time of a small file
            hit = cursor.execute(
                "UPDATE import_checkpoints SET last_processed_date = %s, last_processed_file = %s, "
                "records_imported = records_imported + %s, errors_encountered = errors_encountered + %s, "
                "files_processed = files_processed + %s, attempts = 0, "
                "heartbeat_at = UTC_TIMESTAMP(6) "
                "WHERE checkpoint_id = %s AND status = 'IN_PROGRESS' AND generation = %s "
                "AND last_processed_file <=> %s",
                [day, source_file, stored, errors, files, self.pk, self.generation, self.last_processed_file],
            )
        if not hit:
            raise ClaimLost([self])

    # --- the workers' queue ---------------------------------------------------------------------------------------
    def queue(self, seen: Seen | None = None) -> None:
        """Hand it to the workers, who go on with it when its turn comes: a new import, a resume, or a retry, which take
        it out of the dismissed ones.

        TransitionRefused: it is completed, somebody is at it, it is queued already, or it no longer stands as `seen`
        (None: as it was loaded).
        """
        loaded = self.seen()
        self._once(
            lambda: self._queue((seen or loaded).where(), loaded.generation),
            # a worker may have claimed it since
            lambda row: row.queued_at is not None and not loaded.queued and row.generation >= loaded.generation,
        )

    def _queue(self, as_seen: Q, generation: int) -> None:
        with brief_transaction():
            ImportCheckpoint.lock_out_others([self.park_id], self.destination_wiki_id, [self])
            new = ImportCheckpoint.objects.filter(as_seen, pk=self.pk, status=ImportStatus.PENDING, queued_at=None)
            begun = ImportCheckpoint.objects.filter(
                Q(status=ImportStatus.IN_PROGRESS, queued_at=None)
                | Q(status__in=[ImportStatus.PAUSED, ImportStatus.FAILED]),
                as_seen,
                pk=self.pk,
                generation=generation,
            ).exclude(self._alive())
            hit = new.update(queued_at=Now(), not_before=None, **_NOT_DISMISSED) or begun.update(
                status=ImportStatus.IN_PROGRESS,
                generation=F("generation") + 1,  # whoever had it is out
                worker="",
                queued_at=Now(),
                not_before=None,
                attempts=0,
                last_error="",
                **_NOT_DISMISSED,
            )
        self.refresh_from_db()
        if not hit:
            self._refuse(ImportStatus.IN_PROGRESS)

    def put_back(self, trouble: str = "") -> None:
        """End a worker's slice: at the end of the queue, to be claimed by whoever is free. ClaimLost: it is not ours.

        With `trouble` the slice did not end well: it stays an attempt, of which there are not many.
        """
        back = {"worker": "", "queued_at": Now(), "heartbeat_at": Now(), "last_error": trouble}

        def put_back() -> None:  # twice is as good as once, as long as nobody else has claimed it
            if not self._mine().update(**back, **({} if trouble else {"attempts": 0})):
                raise ClaimLost([self])

        away.patiently(put_back)

    def wait(self, until: datetime, why: str) -> None:
        """The source gives nothing before `until` (aware), which is nobody's fault: queued, it stays in the queue, for
        whoever is free from then on, and no attempt is counted; else it is paused. TransitionRefused: it is not ours.
        """
        queued = self._mine().filter(queued_at__isnull=False)
        waits = {"worker": "", "attempts": 0, "not_before": until, "last_error": why, "heartbeat_at": Now()}
        if not away.patiently(lambda: queued.update(**waits)):
            self.pause(why, generation=self.generation)
            paused = ImportCheckpoint.objects.filter(pk=self.pk, status=ImportStatus.PAUSED)
            away.patiently(lambda: paused.update(not_before=until))
        away.patiently(self.refresh_from_db)

    # --- transitions ---------------------------------------------------------------------------------------------
    def complete(self) -> None:
        """The worker reached the end of the range. ClaimLost when the import is no longer its own."""
        generation = self.generation
        self._once(
            self._complete,
            lambda row: (row.status, row.generation) == (ImportStatus.COMPLETED, generation),
        )

    def _complete(self) -> None:
        with brief_transaction():
            if not self._mine().update(status=ImportStatus.COMPLETED, queued_at=None):
                raise ClaimLost([self])
            self.refresh_from_db()
            self._owe_check()

    def pause(self, why: str = "", *, generation: int | None = None, seen: Seen | None = None) -> None:
        """Stop after the file in hand; whoever works on it notices at its next commit.

        A worker that stops by itself names the generation it claimed, so that it cannot stop its successor; a person,
        what was `seen`.
        """
        self._transition(ImportStatus.PAUSED, why, generation, seen)

    def fail(self, why: str, *, generation: int | None = None) -> None:
        """End the import, since it cannot go on, with the reason; a retry is a claim."""
        self._transition(ImportStatus.FAILED, why, generation)

    def cancel(self, by: str, why: str, seen: Seen | None = None) -> None:
        """End the import, since a person wants it so: FAILED and dismissed by the same statement, so that it never
        stands among those that somebody has to look at."""
        said = f"cancel by {by}: {why}"
        self._transition(ImportStatus.FAILED, said, None, seen, **_dismissed(by, why))

    def dismiss(self, by: str, why: str, *, covered: bool = False, seen: Seen | None = None) -> None:
        """Nobody needs to look at it any more: it stays in the list, and is gone on with by its name alone.

        `covered`: a later import has its days, so one that is PAUSED or was not begun can be dismissed, too.
        TransitionRefused: it is neither FAILED nor covered, is dismissed already, or no longer stands as `seen`.
        """
        action = ACTIONS["dismiss"]
        origins = action.origins | action.of_covered if covered else action.origins
        reachable = ImportCheckpoint.objects.filter(
            (seen or self.seen()).where(), pk=self.pk, status__in=origins, queued_at=None, dismissed_at=None
        )
        self._once(
            lambda: self._dismiss(reachable, by, why),
            lambda row: row.dismissed_at is not None and (row.dismissed_by, row.dismissed_why) == (by, why),
        )

    def _dismiss(self, reachable: models.QuerySet["ImportCheckpoint"], by: str, why: str) -> None:
        hit = reachable.update(**_dismissed(by, why))
        self.refresh_from_db()
        if not hit:
            if self.dismissed_at is not None:
                raise TransitionRefused(f"{self.import_id} of {self.park} was {self.dismissal} already")
            raise TransitionRefused(
                f"{self.import_id} of {self.park} is {self.status}; only a FAILED import can be dismissed, or one that "
                "a later import covers and that is not queued"
            )

    def restore(self, seen: Seen | None = None) -> None:
        """Take a dismissal back. TransitionRefused: it is not dismissed, or no longer stands as `seen`."""
        dismissed = ImportCheckpoint.objects.filter(
            (seen or self.seen()).where(), pk=self.pk, dismissed_at__isnull=False
        )
        self._once(lambda: self._restore(dismissed), lambda row: row.dismissed_at is None)

    def _restore(self, dismissed: models.QuerySet["ImportCheckpoint"]) -> None:
        hit = dismissed.update(**_NOT_DISMISSED)
        self.refresh_from_db()
        if not hit:
            raise TransitionRefused(f"{self.import_id} of {self.park} is not dismissed")

    @away.patient
    def seconds_since_heartbeat(self) -> float | None:
        """By the server's clock, so that workers on several hosts need not agree on the time."""
        return ImportCheckpoint.objects.filter(pk=self.pk).values_list(HEARTBEAT_AGE, flat=True).first()

    def _alive(self) -> Q:
        """That somebody is at it, for the WHERE of a claim: decided by the server's clock, in the statement itself."""
        alive = Q(
            status=ImportStatus.IN_PROGRESS,
            heartbeat_at__gt=Now() - timedelta(seconds=HEARTBEAT_STALE_SECONDS),
        ) & ~Q(worker="")
        if is_known_dead(self.worker):
            alive &= ~Q(worker=self.worker)
        return alive

    def _mine(self) -> models.QuerySet["ImportCheckpoint"]:
        return ImportCheckpoint.objects.filter(pk=self.pk, status=ImportStatus.IN_PROGRESS, generation=self.generation)

    def _transition(self, target: str, why: str, generation: int | None, seen: Seen | None = None, **more: Any) -> None:
        reachable = ImportCheckpoint.objects.filter(pk=self.pk, status__in=TRANSITIONS[target])
        if generation is not None:
            reachable = reachable.filter(generation=generation)
        if seen is not None:
            reachable = reachable.filter(seen.where())
        self._once(
            lambda: self._move(target, why, reachable, more),
            lambda row: (row.status, row.last_error) == (target, why) and generation in (None, row.generation),
        )

    def _move(
        self, target: str, why: str, reachable: models.QuerySet["ImportCheckpoint"], more: dict[str, Any]
    ) -> None:
        with brief_transaction():
            hit = reachable.update(status=target, last_error=why, queued_at=None, **more)
            self.refresh_from_db()
            if hit:
                self._owe_check()
        if not hit:
            self._refuse(target)

    def _once(self, move: Callable[[], None], was_made: Callable[["ImportCheckpoint"], bool]) -> None:
        """A move, by a server that may go away or end it in a deadlock; `was_made` tells it by how the row stands
        afterwards. A move that is made again begins with this as it was loaded: one that was rolled back has read in
        the row as it never was."""
        loaded = dict(vars(self))

        def from_the_beginning() -> None:
            vars(self).update(loaded)
            move()

        def stands_so() -> bool:
            self.refresh_from_db()
            return was_made(self)

        away.once(from_the_beginning, stands_so)

    def _owe_check(self) -> None:
        """What came in is to be checked, however the import ended: one that is paused may never be resumed."""
        if self.start_date and self.end_date and self.last_processed_date:
            last = self.end_date if self.status == ImportStatus.COMPLETED else self.last_processed_date
            owed_checks.owe(park_id=self.park_id, first_day=self.start_date, last_day=last, cause=self.import_id)

    def _refuse(self, target: str) -> None:
        if self.queued_at is not None and not self.worker:
            raise TransitionRefused(f"{self.import_id} of {self.park} is queued already")
        if self.status == target == ImportStatus.IN_PROGRESS:
            age = self.seconds_since_heartbeat() or 0
            raise TransitionRefused(
                f"{self.import_id} of {self.park} is being imported by {self.worker} "
                f"(last sign of life {age:.0f} s ago; without one for {HEARTBEAT_STALE_SECONDS} s it can be taken over)"
            )
        allowed = ", ".join(allowed_transitions(self.status)) or "nothing: start a new import"
        raise TransitionRefused(
            f"{self.import_id} of {self.park} is {self.status} and cannot become {target}; it may become {allowed}"
        )


def _dismissed(by: str, why: str) -> dict[str, Any]:
    return {"dismissed_at": Now(), "dismissed_by": by, "dismissed_why": why}
