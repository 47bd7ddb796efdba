"""manage.py maintain_partitions as an operator meets it."""

from datetime import date
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command

from tests.waiting import HANG_SECONDS
from warehouse.models import RideStatusSnapshot
from warehouse.partitioning import health, partitions
from warehouse.server import catalog

pytestmark = pytest.mark.usefixtures("snapshots")


@pytest.fixture(autouse=True)
def today():
    with time_machine.travel("2026-11-23 12:00Z", tick=True):
        yield date(2026, 11, 23)


@pytest.fixture(autouse=True)
def as_long_as_it_takes(monkeypatch):
    """The second or two for which an operator waits may be gone before a busy machine has found nobody in the way."""
    monkeypatch.setattr(partitions, "MAINTAIN_PATIENCE_SECONDS", HANG_SECONDS)


def maintain(*arguments: str) -> str:
    out = StringIO()
    call_command("maintain_partitions", *arguments, stdout=out)
    return out.getvalue()


def test_it_makes_twelve_months_ahead_and_then_plans_nothing(snapshots):
    assert "Made 11 months: p202701 to p202711" in maintain()
    assert snapshots.partition_names()[-2:] == ["p202711", "p_future"]
    assert maintain() == "Nothing to do: every month from 2026-11 to 2027-11 has its partition\n"


def test_five_years_of_splits_at_both_ends_keep_every_row(snapshots):
    snapshots.add("2025-01-01", "2025-12-31 23:59", "2026-11-23")
    before = list(RideStatusSnapshot.objects.order_by("pk").values_list())
    maintain("--from", "2021-07", "--ahead", "60")
    assert list(RideStatusSnapshot.objects.order_by("pk").values_list()) == before
    existing = catalog.partitions(partitions.TABLE)
    assert len(existing) == 2 + (5 * 12 + 5) + 60  # boundary partitions, 2021-07 to 2026-11, 2026-12 to 2031-11
    assert all(partitions.bounds_of(each.name) == (each.lower, each.upper) for each in existing[:-1])
    assert "Nothing to do" in maintain("--from", "2021-07", "--ahead", "60")


def test_a_dry_run_prints_the_sql_and_changes_nothing(snapshots):
    names = snapshots.partition_names()
    out = maintain("--dry-run", "--ahead", "2")
    assert out.startswith("ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p_future INTO (PARTITION p202701 ")
    assert out.endswith("Dry run: 1 month would be made\n")
    assert snapshots.partition_names() == names


def test_check_fails_while_fewer_than_three_months_are_ahead():
    with pytest.raises(CommandError, match="for 1 month ahead of 2026-11, fewer than 3"):
        maintain("--check")
    maintain("--ahead", "3")
    assert maintain("--check") == "3 months ahead, all boundary partitions are empty\n"


def test_rows_in_the_boundary_partitions_are_reported_and_drained_when_asked(snapshots):
    snapshots.add("1969-12-31", "2023-05-05", "2028-02-29")
    with pytest.raises(CommandError) as problems:
        maintain("--check")
    assert "The boundary partition p_before_2025 of ride_status_snapshots holds 2 rows." in str(problems.value)
    assert "The boundary partition p_future of ride_status_snapshots holds 1 row." in str(problems.value)
    with pytest.raises(CommandError, match="--drain"):
        maintain("--from", "2021-01")

    said = maintain("--drain", "--dry-run")
    assert "-- copies the 2 rows of p_before_2025; others wait for about 0.1 s\n" in said
    assert "Dry run" in said
    assert "Made 13 months: p202305 to p202802" in maintain("--drain")
    assert snapshots.count() == 3
    assert health.health(date(2026, 11, 23)).boundary_rows == {"p_before_202305": 1}  # 1969 has no month of its own
    assert "Nothing to do" in maintain("--drain")
    assert {"p_between_202306_202501", "p_between_202712_202802"} < set(snapshots.partition_names())


def test_months_ahead_end_where_a_month_is_missing(snapshots):
    partitions.ensure_months([date(2027, 1, 1), date(2027, 2, 1), date(2027, 4, 1)])
    assert health.months_ahead(catalog.partitions(partitions.TABLE), date(2026, 11, 23)) == 3
    with pytest.raises(CommandError, match="for 2 months ahead of 2026-12"), time_machine.travel("2026-12-03 12:00Z"):
        maintain("--check")
    assert "Made 8 months: p202703 to p202711" in maintain()
    assert "12 months ahead" in maintain("--check")


def test_a_row_in_a_partition_between_months_is_reported(snapshots):
    partitions.ensure_months([date(2016, 3, 1)])
    snapshots.add("2020-05-05")
    with pytest.raises(CommandError, match=r"The boundary partition p_between_201604_202501 of .* holds 1 row\."):
        maintain("--check")


def test_a_reader_with_an_open_transaction_is_named(snapshots, another_session, monkeypatch):
    reader = another_session()
    reader.query("SELECT 1 FROM ride_status_snapshots LIMIT 1")
    reader.store_result()
    monkeypatch.setattr(partitions, "MAINTAIN_PATIENCE_SECONDS", 0.3)
    with pytest.raises(CommandError, match=rf"was in use for .*session {reader.thread_id()} \("):
        maintain()
    reader.rollback()
    monkeypatch.setattr(partitions, "MAINTAIN_PATIENCE_SECONDS", HANG_SECONDS)
    assert "Made 11 months" in maintain()


@pytest.mark.parametrize("text", ["2024-13", "2024-00", "0000-01", "2024", "yesterday"])
def test_a_month_that_is_none_is_wrong_usage(text):
    with pytest.raises(CommandError, match="is not a month; give YYYY-MM"):
        maintain("--from", text)


def test_a_month_after_the_last_one_is_refused():
    with pytest.raises(CommandError, match="--from 2030-01 lies after 2027-11"):
        maintain("--from", "2030-01")


def test_a_table_without_partitions_is_left_alone_and_complained_of(snapshots, another_session):
    another_session(autocommit=True).query("ALTER TABLE ride_status_snapshots REMOVE PARTITIONING")
    assert "is not partitioned by month" in maintain()
    with pytest.raises(CommandError, match="not partitioned: a range of dates reads all of it"):
        maintain("--check")
