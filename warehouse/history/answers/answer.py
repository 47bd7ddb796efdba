"""The shape of an answer: columns and rows, the same in whatever form it is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from warehouse.history.questions.days import ATTRACTIONS, Kinds, KnownDays
from warehouse.models import Park, Ride


def percent(share: float) -> str:
    """0.123: 12.3 %."""
    return f"{share * 100:.1f} %"


def signed_percent(change: float) -> str:
    """0.123: +12.3 %."""
    return f"{change * 100:+.1f} %"


def one_decimal(value: float) -> str:
    """23.333: 23.3."""
    return f"{value:.1f}"


@dataclass(frozen=True, slots=True)
class Column:
    """`name` is the key in JSON and the head in CSV. In a table it stands under `heading`, or not at all without one;
    texts stand to the left and come first."""

    name: str
    heading: str = ""
    shown: Callable[[Any], Any] = lambda value: value
    is_text: bool = False


@dataclass(slots=True)
class Answer:
    """Rows hold a value a column: text, number, date, (aware) datetime, Decimal, or None where nothing is known.

    `table` (head, rows) is shown in the place of the rows where a table of them would be hard to read. `remarks` say
    what the rows do not: the period, what is not known, as of when.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    table: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = None
    remarks: list[str] = field(default_factory=list)


@dataclass
class Asked:
    """What somebody asks: of which parks or which ride, which days (both included), and what else the question takes.

    `by`, `matched`: a word of those the question knows. `count`: at most so many rows, `years`: at most so many years.
    """

    parks: list[Park]
    first: date
    last: date
    now: datetime
    ride: Ride | None = None
    kinds: Kinds = ATTRACTIONS
    by: str | None = None
    matched: str = "weekdays"
    count: int = 10
    years: int | None = None
    each_ride_once: bool = False
    days_from_rows: int | None = None

    @cached_property
    def known(self) -> KnownDays:
        """The days, looked up once."""
        return KnownDays(
            self.parks,
            [(self.first, self.last)],
            self.now,
            ride=self.ride,
            kinds=self.kinds,
            days_from_rows=self.days_from_rows,
        )


def rounded(value: float | None, digits: int = 2) -> float | None:
    """For what is a quotient; None stays None."""
    return None if value is None else round(value, digits)
