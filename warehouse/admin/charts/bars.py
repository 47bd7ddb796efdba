"""Bars: upright ones over time, in parts; lying ones with a name each, which may be ranges of the clock, or bands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.safestring import SafeString, mark_safe

from warehouse.admin.charts import svg
from warehouse.admin.charts.scale import Tick, days, scale, share

TOP = 8
BAND = 16  # pixels


@dataclass(frozen=True, slots=True)
class Stack:
    """What stands over one point of time: a figure a part, from the ground up."""

    day: date
    name: str  # of the point: 2025-07
    parts: Sequence[float]
    title: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """Part of a lying bar: from and to as shares of the width, 0 to 1."""

    begin: float
    end: float
    kind: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class Lying:
    """A bar with its name and, at the right, its figure in words."""

    name: str
    pieces: Sequence[Piece]
    value: str = ""
    url: str = ""


def stacked(
    stacks: Sequence[Stack], kinds: Sequence[tuple[str, str]], label: str, *, top: float | None = None, unit: str = ""
) -> SafeString | None:
    """`kinds`: (class, name) of the parts. Days lie where they are in time if there are many, else side by side."""
    if not stacks or not any(sum(stack.parts) for stack in stacks):
        return None
    if top is None:
        highest = max(sum(stack.parts) for stack in stacks)
        top, y_ticks = scale(highest, TOP, svg.HEIGHT, lambda figure: f"{figure:,.4g}{unit}")
    else:
        y_ticks = [
            Tick(svg.HEIGHT - (svg.HEIGHT - TOP) * part / 4, f"{top * part / 4:,.4g}{unit}") for part in range(5)
        ]
    drawn = [svg.grid(y_ticks)]
    count = len(stacks)
    for number, stack in enumerate(stacks):
        x, width = svg.percent(number + 0.05, count), svg.percent(0.9, count)
        ground, inside = float(svg.HEIGHT), []
        for (kind, _), figure in zip(kinds, stack.parts, strict=True):
            height = round((svg.HEIGHT - TOP) * share(figure, top), 1)
            if height:
                ground -= height
                inside.append(svg.rect(x, width, round(ground, 1), height, kind))
        inside.append(svg.rect(svg.percent(number, count), svg.percent(1, count), 0, svg.HEIGHT, "hover", stack.title))
        drawn.append(svg.link(stack.url, "".join(inside)))
    drawn.append(svg.below(_names(stacks), svg.HEIGHT + 16))
    legend = svg.legend(kinds) if len(kinds) > 1 else ""
    return svg.picture(drawn, svg.HEIGHT + svg.BELOW, label, legend=legend)


def lying(
    bars: Iterable[Lying], label: str, *, ticks: Sequence[Tick] = (), legend: str = "", behind: str = ""
) -> SafeString:
    """A row each, whose name stands over the bar where there is little room. `ticks` (percents) are named above;
    `behind` is drawn behind each bar."""
    rows: list[str] = []
    if ticks:
        axis = "".join(
            f'<text class="{"start" if tick.at < 1 else "end" if tick.at > 99 else "middle"}'
            f'{" wide" if number % 2 else ""}" x="{tick.at:.2f}%" y="12">{svg.text(tick.label)}</text>'
            for number, tick in enumerate(ticks)
        )
        rows.append(_row("", f'<svg width="100%" height="16" aria-hidden="true">{axis}</svg>', "", "axis"))
    lines = "".join(
        f'<line class="grid" x1="{tick.at:.2f}%" x2="{tick.at:.2f}%" y1="0" y2="{BAND}"/>' for tick in ticks
    )
    for bar in bars:
        name = f'<a href="{svg.text(bar.url)}">{svg.text(bar.name)}</a>' if bar.url else svg.text(bar.name)
        inside = "".join(
            svg.rect(
                svg.percent(piece.begin, 1), svg.percent(piece.end - piece.begin, 1), 0, BAND, piece.kind, piece.title
            )
            for piece in bar.pieces
        )
        said = svg.text(f"{bar.name}: {bar.value}" if bar.value else bar.name)
        drawing = f'<svg width="100%" height="{BAND}" role="img" aria-label="{said}">{behind}{lines}{inside}</svg>'
        rows.append(_row(name, drawing, svg.text(bar.value)))
    kind = "lying bands" if behind else "lying"
    inside = legend + "".join(rows)
    return mark_safe(f'<div class="{kind}" role="group" aria-label="{svg.text(label)}">{inside}</div>')


def _row(name: str, drawing: str, value: str, kind: str = "") -> str:
    return (
        f'<div class="bar-row {kind}"><span class="bar-name">{name}</span><span class="bar">{drawing}</span>'
        f'<span class="bar-value">{value}</span></div>'
    )


def _names(stacks: Sequence[Stack]) -> list[Tick]:
    """Twelve of them at most, or the firsts of months where they are many."""
    count = len(stacks)
    middle = {stack.day: 100 * (number + 0.5) / count for number, stack in enumerate(stacks)}
    if count <= 14:
        return [Tick(middle[stack.day], stack.name) for stack in stacks]
    found = []
    wanted = days(stacks[0].day, stacks[-1].day)
    for day, name in wanted:
        nearest = min(middle, key=lambda known: abs((known - day).days))
        found.append(Tick(middle[nearest], name))
    return found
