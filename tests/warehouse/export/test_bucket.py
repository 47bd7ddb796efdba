"""An export into a bucket is what one into a folder is; the manifest and the lock are replaced on condition."""

import json
import os
import signal
import socket
from datetime import UTC, datetime, timedelta

import pytest
from botocore.awsrequest import AWSResponse
from django.core.management import CommandError

from tests.imports import forks
from tests.imports.building import event
from tests.imports.fault_server import Answer, Fault, fault_server
from tests.waiting import HANG_SECONDS
from tests.warehouse.export.planted import MONTHS, export, files, plant, store, written
from warehouse.export import bucket as bucket_module
from warehouse.export import run
from warehouse.export.bucket import open_bucket
from warehouse.export.errors import ExportError
from warehouse.export.target import Outdated

pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (requirements-export.lock)")
pytestmark = pytest.mark.django_db(transaction=True)


class _Body:
    @staticmethod
    def stream(**_):
        yield b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"


DENIED = AWSResponse("https://bucket", 403, {}, _Body())


def keys(client, bucket) -> set[str]:
    return {found["Key"] for found in client.list_objects_v2(Bucket=bucket).get("Contents", ())}


def read(client, bucket, key) -> bytes:
    return client.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_a_bucket_gets_the_files_that_a_folder_gets_and_the_same_life(bucket, tmp_path):
    rides = plant()
    client = bucket("ours")
    to = "s3://ours/some/prefix"
    assert written(export(to)) == MONTHS
    export(tmp_path)
    assert keys(client, "ours") == {
        f"some/prefix/{name}" for name in files(tmp_path) | {"manifest.json", "export.lock"}
    }
    assert all(
        read(client, "ours", f"some/prefix/{name}") == (tmp_path / name).read_bytes() for name in files(tmp_path)
    )
    assert "agree" in export(to, verify=True)

    before = keys(client, "ours")
    (ours,) = (key for key in before if "snapshots/year=2025/month=01" in key)
    store(rides[0], event("2025-01-20T00:00:00Z", status="DOWN"))
    client.put_object(Bucket="ours", Key="some/prefix/queues/part-0123456789abcdef.parquet", Body=b"PAR1")
    client.put_object(Bucket="ours", Key="some/prefix/queues/theirs.parquet", Body=b"PAR1")
    assert written(export(to)) == ["2025-01"]
    assert keys(client, "ours") > before
    run.export(open_bucket(to), grace=timedelta(hours=1), clock=lambda: datetime.now(UTC) + timedelta(hours=2))
    assert ours not in keys(client, "ours")
    assert "some/prefix/queues/part-0123456789abcdef.parquet" not in keys(client, "ours")
    assert "some/prefix/queues/theirs.parquet" in keys(client, "ours")

    (gone,) = (key for key in keys(client, "ours") if "snapshots/year=2025/month=02" in key)
    client.delete_object(Bucket="ours", Key=gone)
    with pytest.raises(CommandError, match="1 difference in s3://ours/some/prefix"):
        export(to, verify=True)


def test_a_large_file_is_sent_in_parts_and_fetched_whole(bucket, tmp_path):
    client = bucket("large")
    target = open_bucket("s3://large")
    part = tmp_path / "part"
    part.write_bytes(os.urandom(9_000_000))
    content = part.read_bytes()
    target.put(part, "snapshots/part-0123456789abcdef.parquet")
    assert client.head_object(Bucket="large", Key="snapshots/part-0123456789abcdef.parquet")["ETag"].endswith('-2"')
    with target.fetch("snapshots/part-0123456789abcdef.parquet") as path:
        assert path.read_bytes() == content
    with target.fetch("snapshots/part-0000000000000000.parquet") as path:
        assert path is None


def test_of_two_that_replace_one_version_one_is_outdated(bucket):
    bucket("conditions")
    one, other = open_bucket("s3://conditions/x"), open_bucket("s3://conditions/x")
    version = one.swap("manifest.json", b"1", None)
    with pytest.raises(Outdated):
        other.swap("manifest.json", b"2", None)
    newer = one.swap("manifest.json", b"3", version)
    with pytest.raises(Outdated):
        other.swap("manifest.json", b"4", version)
    assert one.read("manifest.json") == (b"3", newer)
    assert one.read("export.lock") is None


