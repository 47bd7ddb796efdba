"""The table of coverage as HTML: a row a park, a cell a month or a year, each a link.

Made by hand: a template takes seconds for 7,200 cells. What a cell holds goes with it as figures (`data-n`), and
imports/static/imports/coverage.js puts them in words for the cell that is pointed at: as sentences they would be twice
the page. grid.js moves between cells and selects them; without either each cell is still a link.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from django.urls import reverse
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString

from imports.archive.coverage import Coverage, Held, Row, State

#: above so many columns cells are narrow, and their figures are not shown
NARROW_FROM = 40
#: shares in percent from which on a cell has the next stronger colour; s5 is every day
STEPS = ((100, "s5"), (75, "s4"), (50, "s3"), (25, "s2"), (0, "s1"))
#: what stands in a cell in place of a share
SIGNS = {State.MISSING: "-", State.EMPTY: "○", State.NONE: "", State.BEFORE: "·", State.UNREADABLE: ""}
#: of a cell, a class and its mark, and what it means
UNREADABLE, HOURS_LACK = "!", "~"


@dataclass(frozen=True, slots=True)
class Column:
    """A month, or a year as far as it is shown."""

    months: list[date]  # by first days
    label: str
    said: str

    @property
    def first(self) -> date:
        return self.months[0]


def columns_of(found: Coverage, year: int | None, *, by_year: bool) -> list[Column]:
    """Every month, those of one year, or the years."""
    months = [first for first in found.months if year is None or first.year == year]
    if not by_year:
        return [Column([first], f"{first:%b}"[:1], f"{first:%Y-%m}") for first in months]
    years: dict[int, list[date]] = {}
    for first in months:
        years.setdefault(first.year, []).append(first)
    return [Column(of_year, f"{of}", f"{of}") for of, of_year in years.items()]


def body(
    rows: Iterable[Row],
    columns: list[Column],
    chosen: tuple[Row, date] | None,
    sources: Mapping[int, str],
    *,
    year: int | None,
    by_year: bool,
) -> SafeString:
    """The rows of the table. `year`: the one that is shown alone; `sources`: where a park's days were imported from
    last, by park_id."""
    said = []
    destination: object = ()
    for row in rows:
        park = row.park
        source = f' data-source="{escape(sources[park.pk])}"' if park.pk in sources else ""
        begins = "" if park.destination_wiki_id == destination else ' class="group"'
        destination = park.destination_wiki_id
        name = format_html(
            '<th scope="row" id="park-{}"><a href="{}">{}</a></th>',
            park.pk,
            reverse("admin:warehouse_park_change", args=[park.pk]),
            park.park_name,
        )
        month = chosen[1] if chosen and chosen[0] is row else None
        cells = "".join(
            _cell_of_year(row, column) if by_year else _cell_of_month(row, column, year, month) for column in columns
        )
        said.append(f'<tr{begins} data-park="{park.pk}"{source}>{name}{cells}</tr>')
    return SafeString("\n".join(said))


# Numbers, dates and our own words: nothing in a cell needs escaping.
def _cell_of_year(row: Row, column: Column) -> str:
    return _cell(row.held_in(column.months), f"?year={column.first.year}#park-{row.park.pk}")


def _cell_of_month(row: Row, column: Column, year: int | None, chosen: date | None) -> str:
    more = (["y"] if column.first.month == 1 else []) + (["chosen"] if column.first == chosen else [])
    kept = f"year={year}&amp;" if year else ""
    address = f"?{kept}park={row.park.pk}&amp;month={column.said}#days"
    return _cell(row.held(column.first), address, more)


def _cell(held: Held, address: str, more: Iterable[str] = ()) -> str:
    classes, text = look(held)
    return f'<td class="{" ".join([*classes, *more])}"><a href="{address}" data-n="{figures(held)}">{text}</a></td>'


def look(held: Held) -> tuple[list[str], str]:
    """The classes of a cell and what stands in it; a share is a number, so that it is not told by colour alone."""
    if held.imported:
        classes = [next(name for least, name in STEPS if held.percent >= least)]
        text = f"{held.percent}"
    else:
        classes = [held.state.value]
        sign = SIGNS[held.state]
        text = f"<b>{sign}</b>" if sign else "0"
    if held.imported and held.source_has_no_more:
        classes.append("gone")
    if held.unreadable:
        classes.append("bad")
    if held.unreadable or held.has_seam:
        text += f"<b>{UNREADABLE if held.unreadable else HOURS_LACK}</b>"
    return classes, text


def figures(held: Held) -> str:
    """days, imported, rows, bytes, without events, missing, unreadable, hours lack; zeros at the end are left out."""
    numbers = [
        held.days,
        held.imported,
        held.rows,
        held.size_bytes,
        held.without_events,
        held.missing,
        held.unreadable,
        int(held.has_seam),
    ]
    while numbers and not numbers[-1]:
        numbers.pop()
    return " ".join(map(str, numbers))


def legend() -> list[tuple[str, str, str]]:
    """(classes, what stands in it, meaning) of a cell each."""
    return [
        ("s5", "", "every day"),
        ("s4", "75", "75 to 99 %"),
        ("s3", "50", "50 to 74 %"),
        ("s2", "25", "25 to 49 %"),
        ("s1", "1", "less"),
        ("s4 bad", UNREADABLE, "a file cannot be read"),
        ("s4 gone", "", "the source has no file for the rest"),
        ("missing", SIGNS[State.MISSING], "it has none at all"),
        ("empty", SIGNS[State.EMPTY], "files without an event of the park"),
        ("none", "", "never tried"),
        ("before", SIGNS[State.BEFORE], "before the park's first known day"),
        ("s5", HOURS_LACK, "hours between two feeds not asked for"),
    ]
