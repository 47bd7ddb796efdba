"""Events -> observations and issues: every rule of what is accepted, nothing of the database.

One event yields one observation (perhaps with a part that cannot be believed skipped) or one rejection; each issue is
counted under its reason and park, with a few raw examples. The archive and the live API share these rules.
"""

import functools
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from imports.events.dayfile import Event, Refused
from imports.events.issues import Issues
from imports.events.json_text import NESTED_TOO_DEEPLY
from imports.events.load_format import row_text, text_of
from imports.events.queues import QueueIssues, read_queue
from warehouse.ids import uuid_of
from warehouse.instants import milliseconds_of
from warehouse.ride_status import RideStatus

FUTURE_TOLERANCE_SECONDS = 5 * 60
# Recording started 2021-07-03; an event may be years older than its file when a ride has long been closed. Older
# than this it is a broken clock (1970), and one such row would ask for hundreds of empty month partitions.
EARLIEST_PLAUSIBLE = datetime(2015, 1, 1, tzinfo=UTC)
EXAMPLE_MAX_CHARACTERS = 300
LABEL_MAX_CHARACTERS = 40

_MALFORMED_ID = "malformed_id"


class Said(msgspec.Struct, frozen=True, gc=False):
    """What events say of an entity and its park beside its state: one for all that say the same. "" for no text."""

    name: str
    name_as_it_came: Any  # fit for JSON
    park_slug: str
    timezone: str  # of the park: an IANA name, or whatever came


class Observation(msgspec.Struct, gc=False):
    """What one accepted event says: the state of one entity at one instant.

    `state` and `queues` are rows as the server reads them (see `row_text`): what is equal here is equal in the
    tables, and loading them costs no further work.
    """

    entity_id: str
    park_id: str | None  # themeparks_wiki_id; None: the park of the known ride
    milliseconds: int  # since 1970 UTC, truncated
    recorded_at: str  # the same, YYYY-MM-DD HH:MM:SS[.mmm]
    state: str  # STATE_COLUMNS
    queues: tuple[str, ...]  # QUEUE_COLUMNS of each further queue, by its type
    said: Said
    time_as_it_came: str | None = None  # fit for JSON; None: recorded_at with a T and a Z, as nearly all

    @property
    def event_time(self) -> str:
        """The instant as the event wrote it."""
        return self.time_as_it_came or f"{self.recorded_at[:10]}T{self.recorded_at[11:]}Z"


@dataclass(slots=True)
class ReportedPark:
    """What the file itself says of a park, for one that is not known yet; "" where it says nothing."""

    slug: str = ""
    timezone: str = ""  # an IANA name, or whatever came
    name: str = ""  # as people call it


@dataclass(slots=True)
class Rejection:
    """A rejected event that names no park: whether it belongs to one is known where the rides are known."""

    entity_id: str
    reason: str
    example: Any  # fit for JSON


@dataclass(slots=True)
class Validated:
    """What the events of one file or answer amount to. Parks are named by their themeparks_wiki_id."""

    observations: list[Observation] = field(default_factory=list)  # in the order of the file
    rejected: dict[str | None, int] = field(default_factory=dict)  # by park; None: of no park
    issues: Issues = field(default_factory=Issues)
    parks: dict[str, ReportedPark] = field(default_factory=dict)  # that events name, also rejected ones
    parkless_rejections: list[Rejection] = field(default_factory=list)  # in `rejected` and `issues` they are not
    to_come: list[int] = field(default_factory=list)  # milliseconds of events that were rejected as in the future

    @property
    def events(self) -> int:
        """How many there were."""
        return len(self.observations) + sum(self.rejected.values()) + len(self.parkless_rejections)

    def reject(self, park_id: str | None, reason: str, example: Any, counted_as: str | None = None) -> None:
        """Count an event that is not stored, and the issue that it is."""
        self.rejected[park_id] = self.rejected.get(park_id, 0) + 1
        self.issues.add(park_id, reason, example, counted_as)


class _Rejected(Exception):
    def __init__(self, reason: str, value: Any = None, park_id: str | None = None):
        self.reason = reason
        self.value = value
        self.park_id = park_id


