"""What operators are told: a subject, a text, and for the webhook a payload with both."""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder

from config.models import Alert, Delivery
from config.night import Night
from config.night.told import as_json, as_text, summary
from warehouse.outside import shown, visible
from warehouse.text import count_of
from warehouse.zones import utc_in_words

SUBJECT_LENGTH = 150
LINE_MAX = 1_000  # characters


def channels() -> list[str]:
    """Those over which operators want to be told; none: nothing is set."""
    found = []
    if settings.ALERT_EMAILS:
        found.append(Delivery.Channel.MAIL.value)
    if settings.ALERT_WEBHOOK_URL:
        found.append(Delivery.Channel.WEBHOOK.value)
    return found


def of_attention(begun: list[Alert], ended: list[Alert], still: Iterable[Alert], now: datetime) -> dict[str, Any]:
    """The fields of a Delivery: what began, what ended, and what stays."""
    still = list(still)
    first, *others = begun or ended
    subject = f"{'Needs attention' if begun else 'Over'}: {first.said}"
    if others:
        subject = f"{'Need attention' if begun else 'Over'}: {count_of(len(others) + 1, 'thing')}, {first.said}"
    lines = []
    for title, alerts in (("Needs attention", begun), ("Over", ended), ("Still needs attention", still)):
        if alerts:
            lines += [title, *(_line(alert) for alert in alerts), ""]
    lines.append(f"As of {utc_in_words(now, 'seconds')}")
    told = {
        name: [{"key": alert.key, "said": alert.said, "since": alert.since} for alert in alerts]
        for name, alerts in (("begun", begun), ("ended", ended), ("still", still))
    }
    return _message("attention", subject, lines, {"as_of": now, **told})


def of_night(night: Night) -> dict[str, Any]:
    """The fields of a Delivery: the daily report."""
    lines = [*(shown(line, LINE_MAX) for line in as_text(night)), "", f"As of {utc_in_words(night.until, 'seconds')}"]
    if settings.DESK_URL:
        lines += ["", f"{settings.DESK_URL}/admin/"]
    return _message("night", f"Last night: {summary(night)}", lines, {"night": as_json(night)})


def _line(alert: Alert) -> str:
    said = f"- {shown(alert.said, LINE_MAX)} (since {utc_in_words(alert.since)})"
    return f"{said}\n  {settings.DESK_URL}{alert.url}" if settings.DESK_URL and alert.url else said


def _message(event: str, subject: str, lines: list[str], more: dict[str, Any]) -> dict[str, Any]:
    subject = shown(" ".join(subject.split()), SUBJECT_LENGTH)  # a header has one line
    text = "\n".join(lines) + "\n"
    # "text" is what chat services show of a webhook
    payload = {"event": event, "subject": subject, "text": f"{subject}\n\n{text}", **more}
    return {
        "subject": subject,
        "text": text,
        "payload": _all_shown(json.loads(json.dumps(payload, cls=DjangoJSONEncoder))),
    }


def _all_shown(value: Any) -> Any:
    """Every text in what becomes JSON: chat services show it."""
    if isinstance(value, dict):
        return {key: _all_shown(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_all_shown(each) for each in value]
    return visible(value, lines=True) if isinstance(value, str) else value
