"""Last night: facts since yesterday 18:00, and the same on home, by command and in a mail."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.db.models import F
from django.utils import timezone
from django_q.models import Task

from config.night import begin_of_night, night
from config.night.told import as_json, as_text, summary
from imports.live.models import LiveCollection
from imports.models import ImportCheckpoint
from quality.models import DataQualityLog
from tests.imports.desk import day_file, new_import, park, queries_of_a_page, running, somebody, touching_facts
from warehouse.models import Park, StorageMetrics

pytestmark = pytest.mark.django_db
NEW_YORK = ZoneInfo("America/New_York")


@pytest.mark.parametrize(
    ("now", "zone", "since"),
    [
        ("2026-07-02T06:00", UTC, "2026-07-01T18:00"),
        ("2026-07-02T23:59", UTC, "2026-07-01T18:00"),
        ("2026-07-02T06:00", NEW_YORK, "2026-07-01T22:00"),
        ("2026-07-02T03:00", NEW_YORK, "2026-06-30T22:00"),  # it is still the 1st there
        ("2026-03-08T12:00", NEW_YORK, "2026-03-07T23:00"),  # the clocks went on by an hour at night
        ("2026-07-02T06:00", ZoneInfo("Asia/Tokyo"), "2026-07-01T09:00"),
    ],
)
def test_it_begins_yesterday_at_18_by_the_clock_of_the_zone(now, zone, since):
    instants = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, since)]
    assert begin_of_night(instants[0], zone) == instants[1]


def task(n: int, stopped: datetime, success: bool = True, func: str = "quality.tasks.daily_check") -> None:
    Task.objects.create(id=f"{n}", name=f"{n}", func=func, started=stopped, stopped=stopped, success=success)


def finding(n: int, created_at: datetime, kind: str = "GAP") -> None:
    DataQualityLog.objects.create(
        issue_type=kind, reason="missing_days", entity_type="park", timestamp_start=created_at, created_at=created_at,
        last_seen_at=created_at, description="x", fingerprint=f"{n:064}",
    )  # fmt: skip


def collection(at: datetime, **counts) -> None:
    LiveCollection.objects.create(started_at=at, rows_read=counts.get("stored", 0), **counts)


def measurement(day: date, mb: float) -> None:
    at = datetime(day.year, day.month, day.day, 2, tzinfo=UTC)
    StorageMetrics.objects.create(
        table_name="rides", measurement_date=day, measured_at=at, row_count=1, data_size_mb=mb, index_size_mb=0
    )


@pytest.fixture
def busy_night():
    """And beside each of what it was, one of before."""
    now = timezone.now()
    since = begin_of_night(now, UTC)
    before, within = since - timedelta(hours=2), since + timedelta(minutes=1)
    old, done, failed, given_up = (running(new_import(park(n, name=f"Park {n}"))) for n in range(1, 5))
    for each in (old, done):
        each.complete()
    failed.fail("the disk is full")
    given_up.cancel("anna", "not needed")
    ImportCheckpoint.objects.filter(pk=done.pk).update(created_at=F("updated_at") - timedelta(hours=2))
    ImportCheckpoint.objects.filter(pk=done.pk).update(records_imported=500, updated_at=now)
    ImportCheckpoint.objects.filter(pk=old.pk).update(records_imported=7, updated_at=before)
    day_file(done.park, date(2024, 1, 1), stored=40, imported_at=within, checkpoint=done)
    day_file(done.park, date(2024, 1, 2), stored=40, imported_at=before, checkpoint=done)
    for n, (at, success) in enumerate([(before, False), (within, True), (within, False)]):
        task(n, at, success)
    task(9, within, func="config.tasks.tell_attention")
    for n, (at, kind) in enumerate([(before, "GAP"), (within, "GAP"), (within, "INVALID")]):
        finding(n, at, kind)
    collection(before, failed=3)
    collection(within, destinations=2, failed=1, stored=6)
    measurement(since.date() - timedelta(days=1), 90)
    measurement(since.date(), 100)
    measurement(now.date(), 112.5)
    return now


def test_facts_are_those_since_yesterday_evening_and_no_older_ones(busy_night):
    found = night(busy_night)
    assert (found.ended, found.failed, found.rows) == (3, 1, 500)
    assert [(each.park, each.failed, each.dismissed) for each in found.named] == [
        ("Park 3", True, False),
        *[(each.park, each.failed, each.dismissed) for each in found.named[1:]],
    ]
    (completed,) = [each for each in found.named if not each.failed]
    assert round(completed.seconds / 3600) == 2
    assert [(job.name, job.runs, job.failed, job.at_least) for job in found.jobs] == [("daily check", 2, 1, False)]
    assert found.findings == {"GAP": 1, "DUPLICATE": 0, "INVALID": 1, "MISSING_FIELD": 0}
    assert (found.collections, found.destinations_asked, found.destinations_answered) == (1, 3, 2)
    assert (found.rows_imported, found.rows_live) == (40, 6)
    assert found.growth_mb == 12.5
    assert summary(found) == "1 import failed; 1 job run failed; live data came in 66.7 % of the cases"
    assert not found.went_well


def test_a_dismissal_is_no_end(busy_night):
    long_ago = timezone.now() - timedelta(days=5)
    old = running(new_import(park(9)))
    old.fail("the disk is full")
    ImportCheckpoint.objects.filter(pk=old.pk).update(heartbeat_at=long_ago, created_at=long_ago)
    old.refresh_from_db()
    old.dismiss("anna", "known")
    assert night(busy_night).ended == 3


def test_runs_that_are_not_kept_any_more_are_not_taken_for_none(busy_night, settings):
    settings.Q_CLUSTER = {**settings.Q_CLUSTER, "save_limit": 1}
    (job,) = night(busy_night).jobs
    assert job.at_least
    assert "daily check: at least 2 runs, 1 failed" in "\n".join(as_text(night(busy_night)))


def test_a_night_in_which_nothing_ran_is_not_said_to_have_gone_well():
    assert summary(night(timezone.now())) == "No import ended and no job ran"


def test_home_says_it_by_the_clock_of_utc_or_of_a_park_and_keeps_the_choice(busy_night):
    operator = somebody("Operators")
    Park.objects.filter(park_name="Park 1").update(timezone="Asia/Tokyo")
    place = Park.objects.get(park_name="Park 1")
    assert operator.get("/admin/").context["home"].night.since.endswith(" 18:00 UTC")
    text = operator.get("/admin/", {"clock": place.pk}).content.decode()
    assert "18:00 Asia/Tokyo" in text
    assert "1 import failed" in text
    assert "18:00 Asia/Tokyo" in operator.get("/admin/home/now/").content.decode()
    assert operator.get("/admin/", {"clock": ""}).context["home"].night.since.endswith(" UTC")
    assert operator.get("/admin/home/now/").context["home"].night.since.endswith(" UTC")
    for nonsense in ("x", "9" * 30):
        assert operator.get("/admin/", {"clock": nonsense}).context["home"].night.since.endswith(" UTC")


def test_text_and_json_say_the_same(busy_night):
    found = night(busy_night)
    text = "\n".join(as_text(found))
    assert "Park 3, 2024-01-01 to 2024-01-31" in text
    assert "FAILED after " in text
    assert "the disk is full" in text
    told = json.loads(json.dumps(as_json(found), default=str))
    assert (told["failed"], told["zone"], told["live_share"]) == (1, "UTC", 2 / 3)


@pytest.mark.django_db(transaction=True)
def test_the_command_says_it_too():
    out = StringIO()
    with pytest.raises(SystemExit):  # no worker is alive
        call_command("status", "--night", "--json", stdout=out)
    assert json.loads(out.getvalue())["night"]["ended"] == 0


def test_it_takes_as_many_queries_for_much_as_for_little_and_reads_no_fact():
    counts = []
    for _ in range(2):
        for n in range(len(counts) * 6, len(counts) * 6 + 6):
            running(new_import(park(n))).fail("x")
            task(n, timezone.now(), func=f"imports.tasks.job_{n}")
            finding(n, timezone.now())
        with queries_of_a_page() as sql:
            night(timezone.now())
        assert not touching_facts(sql)
        counts.append(len(sql))
    assert counts[0] == counts[1]
