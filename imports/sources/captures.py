"""Captures of /live in files of lines (.ndjson, .jsonl, also .gz), as a source of day files.

What others find as a file is made here: the day file of a destination and a UTC day is the lines captured then, as
they lie, over all files, joined by line feeds. A day is that of capture; where a line does not say when it was
captured, that of the newest lastUpdated in it, never a time of the file, which a copy changes. So one look at the files
comes first, which keeps of each line where it lies (some 20 bytes of the 60,000 that a line has) and no more.

Whose a line is. An answer about a destination says so. One about a park does not name its destination; it is, in this
order: what the line says (`destinationId`), what the warehouse knows of the park (by `lookup`: nothing here asks a
database), and what an answer about a destination among the same files says of its parks. Where nobody knows, the park
stands for its destination under its own id, so that its rows come in at once; once sync_metadata has told the
destination, an import of the same captures is one of that, and finds every row stored already.

A line that is no answer (HTTP status 503, no JSON, something else) is told where it belongs: with the captures of the
park that it names, or else of the line before it. It lies in the day's bytes, where decoding rejects it as it rejects
an event. A file in which no line has to do with /live is left out, and told.
"""

import os
import threading
import zlib
from datetime import date
from pathlib import Path

from imports.events.captures import decode_captures
from imports.events.decoded import Decoded
from imports.sources.capture_index import CaptureIndex, Lookup, forget_all_but, looked_into
from imports.sources.layout import EXAMPLES_MAX
from imports.sources.line_files import LineReader
from imports.sources.source import (
    EARLIEST_DAY,
    ArchiveError,
    DayFile,
    Feed,
    FileUnreadable,
    FileVanished,
    Listing,
    Why,
    key_of_captures,
)
from warehouse.days import ONE_DAY

SUFFIXES = tuple(f"{suffix}{packed}" for suffix in (".ndjson", ".jsonl") for packed in ("", ".gz"))
SCHEME = "captures:"
# A day of the largest destination, captured every minute, has 0.5 GB; more than this is held in memory for no import.
DAY_MAX_BYTES = 1024 * 1024 * 1024


def is_captures_file(name: str) -> bool:
    """Whether a file is one of captures by its name."""
    return name.lower().endswith(SUFFIXES)


class CaptureSource:
    """A file of captures, or a folder in and below which such files lie."""

    feed = Feed.CAPTURES
    data_source = "LIVE"
    decodes = staticmethod(decode_captures)
    parallel_reads = 1

    def __init__(self, path: Path, lookup: Lookup = lambda parks: {}):
        self.path = path.expanduser().resolve()
        self.url = f"{SCHEME}{self.path}"
        self._lookup = lookup
        self._index: CaptureIndex | None = None
        self._reader: LineReader | None = None
        self._lock = threading.Lock()

    def list_destinations(self) -> list[str]:
        """See Source. A look at every file that is new or has changed since the last."""
        self._look()
        return sorted(self._known().days)

    def list_days(self, destination: str, first: date | None, last: date | None, today: date) -> Listing:
        """See Source."""
        known = self._known()
        beside = known.beside(destination, whole=first is None and last is None)
        files = []
        for day, lines in sorted(known.days.get(destination, {}).items()):
            if not EARLIEST_DAY <= day <= today + ONE_DAY:
                beside.counts[Why.EARLY if day < EARLIEST_DAY else Why.LATE] += len(lines)
                beside.examples += [(f"captures of {day}", Why.EARLY if day < EARLIEST_DAY else Why.LATE)]
            elif (first is None or first <= day) and (last is None or day <= last):
                etag = f"{lines.checksum:x}-{len(lines)}"
                files.append(DayFile(key_of_captures(destination, day), day, lines.joined_bytes, etag))
        del beside.examples[EXAMPLES_MAX:]
        return Listing(files, beside)

    def read(self, file: DayFile) -> bytes:
        """See Source. ArchiveError also where a file was rewritten since it was looked at; it may have grown."""
        lines = self._known().days.get(file.key.split("/", 1)[0], {}).get(file.day)
        if lines is None:
            raise FileVanished(f"{file.key}: gone since it was listed")
        if lines.joined_bytes > DAY_MAX_BYTES:
            raise FileUnreadable(
                f"the captures of the day have {lines.joined_bytes // 1024 // 1024:,} MB, more than "
                f"{DAY_MAX_BYTES // 1024 // 1024:,}; import them in parts, each from a folder of its own"
            )
        with self._lock:
            assert self._reader is not None, "what is known was looked at"
            parts = [self._reader.read(*where) for where in lines.in_order()]
        if sum(map(zlib.crc32, parts)) != lines.checksum:
            raise ArchiveError(f"{self.path}: a file was rewritten while it was read; give the same command again")
        return b"\n".join(parts)

    def decode(self, raw: bytes, file: DayFile) -> Decoded:
        """See Source."""
        return decode_captures(raw)

    def _known(self) -> "CaptureIndex":
        if self._index is None:
            self._look()
        assert self._index is not None
        return self._index

    def _look(self) -> None:
        paths, troubles = _capture_files(self.path)
        looks = [(path, looked_into(path)) for path in paths]
        forget_all_but(paths)
        with self._lock:
            if self._reader is not None:
                self._reader.close()
            self._index = CaptureIndex(self.path, looks, troubles, self._lookup)
            self._reader = LineReader(paths)


# --- which files -----------------------------------------------------------------------------------------------------
def _capture_files(path: Path) -> tuple[list[Path], list[tuple[Path, Why]]]:
    """The files of captures, and what lies beside them. ArchiveError: it is not there, or none is in it."""
    if not os.path.exists(path):  # False as well where it cannot be looked at, or its name is too long
        raise ArchiveError(f"{path}: no such file or folder, or it may not be looked at")
    if not path.is_dir():
        if not os.path.isfile(path):
            raise ArchiveError(f"{path}: neither a file nor a folder")  # a FIFO would wait for a writer for ever
        return [path], []
    found, beside = [], []
    entered: set[str] = set()
    for folder, folders, names in os.walk(path, onerror=_raise, followlinks=True):
        real = os.path.realpath(folder)
        if real in entered:  # by a link, perhaps in a circle
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder) / name
            if name.startswith("."):  # .git, .DS_Store, .part of a copy under way
                continue
            if not is_captures_file(name):
                beside.append((file, Why.SUFFIX))
            elif not os.path.exists(file):
                beside.append((file, Why.LINK))
            elif not os.path.isfile(file):
                beside.append((file, Why.KIND))
            else:
                found.append(file)
    if not found:
        raise ArchiveError(f"{path}: no captures in it; they are files called {', '.join(SUFFIXES)}")
    return sorted(found), beside


def _raise(error: OSError) -> None:
    raise ArchiveError(f"{error.filename}: {error.strerror}; it must be readable to import from it") from error
