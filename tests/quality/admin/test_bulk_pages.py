"""Many findings at once: what was shown is moved and nothing else, and what one click did is taken back by another."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from quality.admin import bulk_pages
from quality.admin.shown import NotShown, Shown
from quality.log import record
from quality.models import DataQualityLog, DataQualityMove, ResolutionStatus, TriageBatch
from tests.quality.admin.desk import LIST, MANY, NOW, act, confirm, finding, rows, statuses, text_of, user
from tests.quality.triage import bring
from warehouse.models import Park

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus

pytestmark = pytest.mark.django_db


def ask(client, query: str = ""):
    """The confirmation for all that a filter finds."""
    return client.get(f"{MANY}{query}")


def bulk_of(page) -> str:
    """The address behind Take back, in the message of a page."""
    return re.search(r'<a href="([^"]+)">Take back</a>', page.content.decode())[1]


# --- the confirmation -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("action", "target"), [("investigate", INVESTIGATING), ("resolve", RESOLVED), ("give_up", WONTFIX)]
)
def test_the_chosen_are_shown_and_a_note_is_asked_for_before_they_move(desk, action, target):
    chosen = rows(finding(1), finding(2), finding(3))[:2]
    asked = act(desk, action, chosen)
    assert ": 2 findings" in text_of(asked), "in the title"
    assert "Note, for 2 findings" in text_of(asked)
    assert "Issue number 1 Open" in text_of(asked)
    assert "Issue number 3" not in text_of(asked)
    assert statuses() == [OPEN] * 3
    if target != INVESTIGATING:
        assert "Say why: to" in text_of(confirm(desk, asked, target, " "))
        assert statuses() == [OPEN] * 3
    page = text_of(confirm(desk, asked, target, "looked at both"))
    assert f"2 findings are {bulk_pages.VERBS[target][1]}" in page
    assert statuses() == [target, target, OPEN]
    assert set(DataQualityLog.objects.values_list("resolution_note", flat=True)) == {"looked at both", ""}
    moves = [INVESTIGATING] if target == INVESTIGATING else [INVESTIGATING, target]
    assert [move.to_status for move in chosen[0].moves.all()] == moves
    assert set(DataQualityMove.objects.values_list("moved_by", "batch")) == {("ann", TriageBatch.objects.get().pk)}


def test_a_note_is_demanded_by_the_server_whatever_the_form_says(desk):
    asked = ask(desk) if rows(finding(1)) else None
    for note in ("", "  \n"):
        page = confirm(desk, asked, WONTFIX, note)
        assert "Say why: to give up a finding takes a note" in text_of(page)
    page = confirm(desk, asked, WONTFIX, "x" * 2001)
    assert "2,000 characters at most" in text_of(page)
    assert "x" * 2001 in page.content.decode(), "what was typed is not lost"
    assert statuses() == [OPEN]


def test_all_of_a_filter_is_moved_as_it_was_shown_and_what_came_meanwhile_is_said(desk):
    rows(*(finding(n, reason="frozen_wait") for n in range(5)), finding(9))
    asked = ask(desk, "?reason=frozen_wait")
    assert "Triage: 5 findings" in text_of(asked)
    record([finding(n, reason="frozen_wait") for n in range(20, 27)], NOW)
    page = text_of(confirm(desk, asked, WONTFIX, "it is so"))
    assert "5 findings are given up" in page
    assert "7 more findings fit by now, and came after the page was made: left alone" in page
    assert statuses() == [WONTFIX] * 5 + [OPEN] * 8


def test_what_others_and_the_system_moved_meanwhile_stays_and_is_said(desk):
    chosen = rows(*(finding(n) for n in range(1, 5)))
    asked = ask(desk)
    bring(chosen[0], INVESTIGATING, by="ben", now=NOW)
    chosen[1].resolve_by_system("Filled", now=NOW)
    page = text_of(confirm(desk, asked, RESOLVED, "imported again"))
    assert "2 findings are resolved" in page
    for row, status in ((chosen[0], INVESTIGATING), (chosen[1], RESOLVED)):
        assert f"Finding {row.pk} was OPEN when it was shown and is {status} now: left alone" in page
    assert statuses() == [INVESTIGATING, RESOLVED, RESOLVED, RESOLVED]
    assert chosen[1].moves.last().moved_by == ""


def test_all_that_a_list_shows_can_be_chosen(desk):
    rows(*(finding(n) for n in range(1, 121)))
    first = DataQualityLog.objects.order_by("pk")[:1]
    asked = act(desk, "give_up", first, "?from=2025-03-11", select_across="1")
    assert "Won&#x27;t fix: 111 findings" in text_of(asked)
    assert "and 91 more" in text_of(asked)
    confirm(desk, asked, WONTFIX, "old")
    assert statuses().count(WONTFIX) == 111
    assert statuses().count(OPEN) == 9


def test_what_cannot_go_there_is_said_before_and_stays(desk):
    chosen = rows(finding(1), finding(2))
    bring(chosen[1], RESOLVED, by="ben", now=NOW, note="done")
    asked = act(desk, "give_up", chosen, "?status=all")
    assert "1 of them will be refused: only OPEN or INVESTIGATING can become WONTFIX." in text_of(asked)
    page = text_of(confirm(desk, asked, WONTFIX, "so it is"))
    assert "The finding is given up" in page
    assert f"Finding {chosen[1].pk} is RESOLVED and cannot become WONTFIX; it is done" in page
    assert statuses() == [WONTFIX, RESOLVED]


def test_a_field_that_this_server_did_not_write_moves_nothing(desk):
    rows(finding(1))
    asked = ask(desk)
    page = confirm(desk, asked, WONTFIX, "old", shown="forged")
    assert "Nothing was moved: choose the findings once more" in text_of(page)
    assert statuses() == [OPEN]


def test_too_many_at_once_are_refused_with_what_to_do(desk, monkeypatch):
    monkeypatch.setattr(bulk_pages, "MOVED_AT_ONCE_MAX", 3)
    rows(*(finding(n) for n in range(1, 6)))
    page = desk.get(MANY, follow=True)
    assert "At most 3 findings are moved at once: filter the list first" in text_of(page)


def test_nothing_that_fits_any_more_is_said(desk):
    assert "No finding fits any more" in text_of(desk.get(f"{MANY}?q=nothing", follow=True))
    assert desk.get(f"{MANY}?nonsense=1").url.endswith("?e=1")


def test_after_it_the_same_list_is_shown_again(desk):
    rows(finding(1), finding(2, reason="frozen_wait"))
    asked = ask(desk, "?reason=frozen_wait&park=none&back=%3Fview%3Dgroups%26q%3DIssue")
    page = confirm(desk, asked, WONTFIX, "old")
    assert page.redirect_chain == [(f"{LIST}?view=groups&q=Issue", 302)]
    elsewhere = ask(desk, "?back=https%3A%2F%2Fexample.org")
    assert "example.org" not in elsewhere.content.decode().split("q-buttons")[1]


def test_many_are_assigned_alone_or_with_a_move(desk, django_user_model):
    user(django_user_model, "ben", "view_dataqualitylog", "triage_dataqualitylog")
    chosen = rows(finding(1), finding(2))
    page = text_of(confirm(desk, act(desk, "assign", chosen), "ASSIGN", assignee="ben"))
    assert "2 findings are assigned to ben" in page
    assert "Issue number 1" in text_of(desk.get(f"{LIST}?assignee=ben"))
    assert "Issue number" not in text_of(desk.get(f"{LIST}?assignee=me"))
    page = text_of(confirm(desk, ask(desk), INVESTIGATING, assignee="ann"))
    assert "2 findings are being investigated" in page
    assert set(DataQualityLog.objects.values_list("assignee", "resolution_status")) == {("ann", INVESTIGATING)}
    assert "Issue number 1" in text_of(desk.get(f"{LIST}?assignee=me"))
    page = text_of(confirm(desk, ask(desk), "ASSIGN", assignee="-"))
    assert "2 findings are assigned to nobody" in page
    assert "Choose to whom" in text_of(confirm(desk, ask(desk), "ASSIGN"))
    assert "and vic may not" in text_of(confirm(desk, ask(desk), "ASSIGN", assignee="vic"))


def test_whoever_may_only_look_moves_nothing(client, django_user_model, desk, ann):
    rows(finding(1))
    asked = ask(desk)
    confirm(desk, asked, WONTFIX, "old")
    bulk = f"{LIST}bulk/{TriageBatch.objects.get().pk}/"
    client.force_login(user(django_user_model, "vic", "view_dataqualitylog"))
    assert client.get(MANY).status_code == 403
    assert confirm(client, asked, WONTFIX, "old").status_code == 403
    assert "Take back" not in text_of(client.get(bulk))
    assert client.post(bulk).status_code == 403
    assert statuses() == [WONTFIX]


def test_thousands_are_moved_and_taken_back_in_few_statements(desk):
    count = 5_100  # more than are written by one statement, of ids (5,000) and of moves (2,000)
    park = Park.objects.create(park_name="Lakeside", themeparks_wiki_id="p")
    DataQualityLog.objects.bulk_create(
        DataQualityLog(
            issue_type="GAP", reason="silent_hours", entity_type="park", entity_id=park.pk, entity_key="p", park=park,
            timestamp_start=NOW, description=f"Issue {n}", created_at=NOW, last_seen_at=NOW, fingerprint=f"{n}",
        )
        for n in range(count)
    )  # fmt: skip
    asked = ask(desk, f"?park={park.pk}")
    assert len(asked.content) < 30_000
    with CaptureQueriesContext(connection) as queries:
        page = confirm(desk, asked, RESOLVED, "imported again")
    assert "5,100 findings are resolved" in text_of(page)
    assert len(queries) < 50
    with CaptureQueriesContext(connection) as queries:
        page = desk.post(bulk_of(page), follow=True)
    assert "Taken back: 5,100 findings stand where they stood before" in text_of(page)
    assert len(queries) < 60
    assert set(statuses()) == {OPEN}


# --- taking back ------------------------------------------------------------------------------------------------------
def test_a_bulk_is_taken_back_by_one_click_and_that_by_another(desk):
    rows(*(finding(n) for n in range(3)))
    bulk = bulk_of(confirm(desk, ask(desk), WONTFIX, "old"))
    page = text_of(desk.get(bulk))
    assert "3 findings given up" in page
    assert "Stand so still 3 of 3" in page
    assert "Take back 3 findings" in page
    record([finding(0)], NOW)
    page = desk.post(bulk, follow=True)
    assert "Taken back: 3 findings stand where they stood before" in text_of(page)
    assert statuses() == [OPEN] * 3
    again = page.redirect_chain[0][0]
    assert "3 findings of bulk" in text_of(page)
    page = desk.post(again, follow=True)
    assert statuses() == [WONTFIX] * 3
    assert "ann" in text_of(desk.get(bulk))
    assert "Nothing was taken back" in text_of(desk.post(bulk, follow=True))


def test_what_was_not_taken_back_is_said(desk):
    chosen = rows(*(finding(n) for n in range(1, 4)))
    page = confirm(desk, ask(desk), RESOLVED, "done")
    record([finding(1)], NOW)  # it came back
    page = text_of(desk.post(bulk_of(page), follow=True))
    assert "Taken back: 2 findings stand where they stood before" in page
    assert f"Finding {chosen[0].pk} has been moved since and stays OPEN" in page


def test_another_reopens_a_bulk_with_a_word_and_so_does_its_author_after_an_hour(desk, client, django_user_model):
    rows(finding(1), finding(2))
    bulk = bulk_of(confirm(desk, ask(desk), WONTFIX, "old"))
    TriageBatch.objects.update(made_at=timezone.now() - timedelta(minutes=61))
    assert "Why is it reopened?" in text_of(desk.get(bulk))
    assert "Say why: what ann did" in text_of(desk.post(bulk, {"note": " "}, follow=True))
    client.force_login(user(django_user_model, "ben", "view_dataqualitylog", "triage_dataqualitylog"))
    assert "Reopen 2 findings" in text_of(client.get(bulk))
    page = text_of(client.post(bulk, {"note": "they matter"}, follow=True))
    assert "Taken back: 2 findings stand" in page
    assert statuses() == [OPEN] * 2
    assert DataQualityMove.objects.last().said == "INVESTIGATING to OPEN: reopened: they matter"


def test_a_bulk_that_does_not_exist_is_said(desk):
    assert desk.get(f"{LIST}bulk/4711/").status_code == 404


# --- what was shown ---------------------------------------------------------------------------------------------------
def test_what_is_shown_comes_back_as_it_was():
    held = {pk: (OPEN if pk % 3 else INVESTIGATING, "" if pk % 5 else "ann") for pk in range(7, 90_000, 2)}
    packed = Shown(held, by_filter=True).packed()
    assert Shown.unpacked(packed) == Shown(held, by_filter=True)
    assert len(packed) < 20_000
    for text in ("", "x", packed[:-1], packed[1:]):
        with pytest.raises(NotShown):
            Shown.unpacked(text)
