"""What is asked of the catalogue, what it answered, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from imports.metadata.parsing import Entity


@dataclass(frozen=True)
class Target:
    """What one question about a subtree is asked for: a destination, or one park of it."""

    destination: str
    name: str
    parks: dict[str, str]  # themeparks_wiki_id: name, as the catalogue has them
    park: str | None = None  # this park alone
    listed_by: Mapping[str, frozenset[str]] = field(default_factory=dict)  # by park, of the whole catalogue

    @property
    def destinations(self) -> frozenset[str]:
        """All that the catalogue has."""
        return frozenset().union(*self.listed_by.values())

    @property
    def asked(self) -> str:
        """The UUID that the API is asked about."""
        return self.park or self.destination


@dataclass
class Synced:
    """What came of one target, or (target None) of several."""

    target: Target | None
    parks: int = 0
    entities: int = 0  # that stand in a park and have metadata now
    outside: int = 0  # that stand in no park, as hotels do: not kept
    new: int = 0
    changed: int = 0  # parks and entities with a difference
    vanished: int = 0
    findings: int = 0  # new ones
    error: str = ""  # nothing was written

    def add(self, other: "Synced") -> None:
        """Take in the counts of another target; `error` is left as it is."""
        for name in ("parks", "entities", "outside", "new", "changed", "vanished", "findings"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True)
class Answers:
    """All that the API said of one target, read."""

    target: Target
    entities: list[Entity]
    timezones: dict[str, str | None]  # by park (themeparks_wiki_id): the parks that were asked for
