"""maintain_partitions --compact on months that are written to."""

import os
import re
import signal
from datetime import UTC, date, datetime
from io import StringIO
from threading import Event, Thread

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection

from tests import killed_holders
from tests.cutting_proxy import cutting_proxy
from tests.imports import forks
from tests.plans import plan_of
from tests.waiting import HANG_SECONDS
from tests.warehouse.partitioning.bystander import Bystander
from warehouse import tasks
from warehouse.models import CompactionStep, MonthCompaction, PartitionMetrics
from warehouse.partitioning import partitions
from warehouse.partitioning.compacting import months, procedure, shadow
from warehouse.partitioning.compacting.procedure import CompactionError, Done, Stopped
from warehouse.partitioning.compacting.shadow import SHADOW
from warehouse.partitioning.online.comparison import digest_of
from warehouse.partitioning.online.procedure import TURN
from warehouse.partitioning.partitions import TABLE
from warehouse.rides import stale_days
from warehouse.server import away, catalog
from warehouse.server.named_lock import named_lock
from warehouse.snapshot_id import snapshot_id_of
from warehouse.storage import measurement

TODAY = date(2025, 4, 20)
JANUARY = date(2025, 1, 1)
ROWS = 6_000  # a row every 21 minutes: January to March
INSERT = (
    f"INSERT INTO {TABLE} (snapshot_id, ride_id, recorded_at, status, wait_time, computed_is_open, data_source) "
    "VALUES ({}, 7, '2025-01-15 12:00:00', 'OPERATING', 10, 1, 'LIVE')"
)
NEW_ID = snapshot_id_of(7, 1_736_942_400_000)


@pytest.fixture(autouse=True)
def small_months(monkeypatch):
    small(monkeypatch)


def small(monkeypatch) -> None:
    """Months of 2,000 rows are worth it, several chunks each, and whatever their exchange takes is short enough."""
    monkeypatch.setattr(months, "LEAST_SAVED_BYTES", 1)
    monkeypatch.setattr(months, "LEAST_SAVED_SHARE", 0.0)
    monkeypatch.setattr(months, "COMPACT_BYTES_A_ROW", {False: 10.0, True: 10.0})
    monkeypatch.setattr(months, "ROWS_TO_TELL_BY", 1_000_000)
    monkeypatch.setattr(shadow, "CHUNK_ROWS_FIRST", 800)
    monkeypatch.setattr(shadow, "CHUNK_ROWS_LEAST", 800)
    monkeypatch.setattr(shadow, "CHUNK_ROWS_MOST", 800)
    monkeypatch.setattr(procedure, "OTHER_OPERATOR_WAIT_SECONDS", 0)


@pytest.fixture
def filled(new_files):
    """6,000 rows of January to March, in twice the room that they need: as many others were there and are gone."""
    new_files.fill(ROWS, "2025-01-01 00:10:00", 1260)
    execute(f"UPDATE {TABLE} SET data_source = 'LIVE'")
    new_files.fill(ROWS, "2025-01-01 00:00:00", 1260)
    execute(f"DELETE FROM {TABLE} WHERE data_source = 'LIVE'")
    return new_files


def run(report=None, **options) -> Done:
    defaults = {"patience_seconds": HANG_SECONDS, "longest_wait_seconds": HANG_SECONDS}
    return procedure.run(TODAY, report or (lambda *_: None), **{**defaults, **options})


