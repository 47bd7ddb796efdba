"""Small files that go into the database together: what is there afterwards is what is there when each goes alone."""

import os
import random
import threading
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection

from imports.archive import batches, writing
from imports.archive.pipeline import ImportFailed, run_import
from imports.models import ImportCheckpoint, ImportedFile
from tests.cutting_proxy import cutting_proxy
from tests.emptying import empty_tables
from tests.imports.building import DAY, OTHER_PARK, PARK, event, import_all, ride, runs, write_day
from tests.imports.table_state import table_state
from warehouse.models import MetadataChange, Park, Ride, RideStatusSnapshot, RideStay

pytestmark = pytest.mark.django_db(transaction=True)

HISTORIES = int(os.environ.get("HISTORIES", "3"))  # a trial by hand sets 100
DAYS = 12


@pytest.fixture
def transactions():
    """How many COMMITs there were of files."""
    seen = []

    def listen(execute, sql, params, many, context):
        if str(sql).startswith("UPDATE import_checkpoints SET last_processed_date"):
            seen.append(params[1])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(listen):
        yield seen


@pytest.fixture
def patient(monkeypatch):
    """However busy the machine is, files that may go together do."""
    monkeypatch.setattr(batches, "SECONDS_MAX", 3600)
    monkeypatch.setattr(batches, "GATHER_SECONDS", 3600)


def day(n: int):
    return DAY + timedelta(days=n)


def random_days(root, seed: int) -> None:
    """Files of a few events in which rides come, move, change their names, and are told of again by the next file."""
    rnd = random.Random(seed)
    told: list[dict] = []
    for n in range(DAYS):
        events = [
            event(
                f"{rnd.randrange(24):02}:{rnd.randrange(60):02}:{rnd.randrange(60):02}"
                + rnd.choice([".5Z", "Z", ".001Z"]),
                day=day(n),
                entity=ride(rnd.randrange(1, 6 + n // 3)),
                status=rnd.choice(["OPERATING", "DOWN", "CLOSED"]),
                name=rnd.choice(["One", "One", "One", "Two"]),
                park=rnd.choice([PARK] * 20 + [OTHER_PARK]),
                queue=rnd.choice([None, {"STANDBY": {"waitTime": 5}}, {"SINGLE_RIDER": {"waitTime": 10}}]),
            )
            for _ in range(rnd.randrange(4, 15))
        ]
        for again in rnd.sample(told, min(len(told), 3)):  # of a day before, and perhaps otherwise
            events.append(again | rnd.choice([{}, {"data": {"status": "DOWN", "queue": None}}]))
            if rnd.random() < 0.5:  # the same change a part of a second later
                events.append(again | {"eventTime": again["eventTime"][:19] + rnd.choice([".400Z", "Z", ".900Z"])})
        events.append(rnd.choice([event(day=day(n), eventTime="nonsense"), event(day=day(n), parkId=...)]))
        told = events[:10]
        write_day(root, events if rnd.random() < 0.95 else b"no file at all", day(n))


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_files_that_go_together_leave_what_they_leave_alone(tmp_path, monkeypatch, patient, transactions, seed):
    random_days(tmp_path, seed)
    with monkeypatch.context() as alone:
        alone.setattr(batches, "FILES_MAX", 1)
        totals_alone = import_all(tmp_path)
        alone_state, alone_transactions = table_state(), len(set(transactions))
        stays_alone = list(RideStay.objects.order_by("pk").values_list("ride__themeparks_wiki_id", "begins_at"))
    empty_tables()
    transactions.clear()
    assert import_all(tmp_path) == totals_alone
    assert table_state() == alone_state
    stays = list(RideStay.objects.order_by("pk").values_list("ride__themeparks_wiki_id", "begins_at"))
    assert stays == stays_alone
    assert len(set(transactions)) < alone_transactions


def test_many_small_files_are_few_transactions_and_one_checkpoint_moves_past_them(tmp_path, patient, transactions):
    for n in range(30):
        write_day(tmp_path, [event(day=day(n), entity=ride(n % 3))], day(n))
    assert import_all(tmp_path).stored == 30
    assert len(transactions) == 2  # the first file says how fast it goes
    assert ImportedFile.objects.filter(outcome="IMPORTED", stored=1).count() == 30
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.files_processed, checkpoint.records_imported) == (30, 30)
    assert checkpoint.last_processed_date == day(29)


def test_of_files_that_go_together_the_one_at_fault_is_told_and_those_before_it_are_there(
    tmp_path, monkeypatch, patient
):
    for n in range(8):
        write_day(tmp_path, [event(day=day(n))], day(n))
    (run,) = runs(tmp_path)
    real = writing.ledger.rows_of

    def fails_on_the_sixth(file, *args, **kwargs):
        if file.day == day(5):
            raise OSError("No space left on device")
        return real(file, *args, **kwargs)

    monkeypatch.setattr(writing.ledger, "rows_of", fails_on_the_sixth)
    with pytest.raises(ImportFailed, match="No space left"):
        run_import(run, threading.Event())
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.last_processed_date, checkpoint.files_processed) == ("FAILED", day(4), 5)
    assert RideStatusSnapshot.objects.count() == run.totals.stored == run.totals.files == 5


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_commit_of_several_files_whose_answer_is_lost_counts_once(tmp_path, monkeypatch, patient, moment):
    monkeypatch.setattr(random, "uniform", lambda least, most: least)
    for n in range(6):
        write_day(tmp_path, [event(day=day(n)), event("11:00:00Z", day=day(n), entity=ride(n))], day(n))
    (run,) = runs(tmp_path)
    steps = []

    def cut_the_second(run, step):
        if not steps:
            proxy.cut(moment, "COMMIT", behind=r"UPDATE .?import_checkpoints.? SET .*last_processed_date")
        steps.append(step.day)

    with cutting_proxy(connection) as proxy, proxy.between(connection):
        assert run_import(run, threading.Event(), cut_the_second)
    assert steps == [day(n) for n in range(6)]
    assert (run.totals.files, run.totals.stored) == (6, 12)
    assert RideStatusSnapshot.objects.count() == 12
    assert ImportCheckpoint.objects.get().files_processed == 6


