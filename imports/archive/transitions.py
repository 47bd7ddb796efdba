"""Where an import may stand, what brings it from where to where, and what an operator may ask for: one table.

The command, the admin's buttons and actions, its pages and the checkpoint itself all read it.
"""

from dataclasses import dataclass

from django.db import models


class ImportStatus(models.TextChoices):
    """The five states of the data model."""

    PENDING = "PENDING"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    PAUSED = "PAUSED"


class TransitionRefused(Exception):
    """A transition that is not allowed from where the import stands; the message names the allowed ones."""


#: target -> the states it may be reached from, by whomever
TRANSITIONS: dict[str, frozenset[str]] = {
    ImportStatus.IN_PROGRESS: frozenset(
        {
            ImportStatus.PENDING,
            ImportStatus.PAUSED,
            ImportStatus.FAILED,
            ImportStatus.IN_PROGRESS,  # only by takeover from a worker that gives no sign of life
        }
    ),
    ImportStatus.PAUSED: frozenset({ImportStatus.PENDING, ImportStatus.IN_PROGRESS}),
    ImportStatus.FAILED: frozenset({ImportStatus.IN_PROGRESS, ImportStatus.PAUSED}),
    ImportStatus.COMPLETED: frozenset({ImportStatus.IN_PROGRESS}),
}


@dataclass(frozen=True, slots=True)
class Action:
    """What an operator may ask for, from which states; `done` is said of it afterwards.

    `of_abandoned`: from these, too, where the import is nobody's: begun by a command whose process is gone.
    """

    label: str
    done: str
    origins: frozenset[str]
    of_abandoned: frozenset[str] = frozenset()


#: in the order of the buttons
ACTIONS: dict[str, Action] = {
    "resume": Action(
        "Resume",
        "Queued",
        frozenset({ImportStatus.PAUSED}),
        of_abandoned=frozenset({ImportStatus.PENDING, ImportStatus.IN_PROGRESS}),
    ),
    "retry": Action("Retry", "Queued once more", frozenset({ImportStatus.FAILED})),
    "pause": Action("Pause", "Paused", TRANSITIONS[ImportStatus.PAUSED]),
    "cancel": Action("Cancel", "Cancelled", TRANSITIONS[ImportStatus.FAILED]),
}


def allowed_transitions(status: str) -> list[str]:
    """The states that can be reached from `status`."""
    return [target for target, origins in TRANSITIONS.items() if status in origins]


def allowed_actions(status: str, *, abandoned: bool) -> list[str]:
    """The names of the ACTIONS that are open to an operator now."""
    return [
        name
        for name, action in ACTIONS.items()
        if status in action.origins or (abandoned and status in action.of_abandoned)
    ]
