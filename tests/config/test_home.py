"""The home page: each figure is a link, what needs attention is said, and nobody sees what they may not look behind."""

import re
from contextlib import contextmanager
from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ, Schedule, Task

from config.home.page import link
from imports.admin import actions
from imports.live.models import ParkFreshness
from imports.models import ImportCheckpoint
from imports.workers import queue
from imports.workers.models import Worker
from quality import owed_checks
from quality.models import DataQualityLog, OwedCheck
from tests.clock import standing_still
from tests.imports.desk import (
    day_file,
    new_import,
    park,
    queries_of_a_page,
    running,
    somebody,
    touching_facts,
)
from tests.warehouse.conftest import another_session as another_session
from tests.warehouse.conftest import snapshots as snapshots
from warehouse.models import StaleDay, StorageMetrics
from warehouse.partitioning import health
from warehouse.rides import stale_days

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db):
    """A worker is seen alive, and a queue stands still for 20 min, however long the test takes."""
    with standing_still() as clock:
        yield clock


@pytest.fixture
def operator():
    return somebody("Operators")


def attention(client) -> list[str]:
    return [each.said for each in client.get("/admin/").context["home"].attention]


def figures(client) -> dict[str, dict[str, str]]:
    parts = client.get("/admin/").context["home"].parts
    return {part.title: {figure.label: figure.value for figure in part.figures} for part in parts}


def finding(n: int, kind: str = "GAP", **changes) -> DataQualityLog:
    now = timezone.now()
    return DataQualityLog.objects.create(
        issue_type=kind,
        reason="missing_days",
        entity_type="park",
        timestamp_start=now,
        created_at=now,
        last_seen_at=now,
        description=f"finding {n}",
        fingerprint=f"{n:064}",
        **changes,
    )


def test_an_empty_warehouse_opens_and_says_that_no_worker_is_alive(operator):
    assert operator.get("/admin/").status_code == 200
    assert any("No worker is alive" in said for said in attention(operator))
    assert figures(operator)["Archive"]["newest day"] == "none"


def test_figures_are_what_the_tables_hold(operator):
    Worker.seen("a", "import of a park")
    Worker.seen("b", "")
    running(new_import(park(1)))
    new_import(park(2)).queue()
    new_import(park(3), status="PAUSED")
    new_import(park(4), status="COMPLETED")
    for n, kind in enumerate(["GAP", "GAP", "INVALID"]):
        finding(n, kind)
    finding(9, "GAP", resolution_status="RESOLVED")
    today = timezone.now().date()
    day_file(ImportCheckpoint.objects.first().park, today - timedelta(days=2))
    day_file(ImportCheckpoint.objects.last().park, today - timedelta(days=30))
    day_file(ImportCheckpoint.objects.last().park, today - timedelta(days=1), "MISSING")
    found = figures(operator)
    assert found["Imports"] == {
        "running": "1",
        "waiting for a worker": "1",
        "paused": "1",
        "failed": "0",
        "dismissed": "0",
        "completed": "1",
    }
    of_kind = {"gap": "2", "duplicate": "0", "invalid": "1", "missing field": "0"}
    assert found["Open findings"] == of_kind | {"checks owed": "0"}
    assert found["Archive"]["newest day"] == f"{today - timedelta(days=2)}"
    assert found["Archive"]["parks behind by over 7 days"] == "1"
    assert found["Workers"]["alive"] == "2"
    assert found["Workers"]["busy"] == "1"


def test_what_a_person_ended_and_what_a_later_import_covers_needs_no_attention(operator):
    Worker.seen("a worker", "")

    def asked() -> list[str]:
        return [said for said in attention(operator) if "failed" in said or "died" in said]

    failed, cancelled = new_import(park(1), status="FAILED"), running(new_import(park(2)))
    abandoned = running(new_import(park(3)), queued=False, heartbeat_age=60)
    assert len(asked()) == 2
    cancelled.cancel("anna", "not wanted")
    assert len(asked()) == 2 and figures(operator)["Imports"]["dismissed"] == "1"
    for checkpoint in (failed, abandoned):
        new_import(checkpoint.park, status="COMPLETED")
    assert not asked() and figures(operator)["Imports"]["failed"] == "0"
    another = new_import(park(4), status="FAILED")
    assert figures(operator)["Imports"]["failed"] == "1"
    another.dismiss("anna", "known")
    assert not asked() and figures(operator)["Imports"]["failed"] == "0"


