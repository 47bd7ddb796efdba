"""Storage in the admin: the measurements, and two pages, storage with its forecast and the partitions.

The pages read stored figures and count nothing.
"""

from collections.abc import Callable
from datetime import date
from itertools import groupby
from typing import TypeVar

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils import timezone

from warehouse.admin.charts import storage as charts
from warehouse.admin.operator_overrides import ReadOnlyAdmin
from warehouse.admin.page_parts import failure
from warehouse.models import PartitionMetrics, StorageMetrics
from warehouse.partitioning import health, partitions
from warehouse.partitioning.compacting import months
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog
from warehouse.storage import status
from warehouse.storage.forecast import Point, load, warnings
from warehouse.storage.kept_files import KeptFolder, kept_folders
from warehouse.storage.measurement import MB
from warehouse.text import count_of

DAYS_DRAWN_AT_MOST = 180
ACTIONS_SHOWN = 10
MAINTAIN = "warehouse.maintain_partitions"
T = TypeVar("T")


@admin.register(StorageMetrics)
class StorageMetricsAdmin(ReadOnlyAdmin):
    list_display = [
        "measurement_date",
        "table_name",
        "row_count",
        "data_size_mb",
        "index_size_mb",
        "file_size_mb",
        "growth_rate_mb_per_day",
        "backfill_rows",
    ]
    list_filter = ["table_name"]
    date_hierarchy = "measurement_date"

    def get_urls(self):
        return [
            path("storage/", self.admin_site.admin_view(storage_page), name="warehouse_storage"),
            path("partitions/", self.admin_site.admin_view(partitions_page), name="warehouse_partitions"),
            *super().get_urls(),
        ]


