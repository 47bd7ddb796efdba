"""Measuring on the real server: sizes against the files, counts remembered, backfills told apart."""

import random
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection

from imports.models import FileOutcome, ImportedFile
from warehouse.models import Park, PartitionMetrics, QueueData, RideStatusSnapshot, StorageMetrics
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog
from warehouse.server.dialect import is_mariadb
from warehouse.snapshot_id import snapshot_id_of
from warehouse.storage import measurement, report, status

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


def collect(now: datetime = NOW, **options) -> dict[str, StorageMetrics]:
    return {metrics.table_name: metrics for metrics in measurement.collect(now.date(), now, **options)}


def counted() -> set[str]:
    """The partitions that the last collection counted."""
    last = max(PartitionMetrics.objects.filter(table_name=TABLE).values_list("measured_at", flat=True))
    return set(
        PartitionMetrics.objects.filter(table_name=TABLE, counted_at=last).values_list("partition_name", flat=True)
    )


def test_sizes_agree_with_the_files_right_after_a_load(new_files):
    new_files.fill(100_000, "2025-02-01", 50)  # 57 days, two partitions
    measured = collect()[TABLE]
    assert measured.row_count == 100_000
    directory = catalog.data_directory()
    if directory is None:
        pytest.skip("the database server is on another machine")
    files = (directory / connection.settings_dict["NAME"]).glob(f"{TABLE}*.ibd")
    on_disk = sum(file.stat().st_size for file in files)
    assert on_disk > 20_000_000
    assert float(measured.file_size_mb) * 1e6 == pytest.approx(on_disk, rel=0.01)
    # data and indexes lie in those files, whose room InnoDB takes in steps of 4 MB
    assert 10_000_000 < float(measured.data_size_mb + measured.index_size_mb) * 1e6 < on_disk
    weights = PartitionMetrics.objects.get(table_name=TABLE, partition_name="p202502")
    assert weights.data_bytes + weights.index_bytes > 5_000_000


def test_every_table_of_ours_is_measured_and_no_other(snapshots):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {TABLE}_unpartitioned_backup (snapshot_id BIGINT PRIMARY KEY)")
    tables = set(collect())
    assert {TABLE, "queue_data", "parks", "import_files", "data_quality_log", f"{TABLE}_unpartitioned_backup"} <= tables
    assert not tables & {"auth_user", "django_session", "django_q_task", "django_migrations"}


def test_again_on_one_day_replaces_that_days_figures(snapshots):
    collect()
    snapshots.add("2026-11-01")
    collect(NOW + timedelta(hours=5))
    assert StorageMetrics.objects.get(table_name=TABLE).row_count == 1


def test_growth_is_per_day_since_the_measurement_before(new_files):
    before = collect(NOW - timedelta(days=4))[TABLE]
    assert before.growth_rate_mb_per_day is None
    new_files.fill(20_000, "2026-11-01", 60)
    after = collect()[TABLE]
    added = after.data_size_mb + after.index_size_mb - before.data_size_mb - before.index_size_mb
    assert added > 1
    assert float(after.growth_rate_mb_per_day) == pytest.approx(float(added) / 4, abs=0.01)


def test_a_closed_month_is_counted_once_and_again_when_it_changed(changes_are_shown, snapshots):
    snapshots.add("2025-03-01", "2025-04-01", "2026-11-01")
    collect()
    assert len(counted()) == 26
    assert collect(NOW + timedelta(days=1))[TABLE].row_count == 3
    assert counted() == {"p_before_2025", "p202610", "p202611", "p_future"}
    snapshots.add("2025-04-02")
    assert collect(NOW + timedelta(days=2))[TABLE].row_count == 4
    assert counted() == {"p_before_2025", "p202504", "p202610", "p202611", "p_future"}
    collect(NOW + timedelta(days=33))
    assert "p202503" in counted()  # and every month from time to time


def test_rows_are_told_as_they_were_counted_but_for_months_that_may_have_changed_since(changes_are_shown, snapshots):
    """What is kept is set to a number that nobody could count, to see who is asked."""
    snapshots.add("2025-03-01", "2025-04-01", "2026-11-01")
    collect()
    PartitionMetrics.objects.update(row_count=1000)
    snapshots.add("2025-04-02")
    later = NOW + timedelta(hours=5)
    told = {partition.name: (rows, at) for partition, rows, at in measurement.row_counts(later)}
    assert {name: rows for name, (rows, at) in told.items() if at == later} == {
        "p_before_2025": 0,
        "p202504": 2,
        "p202610": 0,
        "p202611": 1,
        "p_future": 0,
    }
    assert told["p202503"] == (1000, NOW) and len(told) == 26
    assert set(PartitionMetrics.objects.values_list("row_count", flat=True)) == {1000}  # only reads


