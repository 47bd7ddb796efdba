"""partition_snapshots on a table that is written to and read all the time."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from datetime import date
from functools import cache
from io import StringIO
from itertools import count

import MySQLdb
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection

from tests import killed_holders
from tests.cutting_proxy import cutting_proxy
from tests.imports import processes
from tests.waiting import HANG_SECONDS, until
from tests.warehouse.partitioning.bystander import Bystander, said_to_whom_a_change_ends
from warehouse.partitioning import partitions
from warehouse.partitioning.online import comparison, procedure, statements, steps
from warehouse.partitioning.online.procedure import Direction, RepartitionError
from warehouse.partitioning.partitions import COPY, TABLE
from warehouse.server import away, catalog
from warehouse.server.dialect import is_galera
from warehouse.snapshot_id import snapshot_id_of

TODAY = date(2025, 4, 20)
ROWS = 6_000
INSERT = (
    "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, wait_time, computed_is_open, "
    "data_source) VALUES (%s, %s, %s, 'OPERATING', 10, 1, %s)"
)


CHUNK_ROWS_MOST = 3_000  # several chunks a month


@pytest.fixture
def few_months(settings):
    """Partitions cost time to make, and these tests make many tables."""
    settings.PARTITIONS_AHEAD_MONTHS = 2


@pytest.fixture
def filled(snapshots, few_months, monkeypatch):
    """6,000 rows of January to March 2025, copied in chunks of at most 3,000."""
    monkeypatch.setattr(steps, "CHUNK_ROWS_MOST", CHUNK_ROWS_MOST)
    snapshots.fill(ROWS, "2025-01-01 00:00:00", 1000)
    return snapshots


def silent(step: str, done: int, total: int) -> None:
    pass


def run(direction: Direction, report=silent, **options) -> str | None:
    return procedure.run(direction, TODAY, report, **{"patience_seconds": HANG_SECONDS, **options})


def digest() -> tuple:
    """Count and checksum of the fact table."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {comparison.digest_of(list(catalog.columns(TABLE)))} FROM {TABLE}")
        return cursor.fetchone()


def ids() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT snapshot_id FROM {TABLE}")
        found = [row[0] for row in cursor.fetchall()]
    assert len(found) == len(set(found)), "a row was doubled"
    return set(found)


