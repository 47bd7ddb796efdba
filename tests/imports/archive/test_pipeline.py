import io
import threading
from collections import Counter
from datetime import date, timedelta

import pytest
from django.db import connection

from imports.archive import prefetch, writing
from imports.archive.beginning import begin, resume
from imports.archive.decoder import Decoder
from imports.archive.pipeline import ImportFailed, run_import
from imports.archive.planning import plan
from imports.archive.progress import Reporter
from imports.archive.request import Request
from imports.loading import refusal
from imports.models import ImportCheckpoint, ImportedFile, ImportStatus, TransitionRefused
from imports.sources.folder import FolderSource
from quality.models import DataQualityLog
from tests.imports.archive import odd_decoding
from tests.imports.building import (
    DAY,
    DESTINATION,
    NOW,
    OTHER_PARK,
    OTHER_RIDE,
    PARK,
    RIDE,
    event,
    import_all,
    packed,
    ride,
    runs,
    write_day,
)
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot
from warehouse.partitioning import health

pytestmark = pytest.mark.django_db(transaction=True)


def ledger(day=DAY, park=PARK):
    row = ImportedFile.objects.get(file_date=day, park__themeparks_wiki_id=park)
    return row.outcome, row.events_read, row.stored, row.already_known, row.duplicates, row.rejected


def findings():
    return {(row.issue_type, row.reason, row.entity_type, row.occurrences) for row in DataQualityLog.objects.all()}


def day(n):
    return DAY + timedelta(days=n)


def test_a_file_becomes_snapshots_queue_rows_a_ledger_row_and_a_completed_checkpoint(tmp_path):
    write_day(
        tmp_path, [event(queue={"STANDBY": {"waitTime": 5}, "SINGLE_RIDER": {}}), event("11:00:00Z", status="DOWN")]
    )
    totals = import_all(tmp_path)
    assert (totals.files, totals.events, totals.stored, totals.findings) == (1, 2, 2, 0)
    assert ledger() == ("IMPORTED", 2, 2, 0, 0, 0)
    checkpoint = ImportCheckpoint.objects.get()
    assert checkpoint.status == "COMPLETED"
    assert (checkpoint.records_imported, checkpoint.errors_encountered) == (2, 0)
    assert (checkpoint.files_total, checkpoint.files_processed) == (1, 1)
    assert checkpoint.last_processed_file == f"{DESTINATION}/2024/12/25.json.gz"
    assert checkpoint.import_id.startswith("imp_")
    assert len(checkpoint.import_id) == 20
    park = Park.objects.get()
    assert (park.park_name, park.timezone, park.destination_wiki_id) == ("a-park", "America/New_York", DESTINATION)
    assert {snapshot.data_source for snapshot in RideStatusSnapshot.objects.all()} == {"ARCHIVE"}


def test_a_second_import_stores_nothing_and_finds_nothing_new(tmp_path):
    write_day(tmp_path, [event(), event(status="DOWN"), event(eventTime=None), event("11:00:00Z")])
    write_day(tmp_path, [event("10:00:00Z", day=day(3))], day(3))
    import_all(tmp_path)
    before = findings()
    totals = import_all(tmp_path)
    assert (totals.stored, totals.findings) == (0, 0)
    assert ledger() == ("IMPORTED", 4, 0, 2, 1, 1)
    assert findings() == before
    assert ImportCheckpoint.objects.count() == 2


def test_the_same_content_twice_is_a_duplicate_and_other_content_a_conflict(tmp_path):
    write_day(tmp_path, [event(), event(), event(), event(status="DOWN"), event("11:00:00Z")])
    import_all(tmp_path)
    assert ledger() == ("IMPORTED", 5, 2, 0, 3, 0)
    assert findings() == {
        ("DUPLICATE", "duplicate_event", "park", 2),
        ("DUPLICATE", "conflicting_event", "park", 1),
    }
    assert RideStatusSnapshot.objects.order_by("recorded_at").first().status == "OPERATING"
    (example,) = DataQualityLog.objects.get(reason="conflicting_event").evidence["examples"]
    assert (example["stays"]["status"], example["left_out"]["status"]) == ("OPERATING", "DOWN")


