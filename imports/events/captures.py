"""Captures: answers of /live as people keep them, one a line -> what a line is of, and the events of many. No database.

A line is the answer as it came, `{"id", "name", "entityType", "timezone", "liveData": [...]}`, of a park, a destination
or a single ride; or whatever its keeper wrapped around it: the time, the address asked, the park, the HTTP status, and
the answer as an object or as JSON in a text. Everybody's envelope has names of its own, so the answer is known by its
shape (an object that has `liveData`), wherever in the line it lies, and what stands around it by the names below,
however they are written (`http_status`, `HTTPStatus`, `status-code`).
"""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from imports.events.dayfile import Event, Refused
from imports.events.decoded import Decoded
from imports.events.json_text import decode_json
from imports.events.live_rows import as_event, is_place
from imports.events.load_format import text_of
from imports.events.validation import shorten
from warehouse.ids import uuid_of
from warehouse.instants import milliseconds_of

REASON = "capture_without_answer"
NESTED_MAX = 5  # objects and texts around an answer; the deepest envelope that was seen has two
HTTP_OK = 200
NO_JSON = "it is no JSON"

# How keys are called, in lower case and without what stands between their words.
_BETWEEN_WORDS = str.maketrans("", "", "_- .")
_TIME = re.compile(
    "(utc)?(time|timestamp|ts|at|when|date|datetime)(utc|ms)?|"
    "(captured?|collected|created|fetch(ed)?|logged|observed|polled|received|recorded|request(ed)?|retrieved|saved|"
    "scraped|snapshot)(at|on|time|timestamp|ts)?(utc|ms)?"
)
_STATUS = re.compile("(http|response)?(status)?(code)?")
_PLACE = re.compile("(park|entity)(id|uuid)?|(request)?(url|uri)|source|endpoint|href")
_DESTINATION = re.compile("destination(id|uuid)?")
_UUID_IN_URL = re.compile(r"/entity/([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?![0-9a-fA-F-])")
_STATUS_IN_TEXT = re.compile(r"([0-9]{3})(?![0-9])")
_FILLING = b"\0 \t\r\n"  # zero bytes: what a disk leaves where a machine was switched off while it wrote


@dataclass(slots=True)
class Capture:
    """What one line says. `trouble`: why nothing can be had of it, in a few words; "" where there is an answer."""

    destination: str | None = None  # of which the answer is, where it says so
    park: str | None = None  # of which it is, or the first that its rows name
    taken_ms: int | None = None  # since 1970: when it was captured
    timezone: Any = None  # of the park asked for
    whole_park: str | None = None  # the park asked for, where it was one: its rows are in it
    rows: list[Any] = field(default_factory=list)  # without those of places, which mean nothing
    park_names: dict[str, str] = field(default_factory=dict)  # of the park asked for, and of those among the rows
    trouble: str = ""
    foreign: bool = False  # nothing says that the line has to do with /live at all

    def newest_ms(self) -> int | None:
        """The newest lastUpdated of its rows, for a capture that does not say when it was taken."""
        instants = (_milliseconds(row.get("lastUpdated")) for row in self.rows if isinstance(row, dict))
        return max((instant for instant in instants if instant is not None), default=None)

    def parks(self) -> set[str]:
        """Every park that its rows name."""
        named = (uuid_of(row.get("parkId")) for row in self.rows if isinstance(row, dict))
        return {park for park in named if park is not None}


def strip_line(line: bytes) -> tuple[int, bytes]:
    """A line without its end, a byte order mark and filling, and how many bytes of it lie before what is left."""
    left = line.lstrip(_FILLING)
    if left.startswith(b"\xef\xbb\xbf"):
        left = left[3:].lstrip(_FILLING)
    return len(line) - len(left), left.rstrip(_FILLING)


