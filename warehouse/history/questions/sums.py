"""Sums over rides and days: what can be added is added, so that days make months and rides make a park."""

from collections.abc import Iterable
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
    "single_minutes",
    "single_sum",
    "return_minutes",
)
LOWEST, HIGHEST = ("standby_min", "single_min"), ("standby_max", "single_max")
#: of one row, in the order of Sums
SELECTED = ", ".join(
    [
        "COUNT(*)",
        "SUM(operating_minutes > 0)",
        *(f"SUM({column})" for column in ADDED),
        *(f"MIN({column})" for column in LOWEST),
        *(f"MAX({column})" for column in HIGHEST),
    ]
)


class Shares:
    """What follows from the sums of one ride's day, or of many rides and days."""

    __slots__ = ()

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
    def single_mean(self) -> float | None:
        """The same of the single rider line."""
        return self.single_sum / self.single_minutes if self.single_minutes else None

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
    single_minutes: int = 0
    single_sum: int = 0
    return_minutes: int = 0
    standby_min: int | None = None
    single_min: int | None = None
    standby_max: int | None = None
    single_max: int | None = None

    def add(self, other: Any) -> None:
        """Another one's, or those of one ride's day: whatever has the columns of ride_days."""
        if isinstance(other, Sums):
            self.ride_days += other.ride_days
            self.operated += other.operated
        else:
            self.ride_days += 1
            self.operated += other.operating_minutes > 0
        for name in ADDED:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for names, choose in ((LOWEST, min), (HIGHEST, max)):
            for name in names:
                values = [value for value in (getattr(self, name), getattr(other, name)) if value is not None]
                setattr(self, name, choose(values) if values else None)


def of_row(row: Iterable[Any]) -> Sums:
    """From what SELECTED gives (the server's sums are decimals)."""
    return Sums(*(None if value is None else int(value) for value in row))


def total(parts: Iterable[Any]) -> Sums:
    """Of all of them together."""
    found = Sums()
    for part in parts:
        found.add(part)
    return found
