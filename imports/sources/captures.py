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

import logging
import os
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from imports.events.captures import NO_JSON, Capture, decode_captures, read_capture
from imports.events.decoded import Decoded
from imports.sources.layout import EXAMPLES_MAX, printable
from imports.sources.line_files import LineReader, Lines, Look, Signature, lines_of, signature_of, what_it_is
from imports.sources.source import (
    EARLIEST_DAY,
    ArchiveError,
    Beside,
    DayFile,
    Feed,
    FileUnreadable,
    FileVanished,
    Listing,
    Why,
    key_of_captures,
)
from warehouse.days import ONE_DAY
from warehouse.instants import day_at
from warehouse.text import count_of

SUFFIXES = tuple(f"{suffix}{packed}" for suffix in (".ndjson", ".jsonl") for packed in ("", ".gz"))
SCHEME = "captures:"
# A day of the largest destination, captured every minute, has 0.5 GB; more than this is held in memory for no import.
DAY_MAX_BYTES = 1024 * 1024 * 1024

logger = logging.getLogger(__name__)

#: parks by their UUID -> the destination of each that is known
Lookup = Callable[[Collection[str]], Mapping[str, str]]


def is_captures_file(name: str) -> bool:
    """Whether a file is one of captures by its name."""
    return name.lower().endswith(SUFFIXES)


class CaptureSource:
    """A file of captures, or a folder in and below which such files lie."""

    feed = Feed.CAPTURES
    data_source = "LIVE"
    parallel_reads = 1

    def __init__(self, path: Path, lookup: Lookup = lambda parks: {}):
        self.path = path.expanduser().resolve()
        self.url = f"{SCHEME}{self.path}"
        self._lookup = lookup
        self._collection: _Collection | None = None
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

    def _known(self) -> "_Collection":
        if self._collection is None:
            self._look()
        assert self._collection is not None
        return self._collection

    def _look(self) -> None:
        paths, troubles = _capture_files(self.path)
        looks = [(path, _looked_into(path)) for path in paths]
        _forget_all_but(paths)
        with self._lock:
            if self._reader is not None:
                self._reader.close()
            self._collection = _Collection(self.path, looks, troubles, self._lookup)
            self._reader = LineReader(paths)


# --- which files -----------------------------------------------------------------------------------------------------
def _capture_files(path: Path) -> tuple[list[Path], list[tuple[Path, Why]]]:
    """The files of captures, and what lies beside them. ArchiveError: it is not there, or none is in it."""
    if not os.path.exists(path):  # False as well where it cannot be looked at, or its name is too long
        raise ArchiveError(f"{path}: no such file or folder, or it may not be looked at")
    if not path.is_dir():
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


# --- what is in one file ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Place:
    """Whose captures: a destination's, or a park's of which the line does not say where it belongs."""

    uuid: str
    is_destination: bool


_At = tuple[_Place, date]


@dataclass(slots=True)
class _FileLook:
    """What one look at a file found; `refused`: lines without an answer by the park or destination that they name,
    the capture before them, and their own day."""

    captures: dict[_At, Lines] = field(default_factory=dict)
    refused: dict[tuple[str | None, _At | None, date | None], Lines] = field(default_factory=dict)
    parks: dict[str, str] = field(default_factory=dict)  # the destination of each that an answer about one names
    first: _At | None = None
    last: _At | None = None
    troubles: Counter[Why] = field(default_factory=Counter)
    lines_refused: Counter[str] = field(default_factory=Counter)  # by why
    is_foreign: bool = False
    begins_as: str = ""


_looks: dict[Path, tuple[Signature, _FileLook]] = {}  # of the files of the last source: a queued import opens it often


def _looked_into(path: Path) -> _FileLook:
    signature = signature_of(path)
    kept = _looks.get(path)
    if kept is None or kept[0] != signature:
        kept = _looks[path] = signature, _look_into(path)
    return kept[1]


def _forget_all_but(paths: Collection[Path]) -> None:
    for path in _looks.keys() - set(paths):
        _looks.pop(path, None)


def _look_into(path: Path) -> _FileLook:
    found, look = _FileLook(), Look()
    foreign_lines = 0
    for offset, line in lines_of(path, look):
        capture = read_capture(line)
        if look.open_end and capture.trouble == NO_JSON:
            look.troubles[Why.CUT_LINE] += 1
            continue
        if capture.trouble:
            foreign_lines += capture.foreign
            found.lines_refused[capture.trouble] += 1
        at = _at(capture)
        if at is None and not capture.trouble:  # it goes with the line before it, as one that is no answer does
            found.lines_refused["nothing says of what day it is"] += 1
        if at is None or capture.trouble:
            day = None if capture.taken_ms is None else _day(capture.taken_ms)
            key = capture.park or capture.destination, found.last, day
            found.refused.setdefault(key, Lines()).add(0, offset, line)
            continue
        found.captures.setdefault(at, Lines()).add(0, offset, line)
        found.first, found.last = found.first or at, at
        if at[0].is_destination:
            found.parks |= dict.fromkeys(capture.parks(), at[0].uuid)
    found.troubles = look.troubles
    if found.first is None and foreign_lines:
        found.is_foreign = True
        found.refused.clear()
        found.troubles[Why.NO_CAPTURE] += 1
    if found.first is None:
        found.begins_as = what_it_is(look)
    return found


