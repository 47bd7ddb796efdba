"""The states of a finding: which moves are legal, what they leave behind, and how one is taken back."""

from datetime import UTC, datetime, timedelta

import pytest

from quality.findings import Finding
from quality.log import record
from quality.models import SYSTEM, TO_DO, DataQualityLog, ResolutionStatus, TransitionRefused, to_do_by_kind
from tests.quality.triage import bring

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
WAY_TO = {OPEN: [], INVESTIGATING: [INVESTIGATING], RESOLVED: [INVESTIGATING, RESOLVED], WONTFIX: [WONTFIX]}

pytestmark = pytest.mark.django_db


def finding(scope: str = "a", reason: str = "unknown_status") -> Finding:
    return Finding(reason, "destination", "d", scope, f"Something about {scope}", NOW)


def row_in(status: str, scope: str = "a", **changes) -> DataQualityLog:
    """A finding that an operator brought to `status`."""
    record([finding(scope, **changes)], NOW)
    row = DataQualityLog.objects.latest("pk")
    for target in WAY_TO[status]:
        bring(row, target, by="ann", now=NOW, note="because")
    return row


@pytest.mark.parametrize("status", ResolutionStatus.values)
@pytest.mark.parametrize("target", ResolutionStatus.values)
def test_an_operator_moves_along_the_diagram_and_nowhere_else(status, target):
    legal = {(OPEN, INVESTIGATING), (INVESTIGATING, RESOLVED), (OPEN, WONTFIX), (INVESTIGATING, WONTFIX)}
    row = row_in(status)
    moves = row.moves.count()
    if (status, target) in legal:
        bring(row, target, by="ben", now=NOW, note="looked at it")
        last = row.moves.last()
        assert row.resolution_status == target
        assert (last.moved_by, last.from_status, last.to_status, last.note) == ("ben", status, target, "looked at it")
    else:
        with pytest.raises(TransitionRefused):
            bring(row, target, by="ben", now=NOW, note="looked at it")
        row.refresh_from_db()
        assert row.resolution_status == status
        assert row.moves.count() == moves


def test_a_refusal_names_the_moves_that_are_allowed():
    row = row_in(OPEN)
    with pytest.raises(TransitionRefused, match=f"Finding {row.pk} is OPEN and cannot become RESOLVED; it may become"):
        bring(row, RESOLVED, by="ann", now=NOW, note="done")
    with pytest.raises(TransitionRefused, match="Nobody may set a finding to OPEN; INVESTIGATING is reached from OPEN"):
        bring(row_in(RESOLVED, "b"), OPEN, by="ann", now=NOW)


@pytest.mark.parametrize("target", [RESOLVED, WONTFIX])
@pytest.mark.parametrize("note", ["", "  \n"])
def test_resolving_and_giving_up_take_a_note(target, note):
    row = row_in(INVESTIGATING)
    with pytest.raises(TransitionRefused, match="takes a note"):
        bring(row, target, by="ann", now=NOW, note=note)
    row.refresh_from_db()
    assert row.resolution_status == INVESTIGATING


def test_of_two_operators_with_the_same_page_open_the_second_is_refused():
    row_in(INVESTIGATING)
    first, second = DataQualityLog.objects.get(), DataQualityLog.objects.get()
    bring(first, WONTFIX, by="ann", now=NOW, note="the park has none")
    with pytest.raises(TransitionRefused, match="is WONTFIX and cannot become RESOLVED; it is given up for good"):
        bring(second, RESOLVED, by="ben", now=NOW, note="imported again")
    assert DataQualityLog.objects.get().resolution_note == "the park has none"


def test_of_many_those_that_may_go_do_and_each_other_is_refused_with_the_reason():
    rows = [row_in(OPEN, "a"), row_in(RESOLVED, "b"), row_in(INVESTIGATING, "c")]
    triage = DataQualityLog.transition([*(row.pk for row in rows), 4711], WONTFIX, by="ann", now=NOW, note="old")
    assert triage.moved == {OPEN: [rows[0].pk], INVESTIGATING: [rows[2].pk]}
    assert triage.refused == [
        f"Finding {rows[1].pk} is RESOLVED and cannot become WONTFIX; "
        "it is done, and the system opens it again when the same finding comes back",
        "Finding 4711 does not exist",
    ]


