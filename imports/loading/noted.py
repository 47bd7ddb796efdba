"""What a run knows of the tables from what it wrote and read: believed when the transaction is committed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


@dataclass
class Noted(Generic[K, V]):
    """Values by key. What is noted in a transaction is kept apart until `keep` is called after its commit; `forget`
    drops it after a rollback."""

    _kept: dict[K, V] = field(default_factory=dict)
    _new: dict[K, V] = field(default_factory=dict)

    def get(self, key: K) -> V | None:
        """As it was noted last; None: not at all."""
        return self._new[key] if key in self._new else self._kept.get(key)

    def note(self, values: Mapping[K, V]) -> None:
        """So it is, if the transaction is committed."""
        self._new.update(values)

    def keep(self) -> None:
        """It was."""
        self._kept |= self._new
        self._new = {}

    def forget(self) -> None:
        """It was rolled back."""
        self._new = {}
