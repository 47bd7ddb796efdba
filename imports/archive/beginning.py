"""From plans to runs: `begin` writes the checkpoints that stand for them (an import a park), `resume` finds those that
can go on, and `run_of` makes their run.

An import that was begun for the same days and source and did not end is gone on with, never begun twice.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from imports.archive import beside, key_reach
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.destinations import parks_of
from imports.archive.growth import sudden_growth
from imports.archive.planning import DestinationPlan
from imports.archive.prefetch import read_ahead
from imports.archive.process import process_token
from imports.archive.request import RequestError
from imports.archive.run import ImportRun
from imports.archive.slow_clock import refuse_a_clock_behind, slow_clock
from imports.archive.transitions import ImportStatus
from imports.events.validation import Observation, ReportedPark
from imports.loading.loader import make_months
from imports.loading.resolver import Resolver, make_park
from imports.sources.opening import DELISTED, has_files_by_park, is_captures, open_source
from imports.sources.source import ArchiveError, Feed, Source, SourceByPark
from warehouse.models import Park
from warehouse.server.away import patient, patiently
from warehouse.server.turns import brief_transaction, on_every_node

PEEK_FILES = 5  # how many files are opened to learn the parks of a destination before its import begins


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
    runs = patiently(lambda: _begun(found, clock))  # again: what the first time has written is gone on with
    beside.record({key: found for plan in plans for key, found in plan.request.beside.items()}, clock())
    key_reach.record([(park, plan.of_park) for park, plan in reached if plan.of_park is not None], clock())
    return runs


def _begun(found: list[tuple[DestinationPlan, list[Park]]], clock: Callable[[], datetime]) -> list[ImportRun]:
    """The runs of plans with their parks, in one transaction."""
    with brief_transaction():
        # locked, so that of two commands for one park the second sees the first one's checkpoints
        park_ids = {park.pk for _, parks in found for park in parks}
        on_every_node("park", park_ids)
        list(Park.objects.select_for_update().filter(pk__in=park_ids))
        unfinished = [_unfinished_of(plan, parks) for plan, parks in found]
        going_on_with = [checkpoint for checkpoints in unfinished for checkpoint in checkpoints]
        for checkpoint in going_on_with:
            checkpoint.refuse_another_if_alive()
        for plan, parks in found:
            ImportCheckpoint.lock_out_others([park.pk for park in parks], plan.destination, going_on_with)
        done_stays_done = any(unfinished) and not any(plan.request.options.is_selective for plan, _ in found)
        runs = []
        for (plan, parks), open_imports in zip(found, unfinished, strict=True):
            begun = {checkpoint.park_id for checkpoint in open_imports}
            if done_stays_done:
                begun |= set(_same_request(plan, parks).values_list("park_id", flat=True))
            checkpoints = open_imports + [_new(plan, park) for park in parks if park.pk not in begun]
            _change(checkpoints, force=plan.request.force)
            if checkpoints or not parks:
                runs.append(_run_of_plan(plan, checkpoints, clock))
    return runs


def resume(
    import_ids: Sequence[str],
    source: Source | None,
    clock: Callable[[], datetime] = timezone.now,
    *,
    force: bool = False,
) -> list[ImportRun]:
    """The runs of unfinished imports: of those named, or of all that wait and that nobody is working on. What a person
    cancelled or dismissed goes on only where it is named.

    `source` stands in for the one they began with, for an archive that has moved. Parks of one destination that were
    begun together go on together, however far each has come. `force`: from here on they are forced; without it they go
    on as they were begun.
    """
    every = ImportCheckpoint.objects.select_related("park").order_by("checkpoint_id")
    if import_ids:
        checkpoints = patiently(lambda: list(every.filter(import_id__in=import_ids)))
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
        waiting = every.filter(queued_at=None, dismissed_at=None).exclude(status=ImportStatus.COMPLETED)
        checkpoints = [
            checkpoint
            for checkpoint in patiently(lambda: list(waiting))
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
            checkpoint.options,
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

    `destinations`: those of the source, where they were listed before. ArchiveError: the source has moved. ClockIsSlow:
    by the clock of this machine its days are to come.
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
    refuse_a_clock_behind(last, max(checkpoint.created_at for checkpoint in group), clock())
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
        options=group[0].options,
        worker=process_token(),
        clock=clock,
    )


# --- checkpoints --------------------------------------------------------------------------------------------------
def _parks_to_begin_with(plan: DestinationPlan, now: datetime) -> list[Park]:
    """The parks that are known, and those of the first file that can be read: so that an import is claimed from its
    first moment, and a run of many destinations can be resumed when it was stopped inside the first."""
    if plan.of_park is not None:
        said = plan.of_park
        reported_park = ReportedPark(timezone=said.timezone, name=said.name)
        return [patiently(lambda: make_park(plan.destination, said.park_id, reported_park))]
    parks = {park.themeparks_wiki_id: park for park in parks_of(plan.destination)}
    reported = plan.peeked
    if reported is None:
        reported, observations = peek(plan, now)
        patiently(lambda: make_months(observations))  # who may not make any is told before anything is begun
    for park_id in sorted(reported.keys() - parks.keys()):
        parks[park_id] = patiently(partial(make_park, plan.destination, park_id, reported[park_id]))
    return list(parks.values())


def peek(plan: DestinationPlan, now: datetime) -> tuple[dict[str, ReportedPark], list[Observation]]:
    """What the first file that can be read and names a park says of its parks, by their UUIDs, and all that it
    observed; nothing of one that the run would hold back. Its bytes are left in the plan, and what is wrong, too."""
    for file in plan.files[:PEEK_FILES]:
        reading = read_ahead(plan.request.source, file, now, plan.fetched)
        if trouble := slow_clock(reading, now):
            plan.troubles.append(trouble)
        if not plan.request.force and sudden_growth(plan.destination, file, reading.validated, None, Resolver()):
            break  # the run holds it back, and says so
        observations = reading.validated.observations
        seen = {observation.park_id for observation in observations if observation.park_id is not None}
        if seen:
            return {park_id: reading.validated.parks[park_id] for park_id in seen}, observations
    return {}, []


def _same_request(plan: DestinationPlan, parks: list[Park]) -> QuerySet[ImportCheckpoint]:
    """None that was dismissed: whoever gave it up is not to find it revived, and asked for anew it is begun anew."""
    return ImportCheckpoint.objects.filter(
        dismissed_at=None,
        park__in=parks,
        destination_wiki_id=plan.destination,
        source=plan.request.source.url,
        end_date=plan.last,
        start_date__gte=plan.first,
        whole_destination=plan.whole_destination,
        **plan.request.options.of_the_request(),
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
        **plan.request.options.columns(),
        files_total=(plan.last - plan.first).days + 1,
    )


@patient
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
        options=plan.request.options,
        worker=process_token(),
        clock=clock,
        fetched=plan.fetched,
        troubles=plan.troubles,
    )
