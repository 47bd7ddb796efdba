"""The ledger of day files: what the last reading of each gave, and the findings that days without a file raise."""

from collections.abc import Iterable
from datetime import date, datetime

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.loading.counts import Counts
from imports.sources.source import DayFile, key_of
from quality.check.gaps import missing_days_finding
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight

_COUNTS = ["events_read", "stored", "already_known", "duplicates", "rejected"]
_RECORDED = ["source_file", "outcome", "sha256", "size_bytes", "etag", *_COUNTS, "imported_at", "checkpoint"]


def record_file(
    file: DayFile,
    outcome: FileOutcome,
    counts: dict[ImportCheckpoint, Counts],
    *,
    now: datetime,
    sha256: str | None = None,
    live_replaced: dict[ImportCheckpoint, int] | None = None,
) -> None:
    """One row for each park's checkpoint in `counts`, in place of the row of an earlier reading.

    `live_replaced`: how many LIVE rows gave way, by an import that replaces them; what an earlier one replaced stays.
    """
    ImportedFile.objects.bulk_create(
        [
            ImportedFile(
                park_id=checkpoint.park_id,
                file_date=file.day,
                source_file=file.key,
                outcome=outcome,
                sha256=sha256,
                size_bytes=file.size_bytes,
                etag=file.etag,
                events_read=count.events_read,
                stored=count.stored,
                already_known=count.already_known,
                duplicates=count.duplicates,
                rejected=count.rejected,
                live_replaced=live_replaced[checkpoint] if live_replaced is not None else None,
                imported_at=now,
                checkpoint=checkpoint,
            )
            for checkpoint, count in counts.items()
        ],
        update_conflicts=True,
        update_fields=_RECORDED if live_replaced is None else [*_RECORDED, "live_replaced"],
    )


def has_events_before(park_id: int, day: date) -> bool:
    """Whether the park had begun before `day`: days without a file before its first event are no gap of its."""
    return ImportedFile.objects.filter(park=park_id, file_date__lt=day, events_read__gt=0).exists()


def record_missing(
    checkpoint: ImportCheckpoint, destination: str, days: Iterable[date], *, now: datetime
) -> list[Finding]:
    """A MISSING row for each day without a file, and one GAP finding for each run of missing days it is part of.

    A day imported before keeps its row: its observations are in the table, whatever became of the file.
    """
    days = set(days)
    days -= set(
        ImportedFile.objects.filter(
            park=checkpoint.park_id, file_date__in=days, outcome=FileOutcome.IMPORTED
        ).values_list("file_date", flat=True)
    )
    ImportedFile.objects.bulk_create(
        [
            ImportedFile(
                park_id=checkpoint.park_id,
                file_date=day,
                source_file=key_of(destination, day),
                outcome=FileOutcome.MISSING,
                imported_at=now,
                checkpoint=checkpoint,
            )
            for day in sorted(days)
        ],
        update_conflicts=True,
        update_fields=_RECORDED,
    )
    return [
        missing_days_finding(checkpoint.park, first, last) for first, last in _runs_of_missing_days(checkpoint, days)
    ]


def unreadable_finding(destination: str, file: DayFile, why: str) -> Finding:
    """One for a file of which nothing was stored."""
    return Finding(
        reason="unreadable_file",
        entity_type="destination",
        entity_key=destination,
        scope=file.key,
        description=f"{REASONS['unreadable_file'].say(1, file=file.key, why=why)}.",
        start=midnight(file.day),
        end=midnight(file.day + ONE_DAY),
        source_file=file.key,
        examples=[why],
    )


def _runs_of_missing_days(checkpoint: ImportCheckpoint, days: set[date]) -> list[tuple[date, date]]:
    """Runs that contain any of `days`, with the missing days the ledger already knows on either side."""
    if not days:
        return []
    known = set(
        ImportedFile.objects.filter(park=checkpoint.park_id, outcome=FileOutcome.MISSING).values_list(
            "file_date", flat=True
        )
    )
    runs = []
    left = set(days)
    while left:
        first = last = min(left)
        while first - ONE_DAY in known:
            first -= ONE_DAY
        while last + ONE_DAY in known:
            last += ONE_DAY
        left = {day for day in left if day > last}
        runs.append((first, last))
    return runs
