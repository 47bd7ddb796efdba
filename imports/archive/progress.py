"""What an import says while it runs and at its end: a bar on a terminal, else a line a file at most every 10 s."""

import time
from typing import TextIO

from tqdm import tqdm

from imports.archive.run import ImportRun, MissingDays
from imports.sources.source import DayFile
from warehouse.text import count_of, duration_in_words

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

    def close(self) -> None:
        """Leave the bar as it stands."""
        if self._bar is not None:
            self._bar.close()


def summary(run: ImportRun) -> list[str]:
    """Lines that say what a run did; counts are of the parks of the run alone, those of a whole destination with what
    belongs to no known park."""
    totals = run.totals
    lines = [
        f"  {count_of(totals.files, 'file')} read, {count_of(totals.missing_days, 'day')} without a file, "
        f"{totals.unreadable:,} unreadable" + (f", {totals.unchanged:,} unchanged" if run.options.is_selective else ""),
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
        checkpoint.refresh_from_db()
        lines.append(
            f"  {checkpoint.import_id}  {checkpoint.status:<11}  {checkpoint.park}: "
            f"{count_of(checkpoint.records_imported, 'row')}, {count_of(checkpoint.errors_encountered, 'error')}"
        )
    return lines
