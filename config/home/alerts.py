"""Whether operators who are told by mail or webhook really are: it has no box, and is heard of in trouble alone."""

from datetime import datetime

from django.db.models import Min

from config.home.page import Attention, Home
from config.models import Delivery
from warehouse.text import duration_in_words


def add(found: Home, now: datetime) -> None:
    """Attention for a channel whose messages wait after a failed attempt."""
    for channel in Delivery.Channel:
        due = Delivery.objects.filter(channel=channel, delivered_at=None)
        failed = due.filter(attempts__gt=0).order_by("pk").first()
        if failed is None:
            continue
        since = due.aggregate(first=Min("made_at"))["first"]
        said = (
            f"{channel.label} to operators is not delivered, the first for "
            f"{duration_in_words((now - since).total_seconds())}: {failed.error}. It is tried again; see "
            f"{_SETTINGS[channel]}, and try it by manage.py tell_operators"
        )
        found.attention.append(Attention(f"alerts.{channel.value}", said))


_SETTINGS = {Delivery.Channel.MAIL: "EMAIL_URL", Delivery.Channel.WEBHOOK: "ALERT_WEBHOOK_URL"}
