"""Findings, operators and clicks, for the tests of the triage desk."""

import html
import re
from datetime import UTC, datetime, timedelta

from django.contrib.auth.models import Permission

from quality.findings import Finding
from quality.log import record
from quality.models import DataQualityLog

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LIST = "/admin/quality/dataqualitylog/"
ONE_BY_ONE = f"{LIST}?view=list"
MANY = f"{LIST}triage/"


def user(django_user_model, name: str, *codenames: str):
    found = django_user_model.objects.create_user(name, password="not used", is_staff=True)
    found.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return found


def finding(n: int = 1, **changes) -> Finding:
    day = datetime(2025, 3, 1, tzinfo=UTC) + timedelta(days=n)
    values = {
        "reason": "silent_hours",
        "entity_type": "destination",
        "entity_key": "d",
        "scope": f"{n}",
        "description": f"Issue number {n}",
        "start": day,
        "end": day + timedelta(days=1),
    }
    return Finding(**values | changes)


def rows(*findings: Finding) -> list[DataQualityLog]:
    record(findings, NOW)
    return list(DataQualityLog.objects.order_by("pk"))


def text_of(response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def act(client, action: str, chosen: list[DataQualityLog], query: str = "", **data):
    """An action of the list: the page that confirms."""
    ids = [row.pk for row in chosen]
    return client.post(f"{LIST}{query}", {"action": action, "_selected_action": ids, **data}, follow=True)


def field(response, name: str) -> str:
    """The value of a hidden field of the page."""
    return html.unescape(re.search(rf'name="{name}" value="([^"]*)"', response.content.decode())[1])


def confirm(client, asked, move: str, note: str = "", **data):
    """The click on the page that confirms, with what it showed."""
    url = html.unescape(re.search(r'<form method="post" action="([^"]*)"', asked.content.decode())[1])
    shown = {name: field(asked, name) for name in ("shown", "target")}
    return client.post(url, {**shown, "move": move, "note": note, **data}, follow=True)


def statuses() -> list[str]:
    return list(DataQualityLog.objects.order_by("pk").values_list("resolution_status", flat=True))
