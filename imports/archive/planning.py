"""From what an operator asks for to runs: which destinations, parks and days, and the checkpoints that stand for them.

`plan` only looks. `begin` writes the checkpoints (an import a park) and `resume` finds those that can go on. An
import that was begun for the same days and source and did not end is gone on with, never begun twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from imports.archive import beside, key_reach, ledger
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.destinations import parks_of
from imports.archive.growth import sudden_growth
from imports.archive.prefetch import read_ahead
from imports.archive.process import process_token
from imports.archive.request import Request, RequestError, check_dates, check_options, chosen, nothing_there, range_text
from imports.archive.run import ImportRun
from imports.archive.selection import KnownReadings
from imports.archive.slow_clock import slow_clock
from imports.archive.transitions import ImportStatus
from imports.events.validation import ReportedPark
from imports.loading.loader import make_months
from imports.loading.resolver import Resolver, make_park
from imports.sources.opening import DELISTED, has_files_by_park, is_captures, open_source
from imports.sources.source import ArchiveError, DayFile, Feed, ParkFiles, Source, SourceByPark
from warehouse.models import Park

PEEK_FILES = 5  # how many files are opened to learn the parks of a destination before its import begins


@dataclass(frozen=True)
class DestinationPlan:
    """One destination's part: its files of the range, and the parks that were named (empty: all there are).

    `fetched` holds the bytes of files, by key, that were read already to learn the destination's parks, and `troubles`
    what is wrong where none could be learned.
    """

    request: Request
    destination: str
    files: list[DayFile]
    first: date
    last: date
    parks: list[Park]
    fetched: dict[str, bytes] = field(default_factory=dict)
    troubles: list[str] = field(default_factory=list)
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

    def known_parks(self) -> list[Park]:
        """The parks that it is of and that the warehouse knows."""
        if self.of_park is not None:
            return list(Park.objects.filter(themeparks_wiki_id=self.of_park.park_id))
        return self.parks or parks_of(self.destination)


def plan(request: Request, today: date) -> list[DestinationPlan]:
    """What would be read, by destination. RequestError and ArchiveError say what is wrong with the request."""
    check_dates(request, today)
    check_options(request)
    parks_by_destination = chosen(request)
    plans = []
    if isinstance(request.source, SourceByPark):
        return _plan_by_park(request, request.source, parks_by_destination, today)
    for destination, parks in parks_by_destination.items():
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
    request: Request, source: SourceByPark, parks_by_destination: dict[str, list[Park]], today: date
) -> list[DestinationPlan]:
    """A plan a park, so that each goes on, waits and is checked by itself."""
    plans = []
    for destination, parks in parks_by_destination.items():
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


def _files_wanted(request: Request, destination: str, found: ParkFiles) -> tuple[list[DayFile], int]:
    """Of a park's files those that are to be read: what is known is not even planned, since reading it is a request.
    And how many are left out because the archive's files have all of their hours."""
    if not request.is_selective or not found.files:
        return found.files, 0
    park_ids = list(Park.objects.filter(themeparks_wiki_id=found.park_id).values_list("pk", flat=True))
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


def begin(plans: list[DestinationPlan], clock: Callable[[], datetime] = timezone.now) -> list[ImportRun]:
    """The runs of a plan, their checkpoints written (PENDING). TransitionRefused: a park is being imported already.
    PartitionsError: the month of a first file cannot be made.

    Where some imports of the very same request are unfinished, these go on, and those that are done are left alone
    (unless only what is new is asked for: it may have come since); where none is, everything is imported anew. `force`
    makes no other request of it: what was stopped goes on, forced.
    """
    found = [
        (plan, plan.parks or (_parks_to_begin_with(plan, clock()) if plan.files else plan.known_parks()))
        for plan in plans
    ]
    reached = [(park, plan) for plan, parks in found if plan.of_park is not None for park in parks]
    found = [(plan, parks) for plan, parks in found if plan.files]
    with transaction.atomic():
        # locked, so that of two commands for one park the second sees the first one's checkpoints
        list(Park.objects.select_for_update().filter(pk__in=[park.pk for _, parks in found for park in parks]))
        unfinished = [_unfinished_of(plan, parks) for plan, parks in found]
        going_on_with = [checkpoint for checkpoints in unfinished for checkpoint in checkpoints]
        for checkpoint in going_on_with:
            checkpoint.refuse_another_if_alive()
        for plan, parks in found:
            ImportCheckpoint.lock_out_others([park.pk for park in parks], plan.destination, going_on_with)
        done_stays_done = any(unfinished) and not any(plan.request.is_selective for plan in plans)
        runs = []
        for (plan, parks), open_imports in zip(found, unfinished, strict=True):
            begun = {checkpoint.park_id for checkpoint in open_imports}
            if done_stays_done:
                begun |= set(_same_request(plan, parks).values_list("park_id", flat=True))
            checkpoints = open_imports + [_new(plan, park) for park in parks if park.pk not in begun]
            _change(checkpoints, force=plan.request.force)
            if checkpoints or not parks:
                runs.append(_run_of_plan(plan, checkpoints, clock))
    beside.record({key: found for plan in plans for key, found in plan.request.beside.items()}, clock())
    key_reach.record([(park, plan.of_park) for park, plan in reached if plan.of_park is not None], clock())
    return runs


