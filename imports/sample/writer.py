"""Writes the files of a sample archive, and guards the folder they go to.

One file a destination and day, `<destination-uuid>/YYYY/MM/DD.json.gz`, a zlib stream in spite of the name. Beside
the destinations lie a README.txt, which also marks the folder as ours, and sample-manifest.json, written last: what
went in, and what the tables must hold after an import. A source counts neither of them. The same plan gives the
same bytes on every machine with the same zlib.
"""

import errno
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from imports.sample.counts import Counts
from imports.sample.days import events_of_day
from imports.sample.defects import (
    DAYS_MIN,
    EVENTS_PER_DAY_MIN,
    MISSING,
    NO_EVENTS,
    ORDINARY,
    READABLE,
    UNREADABLE,
    Defects,
)
from imports.sample.manifest import Manifest
from imports.sample.resorts import Destination, make_destination
from imports.sources.source import key_of

MANIFEST_FILE = "sample-manifest.json"
README_FILE = "README.txt"
README_FIRST_LINE = "Sample archive: every park, ride and record in here is made up."
README = f"""{README_FIRST_LINE}

Written by manage.py create_sample_archive in the layout and format of archive.themeparks.wiki.
{MANIFEST_FILE} says what was put in and what the tables must hold after an import. Without that file the archive is
incomplete: call the command again. The command replaces this folder only as long as nothing else lies in it.
"""

EVENTS_PER_DAY_MAX = 400_000  # some 545 bytes each inflated: more would pass the 256 MB an importer accepts of a file
DESTINATIONS_MAX = 100  # the world has some 90
FIRST_DAY = date(2016, 1, 1)  # a year after the earliest instant an importer believes
LAST_DAY = date(2200, 1, 1)


class SampleError(Exception):
    """The archive cannot be written; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to write: `days` day files from `first` on for each destination, with `events_per_day` events in each.

    SampleError: one of the numbers or days is out of bounds.
    """

    first: date
    days: int
    events_per_day: int
    seed: int
    destinations: int = 3
    with_defects: bool = False

    def __post_init__(self):
        if self.days < 1:
            raise SampleError(f"{self.days} days: an archive has at least one")
        if not 1 <= self.events_per_day <= EVENTS_PER_DAY_MAX:
            raise SampleError(
                f"{self.events_per_day} events a day: give 1 to {EVENTS_PER_DAY_MAX:,} (a day file may not inflate "
                "beyond 256 MB); more events come from more days or destinations"
            )
        if not 1 <= self.destinations <= DESTINATIONS_MAX:
            raise SampleError(f"{self.destinations} destinations: give 1 to {DESTINATIONS_MAX}")
        if self.first < FIRST_DAY or self.days > (LAST_DAY - self.first).days:
            raise SampleError(f"{self.days} days from {self.first}: give days from {FIRST_DAY} to {LAST_DAY}")
        if self.with_defects and (self.days < DAYS_MIN or self.events_per_day < EVENTS_PER_DAY_MIN):
            raise SampleError(
                f"With defects an archive has at least {DAYS_MIN} days and {EVENTS_PER_DAY_MIN} events a day: "
                "every kind of damaged file needs a day of its own"
            )

    @property
    def last(self) -> date:
        """The last day, included."""
        return self.first + timedelta(days=self.days - 1)

    @property
    def files(self) -> int:
        """Day files of all destinations, with those that defects make missing."""
        return self.days * self.destinations


def write_archive(folder: Path, plan: Plan, on_file: Callable[[], None] = lambda: None) -> Manifest:
    """Write the archive into `folder`, replacing a sample archive that lies there; `on_file` is called for each file.

    One day of one destination is in memory at a time. SampleError: the folder is not ours to write to, or the disk
    is full; what was written by then stays, without a manifest.
    """
    manifest = Manifest({"last": plan.last, **asdict(plan)})
    try:
        _clear(folder)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / README_FILE).write_text(README)
        for index in range(plan.destinations):
            resort = make_destination(index)
            defects = Defects(resort, plan.first, plan.days, plan.seed) if plan.with_defects else None
            manifest.add_destination(resort, defects)
            for shift in range(plan.days):
                _write_day(folder, plan, manifest, resort, plan.first + timedelta(days=shift), defects)
                on_file()
        manifest.write(folder / MANIFEST_FILE)
    except OSError as error:
        raise SampleError(_what_to_do(error, folder)) from error
    return manifest


def _write_day(
    folder: Path, plan: Plan, manifest: Manifest, resort: Destination, day: date, defects: Defects | None
) -> None:
    key, shape = key_of(resort.uuid, day), ORDINARY
    if defects:
        resort, shape = defects.resort_on(day), defects.shape(day)
    if shape == MISSING:
        manifest.add_missing(key, day, resort)
        return
    records, tallies = events_of_day(resort, day, 0 if shape == NO_EVENTS else plan.events_per_day, plan.seed)
    counts = {park: Counts(events_read=tally.events, stored=tally.events) for park, tally in tallies.items()}
    planted = defects.planted_on(day) if defects else None
    if planted:
        records = sorted(records + planted.records, key=lambda record: record[0])
        for park in planted.counts:
            counts[park].add(planted.counts[park])
            tallies[park].add(planted.tallies[park])
    body = b'{"events":[' + b",".join([record for _, record in records]) + b"]}"
    del records  # as large as the body once more
    if shape in UNREADABLE:
        data = UNREADABLE[shape](body)
        manifest.add_unreadable(key, day, resort, data)
    else:
        data = READABLE[shape](body)
        manifest.add_file(key, day, resort, data, counts, tallies, planted)
    _write_file(folder / key, data)


def _write_file(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def is_sample_archive(folder: Path) -> bool:
    """Whether `folder` was written by us, wholly or in part."""
    try:
        with open(folder / README_FILE) as readme:
            return readme.readline().rstrip("\n") == README_FIRST_LINE
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False


def _clear(folder: Path) -> None:
    """Make room for a new archive. Only what this module itself writes is ever removed."""
    if not folder.exists():
        return
    present = sorted(entry.name for entry in folder.iterdir())
    if not present:
        return
    if not is_sample_archive(folder):
        raise SampleError(f"{folder} is not empty and holds no sample archive: give a folder that is new or empty")
    ours = {make_destination(index).uuid for index in range(DESTINATIONS_MAX)}
    foreign = [name for name in present if name not in ours | {README_FILE, MANIFEST_FILE}]
    if foreign:
        raise SampleError(
            f"{folder} holds a sample archive, and {', '.join(foreign[:3])} which is none of it: "
            "move that away or give another folder"
        )
    (folder / MANIFEST_FILE).unlink(missing_ok=True)  # first: an archive without it is known to be incomplete
    for name in ours.intersection(present):
        shutil.rmtree(folder / name)


def _what_to_do(error: OSError, folder: Path) -> str:
    where = error.filename or folder
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"{where}: {os.strerror(error.errno)}; make room (or write fewer days or events) and call again"
    if isinstance(error, NotADirectoryError | FileExistsError):
        return f"{where}: not a folder; give another place for the archive"
    return f"{where}: {error.strerror}; the archive needs a folder that can be written"
