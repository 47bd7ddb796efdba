"""Archive: how new the newest imported days are."""

from datetime import datetime, timedelta

from django.db.models import OuterRef, Subquery

from config.home.page import Figure, Home, Part, link
from imports.models import FileOutcome, ImportedFile
from quality.import_ledger import FEEDS_OF_DAYS
from warehouse.models import Park

ARCHIVE_LATE = timedelta(days=7)  # the archive trails by 1 to 3 days


def add(found: Home, now: datetime) -> None:
    """How new the newest imported day is, by park: one walk to the end of the ledger's key for each."""
    today = now.date()
    page = link("imports_importedfile_coverage")
    newest = (
        ImportedFile.objects.filter(park=OuterRef("pk"), outcome=FileOutcome.IMPORTED, feed__in=FEEDS_OF_DAYS)
        .order_by("-file_date")
        .values("file_date")[:1]
    )
    days = [
        day for day in Park.objects.order_by().annotate(newest=Subquery(newest)).values_list("newest", flat=True) if day
    ]
    late = sum(today - day > ARCHIVE_LATE for day in days)
    newest_day = max(days, default=None)
    figures = [
        Figure("newest_day", "newest day", f"{newest_day or 'none'}", page, raw=newest_day),
        Figure.counted("parks", "parks imported", len(days), page),
        Figure.counted("parks_behind", f"parks behind by over {ARCHIVE_LATE.days} days", late, page),
    ]
    found.parts.append(Part("archive", "Archive", page, figures))
