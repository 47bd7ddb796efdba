"""The tables as the server has them, name by name and type by type, and the way to nothing and back."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests import migrating
from warehouse.server.dialect import is_mariadb

# table -> (columns, keys), as SHOW CREATE TABLE says them, in the words both servers share
TABLES = {
    "parks": (
        {
            "park_id": "int NOT NULL AUTO_INCREMENT",
            "park_name": "varchar(255) NOT NULL",
            "timezone": "varchar(64) NOT NULL",
            "themeparks_wiki_id": "char(36) NOT NULL",
            "destination_wiki_id": "char(36)",
            "hand_set": None,
            "park_slug": "varchar(255) NOT NULL DEFAULT ''",
        },
        {"PRIMARY KEY (park_id)", "UNIQUE KEY themeparks_wiki_id (themeparks_wiki_id)", "KEY * (destination_wiki_id)"},
    ),
    "rides": (
        {
            "ride_id": "int NOT NULL AUTO_INCREMENT",
            "ride_name": "varchar(255) NOT NULL",
            "themeparks_wiki_id": "varchar(36)",
            "tier": "smallint unsigned",
            "hand_set": None,
            "named_at": "datetime(3)",
            "park_id": "int NOT NULL",
        },
        {
            "PRIMARY KEY (ride_id)",
            "UNIQUE KEY themeparks_wiki_id (themeparks_wiki_id)",
            "KEY * (park_id)",
            "FOREIGN KEY (park_id) REFERENCES parks (park_id)",
        },
    ),
    "ride_status_snapshots": (
        {
            "snapshot_id": "bigint NOT NULL",
            "ride_id": "int NOT NULL",
            "recorded_at": "datetime(3) NOT NULL",
            "status": "enum('OPERATING','DOWN','CLOSED','REFURBISHMENT') NOT NULL",
            "wait_time": "smallint",
            "computed_is_open": "tinyint(1) NOT NULL",
            "data_source": "enum('LIVE','ARCHIVE') NOT NULL DEFAULT 'LIVE'",
            "wait_told": "tinyint(1)",
        },
        {
            "PRIMARY KEY (snapshot_id,recorded_at)",
            "KEY idx_ride_recorded (ride_id,recorded_at)",
            "KEY idx_snapshots_date_ride (recorded_at,ride_id)",
        },
    ),
    "queue_data": (
        {
            "queue_id": "bigint NOT NULL AUTO_INCREMENT",
            "snapshot_id": "bigint NOT NULL",
            "queue_type": "enum('STANDBY','SINGLE_RIDER','RETURN_TIME','PAID_RETURN_TIME','BOARDING_GROUP',"
            "'PAID_STANDBY') NOT NULL",
            "wait_time_minutes": "smallint",
            "return_time_start": "datetime(3)",
            "return_time_end": "datetime(3)",
            "price_amount": "decimal(10,2)",
            "price_currency": "char(3)",
            "boarding_group_status": "varchar(50)",
            "boarding_group_current": "varchar(50)",
            "return_time_state": "enum('AVAILABLE','TEMP_FULL','FINISHED')",
        },
        {"PRIMARY KEY (queue_id)", "UNIQUE KEY idx_queue_snapshot (snapshot_id,queue_type)"},
    ),
    "entity_metadata": (
        {
            "metadata_id": "int NOT NULL AUTO_INCREMENT",
            "themeparks_wiki_id": "char(36) NOT NULL",
            "latitude": "decimal(10,7)",
            "longitude": "decimal(10,7)",
            "indoor_outdoor": "enum('INDOOR','OUTDOOR','HYBRID')",
            "listed": None,
            "hand_set": None,
            "height_min_cm": "smallint unsigned",
            "height_max_cm": "smallint unsigned",
            "entity_type": "varchar(50) NOT NULL",
            "tags": "json NOT NULL",
            "last_updated": "datetime(6) NOT NULL",
            "version": "int unsigned NOT NULL DEFAULT 1",
            "ride_id": "int NOT NULL",
        },
        {
            "PRIMARY KEY (metadata_id)",
            "UNIQUE KEY idx_themeparks_id (themeparks_wiki_id)",
            "KEY idx_metadata_ride (ride_id)",
            "FOREIGN KEY (ride_id) REFERENCES rides (ride_id)",
        },
    ),
    "import_checkpoints": (
        {
            "checkpoint_id": "int NOT NULL AUTO_INCREMENT",
            "import_id": "varchar(20) NOT NULL",
            "park_id": "int NOT NULL",
            "last_processed_date": "date",
            "last_processed_file": "varchar(255)",
            "records_imported": "bigint NOT NULL",
            "errors_encountered": "bigint NOT NULL",
            "status": "enum('PENDING','IN_PROGRESS','COMPLETED','FAILED','PAUSED') NOT NULL DEFAULT 'PENDING'",
        },
        {"PRIMARY KEY (checkpoint_id)", "UNIQUE KEY import_id (import_id)"},
    ),
    "import_files": (
        {
            "park_id": "int NOT NULL",
            "file_date": "date NOT NULL",
            "source_file": "varchar(255) NOT NULL",
            "destination_wiki_id": "char(36) NOT NULL",
            "feed": "enum('ARCHIVE','HISTORY','DELISTED','CAPTURES') NOT NULL DEFAULT 'ARCHIVE'",
            "outcome": "enum('IMPORTED','MISSING','UNREADABLE','NO_EVENTS') NOT NULL",
        },
        {"UNIQUE KEY unique_park_day_destination_feed (park_id,file_date,destination_wiki_id,feed)"},
    ),
    "ride_stays": (
        {
            "stay_id": "int NOT NULL AUTO_INCREMENT",
            "ride_id": "int NOT NULL",
            "park_id": "int NOT NULL",
            "begins_at": "datetime(3)",
            "ends_at": "datetime(3)",
        },
        {"PRIMARY KEY (stay_id)", "UNIQUE KEY unique_ride_begins_at (ride_id,begins_at)"},
    ),
    "ride_openings": (
        {
            "ride_id": "int NOT NULL",
            "opens_at": "datetime(3) NOT NULL",
            "observed_at": "datetime(3) NOT NULL",
            "status": "enum('OPERATING','DOWN','CLOSED','REFURBISHMENT') NOT NULL",
            "wait_time": "smallint",
            "degraded": "tinyint(1) NOT NULL DEFAULT 0",
            "source_file": "varchar(255) NOT NULL",
        },
        {"PRIMARY KEY (ride_id)", "FOREIGN KEY (ride_id) REFERENCES rides (ride_id)"},
    ),
    "storage_metrics": (
        {
            "metric_id": "int NOT NULL AUTO_INCREMENT",
            "table_name": "varchar(64) NOT NULL",
            "measurement_date": "date NOT NULL",
            "row_count": "bigint NOT NULL",
            "data_size_mb": "decimal(12,2) NOT NULL",
            "index_size_mb": "decimal(12,2) NOT NULL",
            "growth_rate_mb_per_day": "decimal(10,4)",
            "file_size_mb": "decimal(12,2)",
        },
        {"PRIMARY KEY (metric_id)", "UNIQUE KEY unique_table_date (table_name,measurement_date)"},
    ),
    "partition_metrics": (
        {
            "table_name": "varchar(64) NOT NULL",
            "partition_name": "varchar(64) NOT NULL",
            "row_count": "bigint NOT NULL",
        },
        {"PRIMARY KEY (partition_metric_id)", "UNIQUE KEY unique_table_partition (table_name,partition_name)"},
    ),
    "data_quality_log": (
        {
            "log_id": None,  # any integer
            "issue_type": "enum('GAP','DUPLICATE','INVALID','MISSING_FIELD') NOT NULL",
            "entity_type": "varchar(50) NOT NULL",
            "timestamp_end": None,
            "description": "longtext NOT NULL",
            "resolution_status": "enum('OPEN','INVESTIGATING','RESOLVED','WONTFIX') NOT NULL DEFAULT 'OPEN'",
        },
        {"PRIMARY KEY (log_id)", "UNIQUE KEY fingerprint (fingerprint)"},
    ),
}
MAY_HAVE_MORE = {
    "entity_metadata",
    "import_checkpoints",
    "import_files",
    "data_quality_log",
    "storage_metrics",
    "partition_metrics",
}


def described(table: str) -> tuple[dict[str, str], set[str]]:
    """Columns and keys of a table without what the two servers say differently."""
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW CREATE TABLE {table}")
        lines = cursor.fetchone()[1].splitlines()
    columns, keys = {}, set()
    for line in lines[1:]:
        text = line.strip().rstrip(",")
        if match := re.match(r"`(\w+)` (.*)", text):
            kind = re.sub(r"\b(bigint|smallint|int)\(\d+\)", r"\1", match[2])  # MariaDB's display width
            kind = re.sub(r" (CHARACTER SET|COLLATE) \w+", "", kind).replace(" DEFAULT NULL", "")
            kind = re.sub(r" CHECK \(`\w+` >= 0\)", "", kind)  # of an unsigned column, beside the others on MySQL
            kind = re.sub(r"longtext (NOT NULL )?CHECK \(json_valid\(.*\)\)", r"json \1", kind).strip()
            columns[match[1]] = re.sub(r"DEFAULT '(\d+)'", r"DEFAULT \1", kind)
        elif "KEY" in text:
            text = text.replace("`", "")
            text = re.sub(r"CONSTRAINT \w+ ", "", text)
            keys.add(text)
            keys.add(re.sub(r"^KEY \w+", "KEY *", text))
    return columns, keys


@pytest.mark.parametrize("table", TABLES)
def test_a_table_has_the_columns_and_keys_of_the_data_model(db, table):
    columns, keys = TABLES[table]
    real_columns, real_keys = described(table)
    wanted = {name: real_columns.get(name) if kind is None else kind for name, kind in columns.items()}
    assert {name: real_columns.get(name) for name in columns} == wanted
    if table not in MAY_HAVE_MORE:
        assert set(real_columns) == set(columns)
    assert keys <= real_keys, real_keys


def test_the_fact_table_has_its_three_keys_and_no_other(db):
    _, keys = described("ride_status_snapshots")
    assert {key for key in keys if "*" not in key and "PARTITION" not in key} == TABLES["ride_status_snapshots"][1]


def test_the_first_partitions_have_no_clock_in_them(snapshots):
    names = snapshots.partition_names()
    assert (names[0], names[1], names[-2], names[-1], len(names)) == (
        "p_before_2025",
        "p202501",
        "p202612",
        "p_future",
        26,
    )


@pytest.fixture
def migrate(snapshots):
    """Brings apps to a migration; whatever a test does with it, all of them are applied afterwards."""
    yield migrating.migrate
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM django_migrations WHERE app = 'warehouse' AND name LIKE '0002%'")
        if not cursor.fetchall():
            cursor.execute("DROP TABLE IF EXISTS ride_status_snapshots")
    migrating.migrate()
    if not is_mariadb():  # of a table that was changed at once MySQL exchanges no month, in any test from here on
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE ride_status_snapshots FORCE")


def test_migrations_go_to_zero_and_back(migrate):
    """By the command itself."""
    before = {table: described(table) for table in TABLES}
    for app in ("imports", "quality", "warehouse"):
        call_command("migrate", app, "zero", verbosity=0)
    assert not set(connection.introspection.table_names()) & set(TABLES)
    call_command("migrate", verbosity=0)
    assert {table: described(table) for table in TABLES} == before


def test_a_filled_fact_table_is_not_dropped_by_a_migration(migrate, snapshots):
    snapshots.add("2025-06-01")
    with pytest.raises(CommandError, match="ride_status_snapshots holds rows, and nothing here deletes history"):
        migrate("warehouse", "0001")
    assert snapshots.count() == 1


# --- 0003: a column for a table that is too large to be rewritten -----------------------------------------------------
def table_id() -> int:
    """Of the fact table's first month: another one after the table was rewritten."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT MIN(table_id) FROM information_schema.innodb_sys_tables WHERE name LIKE CONCAT(DATABASE(), "
            "'/ride_status_snapshots#%')"
            if is_mariadb()
            else "SELECT MIN(table_id) FROM information_schema.innodb_tables WHERE name LIKE CONCAT(DATABASE(), "
            "'/ride_status_snapshots#%')"
        )
        return cursor.fetchone()[0]


