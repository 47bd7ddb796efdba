"""What every source of the archive's day files has in common, wherever they lie."""

from imports.events.decoded import Decoded, of_day_file
from imports.sources.source import DayFile, Feed


class ArchiveFiles:
    """Day files as archive.themeparks.wiki keeps them; their rows are the record."""

    feed = Feed.ARCHIVE
    data_source = "ARCHIVE"
    decodes = staticmethod(of_day_file)

    def decode(self, raw: bytes, file: DayFile) -> Decoded:
        """See Source."""
        return of_day_file(raw)
