"""Months, names, bounds and plans: no database."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.partitioning import partitions
from warehouse.server.catalog import Partition

pytestmark = pytest.mark.no_database
MONTHS = st.dates(date(2000, 1, 1), date(2099, 12, 1)).map(partitions.month_of)


def table(*, low: date | None, months: list[date], future: bool = True) -> list[Partition]:
    """The catalog's view of a table with these months, contiguous, and the boundary partitions that are asked for."""
    existing = [Partition(partitions.boundary_name(low), None, low)] if low else []
    for month in months:
        existing.append(Partition(partitions.name_of(month), month, partitions.add_months(month, 1)))
    if future:
        existing.append(Partition("p_future", existing[-1].upper, None))
    if not low:
        existing[0] = Partition(existing[0].name, None, existing[0].upper)
    return existing


YEAR_2025 = table(low=date(2025, 1, 1), months=partitions.months_between(date(2025, 1, 1), date(2025, 12, 1)))


@given(MONTHS)
def test_every_name_parses_back_to_its_bounds(month):
    assert partitions.bounds_of(partitions.name_of(month)) == (month, partitions.add_months(month, 1))
    assert partitions.bounds_of(partitions.boundary_name(month)) == (None, month)


@pytest.mark.parametrize("name", ["p2025", "p202513", "p202500", "p000001", "pmax", "p_before_", "p2025011", "backup"])
def test_a_name_that_is_not_ours_has_no_bounds(name):
    assert partitions.bounds_of(name) is None


def test_nothing_is_planned_for_months_that_exist():
    assert not partitions.plan(YEAR_2025, date(2025, 1, 31), date(2025, 12, 31))


def test_later_months_split_the_future_alone():
    (step,) = partitions.plan(YEAR_2025, date(2026, 2, 11), date(2026, 2, 11)).steps
    assert step.adds == ("p202601", "p202602")
    assert step.sql == (
        "ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p_future INTO ("
        "PARTITION p202601 VALUES LESS THAN ('2026-02-01'), PARTITION p202602 VALUES LESS THAN ('2026-03-01'), "
        "PARTITION p_future VALUES LESS THAN (MAXVALUE))"
    )


def test_earlier_months_split_the_low_boundary_partition_which_is_named_after_its_new_bound():
    (step,) = partitions.plan(YEAR_2025, date(2024, 11, 30), date(2025, 3, 1)).steps
    assert step.adds == ("p202411", "p202412")
    assert step.sql == (
        "ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p_before_2025 INTO ("
        "PARTITION p_before_202411 VALUES LESS THAN ('2024-11-01'), "
        "PARTITION p202411 VALUES LESS THAN ('2024-12-01'), PARTITION p202412 VALUES LESS THAN ('2025-01-01'))"
    )


def test_a_range_that_spans_the_table_grows_it_at_both_ends():
    plan = partitions.plan(YEAR_2025, date(2024, 12, 1), date(2026, 1, 1))
    assert [step.splits for step in plan.steps] == ["p_before_2025", "p_future"]
    assert plan.adds == ["p202412", "p202601"]


def test_a_table_without_boundary_partitions_gets_them():
    existing = table(low=None, months=[date(2025, 1, 1), date(2025, 2, 1)], future=False)
    low, high = partitions.plan(existing, date(2024, 12, 1), date(2025, 3, 1)).steps
    assert low.sql == (
        "ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p202501 INTO ("
        "PARTITION p_before_202412 VALUES LESS THAN ('2024-12-01'), "
        "PARTITION p202412 VALUES LESS THAN ('2025-01-01'), PARTITION p202501 VALUES LESS THAN ('2025-02-01'))"
    )
    assert high.sql == (
        "ALTER TABLE ride_status_snapshots ADD PARTITION ("
        "PARTITION p202503 VALUES LESS THAN ('2025-04-01'), PARTITION p_future VALUES LESS THAN (MAXVALUE))"
    )
    assert (low.adds, high.adds) == (("p202412",), ("p202503",))


def test_months_nobody_can_mean_are_left_to_the_boundary_partitions():
    assert not partitions.plan(YEAR_2025, date(1970, 1, 1), date(1970, 1, 1))
    assert partitions.plan(YEAR_2025, date(1970, 1, 1), date(2025, 1, 1)).adds[0] == "p200001"
    assert partitions.plan(YEAR_2025, date(2025, 1, 1), date(9999, 1, 1)).adds[-1] == "p209912"


def test_a_partition_that_ends_inside_a_month_is_refused():
    existing = [Partition("p_before_2025", None, date(2025, 1, 15)), Partition("p_future", date(2025, 1, 15), None)]
    with pytest.raises(partitions.PartitionsError, match=r"p_before_2025 .* ends at 2025-01-15, inside a month"):
        partitions.plan(existing, date(2025, 2, 1), date(2025, 2, 1))