def test_a_neighbouring_days_file_may_say_it_again_but_not_otherwise(tmp_path):
    late = event("23:59:00Z", queue={"SINGLE_RIDER": {"waitTime": 5}})
    write_day(tmp_path, [late])
    write_day(tmp_path, [late, event("10:00:00Z", day=day(1))], day(1))
    write_day(tmp_path, [event("23:59:00Z", queue={"SINGLE_RIDER": {"waitTime": 10}})], day(2))
    import_all(tmp_path)
    assert ledger(day(1)) == ("IMPORTED", 2, 1, 1, 0, 0)
    assert ledger(day(2)) == ("IMPORTED", 1, 0, 0, 1, 0)
    assert findings() == {("DUPLICATE", "conflicting_event", "park", 1)}
    assert QueueData.objects.get().wait_time_minutes == 5


def test_missing_days_have_ledger_rows_and_one_finding_for_each_run(tmp_path):
    for n in (0, 3, 4, 6):
        write_day(tmp_path, [event(day=day(n))], day(n))
    totals = import_all(tmp_path)
    assert totals.missing_days == 3
    assert [ledger(day(n))[0] for n in (1, 2, 5)] == ["MISSING"] * 3
    assert {(row.timestamp_start.date(), row.occurrences) for row in DataQualityLog.objects.all()} == {
        (day(1), 2),
        (day(5), 1),
    }
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.files_processed, checkpoint.files_total) == (7, 7)


def test_a_gap_that_is_met_in_two_imports_is_one_record(tmp_path):
    for n in (0, 6):
        write_day(tmp_path, [event(day=day(n))], day(n))
    import_all(tmp_path)
    import_all(tmp_path, first=day(4), last=day(6))
    assert findings() == {("GAP", "missing_days", "park", 5)}


def test_a_missing_file_of_a_day_that_was_imported_leaves_the_ledger_as_it_is(tmp_path):
    for n in range(3):
        write_day(tmp_path, [event(day=day(n))], day(n))
    import_all(tmp_path)
    (tmp_path / DESTINATION / "2024/12/26.json.gz").unlink()
    totals = import_all(tmp_path)
    assert ledger(day(1))[0] == "IMPORTED"
    assert not findings()
    assert totals.stored == 0


def test_an_unreadable_file_stores_nothing_is_told_and_the_run_goes_on(tmp_path):
    write_day(tmp_path, [event()])
    write_day(tmp_path, packed([event(day=day(1))])[:-8], day(1))
    write_day(tmp_path, [event(day=day(2))], day(2))
    totals = import_all(tmp_path)
    assert (totals.unreadable, totals.stored) == (1, 2)
    assert ledger(day(1)) == ("UNREADABLE", 0, 0, 0, 0, 0)
    assert findings() == {("INVALID", "unreadable_file", "destination", 1)}
    assert ImportCheckpoint.objects.get().errors_encountered == 1


def test_a_file_that_vanishes_after_it_was_listed_is_a_missing_day(tmp_path):
    for n in range(3):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)
    (tmp_path / DESTINATION / "2024/12/26.json.gz").unlink()
    assert run_import(run, threading.Event())
    assert ledger(day(1))[0] == "MISSING"
    assert findings() == {("GAP", "missing_days", "park", 1)}


def test_a_decoder_that_is_killed_on_the_way_costs_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr(prefetch, "SMALL_FILES_AHEAD", 2)  # or all are decoded by then
    started = []
    start = Decoder._start
    monkeypatch.setattr(Decoder, "_start", lambda self: (start(self), started.append(self._process)))
    for n in range(6):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)
    run.decoders = 1

    def kill(run, step):
        if step.day == DAY:
            started[0].kill()

    assert run_import(run, threading.Event(), kill)
    assert (run.totals.files, run.totals.stored, len(started)) == (6, 6, 2)
    assert all(process.returncode is not None for process in started)


def test_a_file_that_ends_its_decoders_fails_the_import_with_the_reason_and_is_read_by_the_next(tmp_path, monkeypatch):
    write_day(tmp_path, [event()])
    (run,) = runs(tmp_path)
    run.decoders = 1
    with monkeypatch.context() as patched:
        patched.setattr(FolderSource, "decodes", staticmethod(odd_decoding.end))
        with pytest.raises(ImportFailed, match=r"25\.json\.gz: 3 decoders in a row .* signal 9"):
            run_import(run, threading.Event())
    assert not RideStatusSnapshot.objects.exists()
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.next_day) == (ImportStatus.FAILED, DAY)
    assert "memory is short" in checkpoint.last_error
    assert import_all(tmp_path).stored == 1


