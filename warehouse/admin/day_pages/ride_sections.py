"""What one ride did: its days in parts, return times and prices."""

from collections.abc import Sequence
from datetime import date

from warehouse.admin.charts import bars, lines
from warehouse.admin.day_pages import section
from warehouse.admin.day_pages.asking import choice
from warehouse.admin.day_pages.scope import Scope, step_of
from warehouse.admin.day_pages.section import Column, Csv, Linked, Section, Table
from warehouse.history.answers.answer import percent
from warehouse.history.questions import rides
from warehouse.history.questions.lines import prices, return_times
from warehouse.history.questions.ride_on_day import RideOnDay

STATES = [
    ("state operating", "operating"),
    ("state down", "down"),
    ("state refurbishment", "refurbishment"),
    ("state closed", "closed"),
    ("state unknown", "unknown"),
]
DAYS_OPTIONS = {
    "by": lambda: choice("By", [("", "What fits"), ("day", "Days"), ("week", "Weeks"), ("month", "Months")]),
}


def days(scope: Scope) -> list[Section]:
    """Each day in full: how its minutes went, waits, what was heard."""
    found = rides.ride_days(scope.known)
    address = scope.days()
    columns = [
        Column("date", "Day", section.day_of_week, is_number=False),
        Column("operating_minutes", "operating", section.hours),
        Column("down_minutes", "down", section.hours),
        Column("closed_minutes", "closed", section.hours, wide=True),
        Column("refurbishment_minutes", "refurbish.", section.hours, wide=True),
        Column("unknown_minutes", "unknown", section.hours, wide=True),
        Column("down_share", "down in hours", percent),
        Column("standby_min", "lowest", section.minutes, wide=True),
        Column("standby_p50", "median", section.minutes, wide=True),
        Column("standby_mean", "mean wait", section.minutes),
        Column("standby_p90", "90 %", section.minutes, wide=True),
        Column("standby_max", "highest", section.minutes),
        Column("observations", "observations", section.count, wide=True),
    ]
    rows = [
        [
            Linked(day, address(day)),
            *(getattr(of, column.name) for column in columns[1:]),
        ]
        for (day, _), of in reversed(found.items())
    ]
    picture = _stacks(scope, list(found.values()))
    about = (
        "All minutes of the day, midnight to midnight there; down in hours is the share, within the park's hours, of "
        "the time in which it was to operate."
    )
    return [
        Section(
            "ride-days",
            "How its days went, hours a day",
            Table(columns, rows),
            picture,
            about,
            csvs=[Csv("ride-days", question="ride-days")],
        )
    ]


def _stacks(scope: Scope, found: Sequence[RideOnDay]):
    step, address = step_of(scope.asked), scope.days()
    groups: dict[date, list[RideOnDay]] = {}
    for of in found:
        groups.setdefault(step.begin_of(of.day), []).append(of)
    stacks = []
    for begin, of_group in groups.items():
        minutes = [sum(getattr(of, f"{name}_minutes") for of in of_group) / 60 / len(of_group) for _, name in STATES]
        said = ", ".join(f"{name} {hours:.1f} h" for hours, (_, name) in zip(minutes, STATES, strict=True) if hours)
        stacks.append(
            bars.Stack(
                begin,
                f"{begin:%d %b}",
                minutes,
                f"{step.shown(begin)}: {said}",
                address(begin) if step.name == "day" else "",
            )
        )
    return bars.stacked(stacks, STATES, f"Hours a day of {scope.known_in_words()} by state", top=24, unit=" h")


def beside_the_line(scope: Scope) -> list[Section]:
    """Return times and what the paid line cost."""
    address = scope.days()
    given = return_times(scope.known)
    cost = prices(scope.known)
    of_return = [
        Column("date", "Day", section.day_of_week, is_number=False),
        Column("return_minutes", "given out for", section.hours),
        Column("share", "of its open time", percent),
    ]
    of_price = [
        Column("date", "Day", section.day_of_week, is_number=False),
        Column("price_min", "lowest"),
        Column("price_max", "highest"),
        Column("currency", "currency", is_number=False),
    ]
    shares = {each.day: each.share for each in given}
    currency = cost[-1].currency if cost else None
    highest = {each.day: float(each.highest) for each in cost if each.currency == currency}
    lowest = {each.day: float(each.lowest) for each in cost if each.currency == currency}
    return [
        Section(
            "return-times",
            "Return times, share of its open time in which they were given out",
            Table(
                of_return,
                [[Linked(each.day, address(each.day)), each.return_minutes, each.share] for each in reversed(given)],
            ),
            _over_days(
                scope,
                [("share of open time", "these", {day: share and 100 * share for day, share in shares.items()})],
                " %",
            ),
            nothing="No return times were given out.",
            csvs=[Csv("return-times", question="return-times")],
        ),
        Section(
            "prices",
            f"What the paid line cost{f', {currency}' if currency else ''}",
            Table(
                of_price,
                [
                    [Linked(each.day, address(each.day)), each.lowest, each.highest, each.currency]
                    for each in reversed(cost)
                ],
            ),
            _over_days(scope, [("highest of the day", "these", highest), ("lowest", "before1", lowest)], ""),
            nothing="No price was told.",
            csvs=[Csv("prices", question="prices")],
        ),
    ]


def _over_days(scope: Scope, series: Sequence[tuple[str, str, dict[date, float | None]]], unit: str):
    days = scope.known.days
    address = scope.days()
    named = [lines.Series(name, kind, [of.get(day) for day in days]) for name, kind, of in series]
    titles = [
        "; ".join(
            [
                f"{day:%a %Y-%m-%d}",
                *(
                    f"{line.name} {'-' if (figure := line.figures[n]) is None else f'{figure:,.4g}{unit}'}"
                    for line in named
                ),
            ]
        )
        for n, day in enumerate(days)
    ]
    return lines.by_day(
        days, named, f"{named[0].name} of {scope.known_in_words()}", titles=titles, urls=[address(day) for day in days],
        unit=lambda figure: f"{figure:,.4g}{unit}",
    )  # fmt: skip