def validate(events: Sequence[Event | Any], now: datetime, wait_max_minutes: int | None = None) -> Validated:
    """Observations, rejections and issues of one file's events. `now` (aware) decides what lies in the future.

    An event that names no park belongs where another event of the file, before it or behind it, says its entity is.
    `wait_max_minutes` is that of the standby line; None: as the settings say.
    """
    if wait_max_minutes is None:
        wait_max_minutes = standby_wait_max_minutes()
    result = Validated()
    latest_ms = milliseconds_of(now) + FUTURE_TOLERANCE_SECONDS * 1000
    reported = _ReportedParks(events)
    append = result.observations.append
    entities = _Entities(result.parks)
    met_before = entities.known.get
    for event in events:
        if type(event) is not Event:
            if type(event) is Refused:
                result.reject(None, event.reason, event.example, event.counted_as)
            else:
                result.reject(None, "malformed_event", shorten(event))
            continue
        park_id = None
        try:
            try:
                entity = met_before((event.entityId, event.name, event.parkId, event.parkSlug, event.timezone))
            except TypeError:  # one of them is a list or an object
                entity = None
            entity_id, park_id, said = entity or entities.meet(event)
            if event.eventTime is None:
                raise _Rejected("missing_event_time")
            milliseconds, recorded_at, time_as_it_came = _instant(event.eventTime)
            if milliseconds > latest_ms:
                result.to_come.append(milliseconds)
                raise _Rejected("future_time", event.eventTime)
            data = event.data
            if data is None or data.status is None:
                raise _Rejected("missing_status")
            try:
                states = _STATES[data.status]
            except (KeyError, TypeError):
                raise _Rejected("unknown_status", data.status) from None
        except _Rejected as rejected:
            _reject(result, event, park_id or rejected.park_id, rejected, reported)
            continue
        if park_id is None:
            park_id = reported.park_of(entity_id)
        wait: _Wait = (None, False)
        queues: tuple[str, ...] = ()
        if data.queue:
            issues: QueueIssues = []
            wait_time, wait_told, queues = read_queue(data.queue, issues, wait_max_minutes)
            wait = wait_time, wait_told
            for reason, value, queue_type in issues:
                counted_as = f"{queue_type} {_label(value)}" if queue_type else None
                result.issues.add(park_id, reason, _example(event, value), counted_as)
        append(Observation(entity_id, park_id, milliseconds, recorded_at, states[wait], queues, said, time_as_it_came))
    return result


def standby_wait_max_minutes() -> int:
    """As the settings say. What decodes in a process of its own has none, and is told it."""
    from django.conf import settings

    return int(settings.WAIT_TIME_MAX_MINUTES)


#: of whom an event is: the entity, the park that it names (None: none), and what else it says of them
_Entity = tuple[str, str | None, Said]


class _Entities:
    """Of whom events are: looked into once for all that say the same, a hundred of one entity and day."""

    def __init__(self, parks: dict[str, ReportedPark]):
        self.known: dict[tuple, _Entity] = {}  # by what events say, as it came
        self._parks = parks  # those that were named

    def meet(self, event: Event) -> _Entity:
        """_Rejected: nothing that it may be stored under."""
        park_id = event.parkId
        if park_id is not None:
            park_id = uuid_of(park_id)
            if park_id is None:
                raise _Rejected(_MALFORMED_ID, event.parkId)
            if park_id not in self._parks:
                self._parks[park_id] = ReportedPark(text_of(event.parkSlug), text_of(event.timezone))
        if event.entityId is None:
            raise _Rejected("missing_entity_id", None, park_id)
        entity_id = uuid_of(event.entityId)
        if entity_id is None:
            raise _Rejected(_MALFORMED_ID, event.entityId, park_id)
        said = Said(
            text_of(event.name).strip(),
            shorten(event.name),
            text_of(event.parkSlug).strip(),
            text_of(event.timezone).strip(),
        )
        key = (event.entityId, event.name, event.parkId, event.parkSlug, event.timezone)
        if all(type(value) is str or value is None for value in key):  # what is equal is the same: 1 and True are not
            self.known[key] = entity_id, park_id, said
        return entity_id, park_id, said


_Wait = tuple[int | None, bool | None]  # the standby wait, and whether it was spoken of


