"""Figures over time: a line a series, which breaks off where there is no figure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby, pairwise

from django.utils.safestring import SafeString

from warehouse.admin.charts import svg
from warehouse.admin.charts.scale import Tick, days, scale, share

WIDTH = 1000  # of the inner picture, which is stretched
TOP = 8


@dataclass(frozen=True, slots=True)
class Series:
    """A figure a point, None where there is none; `kind` is a class of the style sheet: these, before1, before2, ..."""

    name: str
    kind: str
    figures: Sequence[float | None]


def by_day(
    points: Sequence[date],
    series: Sequence[Series],
    label: str,
    *,
    titles: Sequence[str] = (),
    urls: Sequence[str] = (),
    unit: Callable[[float], str] = lambda figure: f"{figure:,.4g}",
) -> SafeString | None:
    """`points` are days, in order, evenly apart or not; `titles` and `urls` are of each. None without two
    figures on two days."""
    figures = [figure for line in series for figure in line.figures if figure is not None]
    if len(figures) < 2 or points[0] >= points[-1]:
        return None
    first, last = points[0], points[-1]
    span = (last - first).days
    top, y_ticks = scale(max(figures), TOP, svg.HEIGHT, unit)
    at = [(point - first).days / span for point in points]

    def y(figure: float) -> float:
        return round(svg.HEIGHT - (svg.HEIGHT - TOP) * share(figure, top), 1)

    drawn = [
        f'<polyline class="line {line.kind}" points="{points_of}"/>'
        for line in reversed(series)
        for points_of in _pieces(line.figures, at, y)
    ]
    ticks = [Tick(100 * (day - first).days / span, name) for day, name in days(first, last)]
    return svg.picture(
        [
            svg.grid(y_ticks),
            f'<svg width="100%" height="{svg.HEIGHT}" viewBox="0 0 {WIDTH} {svg.HEIGHT}" '
            f'preserveAspectRatio="none">{"".join(drawn)}</svg>',
            _to_hover(at, titles, urls),
            svg.below(ticks, svg.HEIGHT + 16),
        ],
        svg.HEIGHT + svg.BELOW,
        label,
        legend=svg.lines_legend((f"line {line.kind}", line.name) for line in series),
    )


def steps(
    stretches: Sequence[tuple[float, float, int | None]], titles: Sequence[str], ticks: Sequence[Tick], label: str
) -> SafeString | None:
    """What held from when to when (shares of the width): level lines, joined where they touch. None: no figure."""
    figures = [figure for *_, figure in stretches if figure is not None]
    if not figures:
        return None
    top, y_ticks = scale(max(1, *figures), TOP, svg.HEIGHT, lambda figure: f"{figure:,.4g}")
    drawn: list[list[str]] = [[]]
    hover = []
    for (begin, end, figure), title in zip(stretches, titles, strict=True):
        hover.append(svg.rect(svg.percent(begin, 1), svg.percent(end - begin, 1), 0, svg.HEIGHT, "hover", title))
        if figure is None:
            drawn.append([])
            continue
        y = round(svg.HEIGHT - (svg.HEIGHT - TOP) * share(figure, top), 1)
        drawn[-1] += [f"{WIDTH * x:.1f},{y:g}" for x in (begin, end)]
    lines = "".join(f'<polyline class="line these" points="{" ".join(points)}"/>' for points in drawn if points)
    return svg.picture(
        [
            svg.grid(y_ticks),
            f'<svg width="100%" height="{svg.HEIGHT}" viewBox="0 0 {WIDTH} {svg.HEIGHT}" '
            f'preserveAspectRatio="none">{lines}</svg>',
            *hover,
            svg.below(ticks, svg.HEIGHT + 16),
        ],
        svg.HEIGHT + svg.BELOW,
        label,
    )


def _pieces(figures: Sequence[float | None], at: Sequence[float], y: Callable[[float], float]) -> list[str]:
    found = []
    for is_known, piece in groupby(zip(figures, at, strict=True), key=lambda each: each[0] is not None):
        if not is_known:
            continue
        corners = [(round(WIDTH * x, 1), y(figure)) for figure, x in piece if figure is not None]
        if len(corners) == 1:  # a day alone is a stroke, or it would not be seen
            ((x, height),) = corners
            corners = [(x - 2, height), (x + 2, height)]
        found.append(" ".join(f"{x:g},{height:g}" for x, height in corners))
    return found


def _to_hover(at: Sequence[float], titles: Sequence[str], urls: Sequence[str]) -> str:
    """A strip a point over the whole height, which says its figures and leads to its day."""
    edges = [0.0, *((one + other) / 2 for one, other in pairwise(at)), 1.0]
    return "".join(
        svg.link(
            urls[n] if urls else "",
            svg.rect(svg.percent(edges[n], 1), svg.percent(edges[n + 1] - edges[n], 1), 0, svg.HEIGHT, "hover", title),
        )
        for n, title in enumerate(titles)
    )
