"""Which days of which park are in the warehouse, by month: read from the ledger, in one grouped query.

A day that was looked for in several destinations' files counts once (quality.import_ledger). A month in which hours lie
between the days of two feeds is not complete; which ones, the findings say. Facts are not touched.
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from django.db import connection

from imports.archive.day_file_model import FileOutcome, ImportedFile
from quality.import_ledger import BEST_FIRST, FEEDS_OF_DAYS, OF_DAYS, park_days
from quality.models import DataQualityLog, ResolutionStatus
from warehouse.models import Park
from warehouse.partitioning.partitions import add_months, month_of, months_between


class State(StrEnum):
    """What is to be said of a park's month, as text for the page and its style."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    NONE = "none"


@dataclass(slots=True)
class Month:
    """One park in one month; `days` of it could be there: from the park's first day on, and up to today."""

    days: int
    imported: int = 0
    missing: int = 0
    unreadable: int = 0
    without_events: int = 0  # the files were read, and held none of the park
    has_seam: bool = False  # with hours between the days of two feeds that nobody asked for, by its finding
    observations: int = 0

    @property
    def untried(self) -> int:
        """Days of which the ledger knows nothing."""
        return max(0, self.days - self.imported - self.missing - self.unreadable - self.without_events)

    @property
    def state(self) -> State:
        """The worst thing to be said of it: a file that cannot be read wants somebody to look at it."""
        if self.unreadable:
            return State.UNREADABLE
        if self.imported and self.imported + self.without_events >= self.days and not self.has_seam:
            return State.COMPLETE
        if self.imported:
            return State.PARTIAL
        if self.missing:
            return State.MISSING
        return State.EMPTY if self.without_events else State.NONE

    def __str__(self) -> str:
        parts = [f"{self.imported} of {self.days} days imported, {self.observations:,} observations"]
        parts += [f"{self.without_events} without an event in their files"] if self.without_events else []
        parts += [f"{self.missing} without a file"] if self.missing else []
        parts += [f"{self.unreadable} unreadable"] if self.unreadable else []
        parts += [f"{self.untried} never tried"] if self.untried else []
        parts += ["hours between the days of two feeds not asked for"] if self.has_seam else []
        return ", ".join(parts)


@dataclass(slots=True)
class Row:
    """One park with its months."""

    park: Park
    months: dict[date, Month] = field(default_factory=dict)  # by first day; a month that is not there: none


@dataclass(slots=True)
class Coverage:
    """Every park by every month; `months` are first days, in order."""

    months: list[date]
    rows: list[Row]  # by destination, then by name


def coverage(today: date) -> Coverage:
    """Every park, and every month from the first to the last of the ledger. Three queries."""
    rows = {park.park_id: Row(park) for park in Park.objects.order_by("destination_wiki_id", "park_name", "park_id")}
    found = _counts()
    begins: dict[int, date] = {}
    for park_id, _, _, _, _, first_day in found:
        begins[park_id] = min(first_day, begins.get(park_id, first_day))
    for park_id, year_month, outcome, days, observations, _ in found:
        first = date(year_month // 100, year_month % 100, 1)
        month = rows[park_id].months.get(first)
        if month is None:
            month = rows[park_id].months[first] = Month(_days_of(first, begins[park_id], today))
        if outcome == FileOutcome.IMPORTED:
            month.imported = days
        elif outcome == FileOutcome.MISSING:
            month.missing = days
        elif outcome == FileOutcome.NO_EVENTS:
            month.without_events = days
        else:
            month.unreadable = days
        month.observations += observations
    seams = DataQualityLog.objects.filter(reason="seam_hole").exclude(resolution_status=ResolutionStatus.RESOLVED)
    for park_id, start in seams.values_list("park_id", "timestamp_start"):
        if month := rows[park_id].months.get(month_of(start.date())):
            month.has_seam = True
    months = [first for row in rows.values() for first in row.months]
    return Coverage(months_between(min(months), max(months)) if months else [], list(rows.values()))


def days_of(park: Park, first: date) -> Iterator[tuple[date, ImportedFile | None]]:
    """Each day of the month that begins with `first`, with what the ledger says of it."""
    files: dict[date, ImportedFile] = {}
    for file in ImportedFile.objects.filter(
        park=park, file_date__gte=first, file_date__lt=add_months(first, 1), feed__in=FEEDS_OF_DAYS
    ):
        best = files.get(file.file_date)
        if best is None or BEST_FIRST.index(file.outcome) < BEST_FIRST.index(best.outcome):
            files[file.file_date] = file
    for number in range(monthrange(first.year, first.month)[1]):
        day = first + timedelta(days=number)
        yield day, files.get(day)


def _counts() -> list[tuple[int, int, str, int, int, date]]:
    """(park_id, YYYYMM, outcome, days, observations, first day)

    Files of its destination from before a park opened are no days of it, unless it was never heard of at all.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT park_id, EXTRACT(YEAR_MONTH FROM file_date), outcome, COUNT(*), "
            f"CAST(SUM(observations) AS SIGNED), MIN(file_date) FROM ({park_days()}) AS days "
            "LEFT JOIN (SELECT park_id, MIN(file_date) AS began FROM import_files WHERE outcome <> 'NO_EVENTS' "
            f"AND {OF_DAYS} GROUP BY park_id) AS beginnings USING (park_id) "
            "WHERE began IS NULL OR file_date >= began GROUP BY 1, 2, 3"
        )
        return list(cursor.fetchall())


def _days_of(first: date, park_begins: date, today: date) -> int:
    begin = max(first, park_begins) if month_of(park_begins) == first else first
    end = min(add_months(first, 1), max(today + timedelta(days=1), begin))
    return (end - begin).days
