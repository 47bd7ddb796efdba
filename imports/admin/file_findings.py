"""What the findings say of day files: why one could not be read, and what an import's days have given rise to.

Findings are looked for by park, or by destination and period, never by the name of a file: no index has it.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

from imports.admin import links
from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.archive.growth import REASON as HELD_BACK
from imports.sources.source import Feed
from quality.admin.park_sections import by_reason, list_of, page_of, touching
from quality.models import TO_DO, DataQualityLog
from quality.reasons import title_of
from warehouse.days import end_of_month

NOT_READ = ("unreadable_file", HELD_BACK)
LOOKED_AT_MAX = 500  # findings of one period
UNREADABLE_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Told:
    """A finding that names a file: its sentence, and where it is. `alone`: it tells of this file and of no other."""

    said: str
    url: str
    title: str
    status: str
    alone: bool
    reason: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A file that was not read. `why`: of its finding; None where none tells."""

    file: ImportedFile
    url: str
    why: Told | None
    again: str  # the start of an import of this day


@dataclass(frozen=True, slots=True)
class ReasonRow:
    """Findings of one reason, with the list that shows as many."""

    title: str
    waiting: int
    url: str
    closed: int
    all_url: str


@dataclass(frozen=True, slots=True)
class FindingsOf:
    """Of an import: of its park in its days, of the destination's files in these, and of the import itself."""

    of_park: list[ReasonRow]
    of_destination: list[ReasonRow]
    of_itself: list[Told]
    unreadable: list[Unreadable]
    more_unreadable: int
    all_unreadable: str


# --- of one file -----------------------------------------------------------------------------------------------------
def days_of(file: ImportedFile) -> tuple[date, date]:
    """That it speaks of: one, or of delisted entities a month."""
    return file.file_date, end_of_month(file.file_date) if file.feed == Feed.DELISTED else file.file_date


def told_of(file: ImportedFile) -> list[Told]:
    """The findings that name it, those that say why it was not read first."""
    return _told(file.park_id, file.destination_wiki_id, *days_of(file), {file.source_file}).get(file.source_file, [])


def why_not_read(told: Iterable[Told]) -> Told | None:
    """Of those that name a file."""
    return next((each for each in told if each.reason in NOT_READ), None)


def _told(park_id: int, destination: str, first: date, last: date, files: Collection[str]) -> dict[str, list[Told]]:
    """By name of the file."""
    period = touching(first, last)
    of_destination = DataQualityLog.objects.filter(period, entity_type="destination", entity_key=destination)
    of_park = DataQualityLog.objects.filter(period, park=park_id).exclude(source_file="")
    found: dict[str, list[Told]] = {}
    for rows in (of_destination, of_park):
        for row in rows.order_by("-log_id")[:LOOKED_AT_MAX]:
            named = row.evidence.get("files", {row.source_file: 1})
            for name in files & named.keys():
                found.setdefault(name, []).append(_as_told(row, alone=len(named) == 1))
    for told in found.values():
        told.sort(key=lambda each: (each.reason not in NOT_READ, not each.waits))
    return found


def _as_told(row: DataQualityLog, *, alone: bool = True) -> Told:
    return Told(
        said=row.description,
        url=page_of(row.pk),
        title=title_of(row.reason),
        status=row.get_resolution_status_display(),
        alone=alone,
        reason=row.reason,
        waits=row.resolution_status in TO_DO,
    )


# --- of an import ----------------------------------------------------------------------------------------------------
def findings_of(checkpoint: ImportCheckpoint) -> FindingsOf | None:
    """None where its days are not known yet."""
    first, last = checkpoint.start_date, checkpoint.end_date
    if first is None or last is None:
        return None
    period, of_days = touching(first, last), {"from": first, "to": last}
    of_park = DataQualityLog.objects.filter(period, park=checkpoint.park_id)
    key = checkpoint.destination_wiki_id
    of_destination = DataQualityLog.objects.filter(period, entity_type="destination", entity_key=key)
    of_itself = DataQualityLog.objects.filter(entity_type="import", entity_id=checkpoint.pk).order_by("-log_id")
    unreadable = ImportedFile.objects.filter(checkpoint=checkpoint, outcome=FileOutcome.UNREADABLE)
    count = unreadable.count()
    shown = list(unreadable.select_related("park").order_by("-file_date")[:UNREADABLE_SHOWN]) if count else []
    return FindingsOf(
        of_park=_by_reason(of_park, {"park": checkpoint.park_id, **of_days}),
        of_destination=_by_reason(
            of_destination, {"entity_type__exact": "destination", "entity_key__exact": key, **of_days}
        ),
        of_itself=[_as_told(row) for row in of_itself[:UNREADABLE_SHOWN]],
        unreadable=_unreadable(checkpoint, shown),
        more_unreadable=count - len(shown),
        all_unreadable=links.day_files(checkpoint=checkpoint.pk, outcome__exact=FileOutcome.UNREADABLE),
    )


def _by_reason(found, filters: dict[str, object]) -> list[ReasonRow]:
    return [
        ReasonRow(
            title=title_of(each.reason),
            waiting=each.waiting,
            url=list_of(**filters, reason=each.reason),
            closed=each.closed,
            all_url=list_of(**filters, reason=each.reason, status="all"),
        )
        for each in by_reason(found)
    ]


def _unreadable(checkpoint: ImportCheckpoint, files: list[ImportedFile]) -> list[Unreadable]:
    if not files:
        return []
    first, last = min(file.file_date for file in files), max(days_of(file)[1] for file in files)
    names = {file.source_file for file in files}
    told = _told(checkpoint.park_id, checkpoint.destination_wiki_id, first, last, names)
    return [
        Unreadable(
            file=file,
            url=links.day_file(file.pk),
            why=why_not_read(told.get(file.source_file, ())),
            again=links.start_url(file.park, *days_of(file), checkpoint.source),
        )
        for file in files
    ]
