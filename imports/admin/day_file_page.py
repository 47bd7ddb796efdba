"""A day file's page: what its last reading gave, why it could not be read, what was found in it, and where to go."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from imports.admin import file_findings, links
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.sources.source import Feed
from quality.admin.park_sections import list_of
from quality.covered_hours import days_touched
from warehouse.admin.day_pages import links as day_links
from warehouse.admin.page_parts import failure
from warehouse.days import ONE_DAY, midnight

DAYS_OF_A_PARK_MAX = 31  # that the list of raw rows shows at once
ODD_OUTCOME = "The ledger has an outcome that is none: read the day again."
MEANINGS = {
    FileOutcome.IMPORTED: "It was read, and its events of this park are rows.",
    FileOutcome.MISSING: "The source had no file of this day when it was looked for.",
    FileOutcome.UNREADABLE: "It could not be read. Nothing of it was stored, and rows of earlier readings stand.",
    FileOutcome.NO_EVENTS: "It was read, and held no event of this park.",
}
WHAT_NEXT = {
    FileOutcome.IMPORTED: "Nothing need be done. Read it again where the source has published it anew.",
    FileOutcome.MISSING: "Read it again when the source has it; where it never will, give the gap's finding up.",
    FileOutcome.UNREADABLE: "Read it again: a file that was damaged on its way, or mended since, comes in then.",
    FileOutcome.NO_EVENTS: "Nothing need be done if the park was closed, or in the files of another destination.",
}
RECORDS = {
    Feed.ARCHIVE.value: "day files of the archive",
    Feed.HISTORY.value: "answers of the History API",
    Feed.DELISTED.value: "what its park no longer lists, a month of the History API",
    Feed.CAPTURES.value: "captures of live answers",
}


@dataclass(frozen=True, slots=True)
class Go:
    """A link."""

    label: str
    url: str


def context_of(request: HttpRequest, file: ImportedFile) -> dict[str, Any]:
    """For imports/day_file.html. Findings are looked for apart: where that fails, the page stands without them."""
    first, last = file_findings.days_of(file)
    days = f"{first}" if first == last else f"{first} to {last}"
    told: list[file_findings.Told] = []
    trouble = ""
    sees_findings = request.user.has_perm("quality.view_dataqualitylog")
    try:
        told = file_findings.told_of(file) if sees_findings else []
    except Exception as error:
        trouble = failure(f"The findings of {file.source_file}", error)
    others = ImportedFile.objects.filter(park=file.park_id, file_date=file.file_date).exclude(pk=file.pk)
    return {
        "title": f"{file.park}, {days}",
        "subtitle": None,
        "file": file,
        "first": first,
        "last": last,
        "meaning": MEANINGS.get(file.outcome, ODD_OUTCOME),
        "what_next": WHAT_NEXT.get(file.outcome, ODD_OUTCOME),
        "why": file_findings.why_not_read(told) if file.outcome == FileOutcome.UNREADABLE else None,
        "told": told,
        "trouble": trouble,
        "record": RECORDS.get(file.feed, file.feed),
        "others": [(other, links.day_file(other.pk)) for other in others],
        "again": _again(file) if request.user.has_perm("imports.operate_imports") else "",
        "go": _go(request, file),
    }


def _again(file: ImportedFile) -> str:
    source = file.checkpoint.source if file.checkpoint else settings.ARCHIVE_URL
    return links.start_url(file.park, *file_findings.days_of(file), source)


def _go(request: HttpRequest, file: ImportedFile) -> list[Go]:
    may, park = request.user.has_perm, file.park
    first, last = file_findings.days_of(file)
    found = []
    if may("warehouse.view_ridestatussnapshot"):
        begin, end = _days_there(file, first, last)
        upto = min(end, begin + (DAYS_OF_A_PARK_MAX - 1) * ONE_DAY)
        asked = urlencode({"park": park.pk, "from": begin, "to": upto})
        found.append(Go("Its rows", f"{reverse('admin:warehouse_ridestatussnapshot_changelist')}?{asked}"))
        found.append(Go("The day in full", day_links.day(park.pk, first)))
    if file.checkpoint_id and (may("imports.view_importcheckpoint") or may("imports.operate_imports")):
        found.append(Go("The import that read it", links.one_import(file.checkpoint_id)))
    found.append(Go("Days of the month", links.coverage(park.pk, first)))
    found.append(Go("Day files of the park", links.day_files(park=park.pk)))
    if may("quality.view_dataqualitylog"):
        period = {"from": first, "to": last, "status": "all"}
        found.append(Go("Findings of the park on this day", list_of(park=park.pk, **period)))
    return found


def _days_there(file: ImportedFile, first: date, last: date) -> tuple[date, date]:
    """The days by the park's clock in which its rows lie: a day file's own are UTC's, and reach into two of them."""
    if file.feed in (Feed.HISTORY.value, Feed.DELISTED.value):
        return first, last
    return days_touched(midnight(first), midnight(last + ONE_DAY), file.park.zone)
