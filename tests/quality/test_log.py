"""One record per fingerprint: what a second look changes, and what it leaves alone."""

import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from quality.evidence import EXAMPLES_MAX
from quality.findings import Finding
from quality.grouping import FILES_SINGLE
from quality.log import record
from quality.models import SYSTEM, DataQualityLog, DataQualityMove, ResolutionStatus
from tests.quality.triage import bring
from tests.waiting import HANG_SECONDS
from warehouse.models import Park, Ride

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


def of_a_file(day: int, count: int = 3, *, month: int = 3, park: str = "p1", reason: str = "unknown_status") -> Finding:
    key = f"d/2025/{month:02}/{day:02}.json.gz"
    start = datetime(2025, month, day, tzinfo=UTC)
    return Finding(
        reason=reason,
        entity_type="destination",
        entity_key=park,
        scope=key,
        description=f"{key}: {count} events",
        start=start,
        end=start + timedelta(days=1),
        source_file=key,
        count=count,
        examples=[{"day": day, "n": n} for n in range(count)],
    )


def contents() -> list[dict]:
    """Every row of the log and of its history, but for when it was last seen."""
    rows = DataQualityLog.objects.order_by("pk").values()
    return [{k: v for k, v in row.items() if k != "last_seen_at"} for row in rows] + list(
        DataQualityMove.objects.values()
    )


# --- one record ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_finding_is_one_record_with_its_true_count_and_few_examples():
    recorded = record([of_a_file(1, count=70)], NOW)
    row = DataQualityLog.objects.get()
    assert (recorded.new, recorded.seen_again, recorded.reopened) == (1, 0, 0)
    assert (row.occurrences, len(row.evidence["examples"])) == (70, EXAMPLES_MAX)
    assert (row.created_at, row.last_seen_at) == (NOW, NOW)
    assert (row.source_file, row.entity_key) == ("d/2025/03/01.json.gz", "p1")


@pytest.mark.django_db
def test_the_same_file_read_again_changes_nothing_but_when_it_was_seen():
    record([of_a_file(1), of_a_file(2)], NOW)
    before = contents()
    recorded = record([of_a_file(1), of_a_file(2)], LATER)
    assert (recorded.new, recorded.seen_again) == (0, 2)
    assert contents() == before
    assert set(DataQualityLog.objects.values_list("last_seen_at", flat=True)) == {LATER}


@pytest.mark.django_db
def test_a_file_that_was_mended_in_part_says_how_many_it_holds_now():
    record([of_a_file(1, count=70)], NOW)
    record([of_a_file(1, count=4)], LATER)
    row = DataQualityLog.objects.get()
    assert (row.occurrences, len(row.evidence["examples"])) == (4, 4)


@pytest.mark.django_db
def test_a_finding_without_a_beginning_begins_when_it_is_first_seen():
    issue = Finding("missing_time_zone", "destination", "d", "", "No zone")
    record([issue], NOW)
    record([issue], LATER)
    assert DataQualityLog.objects.get().timestamp_start == NOW


@pytest.mark.django_db
def test_a_rides_finding_is_shown_under_its_park():
    park = Park.objects.create(park_name="Lakeside", themeparks_wiki_id="p")
    ride = Ride.objects.create(park=park, ride_name="Comet")
    record([Finding("silent_ride", "ride", "r", "", "Silent", NOW, entity_id=ride.pk)], NOW)
    record([Finding("missing_days", "park", "p", "", "Missing", NOW, entity_id=park.pk)], NOW)
    assert set(DataQualityLog.objects.values_list("park_id", flat=True)) == {park.pk}


# --- recurrence ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_resolved_finding_that_comes_back_is_open_again_and_says_so():
    record([of_a_file(1)], NOW)
    row = DataQualityLog.objects.get()
    bring(row, ResolutionStatus.INVESTIGATING, by="ann", now=NOW)
    bring(row, ResolutionStatus.RESOLVED, by="ann", now=NOW, note="fixed at the source")
    assert record([of_a_file(1)], LATER).reopened == 1
    row.refresh_from_db()
    assert row.resolution_status == ResolutionStatus.OPEN
    assert row.resolution_note == (
        "fixed at the source\n2025-06-02 12:00 UTC: opened again, the same finding came back."
    )
    last = row.moves.last()
    assert (last.moved_by, last.from_status, last.to_status) == (SYSTEM, "RESOLVED", "OPEN")


@pytest.mark.django_db
def test_a_finding_that_was_given_up_stays_so_and_is_seen():
    record([of_a_file(1)], NOW)
    row = DataQualityLog.objects.get()
    bring(row, ResolutionStatus.WONTFIX, by="ann", now=NOW, note="the park sends this")
    assert record([of_a_file(1)], LATER).reopened == 0
    row.refresh_from_db()
    assert (row.resolution_status, row.last_seen_at) == (ResolutionStatus.WONTFIX, LATER)


@pytest.mark.django_db
def test_a_note_does_not_grow_with_every_recurrence():
    record([of_a_file(1)], NOW)
    row = DataQualityLog.objects.get()
    for n in range(5):
        bring(row, ResolutionStatus.INVESTIGATING, by="ann", now=NOW)
        bring(row, ResolutionStatus.RESOLVED, by="ann", now=NOW, note=f"fixed {n}")
        record([of_a_file(1)], LATER)
        row.refresh_from_db()
    assert row.resolution_note.splitlines()[0] == "fixed 4"
    assert len(row.resolution_note.splitlines()) == 2
    assert row.moves.count() == 15


