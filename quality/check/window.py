"""Which days a check is about, and which months it has to read for them.

A silence is judged against the weeks around it and a month's figures need the whole month, so more is read than is
asked for: whole months, one before the first day and a week after the last. What lies in the boundary partitions is
never read here; that they hold rows at all is a finding.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection

from warehouse.days import midnight
from warehouse.partitioning import partitions
from warehouse.partitioning.partitions import EARLIEST_MONTH, LATEST_MONTH, TABLE
from warehouse.server import catalog

DAYS_AROUND = 8  # a silent hour is compared with the week before and the week after


@dataclass(frozen=True, slots=True)
class Window:
    """`first` and `last` are the days that findings may be about (None: any), `months` what is read (half-open)."""

    first: date | None
    last: date | None
    months: tuple[tuple[date, date], ...]
    begins_with_history: bool  # nothing was recorded before the first month that is read,
    ends_with_history: bool  # nor after the last
    partitioned: bool = True  # by months of recorded_at; False before, or after an operator has taken that back

    def __str__(self) -> str:
        return f"{self.first or self.read_from} to {self.last or self.read_to - timedelta(days=1)}"

    @property
    def read_from(self) -> date:
        """The first day that is read."""
        return self.months[0][0]

    @property
    def read_to(self) -> date:
        """The day after the last one that is read."""
        return self.months[-1][1]

    @property
    def judged_from(self) -> date:
        """What began earlier is not judged: the month it would be held against was not read."""
        return self.read_from if self.begins_with_history else self.months[0][1]

    def concerns(self, start: datetime | None, end: datetime | None) -> bool:
        """Whether a finding's period touches the days asked for. Without a start it always does."""
        if start is None:
            return True
        if self.last and start >= midnight(self.last + timedelta(days=1)):
            return False
        begin = midnight(self.first) if self.first else None
        return begin is None or start >= begin or (end is not None and end > begin)

    def judges(self, start: datetime, end: datetime | None) -> bool:
        """Whether a period lies wholly in what was read and judged: then an issue not found again is gone."""
        return start >= midnight(self.judged_from) and (end or start) <= midnight(self.read_to)


def window(first: date | None, last: date | None, today: date) -> Window:
    """For findings of `first` to `last`, both included; None: from or to the end of all that is known.

    Where nothing is stored the window reads an empty range: what needs no observations can still be found.
    """
    months, partitioned = _months()
    span = _span(months[0][0], months[-1][1]) if months else None
    if span is None:
        day = first or last or today
        return Window(first, last, ((day, day),), True, True, partitioned)
    read_from = partitions.add_months(partitions.month_of(first), -1) if first else span[0]
    read_to = last + timedelta(days=DAYS_AROUND) if last else span[1]
    read = tuple(
        (lower, upper) for lower, upper in months if upper > max(read_from, span[0]) and lower <= min(read_to, span[1])
    )
    if not read:
        day = first or last or today
        return Window(first, last, ((day, day),), False, False, partitioned)
    return Window(first, last, read, read[0][0] <= span[0], read[-1][1] > span[1], partitioned)


def _months() -> tuple[list[tuple[date, date]], bool]:
    """The months that have partitions. Calendar months, and False, where a range of dates opens all partitions."""
    found = catalog.partitioning(TABLE)
    after = partitions.add_months(LATEST_MONTH, 1)
    if found.scheme == catalog.Scheme.COLUMN:
        stored = [partition for partition in found.partitions if not partitions.is_boundary(partition)]
        return [(month.lower or EARLIEST_MONTH, month.upper or after) for month in stored], True
    span = _span(EARLIEST_MONTH, after)
    months = partitions.months_between(*span) if span else []
    return [(month, partitions.add_months(month, 1)) for month in months], False


def _span(lower: date, upper: date) -> tuple[date, date] | None:
    """The first and the last day with an observation. Answered from the ends of idx_snapshots_date_ride."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT MIN(recorded_at), MAX(recorded_at) FROM {TABLE} WHERE recorded_at >= %s AND recorded_at < %s",
            [lower, upper],
        )
        first, last = cursor.fetchone()
    return (first.date(), last.date()) if first else None
