"""manage.py as the door to every command: what nobody expected of the server is one line, not a traceback."""

import os
import subprocess
import sys

import pytest

from tests.imports.processes import ROOT

NOWHERE = "mysql://root@/warehouse?unix_socket=/nowhere/none.sock"


def manage(*arguments: str, database: str) -> tuple[int, str]:
    """Exit status and what was said on stderr."""
    process = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": database, "SECRET_KEY": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    return process.returncode, process.stderr


@pytest.mark.parametrize("command", [["collect_storage_metrics"], ["import_archive", "--list"], ["migrate"]])
def test_a_server_that_is_not_there_is_one_line(command):
    status, said = manage(*command, database=NOWHERE)
    assert (status, said.count("\n")) == (1, 1)
    assert said.startswith("The database server says: Can't connect to ")
    assert "/nowhere/none.sock" in said
    assert "bin/db start" in said


def test_with_traceback_all_of_it_is_shown():
    status, said = manage("maintain_partitions", "--traceback", database=NOWHERE)
    assert status == 1
    assert "Traceback (most recent call last)" in said


def test_a_database_without_tables_says_what_to_run(another_database):
    status, said = manage("sync_groups", database=another_database)
    assert (status, said.count("\n")) == (1, 1)
    assert said.endswith("doesn't exist. Run manage.py migrate\n")


@pytest.fixture
def another_database(transactional_db):
    """The URL of an empty database on the test server."""
    from django.db import connection

    from tests.imports import processes

    known = connection.settings_dict["NAME"]
    name = f"{known}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield processes.environment()["DATABASE_URL"].replace(f"/{known}", f"/{name}")
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
