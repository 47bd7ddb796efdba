"""Which days of which park are in the warehouse, by month: read from the ledger, in one grouped query.

A day that was looked for in several destinations' files counts once (quality.import_ledger). A park is asked for its
days from the first with events on, as by the findings about gaps, and up to the last that is over by its own clock. A
month in which hours lie between the days of two feeds is not complete; which ones, the findings say. Facts are not
touched.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.db import connection
from django.db.models import Q

from imports.archive.day_file_model import FileOutcome, ImportedFile
from quality.import_ledger import BEST_FIRST, FEEDS_OF_DAYS, OF_DAYS
from quality.models import DataQualityLog, ResolutionStatus
from warehouse.models import Park
from warehouse.partitioning.partitions import add_months, month_of, months_between
from warehouse.text import count_of, size_in_words
from warehouse.zones import local_date


class State(StrEnum):
    """What is to be said of a park's month, as text for the page and its style."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    UNREADABLE = "unreadable"  # nothing is imported, and a file is there
    MISSING = "missing"
    EMPTY = "empty"
    NONE = "none"
    BEFORE = "before"  # the park had not begun


@dataclass(slots=True)
class Held:
    """One park in one month, or in months together; `days` of it are asked for: from the park's first day on, up to
    the last that is over."""

    days: int
    imported: int = 0
    missing: int = 0
    unreadable: int = 0
    without_events: int = 0  # the files were read, and held none of the park
    has_seam: bool = False  # with hours between the days of two feeds that nobody asked for, by its finding
    rows: int = 0
    size_bytes: int = 0  # of the files, which the parks of a destination share

    @property
    def read(self) -> int:
        """Days of which is known what the source has of them."""
        return self.imported + self.without_events

    @property
    def untried(self) -> int:
        """Days of which the ledger knows nothing."""
        return max(0, self.days - self.read - self.missing - self.unreadable)

    @property
    def percent(self) -> int:
        """The share of its days that were read, rounded down: 100 is every one."""
        return 100 * self.read // self.days if self.days else 0

    @property
    def source_has_no_more(self) -> bool:
        """Whether all that it lacks are days for which there was no file."""
        return self.missing > 0 and self.untried == 0 and self.unreadable == 0

    @property
    def state(self) -> State:
        """What colours it. A file that cannot be read is marked beside that, `unreadable`."""
        if self.imported:
            return State.COMPLETE if self.read >= self.days and not self.has_seam else State.PARTIAL
        if self.unreadable:
            return State.UNREADABLE
        if self.missing:
            return State.MISSING
        if self.without_events:
            return State.EMPTY
        return State.NONE if self.days else State.BEFORE

    def __add__(self, other: "Held") -> "Held":
        return Held(
            self.days + other.days,
            self.imported + other.imported,
            self.missing + other.missing,
            self.unreadable + other.unreadable,
            self.without_events + other.without_events,
            self.has_seam or other.has_seam,
            self.rows + other.rows,
            self.size_bytes + other.size_bytes,
        )

    def __str__(self) -> str:
        """In the words and the order of imports/static/imports/coverage.js, which says it of the cell pointed at."""
        if self.state == State.BEFORE:
            return "before the park's first known day"
        parts = [f"{self.imported} of {count_of(self.days, 'day')} imported"]
        parts += [count_of(self.rows, "row")] if self.rows else []
        parts += [f"files of {size_in_words(self.size_bytes / 1e6)}"] if self.size_bytes >= 5000 else []
        parts += [f"{self.without_events} without an event in their files"] if self.without_events else []
        parts += [f"{self.missing} for which the source had no file"] if self.missing else []
        parts += [f"{self.unreadable} unreadable"] if self.unreadable else []
        parts += [f"{self.untried} never tried"] if self.untried else []
        parts += ["hours between the days of two feeds not asked for"] if self.has_seam else []
        return ", ".join(parts)


@dataclass(slots=True)
class Row:
    """One park with its months."""

    park: Park
    ends: date  # its first day that is not over, by its own clock
    begins: date | None = None  # its first day with events; none of a park that was never heard of
    months: dict[date, Held] = field(default_factory=dict)  # by first day; those of which the ledger knows something

    def held(self, first: date) -> Held:
        """Of any month: one that the ledger does not know was never tried, or lies before the park's first day."""
        return self.months.get(first) or Held(self.days_asked(first))

    def held_in(self, months: Iterable[date]) -> Held:
        """Of these months together."""
        return sum(map(self.held, months), Held(0))

    def days_asked(self, first: date) -> int:
        """How many days of a month are asked of the park."""
        begins = max(first, self.begins) if self.begins else first
        return max(0, (min(add_months(first, 1), self.ends) - begins).days)


@dataclass(slots=True)
class Coverage:
    """Every park by every month; `months` are first days, in order."""

    months: list[date]
    rows: list[Row]  # parks of a destination together, by the first of their names, then by name


class _Count(NamedTuple):
    park_id: int
    year_month: int
    outcome: str
    days: int
    rows: int
    size_bytes: int
    first_day: date


