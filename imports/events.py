"""Events -> observations and doubts: every rule of what is accepted, nothing of the database.

One event yields one observation (perhaps with a doubtful part left out) or one rejection; each doubt is counted
under its kind, reason and park, with a few raw examples. The archive and the live API share these rules.
"""

import functools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
from iso4217 import Currency

from imports.dayfile import Event
from quality.findings import EXAMPLES_MAX
from quality.models import IssueType
from warehouse.models import EPOCH, QueueType, ReturnTimeState, RideStatus

WAIT_TIME_MAX_MINUTES = 300
FUTURE_TOLERANCE_SECONDS = 5 * 60
# Recording started 2021-07-03; an event may be years older than its file when a ride has long been closed. Older
# than this it is a broken clock (1970), and one such row would ask for hundreds of empty month partitions.
EARLIEST_PLAUSIBLE = datetime(2015, 1, 1, tzinfo=UTC)
TEXT_MAX = 50  # boarding_group_status, boarding_group_current
PRICE_MAX = Decimal("99999999.99")  # DECIMAL(10,2)
EXAMPLE_MAX_CHARACTERS = 300

_MALFORMED_ID = "malformed_id"
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_STATUSES = {status.value: status.value for status in RideStatus}
_RETURN_STATES = {state.value for state in ReturnTimeState}

#: What each reason means, for an operator; {count} events of {subject}.
REASONS: dict[str, tuple[str, str]] = {
    "malformed_event": (IssueType.INVALID, "records are no event at all (not an object)"),
    _MALFORMED_ID: (IssueType.INVALID, "events carry an id that is no UUID"),
    "malformed_time": (IssueType.INVALID, "events have a time that cannot be read, has no zone or is before 2015"),
    "future_time": (IssueType.INVALID, "events lie in the future"),
    "unknown_status": (IssueType.INVALID, "events carry a status that is not known"),
    "wait_out_of_range": (IssueType.INVALID, f"waits are no whole minutes from 0 to {WAIT_TIME_MAX_MINUTES}"),
    "unknown_queue_type": (IssueType.INVALID, "queue entries are of a type that is not known"),
    "malformed_queue": (IssueType.INVALID, "queue entries have a shape that cannot be read"),
    "malformed_return_time": (IssueType.INVALID, "return times cannot be read"),
    "invalid_price": (IssueType.INVALID, "prices are below 0, without a currency, or not an amount"),
    "missing_entity_id": (IssueType.MISSING_FIELD, "events have no entityId"),
    "missing_event_time": (IssueType.MISSING_FIELD, "events have no eventTime"),
    "missing_status": (IssueType.MISSING_FIELD, "events have no status"),
    "missing_park": (IssueType.MISSING_FIELD, "events name no park, and their entity is not known"),
    "duplicate_event": (IssueType.DUPLICATE, "events say again what the file already said"),
    "conflicting_event": (IssueType.DUPLICATE, "events contradict another one of the same ride and instant"),
}


