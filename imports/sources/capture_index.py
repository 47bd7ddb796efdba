"""Of whom and of what day each line of captures is: one look at a file, kept, and all files together."""

import logging
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from imports.events.captures import NO_JSON, Capture, read_capture
from imports.sources.layout import EXAMPLES_MAX, printable
from imports.sources.line_files import Lines, Look, Signature, lines_of, signature_of, what_it_is
from imports.sources.source import ArchiveError, Beside, Feed, Why
from warehouse.instants import day_at
from warehouse.text import count_of

# Of destinations and days in one file, 700 bytes each; a file of ten years of 50 destinations has 182,500.
PLACES_MAX = 200_000

logger = logging.getLogger(__name__)

#: parks by their UUID -> the destination of each that is known
Lookup = Callable[[Collection[str]], Mapping[str, str]]


# --- what is in one file ---------------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Place:
    """Whose captures: a destination's, or a park's of which the line does not say where it belongs."""

    uuid: str
    is_destination: bool


_At = tuple[_Place, date]


@dataclass(slots=True)
class FileLook:
    """What one look at a file found; `refused`: lines without an answer by the park or destination that they name,
    the capture before them, and their own day."""

    captures: dict[_At, Lines] = field(default_factory=dict)
    refused: dict[tuple[str | None, _At | None, date | None], Lines] = field(default_factory=dict)
    parks: dict[str, str] = field(default_factory=dict)  # the destination of each that an answer about one names
    first: _At | None = None
    last: _At | None = None
    troubles: Counter[Why] = field(default_factory=Counter)
    lines_refused: Counter[str] = field(default_factory=Counter)  # by why
    begins_as: str = ""


_looks: dict[Path, tuple[Signature, FileLook]] = {}  # of the files of the last source: a queued import opens it often


def looked_into(path: Path) -> FileLook:
    """What is in a file, without a second look where it is the same as at the last. ArchiveError."""
    signature = signature_of(path)
    kept = _looks.get(path)
    if kept is None or kept[0] != signature:
        kept = _looks[path] = signature, _look_into(path)
    return kept[1]


def forget_all_but(paths: Collection[Path]) -> None:
    """What was kept of the files of other sources."""
    for path in _looks.keys() - set(paths):
        _looks.pop(path, None)


def _look_into(path: Path) -> FileLook:
    found, look = FileLook(), Look()
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
        if at not in found.captures and len(found.captures) == PLACES_MAX:
            look.troubles[Why.PLACES] += 1
            break
        found.captures.setdefault(at, Lines()).add(0, offset, line)
        found.first, found.last = found.first or at, at
        if at[0].is_destination:
            found.parks |= dict.fromkeys(capture.parks(), at[0].uuid)
    found.troubles = look.troubles
    if found.first is None and foreign_lines:
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
class CaptureIndex:
    """The lines of all files by destination and day, and what of them is left out."""

    def __init__(
        self, root: Path, looks: Sequence[tuple[Path, FileLook]], beside: Sequence[tuple[Path, Why]], lookup: Lookup
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


def _homes(looks: Sequence[tuple[Path, FileLook]], lookup: Lookup) -> dict[str, str]:
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


def _nothing_in(root: Path, looks: Sequence[tuple[Path, FileLook]]) -> str:
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
