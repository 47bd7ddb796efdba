"""Making partitions on the real server: beside others, against locks, with rows in the boundary partitions."""

import itertools
import threading
from contextlib import contextmanager, suppress
from datetime import date

import MySQLdb
import pytest
from django.core.management import call_command
from django.db import OperationalError, connection, transaction

from tests.waiting import HANG_SECONDS, until
from tests.warehouse.partitioning.bystander import Bystander
from warehouse import checks
from warehouse.partitioning import partitions
from warehouse.server import catalog, ddl, dialect, errors, sessions


def names_match_their_bounds() -> None:
    existing = catalog.partitions(partitions.TABLE)
    for partition in existing[:-1]:
        assert partitions.bounds_of(partition.name) == (partition.lower, partition.upper), partition
    assert (existing[-1].name, existing[-1].upper) == ("p_future", None)


def test_ensure_makes_every_month_of_the_range_in_both_directions(snapshots):
    snapshots.add("2025-06-01", "2026-12-31 23:59")
    added = partitions.ensure(date(2021, 7, 3), date(2030, 12, 31))
    assert added == [
        partitions.name_of(month)
        for month in partitions.months_between(date(2021, 7, 1), date(2030, 12, 1))
        if month.year not in (2025, 2026)
    ]
    assert snapshots.partition_names()[0] == "p_before_202107"
    names_match_their_bounds()
    assert snapshots.count() == 2
    assert partitions.ensure(date(2021, 7, 1), date(2030, 12, 1)) == []


def test_ensure_sees_what_another_process_has_made(snapshots, another_session):
    assert partitions.ensure(date(2026, 1, 1), date(2026, 12, 31)) == []
    another_session().query(partitions.plan(catalog.partitions(partitions.TABLE), [date(2027, 1, 1)]).steps[0].sql)
    assert partitions.ensure(date(2027, 1, 1), date(2027, 2, 1)) == ["p202702"]


OURS, NONE, MODELS_OWN = (
    f"ALTER TABLE ride_status_snapshots {scheme}"
    for scheme in (
        "PARTITION BY RANGE COLUMNS (recorded_at) "
        "(PARTITION p202612 VALUES LESS THAN ('2027-01-01'), PARTITION p_future VALUES LESS THAN (MAXVALUE))",
        "REMOVE PARTITIONING",
        "PARTITION BY RANGE (YEAR(recorded_at) * 100 + MONTH(recorded_at)) "
        "(PARTITION p202612 VALUES LESS THAN (202701), PARTITION p_future VALUES LESS THAN (MAXVALUE))",
    )
)


@pytest.mark.parametrize(
    ("planned_for", "meets", "added"),
    [
        (OURS, NONE, []),
        (MODELS_OWN, NONE, []),
        (OURS, MODELS_OWN, ["p202701"]),
        (MODELS_OWN, OURS, ["p202701"]),
    ],
)
def test_a_plan_that_meets_a_table_swapped_meanwhile_is_made_anew(snapshots, monkeypatch, planned_for, meets, added):
    plan_now, month = partitions.plan_now, date(2027, 1, 1)
    with connection.cursor() as cursor:
        cursor.execute(planned_for)
        outdated = plan_now([month])
        cursor.execute(meets)
    with pytest.raises(partitions.PartitionsError, match="Another process has changed"):
        partitions.apply(outdated, patience_seconds=HANG_SECONDS)
    plans = [outdated]
    monkeypatch.setattr(partitions, "plan_now", lambda *range_: plans.pop() if plans else plan_now(*range_))
    assert partitions.ensure(month, month) == added
    assert partitions.ensure(month, month) == []


