"""Months, names, bounds and plans: no database."""

import itertools
import re
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
    after = partitions.add_months(month, 3)
    assert partitions.bounds_of(partitions.between_name(month, after)) == (month, after)


@pytest.mark.parametrize(
    "name",
    [
        "p_between_202501",
        "p_between_202501__before_2026",
        "p_between_202513_202601",
        "p_between_202501_202501",
        "p_between_2025_202601",
        "p2025",
        "p202513",
        "p202500",
        "p000001",
        "pmax",
        "p_before_",
        "p2025011",
        "backup",
    ],
)
def test_a_name_that_is_not_ours_has_no_bounds(name):
    assert partitions.bounds_of(name) is None


def test_nothing_is_planned_for_months_that_exist():
    assert not partitions.plan(YEAR_2025, [date(2025, 1, 31), date(2025, 12, 31)])


def test_later_months_split_the_future_alone():
    (step,) = partitions.plan(YEAR_2025, partitions.months_between(date(2026, 1, 1), date(2026, 2, 11))).steps
    assert step.adds == ("p202601", "p202602")
    assert step.sql == (
        "ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p_future INTO ("
        "PARTITION p202601 VALUES LESS THAN ('2026-02-01'), PARTITION p202602 VALUES LESS THAN ('2026-03-01'), "
        "PARTITION p_future VALUES LESS THAN (MAXVALUE))"
    )


def test_earlier_months_split_the_low_boundary_partition_which_is_named_after_its_new_bound():
    (step,) = partitions.plan(YEAR_2025, partitions.months_between(date(2024, 11, 30), date(2025, 3, 1))).steps
    assert step.adds == ("p202411", "p202412")
    assert step.sql == (
        "ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p_before_2025 INTO ("
        "PARTITION p_before_202411 VALUES LESS THAN ('2024-11-01'), "
        "PARTITION p202411 VALUES LESS THAN ('2024-12-01'), PARTITION p202412 VALUES LESS THAN ('2025-01-01'))"
    )


def test_a_range_that_spans_the_table_grows_it_at_both_ends():
    plan = partitions.plan(YEAR_2025, [date(2024, 12, 1), date(2026, 1, 1)])
    assert [step.splits for step in plan.steps] == ["p_before_2025", "p_future"]
    assert plan.adds == ["p202412", "p202601"]


def test_a_table_without_boundary_partitions_gets_them():
    existing = table(low=None, months=[date(2025, 1, 1), date(2025, 2, 1)], future=False)
    low, high = partitions.plan(existing, [date(2025, 3, 1), date(2024, 12, 1)]).steps
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
    assert not partitions.plan(YEAR_2025, [date(1970, 1, 1), date(9999, 12, 1)])
    asked = [date(1999, 12, 1), date(2000, 1, 1), date(2099, 12, 1), date(2100, 1, 1)]
    assert partitions.plan(YEAR_2025, asked).adds == ["p200001", "p209912"]


def test_a_partition_that_ends_inside_a_month_is_refused():
    existing = [Partition("p_before_2025", None, date(2025, 1, 15)), Partition("p_future", date(2025, 1, 15), None)]
    with pytest.raises(partitions.PartitionsError, match=r"p_before_2025 .* ends at 2025-01-15, inside a month"):
        partitions.plan(existing, [date(2025, 2, 1)])


def test_a_month_far_before_the_others_is_one_partition_and_what_lies_between_is_a_boundary_partition():
    (step,) = partitions.plan(YEAR_2025, [date(2016, 3, 9)]).steps
    assert step.adds == ("p201603",)
    assert step.sql == (
        "ALTER TABLE ride_status_snapshots REORGANIZE PARTITION p_before_2025 INTO ("
        "PARTITION p_before_201603 VALUES LESS THAN ('2016-03-01'), "
        "PARTITION p201603 VALUES LESS THAN ('2016-04-01'), "
        "PARTITION p_between_201604_202501 VALUES LESS THAN ('2025-01-01'))"
    )


def after(existing: list[Partition], *months: date) -> list[Partition]:
    """The catalog's view once the plan for these months was run."""
    result = []
    steps = {step.splits: step for step in partitions.plan(existing, months).steps}
    for partition in existing:
        lower = partition.lower
        if partition.name not in steps:
            result.append(partition)
            continue
        for name, bound in re.findall(
            r"PARTITION (\w+) VALUES LESS THAN \((MAXVALUE|'[^']+')\)", steps[partition.name].sql
        ):
            upper = None if bound == "MAXVALUE" else date.fromisoformat(bound.strip("'"))
            result.append(Partition(name, lower, upper))
            lower = upper
    return result


def test_a_boundary_partition_between_two_months_is_split_at_both_sides():
    existing = after(YEAR_2025, date(2016, 3, 1))
    (step,) = partitions.plan(existing, [date(2020, 5, 1)]).steps
    assert (step.splits, step.adds) == ("p_between_201604_202501", ("p202005",))
    names = [partition.name for partition in after(existing, date(2020, 5, 1))]
    assert names[:6] == [
        "p_before_201603", "p201603", "p_between_201604_202005", "p202005", "p_between_202006_202501", "p202501",
    ]  # fmt: skip


def test_a_boundary_partition_goes_when_all_of_its_months_are_there():
    existing = after(YEAR_2025, date(2024, 10, 1))
    names = [partition.name for partition in after(existing, date(2024, 11, 1), date(2024, 12, 1))]
    assert names[:4] == ["p_before_202410", "p202410", "p202411", "p202412"]


@given(st.lists(st.lists(MONTHS, min_size=1, max_size=4), max_size=5))
def test_whatever_months_come_each_has_one_partition_and_no_instant_has_none(rounds):
    existing = YEAR_2025
    for months in rounds:
        existing = after(existing, *months)
    assert (existing[0].lower, existing[-1].upper) == (None, None)
    for partition, following in itertools.pairwise(existing):
        assert partition.upper == following.lower
        assert not (partitions.is_boundary(partition) and partitions.is_boundary(following))
        assert partitions.bounds_of(partition.name) == (partition.lower, partition.upper)
    made = {partition.lower for partition in existing if not partitions.is_boundary(partition)}
    assert made == {partition.lower for partition in YEAR_2025[1:-1]} | {month for months in rounds for month in months}
