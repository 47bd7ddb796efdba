"""One ride on one day of its park, as questions tell it: a row of ride_days, or what the rows of a stale day give."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from warehouse.history.questions.sums import Shares
from warehouse.instants import aware_utc


class _Columns(NamedTuple):
    park_id: int
    day: date
    ride_id: int
    told_by: str  # ARCHIVE, LIVE, BOTH
    observations: int
    operating_minutes: int
    down_minutes: int
    closed_minutes: int
    refurbishment_minutes: int
    unknown_minutes: int
    hours_minutes: int
    hours_operating: int
    hours_down: int
    hours_closed: int
    hours_refurbishment: int
    hours_unknown: int
    standby_minutes: int
    standby_sum: int
    standby_min: int | None
    standby_p50: int | None
    standby_p90: int | None
    standby_max: int | None
    single_minutes: int
    single_sum: int
    single_min: int | None
    single_p50: int | None
    single_p90: int | None
    single_max: int | None
    first_operating_at: datetime | None  # aware, UTC
    last_closed_at: datetime | None
    return_minutes: int
    price_min: Decimal | None
    price_max: Decimal | None
    price_currency: str | None
    hours: bytes | None  # warehouse.history.clock_hours


class RideOnDay(_Columns, Shares):
    """See RideDay (warehouse/day_models.py) for what the columns mean; the shares are of this ride and day."""

    __slots__ = ()

    @property
    def minutes(self) -> int:
        """Looked at, of that day."""
        return (
            self.operating_minutes
            + self.down_minutes
            + self.closed_minutes
            + self.refurbishment_minutes
            + self.unknown_minutes
        )

    @property
    def is_known(self) -> bool:
        """Whether anything is known of how the ride stood."""
        return self.minutes > self.unknown_minutes

    @property
    def single_mean(self) -> float | None:
        """As standby_mean, of the single rider line."""
        return self.single_sum / self.single_minutes if self.single_minutes else None


COLUMNS = RideOnDay._fields
_FIRST, _LAST = COLUMNS.index("first_operating_at"), COLUMNS.index("last_closed_at")
FIGURES = COLUMNS[4:]  # named alike in what warehouse.history.reading gives


def of_row(row: Sequence[Any]) -> RideOnDay:
    """From the columns of a row of ride_days."""
    found = RideOnDay._make(row)
    if found.first_operating_at is None and found.last_closed_at is None:
        return found
    return found._replace(first_operating_at=_aware(row[_FIRST]), last_closed_at=_aware(row[_LAST]))


def of_figures(park_id: int, day: date, ride_id: int, told_by: str, figures: Any) -> RideOnDay:
    """From a Figures of warehouse.history.reading."""
    return RideOnDay(park_id, day, ride_id, str(told_by), *(getattr(figures, name) for name in FIGURES))


def _aware(naive: datetime | None) -> datetime | None:
    return None if naive is None else aware_utc(naive)
