"""What an import says while it runs and at its end: a bar on a terminal, else a line a file at most every 10 s."""

import time
from collections.abc import Sequence
from typing import TextIO

from django.core.management.base import OutputWrapper
from tqdm import tqdm

from imports.archive.how_many_jobs import Work
from imports.archive.run import ImportRun, MissingDays
from imports.sources.source import FILE_SUFFIX, DayFile
from warehouse.server.away import patiently
from warehouse.text import count_of, duration_in_words

LINE_EVERY_SECONDS = 10
NAMED_AT_MOST = 4  # of the files that several jobs are at


class Reporter:
    """The `progress` of a run, for the stream it is given."""

    def __init__(self, stream: TextIO, run: ImportRun, *, verbose: bool = True):
        self._stream = stream
        self._total = sum(isinstance(step, DayFile) for step in run.steps())
        self._began = self._last_line = time.monotonic()
        self._bar = None
        if verbose and stream.isatty():
            self._bar = _bar(self._total, stream)

    def __call__(self, run: ImportRun, step: DayFile | MissingDays) -> None:
        """Called after each step; days without a file say nothing."""
        if not isinstance(step, DayFile):
            return
        done, elapsed = run.totals.files, time.monotonic() - self._began
        rate = run.totals.stored / elapsed if elapsed else 0
        if self._bar is not None:
            self._bar.set_postfix_str(f"{step.day}, {run.totals.stored:,} rows, {rate:,.0f} rows/s", refresh=False)
            self._bar.update()
        elif time.monotonic() - self._last_line >= LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            left = elapsed / done * (self._total - done) if done else 0
            self._stream.write(
                f"{step.key}: {done} of {self._total} files, {run.totals.stored:,} rows, {rate:,.0f} rows/s, "
                f"{duration_in_words(left)} left\n"
            )
            self._stream.flush()

    def next_is(self, what: str) -> None:
        """Said by what comes of it."""

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()


class Together:
    """The same of several runs that are at work at once, in one bar or line; and all that they say, in blocks of whole
    lines, each under the destination that it is of."""

    def __init__(self, stream: TextIO, works: Sequence[Work]):
        self._stream = stream
        self._works = {id(work.run): work for work in works}
        self._files = dict.fromkeys(self._works, 0)  # done, by run
        self._rows = dict.fromkeys(self._works, 0)
        self._where: dict[int, str] = {}  # of those at work
        self._ended: set[int] = set()
        self._total = sum(work.files for work in works)
        self._began = self._last_line = time.monotonic()
        self._heard_last: ImportRun | None = None
        self._bar = None
        if stream.isatty():
            tqdm.monitor_interval = 0  # its thread would be alive while jobs are forked
            self._bar = _bar(self._total, stream)

    def say(self, run: ImportRun, lines: Sequence[str], stream: TextIO | None = None) -> None:
        """A block of one run; with its destination above where another one spoke last."""
        if self._heard_last is not run and not lines[0].startswith(run.destination):
            lines = [f"{run.destination}:", *lines]
        self._heard_last = run
        if self._bar is not None:
            self._bar.clear()
        to = stream or self._stream
        to.write("".join(f"{line}\n" for line in lines))
        to.flush()
        if self._bar is not None:
            self._bar.refresh()

    def at(self, run: ImportRun, files: int, rows: int, where: str) -> None:
        """How far a run is, and at what."""
        self._files[id(run)], self._rows[id(run)], self._where[id(run)] = files, rows, where
        done, rows = sum(self._files.values()), sum(self._rows.values())
        elapsed = time.monotonic() - self._began
        rate = rows / elapsed if elapsed else 0
        if self._bar is not None:
            at = " | ".join(_short(where) for where in self._where.values())
            self._bar.n = done
            self._bar.set_postfix_str(f"{rows:,} rows, {rate:,.0f} rows/s, {at}")  # some times a second
        elif time.monotonic() - self._last_line >= LINE_EVERY_SECONDS:
            self._last_line = time.monotonic()
            self._heard_last = None
            many, at = count_of(len(self._works), "destination"), ", ".join([*self._where.values()][:NAMED_AT_MOST])
            if len(self._where) > NAMED_AT_MOST:
                at += f" and {len(self._where) - NAMED_AT_MOST} more"
            self._stream.write(
                f"{len(self._ended):,} of {many} done, {done:,} of {self._total:,} files, {rows:,} rows, "
                f"{rate:,.0f} rows/s, {duration_in_words(self._left(elapsed))} left; at {at}\n"
            )
            self._stream.flush()

    def over(self, run: ImportRun) -> None:
        """A run is at work no longer."""
        self._where.pop(id(run), None)
        self._ended.add(id(run))

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()

    def _left(self, elapsed: float) -> float:
        """Seconds, by bytes: destinations have files of very different sizes."""
        done = left = 0.0
        for key, work in self._works.items():
            share = min(1.0, self._files[key] / work.files) if work.files else 1.0
            size = work.size_bytes or work.files
            done += size * share
            left += 0 if key in self._ended else size * (1 - share)  # one that failed has nothing left
        return elapsed / done * left if done else 0


def _bar(files: int, stream: TextIO) -> tqdm:
    """On the stream below that of a command, which ends whatever is written to it with a new line: each update of a bar
    stood on one of its own."""
    below = stream._out if isinstance(stream, OutputWrapper) else stream
    return tqdm(total=files, unit=" files", file=below, dynamic_ncols=True)


def _short(where: str) -> str:
    """`11111111-.../2025/02/06.json.gz` -> `11111111/2025/02/06`, since a line of a terminal is short."""
    return f"{where[:8]}{where[36:].removesuffix(FILE_SUFFIX)}"


def summary(run: ImportRun) -> list[str]:
    """Lines that say what a run did; counts are of the parks of the run alone, those of a whole destination with what
    belongs to no known park."""
    totals = run.totals
    lines = [
        f"  {count_of(totals.files, 'file')} read, {count_of(totals.missing_days, 'day')} without a file, "
        f"{totals.unreadable:,} unreadable"
        + (f", {totals.unchanged:,} unchanged" if run.options.is_selective or totals.unchanged else ""),
        f"  {count_of(totals.events, 'event')}: {totals.stored:,} stored, {totals.already_known:,} already known, "
        f"{count_of(totals.duplicates, 'duplicate')}, {totals.rejected:,} rejected",
        f"  {count_of(totals.findings, 'new finding')}",
    ]
    if run.options.replace_live:
        lines.append(f"  {count_of(totals.live_replaced, 'LIVE row')} gave way")
    if run.options.replace_archive:
        lines.append(f"  {count_of(totals.replaced, 'row')} replaced, {totals.withdrawn:,} withdrawn")
    if totals.live_kept:
        lines.append(
            f"  {count_of(totals.live_kept, 'LIVE row')} stayed: the archive holds far less of their days (see the "
            "findings; --force replaces them)"
        )
    for checkpoint in [*run.checkpoints, *run.left]:
        patiently(checkpoint.refresh_from_db)
        lines.append(
            f"  {checkpoint.import_id}  {checkpoint.status:<11}  {checkpoint.park}: "
            f"{count_of(checkpoint.records_imported, 'row')}, {count_of(checkpoint.errors_encountered, 'error')}"
        )
    return lines