class Traffic:
    """An importer, a live writer, somebody who replaces rows, a reader, and an import in want of months, each on a
    session of its own."""

    def __init__(self, open_session):
        self.open_session = open_session
        self.is_ended_by = said_to_whom_a_change_ends()
        self.added: set[int] = set()
        self.removed: set[int] = set()
        self.errors: list[Exception] = []
        self.rounds: Counter[str] = Counter()
        self._stop = threading.Event()
        self._numbers = count(1)

    @contextmanager
    def running(self):
        self._stop.clear()
        works = (self._import_file, self._collect, self._replace, self._read)
        threads = [threading.Thread(target=self._work, args=(work,)) for work in works]
        threads.append(threading.Thread(target=self._make_months))
        self.rounds.update({work.__name__: 0 for work in works})
        for thread in threads:
            thread.start()
        try:
            yield self
            self.goes_on()
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()

    def goes_on(self) -> None:
        """Each of those who read and write begins and ends what it does once more, at the least."""
        before = Counter(self.rounds)
        until(
            lambda: self.errors or all(self.rounds[name] > before[name] + 1 for name in before),
            every_seconds=0.005,
            otherwise=lambda: f"traffic stands still: {self.rounds - before} since then",
        )

    def goes_on_at_each_step(self):
        """A report for `run`. Of the chunks and months of a step only the first, or it would never catch up."""
        seen = []

        def report(step: str, done: int, total: int) -> None:
            if step not in seen:
                seen.append(step)
                self.goes_on()

        return report

    def _work(self, work) -> None:
        session = self.open_session()
        cursor = session.cursor()
        try:
            while not self._stop.is_set():
                try:
                    work(session, cursor)
                except MySQLdb.OperationalError as error:
                    if error.args[0] not in self.is_ended_by:
                        raise
                    session.rollback()
                    continue
                self.rounds[work.__name__] += 1
        except Exception as error:
            self.errors.append(error)
        finally:
            session.rollback()

    def _make_months(self) -> None:
        month = date(2024, 12, 1)
        try:
            while not self._stop.is_set():
                partitions.ensure(month, month, patience_seconds=HANG_SECONDS)
                month = partitions.add_months(month, -1)
                time.sleep(0.1)
        except Exception as error:
            self.errors.append(error)
        finally:
            connection.close()

    def _rows(self, how_many: int, source: str, start: str, ride_id: int) -> list[tuple]:
        begin = int(time.mktime(time.strptime(start, "%Y-%m-%d"))) * 1000
        rows = []
        for _ in range(how_many):
            number = next(self._numbers)
            at = begin + number * 60_000
            text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at / 1000))
            rows.append((snapshot_id_of(ride_id, at), ride_id, text, source))
        return rows

    def _import_file(self, session, cursor) -> None:
        rows = self._rows(100, "ARCHIVE", "2025-02-03", 1001)
        cursor.executemany(INSERT, rows)
        session.commit()
        self.added.update(row[0] for row in rows)
        time.sleep(0.02)  # they take turns, the pace of all is that of the slowest, and idle rounds cost CPU

    def _collect(self, session, cursor) -> None:
        (row,) = self._rows(1, "LIVE", "2025-04-20", 1002)
        cursor.execute(INSERT, row)
        session.commit()
        self.added.add(row[0])
        time.sleep(0.02)

    def _replace(self, session, cursor) -> None:
        """A live row of an old day makes way for one of the archive, and another is corrected."""
        gone, come, mended = self._rows(3, "LIVE", "2025-03-01", 1003)
        for row in (gone, mended):
            cursor.execute(INSERT, row)
        session.commit()
        self.added.update((gone[0], mended[0]))
        cursor.execute(f"DELETE FROM {TABLE} WHERE snapshot_id = %s AND recorded_at = %s", [gone[0], gone[2]])
        cursor.execute(INSERT, come)
        cursor.execute(
            f"UPDATE {TABLE} SET wait_time = 25 WHERE snapshot_id = %s AND recorded_at = %s", [mended[0], mended[2]]
        )
        session.commit()
        self.removed.add(gone[0])
        self.added.add(come[0])
        time.sleep(0.02)

    def _read(self, session, cursor) -> None:
        cursor.execute(f"SELECT COUNT(*) FROM {TABLE} WHERE recorded_at >= '2025-01-02' AND recorded_at < '2025-01-03'")
        cursor.fetchall()
        session.commit()
        time.sleep(0.02)


@pytest.fixture
def traffic(another_session):
    return Traffic(another_session)


def test_apply_and_rollback_under_traffic_lose_and_double_nothing(filled, traffic):
    before = ids()
    with traffic.running():  # which goes on between any two steps; that nobody queues for a lock is told below
        assert run(Direction.ROLLBACK, traffic.goes_on_at_each_step()) == "ride_status_snapshots_partitioned_backup"
        assert run(Direction.APPLY, traffic.goes_on_at_each_step()) == "ride_status_snapshots_unpartitioned_backup"
    assert traffic.errors == []
    assert ids() == (before | traffic.added) - traffic.removed
    assert len(traffic.added) > 300
    assert procedure.look().is_done(Direction.APPLY)
    assert catalog.triggers(TABLE) == []
    assert not procedure.look().unfinished


@pytest.fixture(autouse=True)
def no_sessions_of_earlier_tests(db):
    """A transaction that an earlier test's thread left open holds the table, and whoever renames it waits for hours."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()")
        for (session,) in cursor.fetchall():
            with suppress(DatabaseError):  # it has just gone
                cursor.execute(f"KILL {session}")


@pytest.fixture(autouse=True)
def patience_with_a_busy_machine(monkeypatch):
    """It takes its time to end the session of a process that was killed, and to leave a gap between two ALTERs."""
    monkeypatch.setattr(procedure, "OTHER_OPERATOR_WAIT_SECONDS", HANG_SECONDS)
    monkeypatch.setattr(catalog, "ASK_AGAIN_SECONDS", HANG_SECONDS)


# Processes of their own and no forks of this one: what the tests before keep running here (a browser's loop, servers'
# threads) does not survive a fork whole. One process is begun that has no connection and no thread, and forks them: to
# load Django for each of the 40 took 1 s of CPU.
FORKS = """
import os, sys, traceback
import django
django.setup()
from tests.warehouse.partitioning.online import test_procedure
for line in sys.stdin:
    nth, direction = line.split()
    child = os.fork()
    if child == 0:
        try:
            test_procedure.run_and_be_killed(int(nth), test_procedure.Direction[direction])
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""


