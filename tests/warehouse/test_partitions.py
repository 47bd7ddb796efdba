"""Making partitions on the real server: beside others, against locks, with rows in the guards."""

import threading
import time
from datetime import date

import pytest
from django.db import connection, transaction

from warehouse import catalog, partitions


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
    another_session().query(
        partitions.plan(catalog.partitions(partitions.TABLE), date(2027, 1, 1), date(2027, 1, 1)).steps[0].sql
    )
    assert partitions.ensure(date(2027, 1, 1), date(2027, 2, 1)) == ["p202702"]


def test_processes_that_ensure_at_once_all_succeed(snapshots):
    added, errors = [], []

    def ensure(first, last):
        try:
            added.extend(partitions.ensure(first, last, patience_seconds=20))
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


def test_an_open_reader_makes_it_give_up_and_is_named_while_others_go_on(snapshots, another_session):
    snapshots.add("2025-06-01")
    reader = another_session()
    reader.query("SELECT COUNT(*) FROM ride_status_snapshots")
    reader.store_result()
    slowest, stop = [0.0], threading.Event()

    def probe():
        session = another_session(autocommit=True)
        number = 0
        while not stop.is_set():
            number += 1
            began = time.monotonic()
            session.query(
                "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
                f"VALUES ({number}, 1, '2025-05-01', 'DOWN', 0)"
            )
            slowest[0] = max(slowest[0], time.monotonic() - began)

    writer = threading.Thread(target=probe)
    writer.start()
    began = time.monotonic()
    with pytest.raises(partitions.PartitionsBlocked) as blocked:
        partitions.ensure(date(2027, 1, 1), date(2027, 1, 1), patience_seconds=1.0)
    took = time.monotonic() - began
    stop.set()
    writer.join()
    assert took < 2
    assert slowest[0] < 0.5
    assert reader.thread_id() in [session.id for session in blocked.value.sessions]
    assert f"session {reader.thread_id()} (" in str(blocked.value)
    assert "p202701" not in snapshots.partition_names()


def test_it_goes_on_as_soon_as_the_lock_is_gone(snapshots, another_session):
    writer = another_session()
    writer.query(
        "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
        "VALUES (1, 1, '2025-05-01', 'DOWN', 0)"
    )
    release = threading.Timer(0.5, writer.commit)
    release.start()
    assert partitions.ensure(date(2027, 1, 1), date(2027, 1, 1), patience_seconds=10) == ["p202701"]
    release.join()
    assert snapshots.count() == 1


def test_a_guard_that_holds_rows_of_the_new_months_is_left_to_the_operator(snapshots):
    snapshots.add("2027-03-05")
    with pytest.raises(
        partitions.PartitionsError,
        match=r"p_future .* holds 1 rows.*maintain_partitions --check, move them with --drain",
    ):
        partitions.ensure(date(2027, 1, 1), date(2027, 3, 1))
    assert partitions.ensure(date(2026, 1, 1), date(2026, 12, 1)) == []  # what exists needs no split
    assert partitions.ensure(date(2024, 1, 1), date(2024, 1, 1))[0] == "p202401"  # nor does the other end mind


def test_a_stray_row_of_1970_stays_in_the_guard_and_stops_no_import(snapshots):
    snapshots.add("1970-01-01 00:00")
    assert len(partitions.ensure(date(2021, 7, 1), date(2025, 1, 1))) == 42
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM ride_status_snapshots PARTITION (p_before_202107)")
        assert cursor.fetchone() == (1,)


def test_a_table_without_partitions_needs_none(snapshots):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ride_status_snapshots REMOVE PARTITIONING")
    assert partitions.ensure(date(2030, 1, 1), date(2030, 1, 1)) == []


def test_a_user_who_may_not_alter_is_told_what_to_grant(snapshots):
    database, known = connection.settings_dict["NAME"], connection.settings_dict["USER"]
    reader = f"{database}_reader"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP USER IF EXISTS '{reader}'@'localhost'")
        cursor.execute(f"CREATE USER '{reader}'@'localhost'")
        cursor.execute(f"GRANT SELECT, INSERT ON {database}.* TO '{reader}'@'localhost'")
    connection.close()
    connection.settings_dict["USER"] = reader
    try:
        with pytest.raises(partitions.PartitionsError, match="grant it ALTER"):
            partitions.ensure(date(2027, 1, 1), date(2027, 1, 1))
    finally:
        connection.close()
        connection.settings_dict["USER"] = known
        with connection.cursor() as cursor:
            cursor.execute(f"DROP USER '{reader}'@'localhost'")
