"""Every list of the admin as a CSV: as filtered, whole, in order, safe for spreadsheets, for whoever may see it."""

import csv
import socket
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import F
from django.test import RequestFactory
from django.utils.html import format_html

from imports.live.models import LiveCollection
from imports.models import ImportCheckpoint
from tests.imports.building import DESTINATION
from tests.imports.desk import day_file, new_import, park, running, somebody
from tests.warehouse.admin.day_pages import rows_of_csv, stand_still, text_of_csv
from warehouse.admin import keyset
from warehouse.admin.csv_files import STALLED_AFTER_SECONDS, csv_file
from warehouse.admin.list_csv import ListCsvAdmin, plain
from warehouse.history.answers.written import csv_lines
from warehouse.models import Park, Ride

pytestmark = pytest.mark.django_db
OURS = [model for model, page in admin.site._registry.items() if isinstance(page, ListCsvAdmin)]
FACTS = {"ridestatussnapshot", "queuedata"}  # nothing is shown of them before a range is chosen


def address(model, page: str = "changelist") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/" + ("csv/" if page == "csv" else "")


def test_every_list_can_be_taken_away():
    assert set(admin.site._registry) == set(OURS)


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_each_list_has_its_link_and_its_csv_a_heading(admin_client, model):
    taken = admin_client.get(address(model, "csv"))
    if model._meta.model_name in FACTS:
        assert taken.status_code == 302  # back to the form, which says what to choose
        return
    assert f'href="{address(model, "csv")}"' in admin_client.get(address(model)).content.decode()
    heading, *_ = csv.reader(StringIO(text_of_csv(taken)))
    assert all(heading)
    assert len(set(heading)) == len(heading)


# --- what it holds --------------------------------------------------------------------------------------------------
def test_the_link_carries_filter_search_and_order_and_the_csv_all_pages_of_it(admin_client):
    lake, hill = park(1, name="Lake"), park(2, name="Hill")
    for n in range(120):
        day_file(lake, date(2025, 1, 1) + timedelta(days=n), stored=n)
    day_file(lake, date(2024, 1, 1), outcome="MISSING")
    day_file(hill, date(2024, 1, 1))
    page = admin_client.get("/admin/imports/importedfile/?outcome__exact=IMPORTED&q=lake&o=-6&p=2")
    link = urlsplit(page.context["csv_url"])
    assert parse_qs(link.query) == {"outcome__exact": ["IMPORTED"], "q": ["lake"], "o": ["-6"]}
    rows = rows_of_csv(admin_client.get(f"{link.path}?{link.query}"))
    assert {row["park"] for row in rows} == {"Lake"}
    assert [row["stored"] for row in rows] == [str(n) for n in reversed(range(120))]


def test_the_file_says_what_it_is_of_and_when_it_was_taken(admin_client, monkeypatch):
    stand_still(monkeypatch, datetime(2026, 11, 26, 13, 5, tzinfo=UTC))
    taken = admin_client.get(address(ImportCheckpoint, "csv"))
    filtered = admin_client.get(address(ImportCheckpoint, "csv"), {"q": "lake"})
    assert taken["Content-Type"] == "text/csv; charset=utf-8"
    assert taken["Content-Disposition"] == 'attachment; filename="imports-2026-11-26-1305-utc.csv"'
    assert filtered["Content-Disposition"] == 'attachment; filename="imports-filtered-2026-11-26-1305-utc.csv"'
    assert taken.getvalue().startswith("\ufeff".encode())  # else Excel takes it for another encoding


def test_an_import_is_told_in_columns_of_their_own(admin_client):
    new_import(park(name="Parc Astérix"), status="PAUSED", records_imported=1234567, last_error="pause by anna")
    (row,) = rows_of_csv(admin_client.get(address(ImportCheckpoint, "csv")))
    assert row["park"] == "Parc Astérix"
    assert (row["status"], row["start date"], row["records imported"]) == ("PAUSED", "2024-01-01", "1234567")
    assert row["created at"].endswith("Z")
    assert "pause by anna" in row["details"]


@pytest.mark.parametrize(
    ("value", "cell"),
    [
        (format_html('<a href="/x">{}</a><span class="s">{}</span>', "<Lake> & hill", "2 km"), "<Lake> & hill 2 km"),
        (format_html("<div>{}</div><div>{}</div>", "one", "two"), "one two"),
        ("1,234,567", "1234567"),
        ("-1,234.5", "-1234.5"),
        ("1,2,3", "1,2,3"),
        ("-", None),
        (True, "yes"),
        (-5, -5),
        (["a", "b"], "a, b"),
    ],
)  # fmt: skip
def test_cells_are_text_without_tags_and_figures_without_separators(value, cell):
    assert plain(value) == cell


