"""One change, two feeds: the stored row that stands for an observation which another feed gave another instant.

The archive has milliseconds, the History API whole seconds, the live API either, by the resort. So a row a second away
that says the same is the same change, under the conditions below (docs/decisions/one-record-two-feeds.md). Whatever
order the feeds come in, the same rows are taken for one: no condition asks which of the two was stored.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from imports.events.validation import Observation
from imports.loading.content import Content, agree, content_of
from imports.loading.held import REACH_MS, Held, Span
from warehouse.snapshot_id import RIDE_ID_BITS, RIDE_ID_MASK

_REACH = REACH_MS + 1 << RIDE_ID_BITS  # of ids, whatever their rides

Pair = tuple[int, int]  # the snapshot_id of an observation, and that of the stored row beside it


@dataclass(frozen=True, slots=True)
class Known:
    """What the table holds of the observations of one file or answer, by their snapshot_id."""

    own: dict[int, Content]  # under the very id
    stand_ins: dict[int, int]  # the id of the row that stands for it
    contents: dict[int, Content]  # of rows that may stand for others, by their own id


def known_of(rows: Mapping[int, Observation], ride_ids: Collection[int], span: Span, held: Held) -> Known:
    """`rows` by their snapshot_id, of the rides `ride_ids`; `span`: see Held.look."""
    own, beside = held.look(ride_ids, rows, span)
    found = pairs(rows, own, beside) if beside else []
    contents = held.contents({kept for _, kept in found})
    return Known(own, choose(found, lambda said, kept: agree(contents[kept], content_of(rows[said]))), contents)


def pairs(incoming: Collection[int], own: Collection[int], beside: Collection[int]) -> list[Pair]:
    """Which rows may be one change by their instants alone, the nearest first, then the earliest.

    All by snapshot_id. `incoming`: of one file, whose rows are never taken for one another; `own`: those of them that
    are stored, each its own row; `beside`: other stored rows. Two belong together where no row of the ride lies
    between them, they are REACH_MS apart at most, and one of the two instants is a whole second: two instants with
    milliseconds were not blurred by anybody, and are two.
    """
    lines: dict[int, list[int]] = {key & RIDE_ID_MASK: [] for key in beside}
    # mostly they lie at the ends of a file's day, and few of its rows are near
    low, high = min(beside, default=0) - _REACH, max(beside, default=0) + _REACH
    for ids in (beside, [key for key in incoming if low <= key <= high]):
        for key in ids:
            line = lines.get(key & RIDE_ID_MASK)
            if line is not None:
                line.append(key)
    found = []
    for line in lines.values():
        line.sort()  # ids of one ride lie in the order of time
        for one, other in pairwise(line):
            distance = (other - one) >> RIDE_ID_BITS
            if distance > REACH_MS or ((one >> RIDE_ID_BITS) % 1000 and (other >> RIDE_ID_BITS) % 1000):
                continue
            said, kept = (other, one) if one in beside else (one, other)
            if kept in beside and said not in beside and said not in own:
                found.append((distance, one, said, kept))
    return [(said, kept) for _, _, said, kept in sorted(found)]


def choose(candidates: Iterable[Pair], agrees: Callable[[int, int], bool]) -> dict[int, int]:
    """The stored row that stands for each observation: those that agree (asked by observation and row), each once."""
    stand_ins: dict[int, int] = {}
    taken: set[int] = set()
    for said, kept in candidates:
        if said not in stand_ins and kept not in taken and agrees(said, kept):
            stand_ins[said] = kept
            taken.add(kept)
    return stand_ins
