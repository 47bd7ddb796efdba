"""record(): the only writer of data_quality_log. Transitions go through its model.

One row per fingerprint. `occurrences` is the true number of records concerned as of the last look, never a number of
looks: reading a file or checking a month again changes last_seen_at and nothing else.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from quality import named_rides
from quality.evidence import EXAMPLES_MAX, count_value
from quality.findings import Finding
from quality.grouping import describe_files, group_files
from quality.models import SYSTEM, TO_DO, DataQualityLog, ResolutionStatus
from warehouse.models import Ride
from warehouse.server.turns import brief_transaction

_CONTENT = [
    "entity_id",
    "park_id",
    "timestamp_start",
    "timestamp_end",
    "description",
    "occurrences",
    "source_file",
    "evidence",
]


@dataclass(slots=True)
class Recorded:
    """What became of findings: records made, and records that were there."""

    new: int = 0
    seen_again: int = 0  # those that were reopened among them
    reopened: int = 0


def record(findings: Iterable[Finding], now: datetime) -> Recorded:
    """Write findings, one row per fingerprint, inside the caller's transaction if there is one.

    Seen before: what changed (count, period, evidence) and last_seen_at are brought up to date; a RESOLVED row is
    reopened with a line in its note, a WONTFIX row stays as it is decided, and who sees to it stays. All of a file's
    findings belong into one call: of a record that groups files, a call says all there is of the file.
    """
    by_fingerprint = {finding.fingerprint: finding for finding in findings}
    recorded = Recorded()
    if not by_fingerprint:
        return recorded
    with brief_transaction():
        _name_parks(by_fingerprint.values())
        known = _known(by_fingerprint)
        unknown = group_files([finding for key, finding in by_fingerprint.items() if key not in known])
        known |= _known([finding.fingerprint for finding in unknown if finding.files])
        by_fingerprint = {key: finding for key, finding in by_fingerprint.items() if key in known}
        by_fingerprint |= {finding.fingerprint: finding for finding in unknown}
        new_rows, changed = [], []
        for fingerprint, finding in by_fingerprint.items():
            if fingerprint in known:
                row, evidence = known[fingerprint], known[fingerprint].evidence
                recorded.reopened += _see_again(row, finding, now)
                changed += [finding] if row.evidence != evidence else []
            else:
                row = DataQualityLog(fingerprint=fingerprint, created_at=now, last_seen_at=now)
                _fill(row, finding, now)
                new_rows.append(row)
        # Another transaction may have inserted the same finding since we looked: then it is seen again, not an error.
        DataQualityLog.objects.bulk_create(new_rows, update_conflicts=True, update_fields=["last_seen_at"])
        DataQualityLog.objects.filter(pk__in=[row.pk for row in known.values()]).update(last_seen_at=now)
        named_rides.keep([*changed, *(by_fingerprint[row.fingerprint] for row in new_rows)])
        recorded.new = len(new_rows)
        recorded.seen_again = len(known)
    return recorded


def resolve_gone(fingerprints: Iterable[str], evidence: str, now: datetime) -> int:
    """Findings of which whoever found them knows that they are gone: resolved by the system; how many were.

    To be called inside the transaction that did away with them. What an operator decided stays.
    """
    rows = DataQualityLog.objects.filter(fingerprint__in=list(fingerprints), resolution_status__in=TO_DO)
    return sum(row.resolve_by_system(evidence, now=now) for row in rows)


def _known(fingerprints: Iterable[str]) -> dict[str, DataQualityLog]:
    """Locked in the order of the key, so that two writers wait for each other and do not deadlock."""
    fingerprints = list(fingerprints)
    if not fingerprints:
        return {}
    rows = DataQualityLog.objects.select_for_update().filter(fingerprint__in=fingerprints).order_by("fingerprint")
    return {row.fingerprint: row for row in rows}


def _name_parks(findings: Iterable[Finding]) -> None:
    rides = [finding for finding in findings if finding.entity_type == "ride" and finding.park_id is None]
    if rides:
        ride_ids = {finding.entity_id for finding in rides} - {None}
        parks = dict(Ride.objects.filter(pk__in=ride_ids).values_list("ride_id", "park_id"))
        for finding in rides:
            finding.park_id = parks.get(finding.entity_id)


def _see_again(row: DataQualityLog, finding: Finding, now: datetime) -> bool:
    """Bring a row up to date; whether it had to be reopened."""
    before = [getattr(row, name) for name in _CONTENT]
    _fill(row, finding, now)
    if before != [getattr(row, name) for name in _CONTENT]:
        row.save(update_fields=_CONTENT)
    if row.resolution_status != ResolutionStatus.RESOLVED:
        return False
    line = f"{now.astimezone(UTC):%Y-%m-%d %H:%M} UTC: opened again, the same finding came back."
    note = f"{row.resolution_note}\n{line}".strip()
    DataQualityLog.transition([row.pk], ResolutionStatus.OPEN, by=SYSTEM, now=now, note=note)
    return True


def _fill(row: DataQualityLog, finding: Finding, now: datetime) -> None:
    before, ended = row.evidence or {}, row.timestamp_end
    row.issue_type = finding.kind
    row.reason = finding.reason
    row.entity_type = finding.entity_type
    row.entity_key = finding.entity_key
    row.entity_id = finding.entity_id
    row.park_id = finding.park_id
    row.timestamp_start = min(filter(None, [row.timestamp_start, finding.start]), default=now)
    row.timestamp_end = finding.end
    row.description = finding.description
    row.occurrences = finding.count
    row.source_file = finding.source_file
    row.evidence = {"entity": finding.entity_key, "count": finding.count, "examples": finding.examples}
    if finding.values:
        row.evidence["values"] = finding.values
    if finding.files:
        row.timestamp_end = max(filter(None, [ended, finding.end]), default=None)
        _add_files(row, before, finding)


def _add_files(row: DataQualityLog, before: dict, finding: Finding) -> None:
    """A record of many files: the counts of this look in place of earlier ones of the same files, the rest stays."""
    counted = before.get("files", {})
    files = dict(sorted((counted | finding.files).items()))
    examples = before.get("examples", [])
    if finding.files.keys() - counted.keys():
        examples = examples + finding.examples
    row.occurrences = sum(files.values())
    row.source_file = next(iter(files))
    row.description = describe_files(finding.reason, row.timestamp_start, files)
    row.evidence = {
        "entity": finding.entity_key,
        "count": row.occurrences,
        "examples": examples[:EXAMPLES_MAX],
        "files": files,
    }
    _add_values(row, before, finding)


def _add_values(row: DataQualityLog, before: dict, finding: Finding) -> None:
    """Counts of values, file by file for the same reason as the files are: one that is read again counts once."""
    of_files = {
        file: values
        for file, values in before.get("values_of_files", {}).items()
        if file not in finding.files  # what this look says of a file is all there is of it
    } | finding.values_of_files
    if of_files:
        values: dict[str, int] = {}
        for file in sorted(of_files):
            for value, count in of_files[file].items():
                count_value(values, value, count)
        row.evidence |= {"values": values, "values_of_files": of_files}
