"""Imports: how many are in each state."""

from datetime import datetime

from django.db.models import Count, Q

from config.home.page import Attention, Figure, Home, Part, link
from imports.models import ImportCheckpoint, ImportStatus


def add(found: Home, now: datetime) -> None:
    """How many imports are in each state; failed ones need attention."""
    page = "imports_importcheckpoint_changelist"
    counts = ImportCheckpoint.objects.aggregate(
        running=Count("pk", filter=Q(status=ImportStatus.IN_PROGRESS) & ~Q(worker="")),
        waiting=Count("pk", filter=Q(queued_at__isnull=False) & (Q(status=ImportStatus.PENDING) | Q(worker=""))),
        paused=Count("pk", filter=Q(status=ImportStatus.PAUSED)),
        failed=Count("pk", filter=Q(status=ImportStatus.FAILED)),
        completed=Count("pk", filter=Q(status=ImportStatus.COMPLETED)),
    )
    failed = link(page, status__exact="FAILED")
    figures = [
        Figure.counted("running", "running", counts["running"], link(page, show="running")),
        Figure.counted("waiting", "waiting for a worker", counts["waiting"], link(page, show="workers")),
        Figure.counted("paused", "paused", counts["paused"], link(page, status__exact="PAUSED")),
        Figure.counted("failed", "failed", counts["failed"], failed, bool(counts["failed"])),
        Figure.counted("completed", "completed", counts["completed"], link(page, show="completed")),
    ]
    found.parts.append(Part("imports", "Imports", link(page), figures))
    if counts["failed"]:
        many = f"{counts['failed']:,} imports have failed" if counts["failed"] > 1 else "An import has failed"
        said = f"{many}: look at the reason, then retry it"
        found.attention.append(Attention("imports.failed", said, failed))