class _StatesOf(dict[_Wait, str]):
    """Of one status: what was said of the wait -> the state as a row, made once each."""

    def __init__(self, status: RideStatus):
        super().__init__()
        self._status = status

    def __missing__(self, said: _Wait) -> str:
        wait, told = said
        is_open = int(self._status == RideStatus.OPERATING)
        self[said] = row_text((self._status.value, wait, is_open, None if told is None else int(told)))
        return self[said]


_STATES = {status.value: _StatesOf(status) for status in RideStatus}


class _ReportedParks:
    """Which park the file says an entity is in; gone through only when an event without a park is met."""

    def __init__(self, events: Sequence[Event | Any]):
        self._events = events

    @functools.cached_property
    def _parks(self) -> dict[str | None, str]:
        parks: dict[str | None, str] = {}
        for event in self._events:
            if type(event) is Event and (park_id := uuid_of(event.parkId)) is not None:
                parks.setdefault(uuid_of(event.entityId), park_id)
        return parks

    def park_of(self, entity_id: str) -> str | None:
        return self._parks.get(entity_id)


def _reject(
    result: Validated, event: Event, park_id: str | None, rejected: _Rejected, reported: _ReportedParks
) -> None:
    example = _example(event, rejected.value)
    entity_id = uuid_of(event.entityId)
    if park_id is None and entity_id is not None:
        park_id = reported.park_of(entity_id)
        if park_id is None:  # the ride may be known to the warehouse
            result.parkless_rejections.append(Rejection(entity_id, rejected.reason, example))
            return
    result.reject(park_id, rejected.reason, example)


_EARLIEST_MS = milliseconds_of(EARLIEST_PLAUSIBLE)


# 2024-12-25T00:05:10Z or 2024-12-25T00:05:10.644Z. Python reads much else (week dates, 170510, 17:05) that the server
# does not: only what has this very shape is passed on as a text, in 1.8 µs, where writing it anew takes 4.2.
_USUAL_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d{3})?Z", re.ASCII).fullmatch


def _instant(value: Any) -> tuple[int, str, str | None]:
    """Milliseconds since 1970, the instant as the server reads it, and how it came, where that does not tell."""
    try:
        instant = datetime.fromisoformat(value)
        if _USUAL_INSTANT(value):
            # exact: a float holds whole milliseconds of this century
            milliseconds = round(instant.timestamp() * 1000)
            if milliseconds >= _EARLIEST_MS:
                return milliseconds, f"{value[:10]} {value[11:-1]}", None
        if instant.tzinfo is not UTC:
            if instant.tzinfo is None:
                raise ValueError("no time zone")
            instant = instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _Rejected("malformed_time", value) from None
    milliseconds = milliseconds_of(instant)
    if milliseconds < _EARLIEST_MS:
        raise _Rejected("malformed_time", value)
    return milliseconds, instant.isoformat(" ", "milliseconds")[:23], shorten(value)


def _example(event: Event, value: Any) -> dict:
    return {
        "entityId": shorten(event.entityId),
        "eventTime": shorten(event.eventTime),
        "name": shorten(event.name),
        "value": shorten(value),
    }


def _label(value: Any) -> str:
    """What a value is counted as: -999, 415, 45.5, true; "45" where it is a text."""
    shown = shorten(value)
    if type(value) is str or type(shown) is not str:
        shown = json.dumps(shown, ensure_ascii=False)
    return shown if len(shown) <= LABEL_MAX_CHARACTERS else shown[:LABEL_MAX_CHARACTERS] + "..."


def shorten(value: Any) -> Any:
    """A raw value fit for evidence: JSON-able, and short whatever somebody put there."""
    if value is None or type(value) is bool or (type(value) is int and abs(value) < 2**63):
        return value
    text = text_of(value) if type(value) is str else _json_of(value)
    if len(text) > EXAMPLE_MAX_CHARACTERS:
        return text[:EXAMPLE_MAX_CHARACTERS] + f"... ({len(text)} characters)"
    return text


def _json_of(value: Any) -> str:
    try:
        return text_of(json.dumps(msgspec.to_builtins(value), default=str))
    except RecursionError:
        return NESTED_TOO_DEEPLY
