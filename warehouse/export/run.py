"""An export: months that differ from the server are written anew, one consistent read each, the manifest after each.

Whatever ends it, the manifest names whole files alone, and the next run goes on with what is left. One at a time into
a place (warehouse.export.lock).
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from warehouse.export import manifest as manifests
from warehouse.export import parquet, reading
from warehouse.export.datasets import MONTHLY, QUEUES, RIDE_DAYS, SCHEMA_VERSION, SNAPSHOTS, WHOLE, Dataset
from warehouse.export.errors import ExportError
from warehouse.export.folder import in_words
from warehouse.export.lock import Lock
from warehouse.export.manifest import Manifest, Month, Part
from warehouse.export.target import Target
from warehouse.server import away


@dataclass(frozen=True, slots=True)
class MonthDone:
    """What a month took: rows by dataset, of those that were written."""

    month: date
    rows: dict[str, int]
    size_bytes: int
    seconds: float


@dataclass(slots=True)
class Exported:
    """What came of it. `next_month`: there was no time for this one and later ones, which are stale still."""

    written: list[MonthDone] = field(default_factory=list)
    unchanged: int = 0
    next_month: date | None = None
    files: int = 0
    size_bytes: int = 0  # of all files


def export(
    target: Target,
    first: date | None = None,
    last: date | None = None,
    *,
    grace: timedelta,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    say: Callable[[MonthDone], None] = lambda done: None,
    stop_after_seconds: float | None = None,
    give_up_after_seconds: float | None = None,
    stop: threading.Event | None = None,
) -> Exported:
    """Bring the months from first's to last's (None: all there are) up to date in `target`.

    No month is begun later than `stop_after_seconds`; one that is not done by `give_up_after_seconds` is given up.
    ExportError, AlreadyRunning; DatabaseError: the server. KeyboardInterrupt: `stop` was set.
    """
    parquet.require()
    began = time.monotonic()
    deadline = None if give_up_after_seconds is None else began + give_up_after_seconds
    with Lock(target), away.patience(stop=stop):
        manifest = manifests.read(target)
        target.tidy()
        manifest.forget(manifest.named - _only_named(target, manifest))
        result = Exported()
        writer = _Writer(target, target.unfinished(), manifest, clock, deadline, stop or threading.Event())
        for month, datasets in _stale(manifest, first, last, result):
            if stop_after_seconds is not None and time.monotonic() - began > stop_after_seconds:
                result.next_month = month
                break
            done = writer.write_month(month, datasets)
            result.written.append(done)
            say(done)
        writer.write_whole()
        for path in manifest.over(clock(), grace):
            target.remove(path)
            del manifest.replaced[path]
        manifest.write(target, clock())
        target.tidy()
    result.files = len(manifest.parts)
    result.size_bytes = sum(part.size_bytes for part in manifest.parts.values())
    return result


def _stale(
    manifest: Manifest, first: date | None, last: date | None, result: Exported
) -> Iterator[tuple[date, Sequence[Dataset]]]:
    """The months of the range with the datasets that differ from the server, the oldest first."""
    tokens, ride_days = reading.tokens_by_month(), reading.ride_days_by_month()
    for month in sorted({*tokens, *ride_days, *reading.months_with_rows(), *manifest.months}):
        if (first and month < first) or (last and month > last):
            continue
        datasets = stale_datasets(manifest.months.get(month), tokens.get(month, {}), ride_days.get(month, []))
        if datasets:
            yield month, datasets
        else:
            result.unchanged += 1


def stale_datasets(known: Month | None, tokens: dict[str, int], ride_days: list[int]) -> Sequence[Dataset]:
    """What of a month is to be written anew, where the server now says these tokens and ride_days."""
    if known is None or known.schema_version != SCHEMA_VERSION:
        return MONTHLY
    stale = []
    if known.park_tokens != tokens:
        stale += [SNAPSHOTS, QUEUES]
    if known.ride_days != ride_days:
        stale.append(RIDE_DAYS)
    return stale


class _Writer:
    def __init__(
        self,
        target: Target,
        folder: Path,
        manifest: Manifest,
        clock: Callable[[], datetime],
        deadline: float | None,
        stop: threading.Event,
    ):
        self._target = target
        self._folder = folder
        self._manifest = manifest
        self._clock = clock
        self._deadline = deadline
        self._stop = stop

    def write_month(self, month: date, datasets: Sequence[Dataset]) -> MonthDone:
        began = time.monotonic()
        now = self._clock()
        made_from, written = reading.consistently(
            lambda read: (
                Month(manifests.stamp(now), SCHEMA_VERSION, read.tokens(month), read.ride_days(month)),
                [(dataset, *self._write(read, dataset, month)) for dataset in datasets],
            )
        )
        known = self._manifest.months.get(month)
        if known is not None and SNAPSHOTS not in datasets:
            made_from.park_tokens = known.park_tokens
        if known is not None and RIDE_DAYS not in datasets:
            made_from.ride_days = known.ride_days
        parts = [self._put(dataset, month, found, path, now) for dataset, found, path in written]
        self._manifest.months[month] = made_from
        self._manifest.write(self._target, self._clock())
        return MonthDone(
            month,
            {dataset.name: found.sums.rows if found else 0 for dataset, found, _ in written},
            sum(part.size_bytes for part in parts if part),
            time.monotonic() - began,
        )

    def write_whole(self) -> None:
        """The small tables, of one instant. Those that are as they were keep their file, which is called the same."""
        now = self._clock()
        written = reading.consistently(lambda read: [(dataset, *self._write(read, dataset, None)) for dataset in WHOLE])
        for dataset, found, path in written:
            self._put(dataset, None, found, path, now)

    def _write(
        self, read: reading.ConsistentRead, dataset: Dataset, month: date | None
    ) -> tuple[parquet.Written | None, Path]:
        path = self._folder / f"{dataset.name}.parquet"
        try:
            return parquet.write(dataset, self._in_time(read.batches(dataset, month), month), path), path
        except OSError as error:
            raise ExportError(in_words(error, path)) from error

    def _in_time(self, batches: Iterator[list[reading.Row]], month: date | None) -> Iterator[list[reading.Row]]:
        for batch in batches:
            if self._stop.is_set():
                raise KeyboardInterrupt
            if self._deadline is not None and time.monotonic() > self._deadline:
                raise ExportError(
                    f"{month:%Y-%m} takes longer than a worker has. Export by cron: manage.py export_history"
                    if month
                    else "there was no time left for the small tables"
                )
            yield batch

    def _put(
        self, dataset: Dataset, month: date | None, found: parquet.Written | None, path: Path, now: datetime
    ) -> Part | None:
        """Into the target, and into the manifest, which is not written yet."""
        part = None
        if found is not None:
            inside = f"year={month:%Y}/month={month:%m}/" if month else ""
            name = f"{dataset.name}/{inside}part-{found.sha256[:16]}.parquet"
            known = self._manifest.parts.get((dataset.name, month))
            part = Part(dataset.name, month, name, found.size, found.sha256, manifests.stamp(now), found.sums)
            if known is not None and known.path == name:
                path.unlink()
                part.exported_at = known.exported_at if month is None else part.exported_at
            else:
                self._target.put(path, name)
        self._manifest.put(dataset.name, month, part, now)
        return part


def _only_named(target: Target, manifest: Manifest) -> set[str]:
    """The files that are there; those of an export that was killed before its manifest named them are removed."""
    named = manifest.named
    there = set()
    for dataset in (*MONTHLY, *WHOLE):
        for name in list(target.parts(dataset.name)):
            if name in named:
                there.add(name)
            else:
                target.remove(name)
    return there
