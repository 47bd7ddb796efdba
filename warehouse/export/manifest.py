"""manifest.json: which files make up the export, what each holds, and of which state of the server it is.

Replaced in one step, last: a file that it names is there whole. What it named before is in `replaced`, and goes after a
grace period, since a reader may have taken the list before.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from warehouse.days import month_from
from warehouse.export.datasets import BY_NAME, SCHEMA_VERSION
from warehouse.export.errors import ExportError
from warehouse.export.sums import Sums
from warehouse.export.target import OURS, Outdated, Target

NAME = "manifest.json"
FORMAT = "themepark-warehouse export"


@dataclass(slots=True)
class Part:
    """A file: its dataset and month (None: exported whole), what it is called, its bytes, and what it holds."""

    dataset: str
    month: date | None
    path: str
    size_bytes: int
    sha256: str
    exported_at: str
    sums: Sums


@dataclass(slots=True)
class Month:
    """What the files of a month were made from, read in the transaction of the rows.

    `park_tokens`: of park_months, by park_id. `ride_days`: see reading.ride_days_by_month; the last number says how
    many of its rows were of stale days. `schema_version`: of datasets.
    """

    exported_at: str
    schema_version: int
    park_tokens: dict[str, int]
    ride_days: list[int]


@dataclass(slots=True)
class Manifest:
    """The files by (dataset, month), the months, and when which file was replaced by another."""

    parts: dict[tuple[str, date | None], Part] = field(default_factory=dict)
    months: dict[date, Month] = field(default_factory=dict)
    replaced: dict[str, str] = field(default_factory=dict)
    exported_at: str = ""
    version: str | None = None  # of manifest.json, as the target tells it

    def put(self, dataset: str, month: date | None, part: Part | None, now: datetime) -> None:
        """Name a file, or none, in the place of the one before."""
        before = self.parts.pop((dataset, month), None)
        if part is not None:
            self.parts[dataset, month] = part
            self.replaced.pop(part.path, None)  # the same content again
        if before is not None and (part is None or part.path != before.path):
            self.replaced[before.path] = stamp(now)

    def over(self, now: datetime, grace: timedelta) -> list[str]:
        """The replaced files whose grace is over."""
        return [path for path, since in self.replaced.items() if now - datetime.fromisoformat(since) >= grace]

    def forget(self, gone: set[str]) -> None:
        """Files that it names and that are not there: their months, or tables, are to be written anew."""
        for key, part in list(self.parts.items()):
            if part.path in gone:
                del self.parts[key]
                if part.month is not None:
                    self.months.pop(part.month, None)

    @property
    def named(self) -> set[str]:
        """Every file that is to be there."""
        return {part.path for part in self.parts.values()} | set(self.replaced)

    def write(self, target: Target, now: datetime) -> None:
        """ExportError: another export has written one since this one was read."""
        self.exported_at = stamp(now)
        content = json.dumps(self._as_json(), indent=1).encode() + b"\n"
        try:
            self.version = target.swap(NAME, content, self.version)
        except Outdated as error:
            raise ExportError(
                f"{target.url}/{NAME}: another export has written it meanwhile; what it says holds. Call again"
            ) from error

    def _as_json(self) -> dict[str, Any]:
        def order(key: tuple[str, date | None]) -> tuple[str, str]:
            return key[0], str(key[1] or "")

        return {
            "format": FORMAT,
            "schema_version": SCHEMA_VERSION,
            "exported_at": self.exported_at,
            "files": [_part_as_json(self.parts[key]) for key in sorted(self.parts, key=order)],
            "months": [{"month": f"{month:%Y-%m}", **asdict(self.months[month])} for month in sorted(self.months)],
            "replaced": [{"path": path, "since": since} for path, since in sorted(self.replaced.items())],
        }


def read(target: Target) -> Manifest:
    """An empty one where there is none. ExportError: it cannot be understood."""
    found = target.read(NAME)
    if found is None:
        return Manifest()
    content, version = found
    try:
        said = json.loads(content)
        if said["format"] != FORMAT:
            raise ValueError(said["format"])
        parts = [_part_from_json(part) for part in said["files"]]
        return Manifest(
            {(part.dataset, part.month): part for part in parts},
            {
                month_from(month["month"]): Month(
                    str(month["exported_at"]),
                    int(month["schema_version"]),
                    dict(month["park_tokens"]),
                    list(month["ride_days"]),
                )
                for month in said["months"]
            },
            {_ours(each["path"]): stamp(datetime.fromisoformat(each["since"])) for each in said["replaced"]},
            str(said["exported_at"]),
            version,
        )
    except (ValueError, KeyError, TypeError) as error:
        raise ExportError(
            f"{target.url}/{NAME} is damaged, or none of ours. Move it away, and the next export writes everything anew"
        ) from error


def _part_as_json(part: Part) -> dict[str, Any]:
    return {
        "dataset": part.dataset,
        "month": f"{part.month:%Y-%m}" if part.month else None,
        "path": part.path,
        "size_bytes": part.size_bytes,
        "sha256": part.sha256,
        "exported_at": part.exported_at,
        **part.sums.as_json(),
    }


def _part_from_json(said: dict[str, Any]) -> Part:
    if said["dataset"] not in BY_NAME:
        raise ValueError(said["dataset"])
    return Part(
        said["dataset"],
        month_from(said["month"]) if said["month"] else None,
        _ours(said["path"]),
        int(said["size_bytes"]),
        str(said["sha256"]),
        str(said["exported_at"]),
        Sums.from_json(said),
    )


def _ours(path: str) -> str:
    """What is named here is read and removed: nothing beside the export's own files may be."""
    if not OURS.fullmatch(path):
        raise ValueError(path)
    return path


def stamp(now: datetime) -> str:
    """2026-11-26T10:00:00Z."""
    return f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
