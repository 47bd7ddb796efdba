"""All rides of a park (or the one ride) together: by month, weekday, year and hour of the clock, and as a calendar."""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Any

from warehouse.admin.charts import bars, heat
from warehouse.admin.day_pages import section
from warehouse.admin.day_pages.asking import choice
from warehouse.admin.day_pages.scope import Scope
from warehouse.admin.day_pages.section import Column, Csv, Linked, Section, Table
from warehouse.history.answers.answer import percent
from warehouse.history.questions import parks
from warehouse.history.questions.busy import BusyDay, busy_days
from warehouse.history.questions.hours import Hour, by_hour
from warehouse.history.questions.parks import Period

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
ROWS_OF_HOURS = [("", "Weekdays"), ("month", "Months"), ("month-of-year", "Months of the year"), ("day", "Days")]
DAYS_OF_HOURS = 92
HOURS_OPTIONS = {"rows": lambda: choice("Rows", ROWS_OF_HOURS)}
BOUNDS = (0.7, 0.9, 1.1, 1.3, 1.6)  # of a day's mean to that of its year
BUSY = (
    "30 % and more below its year",
    "10 to 30 % below",
    "like its year",
    "10 to 30 % above",
    "30 to 60 % above",
    "60 % above and more",
)


# --- months, weekdays, years ------------------------------------------------------------------------------------------
def months(scope: Scope) -> list[Section]:
    """By month, by weekday and by calendar year: one question of the days, added up in three ways."""
    known = scope.known
    if not known.by_day():
        return [Section("months", "By month, mean wait in minutes")]
    return [
        _periods(scope, "months", "By month", "month", parks.by_month(known), lambda key: f"{key:%Y-%m}"),
        _periods(scope, "weekdays", "By weekday", "weekday", parks.by_weekday(known), WEEKDAYS.__getitem__),
        _periods(scope, "years", "By year", "year", parks.by_year(known), lambda key: f"{key:%Y}"),
    ]


def _periods(
    scope: Scope, slug: str, title: str, what: str, periods: list[Period], named: Callable[[Any], str]
) -> Section:
    rows, stacks = [], []
    for number, period in enumerate(periods):
        sums, name = period.sums, named(period.key)
        mean = sums.standby_mean
        url = "" if what == "weekday" else scope.address("year", **{"from": None, "to": None, "period": name})
        wait = "no wait" if mean is None else f"{mean:.1f} min"
        title_of = f"{name}: {wait}, {period.days_known} of {period.days} days known"
        day = period.key if isinstance(period.key, date) else date(2000, 1, 3) + timedelta(days=number)
        stacks.append(bars.Stack(day, name[:3] if what == "weekday" else name, [mean or 0], title_of, url))
        rows.append(
            [
                Linked(name, url) if url else name,
                mean,
                sums.standby_max,
                sums.down_share,
                sums.operating_minutes / 60 if sums.is_known else None,
                period.days_known,
                period.days,
                sums.known,
                sums.observations if sums.is_known else None,
            ]
        )
    label = f"Mean wait by {what} of {scope.known_in_words()}, minutes"
    columns = [
        Column(what, what.capitalize(), is_number=False),
        Column("standby_mean", "mean wait", section.minutes),
        Column("standby_max", "highest", section.minutes),
        Column("down_share", "down", percent),
        Column("operating_hours", "hours" if scope.of_ride else "ride hours", section.count, wide=True),
        Column("days_known", "days known", section.count),
        Column("days", "of", section.count, wide=True),
        Column("known", "known", percent, wide=True),
        Column("observations", "observations", section.count, wide=True),
    ]
    picture = bars.stacked(stacks, [("s1", "mean wait")], label)
    csvs = [Csv("park-months", question="park-months")] if what == "month" and not scope.of_ride else []
    return Section(slug, f"{title}, mean wait in minutes", Table(columns, rows), picture, csvs=csvs)