def test_an_import_is_seen_in_the_ledger_even_when_the_server_has_forgotten(changes_are_shown, snapshots):
    snapshots.add("2025-04-01")
    collect()
    snapshots.add("2025-04-02")
    catalog.analyze(TABLE)  # as a restart would: the server's own counter of changes begins at 0
    figures = catalog.sizes(TABLE)["p202504"]
    PartitionMetrics.objects.filter(table_name=TABLE, partition_name="p202504").update(
        rows_estimate=figures.rows_estimate
    )
    assert collect(NOW + timedelta(days=1))[TABLE].row_count == 1
    ledger("2025-04-02", NOW + timedelta(hours=1), stored=1)
    assert collect(NOW + timedelta(days=2))[TABLE].row_count == 2


def test_queue_rows_are_counted_by_the_month_of_their_snapshot(snapshots):
    for instant in ("1969-07-20", "2025-03-31", "2025-04-01", "2026-11-01"):
        queue_row(snapshots, instant)
    assert collect()["queue_data"].row_count == 4
    by_month = dict(
        PartitionMetrics.objects.filter(table_name="queue_data", row_count__gt=0).values_list(
            "partition_name", "row_count"
        )
    )
    assert by_month == {"p_before_2025": 1, "p202503": 1, "p202504": 1, "p202611": 1}
    queue_row(snapshots, "2025-04-30 23:59")
    assert collect(NOW + timedelta(days=1))["queue_data"].row_count == 5


def queue_row(snapshots, instant: str) -> None:
    snapshots.add(instant)
    milliseconds = int(datetime.fromisoformat(instant).replace(tzinfo=UTC).timestamp() * 1000)
    QueueData.objects.create(snapshot_id=snapshot_id_of(1, milliseconds), queue_type="SINGLE_RIDER")


def ledger(day: str, imported_at: datetime, stored: int) -> None:
    park, _ = Park.objects.get_or_create(park_name="Magic Kingdom", themeparks_wiki_id="m" * 36)
    ImportedFile.objects.create(
        park=park,
        file_date=date.fromisoformat(day),
        source_file="a.json.gz",
        outcome=FileOutcome.IMPORTED,
        events_read=stored,
        stored=stored,
        imported_at=imported_at,
    )


def test_rows_of_days_long_past_are_a_backfill(snapshots):
    ledger("2026-11-01", NOW - timedelta(days=6), stored=5)  # before the first measurement
    assert collect(NOW - timedelta(days=2))[TABLE].backfill_rows == 5
    ledger("2026-11-19", NOW - timedelta(days=1), stored=70)  # 22nd: the archive trails by three days
    ledger("2026-11-18", NOW - timedelta(days=1), stored=600)
    ledger("2022-01-01", NOW + timedelta(hours=1), stored=8_000)  # after this measurement
    measured = collect()
    assert measured[TABLE].backfill_rows == 600
    assert measured["queue_data"].backfill_rows == 0


def test_estimates_are_taken_from_the_statistics(snapshots):
    snapshots.fill(20_000, "2025-02-01", 60)
    estimated = collect(estimate=True)[TABLE]
    assert estimated.row_count == pytest.approx(20_000, rel=0.3 if is_mariadb() else 0.5)  # MySQL said 26,324 once
    assert counted() == set()
    assert collect(NOW + timedelta(hours=1))[TABLE].row_count == 20_000


def test_a_table_without_partitions_is_counted_whole(snapshots):
    snapshots.add("2025-03-01", "2026-03-01")
    collect()
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} REMOVE PARTITIONING")
    assert collect()[TABLE].row_count == 2
    assert not PartitionMetrics.objects.exists()


def test_without_the_right_to_see_files_sizes_are_said_to_be_estimated(snapshots):
    snapshots.add("2025-03-01")
    database, known = connection.settings_dict["NAME"], connection.settings_dict["USER"]
    user = f"{database[-26:]}_owner"  # 32 letters are MySQL's most
    with connection.cursor() as cursor:
        cursor.execute(f"DROP USER IF EXISTS '{user}'@'%'")
        cursor.execute(f"CREATE USER '{user}'@'%%' IDENTIFIED BY %s", [connection.settings_dict["PASSWORD"]])
        cursor.execute(f"GRANT ALL ON {database}.* TO '{user}'@'%'")
    connection.close()
    connection.settings_dict["USER"] = user
    try:
        out = StringIO()
        call_command("collect_storage_metrics", "--report", stdout=out)
        assert "estimated" in out.getvalue()
        assert "grant the database user PROCESS" in out.getvalue()
        assert StorageMetrics.objects.get(table_name=TABLE).file_size_mb is None
    finally:
        connection.close()
        connection.settings_dict["USER"] = known
        with connection.cursor() as cursor:
            cursor.execute(f"DROP USER '{user}'@'%'")


# --- the command ------------------------------------------------------------------------------------------------
def command(*arguments: str) -> str:
    out = StringIO()
    with time_machine.travel(NOW):
        call_command("collect_storage_metrics", *arguments, stdout=out)
    return out.getvalue()


