"""Which months there is something to gain from: closed, and larger than a compact one with as many rows.

Rows that come in the order of their key fill pages to 15/16; a second and third destination of the same month, rows in
the order of rides (as an index wants them) and rows replaced split pages and leave them half full. As loaded by one
destination a snapshot took 158 bytes, by three in turn 234, rebuilt 111 (MariaDB 10.11).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from warehouse.models import MonthCompaction, PartitionMetrics
from warehouse.partitioning import page_compression, partitions
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog
from warehouse.server.catalog import Partition, Size

# Files of a day come days late, and whatever comes would split pages again.
CLOSED_AFTER = timedelta(days=7)
# Of the file of a compact month, until months were compacted here: 700,000 rows took 79.7 MB, of which 75.1 are pages.
COMPACT_BYTES_A_ROW = {False: 114.0, True: 61.0}  # by whether pages are compressed
ROWS_TO_TELL_BY = 10_000  # a smaller month's file is mostly empty
LEAST_SAVED_BYTES = 1_000_000
LEAST_SAVED_SHARE = 0.1  # a file grows by 4 MB at a time


@dataclass(frozen=True, slots=True)
class Month:
    """A closed month: what it takes, and what it would take (estimated by its rows)."""

    name: str
    begin: date
    rows: int
    bytes: int
    compact_bytes: int

    @property
    def saves(self) -> int:
        """Bytes that compacting would save; 0 where that is not worth the work."""
        saved = self.bytes - self.compact_bytes
        return saved if saved >= max(LEAST_SAVED_BYTES, LEAST_SAVED_SHARE * self.bytes) else 0


@dataclass(frozen=True, slots=True)
class Gain:
    """Bytes that compacting would save, by month, and that it has saved (of each month the last time alone)."""

    possible: dict[str, int]
    saved: int

    @property
    def total(self) -> int:
        """Bytes that it would save in all."""
        return sum(self.possible.values())


def closed(
    existing: Iterable[Partition], today: date, first: date | None = None, last: date | None = None
) -> list[Partition]:
    """The months from first's to last's that have been over for CLOSED_AFTER; boundary partitions are none."""
    return [
        partition
        for partition in existing
        if partition.lower is not None
        and partition.upper is not None
        and not partitions.is_boundary(partition)
        and partitions.add_months(partition.lower, 1) == partition.upper
        and partition.upper + CLOSED_AFTER <= today
        and (first is None or partition.lower >= partitions.month_of(first))
        and (last is None or partition.lower <= last)
    ]


def weighed(
    closed: Iterable[Partition],
    figures: Mapping[str, tuple[int, int]],
    compressed: bool,
    records: Iterable[MonthCompaction] | None = None,
) -> list[Month]:
    """The closed months with what they take and would take. `figures`: rows and bytes by name; others are left out."""
    done = {record.partition_name: record for record in (_done() if records is None else records)}
    rate = _bytes_a_row([record for record in done.values() if record.page_compressed == compressed], compressed)
    found = []
    for partition in closed:
        rows, taken = figures.get(partition.name, (0, 0))
        if not rows or partition.lower is None:
            continue
        compact = round(rows * rate)
        record = done.get(partition.name)
        if record is not None and record.page_compressed == compressed and record.row_count:
            compact = max(compact, round(rows * record.bytes_after / record.row_count))  # what it came to then
        found.append(Month(partition.name, partition.lower, rows, taken, compact))
    return found


def figures_now(closed: Iterable[Partition]) -> dict[str, tuple[int, int]]:
    """Rows and bytes of these months: rows as last counted, or counted now (0.3 s for 700,000)."""
    names = [partition.name for partition in closed]
    counted = dict(
        PartitionMetrics.objects.filter(table_name=TABLE, partition_name__in=names)
        .exclude(counted_at=None)
        .values_list("partition_name", "row_count")
    )
    sizes = catalog.sizes(TABLE)
    return {
        name: (counted.get(name) or partitions.count_rows(name, limit=2**62), taken(sizes[name]))
        for name in names
        if name in sizes and taken(sizes[name]) >= LEAST_SAVED_BYTES
    }


def gain(
    today: date,
    existing: Iterable[Partition] | None = None,
    figures: Mapping[str, tuple[int, int]] | None = None,
) -> Gain:
    """As last measured, or by these figures: for a page. Four questions, or two. CatalogError."""
    existing = catalog.partitions(TABLE) if existing is None else existing
    figures = figures_measured() if figures is None else figures
    records = _done()
    weights = weighed(closed(existing, today), figures, page_compression.is_on(), records)
    return Gain(
        {month.name: month.saves for month in weights if month.saves},
        sum(record.bytes_before - record.bytes_after for record in records),
    )


def figures_measured() -> dict[str, tuple[int, int]]:
    """Rows and bytes of all partitions as last measured: for a page."""
    return {
        metrics.partition_name: (
            metrics.row_count,
            taken(Size(0, metrics.data_bytes, metrics.index_bytes, metrics.file_bytes)),
        )
        for metrics in PartitionMetrics.objects.filter(table_name=TABLE)
    }


def taken(size: Size) -> int:
    """What it takes of the disk, or by the statistics where files cannot be read."""
    return size.data_bytes + size.index_bytes if size.file_bytes is None else size.file_bytes


def _done() -> list[MonthCompaction]:
    return list(MonthCompaction.objects.exclude(done_at=None))


def _bytes_a_row(done: list[MonthCompaction], compressed: bool) -> float:
    """Of a compact month: as those came to that were compacted here."""
    rates = [record.bytes_after / record.row_count for record in done if record.row_count >= ROWS_TO_TELL_BY]
    return median(rates) if rates else COMPACT_BYTES_A_ROW[compressed]
