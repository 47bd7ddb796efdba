"""The newest sign that somebody lives, as the server's own clock stamped it: on a replica, up to when it has come."""

from datetime import datetime

from django.db.models import Max

from imports.archive.checkpoint import ImportCheckpoint
from imports.workers.models import Worker


def newest() -> datetime | None:
    """Of workers (every 3 s) and imports (every 5 s), UTC; None: nobody has ever given one."""
    signs = (
        Worker.objects.aggregate(newest=Max("seen_at"))["newest"],
        ImportCheckpoint.objects.aggregate(newest=Max("heartbeat_at"))["newest"],
    )
    return max(filter(None, signs), default=None)
