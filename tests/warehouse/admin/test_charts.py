"""Coordinates of the charts: no database."""

import re
from datetime import date, timedelta
from itertools import pairwise

import pytest

from warehouse.admin.charts import bars, heat, lines, svg
from warehouse.admin.charts import storage as charts
from warehouse.admin.charts.scale import scale
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
    points = [FIRST + timedelta(days=n) for n in range(7)]
    known = lines.Series("these days", "these", [10.0, 20.0, None, 30.0, None, 40.0, 50.0])
    picture = lines.by_day(points, [known, lines.Series("before", "before1", [None] * 7)], "waits")
    pieces = [corners(piece) for piece in re.findall(r'<polyline class="line these" points="([^"]+)"', picture)]
    assert "before1" not in picture.split("</figure>")[0]
    assert [len(piece) for piece in pieces] == [2, 2, 2]
    everything = [corner for piece in pieces for corner in piece]
    assert all(-2 <= x <= lines.WIDTH + 2 for x, _ in everything)
    assert all(0 <= y <= svg.HEIGHT for _, y in everything)
    (left, _), (right, _) = pieces[1]  # a day alone is seen
    assert right - left == 4


def test_a_line_needs_two_days_with_figures():
    points = [FIRST, FIRST + timedelta(days=1)]
    assert lines.by_day(points[:1], [lines.Series("", "these", [10.0])], "") is None
    assert lines.by_day(points, [lines.Series("", "these", [10.0, None])], "") is None


def test_each_day_of_a_calendar_is_a_field_and_one_of_which_nothing_is_known_is_dotted():
    known = {FIRST: heat.Field(5, "", "a busy day", "/there?a=1&b=2")}
    picture = heat.calendar(known, FIRST, date(2027, 2, 28), "busy", ["name"] * 6)
    drawn = [part.split("</figure>")[0] for part in picture.split("<figure")[1:]]
    assert [part.count('class="q ') for part in drawn] == [31 + 28, 365]  # the newest year first
    assert '<a href="/there?a=1&amp;b=2"><rect class="q q5"' in drawn[1]
    assert drawn[1].count('class="q nothing"') == 364


def test_steps_of_a_heat_map_part_its_range_evenly():
    bounds = heat.even_bounds(62.0)
    assert bounds == [10, 20, 30, 40, 50]
    assert [heat.step_of(figure, bounds) for figure in (0, 9.9, 10, 49, 50, 62)] == [0, 0, 1, 4, 5, 5]
    assert heat.fields(["1"], [("Mon", {})], "", bounds, "min") is None


def test_parts_of_a_bar_stand_on_each_other():
    picture = bars.stacked([bars.Stack(FIRST, "Jan", [6, 18], "a day")], [("a", "open"), ("b", "closed")], "", top=24)
    heights = [float(height) for height in re.findall(r'<rect class="[ab]" [^>]*? height="([\d.]+)"', picture)]
    assert heights[1] / heights[0] == pytest.approx(3)
    assert bars.stacked([bars.Stack(FIRST, "Jan", [0], "")], [("a", "open")], "") is None


def test_what_comes_from_outside_is_no_markup():
    said = """<b>"Tom" & 'Jerry'</b>"""
    for picture in (
        bars.lying([bars.Lying(said, [bars.Piece(0, 1, "s1", said)], said, f"/?{said}")], said),
        lines.steps([(0, 1, 5)], [said], [], said),
        heat.fields([said], [(said, {0: heat.Field(0, said, said, f"/?{said}")})], said, [1, 2, 3, 4, 5], said),
    ):
        assert "<b>" not in picture
        assert "&lt;b&gt;&quot;Tom&quot; &amp; &#x27;Jerry&#x27;&lt;/b&gt;" in picture


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
    assert scale(highest, 0, 100, str)[0] == pytest.approx(top, abs=0.00001)
