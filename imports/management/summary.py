"""What the warehouse holds, in a few small tables for people: by park, by month, by kind of finding, by size.

Only reads. Counting a month reads an index of its partition (0.2 s for a million rows), so only those are counted that
may have changed since they were measured.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection
from django.db.models import Count, Max, Min, Q, Sum
from django.utils import timezone

from imports.archive.checkpoint import ImportCheckpoint
from imports.archive.day_file_model import FileOutcome, ImportedFile
from imports.sources.source import Feed
from quality.import_ledger import IMPORTED, MISSING, NO_EVENTS, UNREADABLE, park_days
from quality.models import DataQualityLog, ResolutionStatus
from warehouse.models import StorageMetrics
from warehouse.server.catalog import Partition
from warehouse.storage.measurement import row_counts
from warehouse.text import aligned

_OUTCOMES = (IMPORTED, MISSING, UNREADABLE, NO_EVENTS)  # in the order of the columns


@dataclass(frozen=True, slots=True)
class Table:
    """Rows with one value for each of `columns`; `empty` is what to say when there are none."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple]
    empty: str

    def lines(self) -> list[str]:
        """Title, column heads and rows; the columns of texts come first."""
        if not self.rows:
            return [f"{self.title}: {self.empty}"]
        texts = sum(not isinstance(value, int | Decimal) for value in self.rows[0])
        return [self.title, *(f"  {line}" for line in aligned(self.columns, self.rows, texts=texts))]


def summarize() -> Iterable[Table]:
    """One by one, so that the first are shown while the last are counted. CatalogError: partitions cannot be listed."""
    now = timezone.now()
    yield by_park()
    if (captures := captures_by_park()).rows:
        yield captures
    yield by_month(now, row_counts(now))
    yield by_kind_of_finding()
    yield by_size()


def by_park() -> Table:
    """Days as the last readings of their files left them; rows as all imports of the park stored them."""
    stored = dict(ImportCheckpoint.objects.order_by().values_list("park_id").annotate(Sum("records_imported")))
    outcomes = ", ".join(f"CAST(SUM(outcome = '{outcome}') AS SIGNED)" for outcome in _OUTCOMES)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT park_id, park_name, MIN(file_date), MAX(file_date), {outcomes}, "
            f"CAST(SUM(rejected) AS SIGNED) FROM ({park_days()}) AS days JOIN parks USING (park_id) "
            "GROUP BY park_id, park_name"
        )
        days = cursor.fetchall()
    return Table(
        "Imported, by park",
        ("park", "first day", "last day", "imported", "missing", "unreadable", "no events", "rejected", "rows"),
        sorted((*of_park, stored.get(park_id, 0)) for park_id, *of_park in days),
        "nothing yet",
    )


def captures_by_park() -> Table:
    """Days of which captures of live answers were imported; they speak for no whole day, and are none of `by_park`."""
    days = (
        ImportedFile.objects.filter(feed=Feed.CAPTURES, outcome=FileOutcome.IMPORTED)
        .order_by("park__park_name")
        .values_list("park__park_name")
        .annotate(Min("file_date"), Max("file_date"), Count("pk"), Sum("rejected"))
    )
    return Table(
        "Captures imported, by park",
        ("park", "first day", "last day", "imported", "rejected"),
        list(days),
        "nothing yet",
    )


def by_month(now: datetime, counts: Iterable[tuple[Partition, int, datetime]]) -> Table:
    """Snapshots in each month partition that holds any, with the instant at which they were counted, and in all."""
    counts = list(counts)
    filled = [(partition.name, _counted(at, now), rows) for partition, rows, at in counts if rows]
    return Table(
        f"Rows, by month partition ({len(counts)} partitions, {len(filled)} with rows)",
        ("partition", "counted (UTC)", "rows"),
        [*filled, ("all", "", sum(rows for *_, rows in filled))] if filled else [],
        "none yet",
    )


def _counted(at: datetime, now: datetime) -> str:
    return "now" if at == now else f"{at:%Y-%m-%d %H:%M}"


def by_kind_of_finding() -> Table:
    """Findings of each kind and reason, the records that they stand for, and how many are still open."""
    kinds = (
        DataQualityLog.objects.order_by("issue_type", "reason")
        .values_list("issue_type", "reason")
        .annotate(
            findings=Count("pk"),
            records=Sum("occurrences"),
            still_open=Count("pk", filter=Q(resolution_status=ResolutionStatus.OPEN)),
        )
    )
    return Table(
        "Findings, by kind",
        ("kind", "reason", "findings", "records", "open"),
        [(kind, reason, count, int(records), still_open) for kind, reason, count, records, still_open in kinds],
        "none",
    )


def by_size() -> Table:
    """The tables that hold anything, the largest first, as they were measured last."""
    newest = StorageMetrics.objects.aggregate(day=Max("measurement_date"))["day"]
    measured = StorageMetrics.objects.filter(measurement_date=newest, row_count__gt=0)
    return Table(
        f"Tables in MB, as measured on {newest}" if newest else "Tables in MB",
        ("table", "rows", "data MB", "index MB"),
        [
            (metric.table_name, metric.row_count, metric.data_size_mb, metric.index_size_mb)
            for metric in sorted(measured, key=lambda metric: metric.data_size_mb + metric.index_size_mb, reverse=True)
        ],
        "not measured yet: manage.py collect_storage_metrics",
    )
