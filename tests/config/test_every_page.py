"""Every page of the admin, found in its addresses: each group opens what it may see, none gets an error; and whatever
a page changes leaves in the history who did it, with before and after."""

from collections.abc import Iterator
from datetime import date, timedelta
from io import StringIO

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, User
from django.core.management import call_command
from django.urls import URLPattern, URLResolver
from django.utils import timezone
from django_q.models import Schedule, Task
from django_q.tasks import async_task

from imports.live.models import LiveCollection, ParkFreshness
from imports.models import ImportCheckpoint
from imports.workers import standstill
from imports.workers.models import Worker
from quality.models import DataQualityLog
from tests.imports.desk import day_file, new_import, park, running, somebody
from tests.warehouse.admin.test_fact_pages import BEGIN, observe
from warehouse.models import (
    EntityMetadata,
    HoursType,
    MetadataChange,
    Park,
    ParkHours,
    Ride,
    StorageMetrics,
)

pytestmark = pytest.mark.django_db
OF_SUPERUSERS = {User, Group}
OF_OPERATORS = {AccessAttempt, AccessFailureLog, AccessLog}


@pytest.fixture
def filled() -> None:
    """A row of whatever the admin shows."""
    call_command("sync_schedules", stdout=StringIO())
    lake = park()
    lake.timezone = "Europe/Paris"
    lake.save()
    ride = Ride.objects.create(ride_id=1, park=lake, ride_name="Coaster", themeparks_wiki_id="r1")
    EntityMetadata.objects.create(
        ride=ride, themeparks_wiki_id="r1", entity_type="ATTRACTION", last_updated=timezone.now()
    )
    MetadataChange.objects.create(
        park=lake, changed_at=timezone.now(), before={"timezone": ""}, after={"timezone": "x"}
    )
    observe(ride.pk, BEGIN, lines=1)
    StorageMetrics.objects.create(
        measurement_date=date(2026, 1, 1),
        table_name="parks",
        row_count=1,
        data_size_mb=1,
        index_size_mb=1,
        measured_at=timezone.now(),
    )
    ParkHours.objects.create(
        park=lake, day=date(2025, 3, 1), type=HoursType.OPERATING, opens_at=BEGIN, closes_at=BEGIN + timedelta(hours=9),
        source="SCHEDULE", read_at=BEGIN,
    )  # fmt: skip
    checkpoint = new_import(lake)
    running(checkpoint)
    day_file(lake, date(2025, 3, 1), checkpoint=checkpoint)
    finding()
    LiveCollection.objects.create(started_at=timezone.now())
    ParkFreshness.objects.create(park=lake, collected_at=timezone.now())
    Worker.seen("host/1/1/0", "")
    for success in (True, False):
        Task.objects.create(
            id=f"{success:032}", name="n", func="f", group="Check quality", started=BEGIN, stopped=BEGIN,
            success=success, result="said",
        )  # fmt: skip
    async_task("quality.tasks.daily_check", group="Check quality")
    for model in OF_OPERATORS:
        model.objects.create(
            username="anna",
            ip_address="192.0.2.1",
            **({"failures_since_start": 5} if model is AccessAttempt else {}),
        )
    standstill.begin("anna")
    standstill.end("anna")
    ImportCheckpoint.objects.update(queued_at=None)


def finding() -> DataQualityLog:
    now = timezone.now()
    return DataQualityLog.objects.create(
        issue_type="GAP", reason="missing_days", entity_type="park", park_id=Park.objects.get().pk, timestamp_start=now,
        created_at=now, last_seen_at=now, description="a gap", fingerprint="f" * 64,
    )  # fmt: skip


def pages() -> Iterator[tuple[str, str, type | None]]:
    """(name, address, model) of every page, the first row of its model in its address where it is of one."""
    models = {f"{model._meta.app_label}/{model._meta.model_name}/": model for model in admin.site._registry}

    def walk(patterns, prefix: str, model):
        for each in patterns:
            route = str(each.pattern)
            if isinstance(each, URLResolver):
                yield from walk(each.url_patterns, prefix + route, models.get(prefix + route, model))
            elif isinstance(each, URLPattern) and each.name:
                found = _address(prefix, route, model)
                if found is not None:
                    yield each.name, f"/admin/{found}", model

    yield from walk(admin.site.get_urls(), "", None)


