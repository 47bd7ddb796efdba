"""What an import says while it runs and at its end: a bar on a terminal, else a line a file at most every 10 s."""

import time
from typing import TextIO

from tqdm import tqdm

from imports.archive.run import ImportRun, MissingDays
from imports.sources.source import DayFile

LINE_EVERY_SECONDS = 10


class Reporter:
    """The `progress` of a run, for the stream it is given."""

    def __init__(self, stream: TextIO, run: ImportRun, *, verbose: bool = True):
        self._stream = stream
        self._total = sum(isinstance(step, DayFile) for step in run.steps())
        self._began = self._last_line = time.monotonic()
        self._bar = None
        if verbose and stream.isatty():
            self._bar = tqdm(total=self._total, unit=" files", file=stream, dynamic_ncols=True)

    def __call__(self, run: ImportRun, step: DayFile | MissingDays) -> None:
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
                f"{_duration(left)} left\n"
            )
            self._stream.flush()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


def summary(run: ImportRun) -> list[str]:
    """Lines that say what a run did; counts are of the parks of the run alone."""
    totals = run.totals
    lines = [
        f"  {totals.files:,} files read, {totals.missing_days:,} days without a file, {totals.unreadable:,} unreadable",
        f"  {totals.events:,} events: {totals.stored:,} stored, {totals.already_known:,} already known, "
        f"{totals.duplicates:,} duplicates, {totals.rejected:,} rejected",
        f"  {totals.findings:,} new findings",
    ]
    if run.replace_live:
        lines.append(f"  {totals.live_replaced:,} LIVE rows gave way")
    for checkpoint in [*run.checkpoints, *run.left]:
        checkpoint.refresh_from_db()
        lines.append(
            f"  {checkpoint.import_id}  {checkpoint.status:<11}  {checkpoint.park}: "
            f"{checkpoint.records_imported:,} rows, {checkpoint.errors_encountered:,} errors"
        )
    return lines


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}"
