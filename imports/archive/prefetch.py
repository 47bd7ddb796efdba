"""Day files read ahead: fetched on threads and decoded while the file before is being loaded. No database.

Decoding holds the interpreter for 4 us an event and more, LOAD DATA leaves it free while the server works. Where it
pays (imports.archive.decoder) it is done in a process of its own.
"""

import hashlib
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from typing import Self

from imports.archive.decoder import Decoder, DecoderLost
from imports.events.dayfile import UnreadableFile
from imports.events.decoded import Decoded
from imports.events.decoding import Job, do
from imports.events.validation import Validated, standby_wait_max_minutes
from imports.sources.source import DayFile, FileUnreadable, FileVanished, OutOfReach, Source

# Decoded and waiting: two files, or more of small ones, which are loaded many at a time. An event takes 0.3 kB.
FILES_AHEAD = 2
SMALL_FILES_AHEAD = 64
EVENTS_AHEAD = 60_000
# Bytes that lie fetched, or at the decoder, before more of them are held; a day of captures may have 100 MB.
BYTES_AHEAD = 16 * 1024 * 1024
KEPT_MAX_BYTES = 2 * 1024 * 1024  # of 100 destinations a file each is read ahead


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
    raw: bytes | None = None  # of one that is unchanged, for whoever looks into it after all


@dataclass(slots=True)
class _UnderWay:
    """A reading that is done, or that the decoder has still to answer."""

    reading: Reading
    job: Job | None = None  # as it was given to the decoder


class ReadAhead:
    """A Reading for each file, in order, read on threads while the files before are loaded; with `decoders` decoded in
    a process, where the source can be. Close it, or use it in `with`: threads and process end then. It is one thread's
    to iterate.

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
        decoders: int = 0,
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
        self._decoder = Decoder() if decoders and source.decodes else None

    def ready(self, within_seconds: float = 0) -> bool:
        """Whether `next` will answer at once, or within some time: with a Reading, with an error, or that there are no
        more."""
        self._begin()
        with self._change:
            return self._change.wait_for(lambda: bool(self._waiting) or self._at_end, max(0, within_seconds))

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
        if self._decoder is not None:
            self._decoder.close()
        self._fetchers.shutdown(wait=False, cancel_futures=True)
        self._reader.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        if not self._begun and not self._closed:
            self._begun = True
            self._reader.submit(self._read_all)

    def _read_all(self) -> None:
        try:
            self._read_on()
        except BaseException as error:
            self._put(error)
        finally:
            if self._decoder is not None:
                self._decoder.drop()
            with self._change:
                self._at_end = True
                self._change.notify_all()

    def _read_on(self) -> None:
        fetching: deque[tuple[DayFile, Future[bytes] | None]] = deque()
        under_way: deque[_UnderWay] = deque()
        while self._files or fetching or under_way:
            while self._files and len(fetching) <= self._source.parallel_reads and _few_bytes(fetching):
                file = self._files.popleft()
                fetching.append((file, None if file.is_asked_for else self._fetch(file)))
            if fetching and self._may_begin(*fetching[0], under_way):
                file, raw = fetching.popleft()
                try:
                    under_way.append(self._begin_with(file, raw or self._fetch(file)))
                except Exception:
                    while under_way:  # what is before it comes first
                        self._put(self._end_with(under_way.popleft()))
                    raise
            elif under_way:
                self._put(self._end_with(under_way.popleft()))
            else:
                return  # it was closed

    def _may_begin(self, file: DayFile, raw: Future[bytes] | None, under_way: deque[_UnderWay]) -> bool:
        """Whether to begin with it now: at once where others are under way, else as soon as there is room."""
        with self._change:
            if not under_way:
                self._change.wait_for(lambda: self._closed or self._has_room(file, 0))
                return not self._closed
            if self._decoder is None or len(under_way) > 1 or raw is None or not raw.done():
                return False
            job = under_way[0].job
            return self._has_room(file, 1) and (job is None or len(job.raw) < BYTES_AHEAD)

    def _fetch(self, file: DayFile) -> Future[bytes]:
        if file.key in self._at_hand:
            return _done(self._at_hand.pop(file.key))
        return self._fetchers.submit(self._source.read, file)

    def _has_room(self, file: DayFile, under_way: int) -> bool:
        many = SMALL_FILES_AHEAD if self._events_waiting < EVENTS_AHEAD and not file.is_asked_for else FILES_AHEAD
        return len(self._waiting) + under_way < many

    def _begin_with(self, file: DayFile, fetched: Future[bytes]) -> _UnderWay:
        under_way = _UnderWay(Reading(file))
        reading = under_way.reading
        with _what_became_of_it(reading):
            raw = fetched.result()
            reading.sha256 = hashlib.sha256(raw).hexdigest()
            reading.unchanged = self._was_read(file, reading.sha256)
            if reading.unchanged:
                reading.raw = raw if len(raw) <= KEPT_MAX_BYTES else None
            elif self._decoder is None:
                _take_in(reading, *do(_job(self._source, file, raw, self._clock())))
            else:
                assert self._source.decodes is not None
                under_way.job = Job(self._source.decodes, raw, self._clock(), standby_wait_max_minutes())
                self._decoder.give(under_way.job)
        return under_way

    def _end_with(self, under_way: _UnderWay) -> Reading:
        if under_way.job is not None and self._decoder is not None:
            try:
                with _what_became_of_it(under_way.reading):
                    _take_in(under_way.reading, *self._decoder.take())
            except DecoderLost as lost:
                raise DecoderLost(f"{under_way.reading.file.key}: {lost}") from lost
        return under_way.reading

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
    reading = Reading(file)
    with _what_became_of_it(reading):
        raw = source.read(file)
        if len(raw) <= KEPT_MAX_BYTES:
            fetched[file.key] = raw
        reading.sha256 = hashlib.sha256(raw).hexdigest()
        _take_in(reading, *do(_job(source, file, raw, now)))
    return reading


def look_into(source: Source, reading: Reading, now: datetime) -> None:
    """Of one that is unchanged: read it after all."""
    reading.unchanged = False
    with _what_became_of_it(reading):
        raw = source.read(reading.file) if reading.raw is None else reading.raw
        reading.sha256 = hashlib.sha256(raw).hexdigest()
        _take_in(reading, *do(_job(source, reading.file, raw, now)))
    reading.raw = None


def _job(source: Source, file: DayFile, raw: bytes, now: datetime) -> Job:
    return Job(partial(source.decode, file=file), raw, now, standby_wait_max_minutes())


def _take_in(reading: Reading, decoded: Decoded, validated: Validated) -> None:
    reading.decoded, reading.validated = decoded, validated
    for park_id, seen in validated.parks.items():
        seen.name = decoded.park_names.get(park_id, "")


@contextmanager
def _what_became_of_it(reading: Reading) -> Iterator[None]:
    try:
        yield
    except FileVanished:
        reading.missing = True
    except OutOfReach as error:
        reading.out_of_reach_before = error.earliest
    except (FileUnreadable, UnreadableFile) as error:
        reading.unreadable = str(error)


def _few_bytes(files: Iterable[tuple[DayFile, object]]) -> bool:
    return sum(file.size_bytes or 0 for file, _ in files) < BYTES_AHEAD


def _done(raw: bytes) -> Future[bytes]:
    future: Future[bytes] = Future()
    future.set_result(raw)
    return future
