"""One finding's page: what it explains, who may move it and who may not, and where it leads."""

import re
from datetime import UTC, date, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse

from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from quality.grouping import FILES_SINGLE
from quality.log import record
from quality.models import DataQualityLog, DataQualityMove, ResolutionStatus
from tests.quality.admin.desk import LIST, NOW, ONE_BY_ONE, act, finding, rows, statuses, text_of, user
from tests.quality.triage import bring
from warehouse.models import Park, Ride

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus

pytestmark = pytest.mark.django_db


# --- one finding ------------------------------------------------------------------------------------------------------
def page_of(row: DataQualityLog) -> str:
    return f"{LIST}{row.pk}/change/"


def move(client, row: DataQualityLog, target: str, note: str = ""):
    return client.post(f"{LIST}{row.pk}/triage/", {"move": target, "note": note}, follow=True)


def test_a_finding_is_explained_with_its_raw_examples(desk):
    (row,) = rows(
        finding(1, reason="unknown_status", examples=[{"entityId": "e1", "value": "DELAYED"}, {"entityId": "e2"}])
    )
    text = text_of(desk.get(page_of(row)))
    assert "An event carries a status that is not known and was left out." in text
    assert re.search(r"entityId value e1 DELAYED e2", text)


@pytest.mark.parametrize(
    "columns",
    [
        "entityId eventTime name value",
        "entityId eventTime name stays left_out",
        "snapshot_id ride_id recorded_at status wait_time",
        "ride_id name themeparks_wiki_id",
        "id name value",
        "from to minutes",
        "last_status silent_from silent_to",
    ],
)
def test_examples_are_shown_in_the_order_they_were_written_in(desk, columns):
    """Which the server need not keep: MySQL sorts the keys of JSON by their length."""
    (row,) = rows(finding(1, examples=[dict.fromkeys(columns.split(), "x")]))
    assert f"Examples {columns} x x" in text_of(desk.get(page_of(row)))


@pytest.mark.parametrize(
    "examples",
    [[], ["bad zlib"], [None], [1, "a", {"k": [1]}], [{"a": {"b": "<script>alert(1)</script>"}}], [[1, 2]]],
)
def test_examples_of_any_shape_can_be_shown(desk, examples):
    (row,) = rows(finding(1, examples=examples))
    response = desk.get(page_of(row))
    assert response.status_code == 200
    assert "<script>alert" not in response.content.decode()


def test_a_finding_goes_from_open_to_resolved_and_who_did_it_is_in_its_history(desk):
    (row,) = rows(finding(1))
    assert "The finding is being investigated" in text_of(move(desk, row, INVESTIGATING))
    text = text_of(move(desk, row, RESOLVED, "imported again"))
    assert "The finding is resolved" in text
    assert "ann Open to Investigating" in text
    assert "ann Investigating to Resolved imported again" in text
    assert [(move.moved_by, move.finding_id, move.said) for move in DataQualityMove.objects.all()] == [
        ("ann", row.pk, "OPEN to INVESTIGATING"),
        ("ann", row.pk, "INVESTIGATING to RESOLVED: imported again"),
    ]
    assert not LogEntry.objects.exists()  # which would say the same once more
    history = text_of(desk.get(f"{LIST}{row.pk}/history/"))
    assert "the system first seen" in history
    assert "ann Investigating to Resolved imported again" in history


def test_a_resolve_without_a_note_is_refused_and_says_so(desk):
    (row,) = rows(finding(1))
    move(desk, row, INVESTIGATING)
    assert "Say why: to resolve a finding takes a note" in text_of(move(desk, row, RESOLVED, "  "))
    assert statuses() == [INVESTIGATING]


