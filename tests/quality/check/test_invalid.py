"""Rows that cannot be as they are, each planted in a clean year, where exactly it is found."""

from datetime import UTC, date, datetime, timedelta

from django.db import connection

from imports.models import ImportCheckpoint
from quality.check.run import check
from quality.models import DataQualityLog, IssueType
from tests.quality.check.clean_year import MINUTE_MS, NOW, add_ride, milliseconds, observe
from tests.warehouse.conftest import snapshots as snapshots
from warehouse.models import EntityMetadata, QueueData, QueueType, Ride, RideStatusSnapshot
from warehouse.partitioning import partitions
from warehouse.snapshot_id import snapshot_id_of

NOON = datetime(2025, 7, 8, 16, tzinfo=UTC)  # in Lakeside


def found(parks=None):
    return check(parks, None, None, NOW).findings


def insert_snapshot(snapshot_id: int, ride_id: int, recorded_at: datetime) -> None:
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id, ride_id=ride_id, recorded_at=recorded_at, status="CLOSED", computed_is_open=False
    )


# --- orphans ----------------------------------------------------------------------------------------------------------
def test_snapshots_of_a_ride_that_does_not_exist_are_found_with_their_true_count(year):
    observe([(99_999, milliseconds(NOON) + n, "CLOSED", None) for n in range(7)])
    observe([(99_999, milliseconds(datetime(2025, 2, 3, tzinfo=UTC)), "CLOSED", None)])
    (finding,) = found()
    assert (finding.kind, finding.reason, finding.entity_id) == (IssueType.INVALID, "orphan_snapshots", 99_999)
    assert (finding.count, len(finding.examples)) == (8, 5)
    (in_july_alone,) = check(None, date(2025, 7, 1), date(2025, 7, 31), NOW).findings
    assert (in_july_alone.fingerprint, in_july_alone.count) == (finding.fingerprint, 8)


def test_a_ride_that_is_back_resolves_its_orphans(year):
    observe([(99_999, milliseconds(NOON), "CLOSED", None)])
    check(None, None, None, NOW)
    add_ride(year.lakeside, "Found again", ride_id=99_999)
    check(None, date(2025, 12, 1), None, NOW)
    row = DataQualityLog.objects.get()
    assert row.resolution_status == "RESOLVED"
    assert "ride_id 99999 is in rides again" in row.resolution_note


def test_queue_rows_without_their_snapshot_are_found_by_month(year):
    comet = year.ride("Comet")
    for ms in (milliseconds(NOON) + 1, milliseconds(NOON) + 2):
        QueueData.objects.create(snapshot_id=snapshot_id_of(comet.pk, ms), queue_type=QueueType.SINGLE_RIDER)
    (finding,) = found()
    assert (finding.reason, finding.entity_key, finding.scope) == ("orphan_queue_rows", "queue_data", "2025-07")
    assert finding.count == 2
    assert finding.examples[0]["ride_id"] == comet.pk


def test_queue_rows_of_a_time_before_everything_are_found(year):
    QueueData.objects.create(snapshot_id=4711, queue_type=QueueType.SINGLE_RIDER)
    (finding,) = found()
    assert (finding.reason, finding.scope, finding.count) == ("orphan_queue_rows", "1970-01", 1)


def test_snapshots_with_an_id_of_their_own_are_found(year):
    comet = year.ride("Comet")
    insert_snapshot(snapshot_id_of(comet.pk, milliseconds(NOON)) + (5 << 20), comet.pk, NOON)
    (finding,) = found()
    assert (finding.reason, finding.scope, finding.count) == ("misnumbered_snapshots", "2025-07", 1)


def test_rows_in_a_guard_partition_are_found_and_read_by_no_other_detector(year):
    comet = year.ride("Comet")
    insert_snapshot(snapshot_id_of(comet.pk, 5), comet.pk, datetime(1970, 1, 1, 0, 0, 0, 5000, tzinfo=UTC))
    later = datetime(2300, 1, 1, tzinfo=UTC)
    insert_snapshot(snapshot_id_of(comet.pk, 5) + 1, comet.pk, later)
    findings = found()
    assert [(f.reason, f.scope, f.count) for f in findings] == [
        ("guard_rows", "before the first", 1),
        ("guard_rows", "after the last", 1),
    ]
    assert findings[1].examples[0]["recorded_at"].startswith("2300-01-01")


def test_rows_between_two_months_are_found_by_the_name_of_their_partition(year, snapshots):
    partitions.ensure_months([datetime(2016, 3, 1).date()])
    between = datetime(2020, 5, 5, tzinfo=UTC)
    insert_snapshot(snapshot_id_of(year.ride("Comet").pk, milliseconds(between)), year.ride("Comet").pk, between)
    (finding,) = found()
    assert (finding.reason, finding.scope, finding.count) == ("guard_rows", "in p_between_201604_202501", 1)
    assert (finding.start, finding.end) == (datetime(2016, 4, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))


