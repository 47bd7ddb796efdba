"""Forecasts over planted measurements whose growth is known: no database."""

import random
from datetime import date, timedelta

import pytest

from warehouse.storage.forecast import Backtest, Band, Point, forecast, warnings

pytestmark = pytest.mark.no_database
LAST = date(2026, 11, 23)


def measurements(
    *,
    days: int = 365,
    start_mb: float = 1_000.0,
    growth: float = 12.0,
    noise: float = 0.0,
    backfills: dict[int, float] | None = None,
    told: bool = True,
    left_out: tuple[int, ...] = (),
    disk: float = 1.0,
) -> list[Point]:
    """One measurement a day up to LAST. `backfills` maps days before LAST to MB; untold ones are not in the ledger."""
    rng = random.Random(5)
    points, size = [], start_mb
    for ago in range(days, -1, -1):
        backfill = (backfills or {}).get(ago, 0.0)
        size += growth + backfill
        if ago in left_out:
            continue
        seen = size + rng.uniform(-noise, noise)
        points.append(Point(LAST - timedelta(days=ago), seen, seen * disk, backfill if told else 0.0))
    return points


def within(share: float, got: float, truth: float) -> bool:
    return abs(got - truth) <= share * abs(truth)


def test_a_year_with_noise_and_a_backfill_is_predicted_within_ten_percent():
    points = measurements(noise=30.0, backfills={20: 40_000.0, 19: 35_000.0, 100: 9_000.0})
    found = forecast(points)
    assert within(0.1, found.growth_mb_per_day.likely, 12.0)
    for years in (1, 3, 5):
        assert within(0.1, found.years[years].likely, points[-1].size_mb + 12.0 * 365.25 * years)
        assert found.years[years].low <= found.years[years].likely <= found.years[years].high
    # and the growth alone, which the size of what is there already does not hide
    assert within(0.1, found.years[1].likely - found.disk_mb, 12.0 * 365.25)


def test_the_band_holds_the_truth_and_is_not_endless():
    found = forecast(measurements(noise=30.0))
    assert found.growth_mb_per_day.low < 12.0 < found.growth_mb_per_day.high
    assert found.growth_mb_per_day.high - found.growth_mb_per_day.low < 12.0


def test_without_the_ledger_the_backfill_would_be_taken_for_growth():
    told = forecast(measurements(backfills=dict.fromkeys(range(25), 500.0)))
    untold = forecast(measurements(backfills=dict.fromkeys(range(25), 500.0), told=False))
    assert within(0.01, told.growth_mb_per_day.likely, 12.0)
    assert untold.growth_mb_per_day.likely > 400


def test_a_backfill_whose_size_is_misjudged_bends_little():
    points = measurements(backfills=dict.fromkeys(range(4, 24), 500.0))
    misjudged = [Point(p.day, p.size_mb, p.disk_mb, p.backfill_mb * 0.8) for p in points]
    assert within(0.1, forecast(misjudged).growth_mb_per_day.likely, 12.0)


def test_one_wild_day_bends_nothing():
    assert within(0.05, forecast(measurements(backfills={10: 80_000.0}, told=False)).growth_mb_per_day.likely, 12.0)


def test_days_that_were_not_measured_do_no_harm():
    assert within(0.01, forecast(measurements(left_out=tuple(range(3, 15)))).growth_mb_per_day.likely, 12.0)


def test_what_was_predicted_thirty_days_ago_stands_beside_the_actual_growth():
    seen = forecast(measurements(noise=5.0)).backtest
    assert seen.since == LAST - timedelta(days=30)
    assert within(0.05, seen.actual_mb, 360.0)
    assert abs(seen.error_percent) < 10
    changed = measurements(days=60, growth=10.0)
    faster = [Point(p.day, p.size_mb + 10.0 * max(0, (p.day - LAST).days + 30), p.disk_mb) for p in changed]
    assert forecast(faster).backtest.error_percent == pytest.approx(-50, abs=1)


@pytest.mark.parametrize(
    ("predicted_mb", "actual_mb", "verdict"),
    [
        (80.0, 100.0, "the forecast was 20 % too low"),
        (3_000.0, 100.0, "the forecast was 2,900 % too high"),
        (-80.0, 100.0, "the forecast was 180 % too low"),
        (-80.0, -100.0, "the forecast was 20 % too high"),  # it shrank by more
        (100.4, 100.0, "the forecast was right to the percent"),
        (5.0, 0.0, ""),
    ],
)
def test_the_verdict_of_a_backtest_says_which_way_the_forecast_was_wrong(predicted_mb, actual_mb, verdict):
    assert Backtest(LAST, predicted_mb, actual_mb).verdict == verdict


def test_a_young_warehouse_has_no_backtest_and_an_empty_one_no_forecast():
    assert forecast(measurements(days=40)).backtest is None
    assert forecast(measurements(days=1)) is not None
    (only,) = measurements(days=0)
    assert (forecast([only]).growth_mb_per_day, forecast([only]).years) == (None, {})
    assert len(warnings(forecast([only], capacity_mb=only.disk_mb))) == 1  # full is full
    assert forecast([]) is None


def test_days_until_the_capacity_and_until_the_disk_is_full():
    points = measurements(days=30, start_mb=0.0, growth=10.0, disk=2.0)  # 310 MB, 620 MB as files
    found = forecast(points, capacity_mb=2_620.0, disk_free_mb=200.0)
    assert found.days_to_capacity.likely == pytest.approx(100)
    assert found.days_to_full_disk.likely == pytest.approx(10)
    assert found.share_of_capacity == pytest.approx(620 / 2620)
    assert warnings(found) == ["The disk of the database is full in 10 days at this pace. Give it more"]


def test_from_eighty_percent_of_the_capacity_it_warns():
    points = measurements(days=30, start_mb=0.0, growth=10.0)
    assert warnings(forecast(points, capacity_mb=400.0)) == []  # 78 %
    (warning,) = warnings(forecast(points, capacity_mb=380.0))
    assert warning.startswith("The warehouse takes 82% of its capacity of 0.4 GB, and is full in 7 days.")
    assert forecast(points, capacity_mb=300.0).days_to_capacity == Band(0.0, 0.0, 0.0)


def test_what_does_not_grow_is_never_full():
    found = forecast(measurements(growth=0.0), capacity_mb=5_000.0)
    assert (found.days_to_capacity, warnings(found)) == (None, [])
