"""What one click did is taken back as a whole: what still stands goes back, what does not stays and is said."""

from datetime import UTC, datetime, timedelta

import pytest

from quality.log import record
from quality.models import SYSTEM, DataQualityLog, DataQualityMove, ResolutionStatus, TransitionRefused, TriageBatch
from quality.taking_back import reopenable, take_back, take_back_one, undoable
from tests.quality.test_models import finding, row_in
from tests.quality.triage import bring

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
SOON = NOW + timedelta(minutes=59)
LATER = NOW + timedelta(hours=1)

pytestmark = pytest.mark.django_db


def moved(rows: list[DataQualityLog], target: str, note: str = "because", **values) -> TriageBatch:
    ids = [row.pk for row in rows]
    triage = DataQualityLog.transition(ids, target, by="ann", now=NOW, note=note, **values)
    return TriageBatch.objects.get(pk=triage.batch)


def stand(rows: list[DataQualityLog]) -> list[tuple[str, str]]:
    for row in rows:
        row.refresh_from_db()
    return [(row.resolution_status, row.resolution_note) for row in rows]


def ways(row: DataQualityLog) -> list[str]:
    return [move.what for move in row.moves.all()]


@pytest.mark.parametrize("target", [RESOLVED, WONTFIX])
def test_a_bulk_goes_back_to_where_each_finding_stood_by_the_states_it_came_through(target):
    rows = [row_in(OPEN, "a"), row_in(INVESTIGATING, "b")]
    batch = moved(rows, target)
    assert (batch.findings, batch.made_by, batch.act, batch.note) == (2, "ann", target, "because")
    done = take_back(batch, by="ann", now=SOON)
    assert (done.count, done.left) == (2, [])
    assert stand(rows) == [(OPEN, ""), (INVESTIGATING, "")]
    assert ways(rows[0]) == [
        "OPEN to INVESTIGATING",
        f"INVESTIGATING to {target}",
        f"{target} to INVESTIGATING",
        "INVESTIGATING to OPEN",
    ]
    first, second, back, further = rows[0].moves.all()
    assert (back.undoes, further.undoes) == (second, first)
    assert {back.batch_id, further.batch_id} == {done.batch}
    assert further.note == "taken back: because"
    assert TriageBatch.objects.get(pk=done.batch).undoes == batch


def test_the_undo_is_taken_back_in_the_same_way_and_the_decision_stands_again():
    rows = [row_in(OPEN, "a"), row_in(INVESTIGATING, "b")]
    batch = moved(rows, RESOLVED)
    for n in range(4):
        done = take_back(batch, by="ann", now=NOW)
        assert done.count == 2
        expected = [(RESOLVED, "because")] * 2 if n % 2 else [(OPEN, ""), (INVESTIGATING, "")]
        assert stand(rows) == expected
        batch = TriageBatch.objects.get(pk=done.batch)
    assert ways(rows[0])[2:6] == [
        "RESOLVED to INVESTIGATING",
        "INVESTIGATING to OPEN",
        "OPEN to INVESTIGATING",
        "INVESTIGATING to RESOLVED",
    ]
    assert rows[0].moves.count() == 10


def test_a_bulk_is_taken_back_once():
    rows = [row_in(OPEN, "a")]
    batch = moved(rows, WONTFIX)
    take_back(batch, by="ann", now=NOW)
    done = take_back(batch, by="ann", now=NOW)
    assert (done.count, done.batch) == (0, None)
    assert done.left == [f"Finding {rows[0].pk} has been moved since and stays OPEN"]
    assert TriageBatch.objects.count() == 2


def test_only_what_still_stands_where_the_bulk_put_it_goes_back():
    names = "abcd"
    rows = [row_in(OPEN, name) for name in names]
    batch = moved(rows, RESOLVED)
    record([finding("a")], NOW)  # it came back: open again
    record([finding("b")], NOW)
    bring(rows[1], RESOLVED, by="ben", now=NOW, note="mended")  # it stands where the bulk put it, by another's decision
    take_back_one(rows[2], by="ann", now=NOW)
    done = take_back(batch, by="ann", now=SOON)
    assert done.count == 1
    assert done.left == [
        f"Finding {rows[0].pk} has been moved since and stays OPEN",
        f"Finding {rows[1].pk} has been moved since and stays RESOLVED",
        f"Finding {rows[2].pk} has been moved since and stays OPEN",
    ]
    assert [status for status, _ in stand(rows)] == [OPEN, RESOLVED, OPEN, OPEN]


def test_its_author_needs_no_word_for_an_hour_and_everybody_else_and_later_does():
    batch = moved([row_in(OPEN, "a")], WONTFIX)
    for by, now in (("ben", NOW), ("ann", LATER)):
        with pytest.raises(TransitionRefused, match="Say why: what ann did at 2025-06-01 12:00 UTC is reopened with"):
            take_back(batch, by=by, now=now, note=" ")
    done = take_back(batch, by="ben", now=LATER, note="it is back")
    assert done.count == 1
    assert DataQualityMove.objects.last().note == "reopened: it is back"
    assert DataQualityMove.objects.last().moved_by == "ben"


