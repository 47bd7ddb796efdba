"""What the workers run of this app. Schedules hold these functions' dotted paths: they stay here."""

from django.conf import settings
from django.utils import timezone

from config.alerts import delivery, rounds
from config.alerts.messages import channels
from config.night import night
from warehouse.zones import zone_or_utc

NOTHING_SET = "nothing to do: neither ALERT_EMAILS nor ALERT_WEBHOOK_URL is set"


def tell_attention() -> str:
    """Every few minutes: tell what began or ended, and deliver what is due. Returns what came of it in words."""
    if not channels():
        return NOTHING_SET
    made = rounds.make(timezone.now())
    return f"{made}; {_deliver()}"


def report_night() -> str:
    """Once a day: the report of the night, once however often it runs. Returns what came of it in words."""
    if not channels():
        return NOTHING_SET
    rounds.report(night(timezone.now(), zone_or_utc(settings.REPORT_TIME_ZONE)))
    return _deliver()


def _deliver() -> str:
    delivered, failures = delivery.deliver(timezone.now())
    return "; ".join([f"{delivered} delivered", *failures])
