"""An import from a bucket, whatever goes wrong on the way, leaves what an import of the same folder leaves."""

import functools
from datetime import date, timedelta

import pytest
import stamina
from django.core.management import CommandError, call_command

from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.source import key_of
from quality.models import DataQualityLog
from tests.emptying import empty_tables
from tests.imports import forks, processes
from tests.imports.building import DAY, DESTINATION, PARK, event, packed, ride, write_day
from tests.imports.fault_server import Answer, Fault
from tests.imports.table_state import table_state

BUCKET = "archive.example.org"
SLOW_DOWN = Answer(b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>", 503)
HALF = (
    "--to",
    "2025-01-29",
)  # of the days: a file takes 60 ms of CPU to import from a bucket, and is imported three times
DENIED = Answer(b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 403)

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def archive(s3_server, tmp_path_factory):
    """The same archive as a folder and in the bucket; the folder."""
    folder = tmp_path_factory.mktemp("archive") / "days"
    call_command(
        "create_sample_archive", str(folder), days=29, events_per_day=100, destinations=1, seed=5,
        start=date(2025, 1, 15), with_defects=True, verbosity=0,
    )  # fmt: skip
    s3_server.public_bucket(BUCKET)
    for path in sorted(folder.rglob("*.json.gz")):
        s3_server.client().put_object(Bucket=BUCKET, Key=str(path.relative_to(folder)), Body=path.read_bytes())
    return folder


@pytest.fixture(autouse=True)
def no_pauses():
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


def import_all(source, *arguments: str) -> None:
    call_command("import_archive", *arguments, source=str(source), all=True, verbosity=0)


@functools.cache
def from_folder(archive) -> dict:
    import_all(archive)
    state = table_state()
    empty_tables()
    return state


def test_a_bucket_full_of_faults_gives_what_the_folder_gives(archive, s3_proxy, settings):
    expected = from_folder(archive)
    assert expected["snapshots"][0] > 1000
    keys = sorted(str(path.relative_to(archive)) for path in archive.rglob("*.json.gz"))
    s3_proxy.faults = [
        Fault("status", "list-type=2", times=2, answer=SLOW_DOWN),
        Fault("status", keys[0], times=4, answer=SLOW_DOWN),
        Fault("cut", keys[4], times=3),
        Fault("stall", keys[8]),
        Fault("trickle", keys[12], seconds=0.01),
        Fault("reset", keys[16], times=2),
        Fault("status", keys[-1], answer=Answer(b"", 429)),
    ]
    settings.ARCHIVE_S3_STALL_TIMEOUT_SECONDS = settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = 1.0
    with stamina.set_testing(True, attempts=60):  # a busy machine's own delays may cost tries, and must not use them up
        import_all(f"s3://{BUCKET}")
    assert [fault for fault in s3_proxy.faults if fault.times] == []
    assert table_state() == expected
    assert not ImportedFile.objects.filter(outcome="IMPORTED", etag="").exists()


def test_the_cache_gives_the_same_without_another_download(archive, s3_proxy, settings, tmp_path):
    settings.ARCHIVE_CACHE_DIR = str(tmp_path)
    import_all(f"s3://{BUCKET}", *HALF)
    expected = table_state()
    empty_tables()
    s3_proxy.requests.clear()
    import_all(f"s3://{BUCKET}", *HALF)
    assert [path for path in s3_proxy.paths() if ".json.gz" in path] == []
    assert table_state() == expected
    empty_tables()
    import_all(tmp_path, *HALF)
    assert table_state() == expected


def test_access_denied_on_the_way_fails_clearly_and_a_retry_completes(archive, s3_proxy):
    expected = from_folder(archive)
    s3_proxy.faults = [Fault("status", "/01/29.json.gz", answer=DENIED)]
    with pytest.raises(CommandError, match=r"access denied \(403 AccessDenied.*--resume imp_") as caught:
        import_all(f"s3://{BUCKET}")
    assert caught.value.returncode == 1
    failed = list(ImportCheckpoint.objects.filter(status="FAILED"))
    assert failed
    assert "access denied" in failed[0].last_error
    import_all(f"s3://{BUCKET}")
    assert table_state() == expected


def test_a_key_deleted_between_listing_and_reading_is_a_missing_day(s3_server, s3_proxy, tmp_path):
    for n in range(3):
        day = DAY.replace(day=DAY.day + n)
        write_day(tmp_path, [event(day=day)], day)
    s3_server.public_bucket("vanishing")
    client = s3_server.client()
    for path in tmp_path.rglob("*.json.gz"):
        client.put_object(Bucket="vanishing", Key=str(path.relative_to(tmp_path)), Body=path.read_bytes())
    gone = f"{DESTINATION}/2024/12/26.json.gz"
    s3_proxy.faults = [
        Fault("before", "/26.json.gz", act=lambda: client.delete_object(Bucket="vanishing", Key=gone)),
    ]
    import_all("s3://vanishing")
    outcomes = dict(ImportedFile.objects.values_list("file_date__day", "outcome"))
    assert outcomes == {25: "IMPORTED", 26: "MISSING", 27: "IMPORTED"}
    assert DataQualityLog.objects.filter(reason="missing_days").count() == 1
    assert ImportCheckpoint.objects.get().status == "COMPLETED"


def test_a_process_imports_signed_requests_from_its_environment(archive, s3_proxy, monkeypatch):
    expected = from_folder(archive)
    for name, value in {
        "ARCHIVE_URL": f"s3://{BUCKET}",
        "ARCHIVE_S3_ENDPOINT_URL": s3_proxy.url,
        "ARCHIVE_S3_UNSIGNED": "false",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "CONTACT": "ops@example.org",
    }.items():
        monkeypatch.setenv(name, value)
    status, output = processes.run("import_archive", "--all")
    assert status == 0, output
    assert table_state() == expected
    assert all("Credential=key/" in headers["Authorization"] for _, _, headers in s3_proxy.requests)
    assert all("(ops@example.org)" in headers["User-Agent"] for _, _, headers in s3_proxy.requests)


def test_jobs_read_a_bucket_each_by_connections_of_its_own(s3_server, settings):
    """What this process listed it by, before they were forked, is none of theirs."""
    name = "jobs.example.org"
    s3_server.public_bucket(name)
    destinations = [DESTINATION.replace("1", n, 1) for n in "123"]
    for n, destination in enumerate(destinations):
        for day in (DAY, DAY + timedelta(days=1)):
            body = packed([event(day=day, park=PARK.replace("2", str(n), 1), entity=ride(n))])
            s3_server.client().put_object(Bucket=name, Key=key_of(destination, day), Body=body)
    status, output = forks.run(
        *("import_archive", "--source", f"s3://{name}", "--all", "--jobs", 3),
        settings={"ARCHIVE_S3_ENDPOINT_URL": s3_server.url},
    )
    assert status == 0, output
    assert output.startswith("3 destinations, 6 files, by 3 jobs side by side\n")
    assert ImportedFile.objects.filter(outcome="IMPORTED", stored=1).count() == 6
