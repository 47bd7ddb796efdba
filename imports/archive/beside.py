"""Files that lie beside the archive's layout: told before the days they may stand for are called missing.

Each destination has one finding of it, which says what the last look saw; a look at all of the destination that sees
none resolves it.
"""

from collections.abc import Mapping
from datetime import datetime

from imports.sources.source import Beside, Feed
from quality import log
from quality.findings import Finding
from quality.models import TO_DO, DataQualityLog
from quality.reasons import REASONS
from warehouse.server.away import patient

#: by the feed of the source that was looked at
REASON_OF = {Feed.CAPTURES: "captures_left_out"}
REASON = "stray_files"


def sentences(found: Mapping[str, Beside]) -> list[str]:
    """One for each destination that has any, for the one who asked for an import."""
    return [
        f"{destination}: {REASONS[_reason(beside)].say(beside.total, what=beside.in_words())}"
        for destination, beside in found.items()
        if beside.total
    ]


@patient
def record(found: Mapping[str, Beside], now: datetime) -> log.Recorded:
    """Write down what planning saw, by destination."""
    recorded = log.record([_finding(destination, beside) for destination, beside in found.items() if beside.total], now)
    clean: dict[str, list[str]] = {}
    for destination, beside in found.items():
        if beside.whole and not beside.total:
            clean.setdefault(_reason(beside), []).append(destination)
    for reason, destinations in clean.items():
        for row in DataQualityLog.objects.filter(
            reason=reason, entity_key__in=destinations, resolution_status__in=TO_DO
        ):
            row.resolve_by_system(_CLEAN.get(reason, "All files of the destination are day files now."), now=now)
    return recorded


_CLEAN = {"captures_left_out": "All of the captures is read now."}


def _reason(beside: Beside) -> str:
    return REASON_OF.get(beside.feed, REASON)


def _finding(destination: str, beside: Beside) -> Finding:
    return Finding(
        reason=_reason(beside),
        entity_type="destination",
        entity_key=destination,
        scope="",
        description=f"{destination}: {REASONS[_reason(beside)].say(beside.total, what=beside.in_words())}.",
        count=beside.total,
        examples=[{"path": path, "why": str(why)} for path, why in beside.examples],
    )
