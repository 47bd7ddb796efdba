"""The triage desk: what it shows, who may move what, and that it opens alike with 100 and with 100,000 findings."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from quality.admin import finding_pages
from quality.findings import Finding
from quality.grouping import FILES_SINGLE
from quality.log import record
from quality.models import DataQualityLog, DataQualityMove, ResolutionStatus
from tests.quality.triage import bring
from warehouse.models import Park, Ride
from warehouse.server import catalog

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LIST = "/admin/quality/dataqualitylog/"

pytestmark = pytest.mark.django_db


@pytest.fixture
def park():
    return Park.objects.create(
        park_name="Lakeside",
        timezone="UTC",
        themeparks_wiki_id="00000000-0000-0000-0000-000000000010",
        destination_wiki_id="00000000-0000-0000-0000-000000000001",
    )


def user(django_user_model, name: str, *codenames: str):
    found = django_user_model.objects.create_user(name, password="not used", is_staff=True)
    found.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return found


@pytest.fixture
def ann(django_user_model):
    return user(django_user_model, "ann", "view_dataqualitylog", "triage_dataqualitylog")


@pytest.fixture
def desk(client, ann):
    client.force_login(ann)
    return client


def finding(n: int = 1, **changes) -> Finding:
    day = datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=n)
    values = {
        "reason": "silent_hours",
        "entity_type": "destination",
        "entity_key": "d",
        "scope": f"{n}",
        "description": f"Issue number {n}",
        "start": day,
        "end": day + timedelta(days=1),
    }
    return Finding(**values | changes)


def rows(*findings: Finding) -> list[DataQualityLog]:
    record(findings, NOW)
    return list(DataQualityLog.objects.order_by("pk"))


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def act(client, action: str, chosen: list[DataQualityLog], query: str = "", **data):
    ids = [row.pk for row in chosen]
    return client.post(f"{LIST}{query}", {"action": action, "_selected_action": ids, **data}, follow=True)


def statuses() -> list[str]:
    return list(DataQualityLog.objects.order_by("pk").values_list("resolution_status", flat=True))


# --- what the list shows ----------------------------------------------------------------------------------------------
def test_the_list_says_what_is_wrong_where_when_how_much_and_since_when(desk, park):
    ride = Ride.objects.create(park=park, ride_name="Comet")
    rows(
        finding(1, entity_type="ride", entity_id=ride.pk, count=1234, description="Comet fell silent"),
        finding(2, reason="unknown_status", source_file="d/2025/03/03.json.gz"),
    )
    text = text_of(desk.get(LIST))
    for expected in (
        "Comet fell silent",
        "Open Gap",
        "Lakeside 2025-03-02",
        "1,234",
        "d/2025/03/03.json.gz",
        "Invalid",
    ):
        assert expected in text
    assert "2 findings" in text


def test_what_is_to_do_is_shown_unless_something_else_is_asked_for(desk):
    _, second, third = rows(finding(1), finding(2), finding(3))
    bring(second, INVESTIGATING, by="ann", now=NOW)
    bring(third, WONTFIX, by="ann", now=NOW, note="so it is")

    def shown(query: str) -> set[str]:
        return set(re.findall(r"Issue number \d", text_of(desk.get(f"{LIST}{query}"))))

    assert shown("") == {"Issue number 1", "Issue number 2"}
    assert shown("?status=OPEN") == {"Issue number 1"}
    assert shown("?status=WONTFIX") == {"Issue number 3"}
    assert shown("?status=all") == {"Issue number 1", "Issue number 2", "Issue number 3"}


def test_the_list_is_filtered_by_kind_reason_park_and_period(desk, park):
    rows(
        finding(1, reason="frozen_wait"),
        finding(2, entity_type="park", entity_id=park.pk),
        finding(3, end=None),
    )

    def shown(query: str) -> list[str]:
        return sorted(re.findall(r"Issue number (\d)", text_of(desk.get(f"{LIST}?{query}"))))

    assert shown("issue_type__exact=INVALID") == ["1"]
    assert shown("reason=frozen_wait") == ["1"]
    assert shown(f"park={park.pk}") == ["2"]
    assert shown("from=2025-03-03") == ["2", "3"]
    assert shown("to=2025-03-03") == ["1", "2"]
    assert shown("from=2025-03-03&to=2025-03-03") == ["2"]
    assert shown("from=2025-03-04&status=OPEN") == ["3"]
    assert shown("q=number+2") == ["2"]
    assert shown("issue_type__exact=GAP&from=2025-03-04") == ["3"]


def test_a_wrong_date_is_said_and_filters_nothing(desk):
    rows(finding(1))
    text = text_of(desk.get(f"{LIST}?from=2025-02-30"))
    assert "2025-02-30 is no date: use YYYY-MM-DD" in text
    assert "Issue number 1" in text
    text = text_of(desk.get(f"{LIST}?to=9999-12-31"))
    assert "9999-12-31: give a day of the years 1900 to 2199" in text
    assert "Issue number 1" in text


def test_choosing_a_park_keeps_the_other_filters(desk, park):
    page = desk.get(f"{LIST}?status=all&from=2025-03-01").content.decode()
    form = page[page.index('data-filter-title="park"') :]
    assert '<input type="hidden" name="status" value="all">' in form
    assert '<input type="hidden" name="from" value="2025-03-01">' in form


# --- at any size ------------------------------------------------------------------------------------------------------
def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%%'", [])
        return sum(int(value) for _, value in cursor.fetchall())


def fill_to(count: int, park: Park) -> None:
    """Findings by the thousand, of the park and without one, most of them done."""
    digits = " CROSS JOIN ".join(
        f"(SELECT 0 AS d{n} " + " ".join(f"UNION SELECT {digit}" for digit in range(1, 10)) + f") AS t{n}"
        for n in range(5)
    )
    number = "(d0 + 10 * d1 + 100 * d2 + 1000 * d3 + 10000 * d4)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO data_quality_log (issue_type, reason, entity_type, entity_id, entity_key, park_id,
                timestamp_start, timestamp_end, description, resolution_status, created_at, fingerprint,
                occurrences, last_seen_at, source_file, evidence, resolution_note)
            SELECT ELT(1 + n MOD 4, 'GAP', 'DUPLICATE', 'INVALID', 'MISSING_FIELD'), 'unknown_status', 'park', %s, 'k',
                IF(n MOD 2, %s, NULL), '2025-01-01' + INTERVAL n MINUTE, NULL, CONCAT('Issue ', n),
                ELT(1 + n MOD 8, 'OPEN', 'INVESTIGATING', 'RESOLVED', 'WONTFIX', 'RESOLVED', 'RESOLVED', 'OPEN',
                    'WONTFIX'),
                '2025-01-01', SHA2(n, 256), 1, '2025-01-01', 'a file', '{{"examples": []}}', ''
            FROM (SELECT {number} AS n FROM {digits}) AS numbers WHERE n < %s
            """,
            [park.pk, park.pk, count],
        )
    catalog.analyze("data_quality_log")  # by the statistics of before MySQL sorts all that match: 57,619 rows read


