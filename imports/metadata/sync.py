"""The catalogue and metadata sync: what the API says of parks and rides, brought into the warehouse.

Answers are fetched first, then one short transaction a destination writes them (imports.metadata.writing), so that
nothing is locked while the network is waited for.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from functools import partial
from math import inf
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from imports.api.themeparks import ApiError, ApiHeld, ApiUnavailable, MalformedAnswer, NoSuchEntity, ThemeParksApi
from imports.events.issues import Issues
from imports.events.load_format import text_of
from imports.events.validation import shorten
from imports.loading.retry import in_a_short_transaction
from imports.metadata.answers import Answers, Synced, Target
from imports.metadata.parsing import Entity, read_subtree, read_timezone
from imports.metadata.slices import Slice
from imports.metadata.writing import record_failure, write
from warehouse.ids import park_lookup, uuid_of
from warehouse.models import Park
from warehouse.server import errors
from warehouse.wire.bounds import within

logger = logging.getLogger(__name__)

SLICE_SECONDS = 120  # a worker ends a task after 300 s, and one destination may take 100 of them
TARGET_SECONDS = 90.0  # in a slice: whoever takes longer is told, and the next is asked


class UnknownTarget(Exception):
    """A destination or park was asked for that the API does not have."""


def targets(api: ThemeParksApi, *, destinations: Collection[str] = (), parks: Collection[str] = ()) -> list[Target]:
    """What is to be asked: the named destinations (UUID, name or part of one) and parks (park_id or UUID), or the whole
    catalogue.

    One request. UnknownTarget: a name that is none of them. ApiError: no catalogue was to be had.
    """
    catalogue = [
        Target(
            destination=uuid_of(row["id"]),
            name=text_of(row.get("name")) or row["id"],
            parks={
                uuid_of(park["id"]): text_of(park.get("name")).strip()
                for park in (row.get("parks") if isinstance(row.get("parks"), list) else ())
                if isinstance(park, dict) and uuid_of(park.get("id"))
            },
        )
        for row in api.destinations()
        if isinstance(row, dict) and uuid_of(row.get("id"))
    ]
    catalogue = _with_listing(catalogue)
    if not destinations and not parks:
        return catalogue
    chosen = [_target_named(name, catalogue) for name in destinations]
    return chosen + [_target_of_park(name, catalogue) for name in parks]


def _target_named(name: str, catalogue: list[Target]) -> Target:
    """By its UUID, its name, or a part of the name that no other has."""
    said = name.strip().casefold()
    by_id = [target for target in catalogue if target.destination == uuid_of(name)]
    by_name = [target for target in catalogue if target.name.casefold() == said]
    found = by_id or by_name or [target for target in catalogue if said and said in target.name.casefold()]
    if len(found) == 1:
        return found[0]
    if not found:
        raise UnknownTarget(
            f"The API has no destination {name!r}; it has {len(catalogue)}, each named by its UUID or its name"
        )
    some = ", ".join(f"{target.name} ({target.destination})" for target in found[:5])
    raise UnknownTarget(f"{name!r} is a part of {len(found)} names: {some}{', ...' if len(found) > 5 else ''}")


def sync(
    api: ThemeParksApi,
    targets: Iterable[Target],
    clock: Callable[[], datetime],
    *,
    attributes: bool = False,
    dry_run: bool = False,
    seconds_each: float = inf,
) -> Iterator[Synced]:
    """Sync one target after the other, and yield what came of each. One that fails does not stop the others, nor does
    one whose answers take more than `seconds_each` together.

    Asks one request a target and one a park; with `attributes` also one for every attraction, since /children
    says no heights. With `dry_run` everything is done and rolled back. ApiUnavailable: no further request makes sense.
    """
    for target in targets:
        issues = Issues()
        try:
            with within(seconds_each, sleeps_count=True):
                answers = _ask(api, target, attributes, issues)
        except ApiUnavailable:
            raise
        except MalformedAnswer as error:
            found = in_a_short_transaction(partial(record_failure, target, str(error), clock(), dry_run))
            yield Synced(target, error=str(error), findings=found)
        except ApiError as error:
            yield Synced(target, error=str(error))
        else:
            yield _written(answers, issues, clock(), dry_run)


def _written(answers: Answers, issues: Issues, now: datetime, dry_run: bool) -> Synced:
    """OperationalError: the server went away. What else it refuses is this target's, and the others go on."""
    try:
        return in_a_short_transaction(partial(write, answers, issues, now, dry_run))
    except DatabaseError as error:
        if errors.is_away(error):
            raise
        logger.exception("the catalogue of %s cannot be stored", answers.target.destination)
        return Synced(answers.target, error=errors.in_words(error))


