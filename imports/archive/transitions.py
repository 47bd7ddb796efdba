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


REASON_MAX = 200  # characters


@dataclass(frozen=True, slots=True)
class Standing:
    """Of an import what decides over the actions that are open to an operator.

    `abandoned`: begun by a command whose process is gone. `covered`: a later import has the days that it has left
    (imports.archive.standing).
    """

    status: str
    queued: bool = False
    abandoned: bool = False
    dismissed: bool = False
    covered: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """What an operator may ask for, from which states; `done` is said of it afterwards.

    `of_abandoned`: from these, too, where the import is nobody's. `of_covered`: from these, too, where a later import
    covers it and none is queued. `dismissed`: only of those that are dismissed, or only of those that are not; None:
    of either. `needs_reason`: who asks for it says why, and that is kept.
    """

    label: str
    done: str
    origins: frozenset[str]
    of_abandoned: frozenset[str] = frozenset()
    of_covered: frozenset[str] = frozenset()
    dismissed: bool | None = None
    needs_reason: bool = False

    def is_open_to(self, standing: Standing) -> bool:
        """Whether an operator may ask for it of an import that stands so."""
        if self.dismissed is not None and self.dismissed != standing.dismissed:
            return False
        return (
            standing.status in self.origins
            or (standing.abandoned and standing.status in self.of_abandoned)
            or (standing.covered and not standing.queued and standing.status in self.of_covered)
        )


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
    # what a person ended is FAILED, and dismissed with the reason: nobody has to be told of it
    "cancel": Action("Cancel", "Cancelled", TRANSITIONS[ImportStatus.FAILED], needs_reason=True),
    "dismiss": Action(
        "Dismiss",
        "Dismissed",
        frozenset({ImportStatus.FAILED}),
        of_covered=frozenset({ImportStatus.PENDING, ImportStatus.PAUSED}),
        dismissed=False,
        needs_reason=True,
    ),
    "restore": Action("Undo dismissal", "No longer dismissed", frozenset(ImportStatus), dismissed=True),
}


def allowed_transitions(status: str) -> list[str]:
    """The states that can be reached from `status`."""
    return [target for target, origins in TRANSITIONS.items() if status in origins]


def allowed_actions(standing: Standing) -> list[str]:
    """The names of the ACTIONS that are open to an operator now."""
    return [name for name, action in ACTIONS.items() if action.is_open_to(standing)]
