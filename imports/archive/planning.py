"""From what an operator asks for to plans: which destinations, parks and days. It only looks: what comes of a plan is
begun by imports.archive.beginning."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from imports.archive import beside, ledger
from imports.archive.destinations import parks_of
from imports.archive.request import Request, RequestError, check_dates, check_options, chosen, nothing_there, range_text
from imports.archive.selection import KnownReadings
from imports.events.validation import ReportedPark
from imports.sources.source import DayFile, ParkFiles, SourceByPark
from warehouse.models import Park
from warehouse.server.away import patient, patiently
from warehouse.text import count_of


@dataclass(frozen=True)
class DestinationPlan:
    """One destination's part: its files of the range, and the parks that were named (empty: all there are).

    `fetched` holds the bytes of files, by key, that were read already to learn the destination's parks, and `troubles`
    what is wrong where none could be learned. `peeked`: what they say of parks, where that was asked before.
    """

    request: Request
    destination: str
    files: list[DayFile]
    first: date
    last: date
    parks: list[Park]
    fetched: dict[str, bytes] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
    peeked: dict[str, ReportedPark] | None = None
    of_park: ParkFiles | None = None  # of a source that has files by park: a plan is of one park then
    days_known: int = 0  # left out of its files, where only what is new is asked for
    days_told: int = 0  # of these, those that another feed told

    @property
    def whole_destination(self) -> bool:
        """Whether parks that first appear on the way belong to it."""
        return not self.parks and self.of_park is None

    @property
    def days_missing(self) -> int:
        """Days of the range for which the source has no file; one that has files by park misses none."""
        if self.of_park is not None:
            return 0
        return (self.last - self.first).days + 1 - len(self.files)

    def days_imported(self) -> int:
        """Files of the range that were read, as they are now, for every named park, or every known one."""
        known = KnownReadings.of(self.destination, self.first, self.last, self.request.source.feed)
        parks = self.known_parks()
        return sum(bool(parks) and not any(known.lacks(park.pk, file) for park in parks) for file in self.files)

    @patient
    def known_parks(self) -> list[Park]:
        """The parks that it is of and that the warehouse knows."""
        if self.of_park is not None:
            return list(Park.objects.filter(themeparks_wiki_id=self.of_park.park_id))
        return self.parks or parks_of(self.destination)


def _nobody_listens(said: str) -> None:
    pass


def plan(request: Request, today: date, say: Callable[[str], None] = _nobody_listens) -> list[DestinationPlan]:
    """What would be read, by destination. RequestError and ArchiveError say what is wrong with the request. `say` is
    told before each destination that is asked for."""
    check_dates(request, today)
    check_options(request)
    parks_by_destination = chosen(request)
    plans = []
    if isinstance(request.source, SourceByPark):
        return _plan_by_park(request, request.source, parks_by_destination, today, say)
    for number, (destination, parks) in enumerate(parks_by_destination.items()):
        say(_listing(number, parks_by_destination, destination))
        listing = request.source.list_days(destination, request.first, request.last, today)
        request.beside[destination] = listing.beside
        if files := listing.files:
            first = _first_day(request.first, files[0].day, destination, parks or parks_of(destination))
            plans.append(DestinationPlan(request, destination, files, first, request.last or files[-1].day, parks))
        elif not request.everything and not parks:
            raise RequestError(nothing_there(request, today, destination))
    if not plans and request.everything:
        raise RequestError(
            f"{request.source.url} has no files{range_text(request)} for any of its destinations; "
            + ("; ".join(beside.sentences(request.beside)) or "widen --from and --to")
        )
    for park in () if request.everything else {park for parks in parks_by_destination.values() for park in parks}:
        theirs = [destination for destination, parks in parks_by_destination.items() if park in parks]
        if not any(plan.destination in theirs for plan in plans):
            raise RequestError(nothing_there(request, today, *theirs))
    return plans


def _plan_by_park(
    request: Request,
    source: SourceByPark,
    parks_by_destination: dict[str, list[Park]],
    today: date,
    say: Callable[[str], None],
) -> list[DestinationPlan]:
    """A plan a park, so that each goes on, waits and is checked by itself."""
    plans = []
    for number, (destination, parks) in enumerate(parks_by_destination.items()):
        say(_listing(number, parks_by_destination, destination))
        named = [park.themeparks_wiki_id for park in parks]
        for found in source.list_parks(destination, named, request.first, request.last, anew=request.changed_only):
            files, told = _files_wanted(request, destination, found)
            first, last = (files[0].day, files[-1].last_day) if files else (today, today)
            mine = [park for park in parks if park.themeparks_wiki_id == found.park_id]
            known = len(found.files) - len(files)
            plans.append(
                DestinationPlan(
                    request, destination, files, first, last, mine, of_park=found, days_known=known, days_told=told
                )
            )
    if not any(plan.files or plan.days_known for plan in plans):
        had = [plan.of_park.out_of_reach_before for plan in plans if plan.of_park and plan.of_park.out_of_reach_before]
        if had:
            raise RequestError(
                f"{source.url} gives nothing{range_text(request)} with this key, which reaches back to {min(had)}; "
                "a key of a higher plan reaches further"
            )
        raise RequestError(nothing_there(request, today, *parks_by_destination))
    return plans


def _listing(number: int, destinations: dict[str, list[Park]], destination: str) -> str:
    return f"{number} of {count_of(len(destinations), 'destination')} listed, {destination} is next"


def _files_wanted(request: Request, destination: str, found: ParkFiles) -> tuple[list[DayFile], int]:
    """Of a park's files those that are to be read: what is known is not even planned, since reading it is a request.
    And how many are left out because the archive's files have all of their hours."""
    if not request.options.is_selective or not found.files:
        return found.files, 0
    found_parks = Park.objects.filter(themeparks_wiki_id=found.park_id).values_list("pk", flat=True)
    park_ids = patiently(lambda: list(found_parks))
    if not park_ids:  # a park that is not known lacks everything
        return [] if request.changed_only else found.files, 0
    first, last, feed = found.files[0].day, found.files[-1].last_day, request.source.feed
    known = KnownReadings.of(destination, first, last, feed, heed_archive=request.missing_only)
    told = sum(
        known.told_elsewhere(park_id, file.day, file.last_day) and known.lacks_day(park_id, file.day)
        for park_id in park_ids
        for file in found.files
    )
    return [
        file for file in found.files if known.ask_for(file, park_ids, whole=False, changed_only=request.changed_only)
    ], told


def _first_day(asked: date | None, first_file: date, destination: str, parks: list[Park]) -> date:
    """Days before the first file are missing only to parks that had begun by then, not to those the archive begins
    with later; and no partitions are made for years in which there is nothing."""
    if asked is None or asked >= first_file:
        return first_file if asked is None else asked
    return asked if any(ledger.has_events_before(park.pk, first_file, destination) for park in parks) else first_file
