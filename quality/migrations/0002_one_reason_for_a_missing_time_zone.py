"""missing_timezone (the sync's word) becomes missing_time_zone (the check's): one fault, one reason, one record.

A record of the sync gets the identity under which check and sync find the fault from now on: no scope, no source file.
Where a park has a record of each reason the two become one: first seen as the older, last seen as the newer, with the
moves of both, and with the status that an operator gave one of them (giving up before anything else, then the latest
move); without an operator it is open if one of them was. A line in its history says what happened.

Backwards a record that only changed its name and was not seen since is the sync's again. What was merged, or seen
since, stays the check's record: version 0001 finds that again under the same fingerprint.
"""

import hashlib

from django.db import migrations
from django.utils import timezone

OLD, NEW = "missing_timezone", "missing_time_zone"
OLD_SCOPE, NEW_SCOPE = "catalogue", ""
STATUSES_TO_DO = ("INVESTIGATING", "OPEN")


def one_reason(apps, schema_editor):
    DataQualityLog = apps.get_model("quality", "DataQualityLog")
    for row in DataQualityLog.objects.filter(reason=OLD).order_by("log_id"):
        fingerprint = _fingerprint(row, NEW, NEW_SCOPE)
        other = DataQualityLog.objects.filter(fingerprint=fingerprint).first()
        if other is not None:
            _merge(apps, row, other)
            continue
        row.evidence = row.evidence | {"renamed": {"reason": OLD, "source_file": row.source_file}}
        row.reason, row.fingerprint, row.source_file = NEW, fingerprint, ""
        row.save(update_fields=["evidence", "reason", "fingerprint", "source_file"])


def two_reasons(apps, schema_editor):
    DataQualityLog = apps.get_model("quality", "DataQualityLog")
    for row in DataQualityLog.objects.filter(reason=NEW).order_by("log_id"):
        renamed = row.evidence.pop("renamed", None)
        if renamed is not None:
            row.reason, row.source_file = OLD, renamed["source_file"]
            row.fingerprint = _fingerprint(row, OLD, OLD_SCOPE)
            row.save(update_fields=["evidence", "reason", "fingerprint", "source_file"])


def _fingerprint(row, reason: str, scope: str) -> str:
    """As quality.findings has it at this migration."""
    parts = (row.issue_type, reason, row.entity_type, row.entity_key, scope)
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _merge(apps, of_sync, of_check) -> None:
    """Two records of one park: what the check's says stays, whichever of the two is kept; see the top."""
    Move = apps.get_model("quality", "DataQualityMove")
    decided = max((of_sync, of_check), key=lambda row: _weight(Move, row))
    status, note = decided.resolution_status, decided.resolution_note
    Move.objects.filter(finding=of_sync).update(finding=of_check)
    Move.objects.create(
        finding=of_check,
        moved_at=timezone.now(),
        from_status=of_check.resolution_status,
        to_status=status,
        note=f"Merged with finding {of_sync.pk} ({OLD}, {of_sync.resolution_status}): both are one reason now.",
    )
    of_check.resolution_status, of_check.resolution_note = status, note
    of_check.created_at = min(of_check.created_at, of_sync.created_at)
    of_check.last_seen_at = max(of_check.last_seen_at, of_sync.last_seen_at)
    of_check.timestamp_start = min(of_check.timestamp_start, of_sync.timestamp_start)
    of_sync.delete()
    of_check.save()


def _weight(Move, row) -> tuple:
    """What decides between two records: an operator's last word, giving up first; else one that is to do."""
    last = Move.objects.filter(finding=row).order_by("-move_id").first()
    if last is not None and last.moved_by:
        return (2, row.resolution_status == "WONTFIX", last.moved_at.timestamp())
    return (1, row.resolution_status in STATUSES_TO_DO, row.last_seen_at.timestamp())


class Migration(migrations.Migration):
    dependencies = [
        ("quality", "0001_data_quality_log"),
    ]

    operations = [
        migrations.RunPython(one_reason, two_reasons),
    ]
