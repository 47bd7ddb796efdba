"""The expected ledger row of one park and day file."""

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
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))