def _at(capture: Capture) -> _At | None:
    """None: nothing says of what day or of whom it is."""
    instant = capture.newest_ms() if capture.taken_ms is None else capture.taken_ms
    day = None if instant is None else _day(instant)
    uuid = capture.destination or capture.park
    return None if day is None or uuid is None else (_Place(uuid, capture.destination is not None), day)


def _day(milliseconds: int) -> date | None:
    try:
        return day_at(milliseconds)
    except OverflowError:
        return None


# --- all files together ----------------------------------------------------------------------------------------------
class _Collection:
    """The lines of all files by destination and day, and what of them is left out."""

    def __init__(
        self, root: Path, looks: Sequence[tuple[Path, _FileLook]], beside: Sequence[tuple[Path, Why]], lookup: Lookup
    ):
        self.days: dict[str, dict[date, Lines]] = {}
        self._told: dict[str, list[tuple[str, Why, int]]] = {}
        first = next((look.first for _, look in looks if look.first), None)
        if first is None:
            raise ArchiveError(_nothing_in(root, looks))
        homes = _homes(looks, lookup)
        last = first
        for number, (path, look) in enumerate(looks):
            mine: set[str] = set()
            for (place, day), lines in look.captures.items():
                mine.add(self._file_away(homes[place.uuid], day, number, lines))
            for (own, before, day), lines in look.refused.items():
                place, day_before = before or look.first or last
                home = homes.get(own) if own else None
                mine.add(self._file_away(home or homes[place.uuid], day or day_before, number, lines))
            last = look.last or last
            for why, count in look.troubles.items():
                for destination in mine or {homes[first[0].uuid]}:
                    self._tell(destination, root, path, why, count)
        for path, why in beside:
            self._tell(homes[first[0].uuid], root, path, why, 1)

    def _file_away(self, destination: str, day: date, file: int, lines: Lines) -> str:
        self.days.setdefault(destination, {}).setdefault(day, Lines()).add_all(lines, file)
        return destination

    def _tell(self, destination: str, root: Path, path: Path, why: Why, count: int) -> None:
        inside = path.relative_to(root).as_posix() if path != root else path.name
        self._told.setdefault(destination, []).append((printable(inside), why, count))

    def beside(self, destination: str, *, whole: bool) -> Beside:
        """What of the files is not read, told under this destination: those in which it is, and under the first
        destination what is of none."""
        told = Beside(whole=whole, feed=Feed.CAPTURES)
        for path, why, count in self._told.get(destination, ()):
            told.counts[why] += count
            told.examples.append((path, why))
        del told.examples[EXAMPLES_MAX:]
        return told


def _homes(looks: Sequence[tuple[Path, _FileLook]], lookup: Lookup) -> dict[str, str]:
    """The destination of each place, its own for a destination and for a park of which nobody knows it."""
    places = {place for _, look in looks for place, _ in look.captures}
    named: dict[str, str] = {}
    for _, look in looks:
        named |= look.parks
    unknown = {place.uuid for place in places if not place.is_destination}
    homes = named | dict(lookup(unknown | named.keys()))
    homes |= {place.uuid: place.uuid for place in places if place.is_destination}
    for park in sorted(unknown - homes.keys()):
        logger.warning(
            "The destination of park %s is not known; the park stands for it. manage.py sync_metadata, given before, "
            "has its captures filed under its destination",
            park,
        )
        homes[park] = park
    there = {homes[place.uuid] for place in places}
    return {uuid: home for uuid, home in homes.items() if home in there}


def _nothing_in(root: Path, looks: Sequence[tuple[Path, _FileLook]]) -> str:
    refused: Counter[str] = Counter()
    for _, look in looks:
        refused += look.lines_refused
    begins = next((look.begins_as for _, look in looks if look.begins_as), "")
    why = "; ".join(_and_then(refused, begins)) or "it is empty"
    where = f"{root}" if len(looks) == 1 else f"{root} ({count_of(len(looks), 'file')})"
    return (
        f'{where}: no answer of /live in it: {why}. Expected is one a line, {{"id": ..., "liveData": [...]}}, bare or '
        "in an envelope (docs/sources.md)"
    )


def _and_then(refused: Counter[str], begins: str) -> Iterator[str]:
    if begins:
        yield f"it is {begins}"
        return
    for why, count in refused.most_common(3):
        yield f"of {count_of(count, 'line')}, {why}"
    if set(refused) == {NO_JSON} and refused.total() > 1:
        yield "if it is JSON that runs over several lines,  jq -c . FILE  makes it one a line"