@pytest.mark.one_server("a RENAME waits for whoever has the table locked, in this test for itself")
def test_a_table_whose_copy_becomes_it_at_any_instant_has_the_month(snapshots, another_session):
    """As by partition_snapshots apply: before the swap it is the copy that wants the month, and then the table."""
    month, swapper = date(2027, 1, 1), another_session(autocommit=True)
    # while the copy is locked nobody swaps
    swapper.query(f"SET SESSION lock_wait_timeout = {0 if connection.mysql_is_mariadb else 1}")
    swapped_at = []
    for instant in itertools.count(1):
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE IF EXISTS ride_status_snapshots_old, ride_status_snapshots_copy")
            cursor.execute(OURS)
            cursor.execute("CREATE TABLE ride_status_snapshots_copy LIKE ride_status_snapshots")
            cursor.execute(NONE)
        statements = []

        def swap(execute, sql, params, many, context, statements=statements, instant=instant):
            statements.append(sql)
            if len(statements) == instant:
                with suppress(MySQLdb.OperationalError):
                    swapper.query(
                        "RENAME TABLE ride_status_snapshots TO ride_status_snapshots_old, "
                        "ride_status_snapshots_copy TO ride_status_snapshots"
                    )
                    swapped_at.append(sql)
            return execute(sql, params, many, context)

        with connection.execute_wrapper(swap):
            assert partitions.ensure(month, month) == ["p202701"], statements
        is_swapped = catalog.table_exists("ride_status_snapshots_old")
        there = catalog.partitions(partitions.TABLE if is_swapped else partitions.COPY)
        assert "p202701" in [partition.name for partition in there], statements[instant - 1]
        if len(statements) < instant:
            break
    assert any("LOCK TABLES" in sql for sql in swapped_at), "it was swapped between the look and the ALTER"


def test_processes_that_ensure_at_once_all_succeed(snapshots):
    added, errors = [], []

    def ensure(first, last):
        try:
            added.extend(partitions.ensure(first, last, patience_seconds=HANG_SECONDS))
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    ranges = [
        (date(2021, 1, 1), date(2022, 1, 1)),
        (date(2021, 1, 1), date(2029, 1, 1)),
        (date(2023, 5, 1), date(2028, 3, 1)),
    ] * 2
    threads = [threading.Thread(target=ensure, args=each) for each in ranges]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(added) == len(set(added)) == 48 + 25  # 2021 to 2024, 2027 to January 2029, each made by one of them
    names_match_their_bounds()


def test_ensure_is_refused_inside_a_transaction(snapshots):
    with transaction.atomic(), pytest.raises(partitions.PartitionsError, match="inside a transaction"):
        partitions.ensure(date(2025, 1, 1), date(2025, 1, 1))


@contextmanager
def statements_begun():
    """The statements of this connection, as it sends them, refused ones among them."""
    sent: list[str] = []

    def note(execute, sql, params, many, context):
        sent.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield sent


def is_a_try(sql: str) -> bool:
    """MySQL looks first, and does not try where it sees somebody."""
    return sql.startswith("LOCK TABLES") if connection.mysql_is_mariadb else "performance_schema.metadata_locks" in sql


def test_an_open_reader_makes_it_give_up_and_is_named_while_others_go_on(snapshots, another_session):
    snapshots.add("2025-06-01")
    reader = another_session()
    reader.query("SELECT COUNT(*) FROM ride_status_snapshots")
    reader.store_result()
    writes = Bystander(
        another_session(autocommit=True),
        "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
        "VALUES ({}, 1, '2025-05-01', 'DOWN', 0)",
    )
    reads = Bystander(
        another_session(autocommit=True),
        "SELECT wait_time FROM ride_status_snapshots "
        "WHERE recorded_at >= '2025-06-01' AND recorded_at < '2025-06-02' AND {}",
    )
    with (
        writes.at_it(),
        reads.at_it(),
        statements_begun() as sent,
        pytest.raises(partitions.PartitionsBlocked) as blocked,
    ):
        partitions.ensure(date(2027, 1, 1), date(2027, 1, 1), patience_seconds=1.0)
    assert sum(is_a_try(sql) for sql in sent) > 1, "it was not patient"
    # An ALTER that is refused has locked writers out while it made files: 1 s of it was seen on a busy disk.
    assert [sql for sql in sent if sql.startswith("ALTER TABLE")] == []
    assert (writes.refused, reads.refused) == (0, 0), "others met a lock"
    assert reader.thread_id() in [session.id for session in blocked.value.sessions]
    assert f"session {reader.thread_id()} (" in str(blocked.value)
    assert "p202701" not in snapshots.partition_names()


