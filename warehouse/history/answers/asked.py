"""The questions by name, with what each takes and an example: what `manage.py ask --list` prints."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

from warehouse.history.answers import comparing, days, rides
from warehouse.history.answers.answer import Answer, Asked
from warehouse.history.questions.compare import Matched
from warehouse.history.questions.hours import ROWS
from warehouse.text import count_of

_EITHER, _PARK, _PARKS = ("park", "ride"), ("park",), ("park", "parks")
DAYS_NAMED = 5


@dataclass(frozen=True, slots=True)
class Question:
    """`of`: what it can be asked of: "park" (one), "parks" (several), "ride". `by`: the words that --by takes.
    `options`: further ones it takes. `example`: what follows `manage.py ask` and the name."""

    name: str
    tells: str
    example: str
    answer: Callable[[Asked], Answer]
    of: tuple[str, ...] = _EITHER
    by: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


QUESTIONS = {
    question.name: question
    for question in (
        Question(
            "park-days",
            "each day of a park, all its rides together",
            "--park 7 --from 2025-07 --to 2025-07",
            days.park_days,
            _PARKS,
        ),
        Question(
            "park-months",
            "the same by month",
            '--park "Magic Kingdom Park" --from 2024-01 --to 2025-12',
            days.park_months,
            _PARK,
        ),
        Question(
            "ride-days",
            "each day of a ride, or of the rides of a park",
            "--ride 123 --from 2025-07-01 --to 2025-07-14 --format json",
            days.ride_days,
        ),
        Question(
            "hours",
            "waits by hour of the park's clock, by day, weekday or month",
            "--park 7 --from 2025-07 --to 2025-07 --by weekday",
            comparing.hours_of_clock,
            by=tuple(ROWS),
        ),
        Question(
            "compare",
            "the period beside the same one of years before, day by day where both are known",
            "--park 7 --from 2025-07-01 --to 2025-07-14 --matched weekdays",
            comparing.comparison,
            by=("total", "day"),
            options=("matched", "years"),
        ),
        Question(
            "beside",
            "parks beside each other, over the days known of all of them",
            "--park 7 --park 8 --from 2025-07 --to 2025-07",
            comparing.parks_beside,
            _PARKS,
        ),
        Question(
            "busy",
            "each day's wait in relation to that of its year",
            "--park 7 --from 2025-01 --to 2025-12 --format csv",
            comparing.busy_days,
        ),
        Question(
            "longest",
            "the longest waits: which ride, when, how long",
            "--park 7 --from 2025-01 --to 2025-12 --count 20",
            rides.longest_waits,
            options=("count", "each_ride_once"),
        ),
        Question(
            "ranking",
            "rides by the share of park hours in which they were down",
            "--park 7 --from 2025-01 --to 2025-12",
            rides.reliability,
            _PARK,
        ),
        Question(
            "tiers",
            "what tiers a year's waits suggest (1 flagship, 2, 3)",
            "--park 7 --from 2025-01 --to 2025-12",
            rides.suggested_tiers,
            _PARK,
        ),
        Question(
            "times",
            "when rides operated first and last on each day",
            "--ride 123 --from 2025-07 --to 2025-07",
            rides.operating_times,
        ),
        Question(
            "dropped-out",
            "rides of which nothing is heard while their park goes on",
            "--park 7",
            rides.dropped_out,
            _PARKS,
        ),
        Question(
            "prices",
            "what paid lines cost on each day, lowest and highest",
            "--park 7 --from 2025-07 --to 2025-07",
            rides.prices,
        ),
        Question(
            "return-times",
            "how long return times were given out on each day",
            "--park 7 --from 2025-07 --to 2025-07",
            rides.return_times,
        ),
        Question(
            "boarding-groups",
            "what was said of boarding groups on a day",
            "--park 7 --from 2025-07-04 --to 2025-07-04",
            rides.boarding_groups,
        ),
    )
}
MATCHED = tuple(each.value for each in Matched)


def answer(question: Question, asked: Asked) -> Answer:
    """With remarks on the period, on what is not known of it, and as of when."""
    found = question.answer(asked)
    known = asked.known
    zone = known.zone.key
    whose = f"ride {asked.ride.ride_name}" if asked.ride else ", ".join(park.park_name for park in asked.parks)
    if question.name == "dropped-out":
        found.remarks.insert(0, f"{whose}; as of {asked.now:%Y-%m-%d %H:%M} UTC.")
        return found
    found.remarks.insert(
        0,
        f"{whose}, {asked.first} to {asked.last}, days and hours there ({zone}); as of {asked.now:%Y-%m-%d %H:%M} UTC.",
    )
    by_day = known.by_park_and_day()
    for park in known.parks.values():
        missing = [day for day in known.days if (park.pk, day) not in by_day]
        if missing and not asked.ride:
            of = f" of {park.park_name}" if len(known.parks) > 1 else ""
            found.remarks.append(
                f"Nothing is known{of} of {len(missing)} of {count_of(len(known.days), 'day')}{_named(missing)}."
            )
    if known.stale and known.from_rows:
        found.remarks.append(
            f"{count_of(len(known.from_rows), 'day')} computed from the rows, whose sums are not up to date "
            "(manage.py rebuild_days makes them)."
        )
    if known.left_out:
        found.remarks.append(f"{count_of(len(known.left_out), 'day')} left out: their sums are not made yet.")
    return found


def _named(days: list[date]) -> str:
    return f" ({', '.join(map(str, days))})" if len(days) <= DAYS_NAMED else f" (from {days[0]} to {days[-1]})"
