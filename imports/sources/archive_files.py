"""What every source of the archive's day files has in common, wherever they lie."""

from imports.events import dayfile
from imports.events.decoded import Decoded
from imports.sources.source import DayFile, Feed


class ArchiveFiles:
    """Day files as archive.themeparks.wiki keeps them; their rows are the record."""

    feed = Feed.ARCHIVE
    data_source = "ARCHIVE"

    def decode(self, raw: bytes, file: DayFile) -> Decoded:
        """See Source."""
        return Decoded(dayfile.decode(raw))