def columns_of_snapshots() -> dict[str, str]:
    return described("ride_status_snapshots")[0]


def test_the_column_of_0003_comes_and_goes_without_a_rewrite(migrate, snapshots):
    snapshots.fill(1_000, "2025-06-01 00:00:00", 1)
    before = table_id()
    migrate("warehouse", "0002")
    assert "wait_told" not in columns_of_snapshots()
    migrate("warehouse")
    assert "wait_told" in columns_of_snapshots()
    assert (table_id(), snapshots.count()) == (before, 1_000)
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM ride_status_snapshots WHERE wait_told IS NOT NULL")
        assert cursor.fetchone() == (0,)


@pytest.mark.serial
def test_a_server_that_would_rewrite_the_table_is_told_what_to_run(migrate, snapshots):
    if not is_mariadb():
        pytest.skip("MySQL has no setting that forbids it")
    snapshots.add("2025-06-01")
    migrate("warehouse", "0002")
    with connection.cursor() as cursor:
        cursor.execute("SET GLOBAL innodb_instant_alter_column_allowed = never")
        try:
            with pytest.raises(CommandError, match=r"run:  (ALTER TABLE .*)  and then manage.py migrate") as refused:
                migrate("warehouse")
            assert "wait_told" not in columns_of_snapshots()
            cursor.execute(re.search(r"run:  (ALTER TABLE .*?)  and", str(refused.value))[1])
        finally:
            cursor.execute("SET GLOBAL innodb_instant_alter_column_allowed = add_drop_reorder")
    migrate("warehouse")
    assert columns_of_snapshots()["wait_told"] == "tinyint(1)"


def test_a_copy_under_way_keeps_its_columns(migrate, snapshots, another_session):
    migrate("warehouse", "0002")
    another_session().query("CREATE TABLE ride_status_snapshots_copy LIKE ride_status_snapshots")
    try:
        with pytest.raises(CommandError, match="partition_snapshots is making a copy"):
            migrate("warehouse")
    finally:
        another_session().query("DROP TABLE ride_status_snapshots_copy")


def test_a_fact_table_that_is_there_already_is_not_made_over(migrate, another_session):
    migrate("warehouse", "0001")
    another_session().query("CREATE TABLE ride_status_snapshots (snapshot_id BIGINT PRIMARY KEY, recorded_at DATETIME)")
    with pytest.raises(CommandError, match=r"migrate --fake warehouse 0002.*partition_snapshots apply"):
        migrate()


def test_the_models_and_the_migrations_agree(db):
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)