def storage_page(request: HttpRequest) -> HttpResponse:
    """What status.storage says, part by part: one that fails is said above and at its place, and the others stand."""
    _require(request, "warehouse.view_storagemetrics")
    failed: dict[str, str] = {}

    def part(name: str, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except Exception as error:
            failed[name] = f"The {name} {failure(f'The {name} of the storage page', error)}"
            return otherwise

    points: list[Point] = part("history", load, [])
    tables: dict[str, StorageMetrics] = part("measurements", lambda: status.newest(points), {})
    disk_free_mb = part("disk", status.disk_free_mb, None)
    forecast = part("forecast", lambda: status.reckon(points, disk_free_mb), None)
    kept: list[KeptFolder] = part("folders", kept_folders, [])
    gain = part("gain", lambda: months.gain(timezone.now().date()), months.Gain({}, 0))
    said: list[str] = part("warnings", lambda: warnings(forecast), [])
    chart = part("chart", lambda: charts.storage_over_time(_history(points), forecast), None)
    return _page(
        request,
        "warehouse/storage.html",
        title="Storage and forecast",
        problems=[*failed.values(), *said],
        failed=failed,
        last=points[-1] if points else None,
        tables=sorted(tables.values(), key=lambda each: -each.data_size_mb - each.index_size_mb),
        forecast=forecast,
        growth=forecast and forecast.growth_mb_per_day,
        backtest=forecast and forecast.backtest,
        share_percent=forecast and forecast.share_of_capacity and forecast.share_of_capacity * 100,
        disk_free_mb=disk_free_mb,
        chart=chart,
        could_save_mb=gain.total / MB,
        kept=kept,
        by_month=_by_month(points),
    )


def partitions_page(request: HttpRequest) -> HttpResponse:
    """The list; POST makes the months that are missing, as manage.py maintain_partitions does."""
    _require(request, "warehouse.view_storagemetrics")
    today = timezone.now().date()
    if request.method == "POST":
        _require(request, MAINTAIN)
        _maintain(request, today)
        return redirect("admin:warehouse_partitions")
    found = health.health(today)
    rows, gain = _partition_rows(today)
    measured = [row["measured_at"] for row in rows if row["measured_at"]]
    return _page(
        request,
        "warehouse/partitions.html",
        title="Partitions",
        problems=found.problems,
        table=TABLE,
        description=found.partitioned_by,
        months_ahead=found.months_ahead,
        ahead_wanted=settings.PARTITIONS_AHEAD_MONTHS,
        ahead_least=health.MONTHS_AHEAD_AT_LEAST,
        may_maintain=request.user.has_perm(MAINTAIN),
        rows=rows,
        total_rows=sum(row["row_count"] for row in rows),
        total_mb=sum(row["data_mb"] + row["index_mb"] for row in rows),
        could_save_mb=gain.total / MB,
        saved_mb=gain.saved / MB,
        measured_at=max(measured) if measured else None,
        actions=_latest_actions(),
        chart=charts.months([(row["name"], row["data_mb"], row["index_mb"], row["row_count"]) for row in rows]),
    )


def _maintain(request: HttpRequest, today: date) -> None:
    last = partitions.add_months(partitions.month_of(today), settings.PARTITIONS_AHEAD_MONTHS)
    before = health.health(today).months_ahead
    try:
        added = partitions.ensure(today, last, patience_seconds=partitions.MAINTAIN_PATIENCE_SECONDS)
    except partitions.PartitionsError as error:
        messages.error(request, str(error))
        _log(request, f"Make partitions: refused, nothing changed: {error}")
    else:
        if not added:
            messages.success(request, "Every month has its partition")
            return
        said = f"Made {count_of(len(added), 'month')}: {added[0]} to {added[-1]}"
        messages.success(request, said)
        after = health.health(today).months_ahead
        _log(request, f"{said}; months ahead: {before} → {after}")


def _log(request: HttpRequest, said: str) -> None:
    """Of the table, which is no row that the admin knows: an entry without an object of its own."""
    LogEntry.objects.create(
        user_id=request.user.pk,
        content_type=ContentType.objects.get_for_model(PartitionMetrics),
        object_id=TABLE,
        object_repr=f"Partitions of {TABLE}",
        action_flag=CHANGE,
        change_message=said,
    )


def _latest_actions() -> list[LogEntry]:
    """What people did to the partitions by this page, the newest first."""
    of_partitions = ContentType.objects.get_for_model(PartitionMetrics)
    entries = LogEntry.objects.filter(content_type=of_partitions, object_id=TABLE).select_related("user")
    return list(entries.order_by("-action_time")[:ACTIONS_SHOWN])


def _partition_rows(today: date) -> tuple[list[dict], months.Gain]:
    """What the catalog has, in order, with the figures of the last measurement or, before one, the statistics'; and
    what there is to gain from compacting."""
    known = {metrics.partition_name: metrics for metrics in PartitionMetrics.objects.filter(table_name=TABLE)}
    sizes = catalog.sizes(TABLE)
    existing = catalog.partitions(TABLE)
    figures = {}
    rows = []
    for partition in existing:
        metrics, size = known.get(partition.name), sizes.get(partition.name)
        if size is None:
            continue  # split by somebody else between the two questions; the next look shows what it became
        file_bytes = metrics.file_bytes if metrics else size.file_bytes
        row_count = metrics.row_count if metrics else size.rows_estimate
        data_bytes, index_bytes = (
            (metrics.data_bytes, metrics.index_bytes) if metrics else (size.data_bytes, size.index_bytes)
        )
        taken = months.taken(catalog.Size(row_count, data_bytes, index_bytes, file_bytes))
        if metrics:
            figures[partition.name] = row_count, taken
        rows.append(
            {
                "name": partition.name,
                "is_boundary": partitions.is_boundary(partition),
                "lower": partition.lower,
                "upper": partition.upper,
                "row_count": row_count,
                "data_mb": data_bytes / MB,
                "index_mb": index_bytes / MB,
                "file_mb": None if file_bytes is None else file_bytes / MB,
                "bytes_a_row": round(taken / row_count) if row_count >= months.ROWS_TO_TELL_BY else None,
                "counted_at": metrics and metrics.counted_at,
                "measured_at": metrics and metrics.measured_at,
            }
        )
    gain = months.gain(today, existing, figures)
    for row in rows:
        row["could_save_mb"] = gain.possible.get(row["name"], 0) / MB
    return rows, gain


def _history(points: list[Point]) -> list[tuple[date, dict[str, float]]]:
    """Sizes on disk by table, of so many days, evenly spread, as a chart can show; the newest among them."""
    every = -(-len(points) // DAYS_DRAWN_AT_MOST) or 1
    days = [point.day for point in points][::-1][::every]
    rows = (
        StorageMetrics.objects.filter(measurement_date__in=days)
        .order_by("measurement_date")
        .values_list("measurement_date", "table_name", Coalesce("file_size_mb", F("data_size_mb") + F("index_size_mb")))
    )
    return [
        (day, {table: float(size) for _, table, size in group}) for day, group in groupby(rows, key=lambda row: row[0])
    ]


def _by_month(points: list[Point]) -> list[tuple[Point, float]]:
    """The last measurement of each month with what backfills added in all of it (MB), the newest month first."""
    months = []
    for _, group in groupby(points, key=lambda point: (point.day.year, point.day.month)):
        of_month = list(group)
        months.append((of_month[-1], sum(point.backfill_mb for point in of_month)))
    return months[::-1]


def _require(request: HttpRequest, permission: str) -> None:
    if not request.user.has_perm(permission):
        raise PermissionDenied


def _page(request: HttpRequest, template: str, **context) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **context})
