"""INVALID: rows that cannot be as they are: orphans, wrong ids, boundary rows, coordinates, dates, frozen waits."""

from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime

from django.db import connection
from django.db.models import Q

from quality import import_ledger
from quality.check.profiles import HOUR_MS, ParkProfile, RideProfile
from quality.check.scan import Scan, Tally
from quality.check.window import Window
from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.reasons import REASONS
from warehouse.days import midnight
from warehouse.instants import aware_utc, instant_at
from warehouse.models import EntityMetadata, Park, QueueData, Ride
from warehouse.partitioning import partitions
from warehouse.partitioning.partitions import TABLE
from warehouse.server import catalog
from warehouse.server.catalog import Partition
from warehouse.snapshot_id import first_id_at, instant_of, ride_id_of

BOUNDARY_ROWS_COUNTED_MAX = 100_001  # a boundary partition that holds more says "at least"
STRAY_QUEUE_ROWS_MAX = 10_000

# Quiet rides keep a wait for hours by chance (a greeting with 9 changes a day: 3 times a year in 7 parks). It is
# frozen if it was said again and again, or if the ride's wait usually changes often enough.
RECORDS_CONVINCING = 20
CHANGES_EXPECTED = 12
OPEN_DAY_MS = 12 * HOUR_MS
Stretch = tuple[int, int, int, int]  # from, to (ms), minutes, records in between


# --- rows that belong to nothing --------------------------------------------------------------------------------------
def orphan_snapshots(scanned: Scan) -> Iterator[Finding]:
    """Observations of rides that do not exist, by ride_id. Counted over all months, whatever the window."""
    if not scanned.rideless:
        return
    ride_ids = set(scanned.rideless) - set(Ride.objects.filter(pk__in=scanned.rideless).values_list("pk", flat=True))
    for ride_id in sorted(ride_ids):
        count, first, last = _snapshots_of(ride_id)
        if count:
            yield Finding(
                reason="orphan_snapshots",
                entity_type="ride",
                entity_key=f"ride_id {ride_id}",
                entity_id=ride_id,
                scope="",
                description=REASONS["orphan_snapshots"].say(count, ride_id=ride_id),
                start=first,
                end=last,
                count=count,
                examples=_snapshots(f"{TABLE} FORCE INDEX (idx_ride_recorded)", "ride_id = %s", [ride_id]),
            )


def has_no_orphans(ride_id: int) -> bool:
    """Whether a ride is there, or has no snapshots: asked of the tables, of all months."""
    return Ride.objects.filter(pk=ride_id).exists() or not _snapshots_of(ride_id)[0]


def _snapshots_of(ride_id: int) -> tuple[int, datetime | None, datetime | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT COUNT(*), MIN(recorded_at), MAX(recorded_at) FROM {TABLE} FORCE INDEX (idx_ride_recorded) "
            "WHERE ride_id = %s",
            [ride_id],
        )
        count, first, last = cursor.fetchone()
    return count, first and aware_utc(first), last and aware_utc(last)


def orphan_queue_rows(scanned: Scan) -> Iterator[Finding]:
    """Queue rows whose snapshot is not there, by the month of the instant that their snapshot_id says."""
    orphans = {month: tally for month, tally in scanned.queue_orphans.items() if _still_there(tally)}
    for snapshot_id in _stray_queue_rows(scanned):
        orphans.setdefault(instant_of(snapshot_id).date().replace(day=1), Tally()).add(snapshot_id)
    for month, tally in sorted(orphans.items()):
        yield Finding(
            reason="orphan_queue_rows",
            entity_type="table",
            entity_key=QueueData._meta.db_table,
            scope=f"{month:%Y-%m}",
            description=REASONS["orphan_queue_rows"].say(tally.count, month=month),
            start=midnight(month),
            end=midnight(partitions.add_months(month, 1)),
            count=tally.count,
            examples=[_queue_example(snapshot_id) for snapshot_id in tally.snapshot_ids],
        )


