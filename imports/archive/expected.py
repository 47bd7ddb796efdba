"""How long an import will take, by the pace of the latest files in the ledger."""

import itertools
from datetime import timedelta

from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.sources.source import Feed
from warehouse.text import MINUTE, count_of, duration_in_words, size_in_words

ROWS_LOOKED_AT = 2_000  # of the ledger: a row a file and park
INTERVALS_LEAST = 10  # fewer say nothing
PAUSE = timedelta(seconds=60)  # from file to file; longer was no reading


def sentence(feed: Feed, files: int, size_bytes: int | None) -> str:
    """What so many files of so many bytes (None: not known) take: minutes, and by what they are reckoned."""
    size = f", {size_in_words(size_bytes / 1e6)}" if size_bytes is not None else ""
    pace = _pace(feed)
    if pace is None:
        return f"To read: {count_of(files, 'file')}{size}. How long it takes is not known: too few files were read yet"
    seconds_a_file, bytes_a_second, measured = pace
    seconds = size_bytes / bytes_a_second if size_bytes is not None and bytes_a_second else files * seconds_a_file
    return (
        f"To read: {count_of(files, 'file')}{size}; about {_minutes(seconds)} at the pace of the latest "
        f"{count_of(measured, 'file')} that were imported"
    )


def _minutes(seconds: float) -> str:
    return "a minute" if seconds < MINUTE else duration_in_words(seconds)


def _pace(feed: Feed) -> tuple[float, float, int] | None:
    """Seconds a file, bytes a second (0: not known), and of how many files; None: of too few. A file that was read for
    several parks counts once, and the time in which nothing was read does not."""
    rows = (
        ImportedFile.objects.filter(feed=feed, outcome=FileOutcome.IMPORTED)
        .order_by("-file_id")
        .values_list("source_file", "imported_at", "size_bytes")[:ROWS_LOOKED_AT]
    )
    files = {source_file: (at, size or 0) for source_file, at, size in rows}
    read = sorted(files.values())
    took, size, count = timedelta(0), 0, 0
    for (before, _), (at, bytes_read) in itertools.pairwise(read):
        if at - before <= PAUSE:
            took, size, count = took + (at - before), size + bytes_read, count + 1
    if count < INTERVALS_LEAST or not took:
        return None
    return took.total_seconds() / count, size / took.total_seconds(), count
