"""What is to be said of the storage today, with the settings and the disk at hand: for command, task, admin and home.

Reads stored measurements alone, so it is quick enough for a page.
"""

from dataclasses import dataclass

from django.conf import settings

from warehouse import catalog
from warehouse.forecast import Forecast, Point, forecast, load, warnings
from warehouse.models import StorageMetrics


@dataclass(frozen=True, slots=True)
class StorageOutlook:
    """`tables` are the newest measurements by name; all is empty before the first one."""

    points: list[Point]
    tables: dict[str, StorageMetrics]
    forecast: Forecast | None
    disk_free_mb: float | None  # None: the database is on another machine
    warnings: list[str]


def storage() -> StorageOutlook:
    points = load()
    newest = StorageMetrics.objects.filter(measurement_date=points[-1].day) if points else ()
    tables = {metrics.table_name: metrics for metrics in newest}
    free = catalog.disk_free_bytes()
    free_mb = None if free is None else free / 1e6
    found = forecast(points, capacity_mb=settings.STORAGE_CAPACITY_GB * 1000 or None, disk_free_mb=free_mb)
    return StorageOutlook(points, tables, found, free_mb, warnings(found))
