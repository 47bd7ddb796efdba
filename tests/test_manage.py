"""manage.py as the door to every command: what nobody expected of the server is one line, not a traceback."""

import os
import subprocess
import sys

import pytest
from django.db import connection

from tests.imports import forks
from tests.imports.processes import ROOT
from tests.nowhere import NOWHERE, NOWHERE_URL, reached_by


@pytest.mark.parametrize("command", [["import_archive", "--list"], ["migrate"]])
def test_a_server_that_is_not_there_is_one_line(command):
    assert_one_line_says_that_it_is_not_there(*forks.run(*command, **reached_by(NOWHERE)))


def test_so_it_is_in_a_process_that_begins_with_nothing():
    process = subprocess.run(
        [sys.executable, "manage.py", "collect_storage_metrics"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": NOWHERE_URL, "SECRET_KEY": "x"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert_one_line_says_that_it_is_not_there(process.returncode, process.stderr)


def assert_one_line_says_that_it_is_not_there(status: int, said: str) -> None:
    assert (status, said.count("\n")) == (1, 1), said
    assert said.startswith(f"The database server ({NOWHERE}) is away: Can't connect to ")
    assert NOWHERE in said
    assert "bin/db start" in said


def test_with_traceback_all_of_it_is_shown():
    status, said = forks.run("maintain_partitions", "--traceback", **reached_by(NOWHERE))
    assert status == 1
    assert "Traceback (most recent call last)" in said


def test_a_database_without_tables_says_what_to_run(another_database):
    status, said = forks.run("sync_groups", NAME=another_database)
    assert (status, said.count("\n")) == (1, 1)
    assert said.endswith("doesn't exist. Run manage.py deploy\n")


@pytest.fixture
def another_database(transactional_db):
    """The name of an empty database on the test server."""
    name = f"{connection.settings_dict['NAME']}_empty"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
    yield name
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name}")
