"""The live collector: one question a destination, its answer through the very rules of the archive, as LIVE rows.

A row's instant is its lastUpdated, so a state that did not change is the snapshot that is stored already. Every run
leaves a LiveCollection of what it got, and every park its freshness.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial

from django.conf import settings

from imports.api.themeparks import ApiError, ApiUnavailable, ThemeParksApi
from imports.archive.replace_live import leave_to_the_archive
from imports.events.live_rows import as_event, is_place
from imports.events.validation import validate
from imports.live.answer import Answer
from imports.live.freshness import refresh
from imports.live.models import LiveCollection
from imports.live.sample_ids import is_made_up
from imports.loading.attribution import Attributed, Origin, attribute, place
from imports.loading.held import Held
from imports.loading.loader import make_months
from imports.loading.refusal import store
from imports.loading.resolver import Resolver, make_park
from imports.loading.retry import in_a_short_transaction
from quality import log
from warehouse.days import ONE_DAY, midnight
from warehouse.models import DataSource, Park
from warehouse.outside import shown
from warehouse.server import errors
from warehouse.server.away import patiently
from warehouse.text import count_of
from warehouse.wire.bounds import within

# A worker ends a task after 300 s. What is not reached by then comes first in the next run.
COLLECTION_MAX_SECONDS = 180
ERROR_MAX = 1_000  # characters of why a destination failed
RUN_MAX_SECONDS = 240.0  # with the question that was begun last, and its turns that are waited for

logger = logging.getLogger(__name__)


class NothingToCollect(Exception):
    """No destination is known yet."""


class NothingCollected(Exception):
    """Destinations were asked, and none answered."""


def told(collection: LiveCollection) -> str:
    """What came of a collection, in words; what is nought is left out. NothingCollected: nothing came."""
    asked = collection.destinations + collection.failed + collection.not_reached
    if collection.failed and not collection.destinations:
        why = collection.failures[0]["error"]
        raise NothingCollected(f"none of {count_of(asked, 'destination')} answered: {why}")
    said = [f"{collection.destinations} of {count_of(asked, 'destination')} answered", f"{collection.stored:,} stored"]
    for count, what in (
        (collection.already_known, "unchanged"),
        (collection.rejected, "rejected"),
        (collection.failed, "failed"),
        (collection.not_reached, "not reached"),
    ):
        if count:
            said.append(f"{count:,} {what}")
    return ", ".join(said)


def known_destinations() -> list[str]:
    """UUIDs of the destinations the settings keep to, or else of those of all real parks. NothingToCollect: none."""
    found = settings.DESTINATIONS or [
        destination
        for destination in Park.objects.exclude(destination_wiki_id=None)
        .order_by("destination_wiki_id")
        .values_list("destination_wiki_id", flat=True)
        .distinct()
        if not is_made_up(destination)
    ]
    if not found:
        raise NothingToCollect(
            "No destination is known yet: run manage.py sync_metadata first, or name one (--destination, DESTINATIONS)"
        )
    return found


def collect(
    api: ThemeParksApi,
    destinations: Sequence[str],
    clock: Callable[[], datetime],
    stop: threading.Event | None = None,
) -> LiveCollection:
    """Ask for each destination (UUID) once and store what is new. One that fails does not stop the others.

    Returns the row of this run, saved; `clock` gives aware instants.

    Ends early at `stop`, when the API is not reached or wants no more requests, or after COLLECTION_MAX_SECONDS; the
    next run begins with what was not reached. What a run ended at, or was killed at, comes last in the next one: one
    destination that hangs costs the others no more than that. OperationalError: the database server stays away.
    """
    with within(RUN_MAX_SECONDS, sleeps_count=True):
        return _collect_all(api, destinations, clock, stop)


def _collect_all(
    api: ThemeParksApi, destinations: Sequence[str], clock: Callable[[], datetime], stop: threading.Event | None
) -> LiveCollection:
    deadline = time.monotonic() + COLLECTION_MAX_SECONDS
    order = _beginning_where_the_last_run_ended(destinations)
    collection = LiveCollection.objects.create(started_at=clock(), next_destination=_behind(order, 0))
    done = 0
    for destination in order:
        if time.monotonic() > deadline or (stop is not None and stop.is_set()):
            collection.next_destination = destination
            break
        try:
            _collect_one(api, destination, clock, collection)
        except ApiUnavailable as error:
            _fail(collection, destination, error)
            break
        except ApiError as error:
            _fail(collection, destination, error)
        except Exception as error:  # whatever it is, it is this destination's, and the others go on
            if errors.is_away(error):
                raise  # no destination can be stored, and this cannot even be written down
            logger.exception("live data of destination %s cannot be stored", destination)
            _fail(collection, destination, error)
        done += 1
        collection.next_destination = _behind(order, done) if done < len(order) else ""
        patiently(collection.save)  # now, and not only at the end: a run that is killed has said how far it came
    collection.not_reached = len(order) - done
    collection.finished_at = clock()
    patiently(collection.save)
    return collection


def _collect_one(
    api: ThemeParksApi, destination: str, clock: Callable[[], datetime], collection: LiveCollection
) -> None:
    rows = [row for row in api.live(destination) if not is_place(row)]
    now = clock()
    answer = Answer(destination, rows, validate([as_event(row) for row in rows], now))
    patiently(lambda: make_months(answer.validated.observations))
    found, findings = in_a_short_transaction(partial(_write, answer, now))
    counts = found.counts.values()
    collection.destinations += 1
    collection.rows_read += len(rows)
    collection.stored += sum(count.stored for count in counts)
    collection.already_known += sum(count.already_known for count in counts)
    collection.duplicates += sum(count.duplicates for count in counts)
    collection.rejected += len(rows) - sum(count.events_read - count.rejected for count in counts)
    collection.findings += findings


def _write(answer: Answer, now: datetime) -> tuple[Attributed, int]:
    """What one transaction holds; the number of findings that are new."""
    parks = _parks(answer)
    day = now.astimezone(UTC).date()
    origin = Origin(
        destination=answer.destination,
        key=f"live/{answer.destination}/{day}",  # a defect that stays is one finding a day, not one a collection
        label=f"live data of {day}",
        start=midnight(day),
        end=midnight(day + ONE_DAY),
        dense=False,  # a row a ride: 300 looked up by key take 3 ms, their two days read through the index 126 ms
    )
    found = attribute(place(parks, answer.validated, Resolver(), origin, Held()))
    leave_to_the_archive(found)
    store([found], DataSource.LIVE.value)
    findings = log.record(found.findings, now).new
    refresh(parks, answer, now)
    return found, findings


def _parks(answer: Answer) -> list[Park]:
    """The destination's parks, and those its rows name, made where they are new."""
    seen = set(answer.validated.parks)
    known = Park.objects.filter(destination_wiki_id=answer.destination) | Park.objects.filter(
        themeparks_wiki_id__in=seen
    )
    parks = {park.themeparks_wiki_id: park for park in known}
    for park_id in sorted(seen - parks.keys()):
        parks[park_id] = make_park(answer.destination, park_id, answer.validated.parks[park_id])
    return list(parks.values())


def _behind(order: Sequence[str], at: int) -> str:
    """Where the next run begins if this one ends, or is killed, while it asks for the destination `at`."""
    return order[(at + 1) % len(order)]


def _beginning_where_the_last_run_ended(destinations: Sequence[str]) -> list[str]:
    last = LiveCollection.objects.first()
    if last is None or last.next_destination not in destinations:
        return list(destinations)
    at = destinations.index(last.next_destination)
    return [*destinations[at:], *destinations[:at]]


def _fail(collection: LiveCollection, destination: str, error: Exception) -> None:
    collection.failed += 1
    collection.failures.append({"destination": destination, "error": shown(error, ERROR_MAX)})
