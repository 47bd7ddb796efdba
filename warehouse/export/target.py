"""Where an export lies: a folder or a bucket, behind one interface."""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

#: what files are called, and by which alone any is ever removed
OURS = re.compile(r"[a-z_]+/(?:year=\d{4}/month=\d\d/)?part-[0-9a-f]{16}\.parquet")


class Outdated(Exception):
    """Somebody else has written it since it was read."""


class Target(Protocol):
    """What an export does with a place. Names are paths below it, with forward slashes. ExportError from each."""

    url: str

    def read(self, name: str) -> tuple[bytes, str] | None:
        """A small file, with what tells its version; None: it is not there."""

    def swap(self, name: str, content: bytes, version: str | None) -> str:
        """Put `content` in the place of that version (None: there is none) in one step; the new version. Outdated."""

    def unfinished(self) -> Path:
        """An empty folder on this machine in which files are written; what killed exports left there is removed."""

    def put(self, file: Path, name: str) -> None:
        """Take a finished file out of there, to be seen under its name whole or not at all."""

    def fetch(self, name: str) -> AbstractContextManager[Path | None]:
        """A file as one on this machine, while the context lasts; None: it is not there."""

    def parts(self, dataset: str) -> Iterator[str]:
        """The names of all files of a dataset."""

    def remove(self, name: str) -> None:
        """A file; it may be gone already."""

    def tidy(self) -> None:
        """Take away what killed exports left beside their files; to be called under the lock."""
