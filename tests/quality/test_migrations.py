"""Stored findings go through the migrations: nothing of them is lost, and the next look sees them again."""

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from quality.check.missing_fields import time_zone_findings
from quality.check.run import check
from quality.log import record
from quality.models import SYSTEM, DataQualityLog, DataQualityMove, OwedCheck
from tests import migrating
from warehouse.models import Park

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrate():
    """To `0001` or `0003` of quality; all migrations are applied afterwards."""
    yield lambda name: migrating.migrate("quality", name)
    migrating.migrate()


def new_park(n: int = 1) -> Park:
    return Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"p{n}", destination_wiki_id="d")


def old_row(park: Park, by_sync: bool, status: str = "OPEN", seen: datetime = NOW, **values) -> DataQualityLog:
    """As the version before wrote it: the sync as missing_timezone of its catalogue, the check as missing_time_zone."""
    reason, scope = ("missing_timezone", "catalogue") if by_sync else ("missing_time_zone", "")
    identity = ("MISSING_FIELD", reason, "park", park.themeparks_wiki_id, scope)
    example = {"id": park.themeparks_wiki_id, "value": None} if by_sync else {"timezone": ""}
    return DataQualityLog.objects.create(
        issue_type="MISSING_FIELD",
        reason=reason,
        entity_type="park",
        entity_id=park.pk,
        entity_key=park.themeparks_wiki_id,
        park=park,
        timestamp_start=seen,
        description=f"Catalogue of {park}: 1 park answers have no time zone."
        if by_sync
        else f"{park} has no time zone",
        resolution_status=status,
        created_at=seen,
        fingerprint=hashlib.sha256("\x1f".join(identity).encode()).hexdigest(),
        last_seen_at=seen,
        source_file="api/d" if by_sync else "",
        evidence={"entity": park.themeparks_wiki_id, "count": 1, "examples": [example]},
        **values,
    )


def moved(row: DataQualityLog, to_status: str, by: str, at: datetime = NOW) -> None:
    DataQualityMove.objects.create(
        finding=row, moved_at=at, moved_by=by, from_status="OPEN", to_status=to_status, note=f"said {by}"
    )


def contents() -> list[dict]:
    return list(DataQualityLog.objects.order_by("pk").values()) + list(DataQualityMove.objects.values())


def test_a_record_of_the_sync_is_seen_again_by_sync_and_check(migrate):
    migrate("0001")
    park = new_park()
    row = old_row(park, by_sync=True)
    moved(row, "INVESTIGATING", "ann")
    migrate("0003")
    again = record(time_zone_findings({park.pk}, NOW.date()), NOW + HOUR)
    assert (again.new, again.seen_again) == (0, 1)
    checked = check(None, None, None, NOW + 2 * HOUR)
    assert (checked.recorded.new, checked.recorded.seen_again, checked.resolved) == (0, 1, [])
    after = DataQualityLog.objects.get()
    assert (after.pk, after.reason, after.source_file) == (row.pk, "missing_time_zone", "")
    assert (after.description, after.created_at) == ("Park 1 has no time zone", NOW)
    assert [move.note for move in after.moves.all()] == ["said ann"]


def test_of_a_park_that_has_its_time_zone_the_check_resolves_what_the_sync_once_said(migrate):
    migrate("0001")
    park = new_park()
    old_row(park, by_sync=True)
    Park.objects.update(timezone="Europe/Berlin")
    migrate("0003")
    assert time_zone_findings({park.pk}, NOW.date()) == []
    check(None, None, None, NOW + HOUR)
    assert DataQualityLog.objects.get().resolution_status == "RESOLVED"


