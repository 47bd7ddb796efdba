"""What the tables weigh: measured, kept a row per table and day, with the part that backfills added.

MB are 1,000,000 bytes. The server's own figures lag (16 KB said of 41.9 MB right after a load; a day old on MySQL), so
statistics are made anew before they are read. Exact counts are kept cheap by counting only months that changed.

Which rows were backfilled is known from the ledger of day files alone. This app knows nothing of imports, so it asks
the table `import_files` for three columns, as any report would; where there is no such table there are no backfills.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.apps import apps
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from warehouse.days import midnight
from warehouse.instants import EPOCH
from warehouse.models import PartitionMetrics, QueueData, StorageMetrics
from warehouse.partitioning.partitions import TABLE, add_months, month_of
from warehouse.server import catalog
from warehouse.server.away import Changed, looking_anew
from warehouse.server.catalog import Partition, Size
from warehouse.snapshot_id import first_id_at

MB = 1_000_000
QUEUES = QueueData._meta.db_table
# A change that none of our signs shows (the server restarted between a write and our look) is found after so long.
RECOUNT_AFTER = timedelta(days=30)


def our_tables() -> list[str]:
    """The tables of this project's apps, and what repartition keeps beside the fact table, as far as they are there."""
    ours = {
        model._meta.db_table
        for model in apps.get_models(include_auto_created=True)
        if Path(apps.get_app_config(model._meta.app_label).path).resolve().parent == settings.BASE_DIR
    }
    beside = {name for name in catalog.tables() if name.startswith(f"{TABLE}_")}
    return sorted({*filter(catalog.table_exists, ours), *beside})  # the list alone may miss a table that is altered


def collect(day: date, now: datetime, *, estimate: bool = False) -> list[StorageMetrics]:
    """Measure every table and store it as the measurement of `day`, replacing an earlier one of that day.

    `estimate` takes row counts from the server's statistics instead of counting. Not inside a transaction: making
    statistics commits. Begun anew where the fact table is swapped or its partitions change under it.
    """
    return looking_anew(lambda: _collect(day, now, estimate))


def _collect(day: date, now: datetime, estimate: bool) -> list[StorageMetrics]:
    measured = []
    changed = _measure_partitions(now, estimate)
    for table in our_tables():
        try:
            if table != TABLE:
                catalog.analyze(table)
            size = catalog.total(catalog.sizes(table))
            rows = _rows_of(table, size, changed, now, estimate)
        except (catalog.CatalogError, DatabaseError):
            if catalog.table_exists(table):
                raise
            continue  # what repartition or compacting kept beside the fact table has just been dropped
        measured.append((table, size, rows))
    with transaction.atomic():
        return [_store(table, size, rows, day, now) for table, size, rows in measured]


def _store(table: str, size: Size, rows: int, day: date, now: datetime) -> StorageMetrics:
    before = StorageMetrics.objects.filter(table_name=table, measurement_date__lt=day).first()
    weight = size.data_bytes + size.index_bytes
    growth = None
    if before is not None:
        added = Decimal(weight) / MB - before.data_size_mb - before.index_size_mb
        growth = added / (day - before.measurement_date).days
    metrics, _ = StorageMetrics.objects.update_or_create(
        table_name=table,
        measurement_date=day,
        defaults={
            "row_count": rows,
            "data_size_mb": Decimal(size.data_bytes) / MB,
            "index_size_mb": Decimal(size.index_bytes) / MB,
            "file_size_mb": None if size.file_bytes is None else Decimal(size.file_bytes) / MB,
            "growth_rate_mb_per_day": growth,
            "backfill_rows": _backfilled(before.measured_at if before else None, now) if table == TABLE else 0,
            "measured_at": now,
        },
    )
    metrics.refresh_from_db()  # as rounded by the columns
    return metrics


# --- rows -------------------------------------------------------------------------------------------------------
def row_counts(now: datetime) -> list[tuple[Partition, int, datetime]]:
    """The rows of each partition of the fact table and when they were counted, in order; [] where it has none.

    Those that may hold other rows than when they were measured are counted now, the others are told as they were then:
    of 42 million rows in 75 months that takes a second in place of 33. Keeps nothing. CatalogError: it cannot be read.
    """
    return looking_anew(lambda: _row_counts(now))


def _row_counts(now: datetime) -> list[tuple[Partition, int, datetime]]:
    existing = catalog.partitions(TABLE)
    known = {metrics.partition_name: metrics for metrics in PartitionMetrics.objects.filter(table_name=TABLE)}
    changed = set(_changed(existing, known, now)) if existing else set()
    counts = []
    for partition in existing:
        metrics = known.get(partition.name)
        if metrics is None or metrics.counted_at is None or partition in changed:
            counts.append((partition, _count(f"{TABLE} PARTITION ({partition.name})"), now))
        else:
            counts.append((partition, metrics.row_count, metrics.counted_at))
    return counts


def _rows_of(table: str, size: Size, changed: list[Partition] | None, now: datetime, estimate: bool) -> int:
    if table == TABLE and changed is not None:
        return sum(PartitionMetrics.objects.filter(table_name=TABLE).values_list("row_count", flat=True))
    if estimate:
        return size.rows_estimate
    if table == QUEUES and changed is not None:
        return _count_queues(changed, now)
    return _count(table)


