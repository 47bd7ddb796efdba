"""Where lines, areas and bars of the charts of storage lie: numbers in, coordinates out. The templates draw SVG."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

from warehouse.admin.charts.scale import Tick, days, scale, share
from warehouse.storage.forecast import Band, Forecast
from warehouse.text import size_in_words

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 32
SERIES_AT_MOST = 4  # further tables are drawn as one
FORECAST_LEAST_DAYS, FORECAST_MOST_DAYS = 90, 730
BAR_LABEL_LEAST_WIDTH = 56


@dataclass(frozen=True, slots=True)
class Area:
    name: str
    points: str  # of an SVG polygon


@dataclass(frozen=True, slots=True)
class StorageChart:
    areas: list[Area]
    band: str  # polygon, "" without a forecast
    likely: str  # polyline
    capacity_y: float | None
    today_x: float
    x_ticks: list[Tick]
    y_ticks: list[Tick]


@dataclass(frozen=True, slots=True)
class Bar:
    x: float
    width: float
    index_y: float
    index_height: float
    data_y: float
    data_height: float
    rows_y: float
    rows_height: float
    title: str


@dataclass(frozen=True, slots=True)
class MonthsChart:
    bars: list[Bar]
    x_ticks: list[Tick]
    size_ticks: list[Tick]
    rows_ticks: list[Tick]


def storage_over_time(
    history: Sequence[tuple[date, dict[str, float]]], forecast: Forecast | None
) -> StorageChart | None:
    """`history`: MB by table, by day, in order. Tables are stacked, the heaviest at the bottom. None below two days."""
    if len(history) < 2 or history[0][0] == history[-1][0]:
        return None
    first, last = history[0][0], history[-1][0]
    growth = forecast.growth_mb_per_day if forecast else None
    ahead = min(max((last - first).days, FORECAST_LEAST_DAYS), FORECAST_MOST_DAYS, (date.max - last).days)
    now = forecast.disk_mb if forecast else 0.0
    then = growth * ahead + now if growth else Band(0, 0, 0)
    if not growth or not all(map(isfinite, (then.low, then.likely, then.high))):
        growth, ahead, then = None, 0, Band(0, 0, 0)
    end = last + timedelta(days=ahead)
    highest = max(*(sum(sizes.values()) for _, sizes in history), then.high)
    capacity = forecast.capacity_mb if forecast else None
    if capacity and capacity < highest * 1.5:
        highest = max(highest, capacity)
    top, y_ticks = scale(highest, TOP, HEIGHT - BOTTOM, _megabytes)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / (end - first).days, 1)

    def y(megabytes: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share(megabytes, top), 1)

    names = _heaviest(history[-1][1])
    areas = []
    lower = [0.0] * len(history)
    for name in names:
        upper = [base + _of(sizes, name, names) for base, (_, sizes) in zip(lower, history, strict=True)]
        outline = [f"{x(day)},{y(height)}" for (day, _), height in zip(history, upper, strict=True)]
        ground = [f"{x(day)},{y(height)}" for (day, _), height in zip(history, lower, strict=True)]
        areas.append(Area(name, " ".join([*outline, *reversed(ground)])))
        lower = upper
    return StorageChart(
        areas=areas,
        band=f"{x(last)},{y(now)} {x(end)},{y(then.high)} {x(end)},{y(then.low)}" if growth else "",
        likely=f"{x(last)},{y(now)} {x(end)},{y(then.likely)}" if growth else "",
        capacity_y=y(capacity) if capacity and capacity <= top else None,
        today_x=x(last),
        x_ticks=[Tick(x(day), label) for day, label in days(first, end)],
        y_ticks=y_ticks,
    )


def months(partitions: Sequence[tuple[str, float, float, int]]) -> MonthsChart | None:
    """One bar a partition: (name, data MB, index MB, rows), in order. None without any."""
    if not partitions:
        return None
    middle = HEIGHT * 0.62
    size_top, size_ticks = scale(max(data + index for _, data, index, _ in partitions), TOP, middle, _megabytes)
    rows_top, rows_ticks = scale(max(rows for *_, rows in partitions), middle + 24, HEIGHT - BOTTOM, _count)
    step = (WIDTH - LEFT - RIGHT) / len(partitions)
    width = round(min(step * 0.8, 40.0), 2)
    bars, ticks = [], []
    labelled = float(-BAR_LABEL_LEAST_WIDTH)
    for number, (name, data, index, rows) in enumerate(partitions):
        x = LEFT + step * number + (step - width) / 2
        data_height = (middle - TOP) * share(data, size_top)
        index_height = (middle - TOP) * share(index, size_top)
        rows_height = (HEIGHT - BOTTOM - middle - 24) * share(rows, rows_top)
        bars.append(
            Bar(
                x=round(x, 2),
                width=width,
                data_y=round(middle - data_height, 1),
                data_height=round(data_height, 1),
                index_y=round(middle - data_height - index_height, 1),
                index_height=round(index_height, 1),
                rows_y=round(HEIGHT - BOTTOM - rows_height, 1),
                rows_height=round(rows_height, 1),
                title=f"{name}: {data:,.2f} MB data, {index:,.2f} MB indexes, {rows:,} rows",
            )
        )
        if x - labelled >= BAR_LABEL_LEAST_WIDTH:
            labelled = x
            ticks.append(Tick(round(x + width / 2, 1), f"{name[1:5]}-{name[5:]}" if name[1:].isdigit() else name[2:8]))
    return MonthsChart(bars, ticks, size_ticks, rows_ticks)


def _heaviest(sizes: dict[str, float]) -> list[str]:
    names = sorted(sizes, key=lambda name: sizes[name], reverse=True)
    return names if len(names) <= SERIES_AT_MOST else [*names[: SERIES_AT_MOST - 1], "other tables"]


def _of(sizes: dict[str, float], name: str, names: list[str]) -> float:
    if name == "other tables":
        return sum(size for other, size in sizes.items() if other not in names)
    return sizes.get(name, 0.0)


def _megabytes(megabytes: float) -> str:
    return size_in_words(megabytes, on_axis=True)


def _count(rows: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rows >= limit:
            return f"{rows / limit:,.4g} {unit}"
    return f"{rows:,.4g}"
