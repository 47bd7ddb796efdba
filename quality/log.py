"""record(): the only writer of data_quality_log."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from quality.findings import Finding
from quality.models import DataQualityLog, ResolutionStatus


@dataclass(slots=True)
class Recorded:
    new: int = 0
    seen_again: int = 0
    reopened: int = 0


def record(findings: Iterable[Finding], now: datetime) -> Recorded:
    """Write findings, one row per fingerprint, inside the caller's transaction if there is one.

    Seen before: the row's count, period, evidence and last_seen_at are brought up to date; a RESOLVED row is
    reopened with a line in its note, a WONTFIX row stays as it is decided.
    """
    by_fingerprint = {finding.fingerprint: finding for finding in findings}
    recorded = Recorded()
    if not by_fingerprint:
        return recorded
    with transaction.atomic():
        known = {
            row.fingerprint: row
            for row in DataQualityLog.objects.select_for_update().filter(fingerprint__in=list(by_fingerprint))
        }
        new_rows = []
        for fingerprint, finding in by_fingerprint.items():
            row = known.get(fingerprint)
            if row is None:
                row = DataQualityLog(fingerprint=fingerprint, created_at=now)
                new_rows.append(row)
            elif row.resolution_status == ResolutionStatus.RESOLVED:
                row.resolution_status = ResolutionStatus.OPEN
                row.resolution_note += f"\n{now:%Y-%m-%d %H:%M}Z reopened: the same finding came back."
                recorded.reopened += 1
            row.issue_type = finding.kind
            row.reason = finding.reason
            row.entity_type = finding.entity_type
            row.entity_id = finding.entity_id
            row.timestamp_start = finding.start
            row.timestamp_end = finding.end
            row.description = finding.description
            row.occurrences = finding.count
            row.last_seen_at = now
            row.source_file = finding.source_file
            row.evidence = {"entity": finding.entity_key, "count": finding.count, "examples": finding.examples}
        DataQualityLog.objects.bulk_create(new_rows)
        for row in known.values():
            row.save()
        recorded.new = len(new_rows)
        recorded.seen_again = len(known)
    return recorded
