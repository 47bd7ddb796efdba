"""An operator's action on an import: resume, retry, pause, cancel, dismiss, and the way back of that. Whoever did it
stands in the admin's log.

What is allowed from where is said in imports.archive.transitions. The command resumes by imports.archive.planning; here
the import goes into the workers' queue or out of it. A page says what it showed (`Shown`), and a move is made only
where the import stands so still.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.contenttypes.models import ContentType

from imports.admin.progress import Progress
from imports.archive import standing
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.seen import Seen
from imports.archive.transitions import ACTIONS, REASON_MAX, TransitionRefused
from imports.workers import queue
from warehouse.server.away import despite_locks
from warehouse.server.turns import brief_transaction

MOVES_TOLD = 3


@dataclass(frozen=True, slots=True)
class Shown:
    """What a page showed of an import, and when (aware): written into its forms, and read from what they send."""

    seen: Seen
    at: datetime

    @classmethod
    def of(cls, checkpoint: ImportCheckpoint, now: datetime) -> "Shown":
        """As it was loaded for a page of `now`."""
        return cls(checkpoint.seen(), now)

    def __str__(self) -> str:
        seen = self.seen
        return f"{seen.status}.{seen.generation}.{seen.queued:d}.{seen.dismissed:d}.{int(self.at.timestamp() * 1000)}"

    @classmethod
    def read(cls, text: str) -> "Shown":
        """TransitionRefused: it is none, as from a page of before an update."""
        try:
            status, generation, queued, dismissed, at = text.split(".")
            seen = Seen(status, int(generation), queued == "1", dismissed == "1")
            return cls(seen, datetime.fromtimestamp(int(at) / 1000, UTC))
        except (ValueError, OverflowError, OSError) as error:
            raise TransitionRefused("the page did not say how the import stood; load it anew") from error


def act(
    name: str, checkpoint: ImportCheckpoint, user: AbstractBaseUser, why: str = "", shown: Shown | None = None
) -> str:
    """Do one of ACTIONS, write it down, and return what was before and after.

    TransitionRefused says why not: a reason is missing, its state does not allow it, or it no longer stands as it was
    `shown` (None: whoever calls has shown nothing), with what changed meanwhile and by whom.
    """
    action, why = ACTIONS[name], why.strip()
    if action.needs_reason and not why:
        raise TransitionRefused(f"{checkpoint.import_id} of {checkpoint.park}: say why; the reason is kept with it")
    if len(why) > REASON_MAX:
        raise TransitionRefused(f"the reason has {len(why)} characters, and {REASON_MAX} are kept")
    return despite_locks(lambda: _act(name, checkpoint, user, why, shown))


def _act(name: str, checkpoint: ImportCheckpoint, user: AbstractBaseUser, why: str, shown: Shown | None) -> str:
    action = ACTIONS[name]
    with brief_transaction():
        checkpoint.refresh_from_db(fields=None)
        if shown is not None and not shown.seen.is_still_so(checkpoint.seen()):
            raise TransitionRefused(_changed(checkpoint, shown))
        before, dismissal = described(checkpoint), checkpoint.dismissal
        seen = checkpoint.seen() if shown is None else shown.seen
        try:
            _DO[name](checkpoint, Move(user.get_username(), why, seen))
        except TransitionRefused:  # the refused UPDATE has loaded it: what came in between is told as such
            if shown is not None and not shown.seen.is_still_so(checkpoint.seen()):
                raise TransitionRefused(_changed(checkpoint, shown)) from None
            raise
        what = f"{action.label}: {before} → {described(checkpoint)}{f'. Reason: {why}' if why else ''}"
        if dismissal and checkpoint.dismissed_at is None:
            what += f". It was {dismissal}"
        LogEntry.objects.log_actions(user.pk, [checkpoint], CHANGE, what, single_object=True)
    return what


def check(name: str, current: Progress, shown: Shown) -> None:
    """TransitionRefused where one of ACTIONS cannot be done of an import, or it no longer stands as it was shown."""
    checkpoint = current.checkpoint
    if not shown.seen.is_still_so(checkpoint.seen()):
        raise TransitionRefused(_changed(checkpoint, shown))
    if name not in current.actions:
        may = ", ".join(ACTIONS[each].label for each in current.actions) or "nothing"
        raise TransitionRefused(
            f"{checkpoint.import_id} of {checkpoint.park} is {described(checkpoint)}; what can be done with it: {may}"
        )


def described(checkpoint: ImportCheckpoint) -> str:
    """In a line of the log: state, how far, and whether it is queued or dismissed."""
    far = f"{checkpoint.files_processed} of {checkpoint.files_total} files"
    queued = ", queued" if checkpoint.queued_at is not None else ""
    dismissed = ", dismissed" if checkpoint.dismissed_at is not None else ""
    return f"{checkpoint.status} ({far}{queued}{dismissed})"


@dataclass(frozen=True, slots=True)
class Move:
    """By whom, why, and of what it was seen to be."""

    by: str
    why: str
    seen: Seen


def _pause(checkpoint: ImportCheckpoint, move: Move) -> None:
    checkpoint.pause(f"pause by {move.by}{f': {move.why}' if move.why else ''}", seen=move.seen)


def _resume(checkpoint: ImportCheckpoint, move: Move) -> None:
    if checkpoint.status in ACTIONS["retry"].origins:
        raise TransitionRefused(
            f"{checkpoint.import_id} of {checkpoint.park} is {checkpoint.status} ({checkpoint.last_error}); retry it"
        )
    queue.enqueue([checkpoint])


def _retry(checkpoint: ImportCheckpoint, move: Move) -> None:
    if checkpoint.status not in ACTIONS["retry"].origins:
        raise TransitionRefused(
            f"{checkpoint.import_id} of {checkpoint.park} is {checkpoint.status}; only a FAILED import is retried"
        )
    queue.enqueue([checkpoint])


def _cancel(checkpoint: ImportCheckpoint, move: Move) -> None:
    checkpoint.cancel(move.by, move.why, move.seen)


def _dismiss(checkpoint: ImportCheckpoint, move: Move) -> None:
    covered = checkpoint.pk in standing.covered_by([checkpoint])
    checkpoint.dismiss(move.by, move.why, covered=covered, seen=move.seen)


def _restore(checkpoint: ImportCheckpoint, move: Move) -> None:
    checkpoint.restore(move.seen)


_DO: dict[str, Callable[[ImportCheckpoint, Move], None]] = {
    "pause": _pause,
    "resume": _resume,
    "retry": _retry,
    "cancel": _cancel,
    "dismiss": _dismiss,
    "restore": _restore,
}


def _changed(checkpoint: ImportCheckpoint, shown: Shown) -> str:
    """What an import became since it was shown, and by whom: people stand in the log, workers in the import itself."""
    was = f"{shown.seen.status}{', dismissed' if shown.seen.dismissed else ''}"
    moves = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(ImportCheckpoint),
        object_id=str(checkpoint.pk),
        action_time__gte=shown.at,
    ).select_related("user")[:MOVES_TOLD]
    said = "; ".join(f"{move.user}, {move.action_time:%H:%M}Z: {move.get_change_message()}" for move in moves)
    if not said:
        said = f"it is {described(checkpoint)} now" + (f": {checkpoint.last_error}" if checkpoint.last_error else "")
    return (
        f"{checkpoint.import_id} of {checkpoint.park} has changed since the page was made, which showed {was}. "
        f"Meanwhile: {said}. Nothing was done; look again"
    )
