"""Taking back what one click did, for one finding or for thousands: the moves of a batch backwards, each recorded.

A finding goes back only while it stands where the batch put it and nothing has happened since: its last move must be
the batch's. So what a check, another operator or a finding that came back has done meanwhile stays, and is said. What
took back is a batch as well, and can be taken back like any other: the findings stand as decided again.

Its author takes a batch back within AUTHORS_TIME, without a word. At any time whoever may triage can, and says why:
that is called reopening (docs/decisions/triage.md).
"""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max

from quality.models import MOVES_PER_STATEMENT, DataQualityLog, DataQualityMove, TriageBatch
from quality.states import SYSTEM, TO_DO, TransitionRefused, allowed, checked_length, in_parts

AUTHORS_TIME = timedelta(hours=1)


@dataclass(slots=True)
class TakenBack:
    """What became of the findings of a batch: how many went back, and of each other why it stays.

    `batch` is the one that holds the moves back; None: nothing went back.
    """

    count: int = 0
    left: list[str] = field(default_factory=list)
    batch: int | None = None


def is_authors(batch: TriageBatch, by: str, now: datetime) -> bool:
    """Whether `by` may take it back without saying why."""
    return batch.made_by == by and now - batch.made_at < AUTHORS_TIME


def take_back(
    batch: TriageBatch, *, by: str, now: datetime, note: str = "", only: Collection[int] | None = None
) -> TakenBack:
    """Take back a batch, or what it did to `only` these findings. TransitionRefused: a note is needed, or too long."""
    note = checked_length(note.strip(), by=by)
    if not note and not is_authors(batch, by, now):
        raise TransitionRefused(
            f"Say why: what {batch.made_by} did at {batch.made_at:%Y-%m-%d %H:%M} UTC is reopened with a note "
            f"(within an hour its author needs none)"
        )
    moves = batch.moves.order_by("move_id")
    if only is not None:
        moves = moves.filter(finding__in=only)
    verb = "taken back" if is_authors(batch, by, now) else "reopened"
    return _taken_back(list(moves), by=by, now=now, note=note, verb=verb, batch=batch, decided=_decided(batch))


def standing(batch: TriageBatch) -> int:
    """How many findings of a batch stand where it put them, nothing having happened since: so many would go back."""
    for which in ({"assigned_to": None}, {"assigned_to__isnull": False}):
        mine = set(batch.moves.filter(**which).values_list("finding", flat=True))
        last = _last(sorted(mine), **which)
        ids = sorted(last.values())
        of_batch = [
            finding
            for some in in_parts(ids)
            for finding in DataQualityMove.objects.filter(pk__in=some, batch=batch).values_list("finding", flat=True)
        ]
        if of_batch or mine:
            return len(of_batch)
    return 0


def undoable(row: DataQualityLog, by: str) -> DataQualityMove | None:
    """What `by` may take back of one finding, at any time: its last transition, if it is their own and stands."""
    last = row.moves.filter(assigned_to=None).order_by("-move_id").select_related("batch").first()
    stands = last is not None and last.to_status == row.resolution_status
    return last if stands and last.moved_by == by != SYSTEM else None


def reopenable(row: DataQualityLog, by: str) -> DataQualityMove | None:
    """Another's last transition of one finding, which whoever may triage can take back with a note."""
    last = row.moves.filter(assigned_to=None).order_by("-move_id").select_related("batch").first()
    decided = last is not None and last.to_status == row.resolution_status and row.resolution_status not in TO_DO
    return last if decided and last.moved_by not in (by, SYSTEM) else None


def take_back_one(row: DataQualityLog, *, by: str, now: datetime, note: str = "", shown: int | None = None) -> None:
    """Take back the last transition of one finding, or reopen it with a note; refreshes it.

    `shown` is the id of the move that the operator saw as the last one. TransitionRefused: it is not the last any more,
    it is not one's own and no note was given, the system made it, or nothing can be taken back.
    """
    row.refresh_from_db()
    note = checked_length(note.strip(), by=by)
    own = undoable(row, by)
    last = own or (reopenable(row, by) if by != SYSTEM else None)
    if last is None:
        raise TransitionRefused(
            f"Finding {row.pk} cannot be taken back by {by}: only what an operator did last can, as long as nothing "
            f"happened since. It is {row.resolution_status}{allowed(row.resolution_status)}"
        )
    if shown is not None and last.pk != shown:
        raise TransitionRefused(
            f"Finding {row.pk} has been moved since this page was shown: it is {row.resolution_status}, by "
            f"{last.moved_by}. Look at it again"
        )
    if own is None and not note:
        raise TransitionRefused(f"Say why: to reopen what {last.moved_by} decided takes a note")
    moves = [last]
    if last.batch_id:
        moves = list(DataQualityMove.objects.filter(finding=row, batch=last.batch_id).order_by("move_id"))
    verb = "taken back" if own else "reopened"
    decided = _decided(last.batch) if last.batch else ""
    done = _taken_back(moves, by=by, now=now, note=note, verb=verb, batch=last.batch, decided=decided)
    row.refresh_from_db()
    if not done.count:
        raise TransitionRefused(done.left[0])


