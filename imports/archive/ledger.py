"""The ledger of day files: what the last reading of each gave, and the findings that days without a file raise."""

from collections.abc import Iterable
from datetime import date, datetime

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.day_file_model import READ, FileOutcome, ImportedFile
from imports.archive.replace_live import LiveRows
from imports.loading.counts import Counts
from imports.sources.source import DayFile, Feed, key_of
from quality import import_ledger
from quality.check.gaps import missing_days_finding
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import ONE_DAY, midnight
from warehouse.server.away import patient

_COUNTS = ["events_read", "stored", "already_known", "duplicates", "rejected"]
_RECORDED = [
    "source_file", "outcome", "sha256", "size_bytes", "etag", "modified_at", "all_parks", "read_by", *_COUNTS,
    "replaced", "withdrawn", "imported_at", "checkpoint",
]  # fmt: skip


def rows_of(
    file: DayFile,
    feed: Feed,
    counts: dict[ImportCheckpoint, Counts],
    *,
    now: datetime,
    unreadable: bool = False,
    sha256: str | None = None,
    all_parks: bool = False,
    read_by: str = "",
    live: dict[ImportCheckpoint, LiveRows] | None = None,
    withdrawn: dict[ImportCheckpoint, int] | None = None,
) -> list[ImportedFile]:
    """One for each park's checkpoint in `counts`, not yet written: see `record`.

    A park of which the file held nothing has NO_EVENTS. `all_parks`: no park that the file speaks of was left out.
    `read_by`: the rules, where nothing is to be told of the file.
    `live`: what became of the LIVE rows, by an import that replaces them.
    `withdrawn`: how many rows of an earlier reading went, by an import that takes the file as the truth.
    """
    return [
        ImportedFile(
            park_id=checkpoint.park_id,
            file_date=file.day,
            destination_wiki_id=checkpoint.destination_wiki_id,
            feed=feed,
            source_file=file.key,
            outcome=_outcome(count, unreadable=unreadable),
            sha256=sha256,
            size_bytes=file.size_bytes,
            etag=file.etag,
            modified_at=file.modified_at,
            all_parks=all_parks,
            read_by=read_by,
            events_read=count.events_read,
            stored=count.stored,
            already_known=count.already_known,
            duplicates=count.duplicates,
            rejected=count.rejected,
            live_replaced=None if live is None else live[checkpoint].replaced,
            replaced=None if withdrawn is None else count.replaced,
            withdrawn=None if withdrawn is None else withdrawn[checkpoint],
            live_kept=None if live is None else live[checkpoint].kept or None,
            imported_at=now,
            checkpoint=checkpoint,
        )
        for checkpoint, count in counts.items()
    ]


def record(rows: list[ImportedFile], *, with_live: bool = False) -> None:
    """Write them, in place of the rows of earlier readings. What an earlier one replaced of LIVE rows stays, unless
    these say it (`with_live`)."""
    ImportedFile.objects.bulk_create(
        rows,
        update_conflicts=True,
        update_fields=[*_RECORDED, "live_replaced", "live_kept"] if with_live else _RECORDED,
    )


def _outcome(count: Counts, *, unreadable: bool) -> FileOutcome:
    if unreadable:
        return FileOutcome.UNREADABLE
    return FileOutcome.IMPORTED if count.events_read else FileOutcome.NO_EVENTS


def record_same(destination: str, feed: Feed, file: DayFile, sha256: str | None, *, all_parks: bool) -> None:
    """A file that was read before is listed otherwise than then, and holds the same: so that it is not read again.

    What another kind of source knows it by (an ETag, a time of change) stays. With `all_parks` it is known from now on
    that no park of it was left out.
    """
    known_by = {"etag": file.etag} if file.etag else {"modified_at": file.modified_at}
    ImportedFile.objects.filter(
        destination_wiki_id=destination, file_date=file.day, feed=feed, outcome__in=READ, sha256=sha256
    ).update(size_bytes=file.size_bytes, **known_by, **({"all_parks": True} if all_parks else {}))


@patient
def has_events_before(park_id: int, day: date, destination: str | None = None) -> bool:
    """Whether the park had begun before `day`: days without a file before its first event are no gap of its.

    With a destination: whether it was last heard in that one's files, perhaps in another's on the same day. What a
    destination lacks after a park has left it is no gap of the park.
    """
    heard = ImportedFile.objects.filter(
        park=park_id, file_date__lt=day, outcome=FileOutcome.IMPORTED, feed__in=import_ledger.FEEDS_OF_DAYS
    )
    if destination is None:
        return heard.exists()
    latest = heard.order_by("-file_date").values("file_date")[:1]
    return heard.filter(file_date=latest, destination_wiki_id=destination).exists()


def record_missing(
    checkpoint: ImportCheckpoint, destination: str, days: Iterable[date], *, now: datetime
) -> list[Finding]:
    """A MISSING row for each day without a day file, and one GAP finding for each run of missing days it is part of.

    A day read before keeps its row: its observations are in the table, whatever became of the file. No gap is a day
    that another destination's file had.
    """
    days = set(days)
    days -= set(
        ImportedFile.objects.filter(
            park=checkpoint.park_id,
            file_date__in=days,
            destination_wiki_id=destination,
            feed=Feed.ARCHIVE,
            outcome__in=READ,
        ).values_list("file_date", flat=True)
    )
    ImportedFile.objects.bulk_create(
        [
            ImportedFile(
                park_id=checkpoint.park_id,
                file_date=day,
                destination_wiki_id=destination,
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
    known = import_ledger.of_park(checkpoint.park_id).missing_days()
    return [missing_days_finding(checkpoint.park, first, last) for first, last in _runs_of(known, days & known)]


def unreadable_finding(destination: str, file: DayFile, why: str) -> Finding:
    """One for a file of which nothing was stored."""
    return Finding(
        reason="unreadable_file",
        entity_type="destination",
        entity_key=destination,
        scope=file.key,
        description=f"{REASONS['unreadable_file'].say(1, file=file.key, why=why)}.",
        start=midnight(file.day),
        end=midnight(file.last_day + ONE_DAY),
        source_file=file.key,
        examples=[why],
    )


def _runs_of(known: set[date], days: set[date]) -> list[tuple[date, date]]:
    """Runs of `known` days that contain any of `days`."""
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
