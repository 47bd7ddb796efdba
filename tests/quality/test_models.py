"""The states of a finding: which moves are legal, what they leave behind, and how one is taken back."""

from datetime import UTC, datetime

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
    legal = {(OPEN, INVESTIGATING), (INVESTIGATING, RESOLVED), (INVESTIGATING, WONTFIX)}
    by_investigating = {(OPEN, RESOLVED), (OPEN, WONTFIX)}
    row = row_in(status)
    moves = row.moves.count()
    if (status, target) in legal | by_investigating:
        bring(row, target, by="ben", now=NOW, note="looked at it")
        assert row.resolution_status == target
        steps = [(status, target)] if (status, target) in legal else [(OPEN, INVESTIGATING), (INVESTIGATING, target)]
        made = list(row.moves.all())[moves:]
        assert [(move.from_status, move.to_status) for move in made] == steps
        assert {(move.moved_by, move.moved_at) for move in made} == {("ben", NOW)}
        assert made[-1].note == "looked at it"
    else:
        with pytest.raises(TransitionRefused):
            bring(row, target, by="ben", now=NOW, note="looked at it")
        row.refresh_from_db()
        assert row.resolution_status == status
        assert row.moves.count() == moves


def test_a_refusal_names_the_moves_that_are_allowed():
    row = row_in(INVESTIGATING)
    refusal = f"Finding {row.pk} is INVESTIGATING and cannot become INVESTIGATING; it may become RESOLVED or WONTFIX"
    with pytest.raises(TransitionRefused, match=refusal):
        bring(row, INVESTIGATING, by="ann", now=NOW)
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
    with pytest.raises(TransitionRefused, match="is WONTFIX and cannot become RESOLVED; it is given up"):
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
        with django_assert_num_queries(6):  # savepoint, lock, the batch, UPDATE, INSERT, release
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


def test_what_is_to_do_is_counted_by_kind():
    row_in(OPEN, "a", reason="missing_days")
    row_in(INVESTIGATING, "b", reason="missing_days")
    row_in(RESOLVED, "c", reason="missing_days")
    row_in(OPEN, "d")
    assert to_do_by_kind() == {"GAP": 2, "DUPLICATE": 0, "INVALID": 1, "MISSING_FIELD": 0}


# --- what the operator saw --------------------------------------------------------------------------------------------
def test_what_was_moved_since_it_was_shown_stays_and_is_said():
    rows = [row_in(OPEN, "a"), row_in(OPEN, "b")]
    shown = {row.pk: OPEN for row in rows}
    bring(rows[0], INVESTIGATING, by="ben", now=NOW)
    triage = DataQualityLog.transition(shown, WONTFIX, by="ann", now=NOW, note="old", shown=shown)
    assert triage.moved == {OPEN: [rows[1].pk]}
    assert triage.refused == [f"Finding {rows[0].pk} was OPEN when it was shown and is INVESTIGATING now: left alone"]
    assert DataQualityLog.objects.get(pk=rows[0].pk).resolution_status == INVESTIGATING


def test_a_note_that_is_too_long_is_refused():
    with pytest.raises(TransitionRefused, match="2,000 characters at most, this has 2,001"):
        bring(row_in(OPEN), WONTFIX, by="ann", now=NOW, note="x" * 2001)


# --- who sees to it ---------------------------------------------------------------------------------------------------
def test_findings_are_handed_over_and_the_history_says_from_whom_to_whom():
    row = row_in(OPEN)
    for to in ("ann", "ben", ""):
        assert DataQualityLog.assign([row.pk], to, by="ann", now=NOW).count == 1
    row.refresh_from_db()
    assert (row.assignee, row.resolution_status) == ("", OPEN)
    assert [move.what for move in row.moves.all()] == [
        "assigned to ann",
        "assigned to ben (before: ann)",
        "assigned to nobody (before: ben)",
    ]
    assert DataQualityLog.assign([row.pk], "", by="ann", now=NOW).batch is None, "nothing to do"


def test_only_what_is_to_do_is_handed_over_and_not_what_another_took_meanwhile():
    done, taken, free = row_in(WONTFIX, "a"), row_in(OPEN, "b"), row_in(OPEN, "c")
    shown = {taken.pk: (OPEN, ""), free.pk: (OPEN, ""), done.pk: (WONTFIX, "")}
    DataQualityLog.assign([taken.pk], "ben", by="ben", now=NOW)
    triage = DataQualityLog.assign(shown, "ann", by="ann", now=NOW, shown=shown)
    assert triage.moved == {OPEN: [free.pk]}
    assert triage.refused == [
        f"Finding {taken.pk} was OPEN, assigned to nobody when it was shown and is OPEN, assigned to ben now: "
        "left alone",
        f"Finding {done.pk} is WONTFIX: only what is to do is assigned",
    ]


def test_a_finding_that_is_seen_again_and_one_that_comes_back_keep_who_sees_to_them():
    rows = [row_in(OPEN, "a"), row_in(RESOLVED, "b")]
    DataQualityLog.objects.update(assignee="ben")
    record([finding("a"), finding("b")], NOW)
    for row, status in zip(rows, (OPEN, OPEN), strict=True):
        row.refresh_from_db()
        assert (row.assignee, row.resolution_status) == ("ben", status)


def test_what_is_moved_can_be_handed_over_with_it():
    row = row_in(OPEN)
    triage = DataQualityLog.transition([row.pk], INVESTIGATING, by="ann", now=NOW, assign_to="ben")
    row.refresh_from_db()
    assert (row.resolution_status, row.assignee) == (INVESTIGATING, "ben")
    assert [(move.what, move.batch_id) for move in row.moves.all()] == [
        ("OPEN to INVESTIGATING", triage.batch),
        ("assigned to ben", triage.batch),
    ]
