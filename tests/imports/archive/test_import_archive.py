"""The command as an operator types it: exit status, one clear line for what is wrong, and nothing half done."""

import os
import signal
import subprocess
import sys
import threading
from datetime import date, timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from imports.archive.pipeline import run_import
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.source import key_of
from quality.models import DataQualityLog
from tests.captures import SAMPLES
from tests.imports import forks, processes
from tests.imports.building import DAY, DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, event, ride, runs, write_day
from tests.imports.gate import Gate
from tests.nowhere import NOWHERE, NOWHERE_URL
from tests.waiting import HANG_SECONDS, until
from warehouse.models import Park, QueueData, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
UNKNOWN = "99999999-9999-4999-8999-999999999999"


def import_archive(*arguments):
    out = StringIO()
    call_command("import_archive", *map(str, arguments), stdout=out)
    return out.getvalue()


def refused(*arguments):
    """(exit status, message) of a command that must fail."""
    with pytest.raises(CommandError) as failure:
        import_archive(*arguments)
    assert "\n" not in str(failure.value)
    return failure.value.returncode, str(failure.value)


@pytest.fixture
def archive(tmp_path) -> Path:
    for n in range(3):
        day = DAY + timedelta(days=n)
        write_day(tmp_path, [event(day=day), event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day)
    return tmp_path


def test_an_import_says_what_it_did_and_names_an_import_for_each_park(archive):
    printed = import_archive("--source", archive, "--all")
    ids = list(ImportCheckpoint.objects.values_list("import_id", flat=True))
    assert len(ids) == 2
    assert all(import_id in printed for import_id in ids)
    assert "6 events: 6 stored, 0 already known, 0 duplicates, 0 rejected" in printed


def test_findings_are_reported_and_are_no_failure(tmp_path):
    write_day(tmp_path, [event(), event(status="ODD"), "nothing"])
    assert "2 new findings" in import_archive("--source", tmp_path, "--all")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "--destination UUID, --park ID_OR_UUID, or --all"),
        (["--destination", "disney"], "'disney' is no UUID"),
        (["--destination", UNKNOWN], f"has no destination {UNKNOWN}"),
        (["--park", UNKNOWN], f"No park {UNKNOWN} is known"),
        (["--park", "77"], "No park 77 is known"),
        (["--park", "magic"], "neither a park_id nor a UUID"),
        (["--all", "--from", "2024-12-27", "--to", "2024-12-25"], "swap them"),
        (["--all", "--from", "2099-01-01"], "lies in the future"),
        (["--all", "--to", "2099-01-01"], "lies in the future"),
        (["--destination", DESTINATION, "--from", "2025-06-01"], "it has 2024-12-25 to 2024-12-27"),
        (["--all", "--from", "2025-06-01"], "no files from 2025-06-01 for any of its destinations"),
        (["--resume", "--all"], "give it import ids alone"),
        (["--resume"], "no import was begun yet"),
        (["--resume", "imp_nothing"], "No import imp_nothing"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_status_2(archive, arguments, says):
    status, message = refused("--source", archive, *arguments)
    assert (status, ImportCheckpoint.objects.count(), Park.objects.count()) == (2, 0, 0)
    assert says in message


def test_a_source_that_is_not_there_or_empty_is_a_clear_failure(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    (tmp_path / "other" / "holiday pictures").mkdir(parents=True)
    for name, says in [("no", "no such folder"), ("file", "not a folder"), ("empty", "no dest"), ("other", "no dest")]:
        status, message = refused("--source", tmp_path / name, "--all")
        assert status == 1
        assert says in message
    assert refused("--source", "ftp://somewhere", "--all")[0] == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_may_not_be_read_says_so(archive):
    (archive / DESTINATION).chmod(0)
    try:
        assert "Permission denied" in refused("--source", archive, "--all")[1]
    finally:
        (archive / DESTINATION).chmod(0o755)


def test_what_lies_in_the_archive_beside_day_files_is_passed_over(archive):
    (archive / DESTINATION / "2024/12/.25.json.gz.part").write_bytes(b"x")
    (archive / DESTINATION / "2024/12/32.json.gz").write_bytes(b"x")
    (archive / DESTINATION / "2024/README").write_bytes(b"x")
    (archive / "README.txt").write_bytes(b"x")
    assert "6 events: 6 stored" in import_archive("--source", archive, "--all")


def test_a_malformed_date_is_told_by_its_form(archive):
    status, output = forks.run("import_archive", "--source", archive, "--all", "--from", "25.12.2024")
    assert status == 2
    assert "YYYY-MM-DD" in output


def test_a_range_is_inclusive_at_both_ends(archive):
    import_archive("--source", archive, "--all", "--from", "2024-12-26", "--to", "2024-12-26")
    assert set(ImportedFile.objects.values_list("file_date", flat=True)) == {date(2024, 12, 26)}


def test_one_park_by_number_or_uuid_and_with_its_destination(archive):
    import_archive("--source", archive, "--all", "--to", DAY)
    park = Park.objects.get(themeparks_wiki_id=PARK)
    import_archive("--source", archive, "--park", park.park_id, "--from", "2024-12-26", "--to", "2024-12-26")
    import_archive("--source", archive, "--park", PARK.upper(), "--destination", DESTINATION, "--from", "2024-12-27")
    assert ImportedFile.objects.filter(park=park).count() == 3
    assert ImportedFile.objects.exclude(park=park).count() == 1
    status, message = refused("--source", archive, "--park", park.park_id, "--destination", UNKNOWN)
    assert (status, "has no destination" in message) == (2, True)


def test_a_dry_run_reads_everything_and_writes_nothing(archive):
    write_day(archive, [event(status="ODD"), event()], DAY)
    write_day(archive, b"broken", DAY + timedelta(days=4))
    printed = import_archive("--source", archive, "--all", "--dry-run")
    assert "4 files, 1 day without one, 0 imported already" in printed
    assert "unknown_status: 1" in printed
    assert "2024/12/29.json.gz: not JSON" in printed
    for model in (Park, ImportCheckpoint, ImportedFile, RideStatusSnapshot, DataQualityLog):
        assert not model.objects.exists()


def test_a_completed_import_cannot_be_resumed(archive):
    import_archive("--source", archive, "--all")
    import_id = ImportCheckpoint.objects.first().import_id
    status, message = refused("--resume", import_id)
    assert (status, "is COMPLETED" in message) == (2, True)
    assert "Nothing waits to be resumed" in import_archive("--resume")


def test_the_list_shows_each_import_and_how_to_go_on(archive):
    assert "No import was begun yet" in import_archive("--list")
    import_archive("--source", archive, "--all")
    checkpoint = ImportCheckpoint.objects.first()
    ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(status="PAUSED", last_error="lunch")
    printed = import_archive("--list")
    assert "COMPLETED" in printed
    assert f"--resume {checkpoint.import_id}" in printed
    assert "lunch" in printed


def test_a_park_that_is_being_imported_elsewhere_is_refused(archive):
    import_archive("--source", archive, "--all")
    checkpoint = ImportCheckpoint.objects.first()
    ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(status="PAUSED")
    checkpoint.refresh_from_db()
    checkpoint.claim("elsewhere/1/2/3")
    for arguments in (["--source", archive, "--all"], ["--resume", checkpoint.import_id]):
        status, message = refused(*arguments)
        assert (status, "is being imported" in message) == (1, True)


def test_the_same_command_again_goes_on_with_what_was_not_finished(archive):
    import_archive("--source", archive, "--all")
    one, other = ImportCheckpoint.objects.order_by("pk")
    ImportCheckpoint.objects.filter(pk=one.pk).update(status="FAILED")
    assert other.import_id not in import_archive("--source", archive, "--all")
    assert ImportCheckpoint.objects.count() == 2
    import_archive("--source", archive, "--all")
    assert ImportCheckpoint.objects.count() == 4


def test_an_archive_that_has_moved_is_named_when_resuming(archive, tmp_path_factory):
    import_archive("--source", archive, "--all")
    checkpoint = ImportCheckpoint.objects.first()
    ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(
        status="PAUSED", last_processed_date=DAY, source="/gone/for/ever"
    )
    assert "no such folder" in refused("--resume", checkpoint.import_id)[1]
    moved = tmp_path_factory.mktemp("moved") / "archive"
    archive.rename(moved)
    import_archive("--resume", checkpoint.import_id, "--source", moved)
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.source) == ("COMPLETED", str(moved))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_file_in_hand_and_leaves_a_line_that_resumes(tmp_path, number):
    days = 30
    for n in range(days):
        day = DAY - timedelta(days=n)
        write_day(tmp_path, [event(f"10:{m // 60:02}:{m % 60:02}Z", day=day, entity=ride(n)) for m in range(200)], day)
    # It is signalled before the first gate or at it. In hand are then all files that arrive in time to go in together
    # with the next one: of a quick machine all that are left, were there not the other gate.
    gates = [Gate(tmp_path / key_of(DESTINATION, DAY - timedelta(days=n))) for n in (days // 2, days // 4)]
    process = forks.start("import_archive", "--source", tmp_path, "--all")
    until(lambda: ImportedFile.objects.exists() or process.poll() is not None)
    process.send_signal(number)
    gates[0].open()
    until(lambda: ImportCheckpoint.objects.filter(status="PAUSED").exists() or process.poll() is not None)
    gates[1].open()
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 3, output
    assert "manage.py import_archive --resume" in output
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.last_error) == ("PAUSED", "stopped by the operator")
    assert RideStatusSnapshot.objects.count() == checkpoint.records_imported == 200 * ImportedFile.objects.count()
    assert 0 < ImportedFile.objects.count() < days
    assert forks.run("import_archive", "--resume")[0] == 0
    assert RideStatusSnapshot.objects.count() == 200 * days


def test_a_second_signal_rolls_the_file_back_and_stops_at_once(tmp_path):
    for n in range(3):
        day = DAY - timedelta(days=n)
        rows = [event(f"{h:02}:{m:02}:{s:02}Z", day=day) for h in range(24) for m in range(60) for s in range(0, 60, 3)]
        write_day(tmp_path, rows, day)
    gate = Gate(tmp_path / key_of(DESTINATION, DAY - timedelta(days=1)))
    process = forks.start("import_archive", "--source", tmp_path, "--all")
    until(lambda: ImportedFile.objects.exists() or process.poll() is not None)
    with transaction.atomic():  # its checkpoint is held here, so it waits with the rows of the next file loaded
        checkpoint = ImportCheckpoint.objects.select_for_update().get()
        gate.open()
        until(it_waits_inside_a_file, every_seconds=0.2)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)  # another one: two of a kind that come at once are one
    output, _ = process.communicate(HANG_SECONDS)
    assert process.returncode == 3, output
    assert "Traceback" not in output
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.last_error) == ("PAUSED", "interrupted inside a file, which was rolled back")
    assert RideStatusSnapshot.objects.count() == checkpoint.records_imported == 28_800


