"""An export holds what the server holds, month by month, and writes anew what has changed and nothing else."""

import errno
import json
import os
import re
import resource
import signal
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.conf import settings
from django.core.management import CommandError
from django.db import connection

from imports.loading import loader
from tests.cutting_proxy import cutting_proxy
from tests.imports import forks
from tests.imports.building import event
from tests.waiting import HANG_SECONDS, until
from tests.warehouse.export.planted import (
    FEBRUARY,
    MONTHS,
    export,
    files,
    manifest,
    named,
    of_server,
    plant,
    store,
    withdraw,
    written,
)
from warehouse.export import run
from warehouse.export.folder import Folder
from warehouse.models import EntityMetadata, Park, ParkMonth, QueueData, RideDay, RideStatusSnapshot, StaleDay
from warehouse.server import away

pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (requirements-export.lock)")
pytestmark = pytest.mark.django_db(transaction=True)
LATE = {"status": "DOWN", "queue": None}
SNAPSHOT = "snapshot_id, ride_id, recorded_at, status, wait_time, computed_is_open, data_source, wait_told"
QUEUE = (
    "snapshot_id, queue_type, wait_time_minutes, return_time_state, return_time_start, return_time_end, price_amount, "
    "price_currency, boarding_group_status, boarding_group_current"
)


@pytest.fixture
def rides():
    return plant()


def table(folder, dataset):
    """Of all files of the manifest, in the order of months."""
    import pyarrow as pa

    return pa.concat_tables(pq.ParquetFile(folder / path).read() for path in sorted(named(folder, dataset)))


def ride_day(ride_id, day=date(2025, 2, 3), **changes):
    return RideDay.objects.create(
        park=Park.objects.get(), day=day, ride_id=ride_id, told_by="ARCHIVE", rules_version=1, carried=7,
        computed_at=datetime(2025, 3, 1, 12, 0, 0, 654_321, tzinfo=UTC), **changes,
    )  # fmt: skip


# --- what the files hold ------------------------------------------------------------------------------------------
def test_every_value_of_snapshots_and_queues_is_in_the_files_in_types_of_its_own(rides, tmp_path):
    RideStatusSnapshot.objects.filter(status="DOWN").update(wait_told=None)
    said = export(tmp_path)
    assert written(said) == MONTHS
    assert "3 months written, 0 unchanged; 8 files" in said

    snapshots, queues = table(tmp_path, "snapshots"), table(tmp_path, "queues")
    assert {field.name: str(field.type) for field in snapshots.schema} == {
        "snapshot_id": "int64",
        "ride_id": "int32",
        "recorded_at": "timestamp[ms, tz=UTC]",
        "status": "dictionary<values=string, indices=int8, ordered=0>",
        "wait_time": "int16",
        "computed_is_open": "bool",
        "data_source": "dictionary<values=string, indices=int8, ordered=0>",
        "wait_told": "bool",
    }
    assert snapshots.num_rows == 540
    assert [tuple(_plain(value) for value in row.values()) for row in snapshots.to_pylist()] == of_server(
        f"SELECT {SNAPSHOT} FROM ride_status_snapshots ORDER BY snapshot_id"
    )
    assert {str(queues.schema.field(name).type) for name in ("price_amount",)} == {"decimal128(10, 2)"}
    assert sorted(
        (tuple(_plain(row[name]) for name in QUEUE.split(", ")) for row in queues.to_pylist()), key=str
    ) == sorted(of_server(f"SELECT {QUEUE} FROM queue_data"), key=str)
    assert Decimal("21.50") in queues["price_amount"].to_pylist()
    assert {row["ride_id"] for row in queues.to_pylist()} == set(rides)
    at = dict(zip(snapshots["snapshot_id"].to_pylist(), snapshots["recorded_at"].to_pylist(), strict=True))
    assert all(at[row["snapshot_id"]] == row["recorded_at"] for row in queues.to_pylist())


def _plain(value):
    return value.replace(tzinfo=None) if isinstance(value, datetime) else value


