"""Under way: the imports that are being worked on or wait, a row each."""

from datetime import datetime

from django.urls import reverse

from config.home.page import Attention, Home
from imports.admin.columns import rendered
from imports.admin.progress import progress_of
from imports.models import ImportCheckpoint, ImportStatus

IMPORTS_SHOWN = 6


def add(found: Home, now: datetime) -> None:
    """A row for each of the first few, those that a living process works on at the top; a dead one needs attention."""
    unfinished = [ImportStatus.IN_PROGRESS, ImportStatus.PENDING]
    shown = list(
        ImportCheckpoint.objects.filter(status__in=unfinished, dismissed_at=None)
        .select_related("park")
        .order_by("status", "checkpoint_id")[: IMPORTS_SHOWN * 4]
    )
    progress = progress_of(shown, now)
    shown.sort(key=lambda checkpoint: not progress[checkpoint.pk].alive)
    for checkpoint in shown:
        if progress[checkpoint.pk].asks_for_attention:
            url = reverse("admin:imports_importcheckpoint_change", args=[checkpoint.pk])
            said = f"{checkpoint}: {progress[checkpoint.pk].explanation}"
            found.attention.append(Attention(f"imports.abandoned.{checkpoint.import_id}", said, url))
    shown = shown[:IMPORTS_SHOWN]
    under_way = [
        {"checkpoint": each, "progress": progress[each.pk], "parts": rendered(progress[each.pk])} for each in shown
    ]
    found.moving = any(progress[each.pk].moving for each in shown)
    found.imports = under_way
