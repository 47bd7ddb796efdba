"""An operator's action on an import: resume, retry, pause, cancel. Whoever did it stands in the admin's log.

What is allowed from where is said in imports.archive.transitions. The command resumes by imports.archive.planning; here
the import goes into the workers' queue or out of it.
"""

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.transitions import ACTIONS, TransitionRefused
from imports.workers import queue


def act(name: str, checkpoint: ImportCheckpoint, user: AbstractBaseUser, why: str = "") -> str:
    """Do one of ACTIONS, write it down, and return what was before and after. TransitionRefused says why not."""
    label = ACTIONS[name].label
    with transaction.atomic():
        checkpoint.refresh_from_db(fields=None)
        before = described(checkpoint)
        _DO[name](checkpoint, f"{label.lower()} by {user.get_username()}{f': {why}' if why else ''}")
        what = f"{label}: {before} → {described(checkpoint)}{f'. Reason: {why}' if why else ''}"
        LogEntry.objects.log_actions(user.pk, [checkpoint], CHANGE, what, single_object=True)
    return what


def described(checkpoint: ImportCheckpoint) -> str:
    """In a line of the log: state, how far, and whether it is queued."""
    far = f"{checkpoint.files_processed} of {checkpoint.files_total} files"
    queued = ", queued" if checkpoint.queued_at is not None else ""
    return f"{checkpoint.status} ({far}{queued})"


def _pause(checkpoint: ImportCheckpoint, said: str) -> None:
    checkpoint.pause(said)


def _resume(checkpoint: ImportCheckpoint, said: str) -> None:
    if checkpoint.status in ACTIONS["retry"].origins:
        raise TransitionRefused(
            f"{checkpoint.import_id} of {checkpoint.park} is {checkpoint.status} ({checkpoint.last_error}); retry it"
        )
    queue.enqueue([checkpoint])


def _retry(checkpoint: ImportCheckpoint, said: str) -> None:
    if checkpoint.status not in ACTIONS["retry"].origins:
        raise TransitionRefused(
            f"{checkpoint.import_id} of {checkpoint.park} is {checkpoint.status}; only a FAILED import is retried"
        )
    queue.enqueue([checkpoint])


def _cancel(checkpoint: ImportCheckpoint, said: str) -> None:
    checkpoint.fail(said)


_DO = {"pause": _pause, "resume": _resume, "retry": _retry, "cancel": _cancel}
