"""The SQL of repartition, as data: what a dry run prints is what a run executes."""

from datetime import date

from django.conf import settings
from django.db import connection

from warehouse.partitioning import partitions
from warehouse.partitioning.page_compression import switched
from warehouse.partitioning.partitions import COPY, TABLE
from warehouse.server import catalog, dialect
from warehouse.server.catalog import Scheme

PROGRESS = f"{TABLE}_copy_progress"
PARTITIONED_BACKUP = f"{TABLE}_partitioned_backup"
UNPARTITIONED_BACKUP = f"{TABLE}_unpartitioned_backup"
# DELETE first and INSERT last: a row that reached the copy by one trigger must not be able to leave the table unseen.
TRIGGERS = {event: f"{TABLE}_copy_{event.lower()}" for event in ("DELETE", "UPDATE", "INSERT")}


def backup_name() -> str:
    """What the table is to be called once it is swapped out."""
    return UNPARTITIONED_BACKUP if catalog.partitioning(TABLE).scheme is Scheme.NONE else PARTITIONED_BACKUP


def prepare(direction: str, today: date, page_compression: bool | None = None) -> list[str]:
    """Make an empty copy as `direction` (apply, rollback) wants it, and the row of progress; safe to begin again.

    `page_compression` None: as the table has it.
    """
    sql = []
    if catalog.table_exists(COPY):
        sql.append(f"DROP TABLE {COPY}")
    sql.append(f"CREATE TABLE {COPY} LIKE {TABLE}")
    if catalog.partitioning(TABLE).scheme is not Scheme.NONE:
        sql.append(f"ALTER TABLE {COPY} REMOVE PARTITIONING")
    if page_compression is not None:
        sql.append(switched(COPY, page_compression))
    if direction == "apply":
        key = catalog.primary_key(TABLE)
        wider = "" if "recorded_at" in key else f"DROP PRIMARY KEY, ADD PRIMARY KEY ({', '.join(key)}, recorded_at) "
        months = partitions.definitions(*_months_of_the_data(today))
        sql.append(f"ALTER TABLE {COPY} {wider}PARTITION BY RANGE COLUMNS (recorded_at) ({months})")
    sql += [
        f"DROP TABLE IF EXISTS {PROGRESS}",
        f"CREATE TABLE {PROGRESS} (direction VARCHAR(10) NOT NULL PRIMARY KEY, backup VARCHAR(64) NOT NULL, "
        "last_snapshot_id BIGINT NULL, rows_copied BIGINT NOT NULL, rows_total BIGINT NOT NULL, "
        "copied BOOL NOT NULL) ENGINE = InnoDB",
        f"INSERT INTO {PROGRESS} VALUES ('{direction}', '{backup_name()}', NULL, 0, "
        f"{catalog.total(catalog.sizes(TABLE)).rows_estimate}, 0)",
    ]
    return sql


def trigger(event: str) -> str:
    """REPLACE, so that the copy's row becomes the table's whatever it was."""
    columns = list(catalog.columns(TABLE))
    replace = f"REPLACE INTO {COPY} ({', '.join(columns)}) VALUES ({', '.join(f'NEW.{name}' for name in columns)})"
    delete = f"DELETE FROM {COPY} WHERE " + " AND ".join(
        f"{name} = OLD.{name}" for name in ("snapshot_id", "recorded_at")
    )
    if dialect.is_galera():  # the row may be on its way into the copy on another node: the key that is written tells
        gone = replace.replace("NEW.", "OLD.")
        delete = f"BEGIN {gone}; {delete}; END"
    body = {"INSERT": replace, "UPDATE": f"BEGIN {delete}; {replace}; END", "DELETE": delete}[event]
    return f"CREATE TRIGGER {TRIGGERS[event]} AFTER {event} ON {TABLE} FOR EACH ROW {body}"


def chunk(bounded: bool) -> str:
    """Copy one chunk. Its parameters: the last id before it and, when `bounded`, its own last id.

    The shared lock makes a writer that changes or deletes one of these rows wait until they are in the copy, where
    its trigger then finds them. A row that a trigger has brought already stays as it is; the comparison looks at it.
    """
    columns = ", ".join(catalog.columns(TABLE))
    until = " AND snapshot_id <= %s" if bounded else ""
    return (
        f"INSERT INTO {COPY} ({columns}) SELECT {columns} FROM {TABLE} FORCE INDEX (PRIMARY) "
        f"WHERE snapshot_id > %s{until} LOCK IN SHARE MODE "
        f"ON DUPLICATE KEY UPDATE {COPY}.snapshot_id = {COPY}.snapshot_id"
    )


def swap(backup: str) -> str:
    """Both names at once, which is one step for the server: no reader ever finds the table missing."""
    return f"RENAME TABLE {TABLE} TO {backup}, {COPY} TO {TABLE}"


def _months_of_the_data(today: date) -> tuple[date, date]:
    """From the oldest row's month, or today's, to as far ahead as is kept ready. Boundary partitions take the rest."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT MIN(recorded_at) FROM {TABLE} WHERE recorded_at >= %s", [partitions.EARLIEST_MONTH])
        (oldest,) = cursor.fetchone()
    ahead = partitions.add_months(partitions.month_of(today), settings.PARTITIONS_AHEAD_MONTHS)
    return min(oldest.date() if oldest else today, today), ahead
