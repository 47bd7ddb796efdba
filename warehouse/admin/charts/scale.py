"""Scales and ticks that all charts share: numbers in, coordinates out.

A figure that is no number is drawn as none, and one beyond the scale at its end: a chart holds for every series in
order of its days.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    label: str


def scale(highest: float, top: float, bottom: float, label: Callable[[float], str]) -> tuple[float, list[Tick]]:
    """A round figure at or above `highest`, and up to five ticks with their height between top and bottom.

    No higher than a float can count on from: of 1e300 the next power of ten is still one.
    """
    highest = min(max(1e-6, highest), 1e300)
    step = _round_up(highest / 4)
    count = max(1, -int(-highest // step))
    return step * count, [
        Tick(round(bottom - (bottom - top) * number / count, 1), label(step * number)) for number in range(count + 1)
    ]


def share(figure: float, top: float) -> float:
    """Of the scale, from 0 to 1; 0 of what is no number, which `max` passes over as its second."""
    return min(1.0, max(0.0, figure / top))


def _round_up(figure: float) -> float:
    """To 1, 2 or 5 times a power of ten."""
    power = 10.0 ** len(str(int(figure))) if figure >= 1 else 1.0
    while power / 10 >= figure:
        power /= 10
    return next(power / part for part in (5, 2, 1) if power / part >= figure)


def days(first: date, end: date) -> list[tuple[date, str]]:
    """At most twelve days to name on the axis, mostly six to nine: firsts of months when the span is long enough."""
    span = (end - first).days
    if span < 60:
        step = max(1, span // 6)
        return [(day, f"{day:%d %b}") for day in (first + timedelta(days=n) for n in range(0, span + 1, step))]
    whole_years = 12 * -(-span // (9 * 366))
    every = next((months for months in (1, 2, 3, 6, 12) if span / 30.4 / months <= 9), max(24, whole_years))
    # months from 0 for January of the year 0: from the one after the first day's to that of the end
    after, last = first.year * 12 + first.month, end.year * 12 + end.month - 1
    months = range(-(-after // every) * every, last + 1, every)
    return [(day, f"{day:%b %Y}") for day in (date(month // 12, month % 12 + 1, 1) for month in months)]
