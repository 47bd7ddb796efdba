"""What is wrong with what a source said, counted by park and reason with a few raw examples. No database.

One Issue becomes one finding. The reasons: quality.reasons.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from quality.evidence import EXAMPLES_MAX, bounded, count_value

#: the themeparks_wiki_id of a park, None where none is known; and the reason
IssueKey = tuple[str | None, str]


@dataclass(slots=True)
class Issue:
    """Records with one fault, in one park (None: in none) of one file or answer."""

    count: int = 0
    examples: list[Any] = field(default_factory=list)  # the first EXAMPLES_MAX, fit for JSON, bounded
    values: dict[str, int] = field(default_factory=dict)  # how often each value was refused, where that is counted

    def add(self, example: Any, counted_as: str | None = None) -> None:
        """One more record with this fault; `counted_as` is the value that was refused, in words."""
        self.count += 1
        if len(self.examples) < EXAMPLES_MAX:
            self.examples.append(bounded(example))
        if counted_as is not None:
            count_value(self.values, counted_as)

    def copy(self) -> "Issue":
        """With lists of its own."""
        return Issue(self.count, list(self.examples), dict(self.values))


@dataclass(slots=True)
class Issues:
    """The issues of one file or answer."""

    found: dict[IssueKey, Issue] = field(default_factory=dict)

    def add(self, park_id: str | None, reason: str, example: Any, counted_as: str | None = None) -> None:
        """One more record of the park with the fault that `reason` names; `example` is what can be shown of it."""
        self.found.setdefault((park_id, reason), Issue()).add(example, counted_as)

    def give_up_park(self, park_id: str) -> None:
        """Count the issues of a park as those of none: nobody knows it."""
        for key in [key for key in self.found if key[0] == park_id]:
            issue = self.found.pop(key)
            of_none = self.found.setdefault((None, key[1]), Issue())
            of_none.count += issue.count
            of_none.examples = (of_none.examples + issue.examples)[:EXAMPLES_MAX]

    def copy(self) -> "Issues":
        """To be added to in a transaction: one that is tried again must not count twice."""
        return Issues({key: issue.copy() for key, issue in self.found.items()})

    def by_park(self) -> Iterator[tuple[IssueKey, Issue]]:
        """In a settled order: those of no park first, then by park and reason."""
        yield from sorted(self.found.items(), key=lambda item: (item[0][0] or "", item[0][1]))
