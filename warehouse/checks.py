"""System checks of the settings and of the server, each with a stable id.

The settings are looked at by every `manage.py check`; the server by `manage.py check --database default` and before
every `migrate`. What would corrupt data is an Error; what an operator should look at is a Warning.
"""

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError, connection
from django.utils import timezone

from warehouse.partitioning import health, partitions
from warehouse.rides import numbering
from warehouse.server import catalog, dialect, sessions
from warehouse.snapshot_id import RIDE_ID_LIMIT

RIDE_IDS_FULL_SHARE = 0.8
SYNC_WAIT = 7  # of Galera: SELECT, UPDATE and DELETE, INSERT
OLDEST_SERVERS = {"MariaDB": (10, 6), "MySQL": (8, 0)}


@register(Tags.compatibility)
def check_settings(app_configs, **kwargs) -> list[CheckMessage]:
    """E001: not all is UTC. E002: a capacity below 0. W003: fewer months kept ahead than are complained about."""
    found: list[CheckMessage] = []
    if not settings.USE_TZ or settings.TIME_ZONE != "UTC":
        found.append(
            Error(
                f"All instants are stored and queried as UTC, but USE_TZ is {settings.USE_TZ} and TIME_ZONE "
                f"{settings.TIME_ZONE!r}.",
                hint="Set USE_TZ = True and TIME_ZONE = 'UTC'.",
                id="warehouse.E001",
            )
        )
    if settings.STORAGE_CAPACITY_GB < 0:
        found.append(Error("STORAGE_CAPACITY_GB is below 0.", hint="Give GB, or 0 for not known.", id="warehouse.E002"))
    if settings.PARTITIONS_AHEAD_MONTHS < health.MONTHS_AHEAD_AT_LEAST:
        found.append(
            Warning(
                f"PARTITIONS_AHEAD_MONTHS is {settings.PARTITIONS_AHEAD_MONTHS}: the checks complain below "
                f"{health.MONTHS_AHEAD_AT_LEAST} months, so they always will.",
                hint="Set it to 12.",
                id="warehouse.W003",
            )
        )
    return found


@register(Tags.database)
def check_server(app_configs, databases=None, **kwargs) -> list[CheckMessage]:
    """Whether this server, as our sessions see it, keeps values as they are given (E102 to E104), and is quick (W)."""
    if "default" not in (databases or []):
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT @@SESSION.sql_mode, @@character_set_database, @@character_set_connection, "
            "TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW()), @@GLOBAL.local_infile, @@innodb_file_per_table"
        )
        mode, database_charset, session_charset, offset_seconds, local_infile, file_per_table = cursor.fetchone()
    found: list[CheckMessage] = []
    vendor = connection.display_name
    if dialect.version()[:2] < OLDEST_SERVERS[vendor]:
        found.append(
            Warning(
                f"{vendor} {'.'.join(map(str, dialect.version()))} is older than what this is tried on.",
                hint=f"Use {vendor} {'.'.join(map(str, OLDEST_SERVERS[vendor]))} or later.",
                id="warehouse.W101",
            )
        )
    if not {"STRICT_TRANS_TABLES", "STRICT_ALL_TABLES"} & set(mode.split(",")):
        found.append(
            Error(
                "SQL strict mode is off: the server would bend values that do not fit instead of refusing them.",
                hint="Keep sql_mode in the init_command of DATABASES.",
                id="warehouse.E102",
            )
        )
    if {database_charset, session_charset} != {"utf8mb4"}:
        found.append(
            Error(
                f"The database is {database_charset} and the session {session_charset}, not utf8mb4: names would be "
                "damaged.",
                hint="ALTER DATABASE ... CHARACTER SET utf8mb4, and keep charset in the OPTIONS of DATABASES.",
                id="warehouse.E103",
            )
        )
    if offset_seconds:
        found.append(
            Error(
                f"The session's clock is {offset_seconds} s from UTC.",
                hint="Keep time_zone='+00:00' in the init_command of DATABASES.",
                id="warehouse.E104",
            )
        )
    if not local_infile:
        found.append(
            Warning(
                "The server refuses LOAD DATA LOCAL, so imports use INSERT at about half the speed.",
                hint="SET GLOBAL local_infile = 1, and the same in the server's configuration.",
                id="warehouse.W105",
            )
        )
    if not file_per_table:
        found.append(
            Warning(
                "Tables share one InnoDB file, so the size of a table on disk cannot be told.",
                hint="Set innodb_file_per_table = 1 before the tables are made.",
                id="warehouse.W106",
            )
        )
    found += _of_galera() if dialect.is_galera() else []
    # MariaDB is asked for a lock without waiting, so there it only costs the name of who was in the way.
    if not dialect.is_mariadb() and sessions.blockers(partitions.TABLE) is None:
        found.append(
            Warning(
                "The database user may not see who holds a table, so on MySQL each try to make a partition while one "
                "is in use makes everybody else wait for a second.",
                hint="GRANT SELECT ON performance_schema.* TO the user.",
                id="warehouse.W107",
            )
        )
    return found