def test_every_figure_is_a_link_that_opens(operator):
    home = operator.get("/admin/").context["home"]
    links = {figure.url for part in home.parts for figure in part.figures} | {part.url for part in home.parts}
    assert "" not in links, "a figure leads nowhere"
    for url in links:
        assert operator.get(url).status_code == 200, url


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("failed import", "An import has failed"),
        ("dead command", "its command died"),
        ("silent park", "A park is open and has reported nothing for half an hour"),
        ("queue stands still", "The queue has not moved for 20 min although workers are alive"),
        ("overdue job", "A recurring job is overdue"),
        ("failed task", "A task failed in the last day"),
        ("storage", "of its capacity"),
        ("stale days", "2 days of 1 park wait to be added up anew, the first for 2 h"),
    ],
)
def test_what_needs_attention_is_said(operator, settings, trouble, says):
    now = timezone.now()
    Worker.seen("a worker", "")
    Worker.objects.update(started_at=now - timedelta(hours=3))
    assert not any(says in said for said in attention(operator))
    if trouble == "failed import":
        running(new_import(park())).fail("the disk is full")
    elif trouble == "dead command":
        running(new_import(park()), queued=False, heartbeat_age=300)
    elif trouble == "silent park":
        long_ago = now - timedelta(hours=2)
        ParkFreshness.objects.create(park=park(), collected_at=now, observed_at=long_ago, is_open=True)
    elif trouble == "queue stands still":
        queue.enqueue([new_import(park())])
        OrmQ.objects.update(lock=now - timedelta(minutes=20))
    elif trouble == "overdue job":
        Schedule.objects.create(
            name="Check quality", func="quality.tasks.daily_check", next_run=now - timedelta(hours=1)
        )
    elif trouble == "failed task":
        Task.objects.create(id="1", name="x", func="f", started=now, stopped=now, success=False, result="no")
    elif trouble == "storage":
        settings.STORAGE_CAPACITY_GB = 0.1
        StorageMetrics.objects.create(
            table_name="rides",
            measurement_date=now.date(),
            measured_at=now,
            row_count=1,
            data_size_mb=95,
            index_size_mb=1,
        )
    elif trouble == "stale days":
        today = now.date()
        stale_days.mark((7, today - timedelta(days=n)) for n in (0, 1, 2))  # these are not final yet
        stale_days.mark((1, today - timedelta(days=n)) for n in (9, 10))
        assert not any("added up" in said for said in attention(operator)), "not for long"
        StaleDay.objects.update(token=F("token") - (2 * 3_600_000 << stale_days.RANDOM_BITS))
    assert any(says in said for said in attention(operator)), attention(operator)


@pytest.mark.parametrize("until", [timedelta(hours=2), timedelta(minutes=3)])
def test_workers_that_have_just_come_back_are_not_to_be_restarted(operator, until):
    """The job was due an hour ago: nobody was there then, or, in the other case, a worker that went 3 minutes ago."""
    now = timezone.now()
    queue.enqueue([new_import(park())])
    OrmQ.objects.update(lock=now - timedelta(minutes=20))
    Schedule.objects.create(name="Check quality", func="quality.tasks.daily_check", next_run=now - timedelta(hours=1))
    Worker.seen("one of before", "")
    Worker.objects.update(started_at=now - timedelta(hours=5), seen_at=now - until)
    Worker.seen("one of now", "")
    restart = [said for said in attention(operator) if said.endswith("restart them")]
    assert len(restart) == (0 if until > timedelta(hours=1) else 2)