# --- many files ----------------------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_a_broken_month_is_a_handful_of_records_with_every_event_counted():
    for day in range(1, 31):
        record([of_a_file(day, count=day), of_a_file(day, reason="missing_status")], NOW)
    rows = DataQualityLog.objects.filter(reason="unknown_status")
    assert rows.count() == FILES_SINGLE + 1
    assert sum(rows.values_list("occurrences", flat=True)) == sum(range(1, 31))
    month = rows.latest("pk")
    assert month.description == "Unknown status: 410 in 20 more files of 2025-03, beside those reported singly."
    assert month.evidence["files"]["d/2025/03/30.json.gz"] == 30
    assert (month.timestamp_start.day, month.timestamp_end.day) == (FILES_SINGLE + 1, 31)
    assert len(month.evidence["examples"]) == EXAMPLES_MAX
    assert DataQualityLog.objects.count() == 2 * (FILES_SINGLE + 1)


@pytest.mark.django_db
def test_a_broken_month_read_again_in_any_order_changes_nothing():
    for day in range(1, 31):
        record([of_a_file(day, count=day)], NOW)
    before = contents()
    for day in (30, 1, 17, 6, 5):
        recorded = record([of_a_file(day, count=day)], LATER)
        assert (recorded.new, recorded.seen_again) == (0, 1)
    assert contents() == before


@pytest.mark.django_db
def test_one_file_of_a_grouped_month_read_again_counts_once_with_its_new_count():
    for day in range(1, 16):
        record([of_a_file(day)], NOW)
    record([of_a_file(15, count=1)], LATER)
    month = DataQualityLog.objects.latest("pk")
    assert month.occurrences == 4 * 3 + 1


@pytest.mark.django_db
def test_values_of_a_grouped_month_are_added_up_and_counted_once_however_often_its_files_are_read():
    def of_day(day: int, **values: int) -> Finding:
        return replace(of_a_file(day, count=sum(values.values())), values=values)

    for _ in range(2):
        for day in range(1, FILES_SINGLE + 4):
            record([of_day(day, long=day, sentinel=1)], NOW)
    grouped = DataQualityLog.objects.get(evidence__has_key="files")
    assert grouped.evidence["values"] == {"long": 11 + 12 + 13, "sentinel": 3}
    assert grouped.occurrences == sum(grouped.evidence["values"].values())
    record([of_day(12, text=5)], NOW)
    grouped.refresh_from_db()
    assert grouped.evidence["values"] == {"long": 11 + 13, "sentinel": 2, "text": 5}
    before = contents()
    record([of_day(12, text=5)], LATER)
    assert contents() == before


@pytest.mark.django_db
def test_examples_of_a_grouped_month_are_kept_once_however_often_its_files_are_read():
    days = range(1, FILES_SINGLE + 3)
    for _ in range(3):
        for day in days:
            record([of_a_file(day, count=1)], NOW)
    month = DataQualityLog.objects.latest("pk")
    assert month.evidence["examples"] == [{"day": day, "n": 0} for day in days[FILES_SINGLE:]]
    assert month.occurrences == 2


@pytest.mark.django_db
def test_many_findings_of_one_file_and_park_are_grouped_too():
    issues = [replace(of_a_file(1), scope=f"entity {n}", reason="ambiguous_ride") for n in range(60)]
    record(issues, NOW)
    before = contents()
    assert DataQualityLog.objects.count() == FILES_SINGLE + 1
    assert sum(DataQualityLog.objects.values_list("occurrences", flat=True)) == 60 * 3
    record(issues, LATER)
    assert contents() == before


@pytest.mark.django_db
def test_other_months_parks_and_reasons_are_not_grouped_together():
    for day in range(1, FILES_SINGLE + 1):
        for changes in ({}, {"month": 4}, {"park": "p2"}, {"reason": "malformed_id"}):
            record([of_a_file(day, **changes)], NOW)
    assert DataQualityLog.objects.count() == 4 * FILES_SINGLE
    assert not DataQualityLog.objects.filter(evidence__has_key="files").exists()


@pytest.mark.django_db
def test_a_resolved_month_is_open_again_when_another_of_its_files_comes():
    for day in range(1, 16):
        record([of_a_file(day)], NOW)
    month = DataQualityLog.objects.latest("pk")
    month.resolve_by_system("Mended", now=NOW)
    assert record([of_a_file(16)], LATER).reopened == 1


# --- transactions --------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_findings_go_with_the_transaction_of_their_file():
    with pytest.raises(RuntimeError), transaction.atomic():
        record([of_a_file(1)], NOW)
        raise RuntimeError("the file failed")
    assert not DataQualityLog.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_that_find_the_same_at_once_make_one_record():
    begun, errors = threading.Barrier(2), []

    def find():
        try:
            with transaction.atomic():
                DataQualityLog.objects.count()
                begun.wait(timeout=HANG_SECONDS)
                record([of_a_file(day) for day in range(1, 4)], NOW)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=find) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert DataQualityLog.objects.count() == 3
