"""What an operator asks to have imported, and whether it makes sense with the source and the parks there are.

`check_dates` and `chosen` say what is wrong in a sentence that names what would be right (RequestError). What becomes
of a request is planned in imports.archive.planning.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from django.conf import settings

from imports.archive.destinations import destinations_of
from imports.archive.options import Options
from imports.sources.source import Beside, Feed, Source
from warehouse.days import range_trouble
from warehouse.ids import ID_OR_UUID, park_lookup, uuid_of
from warehouse.models import Park
from warehouse.server.away import patient
from warehouse.text import count_of


class RequestError(Exception):
    """What was asked for makes no sense as it stands; the message says what would."""


@dataclass(frozen=True)
class Request:
    """What an operator asks for. `parks` are park ids or themeparks_wiki_ids; dates are inclusive, None: no limit.

    `missing_only`: days that were not read, or whose file has changed since; `changed_only`: these alone.
    `replace`: a file is the truth for its park days; rows of its earlier reading that it lacks now are withdrawn.
    `force`: what is held back for being out of all proportion is done all the same.
    `listed`: the destinations of the source, where it was asked for them already. `beside`: what planning saw beside
    the layout, by destination, also of those that have no day file at all.
    """

    source: Source
    destinations: Sequence[str] = ()
    parks: Sequence[str] = ()
    everything: bool = False
    first: date | None = None
    last: date | None = None
    missing_only: bool = False
    changed_only: bool = False
    replace_live: bool = False
    replace: bool = False
    force: bool = False
    listed: Sequence[str] | None = None
    beside: dict[str, Beside] = field(default_factory=dict)

    @property
    def options(self) -> Options:
        """What is kept of it with every import that it begins."""
        return Options(
            missing_only=self.missing_only,
            changed_only=self.changed_only,
            replace_live=self.replace_live,
            replace_archive=self.replace,
            force=self.force,
        )


def check_dates(request: Request, today: date) -> None:
    """RequestError where the range is turned over or lies in the future; `today` is UTC's."""
    if trouble := range_trouble(request.first, request.last, today):
        raise RequestError(trouble)


def check_options(request: Request) -> None:
    """RequestError where something was asked for that makes no sense with this source."""
    if request.source.feed == Feed.CAPTURES:
        if request.replace_live:
            raise RequestError(
                "--replace-live lets LIVE rows give way to those of the archive, and captures bring LIVE rows: leave "
                "it away"
            )
        if request.replace:
            raise RequestError(
                "--replace takes a file as the truth for its day, and captures are never all there is of a day: leave "
                "it away"
            )
    if request.source.feed == Feed.DELISTED and request.replace_live:
        raise RequestError(
            f"{request.source.url} is of entities that no live answer speaks of: leave away --replace-live"
        )


def chosen(request: Request) -> dict[str, list[Park]]:
    """Destinations in order, with the parks that were named of each."""
    there = list(request.source.list_destinations() if request.listed is None else request.listed)
    found: dict[str, list[Park]] = {}
    for destination in request.destinations:
        if uuid_of(destination) is None:
            raise RequestError(f"{destination!r} is no UUID; a destination is named by its themeparks.wiki UUID")
        if destination.lower() not in there:
            raise RequestError(f"{request.source.url} has no destination {destination}; it has {_some(there)}")
        found.setdefault(destination.lower(), [])
    for name in request.parks:
        park = _park(name)
        for destination in _destinations_of_park(park, there, request):
            found.setdefault(destination, []).append(park)
    if request.everything:
        for destination in there:
            found.setdefault(destination, [])
    if request.parks:
        return {destination: parks for destination, parks in found.items() if parks or request.everything}
    if not found:
        raise RequestError(f"Say what to import: --destination UUID, --park {ID_OR_UUID}, or --all")
    return found


@patient
def _park(name: str) -> Park:
    try:
        park = Park.objects.filter(**park_lookup(name)).first()
    except ValueError as error:
        raise RequestError(f"--park {error}") from error
    if park is None:
        raise RequestError(
            f"No park {name} is known. Import its whole destination (--destination UUID), or run manage.py "
            "sync_metadata first"
        )
    return park


def _destinations_of_park(park: Park, there: list[str], request: Request) -> list[str]:
    """Every destination whose files may hold it: what the catalogue says today is not where it was before a move.

    With --destination only those that were named; where none of them is known to hold the park, the operator knows
    better than we do.
    """
    known = destinations_of(park)
    if request.destinations:
        named = [destination.lower() for destination in request.destinations]
        return [destination for destination in known if destination in named] or list(dict.fromkeys(named))
    found = [destination for destination in known if destination in there]
    if not found:
        raise RequestError(
            f"{park} belongs to destination {' and '.join(known) or 'unknown'}, of which {request.source.url} has no "
            "files; name the one whose files hold it by --destination"
        )
    return found


def nothing_there(request: Request, today: date, *destinations: str) -> str:
    """A sentence for a range in which the source has nothing, with what it has instead; asks the source."""
    which = " and ".join(destinations)
    delisted = request.source.feed == Feed.DELISTED
    listings = [request.source.list_days(destination, None, None, today) for destination in destinations]
    files = [file for listing in listings for file in listing.files]
    if files:
        first, last = min(file.day for file in files), max(file.last_day for file in files)
        what = "months of delisted entities that are over" if delisted else "files"
        return f"{request.source.url} has no {what} of {which}{range_text(request)}; it has {first} to {last}"
    others = [listing.beside for listing in listings if listing.beside.total]
    what = "months of delisted entities that are over" if delisted else "day files"
    return f"{request.source.url} has no {what} of {which}" + "".join(
        f"; beside the layout it has {count_of(beside.total, 'file')}: {beside.in_words()}" for beside in others
    )


def range_text(request: Request) -> str:
    """` from DATE to DATE`, as far as it was asked for."""
    parts = [f"from {request.first}" if request.first else "", f"to {request.last}" if request.last else ""]
    return "".join(f" {part}" for part in parts if part)


def command_for(source: str, park: Park, day: date, *options: str) -> str:
    """What an operator types to import one park's day with these options."""
    where = [] if source == settings.ARCHIVE_URL else ["--source", shlex.quote(source)]
    days = ["--from", f"{day}", "--to", f"{day}"]
    return " ".join(["manage.py import_archive --park", park.themeparks_wiki_id, *days, *options, *where])


def _some(values: list[str]) -> str:
    return ", ".join(values[:3]) + (f" and {len(values) - 3} more" if len(values) > 3 else "")