def test_a_name_is_not_followed_where_a_file_of_the_same_transaction_has_heard_of_the_ride_later(tmp_path, patient):
    """Whether anything was heard since is asked of the table: it has the rows of the files before by then."""
    write_day(tmp_path, [event()])
    write_day(tmp_path, [event(day=day(3))], day(1))  # of a later day, by the name that it has
    write_day(tmp_path, [event(day=day(2), name="New")], day(2))
    import_all(tmp_path)
    assert Ride.objects.get(themeparks_wiki_id=event()["entityId"]).ride_name == event()["name"]
    assert not MetadataChange.objects.exists()


def test_the_rows_of_files_before_it_are_evidence_of_where_a_ride_was_that_moves(tmp_path, patient, transactions):
    write_day(tmp_path, [event(), event(entity=ride(9), park=OTHER_PARK)])
    for n in (1, 2):
        write_day(tmp_path, [event(day=day(n), entity=ride(1))], day(n))
    write_day(tmp_path, [event(day=day(3), entity=ride(1), park=OTHER_PARK)], day(3))
    import_all(tmp_path)
    assert len(set(transactions)) == 2
    parks = {park.themeparks_wiki_id: park.pk for park in Park.objects.all()}
    moved = Ride.objects.get(themeparks_wiki_id=ride(1))
    stays = list(moved.stays.order_by("begins_at").values_list("park_id", flat=True))
    assert stays == [parks[PARK], parks[OTHER_PARK]]
    found = ImportedFile.objects.filter(stored__gt=0, park=parks[PARK]).values_list("file_date", flat=True)
    assert sorted(found) == [day(0), day(1), day(2)]


def test_a_file_that_was_read_otherwise_before_goes_alone(tmp_path, patient, transactions):
    for n in range(6):
        write_day(tmp_path, [event(day=day(n)), event("11:00:00Z", day=day(n))], day(n))
    import_all(tmp_path)
    write_day(tmp_path, [event(day=day(3))], day(3))
    transactions.clear()
    assert import_all(tmp_path).already_known == 11
    keys = [key[-13:-8] for key in transactions]
    assert keys == ["12/25", "12/27", "12/28", "12/30"]


def test_rows_that_the_server_refuses_are_counted_in_their_own_file(tmp_path, patient):
    for n in range(5):
        write_day(tmp_path, [event(day=day(n)), event("11:00:00Z", day=day(n), status="DOWN")], day(n))
    with connection.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE ride_status_snapshots ADD CONSTRAINT no_down CHECK "
            f"(status <> 'DOWN' OR recorded_at < '{day(2)}' OR recorded_at >= '{day(3)}')"
        )
    try:
        totals = import_all(tmp_path)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ride_status_snapshots DROP CONSTRAINT no_down")
    assert (totals.stored, totals.rejected) == (9, 1)
    assert [row.rejected for row in ImportedFile.objects.order_by("file_date")] == [0, 0, 1, 0, 0]


def test_a_sample_archive_with_all_defects_is_the_same_either_way(tmp_path, monkeypatch, patient):
    call_command(
        "create_sample_archive", str(tmp_path), days=9, events_per_day=60, destinations=1, start=DAY, verbosity=0
    )
    with monkeypatch.context() as alone:
        alone.setattr(batches, "FILES_MAX", 1)
        totals_alone = import_all(tmp_path)
        state = table_state()
    empty_tables()
    assert import_all(tmp_path) == totals_alone
    assert table_state() == state
