"""An answer of the live API about one destination: its rows, and what the archive's rules read in them."""

from dataclasses import dataclass
from typing import Any

from imports.events.validation import Validated


@dataclass(frozen=True)
class Answer:
    """What the API reported of one destination, as it came and as the archive's rules read it."""

    destination: str  # its UUID
    rows: list[Any]  # without those of the parks and the destination themselves, which mean nothing
    validated: Validated  # of the same rows
