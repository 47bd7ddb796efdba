"""The check is owed until it is done: whatever dies or fails between an import and its check, no finding is lost."""

import signal
import threading
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from imports.archive.pipeline import run_import
from imports.models import ImportCheckpoint
from quality.check.paying import ChecksFailed
from quality.models import DataQualityLog, OwedCheck
from quality.tasks import check_owed, daily_check
from tests.emptying import empty_tables
from tests.imports import forks
from tests.imports.building import DAY, DESTINATION, event, ride, runs, write_day
from tests.imports.table_state import table_state
from tests.waiting import HANG_SECONDS, until
from tests.warehouse.conftest import another_session as another_session
from warehouse.server import away

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHER = f"7{DESTINATION[1:]}"
OF_CHECKS = {"duplicate_name", "missing_metadata", "missing_days"}  # what the import itself does not find


def write_archive(root) -> None:
    """Two destinations, long past; two rides of one name, and a day of which nobody knows why it is missing."""
    for destination, n in ((DESTINATION, 1), (ANOTHER, 2)):
        for day in (DAY, DAY + timedelta(days=1), DAY + timedelta(days=3)):
            rides = [
                event(f"{hour:02}:00:00Z", entity=ride(10 * n + m), park=ride(n), day=day, name="Carousel")
                for hour in range(8, 20)
                for m in (1, 2)
            ]
            write_day(root, rides, day, destination)


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Nobody writes in it."""
    folder = tmp_path_factory.mktemp("archive")
    write_archive(folder)
    return folder


@pytest.fixture
def undisturbed(archive):
    """What an import leaves that nobody disturbs; then the tables are empty again, but for the first day."""
    state = left_undisturbed(archive)
    first_day(archive)
    return state


@cache
def left_undisturbed(archive) -> dict:
    first_day(archive)
    assert forks.run("import_archive", "--source", archive, "--all")[0] == 0
    state = table_state()
    assert set(DataQualityLog.objects.values_list("reason", flat=True)) >= OF_CHECKS
    assert not OwedCheck.objects.exists()
    empty_tables()
    return state


def first_day(archive) -> None:
    """Parks and rides are known from here on: a server that makes one wants the tables that refer to it as well."""
    call_command("import_archive", source=str(archive), all=True, last=DAY, verbosity=0)


@contextmanager
def metadata_locked(session):
    """The check waits where it looks for metadata, of which an import wants nothing."""
    cursor = session.cursor()
    cursor.execute("LOCK TABLES entity_metadata WRITE")
    try:
        yield
    finally:
        cursor.execute("UNLOCK TABLES")


@contextmanager
def metadata_away():
    """The check fails where it looks for metadata."""
    with connection.cursor() as cursor:
        cursor.execute("RENAME TABLE entity_metadata TO entity_metadata_away")
        try:
            yield
        finally:
            cursor.execute("RENAME TABLE entity_metadata_away TO entity_metadata")


def killed_in_the_check(archive, session) -> None:
    """kill -9 after an import is COMPLETED and before its check is done."""
    with metadata_locked(session):
        process = forks.start("import_archive", "--source", archive, "--all")
        until(
            lambda: OwedCheck.objects.exists() or process.poll() is not None,
            otherwise=lambda: list(ImportCheckpoint.objects.values()),
        )
        process.send_signal(signal.SIGKILL)
        process.communicate(HANG_SECONDS)
        assert process.returncode == -signal.SIGKILL
    assert OwedCheck.objects.exists()


@pytest.mark.parametrize("payer", [["import_archive", "--resume"], ["check_quality", "--owed"], ["daily"]])
def test_a_kill_between_an_import_and_its_check_loses_no_finding(archive, undisturbed, another_session, payer):
    killed_in_the_check(archive, another_session(autocommit=True))
    if payer != ["import_archive", "--resume"]:
        (other,) = ImportCheckpoint.objects.exclude(status="COMPLETED")  # it had not begun
        assert forks.run("import_archive", "--resume", other.import_id)[0] == 0
        assert OwedCheck.objects.exists(), "it was not asked for"
    if payer == ["daily"]:
        daily_check()
        # it looks at the catalogue of all parks as well, which says no more than the checks of the imports did
    else:
        status, said = forks.run(*payer)
        assert status == 0, said
    assert not OwedCheck.objects.exists()
    assert table_state()["findings"] == undisturbed["findings"]


def test_an_import_that_is_named_and_lacks_its_check_alone_gets_it(archive, another_session):
    first_day(archive)
    killed_in_the_check(archive, another_session(autocommit=True))
    (completed,) = ImportCheckpoint.objects.filter(import_id__in=OwedCheck.objects.values("cause"))
    status, said = forks.run("import_archive", "--resume", completed.import_id)
    assert (status, "quality check of 2024-12-25 to 2024-12-28" in said) == (0, True), said
    assert not OwedCheck.objects.exists()
    status, said = forks.run("import_archive", "--resume", completed.import_id)
    assert (status, "there is nothing to resume" in said) == (2, True)


def test_two_that_pay_at_once_do_it_twice_and_harm_nothing(archive, undisturbed, another_session):
    session = another_session(autocommit=True)
    killed_in_the_check(archive, session)
    with metadata_locked(session):
        both = [forks.start("check_quality", "--owed") for _ in range(2)]
        with connection.cursor() as cursor:
            until(lambda: waiting_for_metadata(cursor) == 2)
    for process in both:
        said, _ = process.communicate(HANG_SECONDS)
        assert process.returncode == 0, said
    assert not OwedCheck.objects.exists()
    assert forks.run("import_archive", "--resume")[0] == 0  # the other destination
    assert table_state()["findings"] == undisturbed["findings"]


def waiting_for_metadata(cursor) -> int:
    cursor.execute(
        "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE '%%lock%%' "
        "AND info LIKE '%%entity_metadata%%' AND id <> CONNECTION_ID()"
    )
    return cursor.fetchone()[0]


def test_a_check_that_fails_is_said_and_is_exit_1_and_the_other_destinations_go_on(archive, undisturbed):
    with metadata_away():
        status, said = forks.run_hastily("import_archive", "--source", archive, "--all")
    assert status == 1
    assert "1 quality check failed (2024-12-25 to 2024-12-28: ProgrammingError: " in said
    assert said.count("manage.py check_quality --owed") == 3, "each at once, and at the end"
    assert "Traceback" not in said.split("CommandError")[-1]
    assert set(ImportCheckpoint.objects.values_list("status", flat=True)) == {"COMPLETED"}
    assert OwedCheck.objects.count() == 2
    with metadata_away():
        status, said = forks.run_hastily("check_quality", "--owed")
        assert (status, "mend the cause" in said) == (1, True), said
        with away.patience(first_pause=0.001), pytest.raises(ChecksFailed, match="1 quality check failed"):
            check_owed()  # a worker's task: django-q2 keeps it as failed
    assert OwedCheck.objects.count() == 2
    status, said = forks.run("import_archive", "--resume")
    assert status == 0, said
    assert not OwedCheck.objects.exists()
    assert table_state()["findings"] == undisturbed["findings"]


def owed() -> list[tuple]:
    return list(OwedCheck.objects.values_list("first_day", "last_day"))


def test_what_is_paused_or_cancelled_owes_the_days_that_came_in(tmp_path):
    days = [DAY + timedelta(days=n) for n in range(3)]
    for day in days:
        write_day(tmp_path, [event(day=day)], day)
    (run,) = runs(tmp_path)
    (checkpoint,) = run.checkpoints
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    assert owed() == [(days[0], days[0])]
    checkpoint.refresh_from_db()
    checkpoint.fail("cancelled: wrong archive")
    assert owed() == [(days[0], days[0])]
    call_command("import_archive", resume=[checkpoint.import_id], verbosity=0)
    assert owed() == [], "the whole range was owed in its place, and checked"


def test_an_import_that_read_nothing_owes_nothing(archive):
    (run, _) = runs(archive)
    run.claim()
    run.pause("before its first file")
    assert owed() == []


def test_a_check_pays_what_it_covered_wholly_and_nothing_else(archive):
    for run in runs(archive):
        assert run_import(run, threading.Event())
    one, other = OwedCheck.objects.all()
    whole = {"first": date(2024, 12, 1), "last": date(2024, 12, 31)}
    call_command("check_quality", park=[str(one.park_id)], first=DAY, last=DAY, verbosity=0)
    call_command("check_quality", park=[str(one.park_id)], dry_run=True, verbosity=0, **whole)
    assert OwedCheck.objects.count() == 2
    call_command("check_quality", park=[str(one.park_id)], verbosity=0, **whole)
    assert list(OwedCheck.objects.all()) == [other]
    call_command("check_quality", verbosity=0)
    assert not OwedCheck.objects.exists()


def test_owed_alone_says_which_checks_are_to_be_done(db):
    with pytest.raises(CommandError, match="--owed checks what imports left") as refused:
        call_command("check_quality", owed=True, first=DAY)
    assert refused.value.returncode == 2
