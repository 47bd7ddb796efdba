"""What people did with findings, a line a click: one finding by its sentence, many by their number."""

from dataclasses import dataclass
from datetime import datetime

from quality.models import DataQualityMove, ResolutionStatus, TriageBatch
from quality.states import SYSTEM
from warehouse.outside import shown
from warehouse.text import count_of

DONE = {
    ResolutionStatus.INVESTIGATING: "being investigated",
    ResolutionStatus.RESOLVED: "resolved",
    ResolutionStatus.WONTFIX: "given up",
}
MOVES_LOOKED_THROUGH = 5_000  # for those of before there were batches


@dataclass(frozen=True, slots=True)
class Act:
    """`page` and `key` name the page of the desk behind it: the `change` of a finding, or a `bulk`."""

    at: datetime
    who: str
    what: str
    said: str
    page: str
    key: int


def latest_acts(limit: int) -> list[Act]:
    """The last `limit` of what operators did, the latest first. Four statements, whatever the log holds."""
    batches = list(TriageBatch.objects.order_by("-pk")[:limit])
    of_one = [batch.pk for batch in batches if batch.findings == 1]
    moves: dict[int, list[DataQualityMove]] = {}
    for move in DataQualityMove.objects.filter(batch__in=of_one).select_related("finding").order_by("pk"):
        moves.setdefault(move.batch_id or 0, []).append(move)
    acts = [_of_one(moves[batch.pk]) if batch.pk in moves else _of_many(batch) for batch in batches]
    last = DataQualityMove.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    before = DataQualityMove.objects.filter(pk__gt=last - MOVES_LOOKED_THROUGH, batch=None).exclude(moved_by=SYSTEM)
    acts += [_of_one([move]) for move in before.select_related("finding").order_by("-pk")[:limit]]
    return sorted(acts, key=lambda act: act.at, reverse=True)[:limit]


def batch_in_words(batch: TriageBatch) -> str:
    """162 findings given up; 3 findings assigned to ann; 162 findings of bulk 12 taken back."""
    return f"{count_of(batch.findings, 'finding')} {_done(batch)}"


def _done(batch: TriageBatch) -> str:
    if batch.act == TriageBatch.UNDO:
        return f"of bulk {batch.undoes_id} taken back" if batch.undoes_id else "taken back"
    if batch.act == TriageBatch.ASSIGN:
        return f"assigned to {batch.assignee or 'nobody'}"
    return DONE.get(batch.act, shown(batch.act))


def _of_one(moves: list[DataQualityMove]) -> Act:
    """OPEN to INVESTIGATING to RESOLVED: mended."""
    last = moves[-1]
    steps = [move for move in moves if move.assigned_to is None]
    said = " to ".join([steps[0].from_status, *(move.to_status for move in steps)]) if steps else ""
    handed = [move.what for move in moves if move.assigned_to is not None]
    note = next((move.note for move in reversed(moves) if move.note), "")
    said = ", ".join(filter(None, [said, *handed])) + (f": {note}" if note else "")
    return Act(last.moved_at, last.moved_by, str(last.finding), said, "change", last.finding_id)


def _of_many(batch: TriageBatch) -> Act:
    said = _done(batch) + (f": {batch.note}" if batch.note else "")
    return Act(batch.made_at, batch.made_by, count_of(batch.findings, "finding"), said, "bulk", batch.pk)
