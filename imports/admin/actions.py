"""What an operator does with an import: pause, resume, retry, give up. Whoever did it stands in the admin's log.

The command's way is imports.archive.planning; here the import goes to the workers or away from them.
"""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from imports.archive.checkpoint import ImportCheckpoint, ImportStatus, MoveRefused
from imports.workers import queue

LABELS = {"pause": "Pause", "resume": "Resume", "retry": "Retry", "give_up": "Give up"}


def move(verb: str, checkpoint: ImportCheckpoint, user: AbstractBaseUser, why: str = "") -> str:
    """Do it, write it down, and return what was before and after. MoveRefused says why not."""
    with transaction.atomic():
        checkpoint.refresh_from_db(fields=None)
        before = described(checkpoint)
        _DO[verb](checkpoint, f"{LABELS[verb].lower()} by {user.get_username()}{f': {why}' if why else ''}")
        what = f"{LABELS[verb]}: {before} → {described(checkpoint)}{f'. Reason: {why}' if why else ''}"
        LogEntry.objects.log_actions(user.pk, [checkpoint], CHANGE, what, single_object=True)
    return what


def described(checkpoint: ImportCheckpoint) -> str:
    """In a line of the log: state, how far, and whether the workers have it."""
    far = f"{checkpoint.files_processed} of {checkpoint.files_total} files"
    hands = ", with the workers" if checkpoint.queued_at is not None else ""
    return f"{checkpoint.status} ({far}{hands})"


def _pause(checkpoint: ImportCheckpoint, said: str) -> None:
    checkpoint.pause(said)


def _resume(checkpoint: ImportCheckpoint, said: str) -> None:
    if checkpoint.status == ImportStatus.FAILED:
        raise MoveRefused(f"{checkpoint.import_id} of {checkpoint.park} is FAILED ({checkpoint.last_error}); retry it")
    queue.hand_over([checkpoint])


def _retry(checkpoint: ImportCheckpoint, said: str) -> None:
    if checkpoint.status != ImportStatus.FAILED:
        raise MoveRefused(
            f"{checkpoint.import_id} of {checkpoint.park} is {checkpoint.status}; only a FAILED import is retried"
        )
    queue.hand_over([checkpoint])


def _give_up(checkpoint: ImportCheckpoint, said: str) -> None:
    checkpoint.fail(said)


_DO = {"pause": _pause, "resume": _resume, "retry": _retry, "give_up": _give_up}
