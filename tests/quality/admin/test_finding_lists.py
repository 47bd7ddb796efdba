"""The lists of findings: what they show and narrow, and that they open alike with 100 and with 100,000 findings."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from quality.log import record
from quality.models import DataQualityLog, ResolutionStatus
from tests.plans import plan_of
from tests.quality.admin.desk import LIST, NOW, ONE_BY_ONE, finding, rows, text_of
from tests.quality.triage import bring
from warehouse.models import Park, Ride
from warehouse.server import catalog

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus

pytestmark = pytest.mark.django_db


# --- what the list shows ----------------------------------------------------------------------------------------------
def test_the_list_says_what_is_wrong_where_when_how_much_and_since_when(desk, park):
    ride = Ride.objects.create(park=park, ride_name="Comet")
    rows(
        finding(1, entity_type="ride", entity_id=ride.pk, count=1234, description="Comet fell silent"),
        finding(2, reason="unknown_status", source_file="d/2025/03/03.json.gz"),
    )
    text = text_of(desk.get(ONE_BY_ONE))
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
        return set(re.findall(r"Issue number \d", text_of(desk.get(f"{ONE_BY_ONE}&{query}"))))

    assert shown("") == {"Issue number 1", "Issue number 2"}
    assert shown("status=OPEN") == {"Issue number 1"}
    assert shown("status=WONTFIX") == {"Issue number 3"}
    assert shown("status=all") == {"Issue number 1", "Issue number 2", "Issue number 3"}


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


def test_search_and_filters_are_one_form_that_keeps_what_links_asked_for(desk, park):
    asked = "status=all&from=2025-03-01&q=a&ride=7&created_at__gte=2025-01-01T00:00Z&park="
    page = desk.get(f"{LIST}?{asked}").content.decode()
    form = page[page.index('id="changelist-search"') : page.index("</form>", page.index('id="changelist-search"'))]
    assert '<option value="all" selected>All</option>' in form
    assert 'name="from" value="2025-03-01"' in form
    hidden = set(re.findall(r'type="hidden" name="(\w+)"', form))
    assert hidden == {"view", "ride", "created_at__gte"}
    assert f'<option value="{park.pk}">Lakeside</option>' in form


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


QUERIES = [
    "?view=list",
    "?status=all",
    "?issue_type__exact=GAP",
    "?status=RESOLVED&reason=unknown_status",
    "?from=2025-01-01",
]


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


# --- groups -----------------------------------------------------------------------------------------------------------
def table(response) -> list[str]:
    body = response.content.decode().split('<table id="group_list">')[1].split("<tbody>")[1].split("</table>")[0]
    return [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() for row in body.split("<tr>")[1:]]


@pytest.fixture
def grouped(park):
    other = Park.objects.create(park_name="Bergwelt", themeparks_wiki_id="b")
    found = rows(
        *(finding(n, reason="frozen_wait", entity_type="park", entity_id=park.pk) for n in range(3)),
        *(finding(n, reason="frozen_wait", entity_type="park", entity_id=other.pk, entity_key="b") for n in range(2)),
        finding(1, reason="unreadable_file"),
    )
    bring(found[0], INVESTIGATING, by="ann", now=NOW)
    bring(found[3], WONTFIX, by="ann", now=NOW, note="so it is")
    DataQualityLog.objects.filter(pk=found[0].pk).update(assignee="ben")
    return found


def test_findings_of_one_reason_and_park_are_one_group_with_what_to_do(desk, grouped):
    page = desk.get(LIST)
    assert "5 findings in 3 groups." in text_of(page)
    first, *others = table(page)
    assert first.startswith("Frozen wait Invalid The source repeated an old value, and nothing mends that: ")
    assert "Lakeside 3 2 open, 1 being investigated 2025-06-01 2025-06-01 several" in first
    assert sorted(row.split(" ", 2)[0] for row in others) == ["Frozen", "Unreadable"]
    assert "no park" in "".join(others)


def test_a_group_is_opened_and_triaged_with_a_click_each(desk, grouped, park):
    page = desk.get(LIST).content.decode().replace("&amp;", "&")
    link = re.search(r'<th scope="row"[^>]*>\s*<a href="([^"]+)">Frozen wait</a>', page)[1]
    opened = text_of(desk.get(f"{LIST}{link}"))
    assert "3 findings" in opened
    assert "leave these hours out of averages" in opened
    triage = re.search(r'href="([^"]+)" aria-label="Triage: Frozen wait, Lakeside"', page)[1]
    assert "Triage: 3 findings" in text_of(desk.get(triage))
    everything = re.search(r'href="([^"]+)">Triage all 5', page)[1]
    assert "Triage: 5 findings" in text_of(desk.get(everything))


def test_groups_are_narrowed_and_sorted(desk, grouped, park):
    def parks(query: str) -> list[str]:
        found = [re.search(r"Lakeside|Bergwelt|no park", row) for row in table(desk.get(f"{LIST}?view=groups&{query}"))]
        return [match[0] for match in found]

    assert parks("") == ["Lakeside", "Bergwelt", "no park"]
    assert parks("sort=-findings")[-1] == "Lakeside"
    assert parks("sort=park") == ["no park", "Bergwelt", "Lakeside"]
    assert parks("sort=-park") == ["Lakeside", "Bergwelt", "no park"]
    assert parks("sort=reason&reason=frozen_wait") == ["Bergwelt", "Lakeside"]
    assert parks("sort=nonsense&status=all") == ["Lakeside", "Bergwelt", "no park"]
    assert parks("park=none") == ["no park"]
    assert parks("assignee=ben") == ["Lakeside"]
    assert parks("status=WONTFIX") == ["Bergwelt"]
    page = text_of(desk.get(f"{LIST}?view=groups&q=nothing"))
    assert "0 findings in 0 groups." in page


# --- what narrows the list --------------------------------------------------------------------------------------------
def numbers(client, query: str) -> list[str]:
    return sorted(re.findall(r"Issue number (\d+)", text_of(client.get(f"{LIST}?{query}"))))


def chips(client, query: str) -> list[str]:
    page = client.get(f"{LIST}?{query}").content.decode()
    items = re.search(r'<ul class="q-chips".*?</ul>', page, re.S)[0].split("<li>")[1:]
    return [re.sub(r"<[^>]+>|\s+", " ", item).replace("✕", "").replace("&#10005;", "").strip() for item in items]


@pytest.fixture
def ride(park):
    return Ride.objects.create(
        park=park, ride_name="Space Comet", themeparks_wiki_id="11111111-2222-4333-8444-555555555555"
    )


def test_findings_are_found_by_a_rides_name_and_ids_whether_they_are_about_it_or_only_name_it(desk, park, ride):
    other = Ride.objects.create(park=park, ride_name="Comet Junior")
    rows(
        finding(1, entity_type="ride", entity_id=ride.pk, entity_key="a"),
        finding(2, examples=[{"ride_id": ride.pk}]),
        finding(3, examples=[{"entityId": ride.themeparks_wiki_id.upper(), "value": "x"}]),
        finding(4, entity_type="park", entity_id=park.pk, examples=[{"ride": "Space Comet", "ours": 3}]),
        finding(5, examples=[{"ride": "Space Comet"}]),  # of no park: which ride that is nobody knows
        finding(6, entity_type="ride", entity_id=other.pk, entity_key="c"),
        finding(7, rides=frozenset([ride.pk])),
    )
    about = ["1", "2", "3", "4", "7"]
    assert numbers(desk, "q=space+comet") == about
    assert numbers(desk, "q=comet") == sorted([*about, "6"])
    assert numbers(desk, f"q={ride.themeparks_wiki_id}") == about
    assert numbers(desk, f"ride={ride.pk}") == about
    assert set(about) <= set(numbers(desk, f"q={ride.pk}"))
    row = DataQualityLog.objects.get(description="Issue number 6")
    assert "6" in numbers(desk, f"q={row.pk}")
    assert numbers(desk, "q=99999999999999999999999") == []
    assert numbers(desk, "q=space+comet&from=2025-03-04&to=2025-03-05") == ["3", "4"]


def test_a_finding_that_is_seen_again_with_other_evidence_is_found_by_that(desk, park, ride):
    rows(finding(1))
    assert numbers(desk, f"ride={ride.pk}") == []
    record([finding(1, examples=[{"ride_id": ride.pk}])], NOW)
    assert numbers(desk, f"ride={ride.pk}") == ["1"]


def test_findings_are_narrowed_by_when_they_were_first_seen(desk):
    record([finding(1)], NOW - timedelta(days=2))
    record([finding(2)], NOW)
    assert numbers(desk, "seen_from=2025-06-01") == ["2"]
    assert numbers(desk, "seen_to=2025-05-31") == ["1"]
    assert numbers(desk, "seen_from=2025-05-30&seen_to=2025-06-01") == ["1", "2"]
    assert "2025-02-30 is no date" in text_of(desk.get(f"{LIST}?seen_from=2025-02-30"))


def test_the_chips_say_all_that_narrows_the_list_whoever_made_the_link(desk, park, ride):
    rows(finding(1, entity_type="ride", entity_id=ride.pk))
    assert chips(desk, "view=list") == ["To do: open or investigating"]
    assert chips(desk, f"status=all&q=a+b&park={park.pk}&reason=frozen_wait&issue_type__exact=GAP") == [
        "All, also those that are done", "“a b”", "Park: Lakeside", "Reason: Frozen wait", "Kind: Gap"
    ]  # fmt: skip
    assert chips(desk, f"status=OPEN&ride={ride.pk}&assignee=me&from=2025-03-01&to=2025-03-31")[1:] == [
        "Ride: Space Comet (Lakeside)", "Assigned to me", "About: 2025-03-01 to 2025-03-31"
    ]  # fmt: skip
    of_ride = f"entity_type__exact=ride&entity_id__exact={ride.pk}"
    assert chips(desk, f"{of_ride}&seen_to=2025-03-01&batch=3&created_at__gte=2025-01-01T00:00Z")[1:] == [
        "Ride: Space Comet (Lakeside)", "First seen: until 2025-03-01", "Moved in bulk 3",
        "created_at__gte: 2025-01-01T00:00Z",
    ]  # fmt: skip
    page = desk.get(f"{LIST}?reason=silent_hours&park={park.pk}").content.decode().replace("&amp;", "&")
    assert f'href="?park={park.pk}&view=list" title="Show the list without it" aria-label="Without: Reason' in page


@pytest.mark.django_db(transaction=True)  # ANALYZE commits
def test_groups_of_a_hundred_thousand_are_made_of_their_index(desk, park):
    fill_to(1_000, park)
    with CaptureQueriesContext(connection) as queries:
        desk.get(LIST)
    (sql,) = [query["sql"] for query in queries if "GROUP BY" in query["sql"] and "data_quality_log" in query["sql"]]
    (plan,) = plan_of(sql)
    assert plan["key"] == "idx_quality_groups"
    assert "Using index" in plan["Extra"]
    assert len(queries) <= 12
