"""Days that a source has and does not give: those before the first one that the key of the History API reaches.

They are no missing days, and are told: each park has one finding of it with the period, which a key that reaches
further resolves.
"""

from collections.abc import Iterable
from datetime import date, datetime

from quality import log
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Park

REASON = "out_of_reach"


def out_of_reach(park: Park, first: date | None, last: date) -> Finding:
    """The finding of a park's days from `first` (None: as far back as there are any) to `last`."""
    days = f"{first} to {last}" if first is not None and first < last else f"{last}" if first else f"days up to {last}"
    return Finding(
        reason=REASON,
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.park_id,
        scope="",
        description=f"{park}: {REASONS[REASON].say(1, days=days)}. {REASONS[REASON].advice}",
        start=midnight(min(first or last, last)),
        end=midnight(last + ONE_DAY),
    )


def record(found: Iterable[tuple[Park, date | None, date | None]], now: datetime) -> log.Recorded:
    """Write down what planning saw: of each park the first day that was asked for (None: all there are) and the first
    that is to be had (None: nothing is out of reach, or nothing was said of it)."""
    found = list(found)
    told = [out_of_reach(park, asked, had - ONE_DAY) for park, asked, had in found if had is not None]
    gone = [out_of_reach(park, None, date.max - ONE_DAY) for park, asked, had in found if had is None and asked is None]
    log.resolve_gone([finding.fingerprint for finding in gone], "All that was asked for is within reach now.", now)
    return log.record(told, now)
