"""A section of a page: a picture, its figures as a table, and what can be taken away of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from html import escape
from types import MappingProxyType
from typing import Any, NamedTuple

from django.utils.safestring import SafeString, mark_safe

from warehouse.history.answers import answer
from warehouse.history.answers.answer import Answer, rounded

ROWS_SHOWN = 400  # on a page; a CSV has them all


class Linked(NamedTuple):
    """A figure that leads to where it comes from."""

    value: Any
    url: str


def words(value: Any) -> str:
    """As it is."""
    return str(value)


def minutes(value: float) -> str:
    """Of waits: 35, 7.4 (below ten a tenth tells)."""
    return f"{value:.1f}" if value < 10 and value != int(value) else f"{value:.0f}"


def count(value: float) -> str:
    """1,234."""
    return f"{value:,.0f}"


def change(value: float) -> str:
    """A share of 1 with its sign: +12 %; and never -0."""
    return f"{round(100 * value):+,} %"


def points(value: float) -> str:
    """A difference of shares, in percentage points: +1.2."""
    return f"{round(100 * value, 1) + 0:+.1f}"


def hours(value: float) -> str:
    """Minutes, as hours: 12.5 h."""
    return f"{value / 60:,.1f} h"


def day_of_week(value: date) -> str:
    """Sat 2025-07-05."""
    return f"{value:%a %Y-%m-%d}"


def clock(value: time | datetime) -> str:
    """21:05; of an instant that is in its zone already."""
    return f"{value:%H:%M}"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` heads it in the CSV, `label` on the page. `show` puts a value into words. On a phone `wide` ones are left
    out."""

    name: str
    label: str
    show: Callable[[Any], str] = words
    is_number: bool = True
    wide: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of values, one a column: None where nothing is known, Linked where one leads on."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]

    def html(self) -> SafeString:
        """The first ROWS_SHOWN rows; put together here, since a template takes a tenth of a second for 400 days."""
        classes = [
            ("number" if column.is_number else "name") + (" wide" if column.wide else "") for column in self.columns
        ]
        head = "".join(
            f'<th scope="col" class="{kind}">{escape(column.label)}</th>'
            for kind, column in zip(classes, self.columns, strict=True)
        )
        shows = [column.show for column in self.columns]
        body = "".join(
            "<tr>"
            + "".join(
                f'<td class="{kind}">{_cell(value, show)}</td>'
                for value, show, kind in zip(row, shows, classes, strict=True)
            )
            + "</tr>"
            for row in self.rows[:ROWS_SHOWN]
        )
        return mark_safe(
            f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )

    @property
    def rows_left_out(self) -> int:
        """Of the page."""
        return max(0, len(self.rows) - ROWS_SHOWN)

    def as_answer(self) -> Answer:
        """The same, to be written as the answers of `manage.py ask` are."""
        rows = [[_bare(value) for value in row] for row in self.rows]
        return Answer([answer.Column(column.name) for column in self.columns], rows)


class Csv(NamedTuple):
    """One to take away: by a question of `manage.py ask`, with what else it takes, or without one of the table's own
    rows. `name` stands in its address, `label` on the page."""

    name: str
    label: str = "CSV"
    question: str = ""
    further: Mapping[str, Any] = MappingProxyType({})
    table: "Table | None" = None  # other rows than those that are shown


@dataclass(frozen=True, slots=True)
class Figure:
    """One that stands alone above the picture."""

    label: str
    value: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading, a picture, its figures as a table, and CSVs. `slug` is its name in addresses, `about` says how to read
    it, `nothing` what to say without rows; `trouble`: it could not be worked out."""

    slug: str
    title: str
    table: Table | None = None
    picture: SafeString | str | None = None
    about: str = ""
    figures: Sequence[Figure] = field(default_factory=tuple)
    trouble: str = ""
    nothing: str = "Nothing is known of these days."
    csvs: Sequence[Csv] = ()
    template: str = ""  # of what stands below the table
    more: Any = None  # for that template


def _cell(value: Any, show: Callable[[Any], str]) -> str:
    url = ""
    if isinstance(value, Linked):
        value, url = value
    if value is None:
        return "-"
    said = escape(show(value))
    return f'<a href="{escape(url)}">{said}</a>' if url else said


def _bare(value: Any) -> Any:
    """For writing: as it is known, not as it is shown."""
    if isinstance(value, Linked):
        value = value.value
    if isinstance(value, time):
        return f"{value:%H:%M}"
    return rounded(value, 4) if isinstance(value, float) else value
