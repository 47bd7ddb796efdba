"""What the ledger covers, by month, and the page that shows it and leads to what is missing."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from imports.admin import coverage_table
from imports.archive.coverage import State, coverage
from quality.findings import Finding
from quality.log import record, resolve_gone
from tests.imports.desk import day_file, new_import, park, queries_of_a_page, somebody, touching_facts
from warehouse.days import midnight
from warehouse.models import Park

pytestmark = pytest.mark.django_db
PAGE = "/admin/imports/importedfile/coverage/"
TODAY = midnight(date(2025, 6, 15)) + timedelta(hours=20)


def row_of(place):
    (row,) = [row for row in coverage(TODAY).rows if row.park == place]
    return row


def month_of(place, first: date):
    return row_of(place).held(first)


def fill(place, first: date, days: int, outcome: str = "IMPORTED", **changes):
    for n in range(days):
        day_file(place, first + timedelta(days=n), outcome, **changes)


def test_a_month_of_imported_days_is_complete():
    place = park()
    fill(place, date(2024, 12, 31), 32)
    month = month_of(place, date(2025, 1, 1))
    assert (month.state, month.imported, month.days, month.rows) == (State.COMPLETE, 31, 31, 310)


@pytest.mark.parametrize(
    ("outcomes", "state", "percent"),
    [
        (["IMPORTED"] * 3, State.PARTIAL, 9),
        (["IMPORTED", "MISSING"], State.PARTIAL, 3),
        (["IMPORTED"] * 30 + ["MISSING"], State.PARTIAL, 96),
        (["IMPORTED"] + ["NO_EVENTS"] * 30, State.COMPLETE, 100),
        (["MISSING"] * 31, State.MISSING, 0),
        (["NO_EVENTS"] * 31, State.EMPTY, 100),
        (["UNREADABLE"], State.UNREADABLE, 0),
    ],
)
def test_a_month_is_called_by_the_share_of_its_days_that_were_read(outcomes, state, percent):
    place = park()
    day_file(place, date(2024, 12, 1))
    for n, outcome in enumerate(outcomes):
        day_file(place, date(2025, 1, 1 + n), outcome)
    month = month_of(place, date(2025, 1, 1))
    assert (month.state, month.percent) == (state, percent)


def test_one_file_that_cannot_be_read_is_a_mark_on_a_month_that_keeps_its_share():
    place = park()
    fill(place, date(2025, 1, 1), 30)
    day_file(place, date(2025, 1, 31), "UNREADABLE")
    month = month_of(place, date(2025, 1, 1))
    assert (month.state, month.percent, month.unreadable) == (State.PARTIAL, 96, 1)
    assert coverage_table.look(month) == (["s4", "bad"], "96<b>!</b>")


def test_a_month_of_which_the_source_has_no_more_is_told_from_one_with_days_that_were_not_tried():
    place = park()
    fill(place, date(2025, 1, 1), 28)
    fill(place, date(2025, 1, 29), 3, "MISSING")
    fill(place, date(2025, 3, 1), 28)
    assert coverage_table.look(month_of(place, date(2025, 1, 1))) == (["s4", "gone"], "90")
    assert coverage_table.look(month_of(place, date(2025, 3, 1))) == (["s4"], "90")


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
    record([seam], TODAY)
    month = month_of(place, date(2025, 1, 1))
    assert month.state == State.PARTIAL
    assert str(month).endswith("hours between the days of two feeds not asked for")
    resolve_gone([seam.fingerprint], "filled", TODAY)
    assert month_of(place, date(2025, 1, 1)).state == State.COMPLETE


def test_the_days_before_a_park_began_are_not_asked_of_it():
    place = park()
    fill(place, date(2024, 12, 1), 31, "NO_EVENTS")
    fill(place, date(2025, 1, 1), 5, "MISSING")
    fill(place, date(2025, 1, 6), 4, "NO_EVENTS")
    fill(place, date(2025, 1, 10), 22)
    january = month_of(place, date(2025, 1, 1))
    assert (january.state, january.days, january.missing, january.without_events) == (State.COMPLETE, 22, 0, 0)
    assert [month_of(place, date(2024, month, 1)).state for month in (11, 12)] == [State.BEFORE, State.BEFORE]
    assert str(month_of(place, date(2024, 12, 1))) == "before the park's first known day"


def test_a_park_that_is_not_open_yet_is_neutral_whatever_was_looked_for_it():
    files_without, no_files, never = (park(n) for n in (1, 2, 3))
    fill(files_without, date(2025, 1, 1), 31, "NO_EVENTS")
    fill(no_files, date(2025, 1, 1), 31, "MISSING")
    looks = [coverage_table.look(month_of(place, date(2025, 1, 1))) for place in (files_without, no_files, never)]
    assert looks == [(["empty"], "<b>○</b>"), (["missing"], "<b>-</b>"), (["none"], "0")]


def test_a_file_that_cannot_be_read_is_marked_also_before_the_first_known_day():
    place = park()
    day_file(place, date(2024, 12, 31), "UNREADABLE")
    day_file(place, date(2025, 1, 1), "UNREADABLE")
    fill(place, date(2025, 1, 2), 30)
    assert str(month_of(place, date(2024, 12, 1))) == "0 of 1 day imported, 1 unreadable"
    assert str(month_of(place, date(2025, 1, 1))) == "30 of 31 days imported, 300 rows, 1 unreadable"


def test_the_day_that_is_not_over_by_the_clock_of_the_park_is_not_asked_of_it():
    for n, (zone, days) in enumerate([("America/New_York", 14), ("Asia/Tokyo", 15)]):
        place = park(n + 1)
        Park.objects.filter(pk=place.pk).update(timezone=zone)
        fill(place, date(2025, 5, 1), 31)
        fill(place, date(2025, 6, 1), 10)
        assert month_of(place, date(2025, 6, 1)).days == days  # it is 20:00Z of the 15th: there the 16th has begun
    fill(place, date(2025, 6, 11), 6)
    assert month_of(place, date(2025, 6, 1)).days == 16  # unless it is there already


def test_of_a_day_in_two_feeds_or_two_destinations_the_best_counts_and_its_rows_once():
    place = park()
    fill(place, date(2025, 1, 1), 31)
    fill(place, date(2025, 1, 1), 20, "MISSING", destination_wiki_id="another")
    for n in range(10):
        day_file(place, date(2025, 1, 1 + n), stored=25, feed="HISTORY", size_bytes=100_000)
    assert str(month_of(place, date(2025, 1, 1))) == "31 of 31 days imported, 460 rows, files of 1.00 MB"


def test_months_without_a_row_are_there_up_to_the_present_one():
    place = park()
    fill(place, date(2025, 1, 1), 31)
    fill(place, date(2025, 3, 1), 31)
    assert coverage(TODAY).months == [date(2025, month, 1) for month in range(1, 7)]
    states = [month_of(place, month).state for month in coverage(TODAY).months]
    assert states == [State.COMPLETE, State.NONE, State.COMPLETE, State.NONE, State.NONE, State.NONE]


def test_a_year_is_its_months_together():
    place = park()
    fill(place, date(2024, 12, 1), 31)
    fill(place, date(2025, 1, 1), 31)
    months = [date(2025, month, 1) for month in range(1, 7)]
    assert str(row_of(place).held_in(months)) == "31 of 165 days imported, 310 rows, 134 never tried"


def test_parks_of_one_destination_stand_together_and_are_found_by_name():
    for n, (name, destination) in enumerate([("Zebra", "a"), ("Epcot", "b"), ("Alpha", "a"), ("beta", "c")]):
        park(n + 1, destination, name)
    assert [row.park.park_name for row in coverage(TODAY).rows] == ["Alpha", "Zebra", "beta", "Epcot"]


def test_an_empty_ledger_is_an_empty_page():
    park()
    assert coverage(TODAY).months == []
    assert "No day file was imported yet" in somebody("Viewers").get(PAGE).content.decode()


def test_a_cell_has_its_figures_with_it_and_leads_to_its_days():
    place = park(name="Park <&>")
    fill(place, date(2025, 1, 1), 29, size_bytes=1000)
    bad = day_file(place, date(2025, 1, 30), "UNREADABLE")
    client = somebody("Viewers")
    text = client.get(PAGE).content.decode()
    assert "Park &lt;&amp;&gt;" in text
    cell = f'<a href="?park={place.pk}&amp;month=2025-01#days" data-n="31 29 290 29000 0 0 1">93<b>!</b></a>'
    assert f'<td class="s4 bad y">{cell}</td>' in text
    text = client.get(PAGE, {"park": place.pk, "month": "2025-01"}).content.decode()
    assert "January 2025" in text
    assert "29 of 31 days imported, 290 rows, files of 0.03 MB, 1 unreadable, 1 never tried" in text
    page = f"/admin/imports/importedfile/{bad.pk}/change/"
    assert f'<a href="{page}" title="2025-01-30: the file cannot be read" data-day="2025-01-30">30<b>!</b>' in text
    assert f'Cannot be read: <a href="{page}">2025-01-30</a>' in text
    assert 'title="2025-01-31: never tried"' in text


def test_a_year_can_be_shown_alone_and_years_beside_each_other():
    place = park()
    fill(place, date(2024, 12, 1), 31)
    fill(place, date(2025, 1, 1), 31)
    client = somebody("Viewers")
    response = client.get(PAGE, {"year": "2025"})
    assert response.context["columns"][0].said == "2025-01"
    assert f'href="?year=2025&amp;park={place.pk}&amp;month=2025-01#days"' in response.content.decode()
    response = client.get(PAGE, {"show": "years"})
    assert [column.said for column in response.context["columns"]][:2] == ["2024", "2025"]
    assert (
        f'<td class="s5"><a href="?year=2024#park-{place.pk}" data-n="31 31 310">100</a>' in response.content.decode()
    )
    assert client.get(PAGE, {"year": "1815"}).context["columns"][0].said == "2024-12"  # one that it does not have


def test_the_page_is_sent_packed_to_a_browser_that_takes_it():
    fill(park(), date(2025, 1, 1), 3)
    response = somebody("Viewers").get(PAGE, headers={"accept-encoding": "gzip"})
    assert response["Content-Encoding"] == "gzip"


def test_from_a_cell_just_what_is_missing_there_can_be_imported():
    place = park()
    new_import(place, source="/of/long/ago")
    new_import(place, source="/where/it/came/from")
    new_import(place, source="themeparks-history-delisted:")  # which brings no days
    fill(place, date(2025, 1, 1), 3)
    url = f"{PAGE}?park={place.pk}&month=2025-01"
    text = somebody("Operators").get(url).content.decode()
    link = (
        f"/admin/imports/importcheckpoint/start/?park={place.pk}&amp;from=2025-01-01&amp;to=2025-01-31&amp;days=missing"
    )
    assert f'href="{link}&amp;source=%2Fwhere%2Fit%2Fcame%2Ffrom"' in text
    assert f'<tr data-park="{place.pk}" data-source="/where/it/came/from">' in text
    text = somebody("Viewers").get(url).content.decode()
    assert "importcheckpoint/start" not in text
    assert "/where/it/came/from" not in text
    assert "aria-multiselectable" not in text


def test_of_the_present_month_no_day_to_come_is_asked_for():
    place = park()
    today = timezone.now().date()
    fill(place, today - timedelta(days=40), 3)
    text = somebody("Operators").get(PAGE, {"park": place.pk, "month": f"{today:%Y-%m}"}).content.decode()
    assert f"from={today:%Y-%m}-01&amp;to={today}&amp;days=missing" in text


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