def resume(
    import_ids: Sequence[str],
    source: Source | None,
    clock: Callable[[], datetime] = timezone.now,
    *,
    force: bool = False,
) -> list[ImportRun]:
    """The runs of unfinished imports: of those named, or of all that wait and that nobody is working on.

    `source` stands in for the one they began with, for an archive that has moved. Parks of one destination that were
    begun together go on together, however far each has come. `force`: from here on they are forced; without it they go
    on as they were begun.
    """
    every = ImportCheckpoint.objects.select_related("park").order_by("checkpoint_id")
    if import_ids:
        checkpoints = list(every.filter(import_id__in=import_ids))
        unknown = set(import_ids) - {checkpoint.import_id for checkpoint in checkpoints}
        if unknown:
            raise RequestError(f"No import {', '.join(sorted(unknown))}; manage.py import_archive --list names them")
        for checkpoint in checkpoints:
            if checkpoint.status == ImportStatus.COMPLETED:
                raise RequestError(
                    f"{checkpoint.import_id} of {checkpoint.park} is COMPLETED: there is nothing to resume. "
                    "To read its days again, start a new import"
                )
    else:
        checkpoints = [
            checkpoint
            for checkpoint in every.filter(queued_at=None).exclude(status=ImportStatus.COMPLETED)
            if "resume" in checkpoint.allowed_actions(alive=checkpoint.is_alive())
        ]
    if source is not None:
        for checkpoint in checkpoints:
            captures, delisted = is_captures(checkpoint.source), checkpoint.source.startswith(DELISTED)
            if (captures, delisted) != (source.feed == Feed.CAPTURES, source.feed == Feed.DELISTED):
                raise RequestError(
                    f"{checkpoint.import_id} was begun from {checkpoint.source}, and {source.url} is of another kind; "
                    "--source names where the same files lie now"
                )
        _change(checkpoints, source=source.url)
    if force:
        _change(checkpoints, force=True)
    found = groups(checkpoints)
    sources = {url: source or open_source(url) for url in {group[0].source for group in found}}
    destinations = {url: opened.list_destinations() for url, opened in sources.items()}
    return [run_of(group, sources[group[0].source], clock, destinations[group[0].source]) for group in found]


def groups(checkpoints: Sequence[ImportCheckpoint]) -> list[list[ImportCheckpoint]]:
    """Those that can go on together: of one destination, and begun by one request (or by equal ones)."""
    found: dict[tuple, list[ImportCheckpoint]] = {}
    for checkpoint in checkpoints:
        key = (
            checkpoint.source,
            checkpoint.destination_wiki_id,
            checkpoint.missing_only,
            checkpoint.changed_only,
            checkpoint.replace_live,
            checkpoint.replace_archive,
            checkpoint.force,
            checkpoint.whole_destination,
            checkpoint.end_date,
            checkpoint.park_id if has_files_by_park(checkpoint.source) else None,
        )
        found.setdefault(key, []).append(checkpoint)
    return list(found.values())


def run_of(
    group: list[ImportCheckpoint],
    source: Source,
    clock: Callable[[], datetime] = timezone.now,
    destinations: Sequence[str] | None = None,
) -> ImportRun:
    """The run of a group of unfinished imports, however far each has come; its days are listed here, once.

    `destinations`: those of the source, where they were listed before. ArchiveError: the source has moved.
    """
    destination = group[0].destination_wiki_id
    if destination not in (source.list_destinations() if destinations is None else destinations):
        # else all that is left would count as missing
        raise ArchiveError(
            f"{source.url} has no destination {destination} any more; "
            + (
                "where it was a park, whose destination is known since, cancel its import and begin it anew"
                if source.feed == Feed.CAPTURES
                else "name the archive by --source"
            )
        )
    first, last = _range_of(group)
    left = min(checkpoint.next_day for checkpoint in group)
    if isinstance(source, SourceByPark):
        (park,) = {checkpoint.park.themeparks_wiki_id for checkpoint in group}
        files = source.list_again(destination, park, left, last, anew=group[0].changed_only)
    else:
        files = source.list_days(destination, left, last, clock().astimezone(UTC).date()).files
    return ImportRun(
        source=source,
        destination=destination,
        files=files,
        checkpoints=group,
        first=first,
        last=last,
        whole_destination=any(checkpoint.whole_destination for checkpoint in group),
        missing_only=group[0].missing_only,
        changed_only=group[0].changed_only,
        replace_live=group[0].replace_live,
        replace=group[0].replace_archive,
        force=group[0].force,
        worker=process_token(),
        clock=clock,
    )


