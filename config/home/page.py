"""What the home page is made of: parts with figures, what needs attention, imports under way, the latest actions."""

from dataclasses import dataclass, field
from datetime import datetime

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode


@dataclass(frozen=True)
class Figure:
    """A figure in words, linked to where it comes from; `trouble` sets it off as one that needs attention."""

    label: str
    value: str
    url: str
    trouble: bool = False


@dataclass(frozen=True)
class Part:
    """A box of the page: its title is linked to the page behind it ("" where there is none)."""

    title: str
    url: str
    figures: list[Figure]


@dataclass(frozen=True)
class Action:
    """An entry of the admin's log, put into words here: a row that cannot be read must fail here, not in the page."""

    at: datetime
    who: str
    what: str
    url: str
    said: str


@dataclass
class Home:
    """The page as its template shows it, empty at first; each part adds what is its own."""

    parts: list[Part] = field(default_factory=list)
    attention: list[tuple[str, str]] = field(default_factory=list)  # sentence and url
    imports: list[dict] = field(default_factory=list)  # with their parts as HTML
    moving: bool = False  # some import goes on, so the page refreshes itself
    actions: list[Action] = field(default_factory=list)


def link(name: str, **query: str) -> str:
    """The page of that name; "" where it does not exist."""
    try:
        return reverse(f"admin:{name}") + (f"?{urlencode(query)}" if query else "")
    except NoReverseMatch:
        return ""
