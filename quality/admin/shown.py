"""The findings that a page of confirmation shows, as they stood then: what the click on it acts on, and nothing else.

They travel in one field of the form, signed: each state and assignee with its ids, as differences. Measured: 10,000 of
a row are 0.2 KB, every third or so of 300,000 are 60 KB.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise

from django.core import signing

_SALT = "quality.admin.shown"


class NotShown(Exception):
    """The field was not written by this server; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Shown:
    """`held` gives each finding's state and assignee; `by_filter`: they were all that a filter found."""

    held: dict[int, tuple[str, str]]
    by_filter: bool

    @property
    def states(self) -> dict[int, str]:
        """The state of each as it was shown."""
        return {pk: status for pk, (status, _) in self.held.items()}

    def packed(self) -> str:
        """The text of the form's field."""
        groups: dict[tuple[str, str], list[int]] = {}
        for pk in sorted(self.held):
            groups.setdefault(self.held[pk], []).append(pk)
        told = [[*key, ids[0], *(after - before for before, after in pairwise(ids))] for key, ids in groups.items()]
        return signing.dumps([self.by_filter, told], salt=_SALT, compress=True)

    @classmethod
    def unpacked(cls, text: str) -> "Shown":
        """NotShown: it is not one of ours."""
        try:
            by_filter, told = signing.loads(text, salt=_SALT)
        except signing.BadSignature:
            raise NotShown("Nothing was moved: choose the findings once more and confirm again") from None
        held = {pk: (status, assignee) for status, assignee, *ids in told for pk in accumulate(ids)}
        return cls(held, by_filter)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, str, str]], *, by_filter: bool) -> "Shown":
        """Of ids with their state and assignee."""
        return cls({pk: (status, assignee) for pk, status, assignee in rows}, by_filter)