def test_a_second_export_into_a_bucket_is_refused_and_the_lock_of_a_dead_one_taken_over(bucket):
    plant(rides=1, events_a_month=3)
    client = bucket("locked")
    gone = forks.start("check")
    gone.send_signal(signal.SIGKILL)
    gone.communicate(HANG_SECONDS)
    at = datetime.now(UTC).isoformat()
    for pid, host, refused in ((os.getpid(), os.uname().nodename, True), (gone.pid, os.uname().nodename, False)):
        said = {"host": host, "pid": pid, "id": "x", "since": at, "alive_at": at}
        client.put_object(Bucket="locked", Key="export.lock", Body=json.dumps(said).encode())
        if refused:
            with pytest.raises(CommandError, match="another export is at it"):
                export("s3://locked")
        else:
            assert written(export("s3://locked")) == MONTHS


def test_a_bucket_that_is_not_there_is_one_line(bucket):
    bucket("another")
    with pytest.raises(CommandError, match="s3://nowhere: no such bucket; make it, or look at --to") as caught:
        export("s3://nowhere/x")
    assert "\n" not in str(caught.value)


def test_a_bucket_that_vanishes_on_the_way_is_one_line(bucket):
    plant(rides=1, events_a_month=3)
    client = bucket("vanishing")
    target = open_bucket("s3://vanishing/x")

    def vanish(**_):
        for key in keys(client, "vanishing"):
            client.delete_object(Bucket="vanishing", Key=key)
        client.delete_bucket(Bucket="vanishing")

    before_a_request_for("queues/year", target, vanish)
    with pytest.raises(ExportError, match="s3://vanishing: no such bucket"):
        run.export(target, grace=timedelta())


def test_a_bucket_that_refuses_a_file_keeps_what_was_exported(bucket):
    rides = plant()
    client = bucket("refusing")
    export("s3://refusing")
    before = read(client, "refusing", "manifest.json")
    store(rides[0], event("2025-01-20T00:00:00Z", status="DOWN"))
    target = open_bucket("s3://refusing")
    before_a_request_for("snapshots/year", target, lambda **_: DENIED)
    with pytest.raises(ExportError, match=r"access denied \(403 AccessDenied: Access Denied\)") as caught:
        run.export(target, grace=timedelta())
    assert "secret" not in str(caught.value)
    assert read(client, "refusing", "manifest.json") == before
    assert written(export("s3://refusing")) == ["2025-01"]
    assert "agree" in export("s3://refusing", verify=True)


def before_a_request_for(path, target, act) -> None:
    """`act` is called before the first such PUT is sent; what it returns, if anything, is the answer."""
    done = []

    def before(request, **_):
        if request.method == "PUT" and path in request.url and not done:
            done.append(request.url)
            return act()
        return None

    target._client.meta.events.register("before-send.s3", before)


def test_without_credentials_it_says_what_to_set(bucket, monkeypatch):
    bucket("closed")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(CommandError, match="no AWS credentials found; set AWS_ACCESS_KEY_ID"):
        export("s3://closed")


def test_uploads_that_were_killed_are_ended_by_the_next_export(bucket):
    client = bucket("parts")
    client.create_multipart_upload(Bucket="parts", Key="x/snapshots/year=2025/month=01/part-0123456789abcdef.parquet")
    client.create_multipart_upload(Bucket="parts", Key="x/theirs")
    export("s3://parts/x")
    uploads = client.list_multipart_uploads(Bucket="parts")["Uploads"]
    assert [upload["Key"] for upload in uploads] == ["x/theirs"]


# --- a bucket that does not come to an end ----------------------------------------------------------------------------
@pytest.fixture
def hurried(settings, monkeypatch):
    """The bucket of a server whose answers and files may take a moment and no longer."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(bucket_module, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(bucket_module, "FETCH_SECONDS", 0.3)
    monkeypatch.setattr(bucket_module, "LEAST_BYTES_A_SECOND", 10**9)

    def opened(url: str):
        settings.EXPORT_S3_ENDPOINT_URL = url
        return open_bucket("s3://ours")

    return opened


@pytest.mark.parametrize("kind", ["mute", "head"])
def test_a_file_that_does_not_come_is_given_up(hurried, kind):
    with fault_server(lambda path, headers: Answer(b"x" * 4_000)) as server:
        bucket = hurried(server.url)
        server.faults = [Fault(kind, seconds=0.01, times=99)]
        with pytest.raises(ExportError, match="not complete after"), bucket.fetch("a.parquet"):
            pass


@pytest.mark.parametrize("size", [1_000, 50_000_000], ids=["nobody answers", "nobody reads"])
def test_a_file_that_is_not_taken_is_given_up(hurried, tmp_path, size):
    file = tmp_path / "part.parquet"
    with open(file, "wb") as made:
        made.truncate(size)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        host, port = mute.getsockname()
        with pytest.raises(ExportError, match="not complete after"):
            hurried(f"http://{host}:{port}").put(file, "a.parquet")
    assert file.exists()