def test_of_who_holds_the_table_the_time_of_the_transaction_is_told(snapshots, another_session):
    reader = another_session()

    def told() -> int:
        """By the server, right after another statement: those of the transaction, not of the statement."""
        reader.query("SELECT COUNT(*) FROM ride_status_snapshots")
        reader.store_result()
        (found,) = (session for session in sessions.blockers(partitions.TABLE) if session.id == reader.thread_id())
        return found.seconds

    until(lambda: told() >= 2)


def test_who_holds_the_table_is_told_exactly_where_the_server_watches_it(snapshots, another_session):
    reader, stranger = another_session(), another_session()
    reader.query("SELECT COUNT(*) FROM ride_status_snapshots")
    reader.store_result()
    stranger.query("SELECT COUNT(*) FROM parks FOR UPDATE")  # a transaction, and none of our business
    stranger.store_result()
    if not locks_are_watched():
        pytest.skip("this server does not watch who holds a table (performance_schema)")
    exactly = [(reader.thread_id(), True)]
    assert [(session.id, session.certain) for session in sessions.blockers(partitions.TABLE)] == exactly
    if not connection.mysql_is_mariadb:  # it asks for another right, and makes no guess without
        with another_user("SELECT ON performance_schema.*"):
            assert [(session.id, session.certain) for session in sessions.blockers(partitions.TABLE)] == exactly
        with another_user("PROCESS ON *.*"):
            assert sessions.blockers(partitions.TABLE) is None
            assert "warehouse.W107" in [found.id for found in checks.check_server(None, databases=["default"])]
            assert "MySQL: SELECT on performance_schema" in str(ddl.TableInUse("rides", 1.0, None))
        return

    def all_of_them() -> list[sessions.Session] | None:
        """InnoDB makes its list of transactions anew when it was not read for 0.1 s."""
        found = sessions.blockers(partitions.TABLE)
        return found if {reader.thread_id(), stranger.thread_id()} <= {session.id for session in found} else None

    with another_user("PROCESS ON *.*"):
        found = until(all_of_them, every_seconds=0.2)
        assert not any(session.certain for session in found)
        assert "In the way: one of the open transactions: session " in str(ddl.TableInUse("rides", 1.0, found))
    with another_user("SELECT ON performance_schema.*"):
        assert sessions.blockers(partitions.TABLE) is None
        assert "grant it PROCESS" in str(ddl.TableInUse("rides", 1.0, None))


def locks_are_watched() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM performance_schema.setup_instruments WHERE name = 'wait/lock/metadata/sql/mdl' "
            "AND enabled = 'YES'"
        )
        return bool(cursor.fetchone())


def test_a_process_that_is_frozen_with_the_table_locked_does_not_keep_it(snapshots, another_session, monkeypatch):
    monkeypatch.setattr(ddl, "LOCKED_AND_IDLE_SECONDS", 1)
    locked, thawed = threading.Event(), threading.Event()
    failures: list[bool] = []
    last_with_the_lock = "UNLOCK TABLES" if dialect.is_galera() else "ALTER TABLE"

    def freeze(execute, sql, params, many, context):
        if sql.startswith(last_with_the_lock):
            locked.set()
            assert thawed.wait(HANG_SECONDS), "the other session came through only when this one had ended"
        return execute(sql, params, many, context)

    def make_a_month():
        try:
            with connection.execute_wrapper(freeze):
                partitions.ensure(date(2027, 1, 1), date(2027, 1, 1), patience_seconds=HANG_SECONDS)
        except OperationalError as error:
            failures.append(errors.is_away(error))
        finally:
            locked.set()
            connection.close()

    frozen = threading.Thread(target=make_a_month)
    frozen.start()
    assert locked.wait(HANG_SECONDS)
    another_session(autocommit=True).query("SELECT COUNT(*) FROM ride_status_snapshots")  # waits for the lock to go
    thawed.set()
    frozen.join()
    assert failures == [True], "its session had not ended"
    assert partitions.ensure(date(2027, 1, 1), date(2027, 1, 1)) == ["p202701"]


