"""Whether one reading of a day falls far short of another, so that it must not take its place unless forced.

The measure (docs/decisions/archive-over-live.md): the number of observations, the rides they are of, and the clock
hours (UTC) in which at least one of them lies. Used where the archive is to replace LIVE rows, and where a file that
was published again is to replace what its earlier reading stored.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from warehouse.snapshot_id import RIDE_ID_BITS, ride_id_of
from warehouse.text import count_of

MS_PER_HOUR = 3_600_000
LEAST_SHARE = 0.5  # of the observations, and of the rides
HOURS_LOST_MOST = 1  # one late or early row of a day that is otherwise whole


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard of a park on a day."""

    observations: int
    hours: frozenset[int]  # since 1970
    rides: frozenset[int | str]

    def __str__(self) -> str:
        return (
            f"{count_of(self.observations, 'observation')} of {count_of(len(self.rides), 'ride')} "
            f"in {count_of(len(self.hours), 'hour')}"
        )

    def falls_far_short_of(self, other: "Heard") -> bool:
        """Fewer than half of the observations or of the rides, or two hours or more of the other's without a word."""
        return (
            self.observations < other.observations * LEAST_SHARE
            or len(self.rides) < len(other.rides) * LEAST_SHARE
            or len(other.hours - self.hours) > HOURS_LOST_MOST
        )


def heard(snapshot_ids: Iterable[int]) -> Heard:
    """Of these snapshots, each of which is one observation of one ride."""
    ids = set(snapshot_ids)
    return Heard(
        len(ids),
        frozenset((snapshot_id >> RIDE_ID_BITS) // MS_PER_HOUR for snapshot_id in ids),
        frozenset(ride_id_of(snapshot_id) for snapshot_id in ids),
    )


def heard_of(observations: Iterable[tuple[str, int]]) -> Heard:
    """Of these observations, which have no row yet: the entity and the milliseconds since 1970 of each."""
    distinct = set(observations)
    return Heard(
        len(distinct),
        frozenset(milliseconds // MS_PER_HOUR for _, milliseconds in distinct),
        frozenset(entity_id for entity_id, _ in distinct),
    )