def test_a_mistaken_resolve_is_taken_back_on_the_same_page(desk):
    (row,) = rows(finding(1))
    move(desk, row, INVESTIGATING)
    page = move(desk, row, RESOLVED, "wrong one")
    assert "Take back" in text_of(page)
    text = text_of(move(desk, row, "undo"))
    assert "Taken back: the finding is Investigating again" in text
    assert "Resolved to Investigating taken back: wrong one" in text
    assert DataQualityMove.objects.latest("pk").said == "RESOLVED to INVESTIGATING: taken back: wrong one"
    assert statuses() == [INVESTIGATING]


def test_another_operator_is_not_offered_the_undo_and_refused_when_they_forge_it(desk, client, django_user_model):
    (row,) = rows(finding(1))
    move(desk, row, INVESTIGATING)
    client.force_login(user(django_user_model, "ben", "view_dataqualitylog", "triage_dataqualitylog"))
    assert "Take back" not in text_of(client.get(page_of(row)))
    assert "cannot be taken back by ben" in text_of(move(client, row, "undo"))
    assert statuses() == [INVESTIGATING]


def test_another_operator_reopens_what_was_given_up_and_says_why(desk, client, django_user_model):
    (row,) = rows(finding(1))
    move(desk, row, WONTFIX, "never mind")
    client.force_login(user(django_user_model, "ben", "view_dataqualitylog", "triage_dataqualitylog"))
    assert "Reopen" in text_of(client.get(page_of(row)))
    assert "Say why: to reopen what ann decided takes a note" in text_of(move(client, row, "reopen"))
    assert statuses() == [WONTFIX]
    text = text_of(move(client, row, "reopen", "it matters"))
    assert "Taken back: the finding is Open again" in text
    assert "ben Investigating to Open reopened: it matters" in text


def test_an_open_finding_is_resolved_with_one_click_and_both_moves_are_in_its_history(desk):
    (row,) = rows(finding(1))
    text = text_of(move(desk, row, RESOLVED, "imported again"))
    assert "ann Open to Investigating" in text
    assert "ann Investigating to Resolved imported again" in text
    assert "Taken back: the finding is Open again" in text_of(move(desk, row, "undo"))


def test_what_was_moved_since_the_page_was_opened_stays_and_is_said(desk):
    (row,) = rows(finding(1))
    bring(row, INVESTIGATING, by="ben", now=NOW)
    text = text_of(desk.post(f"{LIST}{row.pk}/triage/", {"move": WONTFIX, "note": "old", "shown": OPEN}, follow=True))
    assert f"Finding {row.pk} was OPEN when it was shown and is INVESTIGATING now: left alone" in text
    assert statuses() == [INVESTIGATING]


def test_a_finding_is_assigned_to_me_to_another_and_to_nobody(desk, django_user_model):
    user(django_user_model, "ben", "view_dataqualitylog", "triage_dataqualitylog")
    user(django_user_model, "vic", "view_dataqualitylog")
    (row,) = rows(finding(1))

    def assign(shown: str, **data) -> str:
        data = {"move": "ASSIGN", "shown": OPEN, "shown_assignee": shown, **data}
        return text_of(desk.post(f"{LIST}{row.pk}/triage/", data, follow=True))

    text = assign("", to_me="yes", assignee="")
    assert "The finding is assigned to ann" in text
    assert "Who sees to it ann" in text
    assert "ann assigned to ben (before: ann)" in assign("ann", assignee="ben")
    assert "was OPEN, assigned to ann when it was shown and is OPEN, assigned to ben now" in assign("ann", assignee="")
    assert "those who may triage them, and vic may not" in assign("ben", assignee="vic")
    assert "The finding is assigned to nobody" in assign("ben", assignee="")
    assert DataQualityLog.objects.get().assignee == ""


@pytest.mark.parametrize("status", ResolutionStatus.values)
def test_a_page_offers_the_legal_moves_and_no_other(desk, status):
    (row,) = rows(finding(1))
    for target in {RESOLVED: [INVESTIGATING, RESOLVED], OPEN: []}.get(status, [status]):
        bring(row, target, by="ben", now=NOW, note="because")
    page = desk.get(page_of(row)).content.decode()
    offered = set(re.findall(r'name="move" value="(\w+)"', page))
    assert (
        offered
        == {
            OPEN: {INVESTIGATING, RESOLVED, WONTFIX, "ASSIGN"},
            INVESTIGATING: {RESOLVED, WONTFIX, "ASSIGN"},
            RESOLVED: {"reopen"},
            WONTFIX: {"reopen"},
        }[status]
    )


