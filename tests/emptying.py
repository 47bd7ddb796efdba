"""The tables between tests: emptied but for what migrate makes in them, which is the same before and after.

Django empties those too, then makes all content types and permissions anew: 65 ms of CPU at the end of each test with
transactions of its own, 40 s of a run. They are made anew only after a test that has changed them. What there is to do
is asked in one statement, of the tables as the models have them; only after a test that left other tables than those
is the server asked which there are.
"""

from functools import cache

from django.core.management import call_command
from django.core.management.color import no_style
from django.db import ProgrammingError, connection, transaction

from warehouse.snapshot_id import RIDE_ID_LIMIT

AS_MIGRATED = {"django_content_type": "app_label, model", "auth_permission": "content_type_id, codename, name"}

_as_migrated: tuple | None = None


def empty_tables(*args, **kwargs) -> None:
    """In place of Django's, whose arguments say what there is one case of here: all apps, one database."""
    global _as_migrated
    try:
        highest, found, filled = _look(_tables_of_models())
    except ProgrammingError:  # a test that went back behind a migration
        highest, found, filled = _look(_tables(only_existing=True))
    if _as_migrated is None or found != _as_migrated:
        call_command("flush", verbosity=0, interactive=False, reset_sequences=False)
        _, _as_migrated, _ = _look(_tables(only_existing=True))
    else:
        with transaction.atomic():
            connection.ops.execute_sql_flush(connection.ops.sql_flush(no_style(), filled))
    if highest > RIDE_ID_LIMIT // 2:  # a test has given the last one, behind which the server would go on
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE rides AUTO_INCREMENT = 1")


def _look(tables: tuple[str, ...]) -> tuple[int, tuple, list[str]]:
    """The highest number of a ride, or given to one that was rolled back, since the server counts on from it all the
    same; what stands for the rows that migrate has made; and those of `tables` that are to be emptied."""
    with connection.cursor() as cursor:
        cursor.execute(_question(tables))
        highest, last, *answers = cursor.fetchone()
    found, filled = answers[: len(AS_MIGRATED)], answers[len(AS_MIGRATED) :]
    names = [table for table, has_rows in zip(tables, filled, strict=True) if has_rows]
    return max(highest or 0, last or 0), tuple(found), names


@cache
def _question(tables: tuple[str, ...]) -> str:
    asked = ["(SELECT MAX(ride_id) FROM rides)", "(SELECT MAX(last_ride_id) FROM ride_numbering)"]
    for table, columns in AS_MIGRATED.items():
        asked.append(f"(SELECT CONCAT_WS(' ', COUNT(*), SUM(CRC32(CONCAT_WS(' ', id, {columns})))) FROM {table})")
    return "SELECT " + ", ".join(asked + [f"EXISTS (SELECT 1 FROM {table})" for table in tables])


def _tables(only_existing: bool) -> tuple[str, ...]:
    names = connection.introspection.django_table_names(only_existing=only_existing, include_views=False)
    return tuple(name for name in names if name not in AS_MIGRATED)


@cache
def _tables_of_models() -> tuple[str, ...]:
    return _tables(only_existing=False)