def read_capture(line: bytes) -> Capture:
    """What a line is; never an error. An empty line is none, and is not to be asked about."""
    try:
        value = decode_json(line)
    except ValueError:
        return Capture(trouble=NO_JSON, foreign=True)
    found = list(_answers(value, (), NESTED_MAX))
    around = found[0][0] if found else _objects_at_the_top(value)
    capture = Capture(taken_ms=_time(around))
    capture.destination = _place(around, _DESTINATION)
    capture.park = _place(around, _PLACE)
    status = _status(around)
    if status not in (None, HTTP_OK):
        capture.trouble = f"its HTTP status is {status}"
    elif not found:
        capture.trouble, capture.foreign = "it has no liveData", True
    elif len(found) > 1:
        capture.trouble = "it holds several answers; write each into a line of its own"
    else:
        _take_answer(capture, found[0][1])
    return capture


def decode_captures(raw: bytes) -> Decoded:
    """The events of lines of captures, in their order, with the kinds of their entities; Refused in place of a line
    that has none to give.

    A state that did not change comes again with every capture: it is one Event, which stands in the list as often as
    it was said.
    """
    events: list[Event | Any] = []
    kinds: dict[str, str] = {}
    names: dict[str, str] = {}
    same: dict[tuple[Any, Any], list[Event]] = {}
    for line in _lines(raw):
        capture = read_capture(line)
        if capture.trouble:
            example = {"why": capture.trouble, "line": shorten(line[:2000].decode("utf-8", errors="replace"))}
            events.append(Refused(REASON, example, capture.trouble))
        names |= capture.park_names
        for row in capture.rows:
            event = as_event(row, capture.whole_park, capture.timezone)
            if type(event) is not Event:
                events.append(event)
                continue
            events.append(_as_met_before(event, same))
            if (
                events[-1] is event
                and (entity := uuid_of(event.entityId))
                and type(kind := row.get("entityType")) is str
            ):
                kinds[entity] = kind
    return Decoded(events, entity_types=kinds, park_names=names)


def _as_met_before(event: Event, same: dict[tuple[Any, Any], list[Event]]) -> Event:
    try:
        alike = same.setdefault((event.entityId, event.eventTime), [])
    except TypeError:  # an id or a time that is a list or an object: it is rejected later
        return event
    for other in alike:
        if other == event:
            return other
    alike.append(event)
    return event


def _lines(raw: bytes) -> Iterator[bytes]:
    """One at a time: a day may weigh hundreds of megabytes."""
    begin = 0
    while begin < len(raw):
        end = raw.find(b"\n", begin)
        end = len(raw) if end < 0 else end
        _, line = strip_line(raw[begin:end])
        if line:
            yield line
        begin = end + 1


# --- the answer in a line --------------------------------------------------------------------------------------------
def _answers(value: Any, around: tuple[dict, ...], depth: int) -> Iterator[tuple[tuple[dict, ...], dict]]:
    """Each object that has liveData, with the objects it lies in, the outermost first."""
    if isinstance(value, dict):
        if "liveData" in value:
            yield around, value
        elif depth:
            inside = (*around, value)
            for part in value.values():
                yield from _answers(part, inside, depth - 1)
    elif isinstance(value, list) and depth:
        for part in value:
            yield from _answers(part, around, depth - 1)
    elif isinstance(value, str) and depth and '"liveData"' in value:
        try:
            inside_text = decode_json(value.encode("utf-8", errors="replace"))
        except ValueError:
            return
        yield from _answers(inside_text, around, depth - 1)


def _objects_at_the_top(value: Any) -> tuple[dict, ...]:
    """A line without an answer, and what lies directly in it: `{"response": {"status": 503}}`."""
    if not isinstance(value, dict):
        return ()
    return (value, *(part for part in value.values() if isinstance(part, dict)))


