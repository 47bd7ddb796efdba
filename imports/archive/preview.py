"""What starting an import would mean, found out without writing anything, as plain values that a row of a table keeps:
how it is shown, and how the imports are begun from it later without asking the source again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from imports.archive import beginning, beside, cost, expected, planning
from imports.archive.destinations import parks_of
from imports.archive.planning import DestinationPlan
from imports.archive.request import Request, RequestError
from imports.archive.selection import KnownReadings
from imports.events.validation import ReportedPark
from imports.sources.source import Beside, DayFile, Feed, ParkFiles, SourceByPark, Why, key_of
from warehouse.days import ONE_DAY
from warehouse.models import Park
from warehouse.text import count_of, size_in_words

RANGES_NAMED = 5
#: of ParkFiles, what a start writes down of a park
_OF_PARK = ("park_id", "name", "timezone", "asked_from", "out_of_reach_before", "final_day", "newest", "entities")

Say = Callable[[str], None]


def look(request: Request, now: datetime, say: Say) -> dict[str, Any]:
    """Ask the source and the ledger. RequestError and ArchiveError say what is wrong.

    `say` is told before each step how far it is, and may raise whatever it likes to end it.
    """
    plans = planning.plan(request, now.date(), say)
    shown, peeked = [], []
    for plan in plans:
        reported: dict[str, ReportedPark] = {}
        if plan.files and plan.of_park is None and not plan.parks and not parks_of(plan.destination):
            say(f"reads the first file of {plan.destination}, to learn its parks")
            reported, _ = beginning.peek(plan, now)
        peeked.append(reported)
        shown.append(_shown(plan, reported))
    troubles = [trouble for plan in plans for trouble in plan.troubles]  # which the start would stop at, or leave out
    sentences = [*troubles, *beside.sentences(request.beside), *cost.sentences(plans), *_left_out(plans)]
    sizes = [each["bytes"] for each in shown]
    total = None if None in sizes else sum(sizes)
    to_read = sum(each["to_read"] for each in shown)
    if to_read and not isinstance(request.source, SourceByPark):
        sentences.append(expected.sentence(request.source.feed, to_read, total))
    return {
        "plans": [_kept(plan, reported) for plan, reported in zip(plans, peeked, strict=True)],
        "beside": {destination: _beside_kept(found) for destination, found in request.beside.items()},
        "shown": [each for each, plan in zip(shown, plans, strict=True) if plan.files],
        "sentences": sentences,
        "to_read": to_read,
        "bytes": total,
    }


def plans_of(found: Mapping[str, Any], request: Request) -> list[DestinationPlan]:
    """The plans of a look, to be begun as they were: with the days and parks that it found. Of their files only that
    there are any: who goes on with the imports lists them. `request` is as it was then, its source not yet asked.
    RequestError: a park is gone since."""
    for destination, kept in found["beside"].items():
        request.beside[destination] = Beside(
            Counter({Why(why): count for why, count in kept["counts"].items()}),
            [(path, Why(why)) for path, why in kept["examples"]],
            kept["whole"],
            Feed(kept["feed"]),
        )
    named = {pk for kept in found["plans"] for pk in kept["parks"]}
    parks = Park.objects.in_bulk(named)
    if named - parks.keys():
        raise RequestError("A park of the preview is no longer there: look again")
    return [_plan(kept, request, parks) for kept in found["plans"]]


def in_ranges(days: Iterable[date]) -> str:
    """`2025-03-01 to 2025-03-03, 2025-03-07 and 3 more`: days in order, the first RANGES_NAMED of their ranges."""
    ranges: list[tuple[date, date]] = []
    for day in days:
        if ranges and day - ranges[-1][1] == ONE_DAY:
            ranges[-1] = ranges[-1][0], day
        else:
            ranges.append((day, day))
    said = ", ".join(f"{first}" if first == last else f"{first} to {last}" for first, last in ranges[:RANGES_NAMED])
    more = len(ranges) - RANGES_NAMED
    return f"{said} and {count_of(more, 'range')} more" if more > 0 else said


# --- what is shown ------------------------------------------------------------------------------------------------
def _shown(plan: DestinationPlan, reported: Mapping[str, ReportedPark]) -> dict[str, Any]:
    """Of one destination, or of one park of a source that has files by park: figures, and days in words."""
    asked, parks = plan.request, plan.known_parks()
    known = KnownReadings.of(
        plan.destination, plan.first, plan.last, asked.source.feed, heed_archive=asked.missing_only
    )
    lacking = {park.pk: [file for file in plan.files if known.lacks(park.pk, file)] for park in parks}
    by_park = {park.park_name: len(plan.files) - len(lacking[park.pk]) for park in parks}
    lacked = {file.day for files in lacking.values() for file in files}
    park_ids = [park.pk for park in parks]
    files = [
        file
        for file in plan.files
        if not asked.options.is_selective
        or known.ask_for(file, park_ids, whole=plan.whole_destination, changed_only=asked.changed_only)
    ]
    there = {file.day for file in plan.files}
    days = [plan.first + n * ONE_DAY for n in range((plan.last - plan.first).days + 1)]
    sizes = [file.size_bytes for file in files]
    size = sum(size for size in sizes if size is not None) if None not in sizes else None
    return {
        "destination": plan.destination,
        "parks": sorted(park.park_name for park in parks) or sorted(_called(*each) for each in reported.items()),
        "park_ids": park_ids,
        "first": plan.first.isoformat(),
        "last": plan.last.isoformat(),
        "files": len(plan.files),
        "imported": len(plan.files) - len(lacked) if parks else 0,
        "imported_by_park": by_park if len(set(by_park.values())) > 1 else {},
        "missing": plan.days_missing,
        "missing_days": in_ranges(day for day in days if day not in there) if plan.days_missing else "",
        "to_read": len(files),
        "to_read_days": in_ranges(file.day for file in files),
        "bytes": size,
        "size": "" if size is None else size_in_words(size / 1e6),
    }


def _called(park_id: str, reported: ReportedPark) -> str:
    return reported.name or reported.slug or park_id


def _left_out(plans: Iterable[DestinationPlan]) -> Iterable[str]:
    """Parks of a destination that is asked for, which single parks that are named keep out."""
    for plan in plans:
        if not plan.parks or plan.of_park or plan.destination not in map(str.lower, plan.request.destinations):
            continue
        if others := [park.park_name for park in parks_of(plan.destination) if park not in plan.parks]:
            yield (
                f"{plan.destination}: only {', '.join(park.park_name for park in plan.parks)}, since single parks are "
                f"chosen; left out: {', '.join(others)}"
            )


# --- what is kept for the start -----------------------------------------------------------------------------------
def _kept(plan: DestinationPlan, reported: Mapping[str, ReportedPark]) -> dict[str, Any]:
    of_park = {name: getattr(plan.of_park, name) for name in _OF_PARK} if plan.of_park is not None else None
    return {
        "destination": plan.destination,
        "first": plan.first.isoformat(),
        "last": plan.last.isoformat(),
        "parks": [park.pk for park in plan.parks],
        "has_files": bool(plan.files),
        "troubles": plan.troubles,
        "peeked": {park_id: asdict(park) for park_id, park in reported.items()},
        "of_park": of_park and {n: v.isoformat() if isinstance(v, date) else v for n, v in of_park.items()},
        "days_known": plan.days_known,
        "days_told": plan.days_told,
    }


def _plan(kept: Mapping[str, Any], request: Request, parks: Mapping[int, Park]) -> DestinationPlan:
    first = date.fromisoformat(kept["first"])
    return DestinationPlan(
        request=request,
        destination=kept["destination"],
        files=[DayFile(key_of(kept["destination"], first), first)] if kept["has_files"] else [],
        first=first,
        last=date.fromisoformat(kept["last"]),
        parks=[parks[pk] for pk in kept["parks"]],
        troubles=list(kept["troubles"]),
        peeked={park_id: ReportedPark(**park) for park_id, park in kept["peeked"].items()},
        of_park=_of_park(kept["of_park"]),
        days_known=kept["days_known"],
        days_told=kept["days_told"],
    )


def _of_park(kept: Mapping[str, Any] | None) -> ParkFiles | None:
    if kept is None:
        return None
    days = {
        name: date.fromisoformat(kept[name]) if kept[name] else None
        for name in ("asked_from", "out_of_reach_before", "final_day", "newest")
    }
    return ParkFiles(**{**kept, **days}, files=[])


def _beside_kept(found: Beside) -> dict[str, Any]:
    return {
        "counts": {str(why): count for why, count in found.counts.items()},
        "examples": [[path, str(why)] for path, why in found.examples],
        "whole": found.whole,
        "feed": str(found.feed),
    }
