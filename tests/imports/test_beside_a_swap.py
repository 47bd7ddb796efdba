"""Commands beside `partition_snapshots`, whose swap gives the table's name to another table between two of their
statements: a moment of it is not taken for how things stand."""

from contextlib import contextmanager
from io import StringIO

import MySQLdb
import pytest
from django.core.management import call_command
from django.db import connection

from tests.imports.building import event, write_day
from warehouse.models import StorageMetrics
from warehouse.partitioning.partitions import COPY, TABLE
from warehouse.server import away, catalog

pytestmark = pytest.mark.django_db(transaction=True)

BACKUP = f"{TABLE}_partitioned_backup"
THERE = f"RENAME TABLE {TABLE} TO {BACKUP}, {COPY} TO {TABLE}"
BACK = f"RENAME TABLE {TABLE} TO {COPY}, {BACKUP} TO {TABLE}"


@pytest.fixture
def copy(tmp_path):
    """A table of two rows, and a copy of it without partitions."""
    write_day(tmp_path, [event(), event("11:00:00Z", status="DOWN")])
    call_command("import_archive", "--all", "--source", str(tmp_path), stdout=StringIO())
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {COPY} LIKE {TABLE}")
        cursor.execute(f"ALTER TABLE {COPY} REMOVE PARTITIONING")
        cursor.execute(f"INSERT INTO {COPY} SELECT * FROM {TABLE}")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {COPY}")


@contextmanager
def swapped_before(statement: str):
    """By another session, before the first of this one's statements that says this; and back at the end."""
    other = MySQLdb.connect(**connection.get_connection_params(), autocommit=True)
    done = []

    def swap(execute, sql, params, many, context):
        if statement in str(sql) and not done:
            done.append(sql)
            other.query(THERE)
        return execute(sql, params, many, context)

    try:
        with connection.execute_wrapper(swap), away.patience(first_pause=0.001):
            yield done
    finally:
        connection.close()
        if done:
            other.query(BACK)
        other.close()


@pytest.mark.parametrize("statement", ["ANALYZE PARTITION", "_tablestats", f"FROM {TABLE} PARTITION (p_f"])
def test_what_is_measured_is_measured_anew(copy, statement):
    """Each of them ended it with status 1, or with a traceback."""
    with swapped_before(statement) as done:
        call_command("collect_storage_metrics", stdout=StringIO())
    assert done
    assert StorageMetrics.objects.get(table_name=TABLE).row_count == 2


@pytest.mark.parametrize("statement", ["LOCK TABLES", "LIMIT 10001"])
def test_months_that_are_to_be_made_are_planned_anew(copy, statement):
    """ "Another process has changed the partitions ... call again", status 1, was said."""
    said = StringIO()
    with swapped_before(statement) as done:
        call_command("maintain_partitions", "--ahead", "40", stdout=said)
    assert done
    assert f"{TABLE} is not partitioned by month" in said.getvalue()


def test_an_empty_answer_of_the_catalog_is_no_proof_that_there_is_no_table(copy):
    """Of the question and of the one whether there is a table: as the server answers while it leaves a table out."""
    emptied = []

    def empty(execute, sql, params, many, context):
        if "information_schema" in str(sql) and len(emptied) < 2:
            emptied.append(sql)
            return execute(f"SELECT * FROM ({sql}) nothing LIMIT 0", params, many, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(empty):
        assert len(catalog.partitioning(TABLE).partitions) > 2
    assert len(emptied) == 2
    assert not catalog.table_exists("no_such_table")
