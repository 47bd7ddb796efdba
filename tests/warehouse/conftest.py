"""The fact table as the migration makes it, and further sessions on the same database."""

import importlib
import re
from datetime import UTC, datetime

import MySQLdb
import pytest
from django.db import connection

from warehouse.instants import milliseconds_of
from warehouse.server.dialect import is_mariadb
from warehouse.snapshot_id import snapshot_id_of

CREATE_SNAPSHOTS = importlib.import_module("warehouse.migrations.0002_snapshots_partitioned_by_month").CREATE
WAIT_TOLD = importlib.import_module("warehouse.migrations.0003_absent_waits_told_from_null")
FIRST_PARTITIONS = re.findall(r"PARTITION (p\w+) VALUES", CREATE_SNAPSHOTS)


@pytest.fixture
def snapshots(transactional_db):
    """The fact table, empty and with its first partitions, whatever this test or one before has done to it."""
    if Snapshots().partition_names() != FIRST_PARTITIONS:
        _make_anew()  # an import in another test made months
    before = _fact_tables()
    yield Snapshots()
    if _fact_tables() != before:  # else pytest-django empties it
        _make_anew()


@pytest.fixture
def new_files(snapshots):
    """The fact table in files of its own, for tests of sizes: those of a table that a test before has filled and that
    was emptied by DELETE stay as large, and its rows are in the statistics until they are purged, some time."""
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE ride_status_snapshots")
    return snapshots


@pytest.fixture
def changes_are_shown(db):
    """Of a partition, how many rows were changed since its statistics were made."""
    if not is_mariadb():
        pytest.skip("MySQL shows of no partition whether its rows changed: each is taken for changed")


def _make_anew() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE 'ride\\_status\\_snapshots%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP TABLE {name}")
        cursor.execute(CREATE_SNAPSHOTS)
        cursor.execute(f"ALTER TABLE ride_status_snapshots {WAIT_TOLD.ADD}, {WAIT_TOLD.way()}")


def _fact_tables() -> dict[str, str]:
    """The fact table and what may lie beside it, with how each is made."""
    found = {}
    with connection.cursor() as cursor:
        cursor.execute("SHOW TABLES LIKE 'ride\\_status\\_snapshots%'")
        for (name,) in cursor.fetchall():
            cursor.execute(f"SHOW CREATE TABLE {name}")
            found[name] = cursor.fetchone()[1]
        cursor.execute("SHOW TRIGGERS LIKE 'ride\\_status\\_snapshots%'")
        for name, *_ in cursor.fetchall():
            found[name] = "a trigger"
    return found


class Snapshots:
    def add(self, *instants: str, ride_id: int = 1) -> None:
        """One observation of a ride at each instant, given as YYYY-MM-DD or YYYY-MM-DD HH:MM (UTC)."""
        with connection.cursor() as cursor:
            for instant in instants:
                at = datetime.fromisoformat(instant).replace(tzinfo=UTC)
                cursor.execute(
                    "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open) "
                    "VALUES (%s, %s, %s, 'OPERATING', 1)",
                    [snapshot_id_of(ride_id, milliseconds_of(at)), ride_id, at],
                )

    def fill(self, rows: int, first: str, seconds_apart: int) -> None:
        """Many observations of 50 rides, one each `seconds_apart` from `first` on."""
        milliseconds = milliseconds_of(datetime.fromisoformat(first).replace(tzinfo=UTC))
        digits = " UNION ALL ".join(f"SELECT {n} d" for n in range(10))
        powers = range(len(str(rows - 1)))
        number = " + ".join(f"t{power}.d * {10**power}" for power in powers)
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, wait_time, "
                "computed_is_open, data_source, wait_told) "
                f"SELECT (({milliseconds} + n * {seconds_apart * 1000}) << 20) | (1 + n %% 50), 1 + n %% 50, "
                f"DATE_ADD(%s, INTERVAL n * {seconds_apart} SECOND), ELT(1 + n %% 3, 'OPERATING', 'DOWN', 'CLOSED'), "
                "IF(n %% 3 = 0, n %% 120, NULL), n %% 3 = 0, 'ARCHIVE', ELT(1 + n %% 3, 1, 0, NULL) "
                f"FROM (SELECT {number} n FROM {', '.join(f'({digits}) t{power}' for power in powers)}) numbers "
                f"WHERE n < {rows}",
                [first],
            )

    def count(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM ride_status_snapshots")
            return cursor.fetchone()[0]

    def partition_names(self) -> list[str]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT partition_name FROM information_schema.partitions WHERE table_schema = DATABASE() "
                "AND table_name = 'ride_status_snapshots' ORDER BY partition_ordinal_position"
            )
            return [name for (name,) in cursor.fetchall()]


@pytest.fixture
def another_session():
    """Opens further sessions on the test database; they are closed at the end of the test."""
    opened = []

    def open_session(**options) -> MySQLdb.Connection:
        opened.append(MySQLdb.connect(**{**connection.get_connection_params(), **options}))
        return opened[-1]

    yield open_session
    for session in opened:
        session.close()
