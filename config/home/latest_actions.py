"""Latest actions: what people did, newest first."""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.urls import reverse

from config.home.page import Action, Home
from quality.models import DataQualityMove

ACTIONS_SHOWN = 8


def add(found: Home, now: datetime) -> None:
    """What the admin's log keeps, and the transitions of findings by people, which stand in their own history alone."""
    entries = (
        LogEntry.objects.filter(content_type__app_label__in=["imports", "warehouse", "django_q"])
        .select_related("user", "content_type")
        .order_by("-action_time")[:ACTIONS_SHOWN]
    )
    actions = [
        Action(
            at=entry.action_time,
            who=str(entry.user),
            what=entry.object_repr,
            url="" if entry.is_deletion() else entry.get_admin_url() or "",
            said=entry.get_change_message(),
        )
        for entry in entries
    ]
    actions += [
        Action(
            at=move.moved_at,
            who=move.moved_by,
            what=str(move.finding),
            url=reverse("admin:quality_dataqualitylog_change", args=[move.finding_id]),
            said=move.said,
        )
        for move in DataQualityMove.latest_of_people(ACTIONS_SHOWN)
    ]
    found.actions = sorted(actions, key=lambda action: action.at, reverse=True)[:ACTIONS_SHOWN]
