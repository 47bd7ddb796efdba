"""What an import of the History API takes, said before it begins: days, requests, hours, and what is not to be had."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date

from imports.archive.planning import DestinationPlan
from imports.sources.source import Allowance, Feed, SourceByPark
from warehouse.days import ONE_DAY
from warehouse.text import HOUR, count_of, duration_in_words

NAMED_MAX = 3


def sentences(plans: Sequence[DestinationPlan]) -> list[str]:
    """For the one who asked; none where no request is counted."""
    source = plans[0].request.source if plans else None
    if not isinstance(source, SourceByPark):
        return []
    files = [file for plan in plans for file in plan.files]
    requests = sum(file.requests for file in files if file.is_asked_for)
    kept = sum(not file.is_asked_for for file in files)
    parks = count_of(sum(bool(plan.files) for plan in plans), "park")
    unit = "park day"
    if source.feed == Feed.DELISTED:
        unit = "park month"
        entities = sum(plan.of_park.entities or 0 for plan in plans if plan.files and plan.of_park is not None)
        parks = f"{count_of(entities, 'delisted entity', 'delisted entities')} of {parks}"
    said = [
        f"{source.url} {parks}, {count_of(len(files), unit)}: "
        f"{count_of(requests, 'request')}" + _kept(kept) + _time(requests, source.allowance)
    ]
    if known := sum(plan.days_known - plan.days_told for plan in plans):
        said.append(f"{count_of(known, unit)} not asked for: the ledger has them")
    if told := sum(plan.days_told for plan in plans):
        said.append(f"{count_of(told, unit)} not asked for: the archive's files have them")
    return [*said, *out_of_reach(plans), *_not_final(plans)]


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


def out_of_reach(plans: Sequence[DestinationPlan]) -> Iterator[str]:
    """What the key does not reach of what was asked for: to be said before, and again at the end."""
    periods: dict[tuple[date, date], list[str]] = {}
    for found in (plan.of_park for plan in plans if plan.of_park is not None):
        if found.asked_from is not None and found.out_of_reach_before is not None:
            period = found.asked_from, found.out_of_reach_before - ONE_DAY
            periods.setdefault(period, []).append(found.name or found.park_id)
    for (first, last), parks in sorted(periods.items()):
        yield f"Out of this key's reach: {first} to {last} of {_some(parks)}"


def _not_final(plans: Sequence[DestinationPlan]) -> Iterator[str]:
    by_day: dict[date, list[str]] = {}
    nothing: list[str] = []
    for found in (plan.of_park for plan in plans if plan.of_park is not None):
        asked = plans[0].request.last if found.entities is None else found.newest
        if found.final_day is None and not found.files:
            if found.entities is None:  # that nothing of a park is delisted is nothing to be told
                nothing.append(found.name or found.park_id)
        elif found.final_day is not None and asked is not None and found.final_day < asked:
            by_day.setdefault(found.final_day, []).append(found.name or found.park_id)
    for day, parks in sorted(by_day.items()):
        yield f"Not final yet, and left out: days after {day} of {_some(parks)}"
    if nothing:
        yield f"Nothing is recorded of {_some(nothing)}"


def _some(names: list[str]) -> str:
    return ", ".join(names[:NAMED_MAX]) + (f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else "")