def it_waits_inside_a_file() -> bool:
    """The server makes its list of transactions anew when it was not read for 0.1 s."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT' "
            "AND trx_query LIKE 'UPDATE import_checkpoints SET last_processed_date%'"
        )
        return bool(cursor.fetchall())


def test_a_server_that_is_down_is_one_line(archive):
    environment = processes.environment() | {"DATABASE_URL": NOWHERE_URL}
    done = subprocess.run(
        [sys.executable, "manage.py", "import_archive", "--source", str(archive), "--all"],
        cwd=processes.ROOT, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert NOWHERE in done.stderr


def test_a_user_without_the_right_to_make_partitions_is_told_and_nothing_is_begun(archive):
    write_day(archive, [event("10:00:00Z", day=date(2017, 5, 1))], date(2017, 5, 1))
    name = connection.settings_dict["NAME"]
    with connection.cursor() as cursor:
        cursor.execute("DROP USER IF EXISTS reader@'%'")
        cursor.execute("CREATE USER reader@'%%' IDENTIFIED BY %s", [connection.settings_dict["PASSWORD"]])
        cursor.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{name}`.* TO reader@'%'")
    before = connection.settings_dict["USER"]
    try:
        connection.close()
        connection.settings_dict["USER"] = "reader"
        status, message = refused("--source", archive, "--all")
    finally:
        connection.close()
        connection.settings_dict["USER"] = before
        with connection.cursor() as cursor:
            cursor.execute("DROP USER reader@'%'")
    assert (status, "grant it ALTER" in message) == (1, True)
    assert not Park.objects.exists()
    assert not ImportCheckpoint.objects.exists()


def test_the_real_samples_come_in_as_they_are():
    samples = SAMPLES / "archive"
    if not samples.is_dir():
        pytest.skip("the captured samples are not here; name their folder in ARCHIVE_SAMPLES")
    for stored, known in ((114, 0), (0, 114)):
        printed = import_archive("--source", samples, "--all")
        assert f"114 events: {stored} stored, {known} already known, 0 duplicates, 0 rejected" in printed
        waits = [wait for wait in RideStatusSnapshot.objects.values_list("wait_time", flat=True) if wait is not None]
        assert (RideStatusSnapshot.objects.count(), len(waits), sum(waits)) == (114, 38, 880)
        assert QueueData.objects.count() == 38
        assert DataQualityLog.objects.get(source_file="", issue_type="GAP").reason == "missing_days"


# --- --force ------------------------------------------------------------------------------------------------------
def stopped_after_one_file(archive) -> None:
    (run,) = runs(archive)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())


def test_force_is_kept_with_what_is_begun_and_makes_no_other_request_of_it(archive):
    """What was stopped goes on forced when the same command is given with --force, and so does an import by its id."""
    stopped_after_one_file(archive)
    assert set(ImportCheckpoint.objects.values_list("force", "status")) == {(False, "PAUSED")}
    import_archive("--source", archive, "--all", "--force")
    assert set(ImportCheckpoint.objects.values_list("force", "status")) == {(True, "COMPLETED")}


def test_an_import_that_is_named_can_be_resumed_by_force(archive):
    stopped_after_one_file(archive)
    ids = ImportCheckpoint.objects.values_list("import_id", flat=True)
    import_archive("--resume", *ids, "--force")
    assert set(ImportCheckpoint.objects.values_list("force", "status")) == {(True, "COMPLETED")}


@pytest.mark.parametrize("arguments", [["--list", "--force"], ["--resume", "--force"]])
def test_force_wants_to_know_of_what(arguments):
    status, said = refused(*arguments)
    assert status == 2
    assert "--force is for what is begun with it, or for imports that are named" in said
