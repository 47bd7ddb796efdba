"""The bytes of a day file -> events: inflating, and decoding that loses no event to a bad neighbour. No database.

The archive calls its files .json.gz and keeps zlib streams in them; gzip and plain JSON are read too.
"""

import io
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from imports.events.foreign import name_of_bytes
from imports.events.json_text import decode_leniently, values_in

INFLATED_MAX_BYTES = 256 * 1024 * 1024
FILE_MAX_BYTES = INFLATED_MAX_BYTES  # as it is kept: it may be plain JSON
# What is inflated before the rest is counted without being kept: a bomb costs this much memory, not 256 MB.
INFLATED_UNCOUNTED_BYTES = 64 * 1024 * 1024
# Events of a day inflate 10 to 30 times. Millions of empty ones inflate 1,000 times.
INFLATED_TIMES_MAX = 200
# A value of JSON takes up to 100 bytes of memory, an empty event of three characters 90. An event of the archive has
# 12: these are those of 330,000, and the largest day that is known has some 100,000.
VALUES_MAX = 4_000_000
EVENTS_MAX = 500_000  # each is looked at, for 10 us where it is none
MEMBERS_MAX = 10_000  # streams of gzip strung together: each costs 10 us, however little is in it
PACKED_PIECE_BYTES = 1 << 16
INFLATED_PIECE_BYTES = 1 << 20
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
    events = _events_of(inflate(raw))
    if len(events) > EVENTS_MAX:
        raise UnreadableFile(f"it has {len(events):,} events, and more than {EVENTS_MAX:,} are of no day")
    return events


def _events_of(text: bytes) -> list[Event | Any]:
    values = values_in(text, VALUES_MAX)
    if values > VALUES_MAX:
        raise UnreadableFile(f"it has {values:,} values, and more than {VALUES_MAX:,} are of no day of events")
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
    if not raw or raw.isspace():
        raise UnreadableFile("the file is empty")
    packed = raw[:2] == b"\x1f\x8b" or raw[0] & 0x0F == 8  # gzip; zlib (78 xx: the method in the low half byte)
    if not packed and len(raw) > INFLATED_MAX_BYTES:
        raise UnreadableFile(f"it has more than {INFLATED_MAX_BYTES // 1024 // 1024} MB")
    return (inflate_stream(raw) if packed else raw).removeprefix(b"\xef\xbb\xbf")


def inflate_stream(raw: bytes) -> bytes:
    """What a stream of zlib holds, or of gzip, or several of gzip. UnreadableFile.

    What is larger than INFLATED_UNCOUNTED_BYTES is inflated twice: to be counted first, and then to be kept.
    """
    most = min(INFLATED_MAX_BYTES, max(INFLATED_TIMES_MAX * len(raw), INFLATED_TIMES_FROM_BYTES))
    kept, total = io.BytesIO(), 0
    for piece in _inflated(raw):
        total += len(piece)
        if total > most:
            if most == INFLATED_MAX_BYTES:
                raise UnreadableFile(f"it inflates to more than {most // 1024 // 1024} MB")
            raise UnreadableFile(
                f"it inflates to more than {INFLATED_TIMES_MAX} times its size, as no day of events does"
            )
        if total <= INFLATED_UNCOUNTED_BYTES:
            kept.write(piece)
        elif kept.tell():
            kept = io.BytesIO()
    if total > INFLATED_UNCOUNTED_BYTES:
        for piece in _inflated(raw):
            kept.write(piece)
    return kept.getvalue()  # which is no copy


def _inflated(raw: bytes) -> Iterator[bytes]:
    """In pieces of a bounded size, from pieces of a bounded size: what is behind a stream is copied with each."""
    packed, at, members = memoryview(raw), 0, 0
    while at < len(raw):
        members += 1
        if members > MEMBERS_MAX:
            raise UnreadableFile(f"it is strung together of more than {MEMBERS_MAX:,} streams of gzip")
        stream = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)  # 32: zlib or gzip, by the header
        while not stream.eof:
            if at == len(raw):
                raise UnreadableFile("the file is cut short: its compressed stream has no end")
            begin, at = at, min(at + PACKED_PIECE_BYTES, len(raw))
            yield from _inflated_piece(stream, packed[begin:at])
        at -= len(stream.unused_data)
        if raw[at : at + 2] != b"\x1f\x8b":  # gzip files may be strung together, zlib streams not
            if raw[at:].strip(b"\0 \t\r\n"):  # padding, and what an editor or a shell leaves at an end
                raise UnreadableFile(f"{len(raw) - at} bytes follow the end of its compressed stream")
            return


def _inflated_piece(stream: Any, piece: bytes | memoryview) -> Iterator[bytes]:
    while True:
        try:
            inflated = stream.decompress(piece, INFLATED_PIECE_BYTES)
        except zlib.error as error:
            raise UnreadableFile(f"bad compression: {error}") from error
        yield inflated
        piece = stream.unconsumed_tail
        if stream.eof or (not piece and len(inflated) < INFLATED_PIECE_BYTES):
            return


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
