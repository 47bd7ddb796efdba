"""Where day files lie: a folder in the archive's layout or a bucket, behind one interface.

Layout, on disk as in the bucket: `<destination-uuid>/<YYYY>/<MM>/<DD>.json.gz`, one file a destination and day. The
UUID may be spelled in upper case, or lie there in both spellings; everywhere else it is spoken of in lower case.
"""

import re
from collections import Counter
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from imports.events.decoded import Decoded
from imports.events.decoding import Decode

FILE_SUFFIX = ".json.gz"
CAPTURES_SUFFIX = ".ndjson"
#: No archive of park waits is older; a file dated earlier (0001, 1970) is a broken clock's or a slip of the pen.
EARLIEST_DAY = date(2015, 1, 1)


class Feed(StrEnum):
    """Which record of the parks a file is of. Several may tell of one park's day, and the ledger keeps them apart."""

    ARCHIVE = "ARCHIVE"  # day files of the archive: of a destination and a day
    HISTORY = "HISTORY"  # answers of the History API: of a park and a day of its own
    DELISTED = "DELISTED"  # the same, of what the park no longer lists: of a park and a month
    CAPTURES = "CAPTURES"  # live answers that somebody kept: of a destination and a day (UTC)


_DAY = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2})" + re.escape(FILE_SUFFIX))


class ArchiveError(Exception):
    """The source cannot be used; the message says what to do."""


class FileVanished(ArchiveError):
    """The file was listed and is gone; to be treated as missing."""


class FileUnreadable(ArchiveError):
    """This one file cannot be read, the source otherwise can; to be recorded as UNREADABLE."""


class OutOfReach(ArchiveError):
    """This file is there, and not for us: nothing before the day `earliest` is. Neither missing nor unreadable."""

    def __init__(self, message: str, earliest: date):
        super().__init__(message)
        self.earliest = earliest


class NotNow(ArchiveError):
    """The source works, and gives nothing before `until` (aware): to be gone on with then, no attempt counted.

    `of_one`: what was asked for was not answered; of something else it may be.
    """

    def __init__(self, message: str, until: datetime, *, of_one: bool = False):
        super().__init__(message)
        self.until = until
        self.of_one = of_one

    def in_words(self) -> str:
        """Why, and until when."""
        return f"{self}; it goes on after {self.until.astimezone(UTC):%Y-%m-%d %H:%M}Z"


@dataclass(frozen=True, slots=True)
class DayFile:
    """One file of a destination: `key` is its path in the layout, `path` where it lies if that is another.

    Size with ETag (a bucket) or time of change (a folder) tell without reading it whether it is the file of before.
    Where a listing cannot tell, `is_final` says that nothing new is to be had of it unless it is asked for anew; an
    `etag` then says which answers it is made of, where it is made of several.
    """

    key: str
    day: date
    size_bytes: int | None = None
    etag: str = ""
    path: str = ""
    modified_at: datetime | None = None  # UTC, to the microsecond
    park: str = ""  # the UUID of the one park that it speaks of; empty: of all of the destination
    is_final: bool = False
    is_asked_for: bool = False  # reading it takes requests of an hour's budget
    requests: int = 1  # so many, where it is asked for
    anew: bool = False  # also what was kept of it is asked for
    through: date | None = None  # the last day that it is of, where it is of several

    @property
    def last_day(self) -> date:
        """The last day that it is of; mostly its only one."""
        return self.through or self.day

    @property
    def days(self) -> int:
        """Of how many days it is."""
        return (self.last_day - self.day).days + 1

    @property
    def label(self) -> str:
        """Its day or days, for people."""
        return f"{self.day}" if self.days == 1 else f"{self.day} to {self.last_day}"

    @property
    def place(self) -> str:
        """Its path inside the source as it is named there, with forward slashes."""
        return self.path or self.key


#: Told, by sources that try again, of trouble that may pass. Whoever makes people wait for a source may listen.
heard_trouble: ContextVar[Callable[[str], None]] = ContextVar("heard_trouble")


def tell_trouble(said: str) -> None:
    """Tell whoever listens in this thread; nobody may."""
    if listener := heard_trouble.get(None):
        listener(said)


class Why(StrEnum):
    """Why a file is no day file; the words follow a count."""

    NAME = "not named YYYY/MM/DD.json.gz"
    EARLY = f"dated before {EARLIEST_DAY}"
    LATE = "dated after tomorrow by this machine's clock"
    SECOND = "beside another file of the same day"
    LINK = "a link that leads nowhere"
    KIND = "no regular file"
    # of captures, where a file may be read all the same
    SUFFIX = "not named .ndjson or .jsonl"
    NO_CAPTURE = "without any answer of /live"
    CUT_LINE = "whose last line is cut short"
    LONG_LINE = "of more than 64 MB in one line"
    BOMB = "that inflates to more than 500 times its size, read as far as that"
    PLACES = "of more than 200,000 destinations and days in one file, read as far as that"
    DAMAGED = "whose gzip stream is damaged or has no end, read as far as it goes"


