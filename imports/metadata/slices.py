"""A long sync of the workers in slices: a task does one and leaves the next to another task."""

from dataclasses import dataclass

IN_VAIN_MAX = 3  # slices in a row in which nobody answered: then the API is away, and the next night begins anew


@dataclass(frozen=True)
class Slice:
    """What one did. `following`: where the next begins ("": nothing is left); `in_vain`: of whom it was given up, since
    nobody answered three times in a row, and whether nobody did in all of it."""

    following: str
    words: str = ""
    given_up: str = ""
    in_vain: bool = False

    def count(self, before: int) -> int:
        """Slices in a row in which nobody answered, after so many `before` this one."""
        return before + 1 if self.in_vain else 0
