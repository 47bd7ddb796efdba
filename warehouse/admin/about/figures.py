"""What a park's or a ride's page says of waits and of rows: by the sums of days. Of the facts nothing is counted; of a
day that has no sums and no mark, among the last seven, it is asked by a step on an index whether it has a row.

On 40 million rows of 100 parks a month of a park is some 2,000 rows of ride_days, read by its key; a ride's whole
record some 2,000, by idx_ride_days_ride.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from warehouse.admin.about.park_sections import About, Column, Fact, Linked, Listing, Section, register
from warehouse.admin.day_pages import links, section
from warehouse.days import ONE_DAY, end_of_month
from warehouse.history.answers.answer import percent
from warehouse.history.questions.days import KnownDays, fetched, of_park, of_ride
from warehouse.history.questions.sums import Sums, total
from warehouse.models import PartitionMetrics
from warehouse.partitioning.partitions import TABLE, add_months, month_of
from warehouse.text import count_of

SEES_WAITS = "warehouse.view_ridestatussnapshot"
DAYS_SHOWN = 7
MONTHS_SHOWN = 13  # this one, and the same of a year before


# --- waits -----------------------------------------------------------------------------------------------------------
@register("waits", "Waits", SEES_WAITS, 40)
def waits(about: About) -> Section:
    """Of the last days of which there are sums."""
    over_time = links.ride(about.ride.pk) if about.ride else links.park(about.park.pk)
    newest, oldest = _extent(about)
    if newest is None or oldest is None:
        said = "No day is summed up yet: that happens some minutes after rows came in."
        return Section("waits", "Waits", over_time, said=said)
    known = _days(about, newest - (DAYS_SHOWN - 1) * ONE_DAY, newest)
    by_day = known.by_day()
    address = links.DayLinks(about.park.pk, ride=about.ride.pk) if about.ride else links.DayLinks(about.park.pk)
    rows = [_wait_row(day, by_day.get(day), address(day), known) for day in reversed(known.days)]
    together = total(by_day.values())
    facts = [
        Fact("Mean wait", _minutes(together.standby_mean), beside=f"of the last {DAYS_SHOWN} days"),
        Fact("Highest wait", _minutes(together.standby_max)),
        Fact("Down", "-" if together.down_share is None else percent(together.down_share), beside="of park hours"),
        Fact("Newest day with rows", f"{newest}", address(newest), f"the first is {oldest}"),
    ]
    columns = [
        Column("Day", whole=True),
        Column("mean wait", is_number=True),
        Column("highest", is_number=True),
        Column("down", is_number=True),
        *([] if about.ride else [Column("rides open", is_number=True, wide=True)]),
        Column("rows", is_number=True),
    ]
    if about.ride:
        rows = [[*row[:4], row[5]] for row in rows]
    tabs = ["months", "hours", "calendar", "longest"]
    names = {"months": "Months", "hours": "Hours of the day", "calendar": "Busy days", "longest": "Longest waits"}
    go = [Linked("Over time", over_time)]
    go += [Linked(names[tab], _tab(about, tab)) for tab in tabs]
    go += [Linked("All years", _over(about, oldest, newest)), Linked(f"{newest} in full", address(newest))]
    return Section("waits", "Waits", over_time, facts, [Listing(columns, rows)], f"Days are {_whose(about)}.", go)


def _wait_row(day: date, sums: Sums | None, url: str, known: KnownDays) -> list[Any]:
    if sums is None:
        waits = any(of == day for _, of in known.stale)
        return [Linked(f"{day:%a %Y-%m-%d}", url), "not summed yet" if waits else "nothing known", "", "", "", ""]
    down = "-" if sums.down_share is None else percent(sums.down_share)
    mean, highest = _minutes(sums.standby_mean), _minutes(sums.standby_max)
    return [Linked(f"{day:%a %Y-%m-%d}", url), mean, highest, down, f"{sums.operated:,}", f"{sums.observations:,}"]


def _extent(about: About) -> tuple[date | None, date | None]:
    """The newest and the oldest day with sums: two steps on a key. To count them all would read each row of a park."""
    whose, of = ("ride_id = %s", about.ride.pk) if about.ride else ("park_id = %s", about.park.pk)
    ((newest, oldest),) = fetched(
        f"SELECT (SELECT MAX(day) FROM ride_days WHERE {whose} AND day <= %s), "
        f"(SELECT MIN(day) FROM ride_days WHERE {whose})",
        [of, about.today, of],
    )
    return newest, oldest


def _days(about: About, first: date, last: date) -> KnownDays:
    """Without those that would have to be computed from rows: the page of the day does that."""
    if about.ride:
        return of_ride(about.ride, first, last, about.now, days_from_rows=0)
    return of_park(about.park, first, last, about.now, days_from_rows=0)


def _over(about: About, first: date, last: date) -> str:
    asked = {"from": first, "to": last, "show": "months"}
    return links.ride(about.ride.pk, **asked) if about.ride else links.park(about.park.pk, **asked)


def _tab(about: About, tab: str) -> str:
    return links.ride(about.ride.pk, show=tab) if about.ride else links.park(about.park.pk, show=tab)


def _minutes(value: float | None) -> str:
    return "-" if value is None else f"{section.minutes(value)} min"


def _whose(about: About) -> str:
    return f"the park's own ({about.park.timezone})" if about.park.timezone else "UTC's: its time zone is not known"


# --- rows ------------------------------------------------------------------------------------------------------------
@register("rows", "Rows", SEES_WAITS, 50)
def rows(about: About) -> Section:
    """Snapshots by month, as the sums of days counted them, beside what the month's partition holds of all parks."""
    listed = reverse("admin:warehouse_ridestatussnapshot_changelist")
    first = add_months(month_of(about.today), 1 - MONTHS_SHOWN)
    found = _by_month(about, first)
    if not found:
        return Section("rows", "Rows", listed, said=f"No day since {first:%Y-%m} has rows that are summed up.")
    of_all = dict(
        PartitionMetrics.objects.filter(
            table_name=TABLE, partition_name__in=[f"p{month:%Y%m}" for month, *_ in found]
        ).values_list("partition_name", "row_count")
    )
    shown = []
    for month, days, heard, observations in found:
        last = min(end_of_month(month), about.today)
        whole = of_all.get(f"p{month:%Y%m}")
        row = [Linked(f"{month:%Y-%m}", _raw(about, month, last)), f"{observations:,}", f"{days:,}"]
        shown.append([*row, *([] if about.ride else [f"{heard:,}"]), "-" if whole is None else f"{whole:,}"])
    columns = [
        Column("Month", whole=True),
        Column("rows", is_number=True),
        Column("days", is_number=True),
        *([] if about.ride else [Column("rides", is_number=True, wide=True)]),
        Column("rows of all parks", is_number=True, wide=True),
    ]
    newest = min(end_of_month(found[0][0]), about.today)
    go = [Linked("Raw rows of the last days", _raw(about, max(newest - 6 * ONE_DAY, found[0][0]), newest))]
    if about.may("warehouse.view_storagemetrics"):
        go.append(Linked("Partitions", reverse("admin:warehouse_partitions")))
    go.append(Linked("Earlier months", _tab(about, "months")))
    rows_of_months = sum(observations for *_, observations in found)
    days = sum(days for _, days, *_ in found)
    facts = [
        Fact(f"Rows since {first:%Y-%m}", f"{rows_of_months:,}", beside=f"on {count_of(days, 'day')}"),
    ]
    said = "As the sums of days counted them; a month leads to its raw rows, by the same days."
    return Section("rows", "Rows", listed, facts, [Listing(columns, shown)], said, go)


