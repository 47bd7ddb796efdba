"""Which days a check is about, and which months it has to read for them.

A silence is judged against the weeks around it and a month's figures need the whole month, so more is read than is
asked for: whole months, one before the first day and a week after the last. What lies in the guard partitions is
never read here; that they hold rows at all is a finding.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.db import connection

from warehouse import catalog, partitions
from warehouse.partitions import EARLIEST_MONTH, LATEST_MONTH, TABLE

DAYS_AROUND = 8  # a silent hour is compared with the week before and the week after


@dataclass(frozen=True, slots=True)
class Window:
    """`first` and `last` are the days that findings may be about (None: any), `months` what is read (half-open)."""

    first: date | None
    last: date | None
    months: tuple[tuple[date, date], ...]
    begins_with_history: bool  # nothing was recorded before the first month that is read,
    ends_with_history: bool  # nor after the last

    def __str__(self) -> str:
        return f"{self.first or self.read_from} to {self.last or self.read_to - timedelta(days=1)}"

    @property
    def read_from(self) -> date:
        return self.months[0][0]

    @property
    def read_to(self) -> date:
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
        """Whether a period lies wholly in what was read and judged: then a doubt not found again is gone."""
        return start >= midnight(self.judged_from) and (end or start) <= midnight(self.read_to)


def window(first: date | None, last: date | None, today: date) -> Window:
    """For findings of `first` to `last`, both included; None: from or to the end of all that is known.

    Where nothing is stored the window reads an empty range: what needs no observations can still be found.
    """
    months = _months()
    span = _span(months[0][0], months[-1][1]) if months else None
    if span is None:
        day = first or last or today
        return Window(first, last, ((day, day),), begins_with_history=True, ends_with_history=True)
    read_from = partitions.add_months(partitions.month_of(first), -1) if first else span[0]
    read_to = last + timedelta(days=DAYS_AROUND) if last else span[1]
    read = tuple(
        (lower, upper) for lower, upper in months if upper > max(read_from, span[0]) and lower <= min(read_to, span[1])
    )
    if not read:
        day = first or last
        return Window(first, last, ((day, day),), begins_with_history=False, ends_with_history=False)
    return Window(
        first,
        last,
        read,
        begins_with_history=read[0][0] <= span[0],
        ends_with_history=read[-1][1] > span[1],
    )


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def _months() -> list[tuple[date, date]]:
    """The month partitions; calendar months where the table is not partitioned."""
    existing = catalog.partitions(TABLE)
    if not existing:
        return [(month, partitions.add_months(month, 1)) for month in partitions.months_between(*_all_months())]
    months = [partition for partition in existing if not partitions.is_guard(partition)]
    after = partitions.add_months(LATEST_MONTH, 1)
    return [(month.lower or EARLIEST_MONTH, month.upper or after) for month in months]


def _all_months() -> tuple[date, date]:
    return _span(EARLIEST_MONTH, partitions.add_months(LATEST_MONTH, 1)) or (date.max, date.min)


def _span(lower: date, upper: date) -> tuple[date, date] | None:
    """The first and the last day with an observation. Answered from the ends of idx_snapshots_date_ride."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT MIN(recorded_at), MAX(recorded_at) FROM {TABLE} WHERE recorded_at >= %s AND recorded_at < %s",
            [lower, upper],
        )
        first, last = cursor.fetchone()
    return (first.date(), last.date()) if first else None
