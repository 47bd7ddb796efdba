"""The bucket as a source, over real HTTP: moto's S3 server on loopback, behind a proxy that breaks its answers."""

import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
import stamina

from imports.sources.folder import FolderSource
from imports.sources.opening import open_source
from imports.sources.source import ArchiveError, FileVanished, Why
from tests.imports.fault_server import Answer, Fault
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.no_database
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
OTHER_RESORT = "89db5d43-c434-4097-b71f-f6869f495a22"
BUCKET = "archive.example.org"  # dots, as in the real name: it must be addressed by path
TODAY = date(2025, 1, 4)
DAYS = [date(2024, 12, 30), date(2024, 12, 31), date(2025, 1, 1), date(2025, 1, 3)]


def day_file(day: date, events: int = 30) -> bytes:
    rows = [
        {
            "entityId": f"00000000-0000-4000-8000-{ride:012}",
            "name": f"Ride {ride}",
            "data": {"status": "OPERATING", "queue": {"STANDBY": {"waitTime": ride % 120}}},
            "eventTime": f"{day}T12:{ride % 60:02}:00.000Z",
            "parkId": "75ea578a-adc8-4116-a54d-dccb60765ef9",
        }
        for ride in range(events)
    ]
    return zlib.compress(json.dumps({"events": rows}).encode())


@pytest.fixture(scope="module")
def bucket(s3_server, tmp_path_factory):
    """The bucket and, beside it, the same archive as a folder: (client, folder)."""
    client = s3_server.client()
    s3_server.public_bucket(BUCKET)
    folder = tmp_path_factory.mktemp("archive")
    keys = [f"{RESORT}/{day:%Y/%m/%d}.json.gz" for day in DAYS] + [f"{OTHER_RESORT}/2025/01/01.json.gz"]
    for prefix in ("", "mirror/of/it/"):
        for key in [*keys, "readme.txt", f"{RESORT}/2025/01/02.json.gz.part", f"{RESORT}/2025/13/01.json.gz"]:
            content = day_file(DAYS[0], events=30 + len(key)) if key in keys else b"not a day file"
            client.put_object(Bucket=BUCKET, Key=prefix + key, Body=content)
            (folder / key).parent.mkdir(parents=True, exist_ok=True)
            (folder / key).write_bytes(content)
    return client, folder


@pytest.fixture
def proxy(bucket, s3_proxy):
    return s3_proxy


@pytest.fixture(autouse=True)
def no_pauses():
    """Attempts as in production, without the pauses between them."""
    with stamina.set_testing(True, attempts=6, cap=True):
        yield


def test_a_bucket_gives_what_a_folder_gives(proxy, bucket):
    in_folder = FolderSource(bucket[1])
    in_bucket = open_source(f"s3://{BUCKET}")
    assert in_bucket.list_destinations() == in_folder.list_destinations() == sorted([OTHER_RESORT, RESORT])
    for first, last in [
        (None, None),
        (date(2024, 12, 31), None),
        (None, date(2024, 12, 31)),
        (date(2024, 12, 31), date(2025, 1, 2)),
        (date(2025, 1, 2), date(2025, 1, 2)),
    ]:
        listed, walked = (source.list_days(RESORT, first, last, TODAY) for source in (in_bucket, in_folder))
        assert listed.beside == walked.beside
        found, on_disk = listed.files, walked.files
        assert [(f.key, f.day, f.size_bytes) for f in found] == [(f.key, f.day, f.size_bytes) for f in on_disk]
        assert [in_bucket.read(f) for f in found] == [in_folder.read(f) for f in on_disk]
        assert all(len(f.etag) == 32 for f in found)


@pytest.mark.parametrize("url", [f"s3://{BUCKET}/mirror/of/it", f"s3://{BUCKET}/mirror/of/it/"])
def test_a_prefix_is_a_source_of_its_own(proxy, bucket, url):
    source = open_source(url)
    assert source.url == f"s3://{BUCKET}/mirror/of/it"
    assert source.list_destinations() == sorted([OTHER_RESORT, RESORT])
    (file,) = source.list_days(OTHER_RESORT, None, None, TODAY).files
    assert file.key == f"{OTHER_RESORT}/2025/01/01.json.gz"
    assert source.read(file) == FolderSource(bucket[1]).read(file)


def test_a_destination_that_is_not_there_has_no_days(proxy):
    assert (
        open_source(f"s3://{BUCKET}").list_days("00000000-0000-4000-8000-000000000000", None, None, TODAY).files == []
    )


