"""The tables between tests: emptied but for what migrate makes in them, which is the same before and after.

Django empties those too, then makes all content types and permissions anew: 65 ms of CPU at the end of each test with
transactions of its own, 40 s of a run. They are made anew only after a test that has changed them.
"""

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import connection

from warehouse.snapshot_id import RIDE_ID_LIMIT

AS_MIGRATED = {"django_content_type": "app_label, model", "auth_permission": "content_type_id, codename, name"}

_as_migrated: list | None = None


def empty_tables(*args, **kwargs) -> None:
    """In place of Django's, whose arguments say what there is one case of here: all apps, one database."""
    global _as_migrated
    numbers_run_out = _highest_number() > RIDE_ID_LIMIT // 2
    if _as_migrated is None or _found() != _as_migrated:
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
        _as_migrated = _found()
    else:
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        filled = _filled([name for name in names if name not in AS_MIGRATED])
        connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled))
    if numbers_run_out:  # a test has given the last one, behind which the server would go on
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE rides AUTO_INCREMENT = 1")


def _found() -> list:
    with connection.cursor() as cursor:
        rows = []
        for table, columns in AS_MIGRATED.items():
            cursor.execute(f"SELECT id, {columns} FROM {table} ORDER BY id")
            rows += cursor.fetchall()
    return rows


def _highest_number() -> int:
    """Of a ride, or given to one that was rolled back: the server counts on from it all the same."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT MAX(ride_id) FROM rides UNION ALL SELECT MAX(last_ride_id) FROM ride_numbering")
        return max(highest or 0 for (highest,) in cursor.fetchall())


def _filled(tables: list[str]) -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables))
        return [table for table, has_rows in zip(tables, cursor.fetchone(), strict=True) if has_rows]
