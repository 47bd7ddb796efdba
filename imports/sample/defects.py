"""What happens to whole files of a sample archive with defects, and on which days.

Files go missing, come damaged, or come in another wrapping than usual; a park opens in the middle of the range.
Between two such days lies at least one ordinary file, and the first two and the last are ordinary: the events with
issues (planting) go into those.
"""

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache
from random import Random

from imports.sample import cases_again, cases_with_issues
from imports.sample.planting import Planted, Planter
from imports.sample.resorts import Destination, make_new_park

CASES = (*cases_again.CASES, *cases_with_issues.CASES)
MISSING = "missing"
ORDINARY = "ordinary"
NO_EVENTS = "an empty list of events"
ZLIB_LEVEL = 1  # 600,000 events/s; level 6 makes files of two thirds the size at a quarter of the speed
TOO_FAR_MB = 280  # beyond 256 MB, whether a MB has 1000 or 1024 kB


def wrap(body: bytes) -> bytes:
    """The bytes of a day file as the archive has it: a zlib stream."""
    return zlib.compress(body, ZLIB_LEVEL)


def _gzip(body: bytes) -> bytes:
    packer = zlib.compressobj(ZLIB_LEVEL, wbits=31)  # gzip's own header has no clock in it this way
    return packer.compress(body) + packer.flush()


def _wrong_checksum(body: bytes) -> bytes:
    data = wrap(body)
    return data[:-1] + bytes([data[-1] ^ 0xFF])


def _cut_short(body: bytes) -> bytes:
    data = wrap(body)
    return data[: len(data) * 2 // 3]


@lru_cache
def _inflates_too_far(body: bytes = b"") -> bytes:
    """Good JSON with no events in it, of 280 MB: 1.3 MB on disk, made in half a second."""
    packer = zlib.compressobj(1)
    spaces = b" " * 1_000_000
    parts = [packer.compress(b'{"events":['), *(packer.compress(spaces) for _ in range(TOO_FAR_MB * 1024 // 1000))]
    return b"".join([*parts, packer.compress(b"]}"), packer.flush()])


#: what a file can be that is read like any other: name -> its bytes, from the JSON text it should hold
READABLE: dict[str, Callable[[bytes], bytes]] = {
    ORDINARY: wrap,
    "gzip instead of zlib": _gzip,
    "plain JSON": lambda body: body,
    "a bare array of events": lambda body: wrap(body.removeprefix(b'{"events":').removesuffix(b"}")),
    NO_EVENTS: wrap,
}
#: and what it can be that gives nothing
UNREADABLE: dict[str, Callable[[bytes], bytes]] = {
    "a zlib stream with a wrong checksum": _wrong_checksum,
    "a zlib stream cut short": _cut_short,
    "of no known format": lambda body: b"\x00\x01 not an archive",
    "empty": lambda body: b"",
    "not JSON": lambda body: wrap(b"<html><body>503 Service Unavailable</body></html>"),
    "JSON cut short": lambda body: wrap(body[: len(body) * 2 // 3]),
    "JSON without a list of events": lambda body: wrap(b'{"rows":' + body.removeprefix(b'{"events":')),
    "JSON with events that are no list": lambda body: wrap(b'{"events":{"first":1}}'),
    "one that inflates beyond 256 MB": lambda body: _inflates_too_far(),
}
#: days that follow each other; their order is the seed's
BLOCKS = (
    (MISSING,),
    (MISSING, MISSING, MISSING),
    ("a zlib stream with a wrong checksum", "gzip instead of zlib"),
    ("a zlib stream cut short",),
    ("of no known format", "empty"),
    ("plain JSON", "not JSON"),
    ("JSON cut short",),
    ("JSON without a list of events", "a bare array of events"),
    ("JSON with events that are no list", NO_EVENTS),
    ("one that inflates beyond 256 MB",),
)
DAYS_MIN = 2 + sum(len(block) + 1 for block in BLOCKS)
EVENTS_PER_DAY_MIN = 100  # so that every park reports on every day


class Defects:
    """Everything that is wrong with one destination's files."""

    def __init__(self, resort: Destination, first: date, days: int, seed: int):
        random = Random(f"{seed}/defects/{resort.index}").random
        self.resort = resort
        self.shapes = _layout(first, days, random)
        ordinary = [first + timedelta(days=n) for n in range(days) if self.shape(first + timedelta(days=n)) == ORDINARY]
        self.new_park = make_new_park(resort)
        self.opening = ordinary[len(ordinary) // 2]
        self.planter = Planter(resort, ordinary)
        order = sorted((random(), number) for number in range(len(CASES)))
        for place, (_, number) in enumerate(order):
            case = CASES[number]
            day_index = 0 if case.neighbours else place * (len(ordinary) - 1) // len(CASES)
            self.planter.begin(case.what, resort.parks[place % len(resort.parks)], day_index, place)
            case.plant(self.planter)

    def shape(self, day: date) -> str:
        """What the file of a day is: ORDINARY, MISSING, or a key of READABLE or UNREADABLE."""
        return self.shapes.get(day, ORDINARY)

    def resort_on(self, day: date) -> Destination:
        """The destination, with its new park from the day it opens."""
        if day < self.opening:
            return self.resort
        return replace(self.resort, parks=(*self.resort.parks, self.new_park))

    def report(self) -> list[dict]:
        """What is wrong with which file, for the manifest: whole files first, then events, each in order of days."""
        reasons = dict.fromkeys(UNREADABLE, "unreadable_file") | {MISSING: "missing_days"}
        files = [
            self._whole(f"the file is {shape}", day, {reasons[shape]: 1} if shape in reasons else {})
            for day, shape in sorted(self.shapes.items())
        ]
        opening = self._whole("a park that first appears here", self.opening, {}) | {"park": self.new_park.uuid}
        return [*files, opening, *sorted(self.planter.report, key=lambda case: case["date"])]

    def _whole(self, case: str, day: date, findings: dict[str, int]) -> dict:
        return {
            "case": case,
            "destination": self.resort.uuid,
            "date": day,
            "park": None,
            "expected": {},
            "findings": findings,
        }

    def planted_on(self, day: date) -> Planted:
        """What goes into the file of a day beside its ordinary events; empty on most days."""
        return self.planter.files.get(day, Planted())


def _layout(first: date, days: int, random) -> dict[date, str]:
    blocks = [block for _, block in sorted((random(), block) for block in BLOCKS)]
    gaps = [2] + [1] * len(blocks)
    for _ in range(days - DAYS_MIN):
        gaps[int(random() * len(gaps))] += 1
    shapes, day = {}, first
    for gap, block in zip(gaps, blocks, strict=False):
        day += timedelta(days=gap)
        for shape in block:
            shapes[day] = shape
            day += timedelta(days=1)
    return shapes