def coverage(now: datetime) -> Coverage:
    """Every park, and every month from the first of the ledger to the present one. Four queries at most."""
    rows = _rows(_in_order(Park.objects.all()), _counts(), now)
    known = [first for row in rows for first in row.months]
    months = months_between(min(known), max(*known, month_of(now.date()))) if known else []
    return Coverage(months, rows)


def coverage_of(park: Park, now: datetime) -> Row:
    """The same of one park: a range of the ledger's key."""
    return _rows([park], _counts(park), now)[0]


def _rows(parks: Iterable[Park], counts: Iterable[_Count], now: datetime) -> list[Row]:
    rows = {park.park_id: Row(park, local_date(now, park.zone)) for park in parks}
    begins = _beginnings(counts)
    for park_id, begin in begins.items():
        rows[park_id].begins = begin
    before = _days_before(begins)
    for count in counts:
        row, first = rows[count.park_id], date(count.year_month // 100, count.year_month % 100, 1)
        days = count.days
        if count.outcome in (FileOutcome.MISSING, FileOutcome.NO_EVENTS):
            # files of its destination from before a park began are no days of it; one that cannot be read may be
            if row.begins and first < month_of(row.begins):
                continue
            days -= before.get((count.park_id, first, count.outcome), 0)
        held = row.months.setdefault(first, Held(row.days_asked(first)))
        if count.outcome == FileOutcome.IMPORTED:
            held.imported = days
        elif count.outcome == FileOutcome.MISSING:
            held.missing = days
        elif count.outcome == FileOutcome.NO_EVENTS:
            held.without_events = days
        else:
            held.unreadable = days
        held.rows += count.rows
        held.size_bytes += count.size_bytes
        held.days = max(held.days, held.read + held.missing + held.unreadable)  # the present day may be there already
    seams = DataQualityLog.objects.filter(reason="seam_hole", park__in=rows).exclude(
        resolution_status=ResolutionStatus.RESOLVED
    )
    for park_id, start in seams.values_list("park_id", "timestamp_start"):
        if with_seam := rows[park_id].months.get(month_of(local_date(start, rows[park_id].park.zone))):
            with_seam.has_seam = True
    return list(rows.values())


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


def _in_order(parks: Iterable[Park]) -> list[Park]:
    """Parks of one destination beside each other; who looks for one looks by its name."""
    parks = sorted(parks, key=lambda park: (park.park_name.lower(), park.park_id))
    places: dict[str, int] = {}
    for place, park in enumerate(parks):
        places.setdefault(park.destination_wiki_id or f"{park.park_id}", place)
    return sorted(parks, key=lambda park: places[park.destination_wiki_id or f"{park.park_id}"])


def _counts(park: Park | None = None) -> list[_Count]:
    """A row a park, month and outcome; of one park, or of all.

    By the rule of quality.import_ledger.park_days (of a day the best outcome counts, the files of several destinations
    add up, and of two feeds the fuller one is taken), said in one grouping, in the order of the ledger's key: of 100
    parks and six years (210,669 rows) it takes a fifth of the time.
    """
    ranks = ", ".join(f"'{outcome}'" for outcome in BEST_FIRST)
    fuller = ", ".join(f"SUM(IF(feed = '{feed}', `stored` + already_known, 0))" for feed in FEEDS_OF_DAYS)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT park_id, EXTRACT(YEAR_MONTH FROM file_date), ELT(best, {ranks}), COUNT(*), "
            "CAST(SUM(observations) AS SIGNED), CAST(SUM(size) AS SIGNED), MIN(file_date) FROM ("
            f"SELECT park_id, file_date, MIN(FIELD(outcome, {ranks})) AS best, GREATEST({fuller}) AS observations, "
            f"COALESCE(SUM(size_bytes), 0) AS size FROM import_files "
            f"WHERE {'park_id = %s AND ' if park else ''}{OF_DAYS} GROUP BY park_id, file_date"
            ") AS days GROUP BY 1, 2, best",
            [park.park_id] if park else None,
        )
        return [_Count(*row) for row in cursor.fetchall()]


def _beginnings(counts: Iterable[_Count]) -> dict[int, date]:
    """The first day with events, by park_id; of parks that were ever heard of."""
    first: dict[int, date] = {}
    for count in counts:
        if count.outcome == FileOutcome.IMPORTED:
            first[count.park_id] = min(count.first_day, first.get(count.park_id, count.first_day))
    return first


def _days_before(begins: dict[int, date]) -> dict[tuple[int, date, str], int]:
    """How many days of a park's first month lie before its first day, by (park_id, month, outcome)."""
    ranges = Q()
    for park_id, begin in begins.items():
        if begin.day > 1:
            ranges |= Q(park_id=park_id, file_date__gte=month_of(begin), file_date__lt=begin)
    if not ranges:
        return {}
    best: dict[tuple[int, date], str] = {}
    files = ImportedFile.objects.filter(ranges, feed__in=FEEDS_OF_DAYS).order_by()
    for park_id, day, outcome in files.values_list("park_id", "file_date", "outcome"):
        best[park_id, day] = min(outcome, best.get((park_id, day), outcome), key=BEST_FIRST.index)
    counted: dict[tuple[int, date, str], int] = {}
    for (park_id, day), outcome in best.items():
        key = (park_id, month_of(day), outcome)
        counted[key] = counted.get(key, 0) + 1
    return counted
