"""Making days anew park by park: as many as there is time for, a go of each in turn, so that no park waits for all of
another's years. What is left is marked still, and the next call goes on with it."""

import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from warehouse.history.recompute import Made, ParkBusy, recompute
from warehouse.server.away import looking_anew
from warehouse.server.errors import ServerAway
from warehouse.text import count_of

logger = logging.getLogger(__name__)


class DaysFailed(Exception):
    """Days of some parks could not be made anew, and stay marked; the message says why."""


@dataclass
class Round:
    """What one call made, and which parks it had to leave."""

    made: list[Made] = field(default_factory=list)
    busy: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)

    @property
    def days(self) -> int:
        """How many days are what the rows say since."""
        return sum(each.days for each in self.made)

    @property
    def parks(self) -> int:
        """Of how many parks."""
        return len({each.park_id for each in self.made})

    def __str__(self) -> str:
        busy = f", {count_of(len(self.busy), 'park')} left to others that are at it" if self.busy else ""
        return f"{count_of(self.days, 'day')} of {count_of(self.parks, 'park')} made anew{busy}"


def make(
    park_ids: Iterable[int],
    now: datetime,
    *,
    not_final_after: timedelta = timedelta(0),
    patience_seconds: int = 0,
    seconds: float | None = None,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[Made], None] = lambda made: None,
) -> Round:
    """Make the marked days of these parks anew until none is left, `seconds` are over or `stop()` says so.

    `say` is told of each go. DaysFailed: of some parks it could not be done, after it was done of all others.
    """
    until = None if seconds is None else time.monotonic() + seconds
    found = Round()
    left = list(park_ids)
    random.shuffle(left)  # where there never is time for all, it is not always the same ones that wait
    while left:
        for park_id in list(left):
            if stop() or (until is not None and time.monotonic() > until):
                return _checked(found)
            go = partial(
                recompute, park_id, now, not_final_after=not_final_after, patience_seconds=patience_seconds, goes=1
            )
            try:
                made = looking_anew(go)  # again: marks say what is left
            except ParkBusy:
                found.busy.add(park_id)
                left.remove(park_id)
            except ServerAway as away:  # the others would wait for it in vain
                logger.error("days of park %s could not be made anew: %s", park_id, away)
                found.failed[park_id] = str(away)
                return _checked(found)
            except Exception as error:  # whatever it is: the other parks are to be done, and this one stays marked
                logger.exception("days of park %s could not be made anew", park_id)
                found.failed[park_id] = f"{type(error).__name__}: {error}"
                left.remove(park_id)
            else:
                for each in made:
                    say(each)
                found.made += made
                if not made:
                    left.remove(park_id)
    return _checked(found)


def _checked(found: Round) -> Round:
    if found.failed:
        (park_id, why), *_ = found.failed.items()
        many = count_of(len(found.failed), "park")
        raise DaysFailed(
            f"days of {many} could not be made anew (the first of them: park {park_id}, {why}). What was imported "
            "stays, and pages count these days from the rows; the workers try again, or:  manage.py rebuild_days"
        )
    return found
