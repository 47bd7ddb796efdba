"""An export in a folder. Files are written in .unfinished beside the others, forced to disk, and renamed."""

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from warehouse.export.errors import ExportError
from warehouse.export.target import OURS, Outdated

UNFINISHED = ".unfinished"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class Folder:
    """See Target."""

    def __init__(self, path: str):
        self._root = Path(path).expanduser().absolute()
        self.url = str(self._root)

    def read(self, name: str) -> tuple[bytes, str] | None:
        """See Target; the version is the content's hash."""
        with telling(self._root / name):
            try:
                content = (self._root / name).read_bytes()
            except FileNotFoundError:
                return None
        return content, _version(content)

    def swap(self, name: str, content: bytes, version: str | None) -> str:
        """See Target; others on this machine wait meanwhile."""
        with telling(self._root / name):
            self._root.mkdir(parents=True, exist_ok=True)
            with _alone(self._root):
                found = self.read(name)
                if (found and found[1]) != version:
                    raise Outdated(name)
                beside = self._root / f".{name}.part"
                with open(beside, "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                beside.replace(self._root / name)
                _names_to_disk(self._root)
        return _version(content)

    def unfinished(self) -> Path:
        """See Target."""
        folder = self._root / UNFINISHED
        with telling(folder):
            if folder.exists():
                shutil.rmtree(folder)
            folder.mkdir(parents=True)
        return folder

    def put(self, file: Path, name: str) -> None:
        """See Target."""
        path = self._root / name
        with telling(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            file.replace(path)
            _names_to_disk(path.parent)

    @contextmanager
    def fetch(self, name: str) -> Iterator[Path | None]:
        """See Target."""
        path = self._root / name
        yield path if path.is_file() else None

    def parts(self, dataset: str) -> Iterator[str]:
        """See Target."""
        for path in sorted((self._root / dataset).rglob("part-*.parquet")):
            name = path.relative_to(self._root).as_posix()
            if OURS.fullmatch(name):
                yield name

    def remove(self, name: str) -> None:
        """See Target; a folder that is empty then goes too."""
        path = self._root / name
        with telling(path):
            path.unlink(missing_ok=True)
        with suppress(OSError):  # there is more in it
            path.parent.rmdir()

    def tidy(self) -> None:
        """See Target."""
        shutil.rmtree(self._root / UNFINISHED, ignore_errors=True)


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Says what the system says in one line."""
    try:
        yield
    except OSError as error:
        raise ExportError(in_words(error, path)) from error


def in_words(error: OSError, path: Path) -> str:
    """What the system says of a file, and what to do."""
    if error.errno in _FULL:
        return f"{path}: {error.strerror}. Make room and call again; what was exported stays valid"
    return f"{error.filename or path}: {error.strerror or error}. Give a folder that can be written"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # a network's file system may have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _names_to_disk(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _version(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
