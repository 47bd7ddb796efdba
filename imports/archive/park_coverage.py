"""Which days of one park are in the warehouse, by month, of the last months: ranges of the ledger's key, no more."""

from dataclasses import dataclass, field
from datetime import date

from django.db import connection

from imports.archive.coverage import Month
from imports.archive.day_file_model import FileOutcome, ImportedFile
from quality.import_ledger import FEEDS_OF_DAYS, park_days
from warehouse.days import ONE_DAY, end_of_month
from warehouse.partitioning.partitions import month_of, months_between


@dataclass(slots=True)
class ParkCoverage:
    """`months`: by first day, in order, from the park's first day on. `newest`: the file of the last day imported."""

    months: dict[date, Month] = field(default_factory=dict)
    newest: ImportedFile | None = None

    @property
    def days(self) -> int:
        """That could be there."""
        return sum(month.days for month in self.months.values())

    @property
    def imported(self) -> int:
        """Of these."""
        return sum(month.imported for month in self.months.values())

    @property
    def share(self) -> float | None:
        """0 to 1, of the days that could be there; None where there are none."""
        return self.imported / self.days if self.days else None


def park_coverage(park_id: int, since: date, today: date) -> ParkCoverage:
    """Of the days from `since` on up to `today`; days before the park was first heard of are not asked of it."""
    events = ImportedFile.objects.filter(park=park_id, feed__in=FEEDS_OF_DAYS).exclude(outcome=FileOutcome.NO_EVENTS)
    began = events.order_by("file_date").values_list("file_date", flat=True).first()
    found = ParkCoverage()
    if began is None or began > today:
        return found
    found.newest = events.filter(outcome=FileOutcome.IMPORTED).order_by("-file_date").first()
    first = max(began, since)
    for month in months_between(month_of(first), month_of(today)):
        found.months[month] = Month((min(end_of_month(month), today) - max(month, first)).days + 1)
    days = park_days("park_id = %s AND file_date >= %s AND file_date < %s")
    with connection.cursor() as cursor:
        cursor.execute(days, [park_id, first, today + ONE_DAY])
        for _, day, outcome, _, observations, _ in cursor.fetchall():
            _count(found.months[month_of(day)], outcome, observations)
    return found


def _count(month: Month, outcome: str, observations: int) -> None:
    month.observations += observations
    if outcome == FileOutcome.IMPORTED:
        month.imported += 1
    elif outcome == FileOutcome.MISSING:
        month.missing += 1
    elif outcome == FileOutcome.UNREADABLE:
        month.unreadable += 1
    else:
        month.without_events += 1
