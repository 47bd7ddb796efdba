"""A period at a glance, with the same days of years before behind it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from warehouse.admin.charts import lines
from warehouse.admin.day_pages import section
from warehouse.admin.day_pages.asking import choice
from warehouse.admin.day_pages.scope import Scope, step_of
from warehouse.admin.day_pages.section import Column, Csv, Figure, Linked, Section, Table
from warehouse.history.answers.answer import percent
from warehouse.history.questions.compare import Comparison, Matched, years_before
from warehouse.history.questions.sums import Sums, total

OPTIONS = {
    "by": lambda: choice("By", [("", "What fits"), ("day", "Days"), ("week", "Weeks"), ("month", "Months")]),
    "matched": lambda: choice(
        "Held against",
        [
            ("", "The same weekdays"),
            ("dates", "The same dates"),
            ("months", "Whole months"),
            ("years", "Whole years"),
        ],
    ),
    "years": lambda: choice(
        "Years before", [("", "1"), ("2", "2"), ("3", "3"), ("all", "All there are"), ("none", "None")]
    ),
}
YEARS = {"": 1, "2": 2, "3": 3, "all": None, "none": 0}
ABOUT = (
    "The mean over rides and the time in which they showed a wait. Years before count only on days of which both are "
    "known. Down is the share of the time within park hours in which rides were to operate."
)


@dataclass(slots=True)
class _Some:
    """Of days that stand for one point: what the picture and the table say of them."""

    days: int = 0
    minutes: int = 0
    waits: int = 0
    down: int = 0
    meant: int = 0
    hours: int = 0
    unknown: int = 0
    highest: int | None = None
    operated: int = 0
    observations: int = 0

    def add(self, sums: Sums) -> None:
        self.days += 1
        self.minutes += sums.standby_minutes
        self.waits += sums.standby_sum
        self.down += sums.hours_down
        self.meant += sums.hours_operating + sums.hours_down
        self.hours += sums.hours_minutes
        self.unknown += sums.hours_unknown
        if sums.standby_max is not None:
            self.highest = max(self.highest or 0, sums.standby_max)
        self.operated += sums.operated
        self.observations += sums.observations

    @property
    def mean(self) -> float | None:
        return self.waits / self.minutes if self.minutes else None

    @property
    def down_share(self) -> float | None:
        return self.down / self.meant if self.meant else None

    @property
    def known(self) -> float | None:
        return 1 - self.unknown / self.hours if self.hours else None


def glance(scope: Scope) -> list[Section]:
    """Mean waits by day, week or month; those of the years before behind them."""
    asked, step = scope.asked, step_of(scope.asked)
    matched = Matched(asked.options.get("matched") or "weekdays")
    years = YEARS[asked.options.get("years") or ""]
    before = years_before(scope.known, matched, years, earliest=scope.earliest) if years != 0 else []
    now = {pair.day: pair.now for pair in before[0].pairs} if before else dict.fromkeys(scope.known.days)
    if not before:
        now |= scope.known.by_day()
    if not any(now.values()):
        return [Section("days", f"Mean wait by {step.name}, minutes")]
    points = sorted({step.begin_of(day) for day in now})
    of_now = _gathered(points, ((step.begin_of(day), sums) for day, sums in now.items()))
    of_before = [
        _gathered(points, ((step.begin_of(pair.day), pair.before) for pair in each.pairs if pair.is_known))
        for each in before
    ]
    day_links = scope.days()
    link_of = day_links if step.name == "day" else _within(scope, step.name)
    addresses = [link_of(point) for point in points]
    return [
        Section(
            "days",
            f"Mean wait by {step.name}, minutes",
            Table(_columns(step.name, before), _rows(step.name, points, addresses, of_now, of_before)),
            _picture(scope, points, addresses, of_now, before, of_before, step.name, step.shown),
            about=ABOUT + _coverage(before),
            figures=_figures(before, now),
            csvs=_csvs(scope, matched, years),
        )
    ]


def _csvs(scope: Scope, matched: Matched, years: int | None) -> list[Csv]:
    of_days = "ride-days" if scope.of_ride else "park-days"
    compare = {"matched": matched.value, "years": years}
    return [
        Csv(of_days, "CSV of the days", of_days),
        *(
            []
            if years == 0
            else [
                Csv("pairs", "of the days beside years before", "compare", compare | {"by": "day"}),
                Csv("compare", "of the years before", "compare", compare),
            ]
        ),
        Csv("shown", "of this table"),
    ]


def _gathered(points: Iterable[date], days: Iterable[tuple[date, Sums | None]]) -> dict[date, _Some]:
    found = {point: _Some() for point in points}
    for point, sums in days:
        if sums is not None:
            found[point].add(sums)
    return found


def _columns(step: str, before: list[Comparison]) -> list[Column]:
    show = section.day_of_week if step == "day" else section.words
    return [
        Column({"day": "date"}.get(step, step), step.capitalize(), show, is_number=False),
        *([] if step == "day" else [Column("days_known", "days known", section.count, wide=True)]),
        Column("standby_mean", "mean wait", section.minutes),
        *(
            column
            for each in before
            for column in (
                Column(f"standby_mean_{each.years}_before", _before(each.years), section.minutes),
                Column(f"change_{each.years}_before", "change", section.change, wide=each.years > 1),
            )
        ),
        Column("standby_max", "highest", section.minutes),
        Column("down_share", "down", percent),
        Column("rides", "rides" if step == "day" else "ride days", section.count, wide=True),
        Column("known", "known", percent, wide=True),
        Column("observations", "observations", section.count, wide=True),
    ]


def _rows(
    step: str, points: list[date], addresses: list[str], now: dict[date, _Some], before: list[dict[date, _Some]]
) -> list[list]:
    found = []
    for point, address in zip(reversed(points), reversed(addresses), strict=True):
        of = now[point]
        row: list = [Linked(point, address), *([] if step == "day" else [of.days]), of.mean]
        for each in before:
            mean = each[point].mean
            row += [mean, of.mean / mean - 1 if of.mean is not None and mean else None]
        found.append(
            [
                *row,
                of.highest,
                of.down_share,
                of.operated if of.days else None,
                of.known,
                of.observations if of.days else None,
            ]
        )
    return found


def _picture(scope, points, addresses, now, before, of_before, step, shown):
    names = ["these days", *(_before(each.years) for each in before)]
    series = [lines.Series(names[0], "these", [now[point].mean for point in points])]
    for number, (each, of) in enumerate(zip(before, of_before, strict=True)):
        if number < 3:  # more lines cannot be told apart; the table has them all
            series.append(
                lines.Series(_before(each.years), f"before{number + 1}", [of[point].mean for point in points])
            )
    likes = [{}, *({pair.day: pair.before_day for pair in each.pairs} for each in before)]  # by series
    titles = [
        "; ".join(
            [shown(point)]
            + [
                f"{line.name}{_on(likes[number], point, step)} "
                f"{'nothing known' if (figure := line.figures[n]) is None else f'{figure:.1f} min'}"
                for number, line in enumerate(series)
            ]
        )
        for n, point in enumerate(points)
    ]
    label = f"Mean wait of {scope.known_in_words()}, with years before behind it"
    return lines.by_day(points, series, label, titles=titles, urls=addresses)


def _on(likes: dict[date, date | None], point: date, step: str) -> str:
    """The date of the day that a day is compared with; weeks and months are made of many."""
    like = likes.get(point) if step == "day" else None
    return f" ({section.day_of_week(like)})" if like else ""


def _figures(before: list[Comparison], now: dict[date, Sums | None]) -> list[Figure]:
    known = [sums for sums in now.values() if sums is not None]
    together = total(known)
    found = [
        _figure("Mean wait", together.standby_mean, section.minutes, " min"),
        _figure("Highest wait", together.standby_max, section.minutes, " min"),
        _figure("Down", together.down_share, percent, "", "of the time rides were to operate"),
        Figure("Days known", f"{len(known):,} of {len(now):,}", _known(together)),
    ]
    for each in before[:3]:
        change = each.wait_change
        mean = each.before.standby_mean
        found.append(
            Figure(
                f"Against {_before(each.years)}",
                "-" if change is None else section.change(change),
                f"{each.before_first} to {each.before_last}: "
                f"{'-' if mean is None else section.minutes(mean)} min; "
                f"{each.days_matched:,} of {each.days:,} days match"
                + ("" if each.down_change is None else f"; down {section.points(each.down_change)} points"),
            )
        )
    return found


def _figure(label: str, value, show, unit: str, beside: str = "") -> Figure:
    return Figure(label, "-" if value is None else f"{show(value)}{unit}", beside)


def _known(sums: Sums) -> str:
    return "" if sums.known is None else f"{percent(sums.known)} of the park hours of these"


def _before(years: int) -> str:
    return "a year before" if years == 1 else f"{years} years before"


def _coverage(before: list[Comparison]) -> str:
    said = ""
    for each in before[:1]:
        said += f" The days a year before are {each.before_first} to {each.before_last}."
        if each.until is not None:
            said += f" Today counts until {each.until:%H:%M}, and so does its like."
    return said


def _within(scope: Scope, step: str) -> Callable[[date], str]:
    """Addresses of a week or a month alone, day by day: made from one, since hundreds are on a page."""
    if step == "month":
        of_month = scope.address("year", **{"from": None, "to": None, "period": "2000-01"})
        return lambda point: of_month.replace("2000-01", f"{point:%Y-%m}")
    of_week = scope.address("year", **{"from": "2000-01-01", "to": "2000-01-07"})
    of_week = of_week.replace("2000-01-01", "{0}").replace("2000-01-07", "{1}")  # other braces are %7B in an address
    return lambda point: of_week.format(point, point + timedelta(days=6))
