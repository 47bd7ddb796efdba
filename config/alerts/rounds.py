"""A round: what needs attention now is held against what was told before, by key, and what began or ended is told.

Any number of workers may make rounds at once, and each change is told once: it is taken by a conditional UPDATE, and
the message is written in the same transaction.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from config.alerts.messages import channels, of_attention, of_night
from config.home import ATTENTION, home
from config.home.page import Attention
from config.models import Alert, Delivery
from config.night import Night

# What comes and goes is not told each time: it begins when it was there for longer than a round, ends when it has been
# gone for a while, and its next begin waits until some time has passed since it was told last.
BEGINS_AFTER = timedelta(seconds=90)
ENDS_AFTER = timedelta(minutes=10)
TOLD_AGAIN_AFTER = timedelta(hours=1)
FORGOTTEN_AFTER = timedelta(days=1)


def make(now: datetime) -> str:
    """Write the message about what has begun or ended, if anything has; returns in words what it was."""
    found = home(lambda permission: True, now, only=ATTENTION)
    begun, ended = compare(found.attention, now)
    return f"{len(begun)} begun, {len(ended)} ended, {len(found.attention)} in all"


def compare(attention: Sequence[Attention], now: datetime) -> tuple[list[Alert], list[Alert]]:
    """What has begun and what has ended by this round, which is told by nobody else any more."""
    current = {each.key: each for each in sorted(attention, key=lambda each: each.key)}
    _note(current, now)
    quiet = Q(told_at=None) | Q(told_at__lte=now - TOLD_AGAIN_AFTER)
    begins = Alert.objects.filter(quiet, key__in=current, told=False, since__lte=now - BEGINS_AFTER)
    ends = Alert.objects.filter(told=True, seen_at__lt=now - ENDS_AFTER)
    if any(key.endswith(".unknown") for key in current):  # what that part would have said is not known to be over
        ends = ends.none()
    with transaction.atomic():
        begun = [alert for alert in begins.order_by("key") if _take(alert, now)]
        ended = [alert for alert in ends.order_by("key") if _take(alert, now)]
        if begun or ended:
            others = Alert.objects.filter(told=True).exclude(key__in=[alert.key for alert in begun])
            write(f"attention {secrets.token_hex(12)}", of_attention(begun, ended, others.order_by("since"), now))
    Alert.objects.filter(told=False, seen_at__lt=now - FORGOTTEN_AFTER).delete()
    return begun, ended


def report(night: Night, name: str = "") -> None:
    """Write the message about the night. `name`: what it is written under, once; "": that of its day (UTC)."""
    write(name or f"night {night.until:%Y-%m-%d}", of_night(night))


def write(name: str, message: dict) -> None:
    """A delivery for each channel that is set; none where one of that name was written before."""
    deliveries = [Delivery(channel=channel, name=name, **message) for channel in channels()]
    Delivery.objects.bulk_create(deliveries, ignore_conflicts=True)


def _note(current: dict[str, Attention], now: datetime) -> None:
    """Which are there now, and since when."""
    Alert.objects.filter(key__in=current, told=False, seen_at__lt=now - ENDS_AFTER).update(since=now)
    new = [Alert(key=each.key, said=each.said, url=each.url, since=now, seen_at=now) for each in current.values()]
    Alert.objects.bulk_create(new, ignore_conflicts=True)
    for each in current.values():
        Alert.objects.filter(key=each.key).update(said=each.said, url=each.url, seen_at=now)


def _take(alert: Alert, now: datetime) -> bool:
    """Whether this round is the one that tells it."""
    return bool(Alert.objects.filter(pk=alert.pk, told=alert.told).update(told=not alert.told, told_at=now))
