"""What the ledger covers, by month, and the page that shows it and leads to what is missing."""

from datetime import date, timedelta

import pytest

from imports.archive.coverage import State, coverage
from quality.findings import Finding
from quality.log import record, resolve_gone
from tests.imports.desk import day_file, new_import, park, queries_of_a_page, somebody, touching_facts
from warehouse.days import midnight

pytestmark = pytest.mark.django_db
PAGE = "/admin/imports/importedfile/coverage/"
TODAY = date(2025, 6, 15)


def month_of(place, first: date):
    (row,) = [row for row in coverage(TODAY).rows if row.park == place]
    return row.months.get(first)


def fill(place, first: date, days: int, outcome: str = "IMPORTED"):
    for n in range(days):
        day_file(place, first + timedelta(days=n), outcome)


def test_a_month_of_imported_days_is_complete():
    place = park()
    fill(place, date(2024, 12, 31), 32)
    month = month_of(place, date(2025, 1, 1))
    assert (month.state, month.imported, month.days, month.observations) == (State.COMPLETE, 31, 31, 310)


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        (["IMPORTED"] * 3, State.PARTIAL),
        (["IMPORTED", "MISSING"], State.PARTIAL),
        (["MISSING"] * 31, State.MISSING),
        (["IMPORTED"] * 30 + ["UNREADABLE"], State.UNREADABLE),
    ],
)
def test_a_month_is_called_by_the_worst_of_its_days(outcomes, state):
    place = park()
    day_file(place, date(2024, 12, 1))
    for n, outcome in enumerate(outcomes):
        day_file(place, date(2025, 1, 1 + n), outcome)
    assert month_of(place, date(2025, 1, 1)).state == state


def test_a_month_with_hours_that_no_feed_was_asked_for_is_not_complete():
    place = park()
    fill(place, date(2025, 1, 1), 31)
    seam = Finding(
        reason="seam_hole",
        entity_type="park",
        entity_key=place.themeparks_wiki_id,
        entity_id=place.pk,
        scope="2025-01-07T00:00",
        description="nothing was asked for 5 h",
        start=midnight(date(2025, 1, 7)),
        end=midnight(date(2025, 1, 7)) + timedelta(hours=5),
    )
    record([seam], midnight(TODAY))
    month = month_of(place, date(2025, 1, 1))
    assert month.state == State.PARTIAL
    assert str(month).endswith("hours between the days of two feeds not asked for")
    resolve_gone([seam.fingerprint], "filled", midnight(TODAY))
    assert month_of(place, date(2025, 1, 1)).state == State.COMPLETE


def test_the_days_before_a_park_began_are_not_asked_of_it():
    place = park()
    fill(place, date(2025, 1, 10), 22)
    assert (month_of(place, date(2025, 1, 1)).state, month_of(place, date(2025, 1, 1)).days) == (State.COMPLETE, 22)


def test_the_days_after_today_are_not_asked_of_a_park():
    place = park()
    fill(place, date(2025, 5, 1), 31 + 15)
    assert (month_of(place, date(2025, 6, 1)).state, month_of(place, date(2025, 6, 1)).days) == (State.COMPLETE, 15)


def test_months_without_a_row_lie_between_and_are_none():
    place = park()
    fill(place, date(2025, 1, 1), 31)
    fill(place, date(2025, 3, 1), 31)
    found = coverage(TODAY)
    assert found.months == [date(2025, 1, 1), date(2025, 2, 1), date(2025, 3, 1)]
    assert month_of(place, date(2025, 2, 1)) is None


def test_an_empty_ledger_is_an_empty_page():
    park()
    assert coverage(TODAY).months == []
    assert "No day file was imported yet" in somebody("Viewers").get(PAGE).content.decode()


def test_the_page_shows_figures_on_hover_and_the_days_behind_a_cell():
    place = park(name="Park <&>")
    fill(place, date(2025, 1, 1), 29)
    day_file(place, date(2025, 1, 30), "UNREADABLE")
    client = somebody("Viewers")
    text = client.get(PAGE).content.decode()
    assert "Park &lt;&amp;&gt;" in text
    assert 'title="2025-01: 29 of 31 days imported, 290 observations, 1 unreadable, 1 never tried"' in text
    text = client.get(PAGE, {"park": place.pk, "month": "2025-01"}).content.decode()
    assert "January 2025" in text
    assert "2025-01-30: UNREADABLE: 0 stored" in text
    assert "2025-01-31: never tried" in text


def test_from_a_cell_just_what_is_missing_there_can_be_imported():
    place = park()
    new_import(place, source="/where/it/came/from")
    fill(place, date(2025, 1, 1), 3)
    url = f"{PAGE}?park={place.pk}&month=2025-01"
    text = somebody("Operators").get(url).content.decode()
    link = (
        f"/admin/imports/importcheckpoint/start/?park={place.pk}&amp;from=2025-01-01&amp;to=2025-01-31&amp;days=missing"
    )
    assert f'href="{link}&amp;source=%2Fwhere%2Fit%2Fcame%2Ffrom"' in text
    assert "importcheckpoint/start" not in somebody("Viewers").get(url).content.decode()


@pytest.mark.parametrize(
    "asked", [{"park": "x"}, {"park": "1", "month": "2025-13"}, {"month": "0000-01"}, {"month": "'"}]
)
def test_a_cell_that_does_not_exist_is_passed_over(asked):
    fill(park(), date(2025, 1, 1), 3)
    response = somebody("Viewers").get(PAGE, asked)
    assert (response.status_code, response.context["chosen"]) == (200, None)


def test_a_month_at_the_end_of_the_calendar_is_passed_over():
    place = park()
    fill(place, date(2025, 1, 1), 3)
    for month in ("9999-12", "0000-01", "0001-01"):
        response = somebody("Viewers").get(PAGE, {"park": place.pk, "month": month})
        assert (response.status_code, response.context["chosen"]) == (200, None)


def test_nobody_looks_without_permission(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    assert client.get(PAGE).status_code == 403


def test_the_ledger_is_searched_by_park_and_its_list_is_read_from_the_end_of_an_index():
    fill(park(1, name="Magic Kingdom"), date(2025, 1, 1), 3)
    fill(park(2, name="Epcot"), date(2025, 1, 1), 3)
    client = somebody("Viewers")
    found = client.get("/admin/imports/importedfile/?q=magic").context["cl"].result_list
    assert [f"{file.park} {file.file_date}" for file in found] == [
        "Magic Kingdom 2025-01-03",
        "Magic Kingdom 2025-01-02",
        "Magic Kingdom 2025-01-01",
    ]
    with queries_of_a_page() as sql:
        client.get("/admin/imports/importedfile/")
    (listing,) = [statement for statement in sql if "ORDER BY `import_files`" in statement]
    assert "JOIN" not in listing
    assert "ORDER BY `import_files`.`file_date` DESC, `import_files`.`file_id` DESC" in listing


def test_coverage_and_ledger_make_as_many_queries_for_many_parks_as_for_few():
    client = somebody("Operators")
    counts = {}
    for upto in (2, 30):
        for n in range(upto - 2, upto) if upto > 2 else (0, 1):
            fill(park(n + 1), date(2025, 1, 1), 20 if upto > 2 else 3)
        for page in (PAGE, "/admin/imports/importedfile/", f"{PAGE}?park={park(upto + 90).pk}&month=2025-01"):
            with queries_of_a_page() as sql:
                assert client.get(page).status_code == 200
            assert not touching_facts(sql)
            counts.setdefault(("month" in page and "cell") or page, []).append(len(sql))
    assert all(few == many for few, many in counts.values()), counts
