"""What a park's or a ride's page is made of, and who adds to it: a registry, since warehouse knows nobody above it.

quality.admin and imports.admin register what they know of a park (`register`); the page asks each section that the
user may see, and says of one that fails that it did.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from warehouse.admin.page_parts import failure
from warehouse.models import Park, Ride


# --- what a section says ---------------------------------------------------------------------------------------------
class Linked(NamedTuple):
    """A cell that leads somewhere."""

    said: Any
    url: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A figure in words; `beside` is said smaller, `trouble` sets it off as one that needs attention."""

    label: str
    value: Any
    url: str = ""
    beside: str = ""
    trouble: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """`wide`: left out on a phone; `whole`: of days, which are not broken into lines."""

    label: str
    is_number: bool = False
    wide: bool = False
    whole: bool = False

    @property
    def classes(self) -> str:
        """For the template."""
        names = ("number" if self.is_number else "text", "wide" if self.wide else "", "whole" if self.whole else "")
        return " ".join(filter(None, names))


@dataclass(frozen=True, slots=True)
class Listing:
    """A table. Cells are text, numbers, HTML that is marked safe, or Linked."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]
    title: str = ""

    def cells(self) -> list[list[tuple[Column, Any]]]:
        """Each with its column, for the template."""
        return [list(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class Section:
    """`slug`: its name in addresses; `url`: the page behind its heading; `said`: how to read it, or that there is
    nothing; `links`: what can be done or looked at from here; `trouble`: it could not be worked out."""

    slug: str
    title: str
    url: str = ""
    facts: Sequence[Fact] = ()
    listings: Sequence[Listing] = ()
    said: str = ""
    links: Sequence[Linked] = ()
    trouble: str = ""
    template: str = ""  # of what stands below the tables
    more: Any = None  # for that template


# --- who adds to it --------------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class About:
    """Of what a page is, for whom, and as of when (aware). `park` is where the ride stands now."""

    park: Park
    ride: Ride | None
    user: Any
    now: datetime

    @property
    def name(self) -> str:
        return str(self.ride or self.park)

    @property
    def zone(self) -> ZoneInfo:
        """UTC where none is known."""
        return self.park.zone

    @property
    def today(self) -> date:
        """The park's own."""
        return self.now.astimezone(self.zone).date()

    def may(self, permission: str) -> bool:
        """For links that not everybody who sees the section may follow."""
        return self.user.has_perm(permission)


Fill = Callable[[About], Section | None]


@dataclass(order=True, frozen=True, slots=True)
class _Registered:
    place: int
    slug: str
    title: str = field(compare=False)
    permission: str = field(compare=False)
    fill: Fill = field(compare=False)


_registered: dict[str, _Registered] = {}


def register(slug: str, title: str, permission: str, place: int) -> Callable[[Fill], Fill]:
    """Of a function that says what it knows of a park (or a ride); None: nothing that belongs here.

    Who lacks `permission` does not see it. Lower places come first: 10 findings, 20 coverage, 30 imports, 40 waits, 50
    rows, 60 rides, 70 live, 80 hours, 90 changes.
    """

    def add(fill: Fill) -> Fill:
        _registered[slug] = _Registered(place, slug, title, permission, fill)
        return fill

    return add


def sections_of(about: About) -> list[Section]:
    """Those that the user may see; one that fails says so in its place, and the others stand."""
    found = []
    for each in sorted(_registered.values()):
        if not about.may(each.permission):
            continue
        try:
            section = each.fill(about)
        except Exception as error:
            section = Section(each.slug, each.title, trouble=failure(f"{each.title} of {about.name}", error))
        if section is not None:
            found.append(section)
    return found