def test_a_park_with_a_record_of_each_has_one_with_the_moves_of_both(migrate):
    migrate("0001")
    park = new_park()
    of_sync = old_row(park, by_sync=True, status="WONTFIX", seen=NOW, resolution_note="said ann")
    of_check = old_row(park, by_sync=False, seen=NOW + HOUR)
    moved(of_sync, "WONTFIX", "ann")
    moved(of_check, "INVESTIGATING", SYSTEM)
    migrate("0003")
    row = DataQualityLog.objects.get()
    assert (row.created_at, row.last_seen_at, row.timestamp_start) == (NOW, NOW + HOUR, NOW)
    assert (row.resolution_status, row.resolution_note) == ("WONTFIX", "said ann")
    *before, merged = row.moves.all()
    assert [move.note for move in before] == ["said ann", "said "]
    assert (merged.moved_by, merged.from_status, merged.to_status) == (SYSTEM, "OPEN", "WONTFIX")
    assert merged.note.startswith(f"Merged with finding {of_sync.pk} (missing_timezone, WONTFIX)")
    checked = check(None, None, None, NOW + 2 * HOUR)
    assert (checked.recorded.new, checked.recorded.seen_again, checked.recorded.reopened) == (0, 1, 0)


@pytest.mark.parametrize(
    ("of_sync", "of_check", "merged"),
    [
        (("OPEN", None, 0), ("RESOLVED", SYSTEM, 1), "OPEN"),
        (("RESOLVED", "ann", 0), ("OPEN", None, 0), "RESOLVED"),
        (("INVESTIGATING", "ann", 0), ("RESOLVED", SYSTEM, 1), "INVESTIGATING"),
        (("RESOLVED", "ann", 0), ("INVESTIGATING", "ben", 1), "INVESTIGATING"),
        (("RESOLVED", "ann", 1), ("INVESTIGATING", "ben", 0), "RESOLVED"),
        (("WONTFIX", "ann", 0), ("RESOLVED", "ben", 1), "WONTFIX"),
        (("RESOLVED", SYSTEM, 1), ("WONTFIX", "ben", 0), "WONTFIX"),
    ],
)
def test_what_an_operator_decided_stands_and_else_what_is_to_do(migrate, of_sync, of_check, merged):
    migrate("0001")
    park = new_park()
    for (status, by, hour), by_sync in ((of_sync, True), (of_check, False)):
        row = old_row(park, by_sync, status)
        if by is not None:
            moved(row, status, by, NOW + hour * HOUR)
    migrate("0003")
    assert DataQualityLog.objects.get().resolution_status == merged


def test_what_was_only_renamed_goes_back_as_it_was(migrate):
    migrate("0001")
    row = old_row(new_park(), by_sync=True, status="WONTFIX")
    moved(row, "WONTFIX", "ann")
    old_row(new_park(2), by_sync=False)
    before = contents()
    migrate("0003")
    assert contents() != before
    migrate("0001")
    assert contents() == before


def test_what_was_merged_goes_back_as_the_record_of_the_check(migrate):
    migrate("0001")
    park = new_park()
    old_row(park, by_sync=True)
    of_check = old_row(park, by_sync=False)
    migrate("0003")
    migrate("0001")
    row = DataQualityLog.objects.get()
    assert (row.reason, row.fingerprint) == ("missing_time_zone", of_check.fingerprint)
    assert row.moves.count() == 1


def test_sync_and_check_report_the_parks_of_a_whole_warehouse_as_one(migrate):
    parks = [new_park(n) for n in range(1, 8)]
    record(time_zone_findings({parks[0].pk}, NOW.date()), NOW)
    checked = check(None, None, None, NOW + HOUR)
    assert [finding.reason for finding in checked.findings] == ["missing_time_zone"]
    assert (checked.recorded.new, checked.recorded.seen_again) == (0, 1)
    assert DataQualityLog.objects.get().description == "7 parks have no time zone that exists"


# --- 0003: checks are owed ----------------------------------------------------------------------------------------
def test_the_table_of_owed_checks_comes_and_goes(migrate):
    migrate("0002")
    assert "quality_checks_owed" not in connection.introspection.table_names()
    migrate("0003")
    assert not OwedCheck.objects.exists()
