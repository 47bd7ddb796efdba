"""What a process held that was killed: a lock by name, of which a Galera cluster learns only by the signs that lack."""

from datetime import timedelta

from django.db.models import F

from warehouse.models import HeldLock
from warehouse.server.named_lock import STALE_SECONDS


def are_known_to_be_gone() -> None:
    """Locks by name are as after STALE_SECONDS in which nobody gave a sign. On one server there are no such rows: the
    lock ended with the session of its holder."""
    HeldLock.objects.update(seen_at=F("seen_at") - timedelta(seconds=STALE_SECONDS))