@transaction.atomic
def _taken_back(
    moves: list[DataQualityMove],
    *,
    by: str,
    now: datetime,
    note: str,
    verb: str,
    batch: TriageBatch | None,
    decided: str,
) -> TakenBack:
    """`decided` is the note of the decision that stands again, where an undo is taken back."""
    steps: dict[int, list[DataQualityMove]] = defaultdict(list)
    handed: dict[int, DataQualityMove] = {}
    for move in moves:
        if move.assigned_to is None:
            steps[move.finding_id].append(move)
        else:
            handed[move.finding_id] = move
    ids = sorted(steps.keys() | handed.keys())
    found = DataQualityLog.locked(ids, "resolution_status", "assignee")
    last_moves = _last(ids, assigned_to=None)
    last_handed = _last(list(handed), assigned_to__isnull=False)
    done = TakenBack()
    back: dict[int, list[DataQualityMove]] = {}
    given: dict[int, DataQualityMove] = {}
    for pk in ids:
        status, assignee = found[pk]
        mine, hand = steps.get(pk), handed.get(pk)
        if mine and last_moves[pk] == mine[-1].pk and status == mine[-1].to_status:
            back[pk] = mine[::-1]
        elif mine:
            done.left.append(f"Finding {pk} has been moved since and stays {status}")
            continue
        if hand and last_handed[pk] == hand.pk and assignee == hand.assigned_to:
            given[pk] = hand
        elif hand and not mine:
            done.left.append(f"Finding {pk} has been assigned anew since and stays with {assignee or 'nobody'}")
    done.count = len(back.keys() | given.keys())
    undo = TriageBatch.begun(TriageBatch.UNDO, by=by, now=now, note=note, findings=done.count, undoes=batch)
    why = note or _note_of(moves)
    said = f"{verb}: {why}" if why else verb
    new: list[DataQualityMove] = []
    by_end: dict[tuple[str, str], list[int]] = defaultdict(list)
    for depth in range(max(map(len, back.values()), default=0)):
        for pk, mine in back.items():
            if depth < len(mine):
                move = mine[depth]
                status = found[pk][0] if depth == 0 else mine[depth - 1].from_status
                ends = depth == len(mine) - 1
                new.append(_back(move, undo, by, now, status, move.from_status, said if ends else ""))
                if ends:
                    by_end[(found[pk][0], move.from_status)].append(pk)
    by_assignee: dict[tuple[str, str], list[int]] = defaultdict(list)
    for pk, hand in given.items():
        end = back[pk][-1].from_status if pk in back else found[pk][0]
        one = _back(hand, undo, by, now, end, end, said)
        one.assigned_from, one.assigned_to = hand.assigned_to, hand.assigned_from
        new.append(one)
        by_assignee[(hand.assigned_to or "", hand.assigned_from or "")].append(pk)
    for (before, after), pks in by_end.items():
        changes = {"resolution_status": after, "resolution_note": "" if after in TO_DO else decided}
        for some in in_parts(pks):
            DataQualityLog.objects.filter(pk__in=some, resolution_status=before).update(**changes)
    for (before, after), pks in by_assignee.items():
        for some in in_parts(pks):
            DataQualityLog.objects.filter(pk__in=some, assignee=before).update(assignee=after)
    DataQualityMove.objects.bulk_create(new, batch_size=MOVES_PER_STATEMENT)
    done.batch = undo.pk if undo else None
    return done


def _back(
    move: DataQualityMove, undo: TriageBatch | None, by: str, now: datetime, before: str, after: str, said: str
) -> DataQualityMove:
    return DataQualityMove(
        finding_id=move.finding_id,
        moved_at=now,
        moved_by=by,
        from_status=before,
        to_status=after,
        note=said,
        undoes=move,
        batch=undo,
    )


def _last(ids: list[int], **which) -> dict[int, int]:
    """The last move of each finding. The rows of the findings are locked by now, so no other is written."""
    found: dict[int, int] = {}
    for some in in_parts(ids):
        rows = DataQualityMove.objects.filter(finding__in=some, **which).order_by().values_list("finding")
        found |= dict(rows.annotate(Max("move_id")))
    return found


def _decided(batch: TriageBatch) -> str:
    """The note of the decision that a batch or, where it is an undo, the one at its root took."""
    while batch.act == TriageBatch.UNDO and batch.undoes is not None:
        batch = batch.undoes
    return batch.note


def _note_of(moves: list[DataQualityMove]) -> str:
    """The note of what is taken back, without the words of earlier undos."""
    return next((move.note for move in reversed(moves) if move.note and not move.undoes_id), "")
