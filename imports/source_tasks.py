"""What the workers run by schedule. Free of django-q2: whoever registers a schedule names these functions.

A task is short, and running one twice or at the same time does no harm.
"""

import time

from django.conf import settings
from django.utils import timezone

from imports import live, metadata
from imports.themeparks import ThemeParksApi

SYNC_SLICE_SECONDS = 120  # a worker ends a task after 300 s, and one destination may take 100 of them


def collect_live() -> str:
    """Every LIVE_EVERY_MINUTES: the live states of all known destinations, once."""
    try:
        destinations = live.known_destinations()
    except live.NothingToCollect as error:
        return str(error)
    collection = live.collect(ThemeParksApi(), destinations, timezone.now)
    return (
        f"{collection.stored} stored, {collection.already_known} unchanged, {collection.rejected} rejected, "
        f"{collection.failed} destinations failed, {collection.not_reached} not reached"
    )


def sync_metadata(begin_at: str = "") -> str:
    """Weekly: one slice of the metadata sync, from the destination `begin_at` on.

    Returns the destination that the next slice begins at: to be called again with it, until it is "".
    """
    began = time.monotonic()
    api = ThemeParksApi()
    targets = sorted(metadata.targets(api, destinations=settings.DESTINATIONS), key=lambda target: target.destination)
    waiting = [target for target in targets if target.destination >= begin_at]
    for done, _ in enumerate(metadata.sync(api, waiting, timezone.now), start=1):
        if done < len(waiting) and time.monotonic() - began > SYNC_SLICE_SECONDS:
            return waiting[done].destination
    return ""
