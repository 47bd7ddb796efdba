"""The month partitions that an import makes: those of its rows, one by one, and no other."""

import threading
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from imports.archive.pipeline import ImportFailed, run_import
from imports.models import ImportStatus
from tests.imports.building import event, import_all, runs, write_day
from tests.waiting import HANG_SECONDS
from tests.warehouse.conftest import FIRST_PARTITIONS
from tests.warehouse.conftest import another_session as another_session
from tests.warehouse.conftest import snapshots as snapshots
from warehouse.partitioning import partitions

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def months_made(snapshots):
    """The partitions that a new warehouse has not."""
    return lambda: [name for name in snapshots.partition_names() if name not in FIRST_PARTITIONS]


def test_months_are_made_for_the_rows_alone_and_before_the_first_of_them(tmp_path, months_made):
    write_day(tmp_path, [event("10:00:00Z", day=date(2021, 7, 3))], date(2021, 7, 3))
    write_day(tmp_path, [event("10:00:00Z", day=date(2022, 2, 1))], date(2022, 2, 1))
    runs(tmp_path)
    assert months_made() == ["p_before_202107", "p202107", "p_between_202108_202501"]  # of the file that was looked at
    assert import_all(tmp_path).stored == 2
    assert months_made() == [
        "p_before_202107", "p202107", "p_between_202108_202202", "p202202", "p_between_202203_202501",
    ]  # fmt: skip


def test_one_event_of_2016_in_a_file_of_2025_makes_one_month(tmp_path, months_made):
    day = date(2025, 3, 1)
    write_day(tmp_path, [event(day=day), event("2016-03-09T10:00:00Z"), event("1969-03-09T10:00:00Z")], day)
    totals = import_all(tmp_path)
    assert (totals.stored, totals.rejected) == (2, 1)
    assert months_made() == ["p_before_201603", "p201603", "p_between_201604_202501"]


def test_days_without_a_file_make_no_months(tmp_path, months_made):
    for day in (date(2020, 1, 1), date(2021, 12, 31)):
        write_day(tmp_path, [event(day=day)], day)
    import_all(tmp_path)
    assert [name for name in months_made() if name.startswith("p20")] == ["p202001", "p202112"]


def test_a_file_of_nothing_that_can_be_stored_makes_no_month(tmp_path, months_made):
    write_day(tmp_path, [event(day=date(2020, 1, 1), status="ODD")], date(2020, 1, 1))
    write_day(tmp_path, [event(day=date(2025, 1, 1))], date(2025, 1, 1))
    import_all(tmp_path)
    assert months_made() == []


def test_a_worker_that_finds_the_table_in_use_puts_the_import_back(tmp_path, snapshots, another_session, monkeypatch):
    for day in (date(2021, 12, 31), date(2022, 3, 1)):
        write_day(tmp_path, [event(day=day)], day)
    (run,) = runs(tmp_path)
    run.slice_seconds = HANG_SECONDS
    (checkpoint,) = run.checkpoints
    checkpoint.queue()
    reader = another_session()

    def read(run, step):
        reader.query("SELECT COUNT(*) FROM ride_status_snapshots")
        reader.store_result()

    monkeypatch.setitem(partitions.ensure_months.__kwdefaults__, "patience_seconds", 0.3)
    with pytest.raises(ImportFailed, match=f"was in use for .*session {reader.thread_id()}"):
        run_import(run, threading.Event(), read)
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.worker) == (ImportStatus.IN_PROGRESS, "")
    assert checkpoint.queued_at is not None
    assert "was in use" in checkpoint.last_error


def test_a_dry_run_counts_the_months_that_would_be_made(tmp_path, snapshots):
    for day in (date(2020, 1, 1), date(2021, 12, 31)):
        write_day(tmp_path, [event(day=day)], day)
    out = StringIO()
    call_command("import_archive", "--source", str(tmp_path), "--all", "--dry-run", stdout=out)
    assert "2 month partitions would be added" in out.getvalue()
    assert snapshots.partition_names() == FIRST_PARTITIONS
