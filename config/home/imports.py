"""Imports: how many are in each state."""

from datetime import datetime

from django.db.models import Count, Q

from config.home.page import Attention, Figure, Home, Part, link
from imports.archive import standing
from imports.models import ImportCheckpoint, ImportStatus


def add(found: Home, now: datetime) -> None:
    """How many imports are in each state. Failed ones need attention, but for those that a person dismissed or
    cancelled, and those whose days a later import has."""
    page = "imports_importcheckpoint_changelist"
    counts = ImportCheckpoint.objects.aggregate(
        running=Count("pk", filter=Q(status=ImportStatus.IN_PROGRESS) & ~Q(worker="")),
        waiting=Count("pk", filter=Q(queued_at__isnull=False) & (Q(status=ImportStatus.PENDING) | Q(worker=""))),
        paused=Count("pk", filter=Q(status=ImportStatus.PAUSED, dismissed_at=None)),
        dismissed=Count("pk", filter=Q(dismissed_at__isnull=False)),
        completed=Count("pk", filter=Q(status=ImportStatus.COMPLETED)),
    )
    failed, failed_url = standing.needing_attention().count(), link(page, show="attention")
    figures = [
        Figure.counted("running", "running", counts["running"], link(page, show="running")),
        Figure.counted("waiting", "waiting for a worker", counts["waiting"], link(page, show="workers")),
        Figure.counted("paused", "paused", counts["paused"], link(page, status__exact="PAUSED")),
        Figure.counted("failed", "failed", failed, failed_url, bool(failed)),
        Figure.counted("dismissed", "dismissed", counts["dismissed"], link(page, show="dismissed")),
        Figure.counted("completed", "completed", counts["completed"], link(page, show="completed")),
    ]
    found.parts.append(Part("imports", "Imports", link(page), figures))
    if failed:
        many = f"{failed:,} imports have failed" if failed > 1 else "An import has failed"
        said = f"{many}: look at the reason, then retry or dismiss {'them' if failed > 1 else 'it'}"
        found.attention.append(Attention("imports.failed", said, failed_url))
