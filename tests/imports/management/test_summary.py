"""show_summary: what came in, as people read it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO

import pytest
from django.core.management import call_command

from imports.management.summary import Table, by_kind_of_finding, by_month, by_park, by_size
from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from quality.findings import Finding
from quality.log import record
from quality.models import DataQualityLog, ResolutionStatus
from warehouse.models import Park, Ride, RideStatusSnapshot, StorageMetrics
from warehouse.server.catalog import Partition
from warehouse.snapshot_id import snapshot_id_of
from warehouse.storage.measurement import row_counts

NOON = datetime(2025, 3, 1, 12, tzinfo=UTC)


def a_park(name: str, number: int = 1) -> Park:
    return Park.objects.create(park_name=name, themeparks_wiki_id=f"00000000-0000-4000-8000-{number:012}")


def a_row(ride: Ride, recorded_at: datetime) -> None:
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id_of(ride.pk, int(recorded_at.timestamp()) * 1000),
        ride=ride,
        recorded_at=recorded_at,
        status="CLOSED",
        computed_is_open=False,
    )


def a_day(park: Park, day: int, outcome: str, *, stored: int = 0, rejected: int = 0) -> None:
    ImportedFile.objects.create(
        park=park,
        file_date=date(2025, 3, day),
        source_file=f"03/{day:02}.json.gz",
        outcome=outcome,
        events_read=stored + rejected,
        stored=stored,
        rejected=rejected,
        imported_at=NOON,
    )


@pytest.mark.django_db
def test_a_park_is_shown_with_its_days_by_outcome_and_the_rows_of_all_its_imports():
    park = a_park("Magic Kingdom")
    a_day(park, 1, FileOutcome.IMPORTED, stored=90, rejected=10)
    a_day(park, 2, FileOutcome.MISSING)
    a_day(park, 3, FileOutcome.UNREADABLE)
    a_day(park, 4, FileOutcome.IMPORTED, stored=5)
    ImportCheckpoint.objects.create(park=park, records_imported=90)
    ImportCheckpoint.objects.create(park=park, records_imported=5)
    assert by_park().rows == [("Magic Kingdom", date(2025, 3, 1), date(2025, 3, 4), 2, 1, 1, 0, 10, 95)]


@pytest.mark.django_db
def test_two_parks_of_one_name_are_two_lines():
    for number in (1, 2):
        a_day(a_park("Disneyland Park", number), number, FileOutcome.IMPORTED)
    assert [row[:2] for row in by_park().rows] == [
        ("Disneyland Park", date(2025, 3, 1)),
        ("Disneyland Park", date(2025, 3, 2)),
    ]


@pytest.mark.django_db
def test_months_without_rows_are_left_out_and_guards_with_rows_are_not():
    ride = Ride.objects.create(park=a_park("Magic Kingdom"), ride_name="Space Mountain")
    for recorded_at in (NOON, NOON.replace(hour=13), datetime(1970, 1, 2, tzinfo=UTC)):
        a_row(ride, recorded_at)
    rows = by_month(NOON, row_counts(NOON)).rows
    assert rows[0][0].startswith("p_before_")
    assert [count for *_, count in rows] == [1, 2, 3]
    assert rows[1:] == [("p202503", "now", 2), ("all", "", 3)]


def test_a_month_is_shown_with_the_instant_at_which_its_rows_were_counted():
    march, april, may = (Partition(f"p20250{n}", date(2025, n, 1), date(2025, n + 1, 1)) for n in (3, 4, 5))
    assert by_month(NOON, [(march, 7, NOON - timedelta(days=1)), (april, 0, NOON), (may, 2, NOON)]).lines() == [
        "Rows, by month partition (3 partitions, 2 with rows)",
        "  partition  counted (UTC)     rows",
        "  p202503    2025-02-28 12:00     7",
        "  p202505    now                  2",
        "  all                             9",
    ]


@pytest.mark.django_db
def test_findings_are_counted_by_kind_with_their_records_and_how_many_are_open():
    for park, count in (("one", 3), ("two", 4)):
        finding = Finding("unknown_status", "park", park, "03/01", "Unknown status", NOON, count=count)
        record([finding], NOON)
    DataQualityLog.objects.filter(occurrences=3).update(resolution_status=ResolutionStatus.WONTFIX)
    assert by_kind_of_finding().rows == [("INVALID", "unknown_status", 2, 7, 1)]


@pytest.mark.django_db
def test_tables_are_shown_as_measured_last_the_largest_first():
    for day, rows, mb in ((1, 10, 1), (2, 20, 2)):
        for table, factor in (("parks", 1), ("rides", 3), ("queue_data", 0)):
            StorageMetrics.objects.create(
                table_name=table,
                measurement_date=date(2025, 3, day),
                row_count=rows * factor,
                data_size_mb=Decimal(mb * factor),
                index_size_mb=Decimal("0.50"),
                measured_at=NOON,
            )
    assert by_size().title == "Tables in MB, as measured on 2025-03-02"
    assert by_size().rows == [("rides", 60, 6, Decimal("0.50")), ("parks", 20, 2, Decimal("0.50"))]


@pytest.mark.django_db
def test_an_empty_warehouse_says_so():
    out = StringIO()
    call_command("show_summary", stdout=out)
    assert "Imported, by park: nothing yet\n" in out.getvalue()
    assert "Findings, by kind: none\n" in out.getvalue()
    assert "Tables in MB: not measured yet: manage.py collect_storage_metrics\n" in out.getvalue()


def test_a_table_stands_in_columns_with_numbers_to_the_right():
    table = Table("Rows", ("partition", "rows"), [("p202503", 1234567), ("all", 8)], "none")
    assert table.lines() == [
        "Rows",
        "  partition       rows",
        "  p202503    1,234,567",
        "  all                8",
    ]
