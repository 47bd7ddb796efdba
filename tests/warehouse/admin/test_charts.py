"""Coordinates of the charts: no database."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from warehouse.admin.charts import storage as charts
from warehouse.storage.forecast import Point, forecast

pytestmark = pytest.mark.no_database
FIRST = date(2026, 1, 1)


def history(days: int, mb_per_day: float = 10.0) -> list[tuple[date, dict[str, float]]]:
    return [
        (FIRST + timedelta(days=n), {"snapshots": 100 + n * mb_per_day, "queues": 5.0, "parks": 0.1})
        for n in range(days)
    ]


def forecast_of(of: list, **options):
    return forecast([Point(day, sum(sizes.values()), sum(sizes.values())) for day, sizes in of], **options)


def corners(points: str) -> list[tuple[float, float]]:
    return [tuple(map(float, corner.split(","))) for corner in points.split()]


def test_areas_are_stacked_inside_the_chart_with_the_heaviest_at_the_bottom():
    days = history(100)
    chart = charts.storage_over_time(days, forecast_of(days))
    assert [area.name for area in chart.areas] == ["snapshots", "queues", "parks"]
    everything = [corner for area in chart.areas for corner in corners(area.points)]
    everything += corners(chart.band) + corners(chart.likely)
    assert all(charts.LEFT <= x <= charts.WIDTH - charts.RIGHT for x, _ in everything)
    assert all(charts.TOP <= y <= charts.HEIGHT - charts.BOTTOM for _, y in everything)
    assert corners(chart.areas[1].points)[100:] == list(reversed(corners(chart.areas[0].points)[:100]))


def test_a_line_breaks_off_where_a_day_has_no_figure():
    chart = charts.by_day(FIRST, [10.0, 20.0, None, 30.0, None, 40.0, 50.0], [None] * 7)
    this_year, before = chart.series
    assert before == []
    assert [len(corners(piece)) for piece in this_year] == [2, 2, 2]
    everything = [corner for piece in this_year for corner in corners(piece)]
    assert all(charts.LEFT - 1 <= x <= charts.WIDTH - charts.RIGHT for x, _ in everything)
    assert all(charts.TOP <= y <= charts.HEIGHT - charts.BOTTOM for _, y in everything)
    (left, _), (right, _) = corners(this_year[1])  # a day alone is seen
    assert right - left == 2


def test_a_line_needs_two_days_with_figures():
    assert charts.by_day(FIRST, [10.0]) is None
    assert charts.by_day(FIRST, [10.0, None], [None, None]) is None


def test_many_tables_are_drawn_as_few():
    days = [(FIRST + timedelta(days=n), {f"t{m}": 10.0 * m + n for m in range(9)}) for n in range(3)]
    chart = charts.storage_over_time(days, None)
    assert [area.name for area in chart.areas] == ["t8", "t7", "t6", "other tables"]
    assert (chart.band, chart.likely) == ("", "")


def test_the_capacity_is_drawn_when_it_is_near():
    days = history(100)
    assert charts.storage_over_time(days, forecast_of(days, capacity_mb=2_200.0)).capacity_y is not None
    assert charts.storage_over_time(days, forecast_of(days, capacity_mb=90_000.0)).capacity_y is None


@pytest.mark.parametrize("days", [2, 20, 59, 61, 400, 3650])
def test_the_axis_names_a_handful_of_days_however_long_it_is(days):
    of = history(days)
    chart = charts.storage_over_time(of, forecast_of(of))
    assert 2 <= len(chart.x_ticks) <= 10
    assert 2 <= len(chart.y_ticks) <= 6


def test_one_measurement_is_no_chart():
    assert charts.storage_over_time(history(1), None) is None
    assert charts.months([]) is None


@pytest.mark.parametrize("count", [1, 3, 26, 180, 1200])
def test_bars_stand_beside_each_other_whatever_their_number(count):
    bars = charts.months([(f"p{2000 + n // 12}{n % 12 + 1:02}", n * 1.0, n * 2.0, n * 1000) for n in range(count)]).bars
    assert len(bars) == count
    assert all(left.x + left.width <= right.x + 0.02 for left, right in pairwise(bars))
    assert all(bar.index_y >= charts.TOP and bar.rows_y >= charts.TOP for bar in bars)
    assert all(bar.data_y == pytest.approx(bar.index_y + bar.index_height, abs=0.2) for bar in bars)


def test_empty_partitions_make_flat_bars():
    (bar,) = charts.months([("p202501", 0.0, 0.0, 0)]).bars
    assert (bar.data_height, bar.index_height, bar.rows_height) == (0, 0, 0)


@pytest.mark.parametrize(
    ("highest", "top"), [(0.0, 0), (0.3, 0.3), (7, 8), (11, 15), (99, 100), (401, 600), (12_345, 15_000)]
)
def test_scales_end_at_a_round_figure(highest, top):
    assert charts._scale(highest, 0, 100, str)[0] == pytest.approx(top, abs=0.00001)
