"""Day files read ahead: fetched and decoded on threads while the file before is being loaded. No database.

Decoding holds the interpreter for about 8 us an event, LOAD DATA leaves it free while the server works: on two
cores the two overlap.
"""

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime

from imports.events.dayfile import UnreadableFile
from imports.events.decoded import Decoded
from imports.events.validation import Validated, validate
from imports.sources.source import DayFile, FileUnreadable, FileVanished, OutOfReach, Source

FILES_AHEAD = 2  # decoded and waiting: bounds memory to a few files
KEPT_MAX_BYTES = 2 * 1024 * 1024  # a day of captures may have 100 MB, and of 100 destinations one each is read ahead


@dataclass(slots=True)
class Reading:
    """What became of one file: `validated`, or why not."""

    file: DayFile
    sha256: str | None = None
    validated: Validated = field(default_factory=Validated)
    decoded: Decoded | None = None  # without its events, which are in `validated`
    unreadable: str = ""  # the reason
    missing: bool = False  # listed, and gone when it was to be read
    out_of_reach_before: date | None = None  # not for us, as nothing before this day is
    unchanged: bool = False  # it holds what was read of it before, and was not looked into again


def readings(
    source: Source,
    files: Iterable[DayFile],
    clock: Callable[[], datetime],
    fetched: dict[str, bytes] | None = None,
    was_read: Callable[[DayFile, str], bool] = lambda file, sha256: False,
) -> Generator[Reading]:
    """A Reading for each file, in order; at most FILES_AHEAD (and the source's parallel fetches) are held at once.

    What lies in `fetched` (by key) is taken from there instead of from the source. A file of which `was_read` says, by
    its sha256, that it was read before is not decoded; it is asked on a thread. ArchiveError: the source failed as a
    whole.
    """
    at_hand = {} if fetched is None else fetched
    fetchers = ThreadPoolExecutor(source.parallel_reads, thread_name_prefix="fetch")
    decoder = ThreadPoolExecutor(1, thread_name_prefix="decode")
    pending: deque[Future[Reading]] = deque()
    try:
        for file in files:
            raw = _done(at_hand.pop(file.key)) if file.key in at_hand else fetchers.submit(source.read, file)
            pending.append(decoder.submit(_read, source, file, raw, clock, was_read))
            if len(pending) >= FILES_AHEAD + source.parallel_reads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()
        decoder.shutdown(wait=False, cancel_futures=True)
        fetchers.shutdown(wait=False, cancel_futures=True)


def read_ahead(source: Source, file: DayFile, now: datetime, fetched: dict[str, bytes]) -> Reading:
    """One file, here and now; its bytes, some 100 kB, are left in `fetched` for the run that comes to it."""
    future: Future[bytes] = Future()
    try:
        raw = source.read(file)
        future = _done(raw)
        if len(raw) <= KEPT_MAX_BYTES:
            fetched[file.key] = raw
    except Exception as error:
        future.set_exception(error)
    return _read(source, file, future, lambda: now, lambda file, sha256: False)


def _done(raw: bytes) -> Future[bytes]:
    future: Future[bytes] = Future()
    future.set_result(raw)
    return future


def _read(
    source: Source,
    file: DayFile,
    fetched: Future[bytes],
    clock: Callable[[], datetime],
    was_read: Callable[[DayFile, str], bool],
) -> Reading:
    reading = Reading(file)
    try:
        raw = fetched.result()
        reading.sha256 = hashlib.sha256(raw).hexdigest()
        reading.unchanged = was_read(file, reading.sha256)
        if not reading.unchanged:
            reading.decoded = decoded = source.decode(raw, file)
            reading.validated = validate(decoded.events, clock())
            decoded.events = []  # the memory of a file, twice
            for park_id, seen in reading.validated.parks.items():
                seen.name = decoded.park_names.get(park_id, "")
    except FileVanished:
        reading.missing = True
    except OutOfReach as error:
        reading.out_of_reach_before = error.earliest
    except (FileUnreadable, UnreadableFile) as error:
        reading.unreadable = str(error)
    return reading
