"""Where day files lie: a folder in the archive's layout, or (archive_s3) a bucket, behind one interface.

Layout, on disk as in the bucket: `<destination-uuid>/<YYYY>/<MM>/<DD>.json.gz`, one file a destination and day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

DESTINATION_PATTERN = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
FILE_SUFFIX = ".json.gz"


class ArchiveError(Exception):
    """The source cannot be used; the message says what to do."""


class FileVanished(ArchiveError):
    """The file was listed and is gone; to be treated as missing."""


class FileUnreadable(ArchiveError):
    """This one file cannot be read, the source otherwise can; to be recorded as UNREADABLE."""


@dataclass(frozen=True, slots=True)
class DayFile:
    """One file of a destination: `key` is its path inside the source, with forward slashes."""

    key: str
    day: date
    size_bytes: int | None = None
    etag: str = ""


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


def open_source(url: str) -> Source:
    """The source a URL names: a folder (a path, or file:///path) or s3://bucket[/prefix]."""
    if url.startswith("s3://"):
        from imports.archive_s3 import open_bucket  # boto3 takes 0.4 s to load, and a folder needs none of it

        return open_bucket(url)
    if url.startswith("file://"):
        url = url.removeprefix("file://")
    if "://" in url:
        raise ArchiveError(f"{url}: not a source; give a folder or s3://bucket[/prefix]")
    return FolderSource(Path(url))


def key_of(destination: str, day: date) -> str:
    return f"{destination}/{day:%Y/%m/%d}{FILE_SUFFIX}"


class FolderSource:
    """An archive on disk."""

    parallel_reads = 1

    def __init__(self, root: Path):
        self.root = root.expanduser().resolve()
        self.url = str(self.root)

    def list_destinations(self) -> list[str]:
        if not self.root.exists():
            raise ArchiveError(f"{self.root}: no such folder")
        if not self.root.is_dir():
            raise ArchiveError(f"{self.root}: not a folder; give the one that holds the destinations' folders")
        found = [entry.name.lower() for entry in _entries(self.root) if DESTINATION_PATTERN.fullmatch(entry.name)]
        if not found:
            raise ArchiveError(f"{self.root}: no destinations in it; expected <destination-uuid>/YYYY/MM/DD.json.gz")
        return sorted(found)

    def list_days(self, destination: str, first: date | None, last: date | None) -> list[DayFile]:
        return sorted(
            (
                file
                for file in self._walk(destination)
                if (first is None or file.day >= first) and (last is None or file.day <= last)
            ),
            key=lambda file: file.day,
        )

    def read(self, file: DayFile) -> bytes:
        try:
            return (self.root / file.key).read_bytes()
        except FileNotFoundError as error:
            destination = self.root / file.key.split("/", 1)[0]
            if not destination.is_dir():  # a disk that was unmounted is no day without a file
                raise ArchiveError(f"{destination}: the folder is gone") from error
            raise FileVanished(f"{file.key}: gone since it was listed") from error
        except OSError as error:
            raise FileUnreadable(f"the file cannot be read: {error.strerror}") from error

    def _walk(self, destination: str) -> Iterator[DayFile]:
        top = self.root / destination
        if not top.is_dir():
            return
        for year in _entries(top):
            for month in _entries(year) if year.is_dir() else ():
                for file in _entries(month) if month.is_dir() else ():
                    day = day_of(f"{year.name}/{month.name}/{file.name}")
                    if day is not None:
                        yield DayFile(f"{destination}/{year.name}/{month.name}/{file.name}", day, file.stat().st_size)


def day_of(path: str) -> date | None:
    """`2024/12/25.json.gz` -> 2024-12-25; None for anything that is no day file."""
    match = re.fullmatch(r"(\d{4})/(\d{2})/(\d{2})" + re.escape(FILE_SUFFIX), path)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise ArchiveError(f"{folder}: {error.strerror}; it must be readable to import from it") from error
