"""How an import stood when somebody looked at it: a move is made only of one that stands so still
(docs/decisions/moves-as-shown.md)."""

from dataclasses import dataclass, replace

from django.db.models import Q

from imports.archive.transitions import ImportStatus


@dataclass(frozen=True, slots=True)
class Seen:
    """How an import stood when somebody looked at it, for a move that is to be made only if it stands so still.

    Of one that runs the generation says nothing: each slice of a worker is a claim, and nobody's decision.
    """

    status: str
    generation: int
    queued: bool
    dismissed: bool

    def where(self) -> Q:
        """For the WHERE of the move."""
        where = Q(status=self.status, queued_at__isnull=not self.queued, dismissed_at__isnull=not self.dismissed)
        return where if self.status == ImportStatus.IN_PROGRESS else where & Q(generation=self.generation)

    def is_still_so(self, now: "Seen") -> bool:
        """The same, of how it was seen later."""
        if self.status == ImportStatus.IN_PROGRESS:
            now = replace(now, generation=self.generation)
        return self == now