def test_moving_many_takes_the_same_number_of_queries_as_moving_one(django_assert_num_queries):
    rows = [row_in(OPEN, str(n)) for n in range(30)]
    for some in (rows[:1], rows[1:]):
        with django_assert_num_queries(5):  # savepoint, lock, UPDATE, INSERT, release
            DataQualityLog.transition([row.pk for row in some], INVESTIGATING, by="ann", now=NOW)


# --- the system -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", TO_DO)
def test_the_system_resolves_through_the_same_states(status):
    row = row_in(status)
    assert row.resolve_by_system("Filled: the day was imported.", now=NOW)
    assert row.resolution_status == RESOLVED
    assert [move.to_status for move in row.moves.all()] == [INVESTIGATING, RESOLVED]
    assert row.moves.last().moved_by == SYSTEM
    assert row.resolution_note == "Filled: the day was imported."


@pytest.mark.parametrize("status", [RESOLVED, WONTFIX])
def test_the_system_resolves_nothing_that_an_operator_decided(status):
    row = row_in(status)
    assert not row.resolve_by_system("Gone", now=NOW)
    assert (row.resolution_status, row.resolution_note) == (status, "because")


# --- undo -------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("status", "before"), [(RESOLVED, INVESTIGATING), (WONTFIX, OPEN), (INVESTIGATING, OPEN)])
def test_ones_own_last_move_can_be_taken_back_and_both_are_in_the_history(status, before):
    row = row_in(status)
    mistake = row.moves.last()
    row.undo(by="ann", now=NOW + timedelta(minutes=1))
    assert (row.resolution_status, row.resolution_note) == (before, "")
    undo = row.moves.last()
    assert (undo.undoes, undo.from_status, undo.to_status) == (mistake, status, before)
    assert undo.note == "taken back: because"


def test_an_undo_never_leads_from_resolved_to_open():
    assert DataQualityLog.TRANSITIONS[RESOLVED] == {INVESTIGATING}
    row = row_in(RESOLVED)
    row.undo(by="ann", now=NOW)
    assert row.resolution_status == INVESTIGATING


def test_nobody_takes_back_what_another_did():
    row = row_in(RESOLVED)
    with pytest.raises(TransitionRefused, match="only one's own last transition"):
        row.undo(by="ben", now=NOW)


def test_nobody_takes_back_what_the_system_did():
    row = row_in(OPEN)
    row.resolve_by_system("Filled", now=NOW)
    for name in ("ann", SYSTEM):
        with pytest.raises(TransitionRefused):
            row.undo(by=name, now=NOW)


def test_a_move_cannot_be_taken_back_once_something_happened_since():
    row = row_in(RESOLVED)
    record([finding()], NOW)  # the finding came back: open again
    row.refresh_from_db()
    assert row.resolution_status == OPEN
    with pytest.raises(TransitionRefused):
        row.undo(by="ann", now=NOW)


def test_an_undo_is_not_taken_back():
    row = row_in(RESOLVED)
    row.undo(by="ann", now=NOW)
    with pytest.raises(TransitionRefused):
        row.undo(by="ann", now=NOW)


def test_after_an_undo_the_record_goes_on_along_the_diagram():
    row = row_in(RESOLVED)
    row.undo(by="ann", now=NOW)
    bring(row, WONTFIX, by="ann", now=NOW, note="the source never had it")
    assert row.resolution_status == WONTFIX


def test_what_is_to_do_is_counted_by_kind():
    row_in(OPEN, "a", reason="missing_days")
    row_in(INVESTIGATING, "b", reason="missing_days")
    row_in(RESOLVED, "c", reason="missing_days")
    row_in(OPEN, "d")
    assert to_do_by_kind() == {"GAP": 2, "DUPLICATE": 0, "INVALID": 1, "MISSING_FIELD": 0}