def _by_month(about: About, first: date) -> Sequence[tuple[date, int, int, int]]:
    """(month, days, the most rides of a day, rows), the newest first. By day and then by month: to count rides apart
    in each month took twice as long."""
    which, of = ("ride_id = %s", about.ride.pk) if about.ride else ("park_id = %s", about.park.pk)
    key = "idx_ride_days_ride" if about.ride else "PRIMARY"
    found = fetched(
        "SELECT EXTRACT(YEAR_MONTH FROM day), COUNT(*), MAX(rides), CAST(SUM(observed) AS SIGNED) FROM "
        f"(SELECT day, COUNT(*) AS rides, SUM(observations) AS observed FROM ride_days FORCE INDEX ({key}) "
        f"WHERE {which} AND day >= %s AND day <= %s GROUP BY day) AS days GROUP BY 1 ORDER BY 1 DESC",
        [of, first, about.today + timedelta(days=1)],
    )
    return [(date(month // 100, month % 100, 1), *figures) for month, *figures in found]


def _raw(about: About, first: date, last: date) -> str:
    whose = {"ride": about.ride.pk} if about.ride else {"park": about.park.pk}
    asked = urlencode({**whose, "from": first, "to": last})
    return f"{reverse('admin:warehouse_ridestatussnapshot_changelist')}?{asked}"
