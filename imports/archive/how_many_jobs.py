"""How many runs of a command are imported side by side, each by a process of its own: `--jobs`, or what pays."""

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from imports.archive.decoder import WORTH_ITS_START_BYTES
from imports.archive.run import ImportRun
from imports.sources.source import DayFile, Feed
from warehouse.cores import cores
from warehouse.partitioning.partitions import month_of
from warehouse.text import count_of

#: A job has two connections (rows, and its sign of life); a server lets in 151 unless told otherwise.
JOBS_MAX = 32


@dataclass(frozen=True, slots=True)
class Work:
    """What a run has to read."""

    run: ImportRun
    files: int
    size_bytes: int | None  # None: the source does not list it
    months: frozenset[date]  # in which its files lie

    @classmethod
    def of(cls, run: ImportRun) -> "Work":
        files = [step for step in run.steps() if isinstance(step, DayFile)]
        sizes = [file.size_bytes for file in files]
        size = None if None in sizes else sum(size for size in sizes if size is not None)
        return cls(run, len(files), size, frozenset(month_of(file.day) for file in files))


def jobs_from(text: str) -> int:
    """What follows --jobs. ValueError says what would be right."""
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if not 1 <= jobs <= JOBS_MAX:
        raise ValueError(f"{text!r}: give 1 to {JOBS_MAX}, how many destinations are imported side by side")
    return jobs


def how_many(works: Sequence[Work], asked: int | None) -> int:
    """As many as were asked for, else as this process may use cores; one where there is little to read, or how much is
    not known. Never more than there are destinations: two runs of one take turns."""
    runs = [work.run for work in works]
    destinations = {run.destination for run in runs}
    if len(destinations) < 2 or why_one(runs):
        return 1
    if asked is None:
        sizes = [work.size_bytes for work in works]
        if None in sizes or sum(size for size in sizes if size is not None) < WORTH_ITS_START_BYTES:
            return 1
        if threading.active_count() > 1:  # forked, their locks would stay as they are in this moment
            return 1
    return min(asked or min(cores(), JOBS_MAX), len(destinations))


def why_one(runs: Sequence[ImportRun]) -> str:
    """Why these runs are imported one after the other whatever is asked for; "": they need not be."""
    if not hasattr(os, "fork"):
        return "this system cannot fork a process"
    others = sorted({run.source.url for run in runs if run.source.feed != Feed.ARCHIVE})
    if others:  # one budget of requests an hour, or one index of captures
        return f"only day files of the archive are imported side by side, and {others[0]} has others"
    return ""


def in_words(jobs: int, works: Sequence[Work]) -> str:
    """`100 destinations, 182,000 files, by 2 jobs side by side`."""
    destinations = len({work.run.destination for work in works})
    files = sum(work.files for work in works)
    return f"{count_of(destinations, 'destination')}, {count_of(files, 'file')}, by {jobs} jobs side by side"
