"""The check that goes along with an import: it finds what it finds at the end, and its thread can do no harm."""

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import call_command

from imports.archive import check_ahead, post_import_check
from imports.archive.check_ahead import CheckAhead
from imports.archive.pipeline import run_import
from quality.check.ahead import DAYS_BEHIND, PORTION_DAYS
from quality.check.run import check
from quality.models import DataQualityLog, OwedCheck
from tests.imports.building import event, ride, runs, write_day
from tests.waiting import HANG_SECONDS
from warehouse.models import Park

pytestmark = pytest.mark.django_db(transaction=True)
FIRST, DAYS = date(2025, 2, 15), 24
LAST = FIRST + timedelta(days=DAYS - 1)
CHECKED = f"quality check of {FIRST} to {LAST}: "


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Two parks; two rides of one name, days without a file, a ride that falls silent. Nobody writes in it."""
    root = tmp_path_factory.mktemp("archive")
    for n in range(DAYS):
        day = FIRST + timedelta(days=n)
        events = [
            event(f"{hour:02}:00:00Z", entity=ride(10 * park + m), park=ride(park), day=day, name=f"Carousel {m // 2}")
            for park in (1, 2)
            for m in (1, 2, 3)
            for hour in range(12, 22, 3)
            if m < 2 or n < 15
        ]
        if n not in (7, 8):
            write_day(root, events, day)
    return root


def thread_of(ahead: CheckAhead) -> threading.Thread:
    return ahead._thread


def test_the_months_left_behind_are_read_when_the_import_ends(archive):
    (run,) = runs(archive)
    ahead = CheckAhead(run)  # not entered, so that no thread comes in between: it looks after each file
    assert run_import(run, threading.Event(), lambda run, step: ahead.go_on())
    ahead.stop()
    ((days, scan),) = ahead.scans.items()
    assert days == (FIRST, LAST)
    left = (LAST - scan.read_to).days
    assert DAYS_BEHIND <= left < DAYS_BEHIND + PORTION_DAYS, "less than a portion is read at the end"
    assert f"quality check of {FIRST} to {LAST}: " in post_import_check.check_now(
        post_import_check.completed(run), ahead
    )
    assert not OwedCheck.objects.exists()
    found = {row.fingerprint: (row.description, row.occurrences) for row in DataQualityLog.objects.all()}
    at_once = check(Park.objects.values_list("pk", flat=True), FIRST, LAST, datetime.now(UTC), dry_run=True)
    assert {finding.fingerprint: (finding.description, finding.count) for finding in at_once.findings}.items() <= (
        found.items()
    )
    assert {finding.reason for finding in at_once.findings} >= {"duplicate_name", "missing_days"}
    assert at_once.resolved == []


def test_the_command_is_done_with_its_thread_when_it_ends(archive, capsys):
    call_command("import_archive", source=str(archive), all=True)
    assert CHECKED in capsys.readouterr().out
    assert not [thread for thread in threading.enumerate() if thread.name == check_ahead.NAME]


class Fails(CheckAhead):
    """What nobody thought of."""

    def __init__(self, run):
        super().__init__(run)
        self.failed = threading.Event()

    def go_on(self) -> None:
        super().go_on()
        self.failed.set()
        raise ZeroDivisionError


def test_a_thread_that_fails_leaves_all_to_the_check(archive, caplog):
    (run,) = runs(archive)
    with Fails(run) as ahead:
        assert run_import(run, threading.Event(), lambda run, step: ahead.failed.wait(HANG_SECONDS) and None)
    assert ahead.scans == {}
    assert f"quality check of {FIRST} to {LAST}: " in post_import_check.check_now(
        post_import_check.completed(run), ahead
    )
    assert "is checked when it has ended" in caplog.text


class Waits(CheckAhead):
    """It is in the middle of something when the import ends."""

    def __init__(self, run):
        super().__init__(run)
        self.begun = threading.Event()

    def go_on(self) -> None:
        self.begun.set()
        self._stop.wait(HANG_SECONDS)


def test_it_ends_with_an_import_that_is_stopped_or_fails(archive):
    (run,) = runs(archive)
    stop = threading.Event()

    def stop_when_it_is_at_it(run, step):
        assert ahead.begun.wait(HANG_SECONDS)
        stop.set()

    with Waits(run) as ahead:
        assert not run_import(run, stop, stop_when_it_is_at_it)
    assert not thread_of(ahead).is_alive()
    with pytest.raises(KeyboardInterrupt), Waits(run) as ahead:
        ahead.begun.wait(HANG_SECONDS)
        raise KeyboardInterrupt
    assert (thread_of(ahead).is_alive(), ahead.scans) == (False, {})


def test_few_files_get_no_thread(archive):
    (run,) = runs(archive, first=LAST - timedelta(days=9))
    assert len(run.files) < check_ahead.FILES_WORTH_IT
    with CheckAhead(run) as ahead:
        assert not thread_of(ahead).is_alive()
