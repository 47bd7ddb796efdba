"""The catalogue and storage in the admin: what stays as it is, and the two pages. Facts: test_admin_facts."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from tests.waiting import HANG_SECONDS
from warehouse.models import (
    EntityMetadata,
    MetadataChange,
    Park,
    Ride,
    StorageMetrics,
)
from warehouse.partitioning import partitions
from warehouse.server.dialect import is_mariadb
from warehouse.storage import measurement

NOW = datetime(2026, 11, 23, tzinfo=UTC)
STORAGE, PARTITIONS = "/admin/warehouse/storagemetrics/storage/", "/admin/warehouse/storagemetrics/partitions/"


@pytest.mark.parametrize("model", ["park", "ride", "entitymetadata", "metadatachange", "storagemetrics"])
def test_every_model_opens_with_and_without_rows(admin_client, snapshots, model):
    url = reverse(f"admin:warehouse_{model}_changelist")
    assert admin_client.get(url).status_code == 200
    ride = Ride.objects.create(park=Park.objects.create(park_name="P", themeparks_wiki_id="p" * 36), ride_name="R")
    snapshots.add("2026-11-01", ride_id=ride.ride_id)
    EntityMetadata.objects.create(ride=ride, themeparks_wiki_id="r" * 36, last_updated=NOW)
    MetadataChange.objects.create(ride=ride, changed_at=NOW, before={"ride_name": "Q"}, after={"ride_name": "R"})
    measurement.collect(NOW.date(), NOW)
    answer = admin_client.get(url)
    assert answer.status_code == 200
    first = answer.context["cl"].result_list[0]
    assert admin_client.get(reverse(f"admin:warehouse_{model}_change", args=[first.pk])).status_code == 200


@pytest.mark.parametrize("model", ["storagemetrics", "metadatachange"])
def test_history_cannot_be_added(admin_client, model):
    assert admin_client.get(reverse(f"admin:warehouse_{model}_add")).status_code == 403


# --- the pages --------------------------------------------------------------------------------------------------
def test_the_pages_open_on_an_empty_warehouse(admin_client, snapshots):
    assert "Nothing is measured yet" in admin_client.get(STORAGE).content.decode()
    page = admin_client.get(PARTITIONS).content.decode()
    assert "estimated: not measured yet" in page
    assert page.count("p2025") >= 12


def test_the_storage_page_shows_the_figures_of_the_report(admin_client, snapshots, settings):
    settings.STORAGE_CAPACITY_GB = 0.001
    snapshots.fill(20_000, "2026-10-01", 60)
    for days in (2, 1, 0):
        measurement.collect((NOW - timedelta(days=days)).date(), NOW - timedelta(days=days))
    page = admin_client.get(STORAGE).content.decode()
    assert "of its capacity of 0.0 GB" in page
    assert "20,000" in page
    assert "<polygon" in page
    assert "in 5 years" in page


def test_the_pages_ask_the_same_number_of_questions_whatever_there_is(
    admin_client, snapshots, django_assert_max_num_queries
):
    for days in range(40):
        StorageMetrics.objects.create(
            table_name=measurement.TABLE,
            measurement_date=NOW.date() - timedelta(days=days),
            measured_at=NOW,
            row_count=1,
            data_size_mb=1000 - days,
            index_size_mb=0,
        )
    snapshots.fill(1_000, "2026-10-01", 60)
    for url in (STORAGE, PARTITIONS):
        if not is_mariadb():
            admin_client.get(url)  # on MySQL one question was asked for the first time here, now and then
        with django_assert_max_num_queries(14) as captured:
            assert admin_client.get(url).status_code == 200
        counted = [q["sql"] for q in captured.captured_queries if "COUNT(*)" in q["sql"] and "snapshots" in q["sql"]]
        assert all("LIMIT" in sql for sql in counted)  # the boundary partitions alone, and no further than a limit


@pytest.mark.parametrize(
    ("module", "function", "failing"),
    [
        ("storage.status", "newest", "measurements"),
        ("storage.status", "disk_free_mb", "disk"),
        ("storage.status", "reckon", "forecast"),
        ("admin.storage_pages", "warnings", "warnings"),
        ("admin.charts.storage", "storage_over_time", "chart"),
    ],
)
def test_a_part_of_the_storage_page_that_fails_says_so_and_the_others_stand(
    admin_client, snapshots, monkeypatch, caplog, module, function, failing
):
    """By hand: they hold for every series (test_forecast_series), and no table or row makes one of them fail alone."""
    for days in (2, 1, 0):
        measurement.collect((NOW - timedelta(days=days)).date(), NOW - timedelta(days=days))

    def fail(*args):
        raise ZeroDivisionError("by hand")

    monkeypatch.setattr(f"warehouse.{module}.{function}", fail)
    response = admin_client.get(STORAGE)
    page = response.content.decode()
    assert response.status_code == 200
    assert f"The {failing} could not be worked out: ZeroDivisionError: by hand." in page
    assert response.context["failed"].keys() == {failing}
    assert f"The {failing} of the storage page could not be worked out" in caplog.text
    assert "On disk" in page
    assert ("<polygon" in page) == (failing != "chart")
    assert ("in 5 years" in page) == (failing != "forecast")
    assert ('<td class="name">rides</td>' in page) == (failing != "measurements")


def test_without_its_table_the_storage_page_says_what_failed(admin_client, snapshots):
    with connection.cursor() as cursor:
        cursor.execute("RENAME TABLE storage_metrics TO storage_metrics_aside")
    try:
        response = admin_client.get(STORAGE)
    finally:
        with connection.cursor() as cursor:  # a page that failed closes a connection older than CONN_MAX_AGE, 60 s
            cursor.execute("RENAME TABLE storage_metrics_aside TO storage_metrics")
    page = response.content.decode()
    assert response.status_code == 200
    assert "The history could not be worked out: ProgrammingError: " in page
    assert "What is measured cannot be shown" in page
    assert "Nothing is measured yet" not in page


def test_problems_with_partitions_are_shown_and_mended_by_a_button(admin_client, snapshots, monkeypatch):
    monkeypatch.setattr(partitions, "MAINTAIN_PATIENCE_SECONDS", HANG_SECONDS)
    snapshots.add("2024-05-05")
    page = admin_client.get(PARTITIONS).content.decode()
    assert "The boundary partition p_before_2025 of ride_status_snapshots holds 1 row" in page
    answer = admin_client.post(PARTITIONS, follow=True)
    today = timezone.now().date()
    assert f"to p{today.year + 1}{today.month:02}" in answer.content.decode()
    assert "Every month has its partition" in admin_client.post(PARTITIONS, follow=True).content.decode()


def test_a_blocked_table_is_an_error_message(admin_client, snapshots, another_session):
    reader = another_session()
    reader.query("SELECT 1 FROM ride_status_snapshots LIMIT 1")
    reader.store_result()
    answer = admin_client.post(PARTITIONS, follow=True).content.decode()
    assert "was in use for" in answer
    assert f"session {reader.thread_id()} (" in answer


def test_the_partitions_page_of_a_table_without_partitions(admin_client, snapshots, another_session):
    another_session(autocommit=True).query("ALTER TABLE ride_status_snapshots REMOVE PARTITIONING")
    page = admin_client.get(PARTITIONS).content.decode()
    assert "ride_status_snapshots is not partitioned" in page


def test_a_viewer_sees_the_pages_and_cannot_make_partitions(client, snapshots, django_user_model):
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    client.force_login(user)
    assert client.get(STORAGE).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_storagemetrics"))
    assert client.get(STORAGE).status_code == 200
    assert "Make the months" not in client.get(PARTITIONS).content.decode()
    assert client.post(PARTITIONS).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="maintain_partitions"))
    assert "Make the months" in client.get(PARTITIONS).content.decode()
    assert client.post(PARTITIONS).status_code == 302


# --- in a real browser ------------------------------------------------------------------------------------------
@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_pages_fit_a_desk_and_a_phone_in_light_and_dark(snapshots, logged_in_page, live_server, scheme):
    snapshots.fill(5_000, "2026-10-01", 600)
    for days in (1, 0):
        measurement.collect((NOW - timedelta(days=days)).date(), NOW - timedelta(days=days))
    page = logged_in_page
    page.emulate_media(color_scheme=scheme)
    colours = set()
    for url in (STORAGE, PARTITIONS):
        for width in (1280, 400):
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(live_server.url + url)
            page.locator(".storage svg").wait_for()
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            colours.add(page.evaluate("getComputedStyle(document.querySelector('.storage svg .s1')).fill"))
    assert colours == {"rgb(31, 111, 139)" if scheme == "light" else "rgb(79, 176, 207)"}
