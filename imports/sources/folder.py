"""An archive in a folder on disk."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from imports.sources.source import ArchiveError, DayFile, FileUnreadable, FileVanished, day_of
from warehouse.ids import uuid_of
from warehouse.instants import EPOCH


class FolderSource:
    """An archive on disk."""

    parallel_reads = 1

    def __init__(self, root: Path):
        self.root = root.expanduser().resolve()
        self.url = str(self.root)

    def list_destinations(self) -> list[str]:
        """See Source."""
        if not self.root.exists():
            raise ArchiveError(f"{self.root}: no such folder")
        if not self.root.is_dir():
            raise ArchiveError(f"{self.root}: not a folder; give the one that holds the destinations' folders")
        found = [entry.name.lower() for entry in _entries(self.root) if uuid_of(entry.name)]
        if not found:
            raise ArchiveError(f"{self.root}: no destinations in it; expected <destination-uuid>/YYYY/MM/DD.json.gz")
        return sorted(found)

    def list_days(self, destination: str, first: date | None, last: date | None) -> list[DayFile]:
        """See Source."""
        return sorted(
            (
                file
                for file in self._walk(destination)
                if (first is None or file.day >= first) and (last is None or file.day <= last)
            ),
            key=lambda file: file.day,
        )

    def read(self, file: DayFile) -> bytes:
        """See Source."""
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
                        found = file.stat()
                        key = f"{destination}/{year.name}/{month.name}/{file.name}"
                        yield DayFile(key, day, found.st_size, modified_at=_instant(found.st_mtime_ns))


def _instant(nanoseconds: int) -> datetime | None:
    """None for a time that no column holds: the file is then known by its content alone."""
    try:
        instant = EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None
    return instant if instant.year >= 1000 else None  # DATETIME begins there


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise ArchiveError(f"{folder}: {error.strerror}; it must be readable to import from it") from error
