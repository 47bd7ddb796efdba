"""Archives as people keep them: a UUID in upper case, files beside the layout; told before days are called missing."""

import threading
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from imports.archive.beginning import resume
from imports.archive.pipeline import run_import
from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from imports.sources.folder import FolderSource
from quality.models import DataQualityLog, ResolutionStatus
from tests.imports.building import DAY, NOW, PARK, event, packed, runs, write_day
from tests.imports.desk import preview
from warehouse.models import Park, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
RESORT = "77777777-0000-4000-8000-00000000000a"
SPELLED = RESORT.upper()
OTHER_RESORT = "77777777-0000-4000-8000-00000000000b"


def put(root, path, day):
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(packed([event(day=day)]))


def import_archive(root, *arguments):
    out = StringIO()
    call_command("import_archive", "--source", str(root), *arguments, stdout=out)
    return out.getvalue()


def finding():
    return DataQualityLog.objects.get(reason="stray_files")


def march(day):
    return date(2025, 3, day)


@pytest.mark.parametrize("asked", [["--all"], ["--destination", RESORT], ["--destination", SPELLED]])
def test_a_destination_in_upper_case_is_imported_however_it_is_asked_for(tmp_path, asked):
    put(tmp_path, f"{SPELLED}/2025/03/01.json.gz", march(1))
    assert "1 stored" in import_archive(tmp_path, *asked)
    assert Park.objects.get().destination_wiki_id == RESORT
    assert ImportedFile.objects.get().source_file == f"{RESORT}/2025/03/01.json.gz"


def test_an_import_of_a_destination_in_upper_case_is_resumed(tmp_path):
    for day in (1, 2, 3):
        put(tmp_path, f"{SPELLED}/2025/03/{day:02}.json.gz", march(day))
    (run,) = runs(tmp_path)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    (again,) = resume([], FolderSource(tmp_path), lambda: NOW)
    assert run_import(again, threading.Event())
    assert RideStatusSnapshot.objects.count() == 3


def test_both_spellings_are_imported_as_one_destination(tmp_path):
    put(tmp_path, f"{SPELLED}/2025/03/01.json.gz", march(1))
    put(tmp_path, f"{RESORT}/2025/03/02.json.gz", march(2))
    assert "2 files read, 0 days without a file" in import_archive(tmp_path, "--all")
    assert ImportCheckpoint.objects.count() == 1
    assert not DataQualityLog.objects.filter(reason="stray_files").exists()


@pytest.fixture
def mixed(tmp_path):
    """One month in which most days lie beside the layout."""
    for name, day in [
        ("2025/03/01.json.gz", 1), ("2025/3/2.json.gz", 2), ("2025/03/03.json", 3), ("2025/03/04.json.zst", 4),
        ("2025/03/05.JSON.GZ", 5), ("2025/03/2025-03-06.json.gz", 6), ("2025-03-07.json.gz", 7),
        ("2025/03/08.json.gz.part", 8), ("2025/03/09.json.gz", 9), ("2025/02/30.json.gz", 1),
    ]:  # fmt: skip
        put(tmp_path, f"{RESORT}/{name}", march(day))
    return tmp_path


@pytest.mark.parametrize("options", [[], ["--dry-run"], ["--from", "2025-03-01", "--to", "2025-03-31"]])
def test_files_beside_the_layout_are_named_before_their_days_are_called_missing(mixed, options):
    said = import_archive(mixed, "--all", *options)
    assert "8 files are no day files: 8 not named YYYY/MM/DD.json.gz: " in said
    assert f"{RESORT}/2025/03/03.json" in said
    assert said.index("no day files") < said.index("without")


def test_files_beside_the_layout_are_one_finding_of_the_destination_that_goes_when_they_have_their_place(mixed):
    import_archive(mixed, "--all")
    found = finding()
    assert (found.entity_type, found.entity_key, found.occurrences) == ("destination", RESORT, 8)
    assert len(found.evidence["examples"]) == 5
    assert ImportedFile.objects.filter(outcome=FileOutcome.MISSING).count() == 7
    for path in [path for path in mixed.rglob("*") if path.is_file() and path.name not in ("01.json.gz", "09.json.gz")]:
        path.unlink()
    import_archive(mixed, "--all", "--from", "2025-03-01")
    assert finding().resolution_status == ResolutionStatus.OPEN  # not all of the destination was looked at
    import_archive(mixed, "--all")
    assert finding().resolution_status == ResolutionStatus.RESOLVED
    put(mixed, f"{RESORT}/2025/03/03.json", march(3))
    import_archive(mixed, "--all")
    assert (finding().resolution_status, finding().occurrences) == (ResolutionStatus.OPEN, 1)


def test_a_dry_run_writes_no_finding(mixed):
    import_archive(mixed, "--all", "--dry-run")
    assert not DataQualityLog.objects.exists()


def test_the_preview_names_them_too(mixed, admin_client, settings):
    settings.ARCHIVE_URL = str(mixed)
    page = preview(admin_client, everything="on")
    assert "8 files are no day files" in page.content.decode()
    assert f"{RESORT}/2025/03/03.json" in page.content.decode()


def test_a_destination_with_nothing_but_files_beside_the_layout_is_told_and_costs_the_others_nothing(tmp_path):
    put(tmp_path, f"{RESORT}/2025/03/01.json", march(1))
    with pytest.raises(CommandError, match=r"1 file is no day file: 1 not named YYYY.*2025/03/01\.json"):
        import_archive(tmp_path, "--all")
    with pytest.raises(CommandError, match=r"no day files of 7.*beside the layout it has 1 file: 1 not named"):
        import_archive(tmp_path, "--destination", RESORT)
    put(tmp_path, f"{OTHER_RESORT}/2025/03/01.json.gz", march(1))
    assert "1 file is no day file" in import_archive(tmp_path, "--all")
    assert finding().entity_key == RESORT


def test_days_of_no_calendar_make_no_import(tmp_path):
    for day in ("0001/01/01", "9999/12/31", "2014/12/31"):
        put(tmp_path, f"{RESORT}/{day}.json.gz", march(1))
    put(tmp_path, f"{RESORT}/2025/03/01.json.gz", march(1))
    import_archive(tmp_path, "--all")
    assert ImportedFile.objects.get().file_date == march(1)
    assert "2 dated before 2015-01-01, 1 dated after tomorrow by this machine's clock" in finding().description


def test_what_a_file_is_instead_stands_in_the_finding(tmp_path):
    write_day(tmp_path, [event()])
    write_day(tmp_path, b"<!DOCTYPE html><html>Log in</html>", DAY + timedelta(days=1))
    import_archive(tmp_path, "--all")
    assert "an HTML page" in DataQualityLog.objects.get(reason="unreadable_file").description
    assert Park.objects.get().themeparks_wiki_id == PARK
