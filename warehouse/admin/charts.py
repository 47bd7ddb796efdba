"""Where lines, areas and bars of the charts lie: numbers in, coordinates out. The templates draw SVG.

A figure that is no number is drawn as none, and one beyond the scale at its end: a chart holds for every series in
order of its days.

Drawn by hand rather than by a library: three charts, no script, and colours that follow the admin's light and dark
(docs/decisions/storage-charts.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from math import isfinite

from warehouse.storage.forecast import Band, Forecast
from warehouse.text import size_in_words

WIDTH, HEIGHT = 960, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 16, 16, 32
SERIES_AT_MOST = 4  # further tables are drawn as one
FORECAST_LEAST_DAYS, FORECAST_MOST_DAYS = 90, 730
BAR_LABEL_LEAST_WIDTH = 56


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


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


@dataclass(frozen=True, slots=True)
class DaysChart:
    """Each series as the pieces of a line, which breaks off where a day has no figure."""

    series: list[list[str]]  # points of SVG polylines
    x_ticks: list[Tick]
    y_ticks: list[Tick]


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
    top, y_ticks = _scale(highest, TOP, HEIGHT - BOTTOM, _megabytes)

    def x(day: date) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / (end - first).days, 1)

    def y(megabytes: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(megabytes, top), 1)

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
        x_ticks=[Tick(x(day), label) for day, label in _days(first, end)],
        y_ticks=y_ticks,
    )


def months(partitions: Sequence[tuple[str, float, float, int]]) -> MonthsChart | None:
    """One bar a partition: (name, data MB, index MB, rows), in order. None without any."""
    if not partitions:
        return None
    middle = HEIGHT * 0.62
    size_top, size_ticks = _scale(max(data + index for _, data, index, _ in partitions), TOP, middle, _megabytes)
    rows_top, rows_ticks = _scale(max(rows for *_, rows in partitions), middle + 24, HEIGHT - BOTTOM, _count)
    step = (WIDTH - LEFT - RIGHT) / len(partitions)
    width = round(min(step * 0.8, 40.0), 2)
    bars, ticks = [], []
    labelled = float(-BAR_LABEL_LEAST_WIDTH)
    for number, (name, data, index, rows) in enumerate(partitions):
        x = LEFT + step * number + (step - width) / 2
        data_height = (middle - TOP) * _share(data, size_top)
        index_height = (middle - TOP) * _share(index, size_top)
        rows_height = (HEIGHT - BOTTOM - middle - 24) * _share(rows, rows_top)
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


def by_day(first: date, *series: Sequence[float | None]) -> DaysChart | None:
    """A line a series, whose figures are those of successive days from `first` on. None below two days, or figures."""
    figures = [figure for line in series for figure in line if figure is not None]
    days = max(map(len, series), default=0)
    if days < 2 or len(figures) < 2:
        return None
    top, y_ticks = _scale(max(figures), TOP, HEIGHT - BOTTOM, lambda figure: f"{figure:,.4g}")

    def x(number: int) -> float:
        return round(LEFT + (WIDTH - LEFT - RIGHT) * number / (days - 1), 1)

    def y(figure: float) -> float:
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * _share(figure, top), 1)

    lines = []
    for line in series:
        pieces = [
            [(number, figure) for number, figure in piece if figure is not None]
            for known, piece in groupby(enumerate(line), key=lambda each: each[1] is not None)
            if known
        ]
        lines.append(
            # a day alone is a stroke of two pixels, or it would not be seen
            [
                " ".join(f"{x(number)},{y(figure)}" for number, figure in piece)
                if len(piece) > 1
                else f"{x(piece[0][0]) - 1},{y(piece[0][1])} {x(piece[0][0]) + 1},{y(piece[0][1])}"
                for piece in pieces
            ]
        )
    last = first + timedelta(days=min(days - 1, (date.max - first).days))
    return DaysChart(lines, [Tick(x((day - first).days), label) for day, label in _days(first, last)], y_ticks)


def _heaviest(sizes: dict[str, float]) -> list[str]:
    names = sorted(sizes, key=lambda name: sizes[name], reverse=True)
    return names if len(names) <= SERIES_AT_MOST else [*names[: SERIES_AT_MOST - 1], "other tables"]


def _of(sizes: dict[str, float], name: str, names: list[str]) -> float:
    if name == "other tables":
        return sum(size for other, size in sizes.items() if other not in names)
    return sizes.get(name, 0.0)


def _scale(highest: float, top: float, bottom: float, label) -> tuple[float, list[Tick]]:
    """A round figure at or above `highest`, and up to five ticks with their height between top and bottom.

    No higher than a float can count on from: of 1e300 the next power of ten is still one.
    """
    highest = min(max(1e-6, highest), 1e300)
    step = _round_up(highest / 4)
    count = max(1, -int(-highest // step))
    return step * count, [
        Tick(round(bottom - (bottom - top) * number / count, 1), label(step * number)) for number in range(count + 1)
    ]


def _share(figure: float, top: float) -> float:
    """Of the scale, from 0 to 1; 0 of what is no number, which `max` passes over as its second."""
    return min(1.0, max(0.0, figure / top))


def _round_up(figure: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    power = 10.0 ** len(str(int(figure))) if figure >= 1 else 1.0
    while power / 10 >= figure:
        power /= 10
    return next(power / part for part in (5, 2, 1) if power / part >= figure)


def _days(first: date, end: date) -> list[tuple[date, str]]:
    """At most twelve days to name on the axis, mostly six to nine: firsts of months when the span is long enough."""
    span = (end - first).days
    if span < 60:
        step = max(1, span // 6)
        return [(day, f"{day:%d %b}") for day in (first + timedelta(days=n) for n in range(0, span + 1, step))]
    whole_years = 12 * -(-span // (9 * 366))
    every = next((months for months in (1, 2, 3, 6, 12) if span / 30.4 / months <= 9), max(24, whole_years))
    # months from 0 for January of the year 0: from the one after the first day's to that of the end
    after, last = first.year * 12 + first.month, end.year * 12 + end.month - 1
    months = range(-(-after // every) * every, last + 1, every)
    return [(day, f"{day:%b %Y}") for day in (date(month // 12, month % 12 + 1, 1) for month in months)]


def _megabytes(megabytes: float) -> str:
    return size_in_words(megabytes, on_axis=True)


def _count(rows: float) -> str:
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rows >= limit:
            return f"{rows / limit:,.4g} {unit}"
    return f"{rows:,.4g}"