def _measure_partitions(now: datetime, estimate: bool) -> list[Partition] | None:
    """Look at each partition of the fact table anew, and count those that changed; None: it has no partitions.

    Only changed partitions are analyzed, so that the server goes on counting changes of the others, and before they
    are counted, so that a row that comes meanwhile is seen as a change the next time.
    """
    existing = catalog.partitions(TABLE)
    if not existing:
        catalog.analyze(TABLE)
        PartitionMetrics.objects.all().delete()
        return None
    known = {metrics.partition_name: metrics for metrics in PartitionMetrics.objects.filter(table_name=TABLE)}
    changed = _changed(existing, known, now)
    catalog.analyze(TABLE, [partition.name for partition in changed])
    sizes = catalog.sizes(TABLE)
    for partition in existing:
        size = sizes.get(partition.name)
        if size is None:  # split by somebody else since; the next look finds what became of it
            continue
        metrics = known.get(partition.name) or PartitionMetrics(table_name=TABLE, partition_name=partition.name)
        if partition in changed:
            if estimate:
                metrics.row_count, metrics.counted_at = size.rows_estimate, None
            else:
                metrics.row_count, metrics.counted_at = _count(f"{TABLE} PARTITION ({partition.name})"), now
        metrics.rows_estimate = size.rows_estimate
        metrics.data_bytes, metrics.index_bytes, metrics.file_bytes = size.data_bytes, size.index_bytes, size.file_bytes
        metrics.measured_at = now
        metrics.save()
    PartitionMetrics.objects.exclude(partition_name__in=[partition.name for partition in existing]).delete()
    return changed


def _changed(existing: Iterable[Partition], known: dict, now: datetime) -> list[Partition]:
    """The partitions that may hold other rows than when they were counted.

    Signs: never counted, or too long ago; this month, the one before, and the boundary partitions; rows changed since
    the statistics were made (in the server's memory); other statistics than those we saw last; days of it in the
    ledger.
    """
    modified = catalog.modified(TABLE)
    sizes = catalog.sizes(TABLE)
    if missing := [partition.name for partition in existing if partition.name not in sizes]:
        raise Changed(f"{TABLE} had {missing[0]} a moment ago, and has it no longer: it is being changed. Call again")
    open_from = add_months(month_of(now.date()), -1)
    found = []
    for partition in existing:
        metrics = known.get(partition.name)
        if (
            metrics is None
            or metrics.counted_at is None
            or metrics.counted_at < now - RECOUNT_AFTER
            or partition.lower is None
            or partition.upper is None
            or (partition.upper > open_from and partition.lower <= now.date())
            or modified is None
            or modified.get(partition.name.lower(), 0)
            or _figures(sizes[partition.name]) != (metrics.rows_estimate, metrics.data_bytes, metrics.index_bytes)
            or _imported_since(metrics.counted_at, partition.lower, partition.upper)
        ):
            found.append(partition)
    return found


def _figures(size: Size) -> tuple[int, int, int]:
    return size.rows_estimate, size.data_bytes, size.index_bytes


def _count_queues(changed: list[Partition], now: datetime) -> int:
    """Queue rows come with their snapshots, whose instant is in their id: only the months that changed are counted."""
    known = {metrics.partition_name: metrics for metrics in PartitionMetrics.objects.filter(table_name=QUEUES)}
    total = 0
    for partition in catalog.partitions(TABLE):
        metrics = known.get(partition.name)
        if metrics is None or partition in changed:
            metrics = metrics or PartitionMetrics(table_name=QUEUES, partition_name=partition.name)
            metrics.row_count = _count(QUEUES, _first_id(partition.lower), _first_id(partition.upper))
            metrics.measured_at = metrics.counted_at = now
            metrics.save()
        total += metrics.row_count
    return total


def _first_id(day: date | None) -> int | None:
    """The least snapshot_id that a day may have."""
    return None if day is None else first_id_at(midnight(day))


def _count(table: str, first_id: int | None = None, end_id: int | None = None) -> int:
    limits = [("snapshot_id >= %s", first_id), ("snapshot_id < %s", end_id)]
    wanted = [(condition, value) for condition, value in limits if value is not None]
    where = " WHERE " + " AND ".join(condition for condition, _ in wanted) if wanted else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}{where}", [value for _, value in wanted])
        return cursor.fetchone()[0]


# --- the ledger of day files ------------------------------------------------------------------------------------
def _backfilled(since: datetime | None, until: datetime) -> int:
    """Rows stored between two measurements from files of days long past when they were imported."""
    return _ledger(
        "SELECT COALESCE(SUM(`stored`), 0) FROM import_files WHERE imported_at <= %s AND imported_at > %s "
        "AND file_date < DATE(imported_at) - INTERVAL %s DAY",
        [until, since or EPOCH, settings.BACKFILL_AFTER_DAYS],
    )


def _imported_since(instant: datetime, begin: date, end: date) -> int:
    """Rows stored since from files of the month up to, not including, `end`; some hold events of the day beside, and
    some are of a whole month, by its first day."""
    return _ledger(
        "SELECT COALESCE(SUM(`stored`), 0) FROM import_files WHERE imported_at >= %s AND file_date BETWEEN %s AND %s",
        [instant, begin - timedelta(days=31), end],
    )


def _ledger(sql: str, parameters: list) -> int:
    if not catalog.table_exists("import_files"):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.fetchone()[0])