def test_too_few_partitions_and_a_boundary_partition_with_rows_are_said(operator, monkeypatch):
    Worker.seen("a worker", "")
    monkeypatch.setattr(health, "MONTHS_AHEAD_AT_LEAST", 1_000)
    assert any("make more" in said for said in attention(operator)), attention(operator)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
            "VALUES (1, 1, '1970-01-01', 'OPERATING', 1)"
        )
    assert any(re.match("The boundary partition p_before_.* holds rows", said) for said in attention(operator))


def test_a_page_that_does_not_exist_has_no_link():
    assert link("no_such_page") == ""


def test_running_imports_are_shown_and_refresh_themselves(operator):
    checkpoint = running(new_import(park(name="Magic Park")))
    text = operator.get("/admin/").content.decode()
    assert "Magic Park" in text
    assert 'data-moving="yes"' in text
    assert f'<tr data-key="{checkpoint.pk}">' in text


def test_the_latest_actions_of_everybody_are_shown(operator, django_user_model):
    anna = django_user_model.objects.create_user("anna")
    actions.act("pause", running(new_import(park())), anna)
    text = operator.get("/admin/").content.decode()
    assert "anna" in text
    assert "Pause: IN_PROGRESS" in text


def test_what_people_did_with_findings_is_among_the_latest_actions_and_what_the_system_did_is_not(operator):
    finding(1)
    row = DataQualityLog.objects.get()
    DataQualityLog.transition([row.pk], "INVESTIGATING", by="anna", now=timezone.now())
    DataQualityLog.transition([row.pk], "RESOLVED", by="", now=timezone.now(), note="filled")
    (action,) = operator.get("/admin/").context["home"].actions
    assert (action.who, action.what, action.said) == ("anna", str(row), "OPEN to INVESTIGATING")
    assert operator.get(action.url).status_code == 200


def test_somebody_without_permissions_sees_the_page_and_no_figure(client, django_user_model):
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    running(new_import(park(name="Magic Park")))
    response = client.get("/admin/")
    assert response.status_code == 200
    assert (response.context["home"].parts, response.context["home"].attention) == ([], [])
    assert "Magic Park" not in response.content.decode()


def test_the_page_makes_as_many_queries_for_much_as_for_little_and_reads_no_fact(operator):
    counts = []
    for upto in (2, 40):
        for n in range(ImportCheckpoint.objects.count() + 1, upto + 1):
            place = park(n)
            running(new_import(place))
            day_file(place, timezone.now().date() - timedelta(days=n))
            finding(n)
            Worker.seen(f"worker {n}", "")
            ParkFreshness.objects.create(park=place, collected_at=Now(), is_open=False)
        with queries_of_a_page() as sql:
            assert operator.get("/admin/").status_code == 200
        assert not touching_facts(sql)
        assert not [each for each in sql if "COUNT" in each and "ride_status_snapshots" in each]
        counts.append(len(sql))
    assert counts[0] == counts[1]


# --- a part that fails --------------------------------------------------------------------------------------------
ALL_PARTS = ["Imports", "Open findings", "Archive", "Live", "Waits and downtime", "Storage", "Partitions", "Workers"]


@contextmanager
def without(table: str):
    """As after a migration that was not run, or a table that was lost."""
    with connection.cursor() as cursor:
        cursor.execute(f"RENAME TABLE {table} TO {table}_aside")
    try:
        yield
    finally:
        with connection.cursor() as cursor:  # another: behind a part that failed, the page closes an old connection
            cursor.execute(f"RENAME TABLE {table}_aside TO {table}")