def test_what_a_spreadsheet_would_reckon_with_is_text_and_a_number_below_nought_is_a_number():
    cells = ["=1+1", "+1", "-1+1", "@A1", "\t=1", "\r=1", "a\nb", "\uff1d1", "-5", "-0.5", -5, -0.5, "a-b", None]
    (line,) = csv_lines([cells])
    (read,) = csv.reader(StringIO(line, newline=""))
    assert read == [
        "'=1+1", "'+1", "'-1+1", "'@A1", "'\t=1", "\\r=1", "a\nb", "'\uff1d1", "-5", "-0.5", "-5", "-0.5", "a-b", "",
    ]  # fmt: skip


def test_a_name_that_is_a_formula_is_text_in_the_list_of_its_park(admin_client):
    park(name='=HYPERLINK("http://elsewhere")')
    (row,) = rows_of_csv(admin_client.get(address(Park, "csv")))
    assert row["park name"] == '\'=HYPERLINK("http://elsewhere")'


# --- for whom -------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.model_name)
def test_whoever_may_not_see_a_list_cannot_take_it(client, model):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    assert client.get(address(model, "csv")).status_code == 403


def test_viewers_may_take_every_list_but_those_of_people():
    client = somebody("Viewers")
    for model in OURS:
        allowed = {403} if model._meta.app_label in ("auth", "axes") else {200, 302}
        assert client.get(address(model, "csv")).status_code in allowed, model


# --- at any length --------------------------------------------------------------------------------------------------
def pieces(queryset, *ordering, rows: int = 3) -> list[int]:
    found = list(keyset.in_pieces(queryset, ordering, rows))
    assert all(len(piece) <= rows for piece in found)
    return [row.pk for piece in found for row in piece]


@pytest.mark.parametrize(
    "ordering", [("pk",), ("tier", "pk"), ("-tier", "-pk"), ("park__park_name", "-tier", "pk"), ("-park", "ride_name")]
)
def test_pieces_are_the_list_in_its_order_where_values_are_lacking_or_alike(ordering):
    parks = [park(n, name=name) for n, name in enumerate(("Hill", "Lake", "hill"), 1)]
    Ride.objects.bulk_create(
        Ride(ride_id=n, park=parks[n % 3], ride_name=f"Ride {n:02}", tier=(None, 1, 2, None, 2)[n % 5])
        for n in range(1, 24)
    )
    expected = list(Ride.objects.order_by(*(F("park_id").desc() if name == "-park" else name for name in ordering)))
    assert pieces(Ride.objects.all(), *ordering) == [ride.pk for ride in expected]


def test_pieces_by_a_state_follow_the_order_of_the_states_that_the_server_sorts_by():
    for n, status in enumerate(("PAUSED", "PENDING", "FAILED", "COMPLETED", "PENDING", "FAILED", "PAUSED"), 1):
        new_import(park(n), status=status)
    for ordering in (("status", "pk"), ("-status", "pk")):
        expected = list(ImportCheckpoint.objects.order_by(*ordering).values_list("pk", flat=True))
        assert pieces(ImportCheckpoint.objects.all(), *ordering, rows=2) == expected


def test_a_long_list_is_asked_for_piece_by_piece_as_the_client_takes_it(
    admin_client, monkeypatch, django_assert_max_num_queries, django_assert_num_queries
):
    LiveCollection.objects.bulk_create(LiveCollection(started_at=datetime.now(UTC)) for _ in range(40))
    monkeypatch.setattr("warehouse.admin.keyset.ROWS_AT_ONCE", 10)
    monkeypatch.setattr("warehouse.admin.keyset.in_pieces.__defaults__", (10,))
    monkeypatch.setattr("warehouse.admin.csv_files.PIECE_CHARACTERS", 1)
    response = admin_client.get(address(LiveCollection, "csv"))
    sent = iter(response.streaming_content)
    for _ in range(1 + 10):  # the heading, and a piece
        next(sent)
    with django_assert_num_queries(1):
        for _ in range(10):
            next(sent)
    with django_assert_max_num_queries(3):
        assert len(list(filter(None, sent))) == 20


def test_a_client_that_stalls_is_cut_off():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        csv_file(RequestFactory().get("/", **{"gunicorn.socket": ours}), iter(["a"]), "name")
        assert ours.gettimeout() == STALLED_AFTER_SECONDS


def test_imports_under_way_are_asked_how_they_stand_all_at_once(admin_client, django_assert_max_num_queries):
    for n in range(1, 12):
        running(new_import(park(n, destination=f"{DESTINATION[:-2]}{n:02}")))
    with django_assert_max_num_queries(20):
        assert len(rows_of_csv(admin_client.get(address(ImportCheckpoint, "csv")))) == 11
