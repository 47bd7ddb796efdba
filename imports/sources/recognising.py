"""Whether a path is one of captures or an archive, by the names of the files in it: no file is opened."""

import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from imports.sources.captures import SCHEME, is_captures_file
from imports.sources.source import ArchiveError, day_of
from warehouse.ids import uuid_of

NAMES_MAX = 2_000  # looked at below one name of the folder; the first file of an archive is met after four
DESTINATIONS_MAX = 5  # of 100 that an archive has; what lies otherwise in the rest, its source tells


class Kind(StrEnum):
    """What a path holds, as far as names say."""

    ARCHIVE = "day files"
    CAPTURES = "captures"
    UNKNOWN = ""


def kind_of(path: Path) -> Kind:
    """Below each name in a folder the first file that says something decides for it.

    ArchiveError: both lie in the folder. What is not there, or cannot be read, is UNKNOWN: who opens it says why.
    """
    if os.path.isfile(path):
        return Kind.CAPTURES if is_captures_file(path.name) else Kind.UNKNOWN
    found: dict[Kind, str] = {}
    names = [name for name in _names(path) if not name.startswith(".")]
    destinations = [name for name in names if uuid_of(name)]
    for name in [*destinations[:DESTINATIONS_MAX], *(name for name in names if not uuid_of(name))]:
        for kind, example in _kinds_below(path, name):
            found.setdefault(kind, example)
            break
    if len(found) > 1:
        raise ArchiveError(
            f"{path}: day files ({found[Kind.ARCHIVE]}) and captures ({found[Kind.CAPTURES]}) lie in one folder; give "
            f"each a folder of its own, or import the captures alone by {SCHEME}{path}"
        )
    return next(iter(found), Kind.UNKNOWN)


def _kinds_below(root: Path, name: str) -> Iterator[tuple[Kind, str]]:
    top = root / name
    if not os.path.isdir(top):
        if is_captures_file(name):
            yield Kind.CAPTURES, name
        return
    seen = 0
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        inside = Path(folder).relative_to(root)
        for file in sorted(names):
            if is_captures_file(file):
                yield Kind.CAPTURES, f"{inside / file}"
            elif uuid_of(name) and day_of((inside / file).relative_to(name).as_posix()):
                yield Kind.ARCHIVE, f"{inside / file}"
        seen += len(names) + len(folders)
        if seen > NAMES_MAX:
            return


def _names(path: Path) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except OSError:
        return []