def test_a_range_lists_the_years_it_touches_and_no_more(proxy):
    source = open_source(f"s3://{BUCKET}")
    source.list_destinations()
    proxy.requests.clear()
    source.list_days(RESORT, date(2025, 1, 3), date(2025, 1, 3), TODAY)
    (path,) = proxy.paths()
    assert "start-after=" in path and f"{RESORT}%2F2025" in path


def test_requests_are_unsigned_by_default_and_signed_when_asked(proxy, settings, monkeypatch):
    open_source(f"s3://{BUCKET}").list_destinations()
    assert "Authorization" not in proxy.requests[-1][2]
    settings.ARCHIVE_S3_UNSIGNED = False
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    source = open_source(f"s3://{BUCKET}")
    file = source.list_days(RESORT, DAYS[0], DAYS[0], TODAY).files[0]
    assert len(source.read(file)) == file.size_bytes
    assert "AWS4-HMAC-SHA256 Credential=key/" in proxy.requests[-1][2]["Authorization"]


def test_signed_without_credentials_says_what_to_set(proxy, settings, monkeypatch, tmp_path):
    settings.ARCHIVE_S3_UNSIGNED = False
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    with pytest.raises(ArchiveError, match="no AWS credentials found; set AWS_ACCESS_KEY_ID"):
        open_source(f"s3://{BUCKET}").list_destinations()


def test_the_user_agent_names_the_project_and_the_contact(proxy, settings):
    settings.USER_AGENT = "themepark-warehouse/1.0 (ops@example.org)"
    open_source(f"s3://{BUCKET}").list_destinations()
    assert "themepark-warehouse/1.0 (ops@example.org)" in proxy.requests[-1][2]["User-Agent"]


SLOW_DOWN = Answer(b"<Error><Code>SlowDown</Code><Message>Reduce your rate</Message></Error>", 503)
FAULTS = {
    "a burst of 503": Fault("status", times=4, answer=SLOW_DOWN),
    "429": Fault("status", answer=Answer(b"", 429)),
    "500": Fault("status", answer=Answer(b"<Error><Code>InternalError</Code></Error>", 500)),
    "a cut body": Fault("cut", times=2),
    "a body that stalls": Fault("stall"),
    "a body that trickles": Fault("trickle", seconds=0.05),
    "a connection that is closed without an answer": Fault("reset", times=2),
}


HURRY = {"stall": "ARCHIVE_S3_STALL_TIMEOUT_SECONDS", "trickle": "ARCHIVE_S3_FILE_TIMEOUT_SECONDS"}


@pytest.mark.parametrize("what", FAULTS)
def test_what_passes_by_itself_is_tried_again(proxy, bucket, settings, caplog, what):
    patient = open_source(f"s3://{BUCKET}")
    file = patient.list_days(RESORT, DAYS[0], DAYS[0], TODAY).files[0]
    fault = FAULTS[what]
    if fault.kind in HURRY:
        setattr(settings, HURRY[fault.kind], 0.5)
    source = open_source(f"s3://{BUCKET}")

    def no_hurry():
        """As soon as the fault is met, time is plenty: the next try cannot fail for want of it."""
        source._client = patient._client
        settings.ARCHIVE_S3_FILE_TIMEOUT_SECONDS = HANG_SECONDS

    proxy.faults = [Fault(fault.kind, r"2024/12/30", fault.times, fault.answer, fault.seconds, no_hurry)]
    assert source.read(file) == FolderSource(bucket[1]).read(file)
    assert proxy.faults[0].times == 0
    failed = [record for record in caplog.records if "2024/12/30.json.gz: " in record.getMessage()]
    # a server too busy to take the request within 0.5 s looks as if it stalled
    assert len(failed) == fault.times or (fault.kind == "stall" and len(failed) > fault.times)
    assert len([path for path in proxy.paths() if "2024/12/30" in path]) == len(failed) + 1


@pytest.mark.parametrize("what", ["a burst of 503", "a cut body", "a connection that is closed without an answer"])
def test_a_listing_is_tried_again_too(proxy, what):
    fault = FAULTS[what]
    proxy.faults = [Fault(fault.kind, "list-type=2", fault.times, fault.answer)]
    assert [file.day for file in open_source(f"s3://{BUCKET}").list_days(RESORT, None, None, TODAY).files] == DAYS
    assert proxy.faults[0].times == 0


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("stall", "[Rr]ead time(d |)out.*given up after 6"),
        ("trickle", r"not complete after 0\.5 s.*ARCHIVE_S3_FILE_TIMEOUT_SECONDS"),
    ],
)
def test_a_download_that_never_gets_through_ends_with_an_error(proxy, kind, message, settings):
    file = open_source(f"s3://{BUCKET}").list_days(RESORT, DAYS[0], DAYS[0], TODAY).files[0]
    setattr(settings, HURRY[kind], 0.5)
    proxy.faults = [Fault(kind, r"2024/12/30", times=99, seconds=0.01)]
    with stamina.set_testing(True, attempts=2, cap=True), pytest.raises(ArchiveError, match=message):
        open_source(f"s3://{BUCKET}").read(file)


