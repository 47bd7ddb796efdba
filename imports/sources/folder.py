"""An archive in a folder on disk.

Links are followed where the layout has a folder or a file, and nowhere else, so no loop of links is walked for ever.
Nothing but a regular file is ever opened: a FIFO would wait for a writer until the end of days.
"""

import re
import stat
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path

from imports.events.dayfile import FILE_MAX_BYTES
from imports.sources.archive_files import ArchiveFiles
from imports.sources.layout import Found, sort_out
from imports.sources.regular_files import NotRegular, TooManyBytes, read_regular
from imports.sources.source import ArchiveError, DayFile, FileUnreadable, FileVanished, Listing, Why, day_of
from warehouse.ids import uuid_of
from warehouse.instants import EPOCH

LAYOUT_FOLDER = re.compile(r"[^/]+(/[0-9]{4}(/[0-9]{2})?)?")  # of a destination, a year, a month
DEPTH_MAX = 8  # folders in folders are looked into so deep, for files beside the layout; what is deeper counts as one


class FolderSource(ArchiveFiles):
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
            raise ArchiveError(
                f"{self.root}: not a folder; give the one that holds the destinations' folders, "
                "or for captures a file called .ndjson or .jsonl (captures:/path of any other name)"
            )
        if (self.root / "destinations.json.gz").is_file():
            raise ArchiveError(f"{self.root}: answers of the History API; give --source themeparks-history:{self.root}")
        found = {uuid for entry in _entries(self.root) if (uuid := uuid_of(entry.name)) and not _is_file(entry)}
        if not found:
            raise ArchiveError(
                f"{self.root}: no destinations in it; expected <destination-uuid>/YYYY/MM/DD.json.gz, or captures of "
                "live answers in files called .ndjson or .jsonl"
            )
        return sorted(found)

    def list_days(self, destination: str, first: date | None, last: date | None, today: date) -> Listing:
        """See Source."""
        return sort_out(destination, self._files(destination), first, last, today)

    def read(self, file: DayFile) -> bytes:
        """See Source."""
        try:
            return read_regular(self.root / file.place, FILE_MAX_BYTES)
        except (NotRegular, TooManyBytes) as error:
            raise FileUnreadable(str(error)) from error
        except FileNotFoundError as error:
            destination = self.root / file.place.split("/", 1)[0]
            if not destination.is_dir():  # a disk that was unmounted is no day without a file
                raise ArchiveError(f"{destination}: the folder is gone") from error
            raise FileVanished(f"{file.key}: gone since it was listed") from error
        except OSError as error:
            raise FileUnreadable(f"the file cannot be read: {error.strerror}") from error

    def _files(self, destination: str) -> Iterator[Found]:
        """Whatever lies below the destination's folders, in no order."""
        if not self.root.is_dir():
            return
        spellings = [entry.name for entry in _entries(self.root) if uuid_of(entry.name) == destination]
        folders: list[_Folder] = []
        for name in spellings:
            found = _look(self.root / name, name)
            if isinstance(found, Found):
                if found.why is not None:
                    yield found
            elif found is not None:
                folders.append(found)
        while folders:
            path, folder = folders.pop()
            for entry in _entries(folder):
                found = _look(entry, f"{path}/{entry.name}")
                if isinstance(found, Found):
                    yield found  # at once: of a folder of a million files only the names are held
                elif found is not None:
                    folders.append(found)


#: a folder that is to be looked into: its path inside the source, and on disk
_Folder = tuple[str, Path]


def _look(entry: Path, path: str) -> Found | _Folder | None:
    """What a name in a folder stands for; None: nothing any more, or a folder that says nothing by itself."""
    try:
        info = entry.stat()
    except OSError as error:
        if entry.is_symlink():
            return Found(path, why=Why.LINK)
        if isinstance(error, FileNotFoundError):  # gone since its folder was read
            return None
        raise _unreadable(entry, error) from error
    if stat.S_ISREG(info.st_mode):
        return Found(path, info.st_size, modified_at=_instant(info.st_mtime_ns))
    if not stat.S_ISDIR(info.st_mode) or day_of(path.partition("/")[2]) is not None:
        return Found(path, why=Why.KIND)
    if LAYOUT_FOLDER.fullmatch(path):
        return path, entry
    return Found(path, why=Why.KIND) if entry.is_symlink() or path.count("/") > DEPTH_MAX else (path, entry)


def _instant(nanoseconds: int) -> datetime | None:
    """None for a time that no column holds: the file is then known by its content alone."""
    try:
        instant = EPOCH + timedelta(microseconds=nanoseconds // 1000)
    except OverflowError:
        return None
    return instant if instant.year >= 1000 else None  # DATETIME begins there


def _is_file(entry: Path) -> bool:
    """Whether it is a file and no folder: not the folder of a destination, whatever it is called."""
    try:
        return entry.is_file()
    except OSError:
        return False


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise _unreadable(folder, error) from error


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(f"{path}: {error.strerror}; it must be readable to import from it")