def test_it_goes_on_as_soon_as_the_lock_is_gone(snapshots, another_session):
    writer = another_session()
    writer.query(
        "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
        "VALUES (1, 1, '2025-05-01', 'DOWN', 0)"
    )
    tries = itertools.count(1)

    def commit_before_the_eleventh(execute, sql, params, many, context):
        if is_a_try(sql) and next(tries) == 11:
            writer.commit()
        return execute(sql, params, many, context)

    with connection.execute_wrapper(commit_before_the_eleventh):
        assert partitions.ensure(date(2027, 1, 1), date(2027, 1, 1), patience_seconds=HANG_SECONDS) == ["p202701"]
    assert next(tries) == 12, "it took more than one try once the lock was gone"
    assert snapshots.count() == 1


def test_a_boundary_partition_that_holds_rows_of_the_new_months_is_left_to_the_operator(snapshots):
    snapshots.add("2027-03-05")
    with pytest.raises(
        partitions.PartitionsError,
        match=r"p_future .* holds 1 row that would be copied.*maintain_partitions --check, move them with --drain",
    ):
        partitions.ensure(date(2027, 1, 1), date(2027, 3, 1))
    assert partitions.ensure(date(2026, 1, 1), date(2026, 12, 1)) == []  # what exists needs no split
    assert partitions.ensure(date(2024, 1, 1), date(2024, 1, 1))[0] == "p202401"  # nor does the other end mind


def test_a_boundary_partition_of_ten_thousand_rows_is_carried_along(snapshots):
    snapshots.fill(10_000, "2021-01-01", seconds_apart=60)
    assert partitions.ensure(date(2024, 12, 1), date(2024, 12, 1)) == ["p202412"]
    assert snapshots.count() == 10_000


def test_a_boundary_partition_of_more_rows_is_not_copied_unasked(snapshots):
    snapshots.fill(10_001, "2021-01-01", seconds_apart=60)
    before = snapshots.partition_names()
    with pytest.raises(
        partitions.PartitionsError,
        match=r"p_before_2025 of ride_status_snapshots holds over 10,000 rows .* make p202412\. .* with --drain",
    ):
        partitions.ensure(date(2024, 12, 1), date(2024, 12, 1))
    assert snapshots.partition_names() == before
    call_command("maintain_partitions", "--from", "2024-12", "--drain", verbosity=0)
    assert "p202412" in snapshots.partition_names()
    assert snapshots.count() == 10_001


def test_a_stray_row_of_1970_stays_in_the_boundary_partition_and_stops_no_import(snapshots):
    snapshots.add("1970-01-01 00:00")
    assert len(partitions.ensure(date(2021, 7, 1), date(2025, 1, 1))) == 42
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM ride_status_snapshots PARTITION (p_before_202107)")
        assert cursor.fetchone() == (1,)


def test_a_single_month_of_long_ago_is_one_partition_and_the_months_between_are_made_when_rows_come(snapshots):
    assert partitions.ensure_months([date(2016, 3, 9)]) == ["p201603"]
    assert snapshots.partition_names()[:4] == ["p_before_201603", "p201603", "p_between_201604_202501", "p202501"]
    assert partitions.ensure_months([date(2016, 3, 9), date(2020, 5, 1)]) == ["p202005"]
    names_match_their_bounds()
    snapshots.add("2016-03-09", "2020-05-31 23:59:59", "2025-01-01")
    assert catalog.partitions_opened(partitions.TABLE, date(2020, 5, 1), date(2020, 6, 1)) == ["p202005"]
    assert len(partitions.ensure(date(2016, 1, 1), date(2025, 1, 1))) == 108 - 2
    assert not [name for name in snapshots.partition_names() if name.startswith("p_between")]
    names_match_their_bounds()
    assert snapshots.count() == 3