@dataclass(slots=True)
class Beside:
    """What lies beside the layout of a destination: how many files for which reason, and a few of them by path.

    Of captures: what of the files is not read, which may be a line, or all that is dated so that it cannot be.
    """

    counts: Counter[Why] = field(default_factory=Counter)
    examples: list[tuple[str, Why]] = field(default_factory=list)
    whole: bool = False  # all of the destination was looked at, not the years of a range alone
    feed: Feed = Feed.ARCHIVE

    @property
    def total(self) -> int:
        """Files of all reasons."""
        return sum(self.counts.values())

    def in_words(self) -> str:
        """`5 not named YYYY/MM/DD.json.gz, 1 no regular file: 2025/3/2.json.gz, ... and 1 more`."""
        kinds = ", ".join(f"{count:,} {why}" for why, count in self.counts.most_common())
        more = self.total - len(self.examples)
        return f"{kinds}: {', '.join(path for path, _ in self.examples)}{f' and {more:,} more' if more else ''}"


@dataclass(frozen=True, slots=True)
class Listing:
    """The day files of a destination in a range, by day, one a day; and what the same look saw beside the layout."""

    files: list[DayFile] = field(default_factory=list)
    beside: Beside = field(default_factory=Beside)


@dataclass(frozen=True, slots=True)
class ParkFiles:
    """The files of one park, by day, of a source that has them by park, and what it says of the park itself."""

    park_id: str  # UUID
    name: str
    timezone: str
    files: list[DayFile]
    asked_from: date | None = None  # the first day that was asked for and that the source has
    out_of_reach_before: date | None = None  # days that were asked for lie before it, and are not to be had
    final_day: date | None = None  # later days may change still, and are not listed
    newest: date | None = None  # of delisted entities: a day that was asked for, recorded, and later than that
    entities: int | None = None  # how many delisted entities its files are of; None: they are of the park


class Allowance(Protocol):
    """What somebody may ask of a source. None where it is not known."""

    name: str  # of the plan
    earliest: date | None  # the first day that may be asked; None: everything
    requests_an_hour: int | None
    remaining: int | None  # of these
    resets_at: datetime | None  # aware: when they are whole again


class Source(Protocol):
    """What an import asks of a place that keeps day files."""

    url: str  # as stored in import_checkpoints.source; open_source(url) gives this source again
    feed: Feed
    data_source: str  # a value of DataSource: what its rows are stored as
    parallel_reads: int  # how many read() calls at once pay; read() is called from threads
    decodes: Decode | None  # what `decode` does, where a process of its own may do it by the bytes alone

    def list_destinations(self) -> list[str]:
        """UUIDs in lower case, sorted. ArchiveError: the place is not there or cannot be read."""

    def list_days(self, destination: str, first: date | None, last: date | None, today: date) -> Listing:
        """The day files of a destination in the inclusive range, however its UUID is spelled there, and what lies
        beside the layout in the years of the range, by one look at the place. `today` is UTC's."""

    def read(self, file: DayFile) -> bytes:
        """The bytes as they are kept.

        FileVanished: gone since it was listed. FileUnreadable: this file alone fails. OutOfReach, NotNow: see there.
        ArchiveError: the source fails.
        """

    def decode(self, raw: bytes, file: DayFile) -> Decoded:
        """What `read` gave, as events. UnreadableFile: nothing of it can be used."""


@runtime_checkable
class SourceByPark(Source, Protocol):
    """A source whose files are of one park each. A day that it does not list is no missing day."""

    def list_parks(
        self, destination: str, parks: Collection[str], first: date | None, last: date | None, *, anew: bool
    ) -> list[ParkFiles]:
        """Its parks with their files in the inclusive range; of `parks` (UUIDs) alone, where some are named.

        `anew`: files that are final are listed to be compared with what was read of them, and `read` asks for them.
        NotNow; ArchiveError, also for a park that it does not know.
        """

    @property
    def allowance(self) -> Allowance | None:
        """What may be asked of it an hour; None: it is not counted, since nothing is asked. NotNow; ArchiveError."""

    def list_again(self, destination: str, park: str, first: date, last: date, *, anew: bool) -> list[DayFile]:
        """What is left of a range of `list_parks`, without asking anybody."""


def key_of(destination: str, day: date) -> str:
    """Where the day file lies inside its source: `<destination>/2024/12/25.json.gz`."""
    return f"{destination}/{day:%Y/%m/%d}{FILE_SUFFIX}"


def key_of_captures(destination: str, day: date) -> str:
    """What the captures of a destination's day are called in ledger and findings: `<destination>/2024/12/25.ndjson`."""
    return f"{destination}/{day:%Y/%m/%d}{CAPTURES_SUFFIX}"


def day_of(path: str) -> date | None:
    """`2024/12/25.json.gz` -> 2024-12-25; None for anything that is not named as a day file."""
    match = _DAY.fullmatch(path)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None