def test_an_archive_that_is_unmounted_on_the_way_fails_the_import_and_is_no_gap(tmp_path, monkeypatch):
    monkeypatch.setattr(prefetch, "SMALL_FILES_AHEAD", 2)  # or all are read by then
    for n in range(9):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)

    def unmount(run, step):
        if (tmp_path / DESTINATION).exists():
            (tmp_path / DESTINATION).rename(tmp_path / "elsewhere")

    with pytest.raises(ImportFailed, match="the folder is gone"):
        run_import(run, threading.Event(), unmount)
    assert ImportCheckpoint.objects.get().status == "FAILED"
    assert not ImportedFile.objects.filter(outcome="MISSING").exists()


def test_a_park_that_first_appears_on_the_way_begins_there(tmp_path):
    write_day(tmp_path, [event()])
    write_day(tmp_path, [event(day=day(3)), event(day=day(3), entity=OTHER_RIDE, park=OTHER_PARK)], day(3))
    write_day(tmp_path, [event(day=day(5), entity=OTHER_RIDE, park=OTHER_PARK)], day(5))
    import_all(tmp_path)
    newcomer = ImportCheckpoint.objects.get(park__themeparks_wiki_id=OTHER_PARK)
    assert (newcomer.start_date, newcomer.end_date, newcomer.status) == (day(3), day(5), "COMPLETED")
    assert (newcomer.files_processed, newcomer.files_total, newcomer.records_imported) == (3, 3, 2)
    gaps = DataQualityLog.objects.filter(entity_id=newcomer.park_id)
    assert [gap.timestamp_start.date() for gap in gaps] == [day(4)]
    assert not ImportedFile.objects.filter(park=newcomer.park, file_date__lt=day(3)).exists()


def test_an_import_of_one_park_leaves_the_others_alone(tmp_path):
    write_day(tmp_path, [event(), event("11:00:00Z", status="ODD"), event(entity=OTHER_RIDE, park=OTHER_PARK)])
    import_all(tmp_path)
    write_day(tmp_path, [event(day=day(1)), event(day=day(1), entity=OTHER_RIDE, park=OTHER_PARK)], day(1))
    other = Park.objects.get(themeparks_wiki_id=OTHER_PARK)
    before = findings()
    totals = import_all(tmp_path, everything=False, parks=[str(other.park_id)])
    assert (totals.events, totals.stored, totals.already_known) == (2, 1, 1)
    assert not ImportedFile.objects.filter(file_date=day(1), park__themeparks_wiki_id=PARK).exists()
    assert findings() == before


def test_rejected_events_of_another_park_are_counted_and_told_by_its_own_import_alone(tmp_path):
    write_day(tmp_path, [event(), event(entity=OTHER_RIDE, park=OTHER_PARK)])
    import_all(tmp_path)
    events = [
        event(day=day(1)),
        event("11:00:00Z", day=day(1), entity=OTHER_RIDE, park=None, status="ODD"),
        event("12:00:00Z", day=day(1), entity=RIDE, park=None, status="ODD"),
        event("13:00:00Z", day=day(1), entity=ride(3), park=OTHER_PARK, status="ODD"),
    ]
    write_day(tmp_path, events, day(1))
    ids = dict(Park.objects.values_list("themeparks_wiki_id", "park_id"))
    here = import_all(tmp_path, everything=False, parks=[str(ids[PARK])], first=day(1))
    assert (here.events, here.rejected, ledger(day(1))) == (2, 1, ("IMPORTED", 2, 1, 0, 0, 1))
    assert findings() == {("INVALID", "unknown_status", "park", 1)}
    assert DataQualityLog.objects.get().park_id == ids[PARK]
    there = import_all(tmp_path, everything=False, parks=[str(ids[OTHER_PARK])], first=day(1))
    assert (there.events, there.rejected, ledger(day(1), OTHER_PARK)) == (2, 2, ("IMPORTED", 2, 0, 0, 0, 2))
    assert set(DataQualityLog.objects.values_list("park_id", "reason", "occurrences")) == {
        (ids[PARK], "unknown_status", 1),
        (ids[OTHER_PARK], "unknown_status", 2),
    }


def test_events_without_a_park_go_where_their_ride_is_known_and_are_told_where_it_is_not(tmp_path):
    write_day(tmp_path, [event()])
    write_day(
        tmp_path,
        [
            event(day=day(1), park=None),
            event("11:00:00Z", day=day(1), park=None, status="ODD"),
            event("12:00:00Z", day=day(1), park=None, entity=OTHER_RIDE),
            "nothing",
        ],
        day(1),
    )
    import_all(tmp_path)
    assert ledger(day(1)) == ("IMPORTED", 2, 1, 0, 0, 1)
    assert findings() == {
        ("INVALID", "unknown_status", "park", 1),
        ("MISSING_FIELD", "missing_park", "destination", 1),
        ("INVALID", "malformed_event", "destination", 1),
    }
    assert Ride.objects.count() == 1


