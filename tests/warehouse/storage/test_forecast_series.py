"""The forecast, its report, charts and words hold for every series of measurements.

Series as a database can hold them and, since the functions are pure, as it cannot: several of one day, sizes that are
no numbers. Neither these nor the words ask the database; the series of every 31 days at the end goes through it.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import inf, isfinite, nan

import pytest
from django.core.management import call_command
from django.db import connection
from django.template.loader import render_to_string
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from warehouse import tasks
from warehouse.admin.charts import lines as line_charts
from warehouse.admin.charts import storage
from warehouse.models import StorageMetrics
from warehouse.storage import status
from warehouse.storage.forecast import Band, Forecast, Point, forecast, load, warnings
from warehouse.storage.report import Resolutions, lines
from warehouse.templatetags import figures

TODAY = date(2026, 11, 23)
ANY_FIGURE = st.floats() | st.sampled_from([0.0, -0.0, inf, -inf, nan, 5e-324, 1.7e308])
MEGABYTES = st.sampled_from([0.0, 0.01, 1.0]) | st.floats(0.0, 1e11) | ANY_FIGURE
# What must not be read anywhere. A share may be infinite: of 1e300 MB in a capacity of 1e-300 MB.
NO_NUMBER = re.compile(r"\b(nan|inf)\b(?! ?%)", re.IGNORECASE)
LIMITS = st.none() | st.sampled_from([0.0, -1.0]) | MEGABYTES


@st.composite
def series(draw) -> list[Point]:
    """In order of its days, which lie 0 to many apart; from everywhere in the calendar."""
    steps = draw(st.lists(st.sampled_from([0, 1, 1, 1, 7, 29, 30, 31, 32, 60]) | st.integers(0, 4_000), max_size=45))
    day = draw(st.just(TODAY) | st.dates() | st.sampled_from([date.min, date.max, date.max - timedelta(days=40)]))
    sizes = draw(st.sampled_from([MEGABYTES, st.floats(0.0, 1e11)]))
    points = []
    for step in steps:
        day += timedelta(days=min(step, (date.max - day).days))
        backfill = draw(st.sampled_from([0.0, 0.0, 0.0, 1.0, 1e9]) | sizes)
        points.append(Point(day, draw(sizes), draw(sizes), backfill, draw(st.none() | st.floats(0.0, 1e11))))
    return points


def on_days(*days: int, growth: float = 10.0) -> list[Point]:
    """Measured so many days before TODAY, growing by so much a day."""
    sizes = {ago: max(0.0, 40_000.0 - growth * ago) for ago in days}
    return [Point(TODAY - timedelta(days=ago), sizes[ago], sizes[ago]) for ago in days]


EVERY_31_DAYS = on_days(124, 93, 62, 31, 0)
# Daily, with a pause of 60 days that ended 30 days ago: one measurement lies in the window of the backtest.
THIRTY_DAYS_AFTER_A_PAUSE = on_days(*range(150, 89, -1), *range(30, -1, -1))


def said_of(points: Sequence[Point], capacity: float | None, free: float | None) -> tuple[Forecast | None, str]:
    """All that is made of a series: forecast, warnings, report, charts, and the figures of both pages, as text."""
    found = forecast(points, capacity_mb=capacity, disk_free_mb=free)
    tables = [measured(point) for point in usable(points)]
    snapshot_bytes = points[-1].snapshot_bytes if points else None
    said = [*warnings(found), *report(found, tables, snapshot_bytes)]
    history = [(point.day, {"rides": point.size_mb, "parks": point.backfill_mb}) for point in points]
    chart = storage.storage_over_time(history, found)
    if chart:
        drawn = [chart.band, chart.likely, *(area.points for area in chart.areas)]
        assert not NO_NUMBER.search(" ".join(drawn))
        assert all(storage.TOP <= tick.at <= storage.HEIGHT for tick in chart.y_ticks)
        assert len(chart.x_ticks) <= 12
    storage.months([(f"p{point.day:%Y%m}", point.size_mb, point.disk_mb, 1) for point in points])
    if points:
        sizes = [
            line_charts.Series(name, "these", [getattr(point, name) for point in points])
            for name in ("size_mb", "snapshot_bytes")
        ]
        drawn = line_charts.by_day([point.day for point in points], sizes, "sizes")
        assert not NO_NUMBER.search(drawn or "")
    said.append(
        render_to_string(
            "warehouse/storage.html",
            {
                "tables": tables,
                "forecast": found,
                "growth": found and found.growth_mb_per_day,
                "backtest": found and found.backtest,
                "share_percent": found and found.share_of_capacity and found.share_of_capacity * 100,
                "last": points[-1],
                "disk_free_mb": free,
                "chart": chart,
                "by_month": [(point, point.backfill_mb) for point in points[::-1]],
            },
        )
        if found
        else ""
    )
    return found, "\n".join(said)


def usable(points: Sequence[Point]) -> list[Point]:
    return [p for p in points if 0 <= p.size_mb < inf and 0 <= p.disk_mb < inf and isfinite(p.backfill_mb)]


def report(found: Forecast | None, tables: Sequence[StorageMetrics] = (), snapshot_bytes: float | None = None):
    sample = Resolutions(TODAY, 7, 700, 70, 7)
    return lines({f"table {n}": each for n, each in enumerate(tables)}, snapshot_bytes, found, sample, estimated=False)


def measured(point: Point) -> StorageMetrics:
    return StorageMetrics(
        table_name="rides",
        row_count=1,
        data_size_mb=point.size_mb,
        index_size_mb=0,
        growth_rate_mb_per_day=point.backfill_mb,
        measurement_date=point.day,
    )


def finite(band: Band | None) -> bool:
    return band is None or all(map(isfinite, (band.low, band.likely, band.high)))


@given(series(), LIMITS, LIMITS)
@example(EVERY_31_DAYS, 50_000.0, 1_000.0)
@example(THIRTY_DAYS_AFTER_A_PAUSE, 50_000.0, 1_000.0)
@example([], 1.0, 1.0)
@example(on_days(0), 1.0, 1.0)
@example(on_days(0, 0, 0, 0), 1.0, 1.0)
@example([Point(date.min + timedelta(days=n), 10.0 * n, 10.0 * n) for n in range(60)], 1e9, 1e9)
@example([Point(date.max - timedelta(days=60 - n), 10.0 * n, 10.0 * n) for n in range(61)], 1e3, 700.0)
@example(on_days(*range(60, -1, -1), growth=-700.0), 1e3, 700.0)
@example([Point(TODAY - timedelta(days=2 - n), 1e308 * n, 1e308 * n) for n in range(2)], 1.7e308, 1.7e308)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_everything_that_is_said_and_drawn_holds_for_every_series(points, capacity, free):
    found, said = said_of(points, capacity, free)
    assert (found is None) == (not usable(points))
    if found is None:
        return
    assert found.measured == usable(points)[-1].day
    assert finite(found.growth_mb_per_day)
    assert all(map(finite, found.years.values()))
    assert bool(found.years) == (found.growth_mb_per_day is not None)
    for days in filter(None, (found.days_to_capacity, found.days_to_full_disk)):
        assert 0 <= days.low <= days.likely <= days.high
        assert isfinite(days.likely)
    assert not NO_NUMBER.search(said)


@given(ANY_FIGURE, ANY_FIGURE, ANY_FIGURE, st.dates(), ANY_FIGURE | st.none())
@example(90.0, 100.0, 110.0, date.max, 1.0)
@example(90.0, 100.0, inf, date.max - timedelta(days=100), 1.0)
@settings(deadline=None)
def test_words_and_charts_take_a_band_of_whatever_figures(low, likely, high, day, capacity):
    band = Band(low, likely, high)
    history = [(day - timedelta(days=1 if day > date.min else 0), {"rides": low}), (day, {"rides": likely})]
    made = Forecast(day, 2, likely, band, {1: band}, band, band, capacity, None)
    assert all(isinstance(said, str) for said in [*warnings(made), *report(made)])
    storage.storage_over_time(history, made)
    storage.months([("p202601", low, likely, 1), ("p_future", high, low, 0)])
    first = min(day, date.max - timedelta(days=3))
    four = line_charts.Series("MB", "these", [low, None, likely, high])
    assert not NO_NUMBER.search(line_charts.by_day([first + timedelta(days=n) for n in range(4)], [four], "MB") or "")
    for figure in (low, likely, high, None, Decimal("NaN"), Decimal("-0.01"), Decimal("9999999999.99")):
        for words in (figures.megabytes, figures.horizon, figures.minutes, figures.percent, figures.signed):
            assert not NO_NUMBER.search(words(figure))
        assert figures.separated(figure)


@pytest.mark.parametrize("points", [EVERY_31_DAYS, THIRTY_DAYS_AFTER_A_PAUSE], ids=["every 31 days", "after a pause"])
def test_one_measurement_in_the_window_of_the_backtest_is_no_backtest(points):
    found = forecast(points)
    assert found.backtest is None
    assert found.disk_mb == 40_000.0
    # the window of today's forecast has one measurement in the first, and 31 in the second
    expected = None if points is EVERY_31_DAYS else pytest.approx(10.0)
    assert (found.growth_mb_per_day and found.growth_mb_per_day.likely) == expected


def test_two_measurements_thirty_days_apart_are_enough_and_thirty_one_are_not():
    assert forecast(on_days(30, 0)).growth_mb_per_day.likely == pytest.approx(10.0)
    assert forecast(on_days(31, 0)).growth_mb_per_day is None


def test_a_disk_that_is_full_beyond_the_calendar_is_told_in_days_without_a_date():
    points = [Point(date(9999, 12, 1) + timedelta(days=n), 10.0 * n, 10.0 * n) for n in range(31)]
    *_, disk, _ = report(forecast(points, disk_free_mb=1_000.0))
    assert disk == "Disk of the database: full in 100 days (100 to 100)"
    *_, disk, _ = report(forecast(points[:10], disk_free_mb=100.0))
    assert disk == "Disk of the database: full in 10 days on 9999-12-20 (10 to 10)"


def test_an_axis_of_centuries_names_no_more_days_than_one_of_years():
    for years in (9, 10, 40, 400, 7_900):
        history = [(date(2026 + n * years - n, 1, 1), {"rides": 1.0}) for n in (0, 1)]
        assert 4 <= len(storage.storage_over_time(history, None).x_ticks) <= 11


# --- through the real tables ------------------------------------------------------------------------------------
def store(points: Sequence[Point], table: str = "ride_status_snapshots") -> None:
    StorageMetrics.objects.bulk_create(
        StorageMetrics(
            table_name=table,
            measurement_date=point.day,
            measured_at=datetime(2026, 11, 23, tzinfo=UTC),
            row_count=int(point.size_mb),
            data_size_mb=point.size_mb,
            index_size_mb=0,
        )
        for point in points
    )


def every_31_days_up_to(last: date) -> list[Point]:
    moved = last - TODAY
    return [Point(point.day + moved, point.size_mb, point.disk_mb) for point in EVERY_31_DAYS]


def test_the_report_and_the_daily_task_run_through_when_it_is_measured_every_31_days(snapshots, capsys):
    today = datetime.now(UTC).date()
    store(every_31_days_up_to(today)[:-1])
    call_command("collect_storage_metrics", "--report")
    assert "A forecast needs measurements of two days within 30\n" in capsys.readouterr().out
    assert tasks.collect_storage_metrics().endswith("tables measured")
    assert len(load()) == 5


@pytest.mark.parametrize("url", ["/admin/", "/admin/warehouse/storagemetrics/storage/"])
def test_the_pages_open_when_it_is_measured_every_31_days(admin_client, snapshots, url):
    store(EVERY_31_DAYS)
    assert status.storage().forecast.backtest is None
    answer = admin_client.get(url)
    assert answer.status_code == 200
    assert "40.0 GB" in answer.content.decode()


def test_a_measurement_of_no_day_is_passed_over(admin_client, snapshots):
    """MariaDB stores 0000-00-00 as a date unless NO_ZERO_DATE is set, which by default it is not."""
    store(on_days(2, 1, 0))
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = ''")
        cursor.execute("UPDATE storage_metrics SET measurement_date = '0000-00-00' ORDER BY measurement_date LIMIT 1")
        cursor.execute("SET SESSION sql_mode = DEFAULT")
    assert [point.day for point in load()] == [TODAY - timedelta(days=1), TODAY]
    assert admin_client.get("/admin/warehouse/storagemetrics/storage/").status_code == 200


def test_the_widest_figures_the_columns_hold_are_reckoned_with(admin_client, snapshots):
    last = Point(TODAY, 9_999_999_999.99, 0.0)
    for table in ("rides", "parks", "ride_status_snapshots"):
        store([Point(date.min, 0.0, 0.0), Point(TODAY - timedelta(days=1), 0.0, 0.0), last], table)
    StorageMetrics.objects.filter(measurement_date=TODAY).update(row_count=2**63 - 1, backfill_rows=-(2**63))
    assert admin_client.get("/admin/warehouse/storagemetrics/storage/").status_code == 200
    assert status.storage().forecast.growth_mb_per_day.likely == pytest.approx(3e10)
