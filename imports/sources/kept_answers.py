"""Answers of the History API on disk, gzipped as they came: a source by itself, without network and without key.

    <destination>/<YYYY>/<MM>/<DD>/<park>.json.gz     a park's own day
    <destination>/<YYYY>/<MM>/delisted/<park>/<entity>.json.gz       a month of what the park no longer lists
    <destination>/<YYYY>/<MM>/delisted/<park>/<entity>.<DD>.json.gz  the same, from this day of the month on
    destinations.json.gz, coverage/<park>.json.gz     what was listed, and when

An answer is written before it is loaded, whole or not at all (a rename): what was asked for once is never asked again.
"""

import gzip
import json
import logging
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from imports.events.dayfile import FILE_MAX_BYTES, UnreadableFile, inflate_stream
from imports.events.json_text import decode_json
from imports.sources.regular_files import NotRegular, TooManyBytes, read_regular
from imports.sources.source import ArchiveError
from warehouse.ids import uuid_of

SUFFIX = ".json.gz"
DELISTED = "delisted"
LISTINGS_KEPT = timedelta(days=1)  # how long what was listed is taken as it was

_OF_ENTITY = re.compile(r"([0-9a-f-]{36})(?:\.([0-9]{2}))?" + re.escape(SUFFIX))

logger = logging.getLogger(__name__)


def delisted_folder(destination: str, park: str, month: date) -> str:
    """Where the answers about a park's delisted entities of a month lie: `<destination>/2022/03/delisted/<park>`."""
    return f"{destination}/{month:%Y/%m}/{DELISTED}/{park}"


def key_of_delisted(folder: str, month: date, entity: str, begin: date) -> str:
    """Where the answer about one of them lies that goes from `begin` to the end of the month."""
    return f"{folder}/{entity}{'' if begin == month else f'.{begin:%d}'}{SUFFIX}"


class KeptAnswers:
    """A folder of answers. It is made when the first of them is written."""

    def __init__(self, root: Path):
        self.root = root.expanduser().resolve()

    # --- days -----------------------------------------------------------------------------------------------------
    def has(self, key: str) -> bool:
        """Whether an answer lies there, in whatever state."""
        return (self.root / key).is_file()

    def get(self, key: str) -> bytes | None:
        """The answer as it came; None: there is none, or what is there is damaged."""
        try:
            packed = read_regular(self.root / key, FILE_MAX_BYTES)
            return inflate_stream(packed)
        except FileNotFoundError:
            return None
        except (OSError, NotRegular, TooManyBytes, UnreadableFile) as error:
            logger.warning("kept answer %s cannot be read (%s)", self.root / key, error)
            return None

    def put(self, key: str, raw: bytes) -> None:
        """Keep an answer. ArchiveError: it cannot be written; it is lost, and with it a request of the budget."""
        path = self.root / key
        part = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".part", delete=False) as target:
                part = Path(target.name)
                target.write(gzip.compress(raw, mtime=0))
                target.flush()
                os.fsync(target.fileno())  # it was paid for, and its rows may be committed a moment later
            part.replace(path)
        except OSError as error:
            if part is not None:
                part.unlink(missing_ok=True)
            raise ArchiveError(
                f"{path}: {error.strerror}; answers are kept before they are loaded: ARCHIVE_CACHE_DIR must be "
                "writable and have room"
            ) from error

    def destinations(self) -> list[str]:
        """UUIDs of which there is a folder. ArchiveError: the root is none or cannot be read."""
        return sorted(uuid for name in self._names(self.root) if (uuid := uuid_of(name)) == name)

    def days_of(self, destination: str) -> dict[str, list[date]]:
        """By park: the days of which an answer lies there, in order."""
        found: dict[str, list[date]] = {}
        for year, month, day in self._dates(destination):
            folder = self.root / destination / year / month / day
            try:
                of_day = date(int(year), int(month), int(day))
            except ValueError:
                continue
            for name in self._names(folder):
                park = uuid_of(name.removesuffix(SUFFIX))
                if name == f"{park}{SUFFIX}":
                    found.setdefault(str(park), []).append(of_day)
        return {park: sorted(days) for park, days in sorted(found.items())}

    def newest_day(self, destination: str, park: str) -> date | None:
        """The latest day of which an answer about the park lies there."""
        for year, month, day in reversed(list(self._dates(destination)) if self._has(destination) else []):
            if self.has(f"{destination}/{year}/{month}/{day}/{park}{SUFFIX}"):
                with suppress(ValueError):
                    return date(int(year), int(month), int(day))
        return None

    # --- months of what is delisted -------------------------------------------------------------------------------
    def delisted_months(self, destination: str) -> dict[str, list[date]]:
        """By park: the months (their first days) of which answers about delisted entities lie there, in order."""
        found: dict[str, list[date]] = {}
        for year in self._names(self.root / destination, year=True) if self._has(destination) else []:
            for month in self._names(self.root / destination / year, year=True):
                folder = self.root / destination / year / month / DELISTED
                with suppress(ValueError):
                    first = date(int(year), int(month), 1)
                    for park in self._names(folder) if folder.is_dir() else []:
                        if uuid_of(park) == park:
                            found.setdefault(park, []).append(first)
        return found

    def delisted_in(self, folder: str, month: date) -> dict[str, date]:
        """By entity: the first day of the answer about it that lies in a folder of `delisted_folder`; of several the
        one that begins first."""
        found: dict[str, date] = {}
        for name in self._names(self.root / folder) if self._has(folder) else []:
            match = _OF_ENTITY.fullmatch(name)
            if match is None or uuid_of(match[1]) != match[1]:
                continue
            with suppress(ValueError):  # the 31st of a month that has none
                begin = month.replace(day=int(match[2] or 1))
                found[match[1]] = min(begin, found.get(match[1], begin))
        return found

    def _has(self, folder: str) -> bool:
        return (self.root / folder).is_dir()

    def _dates(self, destination: str) -> Iterator[tuple[str, str, str]]:
        for year in self._names(self.root / destination, year=True):
            for month in self._names(self.root / destination / year, year=True):
                for day in self._names(self.root / destination / year / month, year=True):
                    yield year, month, day

    def _names(self, folder: Path, *, year: bool = False) -> list[str]:
        try:
            return sorted(name for name in os.listdir(folder) if not year or name.isdecimal())
        except NotADirectoryError:
            return []
        except OSError as error:
            raise ArchiveError(f"{folder}: {error.strerror}; it must be a readable folder of kept answers") from error

    # --- what was listed ------------------------------------------------------------------------------------------
    def listed(self, name: str, now: datetime | None) -> Any:
        """What was listed under a name (`destinations`, `coverage/<park>`), decoded; None: nothing, or it is too old
        by `now` (aware; None: however old it is)."""
        raw = self.get(f"{name}{SUFFIX}")
        if raw is None:
            return None
        try:
            kept = decode_json(raw)
            asked_at = datetime.fromisoformat(kept["asked_at"])
            if now is None or timedelta() <= now - asked_at < LISTINGS_KEPT:
                return kept["answer"]
        except (ValueError, TypeError, LookupError) as error:
            logger.warning("kept listing %s cannot be read (%s)", name, error)
        return None

    def keep_listed(self, name: str, answer: Any, now: datetime) -> None:
        """Keep what was listed at `now` (aware). ArchiveError."""
        self.put(
            f"{name}{SUFFIX}", json.dumps({"asked_at": now.astimezone(UTC).isoformat(), "answer": answer}).encode()
        )
