"""Stored findings go through the migrations: nothing of them is lost, and the next look sees them again."""

import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from quality.check.missing_fields import time_zone_findings
from quality.check.run import check
from quality.log import record
from quality.models import SYSTEM, DataQualityLog, DataQualityMove, FindingRide, OwedCheck
from tests import migrating
from warehouse.models import Park, Ride

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW_AS_OF = "0005"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def migrate():
    """To `0001` or another of quality; all migrations are applied afterwards."""
    yield lambda name: migrating.migrate("quality", name)
    migrating.migrate()


def new_park(n: int = 1) -> Park:
    return Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"p{n}", destination_wiki_id="d")


def insert(table: str, **values) -> int:
    """By SQL: the models know columns that older versions lack. The id of the row."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})", [*values.values()]
        )
        return cursor.lastrowid


def old_row(park: Park, by_sync: bool, status: str = "OPEN", seen: datetime = NOW, note: str = "") -> int:
    """As the version before wrote it: the sync as missing_timezone of its catalogue, the check as missing_time_zone."""
    reason, scope = ("missing_timezone", "catalogue") if by_sync else ("missing_time_zone", "")
    identity = ("MISSING_FIELD", reason, "park", park.themeparks_wiki_id, scope)
    example = {"id": park.themeparks_wiki_id, "value": None} if by_sync else {"timezone": ""}
    return insert(
        "data_quality_log",
        issue_type="MISSING_FIELD",
        reason=reason,
        entity_type="park",
        entity_id=park.pk,
        entity_key=park.themeparks_wiki_id,
        park_id=park.pk,
        timestamp_start=naive(seen),
        description=f"Catalogue of {park}: 1 park answers have no time zone."
        if by_sync
        else f"{park} has no time zone",
        resolution_status=status,
        created_at=naive(seen),
        fingerprint=fingerprint_of(identity),
        last_seen_at=naive(seen),
        source_file="api/d" if by_sync else "",
        evidence=json.dumps({"entity": park.themeparks_wiki_id, "count": 1, "examples": [example]}),
        resolution_note=note,
    )


def naive(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(tzinfo=None)


def fingerprint_of(identity: tuple[str, ...]) -> str:
    return hashlib.sha256("\x1f".join(identity).encode()).hexdigest()


def moved(row: int, to_status: str, by: str, at: datetime = NOW) -> None:
    insert(
        "data_quality_moves",
        finding_id=row,
        moved_at=naive(at),
        moved_by=by,
        from_status="OPEN",
        to_status=to_status,
        note=f"said {by}",
    )


def contents() -> list[dict]:
    found = []
    for table in ("data_quality_log", "data_quality_moves"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table} ORDER BY 1")
            names = [column[0] for column in cursor.description]
            found += [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    return found


def test_a_record_of_the_sync_is_seen_again_by_sync_and_check(migrate):
    migrate("0001")
    park = new_park()
    row = old_row(park, by_sync=True)
    moved(row, "INVESTIGATING", "ann")
    migrate(NOW_AS_OF)
    again = record(time_zone_findings({park.pk}, NOW.date()), NOW + HOUR)
    assert (again.new, again.seen_again) == (0, 1)
    checked = check(None, None, None, NOW + 2 * HOUR)
    assert (checked.recorded.new, checked.recorded.seen_again, checked.resolved) == (0, 1, [])
    after = DataQualityLog.objects.get()
    assert (after.pk, after.reason, after.source_file) == (row, "missing_time_zone", "")
    assert (after.description, after.created_at) == ("Park 1 has no time zone", NOW)
    assert [move.note for move in after.moves.all()] == ["said ann"]


def test_of_a_park_that_has_its_time_zone_the_check_resolves_what_the_sync_once_said(migrate):
    migrate("0001")
    park = new_park()
    old_row(park, by_sync=True)
    Park.objects.update(timezone="Europe/Berlin")
    migrate(NOW_AS_OF)
    assert time_zone_findings({park.pk}, NOW.date()) == []
    check(None, None, None, NOW + HOUR)
    assert DataQualityLog.objects.get().resolution_status == "RESOLVED"


def test_a_park_with_a_record_of_each_has_one_with_the_moves_of_both(migrate):
    migrate("0001")
    park = new_park()
    of_sync = old_row(park, by_sync=True, status="WONTFIX", seen=NOW, note="said ann")
    of_check = old_row(park, by_sync=False, seen=NOW + HOUR)
    moved(of_sync, "WONTFIX", "ann")
    moved(of_check, "INVESTIGATING", SYSTEM)
    migrate(NOW_AS_OF)
    row = DataQualityLog.objects.get()
    assert (row.created_at, row.last_seen_at, row.timestamp_start) == (NOW, NOW + HOUR, NOW)
    assert (row.resolution_status, row.resolution_note) == ("WONTFIX", "said ann")
    *before, merged = row.moves.all()
    assert [move.note for move in before] == ["said ann", "said "]
    assert (merged.moved_by, merged.from_status, merged.to_status) == (SYSTEM, "OPEN", "WONTFIX")
    assert merged.note.startswith(f"Merged with finding {of_sync} (missing_timezone, WONTFIX)")
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
    migrate(NOW_AS_OF)
    assert DataQualityLog.objects.get().resolution_status == merged


def test_what_was_only_renamed_goes_back_as_it_was(migrate):
    migrate("0001")
    row = old_row(new_park(), by_sync=True, status="WONTFIX")
    moved(row, "WONTFIX", "ann")
    old_row(new_park(2), by_sync=False)
    before = contents()
    migrate(NOW_AS_OF)
    assert contents() != before
    migrate("0001")
    assert contents() == before


def test_what_was_merged_goes_back_as_the_record_of_the_check(migrate):
    migrate("0001")
    park = new_park()
    old_row(park, by_sync=True)
    of_check = old_row(park, by_sync=False)
    migrate(NOW_AS_OF)
    migrate("0001")
    row, _move = contents()
    identity = ("MISSING_FIELD", "missing_time_zone", "park", park.themeparks_wiki_id, "")
    assert (row["log_id"], row["reason"]) == (of_check, "missing_time_zone")
    assert row["fingerprint"] == fingerprint_of(identity)


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
    migrate(NOW_AS_OF)
    assert not OwedCheck.objects.exists()


# --- 0004, 0005: bulks, assignees, and the rides of findings ------------------------------------------------------
def test_findings_and_moves_of_before_are_as_they_were_and_know_their_rides(migrate):
    migrate("0003")
    park = new_park()
    ride = Ride.objects.create(park=park, ride_name="Comet", themeparks_wiki_id="11111111-2222-4333-8444-555555555555")
    rows = [old_row(each, by_sync=False) for each in (park, *(new_park(n) for n in range(2, 5)))]
    examples = [
        [],
        [{"ride_id": ride.pk}],
        [{"a": [f"Taken for {ride.themeparks_wiki_id.upper()}."]}],
        [{"ride_id": "x"}],
    ]
    with connection.cursor() as cursor:
        for row, example in zip(rows, examples, strict=True):
            evidence = json.dumps({"examples": example})
            cursor.execute("UPDATE data_quality_log SET evidence = %s WHERE log_id = %s", [evidence, row])
        cursor.execute(
            "UPDATE data_quality_log SET entity_type = 'ride', entity_id = %s WHERE log_id = %s", [ride.pk, rows[0]]
        )
    moved(rows[0], "INVESTIGATING", "ann")
    before = contents()
    migrate("0005")
    about = FindingRide.objects.order_by("finding").values_list("finding", "ride")
    assert list(about) == [(rows[0], ride.pk), (rows[1], ride.pk), (rows[2], ride.pk)]
    assert [(row.assignee, row.moves.count()) for row in DataQualityLog.objects.order_by("pk")] == [
        ("", 1), ("", 0), ("", 0), ("", 0)
    ]  # fmt: skip
    assert DataQualityMove.objects.get().batch is None
    migrate("0003")
    assert contents() == before