@pytest.mark.parametrize(
    ("table", "failing"),
    [
        ("import_checkpoints", {"Imports", "Under way", "Last night"}),
        ("data_quality_log", {"Open findings", "Latest actions", "Last night"}),
        ("import_files", {"Archive", "Last night"}),
        ("live_collections", {"Live", "Last night"}),
        ("ride_days", {"Waits and downtime"}),
        ("storage_metrics", {"Storage", "Last night"}),
        ("ride_status_snapshots", {"Partitions"}),
        ("django_q_task", {"Workers", "Last night"}),
        ("django_admin_log", {"Latest actions"}),
    ],
)
def test_a_part_that_fails_says_so_and_the_others_stand(snapshots, operator, caplog, table, failing):
    Worker.seen("a worker", "")
    with without(table):
        response = operator.get("/admin/")
    assert response.status_code == 200
    home = response.context["home"]
    failed = {part.title: part.figures for part in home.parts if part.figures[0].label == "trouble"}
    assert set(failed) == failing
    assert {part.title for part in home.parts} == {*ALL_PARTS, *failing}
    for title, (figure,) in failed.items():
        assert re.match(r"could not be worked out: \w+Error: .*" + table, figure.value)
        assert figure.trouble
        assert f"{title} could not be worked out" in [each.said for each in home.attention]
        assert f"{title} on the home page could not be worked out" in caplog.text
    assert "Traceback" in caplog.text
    assert "Nothing needs attention" not in response.content.decode()
    assert "trouble" not in {
        figure.label for part in operator.get("/admin/").context["home"].parts for figure in part.figures
    }


def test_a_refresh_brings_what_the_page_shows_and_a_part_that_fails_takes_it_not(snapshots, operator):
    running(new_import(park(name="Magic Park"))).fail("the disk is full")
    with without("storage_metrics"):
        answer = operator.get("/admin/home/now/")
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "An import has failed" in text
    assert "Storage could not be worked out" in text
    assert re.search(r"As of <time [^>]+>\d\d:\d\d:\d\d UTC</time>", text)
    assert "no-store" in answer["Cache-Control"]


def test_a_refresh_is_for_who_has_signed_in(client):
    assert client.get("/admin/home/now/")["Location"].startswith("/admin/login/")


def test_without_javascript_the_page_reloads_itself_slowly_and_while_an_import_moves_quickly(operator):
    assert '<meta http-equiv="refresh" content="60">' in operator.get("/admin/").content.decode()
    running(new_import(park()))
    assert '<meta http-equiv="refresh" content="10">' in operator.get("/admin/").content.decode()


def test_a_list_that_fails_is_not_half_there_and_the_figures_beside_it_stand(snapshots, operator):
    running(new_import(park())).fail("the disk is full")
    Worker.seen("a worker", "")
    with without("import_files"):
        running(new_import(park(2)))
        home = operator.get("/admin/").context["home"]
    titles = [part.title for part in home.parts]
    assert len(titles) == len(set(titles))
    assert "Under way" in titles  # its pace is that of the day files
    assert (home.imports, home.moving) == ([], False)
    assert any("An import has failed" in each.said for each in home.attention)  # of Imports, which stands


def test_an_action_that_cannot_be_read_takes_no_page_with_it(operator, django_user_model):
    """The change message is JSON that the admin wrote, or whoever wrote the row by hand."""
    actions.act("pause", running(new_import(park())), django_user_model.objects.create_user("anna"))
    LogEntry.objects.update(change_message="[1]")
    home = operator.get("/admin/").context["home"]
    (part,) = [part for part in home.parts if part.title == "Latest actions"]
    assert part.figures[0].value.startswith("could not be worked out: TypeError: ")
    assert home.actions == []


def test_a_connection_that_is_lost_in_one_part_is_opened_anew_for_the_next(snapshots, operator, another_session):
    killer = another_session(autocommit=True)
    killed = []

    def kill_at_storage(execute, sql, params, many, context):
        if "storage_metrics" in sql and not killed:
            killed.append(connection.connection.thread_id())
            killer.query(f"KILL {killed[0]}")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(kill_at_storage):
        response = operator.get("/admin/")
    assert (response.status_code, len(killed)) == (200, 1)
    failed = [part.title for part in response.context["home"].parts if part.figures[0].label == "trouble"]
    assert failed == ["Storage"]


def test_a_check_that_is_owed_for_long_is_said(operator, clock):
    owed_checks.owe(park_id=park().pk, first_day=date(2024, 1, 1), last_day=date(2024, 1, 31), cause="imp_1")
    said = "An import has brought in days that were not checked since: manage.py check_quality --owed does it now"
    assert figures(operator)["Open findings"]["checks owed"] == "1"
    assert said not in attention(operator), "it may be under way"
    OwedCheck.objects.update(owed_since=Now() - timedelta(minutes=20))
    assert said in attention(operator)
