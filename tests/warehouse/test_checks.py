"""The system checks, against the server at hand and against one that is set up wrongly."""

import pytest
import time_machine
from django.core.checks import run_checks
from django.db import connection

from warehouse import checks


def ids(found) -> set[str]:
    return {message.id for message in found}


def server_ids() -> set[str]:
    return ids(checks.check_server(None, databases=["default"])) - {"warehouse.W105"}  # MySQL's default


def test_the_settings_of_the_project_pass():
    assert checks.check_settings(None) == []


def test_the_server_of_the_project_passes(db):
    assert server_ids() == set()


def test_the_server_is_asked_only_when_a_database_is_named(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert ids(run_checks()) & {"warehouse.E102", "warehouse.W111"} == set()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("TIME_ZONE", "Europe/Paris", "warehouse.E001"),
        ("STORAGE_CAPACITY_GB", -1.0, "warehouse.E002"),
        ("PARTITIONS_AHEAD_MONTHS", 2, "warehouse.W003"),
    ],
)
def test_a_setting_that_does_harm_is_found(settings, name, value, expected):
    setattr(settings, name, value)
    assert expected in ids(checks.check_settings(None))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SET SESSION sql_mode = ''", "warehouse.E102"),
        ("SET character_set_connection = latin1", "warehouse.E103"),
        ("SET SESSION time_zone = '+02:00'", "warehouse.E104"),
    ],
)
def test_a_session_that_bends_values_is_found(transactional_db, statement, expected):
    with connection.cursor() as cursor:
        cursor.execute(statement)
    try:
        assert server_ids() == {expected}
    finally:
        connection.close()


def test_too_few_months_and_rows_in_a_boundary_partition_are_found(snapshots):
    snapshots.add("2024-12-31 23:59")
    with time_machine.travel("2026-11-23"):
        found = checks.check_partitions(None, databases=["default"])
    assert ids(found) == {"warehouse.W111"}
    assert ["fewer than 3" in found[0].msg, "p_before_2025" in found[1].msg] == [True, True]


def test_before_the_first_migrate_there_is_nothing_to_say(snapshots, another_session):
    another_session().query("RENAME TABLE ride_status_snapshots TO ride_status_snapshots_away")
    assert checks.check_partitions(None, databases=["default"]) == []
