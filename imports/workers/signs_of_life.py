"""The newest sign that somebody lives, as the server's own clock stamped it: on a replica, up to when it has come."""

from datetime import datetime

from django.db import DatabaseError, models
from django.db.models import Max

from imports.archive.checkpoint import ImportCheckpoint
from imports.workers.models import Worker
from warehouse.server import errors


def newest() -> datetime | None:
    """Of workers (every 3 s) and imports (every 5 s), UTC; None: nobody has ever given one that may be seen."""
    signs = (_newest(Worker, "seen_at"), _newest(ImportCheckpoint, "heartbeat_at"))
    return max(filter(None, signs), default=None)


def _newest(model: type[models.Model], field: str) -> datetime | None:
    try:
        return model._default_manager.aggregate(newest=Max(field))["newest"]
    except DatabaseError as error:
        if errors.is_not_allowed(error):  # an account that reads what was recorded sees no workers
            return None
        raise
