"""The states of a finding, the ways between them, and the words in which a move is refused. No database here.

The diagram has four arrows of people (TRANSITIONS) and one of the system. What lies two arrows away is reached by both
in one go, each of them recorded: resolving or giving up an OPEN finding leads through INVESTIGATING.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from django.db import models

SYSTEM = ""  # who acts when nobody does; no user can have this name
NOTE_MAX = 2000  # characters
IDS_PER_STATEMENT = 5_000  # 60 KB of SQL; of more than some 35,000 MySQL reads the whole table


class IssueType(models.TextChoices):
    """What kind of issue a reason is; the values of data_quality_log.issue_type."""

    GAP = "GAP"
    DUPLICATE = "DUPLICATE"
    INVALID = "INVALID"
    MISSING_FIELD = "MISSING_FIELD"


class ResolutionStatus(models.TextChoices):
    """How far an issue is dealt with; the diagram is TRANSITIONS."""

    OPEN = "OPEN"
    INVESTIGATING = "INVESTIGATING"
    RESOLVED = "RESOLVED"
    WONTFIX = "WONTFIX", "Won't fix"


OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus
TO_DO = (OPEN, INVESTIGATING)

#: target -> the states from which an arrow leads there
TRANSITIONS: dict[str, set[str]] = {
    INVESTIGATING: {OPEN},
    RESOLVED: {INVESTIGATING},
    WONTFIX: {OPEN, INVESTIGATING},
}
#: what the system may do beside: a finding that comes back is open again
SYSTEM_TRANSITIONS: dict[str, set[str]] = {OPEN: {RESOLVED}}
#: resolving and giving up take a note, and pass through INVESTIGATING
_DECISIONS = {RESOLVED: "resolve", WONTFIX: "give up"}


class TransitionRefused(Exception):
    """A move that is not allowed, or not by whom it was asked for; the message says what is."""


@dataclass(slots=True)
class Triage:
    """What became of many records.

    moved    the ids of those that were moved or assigned, by the state they came from
    refused  a sentence for each other
    batch    the id under which the moves can be taken back together; None: nothing was moved, or by the system
    """

    moved: dict[str, list[int]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    batch: int | None = None

    @property
    def count(self) -> int:
        """How many records were moved."""
        return sum(map(len, self.moved.values()))


def in_parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    """At most IDS_PER_STATEMENT of them at a time."""
    return (ids[begin : begin + IDS_PER_STATEMENT] for begin in range(0, len(ids), IDS_PER_STATEMENT))


def way(origin: str, target: str, *, by: str) -> list[str]:
    """The states that a finding passes from `origin` to `target`, the last of them `target`; none: there is no way."""
    if by == SYSTEM and origin in SYSTEM_TRANSITIONS.get(target, ()):
        return [target]
    if origin == OPEN and target in _DECISIONS:
        return [INVESTIGATING, target]
    return [target] if origin in TRANSITIONS.get(target, ()) else []


def targets_from(origin: str) -> list[str]:
    """Where an operator may bring a finding from there, in the order of the diagram."""
    return [target for target in TRANSITIONS if way(origin, target, by="an operator")]


def origins_of(target: str) -> list[str]:
    """The states from which an operator may bring a finding to `target`."""
    return [origin for origin in ResolutionStatus.values if target in targets_from(origin)]


def checked_note(target: str, note: str, *, by: str) -> str:
    """The note without blanks around it. TransitionRefused: it is missing where one is needed, too long, or nobody may
    ever bring a finding to `target`."""
    if target not in TRANSITIONS and not (by == SYSTEM and target in SYSTEM_TRANSITIONS):
        raise TransitionRefused(f"Nobody may set a finding to {target}; {_diagram()}")
    note = note.strip()
    if target in _DECISIONS and not note:
        raise TransitionRefused(f"Say why: to {_DECISIONS[target]} a finding takes a note")
    return checked_length(note, by=by)


def checked_length(note: str, *, by: str) -> str:
    """TransitionRefused: an operator's note is longer than NOTE_MAX."""
    if by != SYSTEM and len(note) > NOTE_MAX:
        raise TransitionRefused(f"Say it shorter: a note has {NOTE_MAX:,} characters at most, this has {len(note):,}")
    return note


def refusal(pk: int, status: str, target: str) -> str:
    """The sentence for a finding that cannot be brought to `target`."""
    return f"Finding {pk} is {status} and cannot become {target}{allowed(status)}"


def allowed(status: str) -> str:
    """The end of such a sentence: what else may become of the finding."""
    targets = targets_from(status)
    if targets:
        return f"; it may become {_either(targets)}"
    if status == RESOLVED:
        return "; it is done, and the system opens it again when the same finding comes back"
    return "; it is given up, and whoever may triage can reopen it"


def _diagram() -> str:
    return "; ".join(f"{target} is reached from {_either(origins_of(target))}" for target in TRANSITIONS)


def _either(words: Iterable[str]) -> str:
    *others, last = words
    return f"{', '.join(others)} or {last}" if others else f"{last}"
