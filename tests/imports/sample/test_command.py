"""create_sample_archive: what an operator types, sees and can get wrong."""

import os
import resource
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from imports.sample.resorts import make_destination
from imports.sources.folder import FolderSource
from tests.waiting import HANG_SECONDS, until

pytestmark = pytest.mark.no_database
ROOT = Path(__file__).parent.parent.parent.parent


def days_in(folder) -> list[date]:
    source = FolderSource(folder)
    return [file.day for file in source.list_days(make_destination(0).uuid, None, None, datetime.now(UTC).date()).files]


def create(folder, *arguments):
    out = StringIO()
    call_command("create_sample_archive", str(folder), *arguments, stdout=out)
    return out.getvalue()


def test_it_says_what_it_wrote_and_that_it_is_made_up(tmp_path):
    shown = create(tmp_path / "new" / "folder", "--days=2", "--events-per-day=700", "--start=2024-02-28")
    assert "Sample archive (made up)" in shown
    assert "4,200 events of 147 rides in 7 parks, 2024-02-28 to 2024-02-29, 6 files" in shown
    assert "Sample Resort Tokyo (Asia/Tokyo, JPY)" in shown
    assert FolderSource(tmp_path / "new" / "folder").list_destinations() == sorted(
        make_destination(n).uuid for n in range(3)
    )


def test_with_defects_it_says_each_case_with_its_file_park_and_outcome(tmp_path):
    shown = create(
        tmp_path, "--days=30", "--events-per-day=100", "--destinations=1", "--start=2025-01-01", "--with-defects"
    )
    lines = shown.splitlines()
    assert "Put in on purpose, and what must become of it:" in lines
    cases = [line.strip() for line in lines if line.startswith("    2025-01-")]
    assert len([line for line in cases if "the file is missing: GAP missing_days (1)" in line]) == 4
    assert any("data.status DELAYED, UNKNOWN and 1: 3 rejected, INVALID unknown_status (3)" in line for line in cases)
    assert any("waitTime 0 and 300, which are good: 2 stored, no finding" in line for line in cases)
    assert lines[-1].startswith("An import must give ")
    assert lines[-1].endswith("findings; file by file in " + str(tmp_path / "sample-manifest.json"))


def test_without_dates_the_archive_ends_two_days_ago_as_the_real_one_trails(tmp_path):
    before = datetime.now(UTC).date()
    create(tmp_path, "--days=3", "--events-per-day=1", "--destinations=1")
    days = days_in(tmp_path)
    assert days[-1] in {today - timedelta(days=2) for today in (before, datetime.now(UTC).date())}
    assert len(days) == 3


def test_an_end_counts_back(tmp_path):
    create(tmp_path, "--days=3", "--events-per-day=1", "--destinations=1", "--end=2024-03-01")
    days = days_in(tmp_path)
    assert days == [date(2024, 2, 28), date(2024, 2, 29), date(2024, 3, 1)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--days=0"], "0 days: an archive has at least one"),
        (["--days=-3"], "-3 days: an archive has at least one"),
        (["--days=999999999"], "999999999 days: no calendar goes back that far"),
        (["--events-per-day=0"], "0 events a day"),
        (["--start=2024-13-01"], "2024-13-01 is no date: use YYYY-MM-DD"),
        (["--start=2024-01-01", "--end=2024-01-02"], "not allowed with argument"),
        (["--days=28", "--with-defects"], "With defects an archive has at least 29 days"),
        (["--start=2010-01-01"], "give days from 2016-01-01"),
        (["--end=2099-01-01"], "The last day would be 2099-01-01; the newest an archive can have is"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_writes_nothing(tmp_path, arguments, message):
    with pytest.raises(CommandError, match=message):
        create(tmp_path / "new", *arguments)
    assert not (tmp_path / "new").exists()


def test_a_second_call_replaces_the_sample_archive_that_is_there(tmp_path):
    create(tmp_path, "--days=5", "--events-per-day=70", "--start=2024-01-01", "--destinations=2")
    create(tmp_path, "--days=1", "--events-per-day=70", "--start=2024-01-03", "--destinations=1")
    assert FolderSource(tmp_path).list_destinations() == [make_destination(0).uuid]
    assert [path.name for path in tmp_path.rglob("*.json.gz")] == ["03.json.gz"]


def test_a_folder_with_anything_else_in_it_is_refused_and_left_alone(tmp_path):
    real = tmp_path / "e957da41-3552-4cf6-b636-5babc5cbc4e5" / "2024" / "01" / "01.json.gz"
    real.parent.mkdir(parents=True)
    real.write_bytes(b"real data")
    with pytest.raises(CommandError, match="is not empty and holds no sample archive"):
        create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["e957da41-3552-4cf6-b636-5babc5cbc4e5"]


def test_a_sample_archive_with_something_else_beside_it_is_not_replaced(tmp_path):
    create(tmp_path, "--days=1", "--events-per-day=1", "--destinations=1")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CommandError, match=r"holds a sample archive, and notes.txt which is none of it"):
        create(tmp_path, "--days=1", "--events-per-day=1", "--destinations=1")
    assert (tmp_path / "sample-manifest.json").exists()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_file_where_the_folder_should_be_is_a_clear_error(tmp_path, below):
    (tmp_path / "taken").write_text("")
    with pytest.raises(CommandError, match=r"taken.*: not a folder; give another place for the archive"):
        create(tmp_path / "taken" / below, "--days=1", "--events-per-day=1")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(CommandError, match="Permission denied; the archive needs a folder that can be written"):
        create(tmp_path / "new", "--days=1", "--events-per-day=1")


def test_a_disk_that_refuses_more_bytes_is_a_clear_error_and_the_rest_can_be_replaced(tmp_path):
    """A limit on the size of a file fails the write as a full disk does."""
    run = subprocess.run(
        [sys.executable, "manage.py", "create_sample_archive", tmp_path, "--days=1", "--events-per-day=5000"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
    )
    assert run.returncode == 1
    assert "make room (or write fewer days or events) and call again" in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "sample-manifest.json").exists()
    create(tmp_path, "--days=1", "--events-per-day=1", "--destinations=1")
    assert len(list(tmp_path.rglob("*.json.gz"))) == 1


def test_an_interrupted_call_says_how_to_go_on(tmp_path):
    run = subprocess.Popen(
        [sys.executable, "manage.py", "create_sample_archive", tmp_path, "--days=1000", "--destinations=1"],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        # a shell that runs the tests in the background has its children ignore it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until(lambda: list(tmp_path.rglob("*.json.gz")) or run.poll() is not None)
    run.send_signal(signal.SIGINT)
    assert "is incomplete, call again to replace it" in run.communicate(timeout=HANG_SECONDS)[1]
    assert run.returncode == 130
    assert not (tmp_path / "sample-manifest.json").exists()
    create(tmp_path, "--days=1", "--events-per-day=1", "--destinations=1")
    assert len(list(tmp_path.rglob("*.json.gz"))) == 1
