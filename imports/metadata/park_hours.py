"""Park hours kept as the API's schedules have them: asked for park by park, one request each, or one a past month.

Answers are fetched first, then one short transaction a park and answer writes them, as the catalogue's are.
"""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from django.conf import settings
from django.db import DatabaseError, transaction

from imports.api.themeparks import ApiError, ApiHeld, ApiUnavailable, MalformedAnswer, NoSuchEntity, ThemeParksApi
from imports.events.issues import Issue, Issues
from imports.events.validation import shorten
from imports.live.sample_ids import is_made_up
from imports.loading.retry import in_a_short_transaction
from imports.metadata.hours import Schedule, read_month, read_upcoming
from imports.metadata.slices import Slice
from quality import log
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.ids import uuid_of
from warehouse.models import Park
from warehouse.rides import hours
from warehouse.server import errors
from warehouse.server.turns import on_every_node
from warehouse.text import count_of
from warehouse.zones import known_zone, local_date

logger = logging.getLogger(__name__)

SLICE_SECONDS = 120  # a worker ends a task after 300 s, and the last park may take 100 of them
_REASONS = ("impossible_hours", "unknown_hours_type", "malformed_answer")  # what may be found in a schedule
LATE_CHANGES_DAYS = 3  # so long a month that is over is read once more: a night may be missed


@dataclass
class HoursOfPark:
    """What came of the schedules of one park."""

    park: Park
    days: set[date] = field(default_factory=set)  # of which a schedule says something
    changed: set[date] = field(default_factory=set)
    findings: int = 0  # new ones
    without: list[date | None] = field(default_factory=list)  # the API has no such schedule (None: of the coming days)
    errors: list[str] = field(default_factory=list)


def months_between(first: date, last: date) -> list[date]:
    """The first days of the calendar months from that of `first` to that of `last`."""
    months, month = [], first.replace(day=1)
    while month <= last:
        months.append(month)
        month = (month + 31 * ONE_DAY).replace(day=1)
    return months


def sync_hours(
    api: ThemeParksApi,
    parks: Iterable[Park],
    clock: Callable[[], datetime],
    *,
    months: Sequence[date] = (),
    dry_run: bool = False,
) -> Iterator[HoursOfPark]:
    """Read the schedule of the coming days of one park after the other, and of `months` (their first days).

    Yields what came of each park; what fails of one costs the others nothing. ApiUnavailable: no further request
    makes sense. OperationalError: the database server went away.
    """
    for park in parks:
        found = HoursOfPark(park)
        for month in (None, *months):
            _sync_one(api, found, month, clock, dry_run)
        yield found


def known_parks() -> list[Park]:
    """Of the destinations the settings keep to, or else all that an API may know; by themeparks_wiki_id."""
    parks = Park.objects.exclude(destination_wiki_id=None).order_by("themeparks_wiki_id")
    if settings.DESTINATIONS:
        parks = parks.filter(destination_wiki_id__in=settings.DESTINATIONS)
    return [park for park in parks if uuid_of(park.themeparks_wiki_id) and not is_made_up(park.themeparks_wiki_id)]


def sync_hours_slice(api: ThemeParksApi, begin_at: str, clock: Callable[[], datetime]) -> Slice:
    """Read schedules for SLICE_SECONDS, of `known_parks` from the park `begin_at` (UUID) on.

    In the first days of a month the one that is over is read once more: hours of a day change until it is over.
    To be called again from where it says, until nothing is left. Where nobody answers three times in a row the next
    slice begins behind these. ApiHeld: no request may be sent.
    """
    began = time.monotonic()
    today = clock().date()
    months = [today.replace(day=1) - ONE_DAY] if today.day <= LATE_CHANGES_DAYS else []
    waiting = [park for park in known_parks() if park.themeparks_wiki_id >= begin_at]
    days = changed = failed = done = 0
    given_up = ""
    try:
        for found in sync_hours(api, waiting, clock, months=[month.replace(day=1) for month in months]):
            done += 1
            days, changed, failed = days + len(found.days), changed + len(found.changed), failed + bool(found.errors)
            if time.monotonic() - began > SLICE_SECONDS:
                break
    except ApiHeld:
        raise
    except ApiUnavailable as error:
        given_up, done, failed = str(error), done + 1, failed + 1
    words = f"{count_of(days, 'day')} of {count_of(done, 'park')}, {changed} changed, {failed} failed"
    following = str(waiting[done].themeparks_wiki_id) if done < len(waiting) else ""
    return Slice(following, words, given_up, in_vain=bool(given_up) and failed == done)


def _sync_one(
    api: ThemeParksApi, found: HoursOfPark, month: date | None, clock: Callable[[], datetime], dry_run: bool
) -> None:
    park, issues = found.park, Issues()
    uuid, zone = str(park.themeparks_wiki_id), known_zone(park.timezone)
    schedule: Schedule | None = None
    try:
        entries = api.schedule(uuid, month)
        if month is None:
            schedule = read_upcoming(entries, uuid, zone, local_date(clock(), zone), issues)
        else:
            schedule = read_month(entries, uuid, zone, month, issues)
    except ApiUnavailable:
        raise
    except NoSuchEntity:
        found.without.append(month)
        return
    except MalformedAnswer as error:
        found.errors.append(str(error))
        issues.add(uuid, "malformed_answer", shorten(str(error)))
    except ApiError as error:
        found.errors.append(str(error))
        return
    try:
        changed, findings = in_a_short_transaction(partial(_write, park, month, schedule, issues, clock(), dry_run))
    except DatabaseError as error:
        if errors.is_away(error):
            raise
        logger.exception("the schedule of %s cannot be stored", park)
        found.errors.append(errors.in_words(error))
        return
    found.days |= schedule.said.keys() if schedule else set()
    found.changed |= changed
    found.findings += findings


def _write(
    park: Park, month: date | None, schedule: Schedule | None, issues: Issues, now: datetime, dry_run: bool
) -> tuple[set[date], int]:
    """The days that changed, and how many findings are new. No schedule: the answer was none, and says nothing."""
    on_every_node("park", [park.pk])
    changed = hours.replace(park.pk, schedule.covered, schedule.said, now) if schedule else set()
    found = {reason for _, reason in issues.found}
    new = log.record([_finding(park, month, reason, now, issues) for reason in sorted(found)], now).new
    if schedule:
        gone = [_finding(park, month, reason, now).fingerprint for reason in _REASONS if reason not in found]
        log.resolve_gone(gone, "The schedule was read again, and is without it.", now)
    if dry_run:
        transaction.set_rollback(True)
    return changed, new


def _finding(park: Park, month: date | None, reason: str, now: datetime, issues: Issues | None = None) -> Finding:
    issue = issues.found[str(park.themeparks_wiki_id), reason] if issues else Issue()
    which = f"Schedule of {park}" + (f", {month:%Y-%m}" if month else "")
    return Finding(
        reason=reason,
        entity_type="park",
        entity_key=str(park.themeparks_wiki_id),
        entity_id=park.pk,
        scope=f"schedule/{month:%Y-%m}" if month else "schedule",
        description=f"{which}: {REASONS[reason].say(issue.count)}.",
        start=midnight(month) if month else now,
        source_file=f"api/{park.themeparks_wiki_id}/schedule" + (f"/{month:%Y/%m}" if month else ""),
        count=issue.count,
        examples=issue.examples,
    )