def _of_galera() -> list[CheckMessage]:
    """E113, W114, W115: what a node of a cluster is to be set to (deploy/galera.cnf has all of it)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@wsrep_load_data_splitting, @@SESSION.wsrep_sync_wait, @@innodb_autoinc_lock_mode")
        splitting, sync_wait, autoinc_lock_mode = cursor.fetchone()
    found: list[CheckMessage] = []
    if splitting:
        found.append(
            Error(
                "This node of a Galera cluster commits a LOAD DATA in pieces (wsrep_load_data_splitting is ON): a day "
                "file whose import breaks off would be stored by half.",
                hint="SET GLOBAL wsrep_load_data_splitting = OFF on each node, and the same in its configuration.",
                id="warehouse.E113",
            )
        )
    if sync_wait & SYNC_WAIT != SYNC_WAIT:
        found.append(
            Warning(
                f"On this Galera cluster wsrep_sync_wait is {sync_wait}: after a failover, or beside workers on other "
                "nodes, what others have committed may not be there to be read yet.",
                hint=f"SET GLOBAL wsrep_sync_wait = {SYNC_WAIT} on each node, and the same in its configuration.",
                id="warehouse.W114",
            )
        )
    if autoinc_lock_mode != 2:
        found.append(
            Warning(
                f"On this Galera cluster innodb_autoinc_lock_mode is {autoinc_lock_mode}: rows that come from other "
                "nodes wait for a lock of the whole table, and end who holds it.",
                hint="Set innodb_autoinc_lock_mode = 2 in the configuration of each node, and restart it.",
                id="warehouse.W115",
            )
        )
    return found


@register(Tags.database)
def check_partitions(app_configs, databases=None, **kwargs) -> list[CheckMessage]:
    """What health.health says. Before the first migrate there is no table, and nothing to say."""
    if "default" not in (databases or []):
        return []
    try:
        if not catalog.table_exists(partitions.TABLE):
            return []
        problems = health.health(timezone.now().date()).problems
    except (DatabaseError, catalog.CatalogError) as error:
        return [Warning(f"The partitions cannot be looked at: {error}", id="warehouse.W110")]
    return [Warning(problem, id="warehouse.W111") for problem in problems]


@register(Tags.database)
def check_ride_ids(app_configs, databases=None, **kwargs) -> list[CheckMessage]:
    """W112: the numbers for rides run short."""
    if "default" not in (databases or []):
        return []
    try:
        given = numbering.highest_number()
    except DatabaseError:  # before the first migrate there is no table, and nothing to say
        return []
    if given < RIDE_ID_LIMIT * RIDE_IDS_FULL_SHARE:
        return []
    return [
        Warning(
            f"{given:,} of {RIDE_ID_LIMIT - 1:,} ride ids are given: behind the last one no new ride can be stored.",
            hint="Find out where so many rides come from; the world has some 5,000 (docs/operations.md).",
            id="warehouse.W112",
        )
    ]
