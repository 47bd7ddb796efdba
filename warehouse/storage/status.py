"""What is to be said of the storage today, with the settings and the disk at hand: for command, task, admin and home.

Reads stored measurements alone, so it is quick enough for a page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings

from warehouse.models import StorageMetrics
from warehouse.server import catalog
from warehouse.storage.forecast import Forecast, Point, forecast, load, warnings


@dataclass(frozen=True, slots=True)
class StorageStatus:
    """Before the first measurement there are no points, no forecast, and nothing to warn of."""

    points: list[Point]
    forecast: Forecast | None
    warnings: list[str]  # a sentence each


def storage() -> StorageStatus:
    """The measurements so far and what follows from them, as the settings and the disk are now; measures nothing."""
    points = load()
    found = reckon(points, disk_free_mb())
    return StorageStatus(points, found, warnings(found))


def newest(points: Sequence[Point]) -> dict[str, StorageMetrics]:
    """The measurements of the last day, by table."""
    if not points:
        return {}
    return {metrics.table_name: metrics for metrics in StorageMetrics.objects.filter(measurement_date=points[-1].day)}


def disk_free_mb() -> float | None:
    """Of the disk with the server's files; None when it is on another machine."""
    free = catalog.disk_free_bytes()
    return None if free is None else free / 1e6


def reckon(points: Sequence[Point], disk_free_mb: float | None) -> Forecast | None:
    """The forecast by the capacity in the settings; None when nothing is measured."""
    return forecast(points, capacity_mb=settings.STORAGE_CAPACITY_GB * 1000 or None, disk_free_mb=disk_free_mb)