def _address(prefix: str, route: str, model) -> str | None:
    if "(" in route or "^" in route:  # the page of an app, and that of no page
        return None
    rows = {"park_id": Park, "ride_id": Ride, "checkpoint_id": ImportCheckpoint, "log_id": DataQualityLog}
    filled_in = []
    for part in route.split("/"):
        if part.startswith("<"):
            of = rows.get(part.strip("<>").partition(":")[2], model)
            row = of.objects.order_by("pk").first() if of else None
            part = str(row.pk) if row is not None else "1"
        filled_in.append(part)
    return prefix + "/".join(filled_in)


SKIPPED = {"logout", "autocomplete", "view_on_site", "jsi18n", "password_change", "password_change_done", "login"}


@pytest.mark.parametrize("group", ["Viewers", "Operators", "Configurers"])
def test_each_group_opens_every_page_that_it_may_see_and_none_gets_an_error(filled, group):
    client, opened = somebody(group), 0
    for name, address, model in pages():
        if name in SKIPPED:
            continue
        status = client.get(address).status_code  # an exception in a page fails here
        if model in OF_SUPERUSERS or (group == "Viewers" and model in OF_OPERATORS):
            assert status == 403, address
        elif name.endswith(("_changelist", "_change", "_history")):
            assert status == 200, address
        else:
            assert status in (200, 302, 301, 403, 404, 405), address
        opened += 1
    assert opened > 100


def test_whoever_may_nothing_sees_no_page(filled, client):
    client.force_login(User.objects.create_user("staff", is_staff=True))
    for _, address, model in pages():
        if model is not None:
            assert client.get(address).status_code != 200, address


# --- what a page changes --------------------------------------------------------------------------------------------
def _job(client) -> str:
    form = {"enabled": "on", "how": "day", "at": "04:15", "minutes": "", "cron": "", "weekday": "", "day": ""}
    client.post(f"/admin/django_q/schedule/{Schedule.objects.get(name='Check quality').pk}/change/", form)
    return "every day at 02:20 UTC → every day at 04:15 UTC"


def _job_off(client) -> str:
    pk = Schedule.objects.get(name="Check quality").pk
    client.post("/admin/django_q/schedule/", {"action": "switch_off", "_selected_action": [pk]})
    return "every day at 02:20 UTC → switched off"


def _park(client) -> str:
    row = Park.objects.get()
    shown = client.get(f"/admin/warehouse/park/{row.pk}/edit/").context["adminform"].form
    data = {name: shown[name].value() or "" for name in shown.fields}
    data |= {f"initial-{name}": value for name, value in data.items()}
    client.post(f"/admin/warehouse/park/{row.pk}/change/", data | {"timezone": "America/New_York"})
    return "timezone: Europe/Paris → America/New_York"


def _hours(client) -> str:
    row = ParkHours.objects.get()
    data = {"type": "CLOSED", "opens": "", "closes": "", "description": ""}
    client.post(f"/admin/warehouse/parkhours/{row.pk}/change/", data)
    return "→ closed"


def _partitions(client) -> str:
    client.post("/admin/warehouse/storagemetrics/partitions/")
    return "months ahead: "


def _import(client) -> str:
    checkpoint = ImportCheckpoint.objects.get()
    client.post(f"/admin/imports/importcheckpoint/{checkpoint.pk}/act/", {"action": "pause"})
    return "→ PAUSED"


def _everything(client) -> str:
    client.post("/admin/imports/pause/everything/", {"move": "pause", "why": "disk full"})
    return "Pause everything: "


CHANGES = [_job, _job_off, _park, _hours, _everything]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
def test_what_a_page_changes_is_in_the_history_with_who_before_and_after(filled, admin_client, admin_user, change):
    LogEntry.objects.all().delete()
    expected = change(admin_client)
    said = [entry.get_change_message() for entry in LogEntry.objects.filter(user=admin_user)]
    assert any(expected in each for each in said), said


@pytest.mark.django_db(transaction=True)
def test_partitions_that_a_page_makes_are_told_on_it_with_who_made_them(admin_client, admin_user):
    _partitions(admin_client)
    entries = [entry.get_change_message() for entry in LogEntry.objects.filter(user=admin_user)]
    text = admin_client.get("/admin/warehouse/storagemetrics/partitions/").content.decode()
    assert all(each in text for each in entries)
