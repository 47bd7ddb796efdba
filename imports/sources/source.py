"""Where day files lie: a folder in the archive's layout or a bucket, behind one interface.

Layout, on disk as in the bucket: `<destination-uuid>/<YYYY>/<MM>/<DD>.json.gz`, one file a destination and day.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

FILE_SUFFIX = ".json.gz"


class ArchiveError(Exception):
    """The source cannot be used; the message says what to do."""


class FileVanished(ArchiveError):
    """The file was listed and is gone; to be treated as missing."""


class FileUnreadable(ArchiveError):
    """This one file cannot be read, the source otherwise can; to be recorded as UNREADABLE."""


@dataclass(frozen=True, slots=True)
class DayFile:
    """One file of a destination: `key` is its path inside the source, with forward slashes.

    Size with ETag (a bucket) or time of change (a folder) tell without reading it whether it is the file of before.
    """

    key: str
    day: date
    size_bytes: int | None = None
    etag: str = ""
    modified_at: datetime | None = None  # UTC, to the microsecond


class Source(Protocol):
    """What an import asks of a place that keeps day files."""

    url: str  # as stored in import_checkpoints.source; open_source(url) gives this source again
    parallel_reads: int  # how many read() calls at once pay; read() is called from threads

    def list_destinations(self) -> list[str]:
        """UUIDs in lower case, sorted. ArchiveError: the place is not there or cannot be read."""

    def list_days(self, destination: str, first: date | None, last: date | None) -> list[DayFile]:
        """The files of a destination in the inclusive range, by day. Empty: it has none."""

    def read(self, file: DayFile) -> bytes:
        """The bytes as they are kept.

        FileVanished: gone since it was listed. FileUnreadable: this file alone fails. ArchiveError: the source does.
        """


def key_of(destination: str, day: date) -> str:
    """Where the day file lies inside its source: `<destination>/2024/12/25.json.gz`."""
    return f"{destination}/{day:%Y/%m/%d}{FILE_SUFFIX}"


def day_of(path: str) -> date | None:
    """`2024/12/25.json.gz` -> 2024-12-25; None for anything that is no day file."""
    match = re.fullmatch(r"(\d{4})/(\d{2})/(\d{2})" + re.escape(FILE_SUFFIX), path)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None
