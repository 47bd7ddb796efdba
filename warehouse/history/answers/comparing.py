"""Periods beside those of years before, parks beside each other, busy days, and waits by the hour, as rows."""

from collections.abc import Callable
from datetime import date
from typing import Any

from warehouse.history.answers.answer import Answer, Asked, Column, one_decimal, percent, rounded, signed_percent
from warehouse.history.questions import busy, compare, hours, parks
from warehouse.history.questions.compare import Comparison, Matched, Pair

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

COMPARISON = [
    Column("years", "years before"),
    Column("matched"),
    Column("from"),
    Column("to"),
    Column("before_from", "beside from", is_text=True),
    Column("before_to", "to", is_text=True),
    Column("until"),
    Column("days", "days"),
    Column("days_matched", "both known"),
    Column("standby_mean", "mean", one_decimal),
    Column("standby_mean_before", "was", one_decimal),
    Column("wait_change", "change", signed_percent),
    Column("down_share", "down", percent),
    Column("down_share_before", "was", percent),
    Column("down_change"),
    Column("operating_minutes"),
    Column("operating_minutes_before"),
    Column("known", "known", percent),
    Column("known_before", "was", percent),
    Column("as_of"),
]
PAIRS = [
    Column("years", "years before"),
    Column("date", "day", is_text=True),
    Column("date_before", "beside", is_text=True),
    Column("standby_mean", "mean", one_decimal),
    Column("standby_mean_before", "was", one_decimal),
    Column("down_share", "down", percent),
    Column("down_share_before", "was", percent),
    Column("known", "known", percent),
    Column("known_before", "was", percent),
    Column("as_of"),
]
HOURS = [
    Column("by"),
    Column("key", "", is_text=True),
    Column("hour"),
    Column("standby_mean"),
    Column("standby_minutes"),
    Column("standby_sum"),
    Column("as_of"),
]
BESIDE = [
    Column("park_id"),
    Column("park_uuid"),
    Column("park_name", "park", is_text=True),
    Column("days", "days"),
    Column("days_known", "known"),
    Column("days_of_all", "known of all"),
    Column("standby_mean", "mean", one_decimal),
    Column("standby_max", "max"),
    Column("down_share", "down", percent),
    Column("known", "hours known", percent),
    Column("rides_a_day", "rides a day", one_decimal),
    Column("operating_minutes"),
    Column("as_of"),
]
BUSY = [
    Column("date", "day", is_text=True),
    Column("weekday", "", is_text=True),
    Column("standby_mean", "mean", one_decimal),
    Column("relation", "of the year's", percent),
    Column("rank", "rank"),
    Column("of", "of"),
    Column("known", "known", percent),
    Column("as_of"),
]


def comparison(asked: Asked) -> Answer:
    """One row a year before; with by="day" one row a pair of days."""
    found = compare.years_before(asked.known, Matched(asked.matched), asked.years)
    if asked.by == "day":
        return Answer(PAIRS, [_pair(asked, of_year, pair) for of_year in found for pair in of_year.pairs])
    answer = Answer(COMPARISON, [_comparison(asked, of_year) for of_year in found])
    for of_year in found[:1]:
        answer.remarks.append(f"Compared: {of_year.first} to {of_year.last}, only days of which both are known.")
        if of_year.until:
            answer.remarks.append(f"Today and the days beside it count until {of_year.until:%H:%M} there.")
    if not found:
        answer.remarks.append("Nothing is known of years before.")
    return answer


def hours_of_clock(asked: Asked) -> Answer:
    """Waits by hour there: one row an hour and key; as a table, a heat map in figures."""
    by = asked.by or "all"
    found = hours.by_hour(asked.known, by)
    rows = [
        [by, _key(key), hour, rounded(of.mean), of.minutes, of.sum, asked.now]
        for key, of_hours in found.items()
        for hour, of in of_hours.items()
    ]
    shown = sorted({hour for of_hours in found.values() for hour in of_hours})
    columns = range(shown[0], shown[-1] + 1) if shown else ()
    table = [
        [_key(key), *(one_decimal(of_hours[hour].mean) if hour in of_hours else None for hour in columns)]
        for key, of_hours in found.items()
    ]
    return Answer(HOURS, rows, (["", *(f"{hour}:00" for hour in columns)], table))


def parks_beside(asked: Asked) -> Answer:
    """Parks over the days of which something is known of all of them."""
    rows = []
    for of in parks.beside(asked.known):
        sums = of.sums
        a_day = rounded(sums.operated / of.days_of_all) if of.days_of_all else None
        rows.append(
            [
                of.park.pk,
                of.park.themeparks_wiki_id,
                of.park.park_name,
                of.days,
                of.days_known,
                of.days_of_all,
                rounded(sums.standby_mean),
                sums.standby_max,
                rounded(sums.down_share, 4),
                rounded(sums.known, 4),
                a_day,
                sums.operating_minutes if of.days_of_all else None,
                asked.now,
            ]
        )
    return Answer(BESIDE, rows)


def busy_days(asked: Asked) -> Answer:
    """A day's wait in relation to that of its calendar year, which is read whole."""
    years = asked.known.over([(asked.first.replace(month=1, day=1), asked.last.replace(month=12, day=31))])
    rows = [
        [
            of.day,
            WEEKDAYS[of.day.weekday()],
            rounded(of.standby_mean),
            rounded(of.relation, 4),
            of.rank,
            of.of,
            rounded(of.known, 4),
            asked.now,
        ]
        for of in busy.busy_days(years)
        if asked.first <= of.day <= asked.last
    ]
    return Answer(BUSY, rows)


def _comparison(asked: Asked, of: Comparison) -> list[Any]:
    both: list[Callable[[Any], Any]] = [
        lambda sums: rounded(sums.standby_mean),
        lambda sums: rounded(sums.down_share, 4),
        lambda sums: sums.operating_minutes if of.days_matched else None,
        lambda sums: rounded(sums.known, 4),
    ]
    (mean, mean_before), (down, down_before), operating, known = (
        (of_both(of.now), of_both(of.before)) for of_both in both
    )
    return [
        *(of.years, of.matched.value, of.first, of.last, of.before_first, of.before_last),
        *(f"{of.until:%H:%M}" if of.until else None, of.days, of.days_matched),
        *(mean, mean_before, rounded(of.wait_change, 4), down, down_before, rounded(of.down_change, 4)),
        *(*operating, *known, asked.now),
    ]


def _pair(asked: Asked, of_year: Comparison, pair: Pair) -> list[Any]:
    values: list[Any] = []
    for name, digits in (("standby_mean", 2), ("down_share", 4), ("known", 4)):
        values += [rounded(getattr(sums, name), digits) if sums else None for sums in (pair.now, pair.before)]
    return [of_year.years, pair.day, pair.before_day, *values, asked.now]


def _key(key: Any) -> str | None:
    """As the rows call a line of the heat map."""
    if isinstance(key, date):
        return key.isoformat()
    return None if key is None else str(key)