def test_what_belongs_to_no_park_is_not_looked_for_in_a_check_of_one_park(year):
    observe([(99_999, milliseconds(NOON), "CLOSED", None)])
    QueueData.objects.create(snapshot_id=4711, queue_type=QueueType.SINGLE_RIDER)
    assert found([year.lakeside.pk]) == []


# --- values -----------------------------------------------------------------------------------------------------------
def test_coordinates_outside_of_the_earth_are_found(year):
    EntityMetadata.objects.filter(ride=year.ride("Eagle")).update(latitude="-90.1", longitude=10)
    EntityMetadata.objects.filter(ride=year.ride("Raft")).update(latitude=90, longitude="-180.0000001")
    EntityMetadata.objects.filter(ride=year.ride("Comet")).update(latitude=-90, longitude=180)
    findings = found()
    assert [(f.reason, f.entity_id) for f in findings] == [
        ("coordinates_out_of_range", year.ride("Eagle").pk),
        ("coordinates_out_of_range", year.ride("Raft").pk),
    ]
    assert findings[0].examples == [{"latitude": "-90.1000000", "longitude": "10.0000000"}]


def test_an_import_that_is_ahead_of_today_is_found(year):
    today = NOW.date()
    ImportCheckpoint.objects.create(park=year.lakeside, source="/x", last_processed_date=today)
    ahead = ImportCheckpoint.objects.create(
        park=year.lakeside, source="/x", last_processed_date=today + timedelta(days=1)
    )
    (finding,) = found()
    assert (finding.reason, finding.entity_key) == ("checkpoint_in_future", ahead.import_id)
    assert (finding.park_id, finding.entity_id) == (year.lakeside.pk, ahead.pk)


# --- frozen waits -----------------------------------------------------------------------------------------------------
def freeze(ride: Ride, begin: datetime, hours: float, wait: int, every_minutes: int = 20) -> None:
    """From begin on the wait stands still, with a record now and then; then it moves again."""
    end = begin + timedelta(hours=hours)
    RideStatusSnapshot.objects.filter(ride=ride, recorded_at__gte=begin, recorded_at__lte=end).delete()
    QueueData.objects.extra(
        where=["snapshot_id & 1048575 = %s", "snapshot_id BETWEEN %s AND %s"],
        params=[ride.pk, milliseconds(begin) << 20, milliseconds(end) << 20],
    ).delete()
    steps = range(0, int(hours * 60), every_minutes)
    observe([(ride.pk, milliseconds(begin) + n * MINUTE_MS, "OPERATING", wait) for n in steps])
    observe([(ride.pk, milliseconds(end), "OPERATING", wait + 5)])


def test_a_wait_that_stood_still_for_ten_hours_is_found(year):
    freeze(year.ride("Sky Tower"), NOON, 10, 35)
    (finding,) = found()
    assert (finding.reason, finding.entity_id, finding.scope) == ("frozen_wait", year.ride("Sky Tower").pk, "2025-07")
    assert "stood at 35 minutes for 10 hours" in finding.description
    assert finding.examples[0]["from"] == NOON.isoformat()


def test_a_wait_that_was_not_heard_of_again_until_it_changed_stood_still_too(year):
    freeze(year.ride("Sky Tower"), NOON, 10.5, 35, every_minutes=900)
    assert [finding.reason for finding in found()] == ["frozen_wait"]


def test_shorter_stands_small_waits_and_nights_are_normal(year):
    freeze(year.ride("Sky Tower"), NOON, 9.5, 35)
    freeze(year.ride("Comet"), NOON, 11, 10)
    last = RideStatusSnapshot.objects.filter(
        ride=year.ride("River Rapids"), recorded_at__lt=datetime(2025, 7, 20, 5, tzinfo=UTC)
    ).latest("recorded_at")
    assert last.status == "CLOSED"  # the last wait of the day does not hold overnight
    assert found() == []


def test_two_frozen_days_of_one_month_are_one_finding(year):
    for day in (0, 7):
        freeze(year.ride("Sky Tower"), NOON + timedelta(days=day), 10, 35)
    (finding,) = found()
    assert finding.count == 2
    assert "2 times in 2025-07" in finding.description


def test_a_feed_that_froze_as_a_whole_is_one_finding(year):
    for name in ("Comet", "Black Hole", "River Rapids", "Sky Tower", "Wooden Racer", "Night Flight"):
        freeze(year.ride(name), NOON, 10, 35)
    assert [f.description for f in found()] == [
        "Lakeside: The waits of 6 rides stood still for 10 hours or longer in 2025-07"
    ]


def test_rows_are_read_alike_through_either_index(year):
    freeze(year.ride("Sky Tower"), NOON, 10, 35)
    with connection.cursor() as cursor:  # so many rides elsewhere that those of one park are fetched by their index
        cursor.executemany(
            "INSERT INTO rides (ride_id, park_id, ride_name) VALUES (%s, %s, %s)",
            [(n, year.bergwelt.pk, f"Ride {n}") for n in range(50_000, 50_200)],
        )
    checked = check([year.lakeside.pk], None, None, NOW)
    assert [f.reason for f in checked.findings if f.reason != "missing_metadata"] == ["frozen_wait"]