@pytest.fixture(scope="module", autouse=True)
def forks():
    """Begins the process on the first call, so that a module of which other tests are run needs none."""

    @cache
    def begin() -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, "-c", FORKS],
            cwd=processes.ROOT,
            env=processes.environment() | {"DJANGO_SETTINGS_MODULE": "config.settings"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    killed_at.begin = begin
    yield
    if begin.cache_info().currsize:
        begin().stdin.close()
        assert begin().wait() == 0


def killed_at(nth: int, direction: Direction) -> bool:
    """Run in a process of its own that kills itself (-9) at its nth report; False when it came to its end first."""
    forks = killed_at.begin()
    print(nth, direction.name, file=forks.stdin, flush=True)
    returncode = int(forks.stdout.readline())
    assert returncode in (0, -signal.SIGKILL)
    killed_holders.are_known_to_be_gone()
    return returncode != 0


def run_and_be_killed(nth: int, direction: Direction) -> None:
    steps.CHUNK_ROWS_MOST = CHUNK_ROWS_MOST
    seen = []

    def report(step, done, total):
        if seen[-1:] != [step] or step == "copy":  # each step, and each chunk
            seen.append(step)
        if len(seen) == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    run(direction, report)


def other(direction: Direction) -> Direction:
    return Direction.APPLY if direction is Direction.ROLLBACK else Direction.ROLLBACK


def drop_backups() -> None:
    for name in procedure.look().backups:
        procedure.drop_backup(name, silent)


def test_killed_at_each_step_and_called_again_it_finishes(filled, another_session):
    before = digest()
    direction, killed = Direction.ROLLBACK, 0
    while killed_at(killed + 1, direction):
        killed += 1
        writer = another_session(autocommit=True).cursor()  # a writer never notices what is left lying about
        writer.execute(INSERT, (killed << 20, 1, "2025-03-31 00:00:00", "LIVE"))
        run(direction)
        assert procedure.look().is_done(direction), killed
        writer.execute(f"DELETE FROM {TABLE} WHERE snapshot_id = %s AND recorded_at = '2025-03-31'", [killed << 20])
        assert digest() == before, killed
        direction = other(direction)
        for name in procedure.look().backups:
            procedure.drop_backup(name, silent, force=True)
    assert killed > 12


def test_killed_at_each_step_it_can_be_taken_back(filled, another_session):
    before = digest()
    finished = 0
    for nth in count(1):
        direction = Direction.APPLY if procedure.look().is_done(Direction.ROLLBACK) else Direction.ROLLBACK
        if not killed_at(nth, direction):
            break
        writer = another_session(autocommit=True).cursor()
        writer.execute(INSERT, (nth << 20, 1, "2025-03-31 00:00:00", "LIVE"))
        if procedure.look().swapped:
            finished += 1
            with pytest.raises(RepartitionError, match="exchanged already"):
                procedure.undo(silent)
            run(direction)
        else:
            procedure.undo(silent)
            assert procedure.look().is_done(other(direction)) or nth == 1
        state = procedure.look()
        assert (state.unfinished, state.triggers) == (False, ()), nth
        writer.execute(f"DELETE FROM {TABLE} WHERE snapshot_id = %s AND recorded_at = '2025-03-31'", [nth << 20])
        assert digest() == before, nth
        for name in state.backups:
            procedure.drop_backup(name, silent, force=True)
    assert finished >= 4


def test_connections_that_are_lost_on_the_way_end_neither_direction(filled):
    before = digest()
    with cutting_proxy(connection) as proxy, proxy.between(connection), away.patience(first_pause=0.001):
        for direction in (Direction.ROLLBACK, Direction.APPLY):
            cuts = [
                proxy.cut("before", "CREATE TRIGGER"),
                proxy.cut("after", f"INSERT INTO {COPY} "),
                proxy.cut("after", "RENAME TABLE"),
                proxy.cut("after", f"DROP TABLE {statements.PROGRESS}"),
            ]
            assert run(direction) is not None
            assert [cut for cut in cuts if cut.packet is None] == []
            assert digest() == before
            drop_backups()


def test_a_table_partitioned_by_the_models_own_expression_is_made_over(filled, another_session):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} REMOVE PARTITIONING")
        cursor.execute(
            f"ALTER TABLE {TABLE} PARTITION BY RANGE (YEAR(recorded_at) * 100 + MONTH(recorded_at)) ("
            "PARTITION p_before_2025 VALUES LESS THAN (202501), PARTITION p202501 VALUES LESS THAN (202502), "
            "PARTITION p202502 VALUES LESS THAN (202503), PARTITION p_future VALUES LESS THAN (MAXVALUE))"
        )
    before = digest()
    assert partitions.ensure(date(2024, 12, 1), date(2025, 2, 1)) == ["p202412"]  # an import may go on meanwhile
    assert len(catalog.partitions_opened(TABLE, date(2025, 2, 1), date(2025, 3, 1))) == 5
    assert run(Direction.APPLY) == "ride_status_snapshots_partitioned_backup"
    assert catalog.partitions_opened(TABLE, date(2025, 2, 1), date(2025, 3, 1)) == ["p202502"]
    assert digest() == before


