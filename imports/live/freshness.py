"""How fresh each park's live states are: when it was asked for, what was reported, and whether it is open."""

from datetime import UTC, datetime
from typing import Any

from imports.live.answer import Answer
from imports.live.models import ParkFreshness
from warehouse.ids import uuid_of
from warehouse.instants import EPOCH, instant_at
from warehouse.models import Park, RideStatus


def refresh(parks: list[Park], answer: Answer, now: datetime) -> None:
    """Write the freshness of `parks`, those of one destination, after its `answer` of the instant `now` (aware).

    A park of which nothing was reported was asked for all the same; whether it is open stays as it was.
    """
    known = ParkFreshness.objects.in_bulk([park.pk for park in parks])
    newest: dict[str, int] = {}
    for observation in answer.validated.observations:
        if observation.park_id is not None:
            newest[observation.park_id] = max(observation.milliseconds, newest.get(observation.park_id, 0))
    fresh = []
    for park in parks:
        row = known.get(park.pk) or ParkFreshness(park=park)
        reported = [
            row
            for row in answer.rows
            if isinstance(row, dict) and uuid_of(row.get("parkId")) == park.themeparks_wiki_id
        ]
        row.collected_at = now
        row.rides_reported = len(reported)
        if park.themeparks_wiki_id in newest:
            observed_at = instant_at(newest[park.themeparks_wiki_id])
            row.observed_at = max(observed_at, row.observed_at or EPOCH)
        if reported:
            row.is_open, row.open_until = _opening(reported, now)
        fresh.append(row)
    ParkFreshness.objects.bulk_create(
        fresh,
        update_conflicts=True,
        update_fields=["collected_at", "observed_at", "rides_reported", "is_open", "open_until"],
    )


def _opening(rows: list[dict], now: datetime) -> tuple[bool, datetime | None]:
    """Whether an attraction operates, and until when by the longest hours; some say OPERATING all night."""
    is_open, open_until = False, None
    for row in rows:
        if row.get("entityType") != "ATTRACTION" or row.get("status") != RideStatus.OPERATING:
            continue
        hours = _hours(row.get("operatingHours"))
        if not hours:
            is_open = True
        for start, end in hours:
            if start <= now < end:
                is_open = True
                open_until = max(end, open_until or end)
    return is_open, open_until


def _hours(value: Any) -> list[tuple[datetime, datetime]]:
    """Opening hours that can be read; they decide nothing that is stored of a ride."""
    found = []
    for hours in value if isinstance(value, list) else ():
        try:
            start, end = (datetime.fromisoformat(hours[name]) for name in ("startTime", "endTime"))
            if start.tzinfo is not None and end.tzinfo is not None:
                found.append((start.astimezone(UTC), end.astimezone(UTC)))
        except (KeyError, TypeError, ValueError, OverflowError):
            continue
    return found
