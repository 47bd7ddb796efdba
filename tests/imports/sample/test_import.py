"""A sample archive with every defect, imported: the tables hold what its generator says it put in, case by case."""

import json
import threading
from datetime import date

import pytest
from django.core.management import call_command
from django.db.models import Count, Sum
from django.db.models.functions import TruncMonth

from imports.archive.beginning import begin
from imports.archive.pipeline import run_import
from imports.archive.planning import plan
from imports.archive.request import Request
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.folder import FolderSource
from quality.models import DataQualityLog
from tests.imports.table_state import table_state
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot
from warehouse.partitioning import health
from warehouse.snapshot_id import RIDE_ID_MASK

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def archive(tmp_path):
    call_command(
        "create_sample_archive", str(tmp_path), days=30, events_per_day=400, destinations=2, seed=11,
        start=date(2024, 12, 20), with_defects=True, verbosity=0,
    )  # fmt: skip
    return tmp_path


def import_everything(archive):
    request = Request(FolderSource(archive), everything=True, first=date(2024, 12, 20), last=date(2025, 1, 18))
    return [(run_import(run, threading.Event()), run)[1] for run in begin(plan(request, date(2026, 1, 1)))]


def expected_ledger(manifest):
    """(park, day) -> outcome and counts, for the days from a park's first file on."""
    first_file = {park["uuid"]: park["first_file"] for resort in manifest["destinations"] for park in resort["parks"]}
    rows = {}
    for file in manifest["files"]:
        for park, counts in file["parks"].items():
            if file["date"] >= first_file[park]:
                nothing_of_it = file["outcome"] == "IMPORTED" and not counts["events_read"]
                rows[park, file["date"]] = ("NO_EVENTS" if nothing_of_it else file["outcome"], *(counts or {}).values())
    return rows


def test_the_tables_hold_what_the_generator_says_and_a_second_import_changes_nothing(archive):
    manifest = json.loads((archive / "sample-manifest.json").read_text())
    import_everything(archive)
    assert_what_the_generator_says(manifest)
    before = table_state()
    for run in import_everything(archive):
        assert (run.totals.stored, run.totals.findings) == (0, 0)
        assert run.totals.already_known > 0
    after = table_state()
    for table in ("snapshots", "queue rows", "rides", "findings"):
        assert after[table] == before[table], table


def assert_what_the_generator_says(manifest) -> None:
    columns = ("events_read", "stored", "already_known", "duplicates", "rejected")
    ledger = {
        (row.park.themeparks_wiki_id, str(row.file_date)): (row.outcome, *(getattr(row, name) for name in columns))
        for row in ImportedFile.objects.select_related("park").exclude(outcome="MISSING")
    }
    assert ledger == {
        key: value if len(value) > 1 else (value[0], 0, 0, 0, 0, 0)
        for key, value in expected_ledger(manifest).items()
        if value[0] != "MISSING"
    }

    found = sorted(
        (row.issue_type, row.reason, row.entity_type, row.evidence["entity"], row.source_file, row.occurrences)
        for row in DataQualityLog.objects.exclude(issue_type="GAP")
    )
    assert found == sorted(
        (row["kind"], row["reason"], row["entity_type"], row["entity_key"], row["file"], row["count"])
        for row in manifest["findings"]
        if row["kind"] != "GAP"
    )
    gaps = sorted(
        (row.evidence["entity"], str(row.timestamp_start.date()), row.occurrences)
        for row in DataQualityLog.objects.filter(issue_type="GAP")
    )
    assert gaps == sorted(
        (row["entity_key"], row["first_day"], row["count"]) for row in manifest["findings"] if row["kind"] == "GAP"
    )

    for resort in manifest["destinations"]:
        for told in resort["parks"]:
            park = Park.objects.get(themeparks_wiki_id=told["uuid"])
            rides = list(Ride.objects.filter(park=park).values_list("ride_id", flat=True))
            snapshots = RideStatusSnapshot.objects.filter(ride_id__in=rides)
            checkpoint = ImportCheckpoint.objects.get(park=park)
            waits = snapshots.filter(wait_time__isnull=False)
            queues = QueueData.objects.extra(  # the ride is in the snapshot's id
                where=[f"snapshot_id & {RIDE_ID_MASK} IN ({', '.join(map(str, rides))})"]
            )
            assert {
                "rides": len(rides),
                "records_imported": checkpoint.records_imported,
                "errors_encountered": checkpoint.errors_encountered,
                "snapshots": snapshots.count(),
                "snapshots_by_status": dict(snapshots.values_list("status").annotate(Count("pk")).order_by()),
                "snapshots_by_month": {
                    f"{month:%Y-%m}": count
                    for month, count in snapshots.annotate(month=TruncMonth("recorded_at"))
                    .values_list("month")
                    .annotate(Count("pk"))
                    .order_by()
                },
                "snapshots_with_wait": waits.count(),
                "wait_minutes": waits.aggregate(Sum("wait_time"))["wait_time__sum"],
                "queue_rows": dict(queues.values_list("queue_type").annotate(Count("pk")).order_by()),
            } == {name: told[name] for name in told if name not in ("uuid", "name", "slug", "first_file")}
    assert Park.objects.count() == manifest["totals"]["parks"]
    assert Ride.objects.count() == manifest["totals"]["rides"]
    assert health.health(date(2025, 1, 1)).boundary_rows == {}
