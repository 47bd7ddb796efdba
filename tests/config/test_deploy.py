"""manage.py deploy: what was three commands, safe to repeat, to break off and to call on two hosts at once."""

from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django_q.models import Schedule

from imports.workers.schedules import JOBS
from tests.imports import forks
from warehouse.server.named_lock import named_lock
from warehouse.server.updating import one_host_at_a_time

pytestmark = pytest.mark.django_db(transaction=True)
WAITING = "Another host or terminal is bringing this database up to date"


@pytest.fixture
def a_migration_to_come():
    """That of config, which is the cheapest."""
    call_command("migrate", "desk", "zero", verbosity=0)
    yield
    call_command("migrate", verbosity=0)


@pytest.fixture(autouse=True)
def own_database(settings):
    """Of a server of others the settings for production are checked too, which those of tests are none of."""
    settings.PRIVATE_DATABASE = True


def deploy() -> str:
    said = StringIO()
    call_command("deploy", stdout=said, stderr=said)
    return said.getvalue()


def applied() -> int:
    return MigrationRecorder.Migration.objects.filter(app="desk").count()


def test_called_again_it_does_nothing_more(a_migration_to_come):
    first = deploy()
    assert "Applying desk.0001_operators_are_told... OK" in first
    assert f"{JOBS[0].name}: registered" in first
    assert first.endswith("Done: web server and workers of this version may be started\n")
    jobs = list(Schedule.objects.order_by("id").values())
    second = deploy()
    assert "Migrations: none to come" in second and "registered" not in second
    assert "Nothing to do: every month" in second
    assert list(Schedule.objects.order_by("id").values()) == jobs


def test_two_hosts_at_once_take_turns_and_each_migration_is_applied_once(a_migration_to_come):
    with one_host_at_a_time(print):
        both = [forks.start("deploy", settings={"PRIVATE_DATABASE": True}) for _ in range(2)]
        assert all(fork.reads(WAITING) for fork in both)
    said = [fork.communicate()[0] for fork in both]
    assert [fork.returncode for fork in both] == [0, 0], said
    assert sorted("Applying desk.0001" in each for each in said) == [False, True]
    assert applied() == 1
    assert Schedule.objects.count() == len(set(Schedule.objects.values_list("name", flat=True)))
    with named_lock("deploy") as mine:
        assert mine


def test_a_migration_that_was_broken_off_is_named_with_where_it_stands_what_to_do():
    assert applied() == 1
    MigrationRecorder.Migration.objects.filter(app="desk").delete()  # as after kill -9 behind its first statement
    try:
        status, said = forks.run("deploy")
    finally:
        MigrationRecorder(connection).record_applied("desk", "0001_operators_are_told")
    assert status == 1 and "Traceback" not in said
    line = said.splitlines()[-1]
    assert "desk.0001_operators_are_told was begun before, and broken off: Table 'desk_alerts' already exists" in line
    assert "docs/running.md" in line


def test_settings_that_would_do_harm_are_told_before_anything_is_changed(a_migration_to_come):
    status, said = forks.run("deploy", settings={"TIME_ZONE": "Asia/Tokyo"})
    assert status == 1
    assert "warehouse.E001" in said and "Traceback" not in said
    assert applied() == 0


def test_a_warning_is_told_and_is_no_failure(settings):
    settings.PARTITIONS_AHEAD_MONTHS = 1
    assert "warehouse.W003" in deploy()


def test_on_a_server_of_others_the_settings_for_production_are_checked_too(settings):
    settings.PRIVATE_DATABASE = False
    try:
        said = deploy()
    except SystemCheckError as error:  # of a variable that browser tests want
        said = str(error)
    assert "desk.W401" in said
