"""What an import of the History API takes, said before it begins: days, requests, hours, and what is not to be had."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date

from imports.archive.planning import DestinationPlan
from imports.archive.selection import KnownReadings
from imports.sources.source import Allowance, DayFile, SourceByPark
from warehouse.days import ONE_DAY
from warehouse.text import HOUR, count_of, duration_in_words

NAMED_MAX = 3


def sentences(plans: Sequence[DestinationPlan]) -> list[str]:
    """For the one who asked; none where no request is counted."""
    source = plans[0].request.source if plans else None
    if not isinstance(source, SourceByPark):
        return []
    wanted = {id(plan): files_wanted(plan) for plan in plans}
    files = [file for of_plan in wanted.values() for file in of_plan]
    requests = sum(file.is_asked_for for file in files)
    parks = sum(bool(of_plan) for of_plan in wanted.values())
    said = [
        f"{source.url} {count_of(parks, 'park')}, {count_of(len(files), 'park day')}: "
        f"{count_of(requests, 'request')}" + _kept(len(files) - requests) + _time(requests, source.allowance)
    ]
    known = sum(len(plan.files) for plan in plans) - len(files)
    if known:
        said.append(f"{count_of(known, 'park day')} not asked for: the ledger has them")
    return [*said, *_out_of_reach(plans), *_not_final(plans)]


def files_wanted(plan: DestinationPlan) -> list[DayFile]:
    """Those of a plan that a run would read."""
    asked = plan.request
    if not asked.is_selective:
        return plan.files
    known = KnownReadings.of(plan.destination, plan.first, plan.last, asked.source.feed)
    park_ids = [park.pk for park in plan.known_parks()]
    if not park_ids and plan.of_park is not None:  # a park that is not known lacks everything
        return [] if asked.changed_only else plan.files
    return [
        file
        for file in plan.files
        if known.ask_for(file, park_ids, whole=plan.whole_destination, changed_only=asked.changed_only)
    ]


def _kept(count: int) -> str:
    return f" ({count:,} kept on disk)" if count else ""


def _time(requests: int, allowance: Allowance | None) -> str:
    if not requests or allowance is None or allowance.requests_an_hour is None:
        return ""
    at_once = allowance.requests_an_hour if allowance.remaining is None else allowance.remaining
    budget = f"{allowance.requests_an_hour:,} an hour ({allowance.name})"
    if requests <= at_once:
        return f"; the budget is {budget}"
    hours = (requests - at_once) / allowance.requests_an_hour
    waits = f"; {at_once:,} are left until {allowance.resets_at.astimezone(UTC):%H:%M}Z" if allowance.resets_at else ""
    return f", {duration_in_words(max(1, hours) * HOUR)} at {budget}{waits}"


def _out_of_reach(plans: Sequence[DestinationPlan]) -> Iterator[str]:
    by_day: dict[date, list[str]] = {}
    for plan in plans:
        if plan.of_park is not None and plan.of_park.out_of_reach_before is not None:
            by_day.setdefault(plan.of_park.out_of_reach_before, []).append(plan.of_park.name or plan.of_park.park_id)
    for day, parks in sorted(by_day.items()):
        since = f" from {plans[0].request.first}" if plans[0].request.first else ""
        yield f"Out of this key's reach: days{since} to {day - ONE_DAY} of {_some(parks)}"


def _not_final(plans: Sequence[DestinationPlan]) -> Iterator[str]:
    last = plans[0].request.last
    by_day: dict[date, list[str]] = {}
    for plan in plans:
        final = plan.of_park.final_day if plan.of_park else None
        if final is not None and last is not None and final < last:
            by_day.setdefault(final, []).append(plan.of_park.name or plan.of_park.park_id if plan.of_park else "")
    for day, parks in sorted(by_day.items()):
        yield f"Not final yet, and left out: days after {day} of {_some(parks)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else "")
