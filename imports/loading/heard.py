"""What the events of one file or answer say of an entity beside its states: names, and what cannot be in a day.

The order of the events in the file means nothing here: an entity's are looked at in the order of their instants.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from operator import sub

from imports.events.validation import Observation
from warehouse.instants import day_at
from warehouse.models import NAME_LENGTH
from warehouse.outside import fitting

# Two states a second or two apart, so often in a file, are no ride that opens and closes: two systems write one id.
FLICKER_MS = 2_000
FLICKERS_MIN = 10


def by_entity(observations: Iterable[Observation]) -> dict[str, list[Observation]]:
    """The observations of each entity, the oldest first."""
    found: dict[str, list[Observation]] = {}
    for observation in observations:
        try:
            found[observation.entity_id].append(observation)
        except KeyError:
            found[observation.entity_id] = [observation]
    for mine in found.values():
        mine.sort(key=_instant)
    return found


def _instant(observation: Observation) -> int:
    return observation.milliseconds


def name_of(observation: Observation) -> str:
    """The name as it is stored; "" where the event has none."""
    return fitting(observation.said.name, NAME_LENGTH)


def newest_named(mine: list[Observation]) -> tuple[str, int] | None:
    """The name that was heard last, and when (milliseconds since 1970); None: no event has one."""
    newest: tuple[str, int] | None = None
    for observation in reversed(mine):
        if newest is not None and observation.milliseconds < newest[1]:
            break
        if name := name_of(observation):
            newest = max((name, observation.milliseconds), newest or ("", observation.milliseconds))  # of one instant
    return newest


def alternating_names(mine: list[Observation]) -> list[str]:
    """The names that one id has by turns on one day (UTC): two or more that were gone and came back.

    A rename is none, nor is a stray name amid events of another one.
    """
    names = [observation.said.name for observation in mine]
    if names.count(names[0]) == len(names):  # of nearly all; a tenth of the time of what follows
        return []
    left: dict[tuple[int, str], None] = {}  # by day, names that another one followed
    back: list[str] = []
    for before, after in pairwise(_named(mine)):
        if before[1] == after[1] or before[0] != after[0]:
            continue
        left[before] = None
        if after in left and after[1] not in back:
            back.append(after[1])
    return sorted(back) if len(back) > 1 else []


def _named(mine: list[Observation]) -> Iterator[tuple[int, str]]:
    for observation in mine:
        if name := name_of(observation):
            yield day_at(observation.milliseconds).toordinal(), name


def flickers(mine: list[Observation]) -> list[Observation]:
    """Observations whose status differs from the one FLICKER_MS or less before it; [] where they are few."""
    instants = [observation.milliseconds for observation in mine]
    if len(mine) <= FLICKERS_MIN or min(map(sub, instants[1:], instants)) > FLICKER_MS:
        return []  # nearly all
    found = [
        after
        for before, after in pairwise(mine)
        if 0 < after.milliseconds - before.milliseconds <= FLICKER_MS and _status(before) != _status(after)
    ]
    return found if len(found) >= FLICKERS_MIN else []


def _status(observation: Observation) -> str:
    return observation.state.partition("\t")[0]