QUERIES = ["", "?status=all", "?issue_type__exact=GAP", "?status=RESOLVED&reason=unknown_status", "?from=2025-01-01"]


@pytest.mark.django_db(transaction=True)  # ANALYZE commits
def test_the_list_reads_hardly_more_of_a_hundred_thousand_findings_than_of_a_hundred(desk, park):
    queries_of_a_hundred = {}
    fill_to(100, park)
    for query in QUERIES:
        with CaptureQueriesContext(connection) as queries:
            desk.get(f"{LIST}{query}")
        queries_of_a_hundred[query] = len(queries)
    DataQualityLog.objects.all().delete()
    fill_to(100_000, park)
    for query in QUERIES:
        before = rows_read()
        with CaptureQueriesContext(connection) as queries:
            response = desk.get(f"{LIST}{query}")
        assert "more than 10000 findings" in text_of(response)
        assert len(queries) == queries_of_a_hundred[query] <= 12
        # the count stops at 10,000; a page of 50 is read along the key
        assert rows_read() - before < 40_000, query
    for query in ("?status=all&p=200", "?q=Issue+99999&status=all", "?o=3&status=all", f"?park={park.pk}"):
        assert desk.get(f"{LIST}{query}").status_code == 200


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
    assert "Take back: Investigating again" in text_of(page)
    text = text_of(move(desk, row, "undo"))
    assert "Taken back: the finding is Investigating again" in text
    assert "Resolved to Investigating taken back: wrong one" in text
    assert DataQualityMove.objects.latest("pk").said == "RESOLVED to INVESTIGATING: taken back: wrong one"
    assert statuses() == [INVESTIGATING]


def test_another_operator_is_not_offered_the_undo_and_refused_when_they_forge_it(desk, client, django_user_model):
    (row,) = rows(finding(1))
    move(desk, row, WONTFIX, "never mind")
    client.force_login(user(django_user_model, "ben", "view_dataqualitylog", "triage_dataqualitylog"))
    assert "Take back" not in text_of(client.get(page_of(row)))
    assert "cannot be taken back by ben" in text_of(move(client, row, "undo"))
    assert statuses() == [WONTFIX]


