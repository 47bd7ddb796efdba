"""Recurring jobs and groups: registered once, kept as operators left them, and safe in the admin."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.utils import timezone
from django_q.models import Failure, OrmQ, Schedule, Success, Task
from django_q.scheduler import scheduler
from django_q.tasks import async_task

from imports import tasks
from imports.metadata import sync as metadata_sync
from imports.workers import schedules
from imports.workers.models import Worker
from tests.clock import standing_still
from tests.imports.api_world import World
from tests.imports.desk import queries_of_a_page, somebody, touching_facts
from tests.imports.fault_server import fault_server
from tests.warehouse.export.planted import plant
from warehouse.export.folder import Folder
from warehouse.export.lock import Lock
from warehouse.models import Park

pytestmark = pytest.mark.django_db
SCHEDULES = "/admin/django_q/schedule/"


@pytest.fixture
def clock(db):
    """For what is due, or gone for 3 min, however long the test takes."""
    with standing_still() as clock:
        yield clock


def sync() -> str:
    out = StringIO()
    call_command("sync_schedules", stdout=out)
    return out.getvalue()


def schedule(name: str) -> Schedule:
    return Schedule.objects.get(name=name)


# --- registering --------------------------------------------------------------------------------------------------
def test_jobs_are_registered_once_however_often_it_is_called():
    assert "Check quality: registered, every day at 02:20 UTC" in sync()
    before = list(Schedule.objects.order_by("id").values())
    assert "registered" not in sync()
    assert list(Schedule.objects.order_by("id").values()) == before


def test_what_an_operator_changed_or_switched_off_stays_so():
    sync()
    Schedule.objects.filter(name="Check quality").update(repeats=0)
    Schedule.objects.filter(name="Collect live states").update(minutes=30)
    said = sync()
    assert "Check quality: switched off" in said
    assert "Collect live states: every 30 minutes" in said


def test_a_task_that_moved_is_followed_and_one_that_is_gone_is_removed():
    sync()
    Schedule.objects.filter(name="Check quality").update(func="quality.tasks.older_name", cron="0 5 * * *")
    Schedule.objects.create(name="Old job", func="warehouse.tasks.no_longer_there")
    Schedule.objects.bulk_create([Schedule(name="Theirs", func="elsewhere.tasks.unknown")])
    said = sync()
    assert schedule("Check quality").func == "quality.tasks.daily_check"
    assert schedule("Check quality").cron == "0 5 * * *"
    assert "Old job: removed" in said
    assert set(Schedule.objects.filter(name__in=["Old job", "Theirs"]).values_list("name", flat=True)) == {"Theirs"}


def test_a_job_whose_task_does_not_exist_is_left_out_and_said(monkeypatch):
    monkeypatch.setattr(schedules, "JOBS", (schedules.Job("Ghost", "warehouse.tasks.ghost", "none", minutes=1),))
    assert "Ghost: left out" in sync()
    assert not Schedule.objects.exists()


def test_a_job_that_hangs_on_a_setting_comes_and_goes_with_it(settings):
    assert "Export history: left out, EXPORT_TO is empty" in sync()
    settings.EXPORT_TO = "/data/export"
    assert "Export history: registered, every day at 05:20 UTC" in sync()
    settings.EXPORT_TO = ""
    assert "Export history: left out, EXPORT_TO is empty" in sync()
    assert not Schedule.objects.filter(name="Export history").exists()


def test_months_are_compacted_only_where_that_is_switched_on(settings):
    assert "Compact months: left out, COMPACT_MONTHLY is off" in sync()
    settings.COMPACT_MONTHLY = True
    assert "Compact months: registered, on day 10 of every month at 02:50 UTC" in sync()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("clock")
def test_every_job_is_a_task_that_can_be_called_and_due_ones_are_enqueued(settings):
    settings.EXPORT_TO, settings.ALERT_EMAILS = "/data/export", ["anna@example.org"]
    settings.COMPACT_MONTHLY = True
    sync()
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1))
    scheduler()
    assert {row.func() for row in OrmQ.objects.all()} == {job.func for job in schedules.JOBS}
    assert not Schedule.objects.filter(next_run__lt=timezone.now()).exists()


@pytest.fixture
def three_resorts(settings, tmp_path):
    """An API on loopback with three destinations of a park each; what was asked of it."""
    world = World()
    for n in (1, 2, 3):
        resort, park = f"1111111{n}-1111-4111-8111-111111111111", f"2222222{n}-2222-4222-8222-222222222222"
        entity = {"id": park, "name": f"Park {n}", "entityType": "PARK", "timezone": "Europe/Paris"}
        world.destinations.append({"id": resort, "name": f"Resort {n}", "parks": [{"id": park, "name": f"Park {n}"}]})
        world.entities[park] = entity
        world.children[resort] = world.children[park] = [entity]
    with fault_server(world.answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
        settings.THEMEPARKS_CACHE_DIR = str(tmp_path / "cache")
        yield server


@pytest.mark.django_db(transaction=True)
def test_the_metadata_sync_goes_on_slice_by_slice(three_resorts, monkeypatch):
    monkeypatch.setattr(metadata_sync, "SLICE_SECONDS", -1)
    begin, said = "", []
    while begin is not None:
        said.append(tasks.sync_metadata(begin))
        row = OrmQ.objects.first()
        begin = row.task["args"][0] if row else None
        OrmQ.objects.all().delete()
    assert [line.split("-")[0] for line in said] == ["goes on at 11111112", "goes on at 11111113", "done"]
    assert Park.objects.filter(timezone="Europe/Paris").count() == 3


@pytest.mark.django_db(transaction=True)
def test_the_export_goes_on_month_by_month_and_says_what_came_of_it(settings, tmp_path, monkeypatch):
    pytest.importorskip("pyarrow", reason="pyarrow is not installed (requirements-export.lock)")
    assert tasks.export_history() == "nothing to do: EXPORT_TO is empty"
    settings.EXPORT_TO = str(tmp_path)
    plant(rides=1, events_a_month=3)
    assert tasks.export_history("2025-02") == "2 months written, 0 unchanged"
    monkeypatch.setattr(tasks, "EXPORT_BEGINS_MONTHS_SECONDS", -1)
    assert tasks.export_history() == "0 months written, 0 unchanged; goes on at 2025-01"
    assert [(row.func(), row.task["args"]) for row in OrmQ.objects.all()] == [
        ("imports.tasks.export_history", ("2025-01",))
    ]
    monkeypatch.undo()
    with Lock(Folder(str(tmp_path))):
        assert "another export is at it" in tasks.export_history()
    assert tasks.export_history() == "1 month written, 2 unchanged"


# --- tasks and workers in the admin -------------------------------------------------------------------------------
def finished(n: int, *, success: bool) -> Task:
    now = timezone.now()
    return Task.objects.create(
        id=f"{n:032}",
        name=f"task {n}",
        func="quality.tasks.daily_check",
        group="Check quality",
        started=now,
        stopped=now,
        success=success,
        result="done" if success else "it broke : Traceback (most recent call last): ...",
    )


def test_whoever_sees_a_failed_task_cannot_run_it_again():
    """The pages that django-q2 brings let anybody who may view it do so."""
    failure = finished(1, success=False)
    for group in ("Viewers", "Operators", "Configurers"):
        client = somebody(group)
        text = client.get("/admin/django_q/failure/").content.decode()
        assert "it broke" in text
        assert "Resubmit" not in text
        client.post("/admin/django_q/failure/", {"action": "resubmit_task", "_selected_action": [failure.pk]})
        assert "Traceback" in client.get(f"/admin/django_q/failure/{failure.pk}/change/").content.decode()
    assert (OrmQ.objects.count(), Failure.objects.count()) == (0, 1)


def test_the_pages_of_workers_and_tasks_make_as_many_queries_for_many_as_for_few():
    client = somebody("Configurers")
    sync()
    counts = {}
    for upto in (2, 30):
        for n in range(upto - 2, upto) if upto == 2 else range(2, upto):
            finished(n, success=True)
            finished(100 + n, success=False)
            Worker.seen(f"host/{n}/1/0", "")
            async_task("quality.tasks.daily_check", group="Check quality")
        for name in ("imports/worker", "django_q/success", "django_q/failure", "django_q/ormq", "django_q/schedule"):
            with queries_of_a_page() as sql:
                assert client.get(f"/admin/{name}/").status_code == 200
            assert not touching_facts(sql)
            counts.setdefault(name, []).append(len(sql))
    assert all(few == many for few, many in counts.values()), counts
    assert Success.objects.count() == 30


@pytest.mark.usefixtures("clock")
def test_the_workers_page_tells_the_living_from_the_dead():
    Worker.seen("host-a/1/1/0", "import of a park")
    Worker.seen("host-b/2/1/0", "")
    Worker.objects.filter(name__startswith="host-b").update(seen_at=timezone.now() - timedelta(minutes=3))
    text = somebody("Viewers").get("/admin/imports/worker/").content.decode()
    assert "host-a, process 1" in text
    assert "import of a park" in text
    assert "gone, or frozen" in text
    assert "3 min ago" in text


# --- groups -------------------------------------------------------------------------------------------------------
def sync_groups(**options) -> str:
    out = StringIO()
    call_command("sync_groups", stdout=out, **options)
    return out.getvalue()


def codenames(group: str) -> set[str]:
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


def test_three_groups_are_made_each_with_what_the_one_before_has():
    sync_groups()
    viewers, operators, configurers = map(codenames, ("Viewers", "Operators", "Configurers"))
    assert all(name.startswith("view_") for name in viewers)
    assert {"view_importcheckpoint", "view_ridestatussnapshot", "view_dataqualitylog", "view_schedule"} <= viewers
    assert "operate_imports" in operators - viewers
    assert operators > viewers
    assert {"change_schedule", "add_parkhours", "change_parkhours"} <= configurers - operators
    assert not {name for name in configurers if "user" in name or "group" in name or name.startswith("delete_")}


def test_a_group_that_was_changed_is_kept_unless_it_is_to_be_reset():
    sync_groups()
    group = Group.objects.get(name="Operators")
    group.permissions.remove(*group.permissions.filter(codename="operate_imports"))
    assert "Operators: kept as it is; --reset would add operate_imports" in sync_groups()
    assert "operate_imports" not in codenames("Operators")
    sync_groups(reset=True)
    assert "operate_imports" in codenames("Operators")