def test_the_manifest_says_of_each_file_what_the_server_says(rides, tmp_path):
    export(tmp_path)
    found = manifest(tmp_path)
    assert files(tmp_path) == named(tmp_path)
    february = {part["dataset"]: part for part in found["files"] if part["month"] == "2025-02"}
    ((rows, xor, waits, opened),) = of_server(
        "SELECT COUNT(*), BIT_XOR(snapshot_id), SUM(wait_time), SUM(computed_is_open) FROM ride_status_snapshots "
        "WHERE recorded_at >= '2025-02-01' AND recorded_at < '2025-03-01'"
    )
    assert (february["snapshots"]["rows"], february["snapshots"]["xor"]) == (rows, xor)
    assert february["snapshots"]["sums"] | {"wait_told": 0} == {
        "wait_time": waits,
        "computed_is_open": opened,
        "wait_told": 0,
    }
    assert re.fullmatch(r"snapshots/year=2025/month=02/part-[0-9a-f]{16}\.parquet", february["snapshots"]["path"])
    month = next(month for month in found["months"] if month["month"] == "2025-02")
    park = Park.objects.get()
    assert month["park_tokens"] == {str(park.pk): ParkMonth.objects.get(month=FEBRUARY).token}
    assert set(found) == {"format", "schema_version", "exported_at", "files", "months", "replaced"}
    text = (tmp_path / "manifest.json").read_text()
    assert settings.SECRET_KEY not in text
    assert settings.DATABASES["default"]["NAME"] not in text


def test_days_of_rides_stand_as_they_are_with_those_that_are_stale(rides, tmp_path):
    ride_day(rides[0], operating_minutes=700, hours=b"\x09\x3c\x00\x05", price_min=Decimal("9.90"))
    ride_day(rides[1], first_operating_at=datetime(2025, 2, 3, 14, 30, tzinfo=UTC))
    ride_day(rides[0], date(2025, 2, 27))
    StaleDay.objects.exclude(day=date(2025, 2, 3)).delete()
    export(tmp_path)
    found = table(tmp_path, "ride_days").to_pylist()
    assert [(row["day"].day, row["ride_id"], row["is_stale"]) for row in found] == [
        (3, rides[0], True),
        (3, rides[1], True),
        (27, rides[0], False),
    ]
    assert (found[0]["operating_minutes"], found[0]["hours"], found[0]["price_min"]) == (
        700,
        b"\x09\x3c\x00\x05",
        Decimal("9.90"),
    )
    assert found[1]["first_operating_at"] == datetime(2025, 2, 3, 14, 30, tzinfo=UTC)
    assert found[0]["computed_at"] == datetime(2025, 3, 1, 12, 0, 0, 654_000, tzinfo=UTC)
    assert manifest(tmp_path)["months"][1]["ride_days"][0::3] == [3, 2]  # rows, and those of stale days


def test_parks_rides_and_metadata_come_whole(rides, tmp_path):
    EntityMetadata.objects.create(
        ride_id=rides[0], themeparks_wiki_id="m" * 36, latitude=Decimal("-33.1234567"), entity_type="ATTRACTION",
        tags=["wet"], last_updated=datetime(2025, 1, 1, tzinfo=UTC), indoor_outdoor="HYBRID",
    )  # fmt: skip
    export(tmp_path)
    assert table(tmp_path, "parks")["park_name"].to_pylist() == ["Parc d'été"]
    assert table(tmp_path, "rides")["ride_id"].to_pylist() == rides
    (row,) = table(tmp_path, "entity_metadata").to_pylist()
    assert (row["latitude"], row["indoor_outdoor"], json.loads(row["tags"])) == (
        Decimal("-33.1234567"),
        "HYBRID",
        ["wet"],
    )
    before = files(tmp_path)
    Park.objects.update(park_name="A new name")
    export(tmp_path, grace_hours=0)
    assert {path.split("/")[0] for path in files(tmp_path) ^ before} == {"parks"}