# --- forbidden --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", ResolutionStatus.values)
@pytest.mark.parametrize("target", [*ResolutionStatus.values, "NONSENSE", "", "undo"])
def test_a_forged_move_that_is_not_legal_changes_nothing_and_is_refused(desk, status, target):
    (row,) = rows(finding(1))
    for step in {RESOLVED: [INVESTIGATING, RESOLVED], OPEN: []}.get(status, [status]):
        bring(row, step, by="ben", now=NOW, note="because")
    if target in row.allowed_transitions() or (target == "undo" and status in (RESOLVED, WONTFIX)):
        return  # which is reopening
    moves = row.moves.count()
    response = move(desk, row, target, "forged")
    assert re.search(r"cannot become|Nobody may set|cannot be taken back", text_of(response))
    assert statuses() == [status]
    assert row.moves.count() == moves


def test_a_viewer_sees_findings_and_no_way_to_move_them(client, django_user_model):
    client.force_login(user(django_user_model, "vic", "view_dataqualitylog"))
    (row,) = rows(finding(1))
    assert 'name="action"' not in client.get(ONE_BY_ONE).content.decode()
    assert "Triage ..." not in client.get(LIST).content.decode()
    page = client.get(page_of(row))
    assert page.status_code == 200
    assert 'name="move"' not in page.content.decode()
    assert "takes the permission to triage" in text_of(page)


@pytest.mark.parametrize("codenames", [["view_dataqualitylog"], ["view_dataqualitylog", "change_dataqualitylog"]])
def test_a_viewers_forged_posts_are_refused(client, django_user_model, codenames):
    client.force_login(user(django_user_model, "vic", *codenames))
    (row,) = rows(finding(1))
    assert move(client, row, WONTFIX, "forged").status_code == 403
    for action in ("investigate", "resolve", "give_up", "delete_selected"):
        act(client, action, [row], note="forged")
    assert client.post(page_of(row), {"resolution_status": "RESOLVED"}).status_code == 403
    assert client.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert client.post(f"{LIST}add/", {}).status_code == 403
    assert statuses() == [OPEN]
    assert not DataQualityMove.objects.exists()


def test_the_permission_to_triage_is_of_no_use_without_that_to_look(client, django_user_model):
    client.force_login(user(django_user_model, "max", "triage_dataqualitylog"))
    (row,) = rows(finding(1))
    assert move(client, row, WONTFIX, "forged").status_code == 403
    assert statuses() == [OPEN]


