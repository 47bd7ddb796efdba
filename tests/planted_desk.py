"""A small warehouse in which something is to be seen on every page of the admin, planted row by row."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django_q.models import Failure, Schedule, Success

from imports.live.models import LiveCollection, ParkFreshness
from imports.models import ImportCheckpoint, ImportedFile
from imports.workers import schedules
from imports.workers.models import Worker
from quality.findings import Finding
from quality.log import record
from quality.models import DataQualityLog
from tests.imports.building import DESTINATION
from tests.imports.desk import day_file, new_import
from tests.warehouse.history.questions.planted import ZONE, days, plant
from warehouse.days import midnight
from warehouse.instants import milliseconds_of
from warehouse.models import (
    EntityMetadata,
    MetadataChange,
    Park,
    ParkHours,
    PartitionMetrics,
    QueueData,
    Ride,
    RideOpening,
    RideStatusSnapshot,
    RideStay,
    StorageMetrics,
)
from warehouse.rides.numbering import take_numbers
from warehouse.snapshot_id import snapshot_id_of

DAYS = 12  # of rows, up to the day before yesterday


@dataclass(frozen=True)
class Desk:
    """What was planted and has a page of its own."""

    now: datetime
    park: Park
    other: Park  # of the same destination, in which the second ride was before
    ride: Ride
    moved: Ride
    snapshot_id: int
    unreadable: ImportedFile
    missing: ImportedFile
    imported: ImportedFile
    done: ImportCheckpoint
    failed: ImportCheckpoint
    of_ride: DataQualityLog
    of_park: DataQualityLog
    of_file: DataQualityLog
    adopted: DataQualityLog  # which is told of the ride, too
    newest: date  # the last day of which there are rows


def plant_desk(now: datetime, by: User) -> Desk:
    """As of `now`, with changes by `by`."""
    newest = now.date() - timedelta(days=2)
    first = newest - timedelta(days=DAYS - 1)
    park, other = (_park(n, name) for n, name in enumerate(("Lakeside <1> & Co", "Seaside")))
    ride, moved = _ride(park, 1, "Comet"), _ride(park, 2, "The Wanderer & Sons")
    changed = datetime.combine(first, datetime.min.time(), tzinfo=UTC)
    RideStay.objects.create(ride=moved, park=other, ends_at=changed)
    RideStay.objects.create(ride=moved, park=park, begins_at=changed)
    RideOpening.objects.create(
        ride=ride, opens_at=changed, observed_at=changed, status="OPERATING", wait_time=5, source_file="an answer"
    )
    for each in (ride, moved):
        plant(each, *days(first, DAYS), wait=30)
    snapshot_id = _rows(ride, newest)
    _hours(park, newest, now)
    _changes(park, ride, by, now)
    done, failed = _imports(park)
    imported = day_file(park, newest, checkpoint=done, feed="ARCHIVE", rejected=0)
    unreadable = day_file(park, newest - timedelta(days=1), "UNREADABLE", checkpoint=done)
    missing = day_file(park, newest - timedelta(days=2), "MISSING", checkpoint=done)
    day_file(park, newest - timedelta(days=3), "NO_EVENTS", checkpoint=done)
    day_file(park, newest - timedelta(days=DAYS), checkpoint=done)
    findings = _findings(park, ride, unreadable, newest, now)
    _machine(park, now)
    return Desk(
        now,
        park,
        other,
        ride,
        moved,
        snapshot_id,
        unreadable,
        missing,
        imported,
        done,
        failed,
        *findings,
        newest=newest,
    )


def _park(number: int, name: str) -> Park:
    return Park.objects.create(
        park_name=name,
        timezone=ZONE,
        themeparks_wiki_id=f"22222222-2222-4222-8222-{number:012}",
        destination_wiki_id=DESTINATION,
        park_slug=f"park-{number}",
    )


def _ride(park: Park, number: int, name: str) -> Ride:
    key = f"44444444-4444-4444-8444-{number:012}"
    ride = Ride.objects.create(ride_id=take_numbers(1)[0], park=park, ride_name=name, themeparks_wiki_id=key)
    EntityMetadata.objects.create(
        ride=ride, themeparks_wiki_id=key, entity_type="ATTRACTION", latitude="28.4", longitude="-81.5",
        height_min_cm=100, last_updated=datetime(2025, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    return ride


def _rows(ride: Ride, day: date) -> int:
    """Two states of a ride on a day, with a further line at the first of them, which is returned."""
    ids = []
    for hour in (15, 18):
        at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
        ids.append(snapshot_id_of(ride.pk, milliseconds_of(at)))
        RideStatusSnapshot.objects.create(
            snapshot_id=ids[-1], ride=ride, recorded_at=at, status="OPERATING", wait_time=30, computed_is_open=True,
            data_source="ARCHIVE",
        )  # fmt: skip
    QueueData.objects.create(snapshot_id=ids[0], queue_type="SINGLE_RIDER", wait_time_minutes=10)
    return ids[0]


def _hours(park: Park, day: date, now: datetime) -> None:
    for n in range(4):
        opens = midnight(day + timedelta(days=n)) + timedelta(hours=14)
        ParkHours.objects.create(
            park=park, day=day + timedelta(days=n), type="OPERATING", source="SCHEDULE", opens_at=opens,
            closes_at=opens + timedelta(hours=12), read_at=now,
        )  # fmt: skip


def _changes(park: Park, ride: Ride, by: User, now: datetime) -> None:
    for of, before, after in (
        ({"park": park}, {"park_name": "park-0"}, {"park_name": park.park_name}),
        ({"ride": ride}, {"tier": None}, {"tier": 1}),
    ):
        MetadataChange.objects.create(changed_at=now, changed_by=by.get_username(), before=before, after=after, **of)
    for obj in (park, ride):
        said = [{"changed": {"fields": ["name"]}}]
        LogEntry.objects.log_actions(by.pk, [obj], CHANGE, said, single_object=True)


def _imports(park: Park) -> tuple[ImportCheckpoint, ImportCheckpoint]:
    """One that is done and one that failed; and one in each other state."""
    first = park.pk and datetime.now(UTC).date() - timedelta(days=40)
    of_days = {"start_date": first, "end_date": datetime.now(UTC).date() - timedelta(days=1), "files_total": 40}
    done = new_import(park, status="COMPLETED", records_imported=20, errors_encountered=1, **of_days)
    failed = new_import(park, status="FAILED", last_error="the source did not answer", **of_days)
    new_import(park, status="PAUSED", last_error="paused by somebody", **of_days)
    new_import(park, **of_days).queue()
    return done, failed


def _findings(park: Park, ride: Ride, unreadable: ImportedFile, day: date, now: datetime) -> list[DataQualityLog]:
    """Of a ride, of a park, of a file; and one of an adoption, which is told of the ride whatever becomes of it."""
    key = unreadable.source_file
    begin, end = midnight(unreadable.file_date), midnight(unreadable.file_date + timedelta(days=1))
    of_ride = {"entity_type": "ride", "entity_key": ride.themeparks_wiki_id, "entity_id": ride.pk, "park_id": park.pk}
    of_park = {"entity_type": "park", "entity_key": park.themeparks_wiki_id, "entity_id": park.pk, "park_id": park.pk}
    adopted = {
        "entity": ride.themeparks_wiki_id, "called": "Comet", "ride_id": ride.pk, "ride_name": "Comet",
        "seen_in": key, "rows_before": 0, "first_before": None, "last_before": None,
    }  # fmt: skip
    found = {
        "frozen_wait": Finding(
            reason="frozen_wait", scope="a", description="30 minutes all day", start=midnight(day),
            end=midnight(day) + timedelta(hours=20), examples=[{"ride_id": ride.pk}], **of_ride,
        ),
        "missing_days": Finding(
            reason="missing_days", scope="b", description="no file", start=begin - timedelta(days=1), end=begin,
            **of_park,
        ),
        "unreadable_file": Finding(
            reason="unreadable_file", entity_type="destination", entity_key=DESTINATION, scope=key, start=begin,
            end=end, description=f"{key} cannot be read: bad compression.", source_file=key,
            examples=["bad compression"],
        ),
        "id_adopted": Finding(
            reason="id_adopted", scope="c", description="'Comet' was taken for Comet", start=begin, examples=[adopted],
            **of_ride,
        ),
    }  # fmt: skip
    record(list(found.values()), now)
    by_reason = {row.reason: row for row in DataQualityLog.objects.all()}
    return [by_reason[reason] for reason in found]


def _machine(park: Park, now: datetime) -> None:
    """Live data, a worker, jobs, tasks, and what tables weigh."""
    LiveCollection.objects.create(started_at=now, finished_at=now, destinations=1, rows_read=2, stored=2)
    LiveCollection.objects.create(
        started_at=now, failed=1, failures=[{"destination": park.destination_wiki_id, "error": "no answer"}]
    )
    ParkFreshness.objects.create(
        park=park,
        collected_at=now,
        observed_at=now,
        rides_reported=2,
        is_open=True,
        open_until=now + timedelta(hours=5),
    )
    Worker.seen("a-host/1/1/0", "an import")
    list(schedules.sync())
    job = Schedule.objects.first()
    for model, success in ((Success, True), (Failure, False)):
        model.objects.create(
            id=f"{success:032}", name=f"a task {success}", func=job.func, started=now, stopped=now, success=success,
            result="done", group=job.name,
        )  # fmt: skip
    for n in range(2):
        StorageMetrics.objects.create(
            table_name="ride_status_snapshots", measurement_date=now.date() - timedelta(days=n), row_count=100 - n,
            data_size_mb=10, index_size_mb=5, measured_at=now,
        )  # fmt: skip
    PartitionMetrics.objects.create(
        table_name="ride_status_snapshots", partition_name=f"p{now:%Y%m}", row_count=100, measured_at=now
    )
