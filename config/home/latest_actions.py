"""Latest actions: what people did, newest first."""

from datetime import datetime

from django.contrib.admin.models import LogEntry
from django.urls import reverse

from config.home.page import Action, Home
from imports.admin.pause_page import PAUSED, RESUMED
from quality.acts import latest_acts

ACTIONS_SHOWN = 8
#: of who did it the name alone: the account that workers have may read no more of a user (deploy/grants.sql)
COLUMNS = (
    *("action_time", "object_repr", "object_id", "change_message", "action_flag", "user__username"),
    *("content_type__app_label", "content_type__model"),
)


def add(found: Home, now: datetime) -> None:
    """What the admin's log keeps, and what people did with findings, which stands in their own history alone.

    Of many findings that one click moved there is one line, which leads to them and to taking it back.
    """
    entries = (
        LogEntry.objects.filter(content_type__app_label__in=["imports", "warehouse", "django_q"])
        .exclude(change_message__startswith=PAUSED)  # a line for each import and job: that of the pause stands for them
        .exclude(change_message__startswith=RESUMED)
        .select_related("user", "content_type")
        .only(*COLUMNS)
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
            at=act.at,
            who=act.who,
            what=act.what,
            url=reverse(f"admin:quality_dataqualitylog_{act.page}", args=[act.key]),
            said=act.said,
        )
        for act in latest_acts(ACTIONS_SHOWN)
    ]
    found.actions = sorted(actions, key=lambda action: action.at, reverse=True)[:ACTIONS_SHOWN]
