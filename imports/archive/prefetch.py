"""Day files read ahead: fetched and decoded on threads while the file before is being loaded. No database.

Decoding holds the interpreter for about 8 us an event, LOAD DATA leaves it free while the server works: on two
cores the two overlap.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Self

from imports.events.dayfile import UnreadableFile
from imports.events.decoded import Decoded
from imports.events.validation import Validated, validate
from imports.sources.source import DayFile, FileUnreadable, FileVanished, OutOfReach, Source

# Decoded and waiting: two files, or more of small ones, which are loaded many at a time. An event takes 0.5 kB.
FILES_AHEAD = 2
SMALL_FILES_AHEAD = 64
EVENTS_AHEAD = 60_000
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


class ReadAhead:
    """A Reading for each file, in order, read on threads while the files before are loaded. Close it, or use it in
    `with`: its threads end then. It is one thread's to iterate.

    FILES_AHEAD files wait decoded, or up to SMALL_FILES_AHEAD while they have less than EVENTS_AHEAD events together;
    beside them the source's parallel fetches are held as bytes. What takes requests of an hour's budget is asked for
    only when there is room for it.

    What lies in `fetched` (by key) is taken from there instead of from the source. A file of which `was_read` says, by
    its sha256, that it was read before is not decoded; it is asked on a thread. What a source raises comes in place of
    the file, and is the end: ArchiveError, where it failed as a whole.
    """

    def __init__(
        self,
        source: Source,
        files: Iterable[DayFile],
        clock: Callable[[], datetime],
        fetched: dict[str, bytes] | None = None,
        was_read: Callable[[DayFile, str], bool] = lambda file, sha256: False,
    ):
        self._source = source
        self._files = deque(files)
        self._clock = clock
        self._at_hand = {} if fetched is None else fetched
        self._was_read = was_read
        self._fetchers = ThreadPoolExecutor(source.parallel_reads, thread_name_prefix="fetch")
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="decode")
        self._change = threading.Condition()  # of all that follows
        self._waiting: deque[Reading | BaseException] = deque()
        self._events_waiting = 0
        self._begun = self._at_end = self._closed = False

    def ready(self) -> bool:
        """Whether `next` will answer at once: with a Reading, with an error, or that there are no more."""
        self._begin()
        with self._change:
            return bool(self._waiting) or self._at_end

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Reading:
        self._begin()
        with self._change:
            self._change.wait_for(lambda: self._waiting or self._at_end)
            if not self._waiting:
                raise StopIteration
            found = self._waiting.popleft()
            if isinstance(found, Reading):
                self._events_waiting -= found.validated.events
            self._change.notify_all()
        if isinstance(found, BaseException):
            raise found
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Read no more; what is being read just now is let go."""
        with self._change:
            self._closed = self._at_end = True
            self._waiting.clear()
            self._change.notify_all()
        self._fetchers.shutdown(wait=False, cancel_futures=True)
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        if not self._begun and not self._closed:
            self._begun = True
            self._reader.submit(self._read_all)

    def _read_all(self) -> None:
        try:
            fetching: deque[tuple[DayFile, Future[bytes] | None]] = deque()
            while self._files or fetching:
                while self._files and len(fetching) <= self._source.parallel_reads:
                    file = self._files.popleft()
                    fetching.append((file, None if file.is_asked_for else self._fetch(file)))
                file, raw = fetching.popleft()
                if not self._wait_for_room(file):
                    return
                self._put(_read(self._source, file, raw or self._fetch(file), self._clock, self._was_read))
        except BaseException as error:
            self._put(error)
        finally:
            with self._change:
                self._at_end = True
                self._change.notify_all()

    def _fetch(self, file: DayFile) -> Future[bytes]:
        if file.key in self._at_hand:
            return _done(self._at_hand.pop(file.key))
        return self._fetchers.submit(self._source.read, file)

    def _wait_for_room(self, file: DayFile) -> bool:
        """False: it was closed meanwhile."""
        with self._change:
            self._change.wait_for(lambda: self._closed or self._has_room(file))
            return not self._closed

    def _has_room(self, file: DayFile) -> bool:
        many = SMALL_FILES_AHEAD if self._events_waiting < EVENTS_AHEAD and not file.is_asked_for else FILES_AHEAD
        return len(self._waiting) < many

    def _put(self, found: Reading | BaseException) -> None:
        with self._change:
            if self._closed:
                return
            self._waiting.append(found)
            if isinstance(found, Reading):
                self._events_waiting += found.validated.events
            self._change.notify_all()


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
