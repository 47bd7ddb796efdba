"""Which of a park's days are held against the source, and in how few requests. No database.

A request costs the same for 1 day and for 31 in a row, so the days of a sample lie near one another: the newest, and
by chance some of the same month.
"""

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

DAYS_A_REQUEST = 31
DRAWN_TOGETHER = 10  # days by chance of one month; more than so many are drawn of a further one, for a request more


@dataclass(frozen=True, slots=True)
class Request:
    """Days of one park that one request covers, from the first to the last."""

    park_id: int
    days: tuple[date, ...]


def sample(days: Collection[date], again: Collection[date], count: int, seed: str) -> list[date]:
    """The newest of `days` and others by chance, `count` in all, in order; and those of `again`, which differed before.

    The same seed draws the same of the same days.
    """
    if not days:
        return []
    picked = {max(days)}
    chance = random.Random(seed)
    while len(picked) < count and (rest := sorted(set(days) - picked)):
        first = min(chance.choice(rest), rest[-1] - timedelta(days=DAYS_A_REQUEST - 1))  # a whole month, at the end too
        month = [day for day in rest if first <= day < first + timedelta(days=DAYS_A_REQUEST)]
        picked |= set(chance.sample(month, min(len(month), DRAWN_TOGETHER, count - len(picked))))
    return sorted(picked | (set(again) & set(days)))


def requests(park_id: int, days: Collection[date]) -> list[Request]:
    """The fewest that cover these days, the newest first."""
    found: list[list[date]] = []
    for day in sorted(days, reverse=True):
        if found and (found[-1][0] - day).days < DAYS_A_REQUEST:
            found[-1].append(day)
        else:
            found.append([day])
    return [Request(park_id, tuple(reversed(group))) for group in found]