# --- hours ------------------------------------------------------------------------------------------------------------
def hours(scope: Scope) -> list[Section]:
    """A heat map of waits by local hour."""
    by = scope.asked.options.get("rows") or "weekday"
    known, about = (
        scope.known,
        "Hours are those of the clock there. A field is the mean over rides and time in which they showed a wait.",
    )
    if by == "day" and scope.asked.days > DAYS_OF_HOURS:
        known = known.over([(scope.asked.last - timedelta(days=DAYS_OF_HOURS - 1), scope.asked.last)])
        about += f" The last {DAYS_OF_HOURS} days are shown: by month there is room for all."
    found = by_hour(known, by)
    if not found:
        return [Section("hours", "By hour", about=about, nothing="No wait was shown in these days.")]
    present = sorted({hour for of in found.values() for hour in of})
    clock = list(range(present[0], present[-1] + 1))
    named = {
        "weekday": lambda key: WEEKDAYS[key][:3],
        "month": lambda key: f"{key:%Y-%m}",
        "month-of-year": lambda key: MONTHS[key - 1],
        "day": lambda key: f"{key:%a %m-%d}",
    }[by]
    bounds = heat.even_bounds(max(hour.mean for of in found.values() for hour in of.values()))
    together = _together(found)
    day_links = scope.days()
    rows = [
        (named(key), _fields(named(key), of, clock, bounds, day_links(key) if by == "day" else ""))
        for key, of in found.items()
    ]
    if by != "day":
        rows.append(("all", _fields("all days", together, clock, bounds)))
    label = f"Mean wait by hour of {scope.known_in_words()}, minutes"
    columns = [
        Column({"day": "date"}.get(by, by.replace("-", "_")), by.replace("-", " ").capitalize(), is_number=False),
        *(Column(f"hour_{hour:02}", f"{hour}", section.minutes) for hour in clock),
    ]
    csv_key = (lambda key: key) if by in ("day",) else named
    table = [[csv_key(key), *(of[hour].mean if hour in of else None for hour in clock)] for key, of in found.items()]
    if by != "day":
        table.append(["all days", *(together[hour].mean if hour in together else None for hour in clock)])
    picture = heat.fields([str(hour) for hour in clock], rows, label, bounds, "min")
    csvs = [Csv("hours", question="hours", further={"by": by}), Csv("shown", "of this table")]
    return [Section("hours", "Mean wait by hour, minutes", Table(columns, table), picture, about, csvs=csvs)]


def _together(found: Mapping[Any, Mapping[int, Hour]]) -> dict[int, Hour]:
    added: dict[int, Hour] = {}
    for of in found.values():
        for number, hour in of.items():
            known = added.get(number, Hour(0, 0))
            added[number] = Hour(known.minutes + hour.minutes, known.sum + hour.sum)
    return added


def _fields(
    name: str, of: Mapping[int, Hour], clock: list[int], bounds: list[float], url: str = ""
) -> dict[int, heat.Field]:
    return {
        hour - clock[0]: heat.Field(
            heat.step_of(of[hour].mean, bounds),
            f"{of[hour].mean:.0f}",
            f"{name}, {hour}:00 to {hour + 1}:00: {of[hour].mean:.1f} min",
            url,
        )
        for hour in clock
        if hour in of
    }


# --- busy days --------------------------------------------------------------------------------------------------------
def calendar(scope: Scope) -> list[Section]:
    """Each day of the years, by how its mean wait stands to that of its year."""
    days = busy_days(scope.known)
    address = scope.days()
    shown = {day.day: _busy(day, address(day.day)) for day in days if day.relation is not None}
    columns = [
        Column("date", "Day", section.day_of_week, is_number=False),
        Column("rank", "rank in its year", section.count),
        Column("of", "of days", section.count, wide=True),
        Column("standby_mean", "mean wait", section.minutes),
        Column("relation", "of its year's", percent),
        Column("known", "known", percent, wide=True),
    ]
    busiest = sorted(
        (day for day in days if day.rank is not None), key=lambda day: (day.rank or 0, -day.day.toordinal())
    )
    rows = [
        [Linked(day.day, address(day.day)), day.rank, day.of, day.standby_mean, day.relation, day.known]
        for day in busiest
    ]
    title = f"Busy days of {scope.known_in_words()}"
    picture = heat.calendar(shown, days[0].day, days[-1].day, title, BUSY) if shown else None
    about = (
        "A day beside the mean of its calendar year, as far as that year is among the days asked for: ask for whole "
        "years. The busiest days come first in the table."
    )
    return [Section("calendar", "Busy days", Table(columns, rows), picture, about, csvs=[Csv("busy", question="busy")])]


def _busy(day: BusyDay, url: str) -> heat.Field:
    relation = day.relation or 0
    title = f"{day.day:%a %Y-%m-%d}: {day.standby_mean:.1f} min, {100 * relation:.0f} % of its year's"
    title += f", rank {day.rank} of {day.of}"
    return heat.Field(heat.step_of(relation, BOUNDS), "", title, url)
