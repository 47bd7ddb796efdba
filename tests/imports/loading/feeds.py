"""One truth, made up by a seed, as the feeds of ThemeParks.wiki tell it: archive, History API, live API.

The archive has every change to the millisecond. History has a row for each second in which something changed, which
says how the second ended; whether it cuts or rounds is not known. Live data has the state when it was asked, in seconds
(without ends of return times, as of Walt Disney World) or milliseconds (as of Tokyo).
"""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from tests.imports.building import event, ride

BEGIN = datetime(2024, 12, 25, 10, tzinfo=UTC)
#: after a change no other one follows for so long, but within a burst, which is over in a second
QUIET_MS = 2001
QUIET_AROUND_BURSTS_MS = 4000


@dataclass(frozen=True)
class Change:
    ride: str
    ms: int  # since BEGIN
    status: str
    wait: int
    window: int | None  # minutes after BEGIN at which a return window starts

    def event(self, ms: int, *, with_end: bool = True) -> dict:
        queue: dict = {"STANDBY": {"waitTime": self.wait}}
        if self.window is not None:
            queue["RETURN_TIME"] = {
                "state": "AVAILABLE",
                "returnStart": _text(self.window * 60_000),
                "returnEnd": _text((self.window + 15) * 60_000) if with_end else None,
            }
        return event(_text(ms), entity=self.ride, status=self.status, queue=queue)


Burst = list[Change]  # of one ride; mostly of one change


@dataclass(frozen=True)
class Delivery:
    """A file or an answer: what it says of which bursts."""

    feed: str
    bursts: list[Burst]
    events: list[dict]


def truth(rnd: random.Random, *, bursts: bool) -> list[Burst]:
    """The changes of a few rides, in the order of time. Each differs from the one before it in status or wait."""
    found = []
    for n in range(rnd.randint(1, 2)):
        ms, before = rnd.randrange(5000), None
        for _ in range(rnd.randint(2, 9)):
            offsets = [0, *sorted(rnd.sample(range(1, 1000), rnd.choice([0, 1, 2, 3])))] if bursts else [0]
            burst = []
            for offset in offsets:
                state = before
                while state == before:
                    state = rnd.choice(["OPERATING", "OPERATING", "DOWN"]), rnd.choice([5, 10, 45])
                before = state
                burst.append(Change(ride(n), ms + offset, *state, rnd.choice([None, 30, 60])))
            found.append(burst)
            quiet = QUIET_AROUND_BURSTS_MS if bursts else QUIET_MS
            ms = burst[-1].ms + quiet + rnd.choice([0, rnd.randrange(1000), rnd.randrange(60_000)])
    return sorted(found, key=lambda burst: burst[0].ms)


def deliveries(rnd: random.Random, bursts: list[Burst]) -> list[Delivery]:
    """Files and answers of all three feeds in any order, cut and overlapped at random, some of them more than once."""
    rounding, seconds = rnd.choice(["cut", "round"]), rnd.random() < 0.6
    found = []
    for feed in ("archive", "history"):
        for part in _cut(rnd, bursts):
            say = _archive if feed == "archive" else _cut_seconds if rounding == "cut" else _rounded_seconds
            found.append(Delivery(feed, part, [one for burst in part for one in say(burst)]))
    for burst in rnd.sample(bursts, rnd.randint(0, min(8, len(bursts)))):
        found.append(Delivery("live", [burst], [_live(burst[-1], seconds=seconds)]))
    rnd.shuffle(found)
    if rnd.random() < 0.3:  # one of the feeds was not asked for some of it, or for any
        del found[rnd.randrange(len(found)) :]
    return found + rnd.sample(found, len(found) // 3)


def _cut(rnd: random.Random, bursts: list[Burst]) -> list[list[Burst]]:
    edges = [0, *sorted(rnd.randint(0, len(bursts)) for _ in range(rnd.randint(0, 3))), len(bursts)]
    parts = [
        bursts[max(0, begin - rnd.choice([0, 0, 1, 3])) : end + rnd.choice([0, 0, 1, 3])]
        for begin, end in pairwise(edges)
    ]
    return [part for part in parts if part]


def _archive(burst: Burst) -> list[dict]:
    return [change.event(change.ms) for change in burst]


def _cut_seconds(burst: Burst) -> list[dict]:
    by_second = {change.ms // 1000 * 1000: change for change in burst}
    return [change.event(ms) for ms, change in by_second.items()]


def _rounded_seconds(burst: Burst) -> list[dict]:
    by_second = {(change.ms + 500) // 1000 * 1000: change for change in burst}
    return [change.event(ms) for ms, change in by_second.items()]


def _live(change: Change, *, seconds: bool) -> dict:
    return change.event(change.ms // 1000 * 1000, with_end=False) if seconds else change.event(change.ms)


def _text(ms: int) -> str:
    return (BEGIN + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds").replace("+00:00", "Z")