def _first_day(asked: date | None, first_file: date, destination: str, parks: list[Park]) -> date:
    """Days before the first file are missing only to parks that had begun by then, not to those the archive begins
    with later; and no partitions are made for years in which there is nothing."""
    if asked is None or asked >= first_file:
        return first_file if asked is None else asked
    return asked if any(ledger.has_events_before(park.pk, first_file, destination) for park in parks) else first_file


# --- checkpoints --------------------------------------------------------------------------------------------------
def _parks_to_begin_with(plan: DestinationPlan, now: datetime) -> list[Park]:
    """The parks that are known, and those of the first file that can be read: so that an import is claimed from its
    first moment, and a run of many destinations can be resumed when it was stopped inside the first."""
    if plan.of_park is not None:
        said = plan.of_park
        return [make_park(plan.destination, said.park_id, ReportedPark(timezone=said.timezone, name=said.name))]
    parks = {park.themeparks_wiki_id: park for park in parks_of(plan.destination)}
    for file in plan.files[:PEEK_FILES]:
        reading = read_ahead(plan.request.source, file, now, plan.fetched)
        if trouble := slow_clock(reading, now):
            plan.troubles.append(trouble)
        observations = reading.validated.observations
        if not plan.request.force and sudden_growth(plan.destination, file, reading.validated, None, Resolver()):
            break  # the run holds it back, and says so
        make_months(observations)  # who may not make any is told before anything is begun
        seen = {observation.park_id for observation in observations if observation.park_id is not None}
        for park_id in sorted(seen - parks.keys()):
            parks[park_id] = make_park(plan.destination, park_id, reading.validated.parks[park_id])
        if seen:
            break
    return list(parks.values())


def _same_request(plan: DestinationPlan, parks: list[Park]) -> QuerySet[ImportCheckpoint]:
    return ImportCheckpoint.objects.filter(
        park__in=parks,
        destination_wiki_id=plan.destination,
        source=plan.request.source.url,
        end_date=plan.last,
        start_date__gte=plan.first,
        missing_only=plan.request.missing_only,
        changed_only=plan.request.changed_only,
        replace_live=plan.request.replace_live,
        replace_archive=plan.request.replace,
        whole_destination=plan.whole_destination,
    ).select_related("park")


def _unfinished_of(plan: DestinationPlan, parks: list[Park]) -> list[ImportCheckpoint]:
    return list(
        _same_request(plan, parks)
        .filter(Q(start_date=plan.first) | Q(whole_destination=True))
        .exclude(status=ImportStatus.COMPLETED)
        .order_by("checkpoint_id")
    )


def _new(plan: DestinationPlan, park: Park) -> ImportCheckpoint:
    return ImportCheckpoint.objects.create(
        park=park,
        destination_wiki_id=plan.destination,
        source=plan.request.source.url,
        start_date=plan.first,
        end_date=plan.last,
        whole_destination=plan.whole_destination,
        missing_only=plan.request.missing_only,
        changed_only=plan.request.changed_only,
        replace_live=plan.request.replace_live,
        replace_archive=plan.request.replace,
        force=plan.request.force,
        files_total=(plan.last - plan.first).days + 1,
    )


def _change(checkpoints: list[ImportCheckpoint], **changes: Any) -> None:
    """What is asked for anew of imports that go on."""
    ImportCheckpoint.objects.filter(pk__in=[checkpoint.pk for checkpoint in checkpoints]).update(**changes)
    for checkpoint in checkpoints:
        vars(checkpoint).update(changes)


def _range_of(group: list[ImportCheckpoint]) -> tuple[date, date]:
    """From the first day that one of them began with; those that go on together have one end."""
    first = min(checkpoint.start_date for checkpoint in group if checkpoint.start_date is not None)
    last = group[0].end_date
    assert last is not None, "planning gives every import its range"
    return first, last


def _run_of_plan(
    plan: DestinationPlan, checkpoints: list[ImportCheckpoint], clock: Callable[[], datetime]
) -> ImportRun:
    return ImportRun(
        source=plan.request.source,
        destination=plan.destination,
        files=plan.files,
        checkpoints=checkpoints,
        first=plan.first,
        last=plan.last,
        whole_destination=plan.whole_destination,
        missing_only=plan.request.missing_only,
        changed_only=plan.request.changed_only,
        replace_live=plan.request.replace_live,
        replace=plan.request.replace,
        force=plan.request.force,
        worker=process_token(),
        clock=clock,
        fetched=plan.fetched,
        troubles=plan.troubles,
    )