def plant(days: int, mb_per_day: int, last_mb: int = 100_000) -> None:
    """A measurement of the fact table for each of the days before NOW."""
    StorageMetrics.objects.bulk_create(
        StorageMetrics(
            table_name=TABLE,
            measurement_date=NOW.date() - timedelta(days=ago),
            measured_at=NOW - timedelta(days=ago),
            row_count=1,
            data_size_mb=last_mb - ago * mb_per_day,
            index_size_mb=0,
        )
        for ago in range(1, days)
    )


def test_the_report_shows_tables_forecast_and_coarser_rows(snapshots):
    snapshots.fill(14 * 1_440, "2026-11-01", 60)
    out = command("--report")
    assert "2026-11-23: " in out
    assert "A snapshot takes " in out
    assert "A forecast needs measurements of two days" in out
    raw, hourly, daily = (line.split() for line in out.splitlines()[-3:])
    assert (raw[-3:], hourly[-3], daily[-3]) == (["1,440", raw[-2], "100%"], "1,200", "50")  # 50 rides, 24 hours
    assert "In 5 years" not in out


def plant_a_year(noise_mb: float, backfill_days: range) -> None:
    """10 MB and 40,000 rows a day in two tables, files a quarter larger, on some days ten times that by a backfill."""
    rng = random.Random(11)
    rows, size = 1_000_000, 250.0
    for ago in range(365, 0, -1):
        backfilled = 400_000 if ago in backfill_days else 0
        rows += 40_000 + backfilled
        size += 10 + backfilled / 4_000
        seen = size + rng.uniform(-noise_mb, noise_mb)
        for table, share in ((TABLE, 0.7), ("queue_data", 0.3)):
            StorageMetrics.objects.create(
                table_name=table,
                measurement_date=NOW.date() - timedelta(days=ago),
                measured_at=NOW - timedelta(days=ago),
                row_count=rows * share,
                data_size_mb=seen * share * 0.6,
                index_size_mb=seen * share * 0.4,
                file_size_mb=seen * share * 1.25,
                backfill_rows=backfilled * share if table == TABLE else 0,
            )


@pytest.mark.parametrize("backfill_days", [range(20, 23), range(5, 25), range(1, 31)])
def test_a_planted_year_with_noise_and_a_backfill_is_predicted_within_ten_percent(snapshots, backfill_days):
    plant_a_year(noise_mb=8, backfill_days=backfill_days)
    found = status.storage().forecast
    assert found.growth_mb_per_day.likely == pytest.approx(10 * 1.25, rel=0.1)
    for years in (1, 3, 5):
        assert found.years[years].likely - found.disk_mb == pytest.approx(12.5 * 365.25 * years, rel=0.1)
    assert abs(found.backtest.error_percent) < 10


def test_the_forecast_is_read_from_what_was_measured(snapshots, settings):
    settings.STORAGE_CAPACITY_GB = 120.0
    plant(days=100, mb_per_day=10)
    found = status.storage()
    assert found.forecast.growth_mb_per_day.likely == pytest.approx(10)
    assert found.forecast.backtest.error_percent == pytest.approx(0)
    assert found.forecast.days_to_capacity.likely == pytest.approx((120_000 - 99_990) / 10)
    text = "\n".join(report.lines(status.newest(found.points), None, found.forecast, None, estimated=False))
    assert "Grows by 10.00 MB (10.00 to 10.00) a day" in text
    assert "Capacity: 99.99 of 120.00 GB taken (83%), full in 2,001 days on 2032-05-15" in text
    assert (
        "On 2026-10-23 the same forecast predicted +300.0 MB until 2026-11-22; the actual growth was +300.0 MB: "
        "the forecast was right to the percent"
    ) in text


def test_check_fails_from_eighty_percent_of_the_capacity(snapshots, settings, caplog):
    settings.STORAGE_CAPACITY_GB = 1.0
    command("--check")
    settings.STORAGE_CAPACITY_GB = 0.001
    with pytest.raises(CommandError, match="needs attention"):
        command("--check")
    assert "of its capacity of 0.0 GB" in caplog.text


@pytest.mark.parametrize(
    ("text", "message"), [("2026-13-01", "2026-13-01 is no date: use YYYY-MM-DD"), ("2026-11-24", "lies in the future")]
)
def test_a_day_that_cannot_be_measured_is_refused(snapshots, text, message):
    with pytest.raises(CommandError, match=message):
        command("--date", text)


def test_a_wrong_day_overwrites_no_earlier_measurement(snapshots):
    plant(days=30, mb_per_day=10)
    before = list(StorageMetrics.objects.values_list())
    with pytest.raises(CommandError, match="--date 2026-11-03 lies before the newest measurement, of 2026-11-22"):
        command("--date", "2026-11-03")
    assert list(StorageMetrics.objects.values_list()) == before
    command("--date", "2026-11-22")
    command()


def test_nothing_is_sampled_from_an_empty_table(snapshots):
    assert report.resolutions() is None
    assert RideStatusSnapshot.objects.count() == 0
