"""Storage: size, growth, and when it is full."""

from datetime import datetime, timedelta
from math import isfinite

from django.db.models import Max

from config.home.page import Attention, Figure, Home, Part, link
from warehouse.models import StorageMetrics
from warehouse.storage import status
from warehouse.storage.forecast import limits_near
from warehouse.templatetags.figures import horizon, megabytes
from warehouse.text import duration_in_words

MEASURED_LATE = timedelta(days=2)  # the workers do it once a day


def add(found: Home, now: datetime) -> None:
    """The size on disk, its growth, and the nearer of two limits: the capacity, or the disk. Its warnings are said."""
    page = link("warehouse_storage") or link("warehouse_storagemetrics_changelist")
    stored = status.storage()
    forecast = stored.forecast
    growth = forecast and forecast.growth_mb_per_day
    limits = [forecast.days_to_capacity, forecast.days_to_full_disk] if forecast else []
    full = min((days.likely for days in limits if days), default=None)
    measured = StorageMetrics.objects.aggregate(last=Max("measured_at"))["last"]
    late = measured is not None and now - measured > MEASURED_LATE
    figures = [
        Figure(
            key="disk_mb",
            label="on disk",
            value=megabytes(forecast.disk_mb) if forecast else "not measured yet",
            url=page,
            raw=forecast and float(forecast.disk_mb),
        ),
        Figure(
            key="growth_mb_per_day",
            label="grows by",
            value=f"{megabytes(growth.likely)} a day" if growth else "not known yet",
            url=page,
            raw=growth and float(growth.likely),
        ),
        Figure(
            key="days_until_full",
            label="full in",
            value="not known" if full is None else horizon(full),
            url=page,
            trouble=bool(stored.warnings),
            raw=full if full is not None and isfinite(full) else None,
        ),
        Figure(
            key="measured",
            label="last measured",
            value=f"{duration_in_words((now - measured).total_seconds())} ago" if measured else "never",
            url=page,
            trouble=late,
            raw=measured,
        ),
    ]
    found.parts.append(Part("storage", "Storage", page, figures))
    found.attention += [
        Attention(f"storage.{limit}", warning, page) for limit, warning in limits_near(forecast).items()
    ]
    if late:
        said = (
            f"Storage was last measured {duration_in_words((now - measured).total_seconds())} ago: see that the job "
            "Measure storage runs, or run manage.py collect_storage_metrics"
        )
        found.attention.append(Attention("storage.not_measured", said, page))
