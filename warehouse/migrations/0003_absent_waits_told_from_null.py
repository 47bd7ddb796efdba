"""ride_status_snapshots.wait_told: whether an event spoke of the standby line at all.

An event without STANDBY and one with {"waitTime": null} both store no wait. Whether archive events repeat the whole
state of a ride is not known; if they do not, the first kind says nothing and the second says that there is no wait.

Rows that are there keep NULL, not known. The column is added and dropped at once (ALGORITHM=INSTANT), whatever the
table holds: 0.07 s and 0.25 s with a million rows in 26 partitions on MariaDB 10.11. A server that cannot do that is
not made to rewrite the table here: the migration says what to run instead, and finds it done when it is called again.

Without rows it is rewritten on MySQL, which exchanges no partition of a table that was changed at once: a new warehouse
is to be able to compact its months.
"""

from django.core.management.base import CommandError
from django.db import DatabaseError, connection, migrations, models

from warehouse.server import catalog, ddl, dialect

TABLE = "ride_status_snapshots"
PATIENCE_SECONDS = 60
ADD = "ADD COLUMN wait_told BOOL NULL"
DROP = "DROP COLUMN wait_told"


def add(apps, schema_editor):
    if "wait_told" not in catalog.columns(TABLE):
        _at_once(ADD)


def drop(apps, schema_editor):
    if "wait_told" in catalog.columns(TABLE):
        _at_once(DROP)


def _at_once(change: str) -> None:
    if catalog.table_exists(f"{TABLE}_copy"):
        raise CommandError(
            f"manage.py partition_snapshots is making a copy of {TABLE}, which must keep its columns until then: let "
            "it finish, or take the copy back by manage.py partition_snapshots cleanup, and run manage.py migrate again"
        )
    try:
        ddl.run(f"ALTER TABLE {TABLE} {change}, {way()}", TABLE, patience_seconds=PATIENCE_SECONDS)
    except ddl.DdlError as error:
        raise CommandError(f"{error}. Run manage.py migrate again") from error
    except DatabaseError as error:
        raise CommandError(
            f"This server cannot change {TABLE} at once ({error.args[-1]}), and a migration does not rewrite a table "
            f"of that size. When there is time for it, run:  ALTER TABLE {TABLE} {change}, ALGORITHM=INPLACE, "
            "LOCK=NONE  and then manage.py migrate again"
        ) from error


def way() -> str:
    """How the server is to change the table."""
    if not dialect.is_mariadb():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {TABLE})")
            if not cursor.fetchone()[0]:
                return "ALGORITHM=INPLACE, LOCK=NONE"
    return "ALGORITHM=INSTANT"


class Migration(migrations.Migration):
    dependencies = [("warehouse", "0002_snapshots_partitioned_by_month")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(add, drop)],
            state_operations=[
                migrations.AddField(
                    model_name="ridestatussnapshot",
                    name="wait_told",
                    field=models.BooleanField(
                        blank=True,
                        help_text="whether the event spoke of the standby line; unknown: stored before this was kept",
                        null=True,
                    ),
                )
            ],
        )
    ]