def test_a_boundary_partition_between_two_months_is_never_split_while_it_holds_a_row(snapshots):
    partitions.ensure_months([date(2016, 3, 1)])
    snapshots.add("2020-05-05")
    with pytest.raises(
        partitions.PartitionsError, match=r"p_between_201604_202501 .* holds 1 row .*to make p201802\..*--drain"
    ):
        partitions.ensure_months([date(2018, 2, 1)])
    assert partitions.ensure_months([date(2014, 1, 1)]) == ["p201401"]  # another one is split all the same
    call_command("maintain_partitions", "--drain", verbosity=0)
    assert partitions.ensure_months([date(2018, 2, 1)]) == ["p201802"]
    assert [name for name in snapshots.partition_names() if name.startswith("p20")][:4] == [
        "p201401", "p201603", "p201802", "p202005",
    ]  # fmt: skip
    assert snapshots.count() == 1


def test_rows_before_the_first_month_are_not_carried_into_a_partition_between_months(snapshots):
    snapshots.add("2020-05-05")
    with pytest.raises(partitions.PartitionsError, match=r"p_before_2025 .* holds 1 row"):
        partitions.ensure_months([date(2016, 3, 1)])
    assert partitions.ensure_months([date(2020, 6, 1)]) == ["p202006"]


def test_rows_after_the_last_month_are_not_carried_into_a_partition_between_months(snapshots):
    snapshots.add("2027-05-05")
    with pytest.raises(partitions.PartitionsError, match=r"p_future .* holds 1 row"):
        partitions.ensure_months([date(2028, 3, 1)])
    assert partitions.ensure_months([date(2027, 3, 1)]) == ["p202703"]


def test_a_table_without_partitions_needs_none(snapshots):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ride_status_snapshots REMOVE PARTITIONING")
    assert partitions.ensure(date(2030, 1, 1), date(2030, 1, 1)) == []


def test_a_user_who_may_not_alter_is_told_what_to_grant(snapshots):
    database = connection.settings_dict["NAME"]
    with (
        another_user(f"SELECT, INSERT ON {database}.*"),
        pytest.raises(partitions.PartitionsError, match=r"grant it ALTER, .*LOCK TABLES"),
    ):
        partitions.ensure(date(2027, 1, 1), date(2027, 1, 1))
    with another_user(f"SELECT, INSERT, LOCK TABLES ON {database}.*"):
        with pytest.raises(partitions.PartitionsError, match="grant it ALTER"):
            partitions.ensure(date(2027, 1, 1), date(2027, 1, 1))
        with connection.cursor() as cursor:  # and the session holds no lock
            cursor.execute("SELECT COUNT(*) FROM parks")


def test_a_trigger_refused_beside_a_binary_log_asks_for_the_setting_and_not_for_rights(snapshots, monkeypatch):
    def execute(sql, table):
        raise OperationalError(1419, "You do not have the SUPER privilege and binary logging is enabled")

    monkeypatch.setattr(ddl, "_execute", execute)
    with pytest.raises(ddl.NotAllowed, match="SET GLOBAL log_bin_trust_function_creators = 1") as refused:
        ddl.run("CREATE TRIGGER a_trigger", partitions.TABLE, patience_seconds=1)
    assert "grant" not in str(refused.value)


@contextmanager
def another_user(*rights: str):
    """Within it, the connection is that of a user with these rights (and SELECT on the database) alone."""
    database, known = connection.settings_dict["NAME"], connection.settings_dict["USER"]
    user = f"{database}_user"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP USER IF EXISTS '{user}'@'%'")
        cursor.execute(f"CREATE USER '{user}'@'%%' IDENTIFIED BY %s", [connection.settings_dict["PASSWORD"]])
        for right in (f"SELECT ON {database}.*", *rights):
            cursor.execute(f"GRANT {right} TO '{user}'@'%'")
    connection.close()
    connection.settings_dict["USER"] = user
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["USER"] = known
        with connection.cursor() as cursor:
            cursor.execute(f"DROP USER '{user}'@'%'")