def test_an_event_months_older_than_its_file_gets_its_month_and_the_boundary_partitions_stay_empty(tmp_path):
    write_day(tmp_path, [event("2021-08-01T00:00:00Z"), event()])
    import_all(tmp_path)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM ride_status_snapshots PARTITION (p202108)")
        assert cursor.fetchone() == (1,)
    assert health.health(DAY).boundary_rows == {}
    assert import_all(tmp_path).already_known == 2


def test_hundreds_of_events_months_older_than_their_file_are_all_known_when_it_is_read_again(tmp_path):
    old = [event(f"2024-03-01T{n // 60:02}:{n % 60:02}:00Z") for n in range(401)]
    write_day(tmp_path, [*old, event()])
    assert import_all(tmp_path).stored == 402
    again = import_all(tmp_path)
    assert (again.stored, again.already_known, again.duplicates) == (0, 402, 0)


def test_no_statement_of_a_files_transaction_is_ddl(tmp_path):
    statements = []

    def listen(execute, sql, params, many, context):
        if context["connection"].in_atomic_block:
            statements.append(str(sql).split()[0].upper())
        return execute(sql, params, many, context)

    write_day(tmp_path, [event("2019-08-01T00:00:00Z"), event()])
    with connection.execute_wrapper(listen):
        import_all(tmp_path)
    assert "LOAD" in statements
    assert not {"ALTER", "CREATE", "DROP", "TRUNCATE"} & set(statements)


def test_an_error_inside_a_file_rolls_it_back_and_leaves_a_failed_checkpoint_that_can_be_retried(tmp_path, monkeypatch):
    for n in range(2):
        write_day(tmp_path, [event(day=day(n), entity=ride(n))], day(n))
    (run,) = runs(tmp_path)
    real = writing.ledger.rows_of

    def fails_on_the_second(file, *args, **kwargs):
        if file.day == day(1):
            raise OSError("No space left on device")
        return real(file, *args, **kwargs)

    monkeypatch.setattr(writing.ledger, "rows_of", fails_on_the_second)
    with pytest.raises(ImportFailed, match="No space left"):
        run_import(run, threading.Event())
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.last_processed_date) == ("FAILED", DAY)
    assert "No space left" in checkpoint.last_error
    assert RideStatusSnapshot.objects.count() == Ride.objects.count() == 1
    monkeypatch.undo()
    (again,) = runs(tmp_path)
    assert run_import(again, threading.Event())
    assert ImportCheckpoint.objects.get().status == "COMPLETED"
    assert RideStatusSnapshot.objects.count() == 2


def test_a_stop_finishes_the_file_in_hand_and_pauses(tmp_path):
    for n in range(4):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.files_processed) == (ImportStatus.PAUSED, 1)
    assert import_all(tmp_path).stored == 3
    assert ImportCheckpoint.objects.get().status == "COMPLETED"


def test_a_park_that_is_paused_leaves_and_the_others_go_on(tmp_path):
    for n in range(3):
        write_day(tmp_path, [event(day=day(n)), event(day=day(n), entity=OTHER_RIDE, park=OTHER_PARK)], day(n))
    (run,) = runs(tmp_path)
    other = ImportCheckpoint.objects.get(park__themeparks_wiki_id=OTHER_PARK)

    def pause_one_after_the_first_file(run, step):
        if step.day == DAY:
            ImportCheckpoint.objects.get(pk=other.pk).pause("by an operator")

    assert not run_import(run, threading.Event(), pause_one_after_the_first_file)
    other.refresh_from_db()
    assert (other.status, other.records_imported) == ("PAUSED", 1)
    assert ImportCheckpoint.objects.get(park__themeparks_wiki_id=PARK).status == "COMPLETED"
    assert RideStatusSnapshot.objects.count() == 4
    assert import_all(tmp_path).stored == 2
    assert RideStatusSnapshot.objects.count() == 6


def test_a_worker_that_was_replaced_changes_nothing(tmp_path):
    for n in range(3):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)

    def somebody_takes_over(run, step):
        if step.day == DAY:
            ImportCheckpoint.objects.update(heartbeat_at=NOW - timedelta(days=9999))
            ImportCheckpoint.objects.get().claim("another/1/2/3")

    assert not run_import(run, threading.Event(), somebody_takes_over)
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.worker, checkpoint.files_processed) == ("IN_PROGRESS", "another/1/2/3", 1)
    assert RideStatusSnapshot.objects.count() == 1


