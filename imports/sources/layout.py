"""What of the files that were met is a day file, and what lies beside the layout: one rule for folders and buckets.

What is no day file is counted with the reason and named by a few examples, never passed over.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from imports.sources.source import EARLIEST_DAY, Beside, DayFile, Listing, Why, day_of, key_of
from warehouse.days import ONE_DAY
from warehouse.outside import shown

EXAMPLES_MAX = 5  # as many as a finding keeps
PATH_SHOWN_MAX = 200  # characters
ETAG_MAX = 100  # characters, as its column holds; those of S3 have 32 and a number of parts


@dataclass(frozen=True, slots=True)
class Found:
    """A file as it was met: its path inside the source; `why` where it is refused whatever its name is."""

    path: str
    size_bytes: int | None = None
    etag: str = ""
    why: Why | None = None
    modified_at: datetime | None = None


def sort_out(destination: str, found: Iterable[Found], first: date | None, last: date | None, today: date) -> Listing:
    """The listing of the range `first` to `last` (both included, None: no limit) of what was met of a destination.

    What lies beside the layout is told of the years of the range, as far as `window` reaches. `today` is UTC's.
    """
    files: dict[date, DayFile] = {}
    strays = _Strays()
    low, high = window(first, last)
    for file in found:
        spelling, _, below = file.path.partition("/")
        day = day_of(below)
        if file.why is not None or day is None or not EARLIEST_DAY <= day <= today + ONE_DAY:
            if not below or (low <= below and (not high or below < high)):  # nothing below: a link to nowhere
                of_name = Why.NAME if day is None else Why.EARLY if day < EARLIEST_DAY else Why.LATE
                strays.add(file.path, file.why or of_name)
        elif (first is None or first <= day) and (last is None or day <= last):
            key = key_of(destination, day)
            place = "" if file.path == key else file.path
            mine = DayFile(key, day, file.size_bytes, _version(file.etag), place, file.modified_at)
            other = files.setdefault(day, mine)
            if other is not mine:
                if spelling == destination:  # the name as it should be goes before any other
                    files[day], mine = mine, other
                strays.add(mine.place, Why.SECOND)
    examples = [(printable(path), why) for path, why in strays.first()]
    beside = Beside(strays.counts, examples, whole=first is None and last is None)
    return Listing([files[day] for day in sorted(files)], beside)


def window(first: date | None, last: date | None) -> tuple[str, str]:
    """From where up to where, in the order of names below a destination, a range is looked for: its whole years.

    `2025` to `2026` also meets `2025/3/2.json.gz` and `2025-03-07.json.gz`; in a bucket a year is one request, as a
    month is. "": no limit.
    """
    return (f"{first.year:04}" if first else ""), (f"{last.year + 1:04}" if last else "")


def printable(path: str) -> str:
    """A path for people and for tables: at most PATH_SHOWN_MAX characters, what is hidden and bytes that are no UTF-8
    (a name on disk may hold any) written as escapes."""
    return shown(path, PATH_SHOWN_MAX)


def _version(etag: str) -> str:
    """An ETag as it is kept and compared: one that is longer than its column, by what it sums up to."""
    if len(etag) <= ETAG_MAX and etag.isascii() and etag.isprintable():
        return etag
    return f"sha256-{hashlib.sha256(etag.encode('utf-8', 'surrogatepass')).hexdigest()}"


class _Strays:
    """Files beside the layout: all of them counted, and the first by path, in bounded memory."""

    KEPT_MAX = 1000

    def __init__(self) -> None:
        self.counts: Counter[Why] = Counter()
        self._kept: list[tuple[str, Why]] = []

    def add(self, path: str, why: Why) -> None:
        self.counts[why] += 1
        self._kept.append((path, why))
        if len(self._kept) > self.KEPT_MAX:
            self._kept = self.first()

    def first(self) -> list[tuple[str, Why]]:
        return sorted(self._kept)[:EXAMPLES_MAX]
