"""When a row of facts was recorded and what a queue said, by the clock of the ride's park, with UTC beside it."""

from datetime import tzinfo
from zoneinfo import ZoneInfo

from django.utils.html import format_html

from warehouse.models import QueueData, Ride
from warehouse.snapshot_id import instant_of
from warehouse.zones import clock_in_words, utc_in_words, zone_or_utc


def when_headings(zone: ZoneInfo) -> list[str]:
    """A park without a zone, or whose is UTC, has one column."""
    return ["Recorded at (UTC)"] if _is_utc(zone) else [f"Recorded at ({zone})", "UTC"]


def when(snapshot_id: int, zone: ZoneInfo, url: str) -> list[str]:
    """The cells below them, the first of which leads to `url`."""
    instant = instant_of(snapshot_id)
    utc = utc_in_words(instant, "milliseconds")
    if _is_utc(zone):
        return [_link(url, utc)]
    return [_link(url, clock_in_words(instant, zone, "milliseconds")), format_html('<span class="utc">{}</span>', utc)]


def zone_of(ride_id: int) -> ZoneInfo:
    """Of the park in which a ride stands; UTC of one that does not exist."""
    return zone_or_utc(Ride.objects.filter(pk=ride_id).values_list("park__timezone", flat=True).first() or "")


def in_words(queue: QueueData, zone: ZoneInfo, *, with_type: bool = True) -> str:
    """What a queue said, for people: `PAID_RETURN_TIME 15:00 to 15:30 Europe/Paris, 21.00 EUR`."""
    ends = [clock_in_words(at, zone)[-5:] for at in (queue.return_time_start, queue.return_time_end) if at]
    parts = [
        "" if queue.wait_time_minutes is None else f"{queue.wait_time_minutes} min",
        queue.return_time_state or "",
        f"{' to '.join(ends)}{'Z' if _is_utc(zone) else f' {zone}'}" if ends else "",
        "" if queue.price_amount is None else f"{queue.price_amount} {queue.price_currency}",
        queue.boarding_group_status or "",
        f"groups {queue.boarding_group_current}" if queue.boarding_group_current else "",
    ]
    said = ", ".join(part for part in parts if part)
    return " ".join(filter(None, [queue.queue_type if with_type else "", said or ("" if with_type else "no figures")]))


def _is_utc(zone: tzinfo) -> bool:
    return str(zone) == "UTC"


def _link(url: str, said: str) -> str:
    return format_html('<a href="{}">{}</a>', url, said)
