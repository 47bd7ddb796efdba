"""What the workers run of this app. Schedules hold these functions' dotted paths: they stay here."""

from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from config.alerts import delivery, rounds
from config.alerts.messages import channels
from config.night import night
from config.signin.limits import forget_old
from warehouse.text import count_of
from warehouse.zones import zone_or_utc

NOTHING_SET = "nothing to do: neither ALERT_EMAILS nor ALERT_WEBHOOK_URL is set"


def tell_attention() -> str:
    """Every few minutes: tell what began or ended, and deliver what is due. Returns what came of it in words."""
    if not channels():
        return NOTHING_SET
    made = rounds.make(timezone.now())
    return f"{made}; {_deliver()}"


def forget_old_sign_ins() -> str:
    """Once a day: sessions that are over, and what is kept of sign-ins for 90 days. Returns how much in words."""
    call_command("clearsessions")
    return f"{count_of(forget_old(), 'line')} of sign-ins forgotten"


def report_night() -> str:
    """Once a day: the report of the night, once however often it runs. Returns what came of it in words."""
    if not channels():
        return NOTHING_SET
    rounds.report(night(timezone.now(), zone_or_utc(settings.REPORT_TIME_ZONE)))
    return _deliver()


def _deliver() -> str:
    delivered, failures = delivery.deliver(timezone.now())
    return "; ".join([f"{delivered} delivered", *failures])