def test_a_plain_table_with_a_plain_key_is_partitioned(filled):
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {TABLE} REMOVE PARTITIONING")
        cursor.execute(f"ALTER TABLE {TABLE} DROP PRIMARY KEY, ADD PRIMARY KEY (snapshot_id)")
    before = digest()
    run(Direction.APPLY)
    assert catalog.primary_key(TABLE) == ["snapshot_id", "recorded_at"]
    assert (filled.partition_names()[0], filled.partition_names()[-2]) == ("p_before_2025", "p202506")
    assert digest() == before


def test_an_empty_table_is_partitioned(snapshots, few_months):
    run(Direction.ROLLBACK)
    run(Direction.APPLY)
    assert snapshots.partition_names() == ["p_before_202504", "p202504", "p202505", "p202506", "p_future"]


def test_rows_of_before_1970_and_of_far_away_are_copied_too(filled):
    filled.add("1969-07-20 20:17", "1999-12-31", "2024-11-05", "2030-01-01")
    before = digest()
    run(Direction.ROLLBACK)
    assert digest() == before
    run(Direction.APPLY)
    assert digest() == before
    assert (filled.partition_names()[1], filled.partition_names()[-2]) == ("p202411", "p202506")


def test_an_import_during_apply_gives_the_copy_its_months(filled):
    run(Direction.ROLLBACK)
    drop_backups()
    made = []

    def report(step, done, total):
        if step == "copy" and not made:
            made.extend(partitions.ensure(date(2023, 5, 1), date(2023, 5, 1)))
            filled.add("2023-05-05")

    run(Direction.APPLY, report)
    assert made[0] == "p202305"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {TABLE} PARTITION (p202305)")
        assert cursor.fetchone() == (1,)


def test_on_a_disk_that_is_too_small_it_does_not_begin_unless_told_to(new_files, filled, monkeypatch):
    needed = procedure.bytes_needed()
    assert 1_000_000 < needed < 20_000_000
    monkeypatch.setattr(catalog, "disk_free_bytes", lambda: int(needed * 1.1))
    with pytest.raises(
        RepartitionError, match=r"takes about [\d.]+ MB, and the disk of the database has [\d.]+ MB free"
    ):
        run(Direction.ROLLBACK)
    assert not procedure.look().unfinished
    assert run(Direction.ROLLBACK, force=True)


def test_when_the_disk_is_full_the_copy_is_taken_back(filled, another_session):
    before = digest()

    def report(step, done, total):
        if step == "copy" and done:  # the server says what it says of a full disk
            another_session().query(
                f"CREATE TRIGGER full BEFORE INSERT ON {COPY} FOR EACH ROW "
                "SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1114, MESSAGE_TEXT = 'The table is full'"
            )

    with pytest.raises(RepartitionError, match="disk of the database is full, so the copy was taken back"):
        run(Direction.ROLLBACK, report)
    state = procedure.look()
    assert (state.unfinished, state.is_done(Direction.APPLY), state.triggers) == (False, True, ())
    assert digest() == before
    assert run(Direction.ROLLBACK)


def test_a_copy_that_differs_is_not_swapped_in(filled):
    def report(step, done, total):
        if step == "compare" and done == 0:
            with connection.cursor() as cursor:
                cursor.execute(f"UPDATE {COPY} SET wait_time = 299 WHERE recorded_at < '2025-02-01' LIMIT 1")
                cursor.execute(f"DELETE FROM {COPY} WHERE recorded_at >= '2025-02-01' LIMIT 1")

    with pytest.raises(RepartitionError, match=r"differs from .* in 2 months.*2025-01.*checksums differ; 2025-02: 2,"):
        run(Direction.ROLLBACK, report)
    assert procedure.look().is_done(Direction.APPLY)
    procedure.undo(silent)
    assert run(Direction.ROLLBACK)