def test_a_second_import_of_a_park_that_is_being_imported_is_refused(tmp_path):
    write_day(tmp_path, [event()])
    (run,) = runs(tmp_path)
    run.checkpoints[0].claim("another/1/2/3")
    with pytest.raises(TransitionRefused, match="is being imported"):
        runs(tmp_path)
    with pytest.raises(TransitionRefused, match="is being imported by another/1/2/3"):
        run_import(run, threading.Event())
    assert not RideStatusSnapshot.objects.exists()


def test_a_park_that_is_paused_before_its_turn_is_left_alone_and_the_others_go_on(tmp_path):
    write_day(tmp_path, [event(), event(entity=OTHER_RIDE, park=OTHER_PARK)])
    (run,) = runs(tmp_path)
    ImportCheckpoint.objects.get(park__themeparks_wiki_id=PARK).pause("by somebody")
    assert not run_import(run, threading.Event())
    assert set(ImportCheckpoint.objects.values_list("park__themeparks_wiki_id", "status")) == {
        (PARK, "PAUSED"),
        (OTHER_PARK, "COMPLETED"),
    }
    assert RideStatusSnapshot.objects.count() == 1
    (run,) = resume([], None)
    assert run_import(run, threading.Event())
    assert RideStatusSnapshot.objects.count() == 2


def test_when_all_parks_are_paused_before_their_turn_nothing_is_read(tmp_path):
    write_day(tmp_path, [event()])
    (run,) = runs(tmp_path)
    ImportCheckpoint.objects.get().pause("by somebody")
    assert not run_import(run, threading.Event())
    assert not ImportedFile.objects.exists()


def test_only_what_is_missing_is_read_when_asked(tmp_path):
    for n in range(4):
        write_day(tmp_path, [event(day=day(n))] if n != 2 else b"broken", day(n))
    import_all(tmp_path)
    write_day(tmp_path, [event(day=day(2))], day(2))
    totals = import_all(tmp_path, missing_only=True)
    assert (totals.files, totals.stored, totals.already_known) == (1, 1, 0)
    assert ledger(day(2))[0] == "IMPORTED"


def test_a_row_stored_meanwhile_by_another_writer_makes_the_file_be_done_again(tmp_path, monkeypatch):
    write_day(tmp_path, [event(), event("11:00:00Z")])
    (run,) = runs(tmp_path)
    real, calls = refusal.load, []

    def another_is_faster(rows, data_source):
        if not calls:
            calls.append(1)
            thread = threading.Thread(target=_store_elsewhere, args=(dict(list(rows.items())[:1]),))
            Ride.objects.update(ride_name="kept by this transaction")
            thread.start()
            thread.join()
        real(rows, data_source)

    def _store_elsewhere(rows):
        try:
            real(rows, "LIVE")
        finally:
            connection.close()

    monkeypatch.setattr(refusal, "load", another_is_faster)
    # the ride must be known before, or its id would be another one in the second attempt
    park = Park.objects.get()
    Ride.objects.create(park=park, ride_name="known", themeparks_wiki_id=RIDE)
    assert run_import(run, threading.Event())
    assert ledger() == ("IMPORTED", 2, 1, 1, 0, 0)


class Asked(FolderSource):
    """A folder that remembers what it was asked for."""

    def __init__(self, root):
        super().__init__(root)
        self.asked = Counter()

    def list_destinations(self):
        self.asked["destinations"] += 1
        return super().list_destinations()

    def list_days(self, destination, first, last, today):
        self.asked["days"] += 1
        return super().list_days(destination, first, last, today)

    def read(self, file):
        self.asked[f"{file.day}"] += 1
        return super().read(file)


def test_an_import_lists_its_source_once_and_reads_each_file_once(tmp_path):
    for n in range(4):
        write_day(tmp_path, [event(day=day(n))], day(n))
    source = Asked(tmp_path)
    (run,) = begin(plan(Request(source, everything=True), date(2026, 1, 1)), lambda: NOW)
    assert run_import(run, threading.Event(), Reporter(io.StringIO(), run))
    assert source.asked == {"destinations": 1, "days": 1} | {f"{day(n)}": 1 for n in range(4)}


def test_imports_that_are_resumed_list_their_source_once(tmp_path):
    for n in range(4):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)
    stop = threading.Event()
    run_import(run, stop, lambda run, step: stop.set())
    source = Asked(tmp_path)
    (again,) = resume([], source, lambda: NOW)
    assert run_import(again, threading.Event())
    assert source.asked == {"destinations": 1, "days": 1} | {f"{day(n)}": 1 for n in (1, 2, 3)}
