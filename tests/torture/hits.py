"""What strikes have in common: where in an import they hit, and what is made of how a process ended."""

import random
import signal
from collections.abc import Callable

from tests.torture.children import Child, Trigger
from tests.torture.lane import Lane

Strike = Callable[[Lane, random.Random], None]
ENOUGH = {0, 1, 3, 130}  # exit statuses that are an answer, to Ctrl-C too


def number(chance: random.Random, most: float) -> int:
    """Small ones as often as large ones."""
    return int(most ** chance.random())


def trigger(chance: random.Random, **more) -> Trigger:
    if chance.random() < 0.4:
        return Trigger("commit", number(chance, 16), chance.choice(["before", "after"]), **more)
    return Trigger("statement", number(chance, 260), chance.choice(["before", "after"]), **more)


def ended(lane: Lane, child: Child, kind: str, status: int) -> None:
    if status == -signal.SIGKILL:
        lane.kills[kind] += 1
    elif status not in ENOUGH and status != -signal.SIGTERM:
        lane.notes.append(f"{kind}: exit status {status}: {child.said()[-600:]}")