def _still_there(tally: Tally) -> bool:
    """Whether the queue rows exist: an import may have replaced them and their snapshots while the month was read."""
    return QueueData.objects.filter(snapshot_id__in=tally.snapshot_ids).exists()


def _stray_queue_rows(scanned: Scan) -> list[int]:
    """Orphans among the queue rows of instants before or after all that is stored: few, or somebody counts wrong."""
    window = scanned.window
    if not (window.begins_with_history and window.ends_with_history):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT q.snapshot_id FROM queue_data q LEFT JOIN {TABLE} s ON s.snapshot_id = q.snapshot_id "
            "WHERE (q.snapshot_id < %s OR q.snapshot_id >= %s) AND s.snapshot_id IS NULL "
            "ORDER BY q.snapshot_id LIMIT %s",
            [
                first_id_at(midnight(window.read_from)),
                first_id_at(midnight(window.read_to)),
                STRAY_QUEUE_ROWS_MAX,
            ],
        )
        return [snapshot_id for (snapshot_id,) in cursor.fetchall()]


def misnumbered_snapshots(scanned: Scan) -> Iterator[Finding]:
    """Rows whose id does not follow from ride and instant, by month. No other detector can make sense of them."""
    for month, tally in sorted(scanned.misnumbered.items()):
        yield Finding(
            reason="misnumbered_snapshots",
            entity_type="table",
            entity_key=TABLE,
            scope=f"{month:%Y-%m}",
            description=REASONS["misnumbered_snapshots"].say(tally.count, month=month),
            start=midnight(month),
            end=midnight(partitions.add_months(month, 1)),
            count=tally.count,
            examples=_snapshots(TABLE, "snapshot_id IN %s", [tally.snapshot_ids]),
        )


def guard_rows(scanned: Scan) -> Iterator[Finding]:
    """Rows in partitions that stay empty in normal life: before the first month, after the last, between two."""
    for partition in filter(partitions.is_boundary, catalog.partitioning(TABLE).partitions):
        count = partitions.count_rows(partition.name, TABLE, limit=BOUNDARY_ROWS_COUNTED_MAX)
        if count:
            at_least = "at least " if count == BOUNDARY_ROWS_COUNTED_MAX else ""
            side = _side_of(partition)
            examples = _snapshots(f"{TABLE} PARTITION ({partition.name})", "TRUE", [], order="snapshot_id")
            yield Finding(
                reason="guard_rows",
                entity_type="table",
                entity_key=TABLE,
                scope=side,
                description=REASONS["guard_rows"].say(count, at_least=at_least, partition=partition.name),
                start=midnight(partition.lower) if partition.lower else None,
                end=midnight(partition.upper) if partition.upper else None,
                count=count,
                examples=examples,
            )


def _side_of(partition: Partition) -> str:
    """Part of the finding's identity; a partition between two months goes by its own name."""
    if partition.name == partitions.FUTURE:
        return "after the last"
    return f"in {partition.name}" if partition.name.startswith(partitions.BETWEEN) else "before the first"


