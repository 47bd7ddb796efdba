"""A system check of the read replica, where there is one (warehouse.server.replica)."""

from django.core.checks import CheckMessage, Tags, Warning, register
from django.db import DatabaseError

from warehouse.server import replica


@register(Tags.database)
def check_replica(app_configs, databases=None, **kwargs) -> list[CheckMessage]:
    """W120: it is not read, and why."""
    if "default" not in (databases or []) or not replica.is_set():
        return []
    try:
        reading = replica.state()
    except DatabaseError:  # the main server: others say so
        return []
    if reading.as_of is not None:
        return []
    return [
        Warning(
            f"DATABASE_REPLICA_URL names a replica that is not read: {reading.why}.",
            hint="See docs/replica.md.",
            id="warehouse.W120",
        )
    ]
