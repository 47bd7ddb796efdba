"""The daily tasks do what the commands do, and twice does no harm."""

import pytest

from warehouse import tasks
from warehouse.models import StorageMetrics
from warehouse.partitioning import partitions


def test_storage_is_measured_and_warned_of(snapshots, settings, caplog):
    settings.STORAGE_CAPACITY_GB = 0.001
    assert "tables measured; The warehouse takes" in tasks.collect_storage_metrics()
    assert "of its capacity" in caplog.text
    tasks.collect_storage_metrics()
    assert StorageMetrics.objects.filter(table_name=partitions.TABLE).count() == 1


def test_months_are_made_ahead_and_rows_in_boundary_partitions_warned_of(snapshots, caplog):
    snapshots.add("1999-01-01")
    assert "months made; The boundary partition p_before_2025" in tasks.maintain_partitions()
    assert "holds 1 row" in caplog.text
    assert tasks.maintain_partitions().startswith("0 months made")


def test_a_table_that_is_in_use_is_left_for_the_next_time(snapshots, another_session, monkeypatch):
    monkeypatch.setattr(tasks, "PATIENCE_SECONDS", 0.1)
    reader = another_session()
    reader.query("SELECT 1 FROM ride_status_snapshots LIMIT 1")
    reader.store_result()
    with pytest.raises(partitions.PartitionsBlocked):
        tasks.maintain_partitions()