def sync_slice(api: ThemeParksApi, begin_at: str, clock: Callable[[], datetime]) -> Slice:
    """Sync for SLICE_SECONDS what the settings keep to (or all), from the destination `begin_at` on, by UUID.

    To be called again from where it says, until nothing is left. Where nobody answers three times in a row the next
    slice begins behind these. ApiHeld: no request may be sent.
    """
    began = time.monotonic()
    found = sorted(targets(api, destinations=settings.DESTINATIONS), key=lambda target: target.destination)
    waiting = [target for target in found if target.destination >= begin_at]
    done = answered = 0
    try:
        for synced in sync(api, waiting, clock, seconds_each=TARGET_SECONDS):
            done, answered = done + 1, answered + (not synced.error)
            if done < len(waiting) and time.monotonic() - began > SLICE_SECONDS:
                break
    except ApiHeld:
        raise
    except ApiUnavailable as error:
        following = waiting[done + 1].destination if done + 1 < len(waiting) else ""
        return Slice(following, given_up=str(error), in_vain=not answered)
    return Slice(waiting[done].destination if done < len(waiting) else "")


def _with_listing(catalogue: list[Target]) -> list[Target]:
    """Each with the destinations under which every park of the catalogue is listed; of most it is one."""
    listed_by: dict[str, frozenset[str]] = {}
    for target in catalogue:
        for park_id in target.parks:
            listed_by[park_id] = listed_by.get(park_id, frozenset()) | {target.destination}
    return [replace(target, listed_by=listed_by) for target in catalogue]


def _target_of_park(name: str, catalogue: list[Target]) -> Target:
    try:
        lookup = park_lookup(name)
    except ValueError as error:
        raise UnknownTarget(f"--park {error}") from error
    park = Park.objects.filter(**lookup).first()
    park_id = park.themeparks_wiki_id if park else lookup.get("themeparks_wiki_id")  # new to the warehouse
    for target in catalogue:
        if park_id in target.parks:
            return replace(target, name=target.parks[park_id] or park_id, park=park_id)
    raise UnknownTarget(f"The API has no park {name!r}; give a park_id of the warehouse or the park's UUID")


def _ask(api: ThemeParksApi, target: Target, attributes: bool, issues: Issues) -> Answers:
    rows = api.children(target.asked)
    if attributes:
        rows = [_with_attributes(api, row) for row in rows]
    entities = read_subtree(rows, target.parks, target.park, issues)
    parks = [target.park] if target.park else [*target.parks, *_parks_beside(target, entities)]
    return Answers(target, entities, {park: _timezone(api, park, issues) for park in parks})


def _with_attributes(api: ThemeParksApi, row: Any) -> Any:
    if not isinstance(row, dict) or row.get("entityType") != "ATTRACTION" or not uuid_of(row.get("id")):
        return row
    try:
        return {**row, **api.entity(row["id"])}
    except (NoSuchEntity, MalformedAnswer):
        return row  # listed and unknown: what the list says is all there is


def _parks_beside(target: Target, entities: list[Entity]) -> list[str]:
    return [entity.entity_id for entity in entities if entity.kind == "PARK" and entity.entity_id not in target.parks]


def _timezone(api: ThemeParksApi, park: str, issues: Issues) -> str | None:
    try:
        return read_timezone(api.entity(park), park, issues)
    except (NoSuchEntity, MalformedAnswer) as error:  # of one park alone: all else is known
        issues.add(park, "malformed_answer", shorten(str(error)))
        return None