def test_an_operator_neither_edits_nor_adds_nor_deletes(desk):
    (row,) = rows(finding(1))
    assert desk.post(page_of(row), {"description": "all is well"}).status_code == 403
    assert desk.get(f"{LIST}add/").status_code == 403
    assert desk.post(f"{LIST}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    act(desk, "delete_selected", [row], post="yes")
    assert DataQualityLog.objects.get().description == "Issue number 1"


def test_a_finding_that_does_not_exist_is_no_error(desk):
    for url in (f"{LIST}4711/change/", f"{LIST}abc/change/"):
        assert desk.get(url).status_code == 302
    assert desk.post(f"{LIST}4711/triage/", {"move": WONTFIX}).status_code == 404
    assert desk.post(f"{LIST}abc/triage/", {"move": WONTFIX}).status_code == 404


def test_a_move_is_never_made_by_opening_an_address(desk):
    (row,) = rows(finding(1))
    desk.get(f"{LIST}{row.pk}/triage/?move=INVESTIGATING")
    assert statuses() == [OPEN]


# --- where to go ------------------------------------------------------------------------------------------------------
def missing_days(park: Park) -> DataQualityLog:
    checkpoint = ImportCheckpoint.objects.create(park=park, source="/archive")
    for day in (date(2025, 3, 3), date(2025, 3, 6)):
        ImportedFile.objects.create(
            park=park,
            file_date=day,
            source_file=f"d/{day:%Y/%m/%d}.json.gz",
            outcome=FileOutcome.IMPORTED,
            imported_at=NOW,
            checkpoint=checkpoint,
        )
    (row,) = rows(
        finding(3, reason="missing_days", entity_type="park", entity_id=park.pk, end=datetime(2025, 3, 6, tzinfo=UTC))
    )
    return row


def test_a_gap_says_which_command_imports_its_days_again(desk, park):
    row = missing_days(park)
    assert f"manage.py import_archive --park {park.pk} --from 2025-03-04 --to 2025-03-05 --source /archive" in text_of(
        desk.get(page_of(row))
    )


def test_a_gap_leads_to_the_start_of_an_import_of_its_days(desk, park):
    page = desk.get(page_of(missing_days(park))).content.decode()
    link = re.search(r'class="q-import" href="([^"]+)"', page)[1].replace("&amp;", "&")
    start = reverse("admin:imports_start")
    assert link == f"{start}?park={park.pk}&from=2025-03-04&to=2025-03-05&source=%2Farchive"


def test_an_unreadable_file_leads_to_the_import_of_its_destination(desk, park):
    Park.objects.create(park_name="Bergwelt", themeparks_wiki_id="b", destination_wiki_id=park.destination_wiki_id)
    destination = park.destination_wiki_id
    (row,) = rows(finding(3, reason="unreadable_file", entity_key=destination, source_file="x.json.gz"))
    page = desk.get(page_of(row)).content.decode().replace("&amp;", "&")
    assert f"{reverse('admin:imports_start')}?destination={destination}&from=2025-03-04&to=2025-03-04" in page
    assert f"manage.py import_archive --destination {destination} --from 2025-03-04 --to 2025-03-04" in page
    assert "Lakeside" in page
    assert "Bergwelt" in page


def test_other_findings_are_not_imported_again(desk, park):
    (row,) = rows(finding(3, reason="frozen_wait", entity_type="park", entity_id=park.pk))
    assert "Import these days again" not in text_of(desk.get(page_of(row)))


def test_a_finding_leads_to_its_park_its_ride_and_its_like(desk, park):
    ride = Ride.objects.create(park=park, ride_name="Comet")
    (row,) = rows(finding(1, entity_type="ride", entity_id=ride.pk))
    page = desk.get(page_of(row)).content.decode()
    assert f'href="/admin/warehouse/park/{park.pk}/change/"' in page
    assert f'href="/admin/warehouse/ride/{ride.pk}/change/"' in page
    assert f"?reason=silent_hours&amp;status=all&amp;park={park.pk}" in page


def test_a_finding_whose_ride_is_gone_can_be_looked_at(desk):
    (row,) = rows(finding(1, entity_type="ride", entity_id=99_999, entity_key="ride_id 99999"))
    for url in (ONE_BY_ONE, page_of(row)):
        assert "ride_id 99999" in text_of(desk.get(url))


def test_a_grouped_record_lists_its_files(desk):
    record([finding(n, source_file=f"d/{n:02}.json.gz", scope=f"{n}") for n in range(1, 16)], NOW)
    row = DataQualityLog.objects.get(evidence__has_key="files")
    text = text_of(desk.get(page_of(row)))
    assert f"d/{FILES_SINGLE + 1:02}.json.gz 1" in text
    assert "d/15.json.gz 1" in text


def test_values_that_were_not_taken_are_listed_the_most_frequent_first(desk):
    (row,) = rows(finding(values={"other values": 90, "STANDBY -999": 12, "STANDBY 415": 3}))
    assert "STANDBY -999 12 STANDBY 415 3 other values 90" in text_of(desk.get(page_of(row)))
