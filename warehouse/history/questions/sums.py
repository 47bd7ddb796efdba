"""Sums over rides and days: what can be added is added, so that days make months and rides make a park."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

#: columns of ride_days that add up, named alike in Sums
ADDED = (
    "observations",
    "operating_minutes",
    "hours_minutes",
    "hours_operating",
    "hours_down",
    "hours_unknown",
    "standby_minutes",
    "standby_sum",
)
#: and in SumsInFull
ADDED_IN_FULL = (
    "down_minutes",
    "closed_minutes",
    "refurbishment_minutes",
    "unknown_minutes",
    "hours_closed",
    "hours_refurbishment",
    "return_minutes",
)
KNOWN = "operating_minutes + down_minutes + closed_minutes + refurbishment_minutes"


def _added(names: Iterable[str]) -> list[str]:
    """As doubles, which hold such sums exactly and add up in two thirds of the time that decimals take."""
    return [f"SUM({name} + 0e0)" for name in names]


class Shares:
    """What follows from the sums of one ride's day, or of many rides and days."""

    __slots__ = ()

    hours_minutes: int
    hours_operating: int
    hours_down: int
    hours_unknown: int
    standby_minutes: int
    standby_sum: int

    @property
    def standby_mean(self) -> float | None:
        """Minutes, over all rides and all the time in which they showed a wait; None where none did."""
        return self.standby_sum / self.standby_minutes if self.standby_minutes else None

    @property
    def down_share(self) -> float | None:
        """0 to 1, of the time within park hours in which rides were to operate; None where none was."""
        meant = self.hours_operating + self.hours_down
        return self.hours_down / meant if meant else None

    @property
    def known(self) -> float | None:
        """0 to 1: the share of park hours of which it is known how rides stood; None without park hours."""
        return 1 - self.hours_unknown / self.hours_minutes if self.hours_minutes else None


@dataclass(slots=True)
class Sums(Shares):
    """All together: minutes of rides (two rides that operate for an hour are 120), waits x minutes, the highest wait.

    `ride_days`: rides x days that are in it. `operated`, `waited`: those of them on which the ride operated, showed a
    wait, for a minute. `known_minutes`: of which it is known how rides stood.
    """

    #: of one row, in the order of the fields. No more than most questions ask: of 5 years of 60 rides each sum takes
    #: the server 6 ms, beside 50 ms for reading them
    SELECTED: ClassVar[list[str]] = [
        "COUNT(*)",
        "COUNT(NULLIF(operating_minutes, 0))",
        "COUNT(NULLIF(standby_minutes, 0))",
        f"SUM({KNOWN} + 0e0)",
        *_added(ADDED),
        "MAX(standby_max)",
    ]

    #: the same of park_days, where they are added up already
    KEPT: ClassVar[list[str]] = ["ride_days", "operated", "waited", KNOWN, *ADDED, "standby_max"]

    ride_days: int = 0
    operated: int = 0
    waited: int = 0
    known_minutes: int = 0
    observations: int = 0
    operating_minutes: int = 0
    hours_minutes: int = 0
    hours_operating: int = 0
    hours_down: int = 0
    hours_unknown: int = 0
    standby_minutes: int = 0
    standby_sum: int = 0
    standby_max: int | None = None

    @property
    def is_known(self) -> bool:
        """Whether anything is known of how the rides stood."""
        return self.known_minutes > 0

    def add(self, other: Any) -> None:
        """Another one's, or those of one ride's day: whatever has the columns of ride_days."""
        if isinstance(other, Sums):
            self.ride_days += other.ride_days
            self.operated += other.operated
            self.waited += other.waited
            self.known_minutes += other.known_minutes
        else:
            self.ride_days += 1
            self.operated += other.operating_minutes > 0
            self.waited += other.standby_minutes > 0
            self.known_minutes += other.operating_minutes + other.down_minutes
            self.known_minutes += other.closed_minutes + other.refurbishment_minutes
        # written out: 5 years of days make months in a third of the time that a loop over names takes
        self.observations += other.observations
        self.operating_minutes += other.operating_minutes
        self.hours_minutes += other.hours_minutes
        self.hours_operating += other.hours_operating
        self.hours_down += other.hours_down
        self.hours_unknown += other.hours_unknown
        self.standby_minutes += other.standby_minutes
        self.standby_sum += other.standby_sum
        if other.standby_max is not None:
            self.standby_max = max(other.standby_max, self.standby_max or 0)


@dataclass(slots=True)
class SumsInFull(Sums):
    """Also how the minutes went of which most questions do not ask."""

    SELECTED: ClassVar[list[str]] = [*Sums.SELECTED, *_added(ADDED_IN_FULL), "MIN(standby_min)"]
    KEPT: ClassVar[list[str]] = [*Sums.KEPT, *ADDED_IN_FULL, "standby_min"]

    down_minutes: int = 0
    closed_minutes: int = 0
    refurbishment_minutes: int = 0
    unknown_minutes: int = 0
    hours_closed: int = 0
    hours_refurbishment: int = 0
    return_minutes: int = 0
    standby_min: int | None = None

    def add(self, other: Any) -> None:
        """As that of Sums."""
        Sums.add(self, other)
        for name in ADDED_IN_FULL:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        if other.standby_min is not None:
            self.standby_min = min(
                other.standby_min, other.standby_min if self.standby_min is None else self.standby_min
            )


def of_row(kind: type[Sums], row: Sequence[Any]) -> Any:
    """A `kind` from what its SELECTED gives (the server's sums are doubles)."""
    values: list[Any] = [None if value is None else int(value) for value in row]
    return kind(*values)


def total(parts: Iterable[Any]) -> Sums:
    """Of all of them together."""
    found = Sums()
    for part in parts:
        found.add(part)
    return found