def _take_answer(capture: Capture, answer: dict) -> None:
    if not isinstance(answer["liveData"], list):
        capture.trouble = "its liveData is no list"
        return
    asked_for = uuid_of(answer.get("id")) or capture.park or capture.destination
    kind = answer.get("entityType")
    rows = answer["liveData"]
    capture.rows = [row for row in rows if not is_place(row)]
    if not isinstance(kind, str):
        kind = _kind_by_rows(asked_for, rows)
    for place in (answer | {"entityType": kind}, *(row for row in rows if is_place(row))):
        if (
            place["entityType"] == "PARK"
            and (park := uuid_of(place.get("id")))
            and (name := text_of(place.get("name")))
        ):
            capture.park_names[park] = name.strip()
    capture.park = None
    if kind == "DESTINATION":
        capture.destination = asked_for
    elif kind == "PARK":
        capture.park = capture.whole_park = asked_for
        capture.timezone = answer.get("timezone")
    capture.destination = capture.destination or uuid_of(answer.get("destinationId"))
    if capture.park is None:
        named = (uuid_of(row.get("parkId")) for row in rows if isinstance(row, dict))
        capture.park = next((park for park in named if park is not None), uuid_of(answer.get("parkId")))
    if capture.park is None and capture.destination is None:
        capture.trouble = "it names neither a park nor a destination"
        capture.rows = []


def _kind_by_rows(asked_for: str | None, rows: list[Any]) -> str:
    """What was asked for, where the answer does not say: somebody kept a part of it."""
    if asked_for is None:
        return ""
    objects = [row for row in rows if isinstance(row, dict)]
    for row in objects:
        if uuid_of(row.get("id")) == asked_for:
            return str(row.get("entityType"))
    parks = {uuid_of(row.get("parkId")) for row in objects}
    return "PARK" if asked_for in parks or parks <= {None} else "DESTINATION"


# --- what stands around it -------------------------------------------------------------------------------------------
def _named(around: tuple[dict, ...], names: re.Pattern[str]) -> Iterator[Any]:
    for envelope in around:
        for key, value in envelope.items():
            if _is_called(key, names):
                yield value


@functools.lru_cache(maxsize=4096)  # the keys of an envelope are the same in every line
def _is_called(key: str, names: re.Pattern[str]) -> bool:
    called = key.lower().translate(_BETWEEN_WORDS)
    return bool(called and names.fullmatch(called))


def _time(around: tuple[dict, ...]) -> int | None:
    return next((found for value in _named(around, _TIME) if (found := _milliseconds(value)) is not None), None)


def _status(around: tuple[dict, ...]) -> int | None:
    """The first that is not 200, where several are told; None: none is."""
    found = [status for value in _named(around, _STATUS) if (status := _status_of(value)) is not None]
    return next((status for status in found if status != HTTP_OK), HTTP_OK if found else None)


def _status_of(value: Any) -> int | None:
    """An HTTP status, or 0, which keepers write where no answer came at all; None: it is none."""
    if type(value) is str and (match := _STATUS_IN_TEXT.match(value)):  # "503", "503 Service Unavailable"
        value = int(match[1])
    if type(value) is not int:
        return None
    return value if value == 0 or 100 <= value <= 599 else None


def _place(around: tuple[dict, ...], names: re.Pattern[str]) -> str | None:
    for value in _named(around, names):
        if isinstance(value, dict):  # park: {id, name}
            value = value.get("id")
        if (uuid := uuid_of(value)) is not None:
            return uuid
        if type(value) is str and (match := _UUID_IN_URL.search(value)):
            return match[1].lower()
    return None


def _milliseconds(value: Any) -> int | None:
    """An instant as people write it: ISO 8601 (UTC where it names no zone), the date of HTTP, or a number since 1970
    in seconds, milli-, micro- or nanoseconds. None: it is none, or lies beyond the calendar."""
    if type(value) is str:
        if len(value) >= 9 and value.isascii() and value.isdigit():
            return _of_number(int(value)) if len(value) < 20 else None
        for read in (datetime.fromisoformat, parsedate_to_datetime):
            try:
                instant = read(value)
                return milliseconds_of(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
            except (TypeError, ValueError, OverflowError, IndexError):
                continue
        return None
    return _of_number(value) if type(value) in (int, float) else None


_SECONDS_BELOW = 100_000_000_000  # the year 5138; as milliseconds, March 1973


def _of_number(value: float) -> int | None:
    if not 0 <= value < 1e20:  # NaN too
        return None
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):
        if value < _SECONDS_BELOW * unit:
            return int(value * 1000 / unit)
    return None
