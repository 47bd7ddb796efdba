"""Many findings that say the same thing, reported as one: what keeps a broken month or a renamed park from flooding.

Two cases. Files: the first FILES_SINGLE files of a month with one fault in one park have a record each, later ones
share a record that counts each file once. Subjects: more than SUBJECTS_SINGLE rides of one park (or parks of the
warehouse) with one fault become one finding, which supersedes theirs. Why so: docs/decisions/fingerprints.md.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

from quality.evidence import count_value
from quality.findings import Finding
from quality.models import DataQualityLog
from quality.reasons import REASONS, title_of
from warehouse.models import Park

FILES_SINGLE = 10  # of a month, reason and park: three times as many would be a month of broken files
SUBJECTS_SINGLE = 5


# --- files ----------------------------------------------------------------------------------------------------------
def group_files(findings: Iterable[Finding]) -> list[Finding]:
    """New findings of day files, those beyond FILES_SINGLE of their month grouped into one of the month."""
    kept: list[Finding] = []
    groups: dict[tuple, list[Finding]] = {}
    for finding in findings:
        if finding.source_file and finding.start:
            groups.setdefault(_same_fault(finding), []).append(finding)
        else:
            kept.append(finding)
    for group, members in groups.items():
        single = max(0, FILES_SINGLE - _recorded_singly(*group))
        kept += members[:single]
        if members[single:]:
            kept.append(_of_the_month(members[single:]))
    return kept


def describe_files(reason: str, month: datetime, files: dict[str, int]) -> str:
    """The sentence of a month's record: how many records of how many files, beside those with a record of their own."""
    many = f"{len(files)} more files" if len(files) > 1 else "one more file"
    return f"{title_of(reason)}: {sum(files.values()):,} in {many} of {month:%Y-%m}, beside those reported singly."


def _same_fault(finding: Finding) -> tuple[str, str, datetime, int | None, str]:
    """Kind, reason, month, and the park; outside of a park (the file of a destination) the subject itself."""
    month = finding.start.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return finding.kind, finding.reason, month, finding.park_id, "" if finding.park_id else finding.entity_key


def _recorded_singly(kind: str, reason: str, month: datetime, park_id: int | None, entity_key: str) -> int:
    after = month.replace(year=month.year + month.month // 12, month=month.month % 12 + 1)
    rows = DataQualityLog.objects.filter(
        issue_type=kind, reason=reason, park_id=park_id, timestamp_start__gte=month, timestamp_start__lt=after
    )
    if entity_key:
        rows = rows.filter(entity_key=entity_key)
    evidences = rows.exclude(source_file="").order_by().values_list("evidence", flat=True)[: FILES_SINGLE + 1]
    return sum("files" not in evidence for evidence in evidences)


def _of_the_month(members: list[Finding]) -> Finding:
    first = members[0]
    month = _same_fault(first)[2]
    files: dict[str, int] = {}
    values_of_files: dict[str, dict[str, int]] = {}
    for member in members:
        files[member.source_file] = files.get(member.source_file, 0) + member.count
        for value, count in member.values.items():
            count_value(values_of_files.setdefault(member.source_file, {}), value, count)
    finding = Finding(
        reason=first.reason,
        entity_type=first.entity_type,
        entity_key=first.entity_key,
        entity_id=first.entity_id,
        scope=f"files of {month:%Y-%m}",
        description=describe_files(first.reason, month, files),
        start=min(member.start for member in members),
        end=max((member.end for member in members if member.end), default=None),
        source_file=min(files),
        count=sum(files.values()),
        examples=[example for member in members for example in member.examples],
        park_id=first.park_id,
        files=files,
        values_of_files=values_of_files,
        rides=frozenset(
            member.entity_id for member in members if member.entity_type == "ride" and member.entity_id is not None
        ),
    )
    if first.entity_type == "ride" and first.park_id:
        park = Park.objects.get(pk=first.park_id)
        finding.entity_type, finding.entity_key, finding.entity_id = "park", park.themeparks_wiki_id, park.pk
    return finding


# --- subjects -------------------------------------------------------------------------------------------------------
def group_subjects(
    findings: Iterable[Finding],
    park: Park | None,
    group_of: Callable[[Finding], str],
    measured: Callable[[list[Finding]], dict[str, object]] = lambda findings: {},
) -> list[Finding]:
    """Findings of one reason; where more than SUBJECTS_SINGLE share `group_of`, one of the park (or table) instead.

    `group_of` must not depend on what was looked at: a month, or nothing. `measured` gives what the sentence of a
    group names beside its count. `count` is the number of those it is reported in place of, and the examples are the
    first of them.
    """
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(group_of(finding), []).append(finding)
    reported = []
    for group, members in groups.items():
        if len(members) <= SUBJECTS_SINGLE:
            reported += members
        else:
            reported.append(_of_the_group(members, park, group, measured(members)))
    return reported


def together(finding: Finding) -> str:
    """For `group_of`: all findings of the reason belong together, whatever month they are of."""
    return ""


def _of_the_group(members: list[Finding], park: Park | None, group: str, measured: dict[str, object]) -> Finding:
    reason = members[0].reason
    sentence = REASONS[reason].say_grouped(len(members), **measured)
    return Finding(
        reason=reason,
        entity_type="park" if park else "table",
        entity_key=park.themeparks_wiki_id if park else Park._meta.db_table,
        entity_id=park.pk if park else None,
        scope=f"many {group}".strip(),
        description=f"{park}: {sentence}" if park else sentence,
        start=min((member.start for member in members if member.start), default=None),
        end=max((member.end for member in members if member.end), default=None),
        count=len(members),
        examples=[member.description for member in members],
        supersedes=frozenset(member.fingerprint for member in members),
        rides=frozenset(
            member.entity_id for member in members if member.entity_type == "ride" and member.entity_id is not None
        ),
    )
