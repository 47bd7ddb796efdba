"""Openings, the states of rides at the first instant of a file's day, kept where a ride's record begins with one.

Nothing of an opening is an observation of that instant: no row of the fact table comes of it, and no count. Its values
are believed by the rules of events (imports.events.validation). What these refuse is left out without a word: it is
carried forward from a change of a day before, and told with that.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from imports.events import decoded
from imports.events.dayfile import Event, EventData
from imports.events.load_format import row_values
from imports.events.validation import validate
from imports.loading.resolver import KnownRide, Resolver
from warehouse.instants import milliseconds_of
from warehouse.rides import openings
from warehouse.rides.openings import Opening


def keep(
    said: Iterable[decoded.Opening],
    opens_at: Mapping[int, datetime],
    rides: Mapping[str, KnownRide],
    resolver: Resolver,
    source_file: str,
    now: datetime,
) -> None:
    """Keep what is the beginning of a ride's record, as far as is known, in the caller's transaction.

    `opens_at` (aware) by park_id; `rides` by the UUID of their entity, of these parks. Without a known status, or an
    instant at which it was seen, an opening says nothing. IntegrityError: somebody else wrote one of them meanwhile.
    """
    news = []
    for opening in _believed(said, opens_at, rides, source_file, now):
        known = resolver.openings.get(opening.ride_id)
        if known is None or known.gives_way_to(opening):
            news.append(opening)
    if news:
        resolver.openings.note(openings.keep(news))


def _believed(
    said: Iterable[decoded.Opening],
    opens_at: Mapping[int, datetime],
    rides: Mapping[str, KnownRide],
    source_file: str,
    now: datetime,
) -> Iterator[Opening]:
    events = []
    degraded: dict[tuple[str, int], bool] = {}
    for opening in said:
        if opening.observed_at is not None and opening.entity_id in rides:
            events.append(_as_event(opening, opening.observed_at))
            degraded[opening.entity_id, milliseconds_of(opening.observed_at)] = opening.degraded
    for observation in validate(events, now).observations:
        ride = rides[observation.entity_id]
        status, wait, *_ = row_values(observation.state)
        yield Opening(
            ride.ride_id,
            milliseconds_of(opens_at[ride.park_id]),
            observation.milliseconds,
            str(status),
            wait if wait is None else int(wait),
            degraded[observation.entity_id, observation.milliseconds],
            source_file,
        )


def _as_event(opening: decoded.Opening, seen_at: datetime) -> Event:
    data = EventData(opening.status, opening.queue)
    return Event(entityId=opening.entity_id, eventTime=seen_at.isoformat(), data=data)
