"""Dismissing imports and taking that back; moves that are made only where an import stands as the page showed it."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.utils import timezone
from django_q.models import OrmQ

from imports.admin.actions import Shown, act
from imports.archive.seen import Seen
from imports.archive.transitions import ACTIONS, TransitionRefused
from imports.models import ImportCheckpoint, ImportStatus
from tests.imports.desk import CHANGELIST, as_shown, new_import, park, press, running, somebody, tick

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator():
    return somebody("Operators")


def failed(n: int = 1) -> ImportCheckpoint:
    return new_import(park(n), status="FAILED", last_error="the disk is full")


def said(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def shown(client) -> list[str]:
    """The imports of the list as it is filtered."""
    return re.findall(r"imp_[0-9a-f]{16}(?=</span>)", client)


# --- dismissing ---------------------------------------------------------------------------------------------------
def test_a_failed_import_is_dismissed_and_brought_back_with_who_and_why_in_its_history(operator):
    checkpoint = failed()
    press(operator, "dismiss", checkpoint, why="the bucket is gone for good")
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.dismissed_why) == (ImportStatus.FAILED, "the bucket is gone for good")
    page = operator.get(f"{CHANGELIST}{checkpoint.pk}/change/").content.decode()
    assert "dismissed by operators-" in page and "the disk is full" in page
    press(operator, "restore", checkpoint)
    checkpoint.refresh_from_db()
    assert (checkpoint.dismissed_at, checkpoint.dismissed_by) == (None, "")
    history = operator.get(f"{CHANGELIST}{checkpoint.pk}/history/").content.decode()
    assert "Dismiss: FAILED (0 of 31 files) → FAILED (0 of 31 files, dismissed)" in history
    assert "Reason: the bucket is gone for good" in history
    assert "Undo dismissal: FAILED (0 of 31 files, dismissed) → FAILED (0 of 31 files). It was dismissed by" in history


def test_a_retry_of_a_dismissed_import_clears_the_dismissal_and_says_so(operator):
    checkpoint = failed()
    press(operator, "dismiss", checkpoint, why="later")
    press(operator, "retry", checkpoint)
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.dismissed_at) == (ImportStatus.IN_PROGRESS, None)
    assert "It was dismissed by operators-" in LogEntry.objects.first().change_message


@pytest.mark.parametrize("name", [name for name, action in ACTIONS.items() if action.needs_reason])
def test_a_reason_is_demanded_on_the_server_too_and_has_an_end(operator, name):
    checkpoint = running(new_import(park())) if name == "cancel" else failed()
    before = checkpoint.seen()
    for why, says in (("", "say why"), ("   ", "say why"), ("x" * 201, "201 characters, and 200 are kept")):
        assert any(says in each for each in said(press(operator, name, checkpoint, why=why)))
        assert any(says in each for each in said(tick(operator, name, checkpoint, why=why)))
        with pytest.raises(TransitionRefused, match=says):
            act(name, checkpoint, User.objects.first(), why)
    checkpoint.refresh_from_db()
    assert (checkpoint.seen(), LogEntry.objects.count()) == (before, 0)


def test_what_is_dismissed_stays_in_the_list_and_has_a_filter(operator):
    open_one, dismissed, covered = failed(1), failed(2), failed(3)
    cover = new_import(covered.park, status="COMPLETED")
    dismissed.dismiss("anna", "known")
    ids = {each.import_id for each in (open_one, dismissed, covered, cover)}
    listed = operator.get(CHANGELIST).content.decode()
    assert set(shown(listed)) == ids
    assert f'covered by <a href="{CHANGELIST}{cover.pk}/change/">{cover.import_id}</a>' in listed
    for show, only in {"attention": open_one, "dismissed": dismissed, "covered": covered}.items():
        assert shown(operator.get(f"{CHANGELIST}?show={show}").content.decode()) == [only.import_id], show


def test_what_is_covered_can_be_dismissed_also_where_it_is_paused(operator):
    checkpoint = new_import(park(), status="PAUSED")
    page = f"{CHANGELIST}{checkpoint.pk}/change/"
    assert 'value="dismiss"' not in operator.get(page).content.decode()
    cover = new_import(checkpoint.park, status="COMPLETED")
    text = operator.get(page).content.decode()
    assert 'value="dismiss"' in text and f"{cover.import_id}</a>" in text
    press(operator, "dismiss", checkpoint, why="another has it")
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.dismissed_at is not None) == (ImportStatus.PAUSED, True)


# --- compare and set ----------------------------------------------------------------------------------------------
def test_a_resume_of_what_another_has_just_cancelled_is_refused_and_says_by_whom(operator):
    checkpoint = new_import(park(), status="PAUSED")
    page_of_before = as_shown(checkpoint)
    other = User.objects.create_user("bob", is_staff=True)
    act("cancel", checkpoint, other, "wrong archive")
    for move in ("resume", "pause", "dismiss"):
        response = press(operator, move, checkpoint, why="x", **page_of_before)
        (refused,) = said(response)
        assert "has changed since the page was made, which showed PAUSED. Meanwhile: bob," in refused
        assert "Reason: wrong archive" in refused
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.dismissed_by, OrmQ.objects.count()) == (ImportStatus.FAILED, "bob", 0)


def test_what_a_worker_changed_meanwhile_is_said_too(operator):
    checkpoint = running(new_import(park()))
    page_of_before = as_shown(checkpoint)
    checkpoint.fail("the disk is full")
    (refused,) = said(press(operator, "pause", checkpoint, **page_of_before))
    assert "which showed IN_PROGRESS. Meanwhile: it is FAILED (0 of 31 files) now: the disk is full" in refused


def test_the_next_slice_of_a_worker_is_no_change_to_be_told(operator):
    checkpoint = running(new_import(park()))
    page_of_before = as_shown(checkpoint)
    checkpoint.put_back()
    running(ImportCheckpoint.objects.get())
    press(operator, "pause", checkpoint, **page_of_before)
    checkpoint.refresh_from_db()
    assert checkpoint.status == ImportStatus.PAUSED


def test_one_that_failed_once_more_since_is_not_retried_unseen(operator):
    checkpoint = failed()
    page_of_before = as_shown(checkpoint)
    checkpoint.claim("host/1/1/0")
    checkpoint.fail("another reason")
    (refused,) = said(press(operator, "retry", checkpoint, **page_of_before))
    assert "another reason" in refused


@pytest.mark.parametrize("sent", ["", "nonsense", "PAUSED.x.0.0.0", "PAUSED.0.0.0.9999999999999999999"])
def test_a_page_that_does_not_say_what_it_showed_moves_nothing(operator, sent):
    checkpoint = new_import(park(), status="PAUSED")
    (refused,) = said(press(operator, "resume", checkpoint, **{f"shown-{checkpoint.pk}": sent}))
    assert "the page did not say how the import stood" in refused
    checkpoint.refresh_from_db()
    assert checkpoint.status == ImportStatus.PAUSED


def test_a_change_between_the_look_and_the_statement_is_found_by_the_statement():
    checkpoint = new_import(park(), status="PAUSED")
    seen = checkpoint.seen()
    ImportCheckpoint.objects.get().cancel("bob", "wrong")
    for move in (
        lambda: checkpoint.queue(seen),
        lambda: checkpoint.pause("x", seen=seen),
        lambda: checkpoint.cancel("anna", "x", seen),
        lambda: checkpoint.dismiss("anna", "x", seen=seen),
        lambda: checkpoint.restore(seen),
    ):
        with pytest.raises(TransitionRefused):
            move()
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.dismissed_by) == (ImportStatus.FAILED, "bob")


def test_what_was_shown_comes_back_from_a_form_as_it_was():
    now = timezone.now()
    for seen in (Seen("PAUSED", 3, False, True), Seen("IN_PROGRESS", 0, True, False)):
        read = Shown.read(str(Shown(seen, now)))
        assert read.seen == seen and timedelta(0) <= now - read.at < timedelta(milliseconds=1)


# --- many at once -------------------------------------------------------------------------------------------------
def test_the_confirmation_of_many_acts_on_what_it_showed_and_says_what_is_left_out(operator):
    first, second, done, changed = running(new_import(park(1))), *(new_import(park(n)) for n in (2, 3, 4))
    running(second)
    running(changed)
    ImportCheckpoint.objects.filter(pk=done.pk).update(status="COMPLETED")
    list_of_before = as_shown(first, second, done, changed)
    changed.pause("pause by bob")
    response = tick(operator, "cancel", first, second, done, changed, **list_of_before)
    text = response.content.decode()
    assert f"{done.import_id} of Park 3 is COMPLETED" in text and f"{changed.import_id} of Park 4 has changed" in text
    confirmed = dict(re.findall(r'name="(shown-\d+)" value="([^"]+)"', text))
    assert set(confirmed) == {f"shown-{first.pk}", f"shown-{second.pk}"}
    second.refresh_from_db()
    second.pause("pause by bob")
    answers = said(tick(operator, "cancel", first, second, why="no longer wanted", **confirmed))
    assert any(f"{second.import_id} of Park 2 has changed" in each for each in answers)
    states = {each.pk: (each.status, each.dismissed_why) for each in ImportCheckpoint.objects.all()}
    assert states[first.pk] == ("FAILED", "no longer wanted")
    assert states[second.pk] == states[changed.pk] == ("PAUSED", "")


def test_one_that_no_longer_matches_the_filter_of_the_list_is_refused_and_not_passed_over(operator):
    checkpoint = running(new_import(park()))
    list_of_before = as_shown(checkpoint)
    checkpoint.complete()
    data = {"action": "pause", "_selected_action": checkpoint.pk} | list_of_before
    (refused,) = said(operator.post(f"{CHANGELIST}?show=running", data, follow=True))
    assert "has changed since the page was made" in refused


def test_only_what_the_list_shows_can_be_moved(operator):
    checkpoints = [failed(n) for n in (1, 2)]
    data = {"action": "retry", "select_across": "1", "_selected_action": checkpoints[0].pk}
    (refused,) = said(operator.post(CHANGELIST, data | as_shown(checkpoints[0]), follow=True))
    assert "1 of 2 imports were shown" in refused
    assert not OrmQ.objects.exists()