def test_nobody_at_the_endpoint_is_said_with_its_address(settings, proxy):
    settings.ARCHIVE_S3_ENDPOINT_URL = "http://127.0.0.1:9"
    with pytest.raises(ArchiveError, match=r"Could not connect.*127\.0\.0\.1:9.*given up after 6 attempts"):
        open_source(f"s3://{BUCKET}").list_destinations()


def test_access_denied_stops_at_once_and_says_how_it_was_asked(proxy, bucket):
    source = open_source(f"s3://{BUCKET}")
    file = source.list_days(RESORT, DAYS[0], DAYS[0], TODAY).files[0]
    proxy.requests.clear()
    denied = Answer(b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>", 403)
    proxy.faults = [Fault("status", answer=denied, times=2)]
    with pytest.raises(ArchiveError, match=r"access denied \(403 AccessDenied.*ARCHIVE_S3_UNSIGNED") as caught:
        source.read(file)
    assert not isinstance(caught.value, FileVanished)
    with pytest.raises(ArchiveError, match="access denied"):
        source.list_destinations()
    assert len(proxy.requests) == 2


def test_a_bucket_that_is_not_public_is_refused_by_the_server_itself(proxy, bucket):
    client, _ = bucket
    client.create_bucket(Bucket="closed", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"})
    client.put_object(Bucket="closed", Key=f"{RESORT}/2025/01/01.json.gz", Body=b"x")
    with pytest.raises(ArchiveError, match=r"closed/e957.*access denied \(403"):
        source = open_source("s3://closed")
        source.read(source.list_days(RESORT, None, None, TODAY).files[0])


def test_a_bucket_that_does_not_exist_stops_at_once(proxy):
    with pytest.raises(ArchiveError, match="s3://nobody-has-this: no such bucket"):
        open_source("s3://nobody-has-this").list_destinations()
    assert len(proxy.requests) == 1


def test_a_bucket_elsewhere_names_the_region_to_set(proxy):
    body = b"<Error><Code>PermanentRedirect</Code><Message>Use the endpoint</Message></Error>"
    proxy.faults = [Fault("status", times=9, answer=Answer(body, 301, {"x-amz-bucket-region": "us-east-1"}))]
    with pytest.raises(ArchiveError, match="ARCHIVE_S3_REGION=us-east-1"):
        open_source(f"s3://{BUCKET}").list_destinations()


def test_an_empty_bucket_or_prefix_is_an_error(proxy):
    with pytest.raises(ArchiveError, match=f"s3://{BUCKET}/nowhere: no destinations in it"):
        open_source(f"s3://{BUCKET}/nowhere").list_destinations()


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "s3://No Such Name!"])
def test_a_url_that_names_no_bucket_is_an_error(proxy, url):
    with pytest.raises(ArchiveError):
        open_source(url).list_destinations()


def test_an_endpoint_that_is_no_url_is_an_error(settings):
    settings.ARCHIVE_S3_ENDPOINT_URL = "localhost"
    with pytest.raises(ArchiveError, match="ARCHIVE_S3_ENDPOINT_URL"):
        open_source(f"s3://{BUCKET}")


def test_a_key_deleted_between_listing_and_reading_has_vanished(proxy, bucket):
    client, _ = bucket
    key = f"{RESORT}/2023/01/01.json.gz"
    client.put_object(Bucket=BUCKET, Key=key, Body=day_file(date(2023, 1, 1)))
    source = open_source(f"s3://{BUCKET}")
    (file,) = source.list_days(RESORT, None, date(2023, 1, 1), TODAY).files
    client.delete_object(Bucket=BUCKET, Key=key)
    proxy.requests.clear()
    with pytest.raises(FileVanished, match="2023/01/01"):
        source.read(file)
    assert len(proxy.requests) == 1


def test_many_threads_may_read_at_once(proxy, bucket):
    source, folder = open_source(f"s3://{BUCKET}"), FolderSource(bucket[1])
    files = source.list_days(RESORT, None, None, TODAY).files * 6
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(source.read, files)) == [folder.read(file) for file in files]


def test_a_cached_file_is_not_downloaded_again(proxy, bucket, settings, tmp_path):
    settings.ARCHIVE_CACHE_DIR = str(tmp_path / "cache")
    source = open_source(f"s3://{BUCKET}/mirror/of/it")
    files = source.list_days(RESORT, None, None, TODAY).files
    first = [source.read(file) for file in files]
    proxy.requests.clear()
    again = open_source(f"s3://{BUCKET}/mirror/of/it")
    assert [again.read(file) for file in files] == first
    assert proxy.requests == []
    assert not list(tmp_path.rglob("*.part"))


