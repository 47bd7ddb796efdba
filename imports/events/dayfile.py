"""The bytes of a day file -> events: inflating, and decoding that loses no event to a bad neighbour. No database.

The archive calls its files .json.gz and keeps zlib streams in them; gzip and plain JSON are read too.
"""

import zlib
from typing import Any

import msgspec

from imports.events.foreign import name_of_bytes
from imports.events.json_text import decode_leniently

INFLATED_MAX_BYTES = 256 * 1024 * 1024
# What is inflated before the rest is counted without being kept: a bomb costs this much memory, not 256 MB.
INFLATED_UNCOUNTED_BYTES = 64 * 1024 * 1024
# Events of a day inflate 10 to 30 times. Millions of empty ones inflate 1,000 times, and each takes 90 bytes of memory.
INFLATED_TIMES_MAX = 200
INFLATED_TIMES_FROM_BYTES = 16 * 1024 * 1024  # smaller files may repeat themselves as they like


class UnreadableFile(Exception):
    """Nothing of the file can be used; the message is the reason, in a few words."""


class EventData(msgspec.Struct, gc=False):
    """An event's `data` as it came."""

    status: Any = None
    queue: Any = None


class Event(msgspec.Struct, gc=False):
    """One change record as it came: any field may hold anything. Keys not named here are not read."""

    entityId: Any = None
    name: Any = None
    data: EventData | None = None
    eventTime: Any = None
    timezone: Any = None
    parkId: Any = None
    parkSlug: Any = None


class Refused(msgspec.Struct, gc=False):
    """Stands in a list of events for what gave none: the reason of quality.reasons, and what can be shown of it."""

    reason: str
    example: Any  # fit for JSON
    counted_as: str | None = None  # in the finding's table of values


class _Root(msgspec.Struct):
    events: list[Event]


_decode_root = msgspec.json.Decoder(_Root).decode
_decode_list = msgspec.json.Decoder(list[Event]).decode


def decode(raw: bytes) -> list[Event | Any]:
    """The events of a file in their order. What is no object stands in the list as it came.

    UnreadableFile: bad zlib, truncated, not JSON, no list of events, larger than INFLATED_MAX_BYTES inflated; and what
    the bytes are instead, where they begin as something known.
    """
    try:
        return _decode(raw)
    except UnreadableFile as error:
        if found := name_of_bytes(raw):
            raise UnreadableFile(f"it is {found} ({error})") from error
        raise


def _decode(raw: bytes) -> list[Event | Any]:
    text = inflate(raw)
    try:
        return _decode_list(text) if text.lstrip()[:1] == b"[" else _decode_root(text).events
    except (ValueError, RecursionError):  # all that msgspec raises (msgspec#714): one odd event costs no other
        return _decode_leniently(text)


def event_from(value: Any) -> Event | Any:
    """An object decoded elsewhere (a file that msgspec refused) as an Event; else what it was."""
    if not isinstance(value, dict):
        return value
    data = value.get("data")
    return Event(
        entityId=value.get("entityId"),
        name=value.get("name"),
        data=EventData(data.get("status"), data.get("queue")) if isinstance(data, dict) else None,
        eventTime=value.get("eventTime"),
        timezone=value.get("timezone"),
        parkId=value.get("parkId"),
        parkSlug=value.get("parkSlug"),
    )


def inflate(raw: bytes) -> bytes:
    """The JSON text (UTF-8 without its mark), whatever it is packed in; known by the first bytes, never by the name.

    UnreadableFile: empty, damaged, cut short, larger than INFLATED_MAX_BYTES inflated, or much larger than packed.
    """
    if not raw.strip():
        raise UnreadableFile("the file is empty")
    packed = raw[:2] == b"\x1f\x8b" or raw[0] & 0x0F == 8  # gzip; zlib (78 xx: the method in the low half byte)
    text = _inflate_stream(raw) if packed else raw
    if len(text) > INFLATED_MAX_BYTES:
        raise UnreadableFile(_TOO_LARGE)
    if len(text) > max(INFLATED_TIMES_MAX * len(raw), INFLATED_TIMES_FROM_BYTES):
        raise UnreadableFile(f"it inflates to {len(text) // len(raw):,} times its size, as no day of events does")
    return text.removeprefix(b"\xef\xbb\xbf")


_TOO_LARGE = f"it inflates to more than {INFLATED_MAX_BYTES // 1024 // 1024} MB"


def _inflate_stream(raw: bytes) -> bytes:
    parts = []
    total = 0
    rest = raw
    while rest:
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: zlib or gzip, by the header
        try:
            part = stream.decompress(rest, INFLATED_UNCOUNTED_BYTES)
            if stream.unconsumed_tail:
                _refuse_too_large(stream.copy(), INFLATED_MAX_BYTES - total - len(part))
                part += stream.decompress(stream.unconsumed_tail)
        except zlib.error as error:
            raise UnreadableFile(f"bad compression: {error}") from error
        if not stream.eof:
            raise UnreadableFile("the file is cut short: its compressed stream has no end")
        parts.append(part)
        total += len(part)
        if total > INFLATED_MAX_BYTES:
            raise UnreadableFile(_TOO_LARGE)
        rest = stream.unused_data
        if rest and rest[:2] != b"\x1f\x8b":  # gzip files may be strung together, zlib streams not
            if rest.strip(b"\0 \t\r\n"):  # padding, and what an editor or a shell leaves at an end
                raise UnreadableFile(f"{len(rest)} bytes follow the end of its compressed stream")
            break
    return b"".join(parts)


def _refuse_too_large(stream: Any, allowance_bytes: int) -> None:
    tail = stream.unconsumed_tail
    while tail and not stream.eof:
        allowance_bytes -= len(stream.decompress(tail, 1024 * 1024))
        if allowance_bytes < 0:
            raise UnreadableFile(_TOO_LARGE)
        tail = stream.unconsumed_tail


def _decode_leniently(text: bytes) -> list[Event | Any]:
    try:
        root = decode_leniently(text)
    except ValueError as error:
        raise UnreadableFile(f"not JSON: {error}") from error
    if isinstance(root, dict):
        root = root.get("events")
    if not isinstance(root, list):
        raise UnreadableFile("it has no list of events")
    return [event_from(value) for value in root]