# --- values that cannot be -------------------------------------------------------------------------------------------
def impossible_coordinates(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Latitudes outside of -90 to 90, longitudes outside of -180 to 180."""
    outside = Q(latitude__lt=-90) | Q(latitude__gt=90) | Q(longitude__lt=-180) | Q(longitude__gt=180)
    rows = EntityMetadata.objects.filter(outside, ride__park=park.park).select_related("ride").order_by("ride_id", "pk")
    for row in rows:
        sentence = REASONS["coordinates_out_of_range"].say(1, latitude=row.latitude, longitude=row.longitude)
        yield Finding(
            reason="coordinates_out_of_range",
            entity_type="ride",
            entity_key=row.themeparks_wiki_id,
            entity_id=row.ride_id,
            park_id=park.park.pk,
            scope="",
            description=f"{row.ride} ({park.park}) {sentence}",
            examples=[{"latitude": str(row.latitude), "longitude": str(row.longitude)}],
        )


def checkpoints_in_future(parks: dict[int, Park], today: date) -> Iterator[Finding]:
    """Imports that say that they processed a day later than today (UTC)."""
    for checkpoint in import_ledger.checkpoints_after(today):
        if checkpoint.park_id in parks:
            park = parks[checkpoint.park_id]
            yield Finding(
                reason="checkpoint_in_future",
                entity_type="import",
                entity_key=checkpoint.import_id,
                entity_id=checkpoint.checkpoint_id,
                park_id=park.pk,
                scope="",
                description=REASONS["checkpoint_in_future"].say(
                    1, import_id=checkpoint.import_id, park=park, day=checkpoint.last_processed_date
                ),
                start=midnight(checkpoint.last_processed_date),
                examples=[{"last_processed_date": checkpoint.last_processed_date.isoformat()}],
            )


def frozen_waits(window: Window, park: ParkProfile) -> Iterator[Finding]:
    """Waits above a walk-on's that stood still for FROZEN_MS or longer while OPERATING, by ride and month."""
    begins = [begin for begin, _ in window.months]
    for ride in park.rides:
        months: dict[date, list[Stretch]] = {}
        for stretch in ride.frozen:
            day = instant_at(stretch[0]).date()
            changes_a_day = ride.changes_a_day[bisect_right(begins, day) - 1]
            expected = changes_a_day * (stretch[1] - stretch[0]) / OPEN_DAY_MS
            if stretch[3] >= RECORDS_CONVINCING or expected >= CHANGES_EXPECTED:
                months.setdefault(day.replace(day=1), []).append(stretch)
        for month, stretches in months.items():
            yield _frozen(park, ride, month, stretches)


def month_of_frozen(findings: list[Finding]) -> dict[str, object]:
    """What the sentence of a month's frozen waits of one park names: the month."""
    return {"month": findings[0].start}


def _frozen(park: ParkProfile, ride: RideProfile, month: date, stretches: list[Stretch]) -> Finding:
    longest = max(stretches, key=lambda stretch: stretch[1] - stretch[0])
    sentence = REASONS["frozen_wait"].say(
        len(stretches),
        minutes=longest[2],
        hours=(longest[1] - longest[0]) // HOUR_MS,
        start=instant_at(longest[0]),
        times=f"; {len(stretches)} times in {month:%Y-%m}" if len(stretches) > 1 else "",
    )
    return Finding(
        reason="frozen_wait",
        entity_type="ride",
        entity_key=ride.key,
        entity_id=ride.ride_id,
        park_id=park.park.pk,
        scope=f"{month:%Y-%m}",
        description=f"{ride.name} ({park.park}): {sentence}",
        start=instant_at(stretches[0][0]),
        end=instant_at(stretches[-1][1]),
        count=len(stretches),
        examples=[
            {"from": instant_at(begin).isoformat(), "to": instant_at(end).isoformat(), "minutes": minutes}
            for begin, end, minutes, _ in stretches
        ],
    )


# --- examples ---------------------------------------------------------------------------------------------------------
def _snapshots(table: str, condition: str, parameters: list, *, order: str = "recorded_at") -> list[dict]:
    """A few rows as they are, ids as text: they lie above 2^53, where JSON readers round."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT snapshot_id, ride_id, recorded_at, status, wait_time FROM {table} WHERE {condition} "
            f"ORDER BY {order} LIMIT {EXAMPLES_MAX}",
            parameters,
        )
        return [
            {
                "snapshot_id": str(snapshot_id),
                "ride_id": ride_id,
                "recorded_at": aware_utc(recorded_at).isoformat(),
                "status": status,
                "wait_time": wait_time,
            }
            for snapshot_id, ride_id, recorded_at, status, wait_time in cursor.fetchall()
        ]


def _queue_example(snapshot_id: int) -> dict:
    recorded_at = instant_of(snapshot_id)
    return {
        "snapshot_id": str(snapshot_id),
        "ride_id": ride_id_of(snapshot_id),
        "recorded_at": recorded_at.isoformat(),
    }
