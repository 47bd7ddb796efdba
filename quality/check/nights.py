"""Closed parks whose rides say OPERATING all night: told once a park and month, and left out of figures.

What such a night is stands in warehouse.history.nights, which the figures go by too.
"""

from collections.abc import Iterator
from datetime import date

from quality.check.profiles import HOUR_MS, ParkProfile
from quality.check.window import Window
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.history.nights import Night
from warehouse.instants import instant_at


def open_at_night(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """One finding for each month in which such nights began."""
    months: dict[date, list[Night]] = {}
    for night in park.nights.found:
        months.setdefault(instant_at(night.begin_ms).date().replace(day=1), []).append(night)
    for month, found in months.items():
        count = sum(park.nights.nights_in(night.begin_ms, night.end_ms) for night in found)
        hours = sum(night.end_ms - night.begin_ms for night in found) // HOUR_MS
        sentence = REASONS["open_at_night"].say(
            count, month=month, hours=f"{hours:,}", words=f"{sum(night.words for night in found):,}"
        )
        yield Finding(
            reason="open_at_night",
            entity_type="park",
            entity_key=park.park.themeparks_wiki_id,
            entity_id=park.park.pk,
            scope=f"{month:%Y-%m}",
            description=f"{park.park}: {sentence}",
            start=instant_at(found[0].begin_ms),
            end=instant_at(found[-1].end_ms),
            count=count,
            examples=[
                {
                    "from": instant_at(night.begin_ms).isoformat(),
                    "to": instant_at(night.end_ms).isoformat(),
                    "said": night.words,
                }
                for night in found
            ],
        )
