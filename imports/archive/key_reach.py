"""Days that a source has and does not give: those before the first one that the key of the History API reaches.

They are no missing days, and are told: each park has one finding of it with the period, which a key that reaches
further resolves.
"""

from collections.abc import Sequence
from datetime import date, datetime

from imports.sources.source import ParkFiles
from quality import log
from quality.findings import Finding
from quality.models import TO_DO, DataQualityLog
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.models import Park
from warehouse.server.away import patient

REASON = "out_of_reach"


def out_of_reach(park: Park, first: date, last: date) -> Finding:
    """The finding of a park's days from `first` to `last`."""
    days = f"{first} to {last}" if first < last else f"{last}"
    return Finding(
        reason=REASON,
        entity_type="park",
        entity_key=park.themeparks_wiki_id,
        entity_id=park.park_id,
        scope="",
        description=f"{park}: {REASONS[REASON].say(1, days=days)}.",
        start=midnight(min(first, last)),
        end=midnight(last + ONE_DAY),
    )


def widened(park: Park, first: date, last: date) -> Finding:
    """The finding of these days and of those that it told already: it is one, and its period only grows."""
    told = DataQualityLog.objects.filter(
        fingerprint=out_of_reach(park, first, last).fingerprint, resolution_status__in=TO_DO
    ).first()
    if told is not None:
        first = min(first, told.timestamp_start.date())
        last = max(last, told.timestamp_end.date() - ONE_DAY) if told.timestamp_end else last
    return out_of_reach(park, first, last)


@patient
def record(found: Sequence[tuple[Park, ParkFiles]], now: datetime) -> log.Recorded:
    """Write down what planning saw of each park. A finding goes where all that it names can be had now."""
    told: list[Finding] = []
    for park, files in found:
        if files.asked_from is None:
            continue
        if files.out_of_reach_before is not None:
            told.append(widened(park, files.asked_from, files.out_of_reach_before - ONE_DAY))
            continue
        finding = out_of_reach(park, files.asked_from, files.asked_from)
        if DataQualityLog.objects.filter(
            fingerprint=finding.fingerprint, timestamp_start__gte=midnight(files.asked_from)
        ).exists():
            log.resolve_gone([finding.fingerprint], "All of these days can be had now.", now)
    return log.record(told, now)
