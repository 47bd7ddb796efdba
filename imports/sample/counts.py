"""What an import must write into its ledger, counted while the archive is made up."""

from dataclasses import dataclass


@dataclass(slots=True)
class Counts:
    """The expected ledger row of one park and day file."""

    events_read: int = 0
    stored: int = 0
    already_known: int = 0
    duplicates: int = 0
    rejected: int = 0

    def add(self, other: "Counts") -> None:
        """Take in the counts of other events of the same park and file."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
