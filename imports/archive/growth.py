"""A file that suddenly brings parks or rides by the thousand is held back: they can be made, and never unmade.

A file of 18 KB was seen to make 2,000 parks, each with an import that nobody can delete.
"""

from collections.abc import Collection
from datetime import datetime

from imports.events.validation import Validated
from imports.loading.resolver import Resolver
from imports.sources.source import DayFile
from quality import log
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Park
from warehouse.server.away import patiently
from warehouse.text import count_of

# The largest destination, Walt Disney World, has 6 parks and some 700 entities; the whole world some 110 and, taken
# together, little more than 2,000 rides. So these hold for the first file of a destination too.
NEW_PARKS_MAX = 50
NEW_RIDES_MAX = 2_000

REASON = "sudden_growth"


class TooManyNew(Exception):
    """A file brings more parks or rides that are not known than any destination has; the message says what to do."""


def sudden_growth(
    destination: str, file: DayFile, validated: Validated, parks: Collection[str] | None, resolver: Resolver
) -> Finding | None:
    """What is too much of a file, where it is; None for nearly all files, of which the database is not asked.

    `parks`: those whose rows are wanted, by their themeparks_wiki_id; None: all that the file has.
    """
    mine = [
        observation
        for observation in validated.observations
        if observation.park_id is not None and (parks is None or observation.park_id in parks)
    ]
    new_parks = {observation.park_id for observation in mine if observation.park_id is not None}
    if len(new_parks) > NEW_PARKS_MAX:
        new_parks -= patiently(lambda: set(Park.objects.values_list("themeparks_wiki_id", flat=True)))
    new_rides = {observation.entity_id for observation in mine}
    if len(new_rides) > NEW_RIDES_MAX:
        new_rides -= patiently(lambda: resolver.known(new_rides).keys())
    if len(new_parks) <= NEW_PARKS_MAX and len(new_rides) <= NEW_RIDES_MAX:
        return None
    too_many = [
        text
        for text, limit, new in (
            (count_of(len(new_parks), "park"), NEW_PARKS_MAX, new_parks),
            (count_of(len(new_rides), "ride"), NEW_RIDES_MAX, new_rides),
        )
        if len(new) > limit
    ]
    examples = sorted(new_parks if len(new_parks) > NEW_PARKS_MAX else new_rides)[:EXAMPLES_MAX]
    what = f"{' and '.join(too_many)} that are not known ({', '.join(examples[:2])}, ...)"
    return Finding(
        reason=REASON,
        entity_type="destination",
        entity_key=destination,
        scope=file.key,
        description=f"{REASONS[REASON].say(1, file=file.key, what=what)}.",
        start=midnight(file.day),
        end=midnight(file.last_day + ONE_DAY),
        source_file=file.key,
        count=max(len(new_parks), len(new_rides)),
        examples=list(examples),
    )


def hold_back(found: Finding | None, now: datetime) -> None:
    """TooManyNew where something was found, after it was written down; nothing of the file is stored."""
    if found is not None:
        patiently(lambda: log.record([found], now))
        raise TooManyNew(f"{found.description} If they are real, add --force")