def test_the_cache_is_itself_a_source(proxy, settings, tmp_path):
    settings.ARCHIVE_CACHE_DIR = str(tmp_path)
    source = open_source(f"s3://{BUCKET}")
    files = source.list_days(RESORT, None, None, TODAY).files
    content = [source.read(file) for file in files]
    kept = open_source(str(tmp_path))
    assert kept.list_destinations() == [RESORT]
    on_disk = kept.list_days(RESORT, None, None, TODAY).files
    assert [(file.key, file.day) for file in on_disk] == [(file.key, file.day) for file in files]
    assert [kept.read(file) for file in on_disk] == content


@pytest.mark.parametrize("damage", [b"", b"cut"])
def test_a_damaged_or_outdated_cached_file_is_downloaded_again(proxy, bucket, settings, tmp_path, damage):
    settings.ARCHIVE_CACHE_DIR = str(tmp_path)
    client, _ = bucket
    key = f"{RESORT}/2022/06/01.json.gz"
    client.put_object(Bucket=BUCKET, Key=key, Body=b"first version")
    source = open_source(f"s3://{BUCKET}")
    (file,) = source.list_days(RESORT, None, date(2022, 6, 1), TODAY).files
    assert source.read(file) == b"first version"
    if damage:
        (tmp_path / key).write_bytes(damage)
    else:
        client.put_object(Bucket=BUCKET, Key=key, Body=b"other version")  # as long as the first
    (file,) = source.list_days(RESORT, None, date(2022, 6, 1), TODAY).files
    assert source.read(file) == (b"first version" if damage else b"other version")
    client.delete_object(Bucket=BUCKET, Key=key)


def test_a_cache_folder_that_cannot_be_written_is_an_error_at_the_start(settings, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    settings.ARCHIVE_CACHE_DIR = str(tmp_path / "file")
    with pytest.raises(ArchiveError, match=r"ARCHIVE_CACHE_DIR .*file: .*must be writable"):
        open_source(f"s3://{BUCKET}")


def test_a_cache_that_breaks_on_the_way_costs_a_warning_not_the_download(proxy, settings, tmp_path, caplog):
    settings.ARCHIVE_CACHE_DIR = str(tmp_path)
    source = open_source(f"s3://{BUCKET}")
    file = source.list_days(RESORT, DAYS[0], DAYS[0], TODAY).files[0]
    (tmp_path / RESORT).write_text("a file where the folder should be")
    assert len(source.read(file)) == file.size_bytes
    assert "is not kept in ARCHIVE_CACHE_DIR" in caplog.text


def test_a_destination_in_upper_case_and_in_both_is_one_and_a_cache_filled_from_it_is_a_source(
    s3_server, proxy, settings, tmp_path
):
    settings.ARCHIVE_CACHE_DIR = str(tmp_path)
    s3_server.public_bucket("spelled")
    for key in (f"{RESORT.upper()}/2025/01/01", f"{RESORT}/2025/01/02", f"{OTHER_RESORT.upper()}/2025/01/03"):
        s3_server.client().put_object(Bucket="spelled", Key=f"{key}.json.gz", Body=key.encode())
    source = open_source("s3://spelled")
    assert source.list_destinations() == sorted([RESORT, OTHER_RESORT])
    for destination in (RESORT, OTHER_RESORT):
        files = source.list_days(destination, None, None, TODAY).files
        content = [source.read(file) for file in files]
        assert content == [file.place.removesuffix(".json.gz").encode() for file in files]
        kept = FolderSource(tmp_path)
        on_disk = kept.list_days(destination, None, None, TODAY).files
        assert [file.key for file in on_disk] == [file.key for file in files]
        assert [kept.read(file) for file in on_disk] == content
    assert kept.list_destinations() == source.list_destinations()


def test_what_lies_beside_the_layout_of_a_bucket_is_told_and_what_shows_folders_is_not(s3_server, proxy):
    s3_server.public_bucket("beside")
    for key in ("2025/01/", "2025/1/2.json.gz", "2025/01/04.json.zst", "2025/01/03.json.gz", "0001/01/01.json.gz"):
        s3_server.client().put_object(Bucket="beside", Key=f"{RESORT}/{key}", Body=b"")
    found = open_source("s3://beside").list_days(RESORT, None, None, TODAY)
    assert [file.day.day for file in found.files] == [3]
    assert found.beside.counts == {Why.NAME: 2, Why.EARLY: 1}
