"""How the events of one park in one file came out."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """Of one park in one file; events_read = stored + already_known + duplicates + rejected.

    `replaced` are those of the stored that took the place of a row which said something else.
    """

    stored: int = 0
    already_known: int = 0
    duplicates: int = 0
    rejected: int = 0
    replaced: int = 0

    @property
    def events_read(self) -> int:
        """All events of the park, whatever became of them."""
        return self.stored + self.already_known + self.duplicates + self.rejected