class QueueEntry(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """A row of queue_data without its ids; texts as the table gives them back, so that two can be compared."""

    queue_type: str
    wait_time_minutes: int | None = None
    return_time_start: str | None = None  # UTC, YYYY-MM-DD HH:MM:SS.mmm
    return_time_end: str | None = None
    price_amount: str | None = None  # major units, two decimals
    price_currency: str | None = None
    boarding_group_status: str | None = None
    boarding_group_current: str | None = None
    return_time_state: str | None = None


class Observation(msgspec.Struct, gc=False):
    """What one accepted event says: the state of one entity at one instant."""

    entity_id: str
    park_id: str | None  # themeparks_wiki_id; None: the park of the known ride
    milliseconds: int  # since 1970 UTC, truncated
    recorded_at: str  # the same, YYYY-MM-DD HH:MM:SS.mmm
    status: str
    wait_time: int | None
    queues: tuple[QueueEntry, ...]  # by type, without STANDBY
    event: Event


@dataclass(slots=True)
class Doubt:
    """Events that are doubtful for one reason, in one park (None: in none) of one file."""

    count: int = 0
    examples: list = field(default_factory=list)

    def add(self, example: Any) -> None:
        self.count += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(example)


@dataclass(slots=True)
class ParkSeen:
    """What the file itself says of a park, for one that is not known yet."""

    slug: str = ""
    timezone: str = ""


@dataclass(slots=True)
class Rejection:
    """A rejected event that names no park: whether it belongs to one is known where the rides are known."""

    entity_id: str
    reason: str
    example: Any


@dataclass(slots=True)
class Validated:
    observations: list[Observation] = field(default_factory=list)  # in the order of the file
    rejected: dict[str | None, int] = field(default_factory=dict)  # by park; None: of no park
    doubts: dict[tuple[str | None, str], Doubt] = field(default_factory=dict)  # by park and reason
    parks: dict[str, ParkSeen] = field(default_factory=dict)
    parkless_rejections: list[Rejection] = field(default_factory=list)

    def doubt(self, park_id: str | None, reason: str, example: Any) -> None:
        self.doubts.setdefault((park_id, reason), Doubt()).add(example)

    def reject(self, park_id: str | None, reason: str, example: Any) -> None:
        self.rejected[park_id] = self.rejected.get(park_id, 0) + 1
        self.doubt(park_id, reason, example)


class _Rejected(Exception):
    def __init__(self, reason: str, value: Any = None):
        self.reason = reason
        self.value = value


def validate(events: Iterable[Event | Any], now: datetime) -> Validated:
    """Observations, rejections and doubts of one file's events. `now` (aware) decides what lies in the future."""
    result = Validated()
    latest_ms = _milliseconds(now) + FUTURE_TOLERANCE_SECONDS * 1000
    park_of_entity: dict[str, str] = {}
    observations = result.observations
    append = observations.append
    known_parks = result.parks
    for event in events:
        if type(event) is not Event:
            result.reject(None, "malformed_event", shorten(event))
            continue
        park_id = event.parkId
        if park_id is not None:
            park_id = uuid_of(park_id)
            if park_id is None:
                _reject(result, event, None, _Rejected(_MALFORMED_ID, event.parkId), park_of_entity)
                continue
            if park_id not in known_parks:
                known_parks[park_id] = ParkSeen(text_of(event.parkSlug), text_of(event.timezone))
        try:
            entity_id = event.entityId
            if entity_id is None:
                raise _Rejected("missing_entity_id")
            entity_id = uuid_of(entity_id)
            if entity_id is None:
                raise _Rejected(_MALFORMED_ID, event.entityId)
            if event.eventTime is None:
                raise _Rejected("missing_event_time")
            milliseconds, recorded_at = _instant(event.eventTime)
            if milliseconds > latest_ms:
                raise _Rejected("future_time", event.eventTime)
            data = event.data
            if data is None or data.status is None:
                raise _Rejected("missing_status")
            try:
                status = _STATUSES[data.status]
            except (KeyError, TypeError):
                raise _Rejected("unknown_status", data.status) from None
        except _Rejected as rejected:
            _reject(result, event, park_id, rejected, park_of_entity)
            continue
        if park_id is None:
            park_id = park_of_entity.get(entity_id)
        else:
            park_of_entity[entity_id] = park_id
        wait_time, queues = None, ()
        if data.queue:
            wait_time, queues = _queues(
                data.queue,
                lambda reason, value, event=event, park_id=park_id: result.doubt(
                    park_id, reason, _example(event, value)
                ),
            )
        append(Observation(entity_id, park_id, milliseconds, recorded_at, status, wait_time, queues, event))
    return result


def _reject(result: Validated, event: Event, park_id: str | None, rejected: _Rejected, park_of_entity: dict) -> None:
    example = _example(event, rejected.value)
    entity_id = uuid_of(event.entityId)
    if park_id is None and entity_id is not None:
        park_id = park_of_entity.get(entity_id)
        if park_id is None:  # the ride may be known to the warehouse
            result.parkless_rejections.append(Rejection(entity_id, rejected.reason, example))
            return
    result.reject(park_id, rejected.reason, example)


@functools.lru_cache(maxsize=65536)
def _uuid_of_text(text: str) -> str | None:
    return text.lower() if _UUID.fullmatch(text) else None


def uuid_of(value: Any) -> str | None:
    """The id in lower case, or None if it is no UUID."""
    return _uuid_of_text(value) if type(value) is str else None


def text_of(value: Any) -> str:
    """A text that the database can take: lone surrogates replaced; '' for anything that is no text."""
    return value.encode("utf-8", errors="replace").decode() if type(value) is str else ""


def _milliseconds(instant: datetime) -> int:
    # integers all the way: int(timestamp() * 1000) is a millisecond short for some instants
    passed = instant - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1000 + passed.microseconds // 1000


_EARLIEST_MS = _milliseconds(EARLIEST_PLAUSIBLE)


def _instant(value: Any) -> tuple[int, str]:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is not UTC:
            if instant.tzinfo is None:
                raise ValueError("no time zone")
            instant = instant.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise _Rejected("malformed_time", value) from None
    milliseconds = _milliseconds(instant)
    if milliseconds < _EARLIEST_MS:
        raise _Rejected("malformed_time", value)
    return milliseconds, instant.isoformat(" ", "milliseconds")[:23]


def _example(event: Event, value: Any) -> dict:
    return {
        "entityId": shorten(event.entityId),
        "eventTime": shorten(event.eventTime),
        "name": shorten(event.name),
        "value": shorten(value),
    }


def shorten(value: Any) -> Any:
    """A raw value fit for evidence: JSON-able, and short whatever somebody put there."""
    if value is None or type(value) in (bool, int):
        return value
    text = text_of(value) if type(value) is str else text_of(json.dumps(msgspec.to_builtins(value), default=str))
    if len(text) > EXAMPLE_MAX_CHARACTERS:
        return text[:EXAMPLE_MAX_CHARACTERS] + f"... ({len(text)} characters)"
    return text


# --- queues -------------------------------------------------------------------------------------------------------
_Doubtful = Callable[[str, Any], None]


def _queues(queue: Any, doubtful: _Doubtful) -> tuple[int | None, tuple[QueueEntry, ...]]:
    """The standby wait in minutes, and an entry for every other line that exists."""
    if type(queue) is not dict:
        doubtful("malformed_queue", queue)
        return None, ()
    wait_time = None
    entries = []
    for queue_type, value in queue.items():
        read = _READERS.get(queue_type)
        if read is None and queue_type != QueueType.STANDBY:
            doubtful("unknown_queue_type", {queue_type: value})
        elif value is None or value == {}:
            continue  # nothing said of this line
        elif type(value) is not dict:
            doubtful("malformed_queue", {queue_type: value})
        elif read is None:
            wait_time = _minutes(value.get("waitTime"), doubtful)
        else:
            try:
                entries.append(read(queue_type, value, doubtful))
            except _Rejected as left_out:
                doubtful(left_out.reason, {queue_type: value})
    if len(entries) > 1:
        entries.sort(key=lambda entry: entry.queue_type)
    return wait_time, tuple(entries)


def _minutes(value: Any, doubtful: _Doubtful) -> int | None:
    if value is None or (type(value) is int and 0 <= value <= WAIT_TIME_MAX_MINUTES):
        return value
    doubtful("wait_out_of_range", value)
    return None


def _waiting_line(queue_type: str, value: dict, doubtful: _Doubtful) -> QueueEntry:
    return QueueEntry(queue_type, _minutes(value.get("waitTime"), doubtful))


def _return_time(queue_type: str, value: dict, doubtful: _Doubtful) -> QueueEntry:
    state = value.get("state")
    if state is not None and state not in _RETURN_STATES:
        raise _Rejected("malformed_queue")
    amount, currency = _price(value.get("price"))
    return QueueEntry(
        queue_type,
        return_time_start=_return_instant(value.get("returnStart")),
        return_time_end=_return_instant(value.get("returnEnd")),
        price_amount=amount,
        price_currency=currency,
        return_time_state=state,
    )


def _boarding_group(queue_type: str, value: dict, doubtful: _Doubtful) -> QueueEntry:
    start, end = _group(value.get("currentGroupStart")), _group(value.get("currentGroupEnd"))
    current = f"{start}-{end}" if start and end else start or end
    if current is not None and len(current) > TEXT_MAX:
        raise _Rejected("malformed_queue")
    status = value.get("allocationStatus")
    if status is not None and (type(status) is not str or len(status) > TEXT_MAX):
        raise _Rejected("malformed_queue")
    return QueueEntry(
        queue_type,
        _minutes(value.get("estimatedWait"), doubtful),
        boarding_group_status=None if status is None else text_of(status),
        boarding_group_current=current,
    )


_READERS: dict[str, Callable[[str, dict, _Doubtful], QueueEntry]] = {
    QueueType.SINGLE_RIDER.value: _waiting_line,
    QueueType.PAID_STANDBY.value: _waiting_line,
    QueueType.RETURN_TIME.value: _return_time,
    QueueType.PAID_RETURN_TIME.value: _return_time,
    QueueType.BOARDING_GROUP.value: _boarding_group,
}


def _group(value: Any) -> str | None:
    """A boarding group: a number, in old records a text; None where it is not set."""
    if value is None or value == "":
        return None
    if type(value) is int:
        return str(value)
    if type(value) is str:
        return text_of(value)
    raise _Rejected("malformed_queue")


@functools.lru_cache(maxsize=65536)  # a return window is repeated by ride after ride
def _return_instant_of_text(value: str) -> str:
    try:
        instant = datetime.fromisoformat(value)
        if instant.tzinfo is None or instant.year < 1971:
            raise ValueError("no time zone, or no year a park was open in")
        return instant.astimezone(UTC).isoformat(" ", "milliseconds")[:23]
    except (ValueError, OverflowError):
        raise _Rejected("malformed_return_time") from None


def _return_instant(value: Any) -> str | None:
    if value is None:
        return None
    if type(value) is not str:
        raise _Rejected("malformed_return_time")
    return _return_instant_of_text(value)


def _price(value: Any) -> tuple[str | None, str | None]:
    """Amount in major units by the currency's ISO 4217 exponent (2100 USD is 21.00, 1000 JPY is 1000.00)."""
    if value is None or value == {}:
        return None, None
    if type(value) is not dict:
        raise _Rejected("invalid_price")
    amount, code = value.get("amount"), value.get("currency")
    if amount is None and code is None:
        return None, None
    if amount is not None and (type(amount) is not int or amount < 0):
        raise _Rejected("invalid_price")
    exponent = _exponent(code) if type(code) is str else None
    if exponent is None:
        raise _Rejected("invalid_price")
    if amount is None:
        return None, code
    major = Decimal(amount).scaleb(-exponent)
    cents = major.quantize(Decimal("0.01"))
    if cents != major or cents > PRICE_MAX:
        raise _Rejected("invalid_price")
    return str(cents), code


@functools.lru_cache(maxsize=1024)
def _exponent(code: str) -> int | None:
    try:
        return Currency(code).exponent
    except ValueError:
        return None