def test_a_backup_whose_rows_are_not_all_in_the_table_stays(filled):
    backup = run(Direction.ROLLBACK)
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {TABLE} WHERE recorded_at >= '2025-03-01' LIMIT 3")
    with pytest.raises(RepartitionError, match=rf"{backup} has 3 rows that .* lacks \(2025-03: "):
        procedure.drop_backup(backup, silent)
    filled.add("2026-01-01")  # rows that came since are none of its business
    with pytest.raises(RepartitionError, match="has 3 rows"):
        procedure.drop_backup(backup, silent)
    procedure.drop_backup(backup, silent, force=True)
    assert procedure.look().backups == ()


def test_a_reader_with_an_open_transaction_is_named_while_others_go_on_and_nothing_is_lost(filled, another_session):
    reader = another_session()
    reader.query(f"SELECT 1 FROM {TABLE} LIMIT 1")
    reader.store_result()
    writes = Bystander(another_session(autocommit=True), INSERT % ("{}", 1, "'2025-04-20'", "'LIVE'"))
    reads = Bystander(another_session(autocommit=True), f"SELECT 1 FROM {TABLE} WHERE ride_id = {{}} LIMIT 1")
    before = filled.count()
    with (
        writes.at_it(),
        reads.at_it(),
        pytest.raises(RepartitionError, match=rf"session {reader.thread_id()} .*call again to go on"),
    ):
        run(Direction.ROLLBACK, patience_seconds=0.3)
    # to try a CREATE TRIGGER keeps writers out for an instant; whoever queues for the table keeps everybody out of it
    assert reads.refused == 0, "others met a lock"
    reader.rollback()
    assert run(Direction.ROLLBACK)
    assert filled.count() == before + writes.done


def test_one_direction_at_a_time(filled):
    killed_at(6, Direction.ROLLBACK)
    with pytest.raises(RepartitionError, match="rollback is unfinished"):
        run(Direction.APPLY)


def test_a_run_whose_progress_somebody_has_dropped_says_so(filled):
    with connection.cursor() as cursor:
        cursor.execute(statements.prepare("rollback", TODAY)[-2])
    with pytest.raises(RepartitionError, match="_copy_progress is gone: another session has finished this, or taken"):
        steps.copy(silent, 30, 0)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {statements.PROGRESS}")


def test_two_operators_do_not_work_at_once(filled, monkeypatch):
    monkeypatch.setattr(procedure, "OTHER_OPERATOR_WAIT_SECONDS", 0)
    with procedure._alone():
        first = f"Session {connection.connection.thread_id()} of the server"
        if is_galera():
            first = r"A session of the cluster \(its last sign of life is \d+ s old\)"
        failures = []

        def second():
            try:
                run(Direction.ROLLBACK)
            except RepartitionError as error:
                failures.append(str(error))
            finally:
                connection.close()

        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    (failure,) = failures
    assert re.fullmatch(f"{first} is at this already: wait until it has finished", failure)


def test_triggers_of_somebody_else_are_not_lost(filled):
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TRIGGER theirs BEFORE INSERT ON {TABLE} FOR EACH ROW SET NEW.wait_time = 5")
    with pytest.raises(RepartitionError, match="triggers of its own, which the copy would lose: theirs"):
        run(Direction.ROLLBACK)


def test_the_command_tells_where_things_stand(filled):
    def command(*arguments):
        out = StringIO()
        call_command("partition_snapshots", *arguments, stdout=out)
        return out.getvalue()

    names = set(catalog.tables())
    assert "RENAME TABLE ride_status_snapshots TO" in command("rollback", "--dry-run")
    assert set(catalog.tables()) == names
    assert "Nothing to do: ride_status_snapshots is partitioned by RANGE COLUMNS (recorded_at)" in command("apply")
    assert "Nothing to clean up" in command("cleanup")
    killed_at(6, Direction.ROLLBACK)
    assert "rollback: unfinished, " in command("status")
    assert "compare: 6,000 of 6,000 rows (100%)" in command("rollback", "--throttle", "10")
    assert "ride_status_snapshots is not partitioned" in command("status")
    assert "Backup ride_status_snapshots_partitioned_backup is there" in command("status")
    with pytest.raises(CommandError, match=r"The backup .* of an earlier run is still there"):
        command("apply")
        command("rollback")
    assert "Dropped ride_status_snapshots_partitioned_backup" in command("cleanup")
    with pytest.raises(CommandError, match="--throttle 96"):
        command("apply", "--throttle", "96")