def test_duckdb_reads_the_files_of_the_manifest_and_counts_and_adds_up_what_the_server_does(rides, tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="duckdb is not installed (requirements-dev.lock)")
    export(tmp_path)
    store(rides[0], event("2025-01-20T00:00:00Z", **LATE))
    export(tmp_path)  # the January of before is there still: it is in its grace
    session = duckdb.connect()
    session.execute(
        "SET VARIABLE snapshots = (SELECT list(? || file.path) FROM (SELECT unnest(files) AS file FROM read_json(?)) "
        "WHERE file.dataset = 'snapshots')",
        [f"{tmp_path}/", str(tmp_path / "manifest.json")],
    )
    found = session.execute(
        "SELECT year, month, status, count(*), sum(wait_time), bit_xor(snapshot_id), max(recorded_at)::VARCHAR "
        "FROM read_parquet(getvariable('snapshots'), hive_partitioning = true) GROUP BY ALL ORDER BY 1, 2, 3"
    ).fetchall()
    ours = of_server(
        "SELECT YEAR(recorded_at), MONTH(recorded_at), CAST(status AS CHAR), COUNT(*), SUM(wait_time), "
        "BIT_XOR(snapshot_id) FROM ride_status_snapshots GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    assert [(int(row[0]), int(row[1]), *row[2:6]) for row in found] == ours


# --- what has changed -----------------------------------------------------------------------------------------------
def test_an_event_that_is_months_older_than_its_file_makes_its_month_anew_and_no_other(rides, tmp_path):
    export(tmp_path)
    before, was = files(tmp_path), named(tmp_path, "snapshots")
    assert "0 months written, 3 unchanged" in export(tmp_path)
    assert files(tmp_path) == before
    store(rides[0], event("2025-01-20T00:00:00Z", **LATE))
    said = export(tmp_path)
    assert written(said) == ["2025-01"]
    assert "2025-01: 181 snapshots" in said
    assert [path.split("/")[2] for path in named(tmp_path, "snapshots") ^ was] == ["month=01"] * 2
    assert files(tmp_path) > before - named(tmp_path) != set()  # whoever reads the old one may go on


@pytest.mark.parametrize("how", ["withdrawn", "completed"])
def test_a_row_that_went_or_was_completed_makes_its_month_anew(rides, tmp_path, how):
    export(tmp_path)
    row = QueueData.objects.filter(queue_type="PAID_RETURN_TIME").order_by("snapshot_id").last()
    if how == "withdrawn":
        withdraw(row.snapshot_id)
    else:
        loader.complete({(row.snapshot_id, row.queue_type): "2025-03-05 16:00:00.000"})
    assert written(export(tmp_path)) == ["2025-03"]
    assert written(export(tmp_path)) == []
    assert "agree" in export(tmp_path, verify=True)


def test_a_month_that_holds_nothing_any_more_has_no_file(rides, tmp_path):
    export(tmp_path)
    withdraw(*RideStatusSnapshot.objects.filter(recorded_at__lt="2025-02-01T00:00Z").values_list("pk", flat=True))
    export(tmp_path, grace_hours=0)
    assert not {path for path in files(tmp_path) if "month=01" in path}
    assert not (tmp_path / "snapshots/year=2025/month=01").exists()
    assert written(export(tmp_path)) == []
    assert "agree" in export(tmp_path, verify=True)


def test_days_that_are_summed_up_anew_are_exported_without_the_rows_they_are_of(rides, tmp_path):
    ride_day(rides[0])
    export(tmp_path)
    before = files(tmp_path)
    RideDay.objects.update(down_minutes=5, computed_at=datetime(2025, 3, 2, tzinfo=UTC))
    assert "2025-02: 1 ride days" in export(tmp_path)
    StaleDay.objects.filter(day=date(2025, 2, 3)).delete()
    assert "2025-02: 1 ride days" in export(tmp_path)
    assert {path.split("/")[0] for path in files(tmp_path) ^ before} == {"ride_days"}
    assert not table(tmp_path, "ride_days")["is_stale"][0].as_py()


def test_a_file_that_was_removed_is_written_again(rides, tmp_path):
    export(tmp_path)
    before = files(tmp_path)
    for path in before:
        if "queues/year=2025/month=02" in path or path.startswith("parks/"):
            (tmp_path / path).unlink()
    assert written(export(tmp_path)) == ["2025-02"]
    assert files(tmp_path) == before
    assert "agree" in export(tmp_path, verify=True)


def test_months_can_be_chosen(rides, tmp_path):
    assert written(export(tmp_path, first=FEBRUARY, last=FEBRUARY)) == ["2025-02"]
    assert written(export(tmp_path, first=FEBRUARY)) == ["2025-03"]
    assert written(export(tmp_path)) == ["2025-01"]


def test_files_of_another_schema_are_written_anew(rides, tmp_path, monkeypatch):
    export(tmp_path)
    monkeypatch.setattr(run, "SCHEMA_VERSION", 2)
    assert written(export(tmp_path)) == MONTHS


def test_a_replaced_file_goes_when_its_grace_is_over(rides, tmp_path):
    (january,) = (path for path in _exported(tmp_path) if "snapshots" in path and "month=01" in path)
    store(rides[0], event("2025-01-20T00:00:00Z", **LATE))
    target, now = Folder(str(tmp_path)), datetime.now(UTC)
    run.export(target, grace=timedelta(hours=1))
    assert [each["path"] for each in manifest(tmp_path)["replaced"]] == [january]
    run.export(target, grace=timedelta(hours=1), clock=lambda: now + timedelta(minutes=59))
    assert january in files(tmp_path)
    run.export(target, grace=timedelta(hours=1), clock=lambda: now + timedelta(minutes=62))
    assert january not in files(tmp_path)
    assert manifest(tmp_path)["replaced"] == []


def _exported(folder) -> set[str]:
    export(folder)
    return files(folder)


def test_what_is_read_of_a_month_is_of_one_instant(rides, tmp_path, monkeypatch):
    """Rows that come while a month is read are in none of its files, and make it stale."""
    from warehouse.export.reading import ConsistentRead

    ask = ConsistentRead.ride_days

    def meanwhile(self, month):
        if month == FEBRUARY:
            monkeypatch.undo()
            store(rides[0], event("2025-02-20T00:00:00Z", status="OPERATING", queue={"SINGLE_RIDER": {"waitTime": 1}}))
        return ask(self, month)

    monkeypatch.setattr(ConsistentRead, "ride_days", meanwhile)
    assert "2025-02: 180 snapshots, 180 queues" in export(tmp_path)
    said = export(tmp_path)
    assert "2025-02: 181 snapshots, 181 queues" in said
    assert written(said) == ["2025-02"]


# --- stopped, killed, at once ---------------------------------------------------------------------------------------
@pytest.fixture
def held(another_session):
    """held() keeps exports from reading queues, behind a month's snapshots; held().commit() lets them go on."""

    def hold():
        session = another_session()
        session.query("LOCK TABLES queue_data WRITE")
        return session

    return hold


def test_a_killed_export_names_no_half_file_and_the_next_one_goes_on(rides, tmp_path, held):
    assert written(export(tmp_path, last=date(2025, 1, 1))) == ["2025-01"]
    whole = files(tmp_path)
    session = held()
    killed = forks.start("export_history", "--to", tmp_path)
    half = tmp_path / ".unfinished/snapshots.parquet"
    until(lambda: half.exists() and half.stat().st_size)
    refused = forks.run("export_history", "--to", tmp_path)
    assert refused[0] == 1
    assert re.fullmatch(rf".*another export is at it \(process {killed.pid} on .*\n", refused[1])
    killed.send_signal(signal.SIGKILL)
    killed.communicate(HANG_SECONDS)
    assert killed.returncode == -signal.SIGKILL
    session.query("UNLOCK TABLES")
    assert named(tmp_path) == whole
    # renamed, and killed before the manifest named it
    lost = tmp_path / "queues/year=2025/month=02/part-0123456789abcdef.parquet"
    lost.parent.mkdir(parents=True)
    lost.write_bytes(b"PAR1")
    theirs = tmp_path / "queues/notes.parquet"
    theirs.write_bytes(b"not ours")
    assert written(export(tmp_path)) == ["2025-02", "2025-03"]
    assert not half.parent.exists()
    assert files(tmp_path) == named(tmp_path) | {"queues/notes.parquet"}
    theirs.unlink()
    assert "agree" in export(tmp_path, verify=True)


def test_ctrl_c_ends_an_export_and_the_same_command_goes_on(rides, tmp_path, held):
    export(tmp_path, last=date(2025, 1, 1))
    session = held()
    stopped = forks.start("export_history", "--to", tmp_path)
    half = tmp_path / ".unfinished/snapshots.parquet"
    until(lambda: half.exists() and half.stat().st_size)
    stopped.send_signal(signal.SIGINT)
    session.query("UNLOCK TABLES")
    output, _ = stopped.communicate(HANG_SECONDS)
    assert stopped.returncode == 3, output
    assert output.splitlines()[-1] == (
        "CommandError: Stopped; what was exported stays valid, and the same command goes on"
    )
    assert written(export(tmp_path))[-1] == "2025-03"
    assert "agree" in export(tmp_path, verify=True)


def test_a_lock_of_another_host_holds_for_ten_minutes(rides, tmp_path):
    def lock(minutes: int) -> None:
        at = (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat()
        said = {"host": "elsewhere", "pid": os.getpid(), "id": "x", "since": at, "alive_at": at}
        (tmp_path / "export.lock").write_text(json.dumps(said))

    lock(9)
    with pytest.raises(CommandError, match=r"process \d+ on elsewhere, since .*, last sign of life 9 min ago"):
        export(tmp_path)
    lock(11)
    assert written(export(tmp_path)) == MONTHS


def test_whoever_lost_its_lock_cannot_name_a_file(rides, tmp_path):
    export(tmp_path)
    store(rides[0], event("2025-01-20T00:00:00Z", **LATE))
    target = Folder(str(tmp_path))
    swap = target.swap

    def overtaken(name, content, version):
        if name == "manifest.json":
            other = tmp_path / name
            other.write_bytes(other.read_bytes() + b"\n")
        return swap(name, content, version)

    target.swap = overtaken
    with pytest.raises(run.ExportError, match="another export has written it meanwhile"):
        run.export(target, grace=timedelta())
    assert "agree" in export(tmp_path) + export(tmp_path, verify=True)


# --- what stands in the way -----------------------------------------------------------------------------------------
def test_a_disk_that_is_full_is_one_line_and_what_was_exported_stays(rides, tmp_path):
    export(tmp_path)
    before = manifest(tmp_path)
    store(rides[0], event("2025-01-20T00:00:00Z", **LATE))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2048, limits[1]))  # EFBIG, by the system itself
    try:
        with pytest.raises(CommandError, match=f"{os.strerror(errno.EFBIG)}. Make room and call again") as caught:
            export(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert "\n" not in str(caught.value)
    assert manifest(tmp_path) == before
    assert written(export(tmp_path)) == ["2025-01"]
    assert "agree" in export(tmp_path, verify=True)


@pytest.mark.parametrize(
    ("to", "says"),
    [
        ("/proc/nowhere", r"/proc/nowhere: No such file or directory. Give a folder that can be written"),
        ("/dev/null/x", r"/dev/null/x/export.lock: Not a directory. Give a folder that can be written"),
        ("ftp://host/x", r"ftp://host/x: give a folder, or s3://bucket/prefix"),
        ("s3:/bucket", r"s3:/bucket: give a folder, or s3://bucket/prefix"),
        ("s3://user:secret@host/x", r"^not a bucket"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_line(to, says):
    with pytest.raises(CommandError, match=says) as caught:
        export(to)
    assert caught.value.returncode == 1
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "another"}', "{}"])
def test_a_manifest_that_cannot_be_understood_is_left_alone(rides, tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(CommandError, match=r"manifest.json is damaged, or none of ours. Move it away"):
        export(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == content
    assert not files(tmp_path)


def test_a_manifest_names_no_file_outside(rides, tmp_path):
    export(tmp_path)
    outside = tmp_path / "precious.parquet"
    outside.write_bytes(b"")
    found = manifest(tmp_path)
    found["replaced"] = [{"path": "snapshots/../precious.parquet", "since": "2020-01-01T00:00:00Z"}]
    (tmp_path / "manifest.json").write_text(json.dumps(found))
    with pytest.raises(CommandError, match="damaged"):
        export(tmp_path)
    assert outside.exists()


def test_without_pyarrow_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(CommandError, match=r"pip install --no-deps --require-hashes -r requirements-export.lock"):
        export(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_was_asked_wrongly_ends_with_2(tmp_path):
    for options in ({"to": ""}, {"first": date(2025, 2, 1), "last": date(2025, 1, 1)}, {"grace_hours": -1.0}):
        with pytest.raises(CommandError) as caught:
            export(**{"to": tmp_path, **options})
        assert caught.value.returncode == 2
    assert list(tmp_path.iterdir()) == []


# --- a worker's share -----------------------------------------------------------------------------------------------
def test_a_run_ends_in_time_and_says_where_the_next_begins(rides, tmp_path):
    target = Folder(str(tmp_path))
    done = run.export(target, grace=timedelta(), stop_after_seconds=-1)
    assert (done.written, done.next_month) == ([], date(2025, 1, 1))
    with pytest.raises(run.ExportError, match=r"2025-01 takes longer than a worker has. .* manage.py export_history"):
        run.export(target, grace=timedelta(), give_up_after_seconds=-1)
    assert manifest(tmp_path)["months"] == []
    assert run.export(target, grace=timedelta()).next_month is None


# --- a server that goes away ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_connection_that_is_lost_at_any_packet_changes_nothing_of_what_is_exported(rides, tmp_path, moment):
    with cutting_proxy(connection) as proxy, proxy.between(connection), away.patience(first_pause=0.001):
        export(tmp_path / "undisturbed")
        packets = len(proxy.packets)
        for n in range(1, packets + 1, 13):
            cut = proxy.cut(moment, n)
            assert written(export(tmp_path / str(n))) == MONTHS
            assert cut.packet is not None
    undisturbed = [(part["path"], part["sha256"]) for part in manifest(tmp_path / "undisturbed")["files"]]
    for n in range(1, packets + 1, 13):
        assert [(part["path"], part["sha256"]) for part in manifest(tmp_path / str(n))["files"]] == undisturbed
