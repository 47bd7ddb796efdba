"""Heat maps: fields in rows and columns, and days of years as a calendar. What lies in a field is written in it, or
said when it is pointed at, so no colour has to be read alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils.safestring import SafeString, mark_safe

from warehouse.admin.charts import svg
from warehouse.admin.charts.scale import Tick

STEPS = 6  # classes q0 to q5
FIELD = 24  # pixels
DAY = 13


@dataclass(frozen=True, slots=True)
class Field:
    """`step` 0 to 5; `shown` is written in it, `title` said."""

    step: int
    shown: str
    title: str
    url: str = ""


def step_of(figure: float, bounds: Sequence[float]) -> int:
    """How many of five ascending bounds a figure reaches: 0 to 5."""
    return sum(figure >= bound for bound in bounds)


def even_bounds(highest: float) -> list[float]:
    """Five bounds that part 0 to `highest` evenly, on full minutes where they can be."""
    step = max(1, round(highest / STEPS)) if highest >= STEPS else highest / STEPS
    return [step * n for n in range(1, STEPS)]


def fields(
    columns: Sequence[str],
    rows: Sequence[tuple[str, Mapping[int, Field]]],
    label: str,
    bounds: Sequence[float],
    unit: str,
) -> SafeString | None:
    """`rows`: name, and fields by number of their column. None without any field."""
    if not any(of for _, of in rows):
        return None
    width = svg.percent(1, len(columns))
    drawn = []
    for number, (name, of_row) in enumerate(rows):
        y = number * FIELD
        drawn.append(f'<text class="end" x="-6" y="{y + FIELD / 2:g}" dy="4">{svg.text(name)}</text>')
        for column in range(len(columns)):
            x = svg.percent(column, len(columns))
            field = of_row.get(column)
            if field is None:
                drawn.append(svg.rect(x, width, y, FIELD, "q nothing"))
                continue
            middle = svg.percent(column + 0.5, len(columns))
            inside = svg.rect(x, width, y, FIELD, f"q q{field.step}", field.title)
            said = svg.text(field.shown)
            inside += f'<text class="in q{field.step}" x="{middle}%" y="{y + FIELD / 2:g}" dy="4">{said}</text>'
            drawn.append(svg.link(field.url, inside))
    height = FIELD * len(rows)
    ticks = [Tick(100 * (number + 0.5) / len(columns), name) for number, name in enumerate(columns)]
    drawn.append(svg.below(ticks, height + 16))
    left = 14 + 7 * max(len(name) for name, _ in rows)
    return svg.picture(drawn, height + svg.BELOW, label, left=left, legend=_legend(bounds, unit))


def calendar(days: Mapping[date, Field], first: date, last: date, label: str, names: Sequence[str]) -> SafeString:
    """A band of weeks a year, Monday at the top, the newest year first; `names` are of the six steps."""
    drawn = []
    for year in range(last.year, first.year - 1, -1):
        begin, end = max(first, date(year, 1, 1)), min(last, date(year, 12, 31))
        drawn.append(f"<h3>{year}</h3>{_year(days, year, begin, end, f'{label}, {year}')}")
    entries = [(f"q q{number}", name) for number, name in enumerate(names)] + [("q nothing", "nothing is known")]
    return mark_safe("".join(drawn) + svg.legend(entries))


def _year(days: Mapping[date, Field], year: int, begin: date, end: date, label: str) -> SafeString:
    offset = date(year, 1, 1).weekday()
    weeks = 54
    width = svg.percent(0.92, weeks)
    drawn = [
        f'<text class="end" x="-6" y="{DAY * number + DAY / 2:g}" dy="4">{name}</text>'
        for number, name in ((0, "Mon"), (2, "Wed"), (4, "Fri"), (6, "Sun"))
    ]
    day = begin
    while day <= end:
        number = day.timetuple().tm_yday - 1 + offset
        x, y = svg.percent(number // 7, weeks), DAY * (number % 7)
        field = days.get(day)
        if field:
            drawn.append(svg.link(field.url, svg.rect(x, width, y, DAY - 1, f"q q{field.step}", field.title)))
        else:
            drawn.append(svg.rect(x, width, y, DAY - 1, "q nothing", f"{day}: nothing is known"))
        day += timedelta(days=1)
    ticks = [
        Tick(
            100 * ((date(year, month, 1).timetuple().tm_yday - 1 + offset) // 7 + 1.5) / weeks,
            f"{date(year, month, 1):%b}",
        )
        for month in range(1, 13)
    ]
    drawn.append(svg.below(ticks, 7 * DAY + 14))
    return svg.picture(drawn, 7 * DAY + svg.BELOW, label, left=38)


def _legend(bounds: Sequence[float], unit: str) -> str:
    names = [f"under {bounds[0]:,.3g} {unit}"]
    names += [f"{low:,.3g} to {high:,.3g}" for low, high in pairwise(bounds)]
    names.append(f"{bounds[-1]:,.3g} {unit} and more")
    return svg.legend([*((f"q q{n}", name) for n, name in enumerate(names)), ("q nothing", "none")])
