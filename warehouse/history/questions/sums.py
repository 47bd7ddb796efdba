"""Sums over rides and days: what can be added is added, so that days make months and rides make a park."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: columns of ride_days that add up, named alike in Sums
ADDED = (
    "observations",
    "operating_minutes",
    "down_minutes",
    "closed_minutes",
    "refurbishment_minutes",
    "unknown_minutes",
    "hours_minutes",
    "hours_operating",
    "hours_down",
    "hours_closed",
    "hours_refurbishment",
    "hours_unknown",
    "standby_minutes",
    "standby_sum",
    "return_minutes",
)
#: of one row, in the order of Sums. As doubles, which hold such sums exactly and add up a third faster than decimals:
#: 137,000 rows by ride took 0.38 s of the server's time as decimals, 0.25 s so
SELECTED = ", ".join(
    [
        "COUNT(*)",
        "SUM(operating_minutes > 0)",
        *(f"SUM({column} + 0e0)" for column in ADDED),
        "MIN(standby_min)",
        "MAX(standby_max)",
    ]
)


class Shares:
    """What follows from the sums of one ride's day, or of many rides and days."""

    __slots__ = ()

    operating_minutes: int
    down_minutes: int
    closed_minutes: int
    refurbishment_minutes: int
    unknown_minutes: int
    hours_minutes: int
    hours_operating: int
    hours_down: int
    hours_unknown: int
    standby_minutes: int
    standby_sum: int

    @property
    def minutes(self) -> int:
        """Looked at, of all rides and days together."""
        return (
            self.operating_minutes
            + self.down_minutes
            + self.closed_minutes
            + self.refurbishment_minutes
            + self.unknown_minutes
        )

    @property
    def is_known(self) -> bool:
        """Whether anything is known of how the rides stood."""
        return self.minutes > self.unknown_minutes

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
    """All together: minutes of rides (two rides that operate for an hour are 120), waits x minutes, lowest and highest.

    `ride_days`: rides x days that are in it. `operated`: those of them on which the ride operated for a minute.
    """

    ride_days: int = 0
    operated: int = 0
    observations: int = 0
    operating_minutes: int = 0
    down_minutes: int = 0
    closed_minutes: int = 0
    refurbishment_minutes: int = 0
    unknown_minutes: int = 0
    hours_minutes: int = 0
    hours_operating: int = 0
    hours_down: int = 0
    hours_closed: int = 0
    hours_refurbishment: int = 0
    hours_unknown: int = 0
    standby_minutes: int = 0
    standby_sum: int = 0
    return_minutes: int = 0
    standby_min: int | None = None
    standby_max: int | None = None

    def add(self, other: Any) -> None:
        """Another one's, or those of one ride's day: whatever has the columns of ride_days."""
        if isinstance(other, Sums):
            self.ride_days += other.ride_days
            self.operated += other.operated
        else:
            self.ride_days += 1
            self.operated += other.operating_minutes > 0
        # written out: 5 years of days make months in a third of the time that a loop over names takes
        self.observations += other.observations
        self.operating_minutes += other.operating_minutes
        self.down_minutes += other.down_minutes
        self.closed_minutes += other.closed_minutes
        self.refurbishment_minutes += other.refurbishment_minutes
        self.unknown_minutes += other.unknown_minutes
        self.hours_minutes += other.hours_minutes
        self.hours_operating += other.hours_operating
        self.hours_down += other.hours_down
        self.hours_closed += other.hours_closed
        self.hours_refurbishment += other.hours_refurbishment
        self.hours_unknown += other.hours_unknown
        self.standby_minutes += other.standby_minutes
        self.standby_sum += other.standby_sum
        self.return_minutes += other.return_minutes
        if other.standby_max is not None:
            self.standby_min = min(other.standby_min, self.standby_min if self.standby_max is not None else 9999)
            self.standby_max = max(other.standby_max, self.standby_max or 0)


def of_row(row: Sequence[Any]) -> Sums:
    """From what SELECTED gives (the server's sums are doubles)."""
    return Sums(*map(int, row[:-2]), *row[-2:])


def total(parts: Iterable[Any]) -> Sums:
    """Of all of them together."""
    found = Sums()
    for part in parts:
        found.add(part)
    return found