@pytest.mark.parametrize("status", ResolutionStatus.values)
def test_a_page_offers_the_legal_moves_and_no_other(desk, status):
    (row,) = rows(finding(1))
    for target in {RESOLVED: [INVESTIGATING, RESOLVED], OPEN: []}.get(status, [status]):
        bring(row, target, by="ben", now=NOW, note="because")
    page = desk.get(page_of(row)).content.decode()
    offered = set(re.findall(r'name="move" value="(\w+)"', page))
    assert offered == {target for target, origins in DataQualityLog.TRANSITIONS.items() if status in origins}


# --- forbidden --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", ResolutionStatus.values)
@pytest.mark.parametrize("target", [*ResolutionStatus.values, "NONSENSE", "", "undo"])
def test_a_forged_move_that_is_not_legal_changes_nothing_and_is_refused(desk, status, target):
    (row,) = rows(finding(1))
    for step in {RESOLVED: [INVESTIGATING, RESOLVED], OPEN: []}.get(status, [status]):
        bring(row, step, by="ben", now=NOW, note="because")
    if status in DataQualityLog.TRANSITIONS.get(target, ()):
        return
    moves = row.moves.count()
    response = move(desk, row, target, "forged")
    assert re.search(r"cannot become|Nobody may set|cannot be taken back", text_of(response))
    assert statuses() == [status]
    assert row.moves.count() == moves


def test_a_viewer_sees_findings_and_no_way_to_move_them(client, django_user_model):
    client.force_login(user(django_user_model, "vic", "view_dataqualitylog"))
    (row,) = rows(finding(1))
    assert 'name="action"' not in client.get(LIST).content.decode()
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


# --- many at once -----------------------------------------------------------------------------------------------------
def test_many_are_investigated_at_once(desk):
    chosen = rows(*(finding(n) for n in range(1, 4)))
    assert "3 findings are being investigated" in text_of(act(desk, "investigate", chosen))
    assert statuses() == [INVESTIGATING] * 3
    assert DataQualityMove.objects.filter(moved_by="ann").count() == 3


@pytest.mark.parametrize(("action", "target"), [("resolve", RESOLVED), ("give_up", WONTFIX)])
def test_resolving_and_giving_up_many_asks_for_a_note_first(desk, action, target):
    chosen = rows(finding(1), finding(2))
    DataQualityLog.transition([row.pk for row in chosen], INVESTIGATING, by="ben", now=NOW)
    asked = act(desk, action, chosen)
    assert ": 2 findings" in text_of(asked), "in the title"
    assert "Note, for 2 findings" in text_of(asked)
    assert "will be refused" not in text_of(asked)
    assert statuses() == [INVESTIGATING] * 2
    assert "Say why: this takes a note." in text_of(act(desk, action, chosen, note=" "))
    assert statuses() == [INVESTIGATING] * 2
    act(desk, action, chosen, note="looked at both")
    assert statuses() == [target] * 2
    assert set(DataQualityLog.objects.values_list("resolution_note", flat=True)) == {"looked at both"}


def test_of_many_the_illegal_are_refused_with_a_sentence_each(desk):
    chosen = rows(finding(1), finding(2))
    bring(chosen[1], INVESTIGATING, by="ben", now=NOW)
    asked = act(desk, "resolve", chosen)
    assert "1 of them will be refused: only INVESTIGATING can become RESOLVED." in text_of(asked)
    text = text_of(act(desk, "resolve", chosen, note="done"))
    assert "The finding is resolved" in text
    assert f"Finding {chosen[0].pk} is OPEN and cannot become RESOLVED; it may become INVESTIGATING or WONTFIX" in text
    assert statuses() == [OPEN, RESOLVED]


def test_of_more_than_are_listed_the_rest_is_counted(desk):
    chosen = rows(*(finding(n) for n in range(1, finding_pages.LISTED_MAX + 4)))
    asked = text_of(act(desk, "give_up", chosen))
    assert f": {len(chosen)} findings" in asked
    assert "and 3 more" in asked


def test_all_that_a_filter_shows_can_be_chosen(desk):
    rows(*(finding(n) for n in range(1, 121)))
    first = DataQualityLog.objects.order_by("pk")[:1]
    act(desk, "give_up", first, "?from=2025-03-11", select_across="1", note="old")
    assert statuses().count(WONTFIX) == 111
    assert statuses().count(OPEN) == 9


def test_too_many_at_once_are_refused_with_what_to_do(desk, monkeypatch):
    monkeypatch.setattr("quality.admin.finding_pages.MOVED_AT_ONCE_MAX", 3)
    chosen = rows(*(finding(n) for n in range(1, 6)))
    assert "At most 3 findings are moved at once" in text_of(act(desk, "investigate", chosen))
    assert statuses() == [OPEN] * 5


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
    for url in (LIST, page_of(row)):
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
