"""Names, slugs and time zones as they are heard: what was said last holds, by the time of the event.

So an old day imported later changes nothing, what an operator has set stays, and each change is kept as it was before
(MetadataChange). A name that the catalogue gave is followed by a newer one of an event, until the catalogue says
another than before; a park with a proper name keeps that and its zone, since events have a slug alone
(docs/decisions/names-heard-last.md).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection
from django.db.models.functions import Now

from imports.events.validation import Observation
from imports.loading.changes import apply, remembered
from imports.loading.heard import newest_named
from imports.loading.held import Held
from imports.loading.resolver import KnownRide, Resolver, placeholder_name
from warehouse.instants import END_OF_TIME, ONE_MILLISECOND, instant_at, milliseconds_of, naive_utc
from warehouse.models import BY_EVENTS, NAME_LENGTH, MetadataChange, Park, Ride
from warehouse.outside import fitting
from warehouse.rides import stale_days, stays
from warehouse.zones import known_zone

# What `follow_parks` changes of a Park: where its transaction is rolled back, so is not what the object says.
FOLLOWED_OF_PARKS = ("park_name", "park_slug", "timezone", "hand_set")


# --- rides ----------------------------------------------------------------------------------------------------------
def follow_rides(
    heard: Mapping[str, list[Observation]], rides: Mapping[str, KnownRide], resolver: Resolver, held: Held
) -> None:
    """Call the rides as they were called last; to be done before the rows of the observations are stored."""
    news: dict[int, tuple[str, str, int]] = {}
    for entity, mine in heard.items():
        ride, newest = rides.get(entity), newest_named(mine)
        if ride is not None and newest is not None and newest[0] != ride.name:
            news[ride.ride_id] = (entity, *newest)
    if not news:
        return
    held.flush()
    changes = []
    for row in Ride.objects.select_for_update().select_related(None).filter(pk__in=news).order_by("pk"):
        entity, name, at = news[row.pk]
        known = rides[entity]
        if row.ride_name != name and _is_news_of(row, entity, at):
            changes.append(remembered(apply(row, {"ride_name": name}), Now(), BY_EVENTS, ride=row))
            row.named_at = instant_at(at)
            row.save(update_fields=["ride_name", "named_at"])
        if row.ride_name != known.name:
            resolver.renamed(entity, replace(known, name=row.ride_name))
    MetadataChange.objects.bulk_create(changes)


def _is_news_of(ride: Ride, entity_id: str, at: int) -> bool:
    if "ride_name" in ride.hand_set:
        return False
    if ride.ride_name == placeholder_name(entity_id):
        return True
    if ride.named_at is not None and milliseconds_of(ride.named_at) >= at:
        return False
    return not _is_any_stored([ride.pk], instant_at(at) + ONE_MILLISECOND, END_OF_TIME)


# --- parks ----------------------------------------------------------------------------------------------------------
@dataclass(slots=True)
class _Said:
    slug: str = ""
    slug_at: int = 0
    zone: str = ""
    zone_at: int = 0


def follow_parks(heard: Mapping[str, list[Observation]], parks: Iterable[Park], held: Held) -> None:
    """Bring slug, time zone and a name that is no proper one up to date; `parks` are what they then are."""
    said = _said_of_parks(heard)
    for park in parks:
        word = said.get(park.themeparks_wiki_id)
        if word is None:
            continue
        if word.slug not in ("", park.park_slug) or word.zone not in ("", park.timezone):
            held.flush()
            _follow_park(park, word)


def _said_of_parks(heard: Mapping[str, list[Observation]]) -> dict[str, _Said]:
    found: dict[str, _Said] = {}
    for mine in heard.values():
        left = {observation.park_id for observation in mine} - {None}  # two, of a ride that moved
        for observation in reversed(mine):
            if not left:
                break
            if observation.park_id is None or observation.park_id not in left:
                continue
            at = observation.milliseconds
            word = found.setdefault(observation.park_id, _Said())
            if word.slug and word.zone and at < min(word.slug_at, word.zone_at):
                left.remove(observation.park_id)
                continue
            slug = fitting(observation.said.park_slug, NAME_LENGTH)
            zone = observation.said.timezone
            if slug:
                word.slug, word.slug_at = max((word.slug, word.slug_at), (slug, at), key=lambda pair: pair[::-1])
            if known_zone(zone) is not None:
                word.zone, word.zone_at = max((word.zone, word.zone_at), (zone, at), key=lambda pair: pair[::-1])
            if slug and zone:
                left.remove(observation.park_id)
    return found


def _follow_park(park: Park, word: _Said) -> None:
    row = Park.objects.select_for_update().get(pk=park.pk)
    named_by_catalogue = row.has_proper_name and "park_name" not in row.hand_set
    says: dict[str, str] = {}
    if word.slug not in ("", row.park_slug) and (not row.park_slug or _is_last_word_of(row, word.slug_at)):
        says["park_slug"] = word.slug
        if not row.has_proper_name and "park_name" not in row.hand_set:
            says["park_name"] = word.slug
    if (
        word.zone not in ("", row.timezone)
        and "timezone" not in row.hand_set
        and (known_zone(row.timezone) is None or (not named_by_catalogue and _is_last_word_of(row, word.zone_at)))
    ):
        says["timezone"] = word.zone
    if says:
        change = remembered(apply(row, says), Now(), BY_EVENTS, park=row)
        row.save(update_fields=list(says))
        if "timezone" in change.before:
            stale_days.mark_park(row.pk)
        if change.before != {"park_slug": ""}:  # of a park that has its proper name: nothing that anybody saw
            change.save()
    for name in FOLLOWED_OF_PARKS:
        setattr(park, name, getattr(row, name))


def _is_last_word_of(park: Park, at: int) -> bool:
    """Asked of the rows that were the park's: those of a ride that has left it since speak of it too."""
    periods = stays.periods_of(park.pk, instant_at(at) + ONE_MILLISECOND, END_OF_TIME)
    return not any(_is_any_stored(*period) for period in periods)


# --- both -----------------------------------------------------------------------------------------------------------
def _is_any_stored(ride_ids: list[int], start: datetime, end: datetime) -> bool:
    """Whether a row of these rides is stored of this period (half-open): then something was heard since its start."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) WHERE ride_id IN %s "
            "AND recorded_at >= %s AND recorded_at < %s LIMIT 1",
            [ride_ids, naive_utc(start), naive_utc(end)],
        )
        return cursor.fetchone() is not None