def test_an_assignment_is_taken_back_to_whom_each_had_been_assigned():
    rows = [row_in(OPEN, "a"), row_in(OPEN, "b"), row_in(OPEN, "c")]
    DataQualityLog.assign([rows[0].pk], "carl", by="ann", now=NOW)
    batch = TriageBatch.objects.get(pk=DataQualityLog.assign([row.pk for row in rows], "ben", by="ann", now=NOW).batch)
    DataQualityLog.assign([rows[2].pk], "ann", by="ann", now=NOW)
    done = take_back(batch, by="ann", now=NOW)
    assert done.count == 2
    assert done.left == [f"Finding {rows[2].pk} has been assigned anew since and stays with ann"]
    stand(rows)
    assert [row.assignee for row in rows] == ["carl", "", "ann"]


def test_what_was_moved_and_handed_over_at_once_goes_back_with_its_assignee():
    rows = [row_in(OPEN, "a")]
    batch = moved(rows, INVESTIGATING, "", assign_to="ben")
    assert take_back(batch, by="ann", now=NOW).count == 1
    assert stand(rows) == [(OPEN, "")]
    assert rows[0].assignee == ""
    assert ways(rows[0])[-1] == "assigned to nobody (before: ben)"


def test_as_many_queries_for_many_as_for_one(django_assert_num_queries):
    rows = [row_in(OPEN, str(n)) for n in range(30)]
    for some in (rows[:1], rows[1:]):
        batch = moved(some, RESOLVED)
        # the moves, savepoint, lock, what came last, the batch, UPDATE, INSERT, release
        with django_assert_num_queries(8):
            take_back(batch, by="ann", now=NOW)


# --- one finding ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("status", "target", "before"),
    [
        (INVESTIGATING, RESOLVED, INVESTIGATING),
        (OPEN, RESOLVED, OPEN),
        (OPEN, WONTFIX, OPEN),
        (OPEN, INVESTIGATING, OPEN),
    ],
)
def test_ones_own_last_decision_can_be_taken_back_at_any_time(status, target, before):
    row = row_in(status)
    bring(row, target, by="ann", now=NOW, note="because")
    take_back_one(row, by="ann", now=LATER)
    assert (row.resolution_status, row.resolution_note) == (before, "")
    assert row.moves.last().note == "taken back: because"


def test_no_person_ever_leads_a_finding_from_resolved_to_open():
    row = row_in(OPEN)
    bring(row, RESOLVED, by="ann", now=NOW, note="because")
    take_back_one(row, by="ann", now=NOW)
    assert not row.moves.filter(from_status=RESOLVED, to_status=OPEN).exists()


def test_a_move_of_before_there_were_batches_is_taken_back_alone():
    row = row_in(OPEN)
    bring(row, WONTFIX, by="ann", now=NOW, note="because")
    row.moves.first().delete()
    DataQualityMove.objects.update(batch=None, from_status=OPEN)
    take_back_one(row, by="ann", now=NOW)
    assert row.resolution_status == OPEN


def test_what_another_decided_is_reopened_with_a_word():
    row = row_in(RESOLVED)
    assert undoable(row, "ben") is None
    assert reopenable(row, "ben") == row.moves.last()
    with pytest.raises(TransitionRefused, match="Say why: to reopen what ann decided takes a note"):
        take_back_one(row, by="ben", now=NOW)
    take_back_one(row, by="ben", now=NOW, note="it is not mended")
    assert row.resolution_status == INVESTIGATING
    assert row.moves.last().note == "reopened: it is not mended"


def test_nobody_takes_back_what_the_system_did():
    row = row_in(OPEN)
    row.resolve_by_system("Filled", now=NOW)
    for name in ("ann", SYSTEM):
        with pytest.raises(TransitionRefused, match="only what an operator did last"):
            take_back_one(row, by=name, now=NOW, note="no")


def test_a_move_cannot_be_taken_back_once_something_happened_since():
    row = row_in(RESOLVED)
    record([finding()], NOW)  # the finding came back: open again
    row.refresh_from_db()
    assert row.resolution_status == OPEN
    with pytest.raises(TransitionRefused):
        take_back_one(row, by="ann", now=NOW)


def test_an_assignment_since_is_no_decision_and_hinders_nothing():
    row = row_in(INVESTIGATING)
    DataQualityLog.assign([row.pk], "ben", by="ben", now=NOW)
    take_back_one(row, by="ann", now=NOW)
    assert (row.resolution_status, row.assignee) == (OPEN, "ben")


def test_only_the_move_that_the_page_showed_is_taken_back():
    row = row_in(INVESTIGATING)
    shown = undoable(row, "ann").pk
    bring(row, WONTFIX, by="ann", now=NOW, note="in another window")
    with pytest.raises(TransitionRefused, match="has been moved since this page was shown: it is WONTFIX, by ann"):
        take_back_one(row, by="ann", now=NOW, shown=shown)
    assert row.resolution_status == WONTFIX


def test_an_undo_of_one_is_taken_back_as_well():
    row = row_in(RESOLVED)
    take_back_one(row, by="ann", now=NOW)
    take_back_one(row, by="ann", now=NOW)
    assert (row.resolution_status, row.resolution_note) == (RESOLVED, "because")


def test_after_an_undo_the_record_goes_on_along_the_diagram():
    row = row_in(RESOLVED)
    take_back_one(row, by="ann", now=NOW)
    bring(row, WONTFIX, by="ann", now=NOW, note="the source never had it")
    assert row.resolution_status == WONTFIX
