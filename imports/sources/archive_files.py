"""What every source of the archive's day files has in common, wherever they lie."""

from typing import Any

from imports.events import dayfile
from imports.sources.source import DayFile, Feed


class ArchiveFiles:
    """Day files as archive.themeparks.wiki keeps them; their rows are the record."""

    feed = Feed.ARCHIVE
    data_source = "ARCHIVE"

    def decode(self, raw: bytes, file: DayFile) -> list[Any]:
        """See Source."""
        return dayfile.decode(raw)
