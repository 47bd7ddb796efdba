"""What the home page is made of: parts with figures, what needs attention, imports under way, the latest actions.

The page shows them in words; `manage.py status --json`, monitors and alerts go by the keys and raw values, which stay
what they are when a wording changes.
"""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode

PAUSED = "desk.paused"  # the key of the Attention that says so
Raw = int | float | str | date | datetime | None


@dataclass(frozen=True)
class Figure:
    """A figure in words, linked to where it comes from; `trouble` sets it off as one that needs attention.

    `key` names it within its part, `raw` is what the words say for programs: a count, seconds, MB, a day, an instant;
    None where nothing is known.
    """

    key: str
    label: str
    value: str
    url: str
    trouble: bool = False
    raw: Raw = None

    @classmethod
    def counted(cls, key: str, label: str, count: int, url: str, trouble: bool = False) -> Self:
        """A count, with its thousands apart."""
        return cls(key, label, f"{count:,}", url, trouble, count)


@dataclass(frozen=True)
class Part:
    """A box of the page: its title is linked to the page behind it ("" where there is none)."""

    key: str
    title: str
    url: str
    figures: list[Figure]


@dataclass(frozen=True)
class Attention:
    """What an operator should look at, as a sentence that says what to do, and where.

    `key` says which trouble it is, and nothing of how much ("imports.failed"): it begins when the key comes up, and has
    ended when it is gone.
    """

    key: str
    said: str
    url: str = ""


@dataclass(frozen=True)
class Action:
    """An entry of the admin's log, put into words here: a row that cannot be read must fail here, not in the page."""

    at: datetime
    who: str
    what: str
    url: str
    said: str


@dataclass(frozen=True)
class LastNight:
    """The block of last night, in words. `said`: in one line."""

    since: str
    said: str
    went_well: bool
    figures: list[tuple[str, str, str]]  # label, in words, url
    imports: list[tuple[str, str, str, bool]]  # subject, url, in words, whether it is trouble
    more_imports: int
    clocks: list[tuple[str, str, bool]]  # value, label, whether it is the chosen one


@dataclass
class Home:
    """The page as its template shows it, empty at first; each part adds what is its own."""

    as_of: datetime
    clock_of: str = ""
    parts: list[Part] = field(default_factory=list)
    attention: list[Attention] = field(default_factory=list)
    imports: list[dict] = field(default_factory=list)  # with their progress, and its parts as HTML
    moving: bool = False  # some import goes on, so the page refreshes itself
    actions: list[Action] = field(default_factory=list)
    night: LastNight | None = None

    @property
    def paused(self) -> bool:
        """Whether everything is, as far as whoever looks may know."""
        return any(each.key == PAUSED for each in self.attention)


def link(name: str, **query: str) -> str:
    """The page of that name; "" where it does not exist."""
    try:
        return reverse(f"admin:{name}") + (f"?{urlencode(query)}" if query else "")
    except NoReverseMatch:
        return ""