def digest() -> tuple:
    """Count and checksum of the fact table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {digest_of(list(catalog.columns(TABLE)))} FROM {TABLE}")
        return cursor.fetchone()


def execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def at(step: str, what):
    """Does it once, when the run reports this step."""
    done = []

    def report(said: str, *_):
        if step in said and not done:
            done.append(said)
            what()

    return report


def left_over() -> tuple[bool, list[str]]:
    return catalog.table_exists(SHADOW), [record.partition_name for record in procedure.unfinished()]


# --- equal rows -------------------------------------------------------------------------------------------------------
def test_closed_months_hold_the_same_rows_and_take_less(filled):
    partitions.ensure_months([date(2024, 12, 1)])
    filled.add(
        "2024-11-05", "2024-12-24", "2025-04-19", "2030-01-01"
    )  # of a boundary, a few, an open month, the future
    before, taken = digest(), catalog.sizes(TABLE)
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {TABLE}")
        definition = cursor.fetchone()
    meanwhile = {}
    done = run(at("p202501: copy", lambda: meanwhile.update(catalog.sizes(TABLE))))
    assert list(done.months) == ["p202501", "p202502", "p202503"]
    assert digest() == before
    now = catalog.sizes(TABLE)
    assert {name for name in now if now[name].file_bytes != taken[name].file_bytes} == set(done.months)
    assert all(now[name].file_bytes < taken[name].file_bytes for name in done.months)
    told_before, told_after = done.months["p202501"]
    # a file grows by a page while MySQL purges what was deleted from it
    assert taken["p202501"].file_bytes <= told_before <= meanwhile["p202501"].file_bytes
    assert told_after == now["p202501"].file_bytes
    assert left_over() == (False, [])
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {TABLE}")
        assert cursor.fetchone() == definition
        cursor.execute(f"CHECK TABLE {TABLE}")
        assert cursor.fetchone()[-1] == "OK"
    assert run() == Done(), "a compact month is left alone"


def test_questions_are_planned_as_before(filled):
    questions = (
        f"SELECT * FROM {TABLE} WHERE ride_id = 5 AND recorded_at >= '2025-01-03' AND recorded_at < '2025-01-04'",
        f"SELECT recorded_at, ride_id FROM {TABLE} WHERE recorded_at >= '2025-02-03' AND recorded_at < '2025-02-04'",
        f"SELECT * FROM {TABLE} WHERE snapshot_id = {NEW_ID} AND recorded_at = '2025-01-15 12:00:00'",
    )

    def plans():
        execute(f"ANALYZE TABLE {TABLE}")
        steps = [step for question in questions for step in plan_of(question)]
        return [(step["type"], step["key"], step["key_len"]) for step in steps]

    before = plans()
    run()
    assert plans() == before


def test_months_are_chosen_by_from_and_to(filled):
    assert list(run(first=date(2025, 2, 1), last=date(2025, 2, 1)).months) == ["p202502"]


@pytest.mark.parametrize(
    ("today", "closed"), [(date(2025, 3, 7), ["p202501"]), (date(2025, 3, 8), ["p202501", "p202502"])]
)
def test_a_month_is_closed_a_week_after_its_end(filled, today, closed):
    found = months.closed(catalog.partitions(TABLE), today)
    assert [partition.name for partition in found] == closed


def test_figures_that_were_measured_are_set_right(filled):
    PartitionMetrics.objects.create(
        table_name=TABLE,
        partition_name="p202501",
        row_count=2_126,
        file_bytes=99_000_000,
        measured_at="2025-04-20T00:00Z",
    )
    run(last=JANUARY)
    size = catalog.sizes(TABLE)["p202501"]
    metrics = PartitionMetrics.objects.get()
    assert (metrics.file_bytes, metrics.data_bytes, metrics.row_count) == (size.file_bytes, size.data_bytes, 2_126)


# --- written to meanwhile ---------------------------------------------------------------------------------------------
WRITES = {
    "insert": INSERT.format(NEW_ID),
    "update": f"UPDATE {TABLE} SET wait_time = 299 WHERE recorded_at = '2025-01-01 00:00:00'",
    "delete": f"DELETE FROM {TABLE} WHERE recorded_at = '2025-01-01 00:00:00'",
}


@pytest.mark.parametrize(
    ("step", "write"), [("copy", "insert"), ("build", "delete"), ("compare", "update"), ("exchange", "insert")]
)
def test_what_an_import_writes_meanwhile_is_there_afterwards(filled, monkeypatch, step, write):
    monkeypatch.setattr(catalog, "modified", lambda table: None)  # the tokens alone must do
    expected = []

    def import_():
        execute(WRITES[write])
        stale_days.mark_months([(JANUARY, 1)])
        expected.append(digest())

    done = run(at(f"p202501: {step}", import_), last=JANUARY)
    assert digest() == expected[0]
    assert (list(done.months), done.left) == (["p202501"], {})
    assert left_over() == (False, [])


@pytest.mark.parametrize("shown", [True, False], ids=["the server shows that rows changed", "nothing shows it"])
@pytest.mark.parametrize("write", WRITES)
def test_what_is_written_past_all_marks_at_the_last_moment_is_there_afterwards(
    filled, monkeypatch, request, write, shown
):
    if shown:
        request.getfixturevalue("changes_are_shown")
    else:
        monkeypatch.setattr(catalog, "modified", lambda table: None)
    expected = []

    def past_us():
        execute(WRITES[write])
        expected.append(digest())

    said = []
    report = at("p202501: exchange", past_us)
    done = run(lambda what, *_: (said.append(what), report(what)), last=JANUARY)
    assert digest() == expected[0]
    assert list(done.months) == ["p202501"]
    assert any("is as it was" in line for line in said) is not shown
    assert left_over() == (False, [])


def test_a_month_that_changed_past_us_before_the_exchange_and_after_it_is_kept_twice(filled, monkeypatch):
    monkeypatch.setattr(catalog, "modified", lambda table: None)
    report = at("p202501: exchange", lambda: execute(WRITES["insert"]))
    after = at("compare what came out", lambda: execute(WRITES["delete"]))
    with pytest.raises(CompactionError, match=f"{SHADOW} holds its [0-9,]+ rows of before"):
        run(lambda what, *_: (report(what), after(what)), last=JANUARY)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {SHADOW} WHERE snapshot_id = {NEW_ID}")
        assert cursor.fetchone() == (1,)
    with pytest.raises(CompactionError, match="DROP TABLE"):
        run()
    assert catalog.table_exists(SHADOW), "whoever calls again does not lose it"


def test_a_month_that_is_written_to_all_the_time_is_left_alone(filled):
    before = digest()
    writes = iter(range(10))

    def report(what, *_):
        if "compare" in what:
            stale_days.mark_months([(JANUARY, next(writes))])

    done = run(report, last=JANUARY)
    assert done.left == {"p202501": "it is being written to: call again later"}
    assert next(writes) == procedure.TRIES
    assert (digest(), left_over()) == (before, (False, []))


def test_beside_a_reader_a_writer_and_new_months_nothing_is_lost(filled, another_session):
    reader = Bystander(another_session(autocommit=True), f"SELECT COUNT(*) FROM {TABLE} PARTITION (p202502)")
    writer = Bystander(
        another_session(autocommit=True),
        f"INSERT INTO {TABLE} (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
        "VALUES ({}, 1, '2025-04-19', 'DOWN', 0)",
    )
    made = at("p202502: copy", lambda: partitions.ensure_months([date(2024, 5, 1)], patience_seconds=HANG_SECONDS))
    with reader.at_it(), writer.at_it():
        done = run(made)
    assert len(done.months) == 3
    assert filled.count() == ROWS + writer.done
    assert "p202405" in filled.partition_names()
    assert left_over() == (False, [])


# --- stopped and killed -----------------------------------------------------------------------------------------------
class Killed(BaseException):
    """What nobody catches: as after kill -9, nothing is tidied up."""


STEPS = ["create", "copy", "build", "compare", "exchange", "exchanged", "compare what came out", "drop", "remember"]


def kill_at(step: str, monkeypatch):
    """A report that kills at a step, or a function of ours that does before or after it has done its work."""

    def killed(*_args, **_options):
        raise Killed

    def killed_after(function):
        def call(*args, **options):
            function(*args, **options)
            raise Killed

        return call

    if step == "create":
        monkeypatch.setattr(shadow, "make", killed_after(shadow.make))
    elif step == "exchanged":
        monkeypatch.setattr(shadow, "exchange", killed_after(shadow.exchange))
    elif step == "drop":
        real, calls = shadow.drop, []

        def drop(patience_seconds):
            calls.append(1)
            real(patience_seconds)
            if len(calls) == 2:  # the first clears the way
                raise Killed

        monkeypatch.setattr(shadow, "drop", drop)
    elif step == "remember":
        monkeypatch.setattr(catalog, "analyze", killed_at_the_second(catalog.analyze))
    else:
        return at(f"p202501: {step}", killed)
    return None


def killed_at_the_second(analyze):
    calls = []

    def call(*args):
        calls.append(1)
        analyze(*args)
        if len(calls) == 2:
            raise Killed

    return call


@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_called_again_it_finishes(filled, monkeypatch, step):
    before = digest()
    with monkeypatch.context() as patched, pytest.raises(Killed):
        run(kill_at(step, patched), last=JANUARY)
    assert procedure.unfinished()
    run(last=JANUARY)
    assert MonthCompaction.objects.get().step == CompactionStep.DONE
    assert (digest(), left_over()) == (before, (False, []))


LOST = [("before", "LOCK TABLES"), ("after", "EXCHANGE PARTITION"), ("before", "INSERT INTO"), ("after", "DROP TABLE")]


@pytest.mark.parametrize(("moment", "statement"), LOST)
def test_a_connection_that_is_lost_ends_no_run(filled, monkeypatch, moment, statement):
    # the server may not have noticed yet that the session is gone
    monkeypatch.setattr(procedure, "OTHER_OPERATOR_WAIT_SECONDS", HANG_SECONDS)
    before = digest()
    with cutting_proxy(connection) as proxy, proxy.between(connection), away.patience(first_pause=0.001):
        cut = proxy.cut(moment, statement)
        assert list(run(last=JANUARY).months) == ["p202501"]
    assert cut.packet is not None
    assert MonthCompaction.objects.get().step == CompactionStep.DONE
    assert (digest(), left_over()) == (before, (False, []))


def run_and_be_killed(step: str, month: str) -> None:
    """In a process of its own."""
    patched = pytest.MonkeyPatch()
    small(patched)
    run(at(step, lambda: os.kill(os.getpid(), signal.SIGKILL)), first=date.fromisoformat(month))


def test_a_process_that_is_killed_leaves_no_lock_and_nothing_undone(filled, monkeypatch):
    # the server may not have noticed yet that the session is gone
    monkeypatch.setattr(procedure, "OTHER_OPERATOR_WAIT_SECONDS", HANG_SECONDS)
    before = digest()
    for step, month in [("p202501: copy", 1), ("p202502: exchange", 2), ("p202503: compare what came out", 3)]:
        fork = forks.Fork(run_and_be_killed, [step, f"2025-{month:02}-01"])
        fork.communicate()
        assert fork.returncode == -signal.SIGKILL
        assert len(procedure.unfinished()) == 1
        killed_holders.are_known_to_be_gone()
        run(last=date(2025, month, 1))
        assert (digest(), left_over()) == (before, (False, []))
    assert months.gain(TODAY).possible == {}


def test_killed_behind_an_exchange_that_took_away_a_row_it_is_brought_back(filled, monkeypatch):
    monkeypatch.setattr(catalog, "modified", lambda table: None)
    report = at("p202501: exchange", lambda: execute(WRITES["insert"]))
    with monkeypatch.context() as patched, pytest.raises(Killed):
        kill_at("exchanged", patched)
        run(report, last=JANUARY)
    run(last=JANUARY)
    assert filled.count() == ROWS + 1
    assert left_over() == (False, [])


def test_asked_to_stop_it_leaves_the_month_in_hand_as_it_was(filled):
    before, stop = digest(), Event()
    with pytest.raises(Stopped, match="1 month compacted"):
        run(at("p202502: copy", stop.set), stop=stop)
    assert (digest(), left_over()) == (before, (False, []))
    assert [record.partition_name for record in MonthCompaction.objects.all()] == ["p202501"]
    assert list(run().months) == ["p202502", "p202503"]


def test_when_its_time_is_over_it_stops(filled):
    with pytest.raises(Stopped):
        run(seconds=0)
    assert left_over() == (False, [])


# --- what stands in the way -------------------------------------------------------------------------------------------
def test_a_disk_that_is_too_small_is_not_begun_on(filled, monkeypatch):
    monkeypatch.setattr(catalog, "disk_free_bytes", lambda: 100_000)
    with pytest.raises(CompactionError, match=r"p202501 needs about [\d.]+ MB of disk .* has 0.10 MB free"):
        run()
    assert left_over() == (False, [])


def test_a_full_disk_drops_the_copy(filled, monkeypatch):
    def full(*_):
        raise OperationalError(1114, "The table 'ride_status_snapshots_compact' is full")

    monkeypatch.setattr(shadow, "index", full)
    before = digest()
    with pytest.raises(CompactionError, match="The disk of the database is full: the copy was dropped"):
        run()
    assert (digest(), left_over()) == (before, (False, []))


def test_an_exchange_that_would_take_too_long_is_left_alone(filled, monkeypatch):
    monkeypatch.setattr(procedure, "QUIET_TRIES", 2)
    monkeypatch.setattr(procedure, "QUIET_PAUSE_SECONDS", 0)
    monkeypatch.setattr(procedure, "VALIDATED_ROWS_PER_SECOND", 10**12)
    monkeypatch.setattr(shadow, "seconds_to_validate", lambda: 1.0)
    before = digest()
    done = run(last=JANUARY, longest_wait_seconds=0.5)
    assert "waiting for about 1.23 s" in done.left["p202501"]
    assert (digest(), left_over()) == (before, (False, []))


def test_a_reader_that_never_leaves_is_named_and_nobody_waits_for_the_exchange(filled, another_session):
    before, reader = digest(), another_session()

    def read():
        reader.query(f"SELECT 1 FROM {TABLE} LIMIT 1")
        reader.store_result()

    bystander = Bystander(another_session(autocommit=True), f"SELECT COUNT(*) FROM {TABLE} PARTITION (p202502)")
    with bystander.at_it(), pytest.raises(CompactionError, match=r"was in use for .* p202501 is as it was"):
        run(at("p202501: exchange", read), patience_seconds=0.5)
    reader.rollback()
    assert bystander.refused == 0
    assert (digest(), left_over()) == (before, (False, []))


def test_whoever_makes_the_table_over_is_not_disturbed(filled, another_session):
    other = another_session(autocommit=True)
    other.query(f"CREATE TABLE {partitions.COPY} LIKE {TABLE}")
    with pytest.raises(CompactionError, match="partition_snapshots has left a copy"):
        run()
    other.query(f"DROP TABLE {partitions.COPY}")
    has_its_turn, may_end = Event(), Event()

    def make_over():
        with named_lock(TURN) as mine:
            assert mine
            has_its_turn.set()
            may_end.wait(HANG_SECONDS)
        connection.close()

    operator = Thread(target=make_over)
    operator.start()
    try:
        assert has_its_turn.wait(HANG_SECONDS)
        with pytest.raises(CompactionError, match="wait until it has finished"):
            run()
    finally:
        may_end.set()
        operator.join()


def test_a_shadow_table_of_which_nothing_is_known_is_left_alone(filled):
    execute(f"CREATE TABLE {SHADOW} (id INT)")
    with pytest.raises(CompactionError, match="nothing says what it holds"):
        run()
    assert catalog.table_exists(SHADOW)


def test_a_table_without_months_is_not_compacted(snapshots, another_session):
    another_session(autocommit=True).query(f"ALTER TABLE {TABLE} REMOVE PARTITIONING")
    with pytest.raises(CompactionError, match="partition_snapshots apply"):
        run()


# --- as an operator meets it ------------------------------------------------------------------------------------------
def compact(*arguments: str) -> str:
    out = StringIO()
    with time_machine.travel("2025-04-20 12:00Z", tick=True):
        call_command("maintain_partitions", "--compact", "--longest-wait", str(HANG_SECONDS), *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_would_do_and_what_it_did(filled, monkeypatch):
    monkeypatch.setattr(catalog, "disk_free_bytes", lambda: None)
    said = compact("--dry-run")
    assert "free: not known from here" in said
    assert "p202501" in said
    assert "3 months would be compacted, which saves about" in said
    with pytest.raises(CommandError, match="3 months would be compacted") as error:
        compact("--check")
    assert error.value.returncode == 1
    assert not MonthCompaction.objects.exists()
    said = compact("--to", "2025-02")
    assert "is not known from here; a month in hand needs 1.5 times what it takes" in said
    assert "p202501: 2,126 rows, " in said
    assert "2 months compacted" in said
    assert "1 month compacted" in compact()
    assert compact("--check") == "Nothing to gain: every closed month is compact\n"
    assert compact().endswith("Nothing to gain: every closed month is compact\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--from", "2025-03", "--to", "2025-01"], "swap them"),
        (["--drain"], "one after the other"),
        (["--throttle", "99"], "give 0 to 95"),
        (["--longest-wait", "0"], "more than 0 seconds"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(snapshots, arguments, said):
    with pytest.raises(CommandError, match=said) as error:
        compact(*arguments)
    assert error.value.returncode == 2


def test_the_monthly_job_says_what_it_did(filled, monkeypatch):
    monkeypatch.setattr(procedure.run, "__kwdefaults__", {**procedure.run.__kwdefaults__, "longest_wait_seconds": 180})
    with time_machine.travel("2025-04-20 02:50Z", tick=True):
        monkeypatch.setattr(tasks, "COMPACT_SECONDS", 0)
        assert tasks.compact_months() == "no time for more: manage.py maintain_partitions --compact goes on"
        monkeypatch.setattr(tasks, "COMPACT_SECONDS", HANG_SECONDS)
        assert tasks.compact_months().startswith("3 months compacted, ")
        assert tasks.compact_months() == "nothing to gain: every closed month is compact"


def test_pages_and_report_say_what_could_be_saved_and_what_was(filled, admin_client):
    now = datetime(2025, 4, 20, tzinfo=UTC)
    partitions_page, storage_page = (f"/admin/warehouse/storagemetrics/{name}/" for name in ("partitions", "storage"))

    def report():
        out = StringIO()
        call_command("collect_storage_metrics", "--report", stdout=out)
        return out.getvalue()

    with time_machine.travel(now, tick=True):
        assert re.search(r"would save [1-9]\.\d+ MB .* has saved 0\.00 MB", report(), re.DOTALL)
        assert re.search(r"Could be saved</dt><dd>[1-9]\.\d+ MB", admin_client.get(partitions_page).content.decode())
        assert "MB could be saved" in admin_client.get(storage_page).content.decode()
        done = run()
        assert "which has saved" in admin_client.get(partitions_page).content.decode()
        assert months.gain(TODAY).possible == {}
        assert months.gain(TODAY).saved == done.saved > 0
        assert "would save 0.00 MB" in report()
        counted = PartitionMetrics.objects.get(table_name=TABLE, partition_name="p202501")
        assert counted.row_count == 2_126


def test_a_shadow_table_that_goes_while_storage_is_measured_is_passed_over(filled, monkeypatch):
    execute(f"CREATE TABLE {SHADOW} LIKE {TABLE}")
    real = catalog.analyze

    def analyze(table, *rest):
        if table == SHADOW:
            execute(f"DROP TABLE {SHADOW}")
        real(table, *rest)

    monkeypatch.setattr(catalog, "analyze", analyze)
    now = datetime(2025, 4, 20, tzinfo=UTC)
    names = [metrics.table_name for metrics in measurement.collect(now.date(), now)]
    assert TABLE in names
    assert SHADOW not in names
