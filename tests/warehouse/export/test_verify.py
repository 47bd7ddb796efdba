"""--verify finds what differs between server, manifest and files, whichever of them was altered."""

import json
from datetime import date
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from tests.imports.building import event
from tests.warehouse.export.planted import FEBRUARY, export, manifest, named, plant, store
from warehouse.models import Park, QueueData, RideStatusSnapshot

pa = pytest.importorskip("pyarrow", reason="pyarrow is not installed (requirements-export.lock)")
pq = pytest.importorskip("pyarrow.parquet", reason="pyarrow is not installed (requirements-export.lock)")
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def exported(tmp_path):
    plant()
    export(tmp_path)
    assert export(tmp_path, verify=True) == f"Server, manifest and files agree: {tmp_path}\n"
    return tmp_path


def differences(folder, **options) -> list[str]:
    """What is said before the error that ends it."""
    out = StringIO()
    with pytest.raises(CommandError, match="difference") as caught:
        call_command("export_history", to=str(folder), verify=True, stdout=out, **options)
    assert caught.value.returncode == 1
    return out.getvalue().splitlines()


def february(folder, dataset="snapshots"):
    (path,) = (path for path in named(folder, dataset) if "month=02" in path)
    return folder / path


def test_a_file_that_is_gone(exported):
    february(exported).unlink()
    (said,) = differences(exported)
    assert said.startswith("snapshots 2025-02: the file is gone (snapshots/year=2025/month=02/part-")


def test_a_file_that_was_cut_short_or_is_none(exported):
    path = february(exported)
    content = path.read_bytes()
    for damaged in (content[:-100], b"", content[:200] + bytes(200) + content[400:]):
        path.write_bytes(damaged)
        (said,) = differences(exported)
        assert said.startswith("snapshots 2025-02: ")
    path.write_bytes(content)
    assert "agree" in export(exported, verify=True)


def test_a_file_that_was_written_anew_with_other_values(exported):
    path = february(exported)
    before = pq.ParquetFile(path).read()
    waits = before["wait_time"].to_pylist()
    k, n = 0, next(n for n, wait in enumerate(waits) if wait != waits[0])
    for swapped, says in (
        ([waits[0] + 1, *waits[1:]], "wait_time adds up to"),
        (waits[n : n + 1] + waits[1:n] + waits[k : k + 1] + waits[n + 1 :], "differ in a value of some row"),
    ):
        column = before.schema.get_field_index("wait_time")
        pq.write_table(before.set_column(column, before.schema.field(column), pa.array(swapped, pa.int16())), path)
        (said,) = differences(exported)
        assert said.startswith("snapshots 2025-02: ")
        assert says in said
    pq.write_table(before.slice(1), path)
    assert "the file has 179 rows, the manifest 180" in differences(exported)[0]
    pq.write_table(before.drop_columns(["wait_told"]), path)
    assert "its columns are others" in differences(exported)[0]
    pq.write_table(before, path)
    assert "the file was altered, its values were not" in differences(exported)[0]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        (
            "DELETE FROM ride_status_snapshots WHERE recorded_at >= '2025-02-01' LIMIT 1",
            "the server has 179 rows, the manifest 180",
        ),
        (
            "UPDATE ride_status_snapshots SET wait_time = 46 WHERE recorded_at >= '2025-02-01' "
            "AND wait_time = 45 LIMIT 1",
            "wait_time adds up to 2701 in the server",
        ),
        (
            "UPDATE ride_status_snapshots SET status = 'REFURBISHMENT' WHERE recorded_at >= '2025-02-01' "
            "AND status = 'CLOSED' LIMIT 1",
            "the server and the manifest differ in a value of some row",
        ),
        (
            "UPDATE ride_status_snapshots SET ride_id = 77 WHERE recorded_at >= '2025-02-01' LIMIT 1",
            "the server and the manifest differ in a value of some row",
        ),
    ],
)
def test_a_row_that_somebody_altered_on_the_server_past_us(exported, sql, says):
    with connection.cursor() as cursor:
        cursor.execute(sql)
    (said,) = differences(exported)
    assert said.startswith("snapshots 2025-02: ")
    assert says in said


def test_a_queue_row_that_somebody_altered_on_the_server_past_us(exported):
    row = QueueData.objects.filter(queue_type="BOARDING_GROUP").order_by("snapshot_id").first()
    QueueData.objects.filter(pk=row.pk).update(boarding_group_status="another")
    assert differences(exported) == ["queues 2025-01: the server and the manifest differ in a value of some row"]
    QueueData.objects.filter(pk=row.pk).update(
        queue_type="PAID_STANDBY", boarding_group_status=row.boarding_group_status
    )
    assert differences(exported) == [
        "queues 2025-01: the server has other rows than the manifest, as many (XOR of the ids)"
    ]


def test_a_manifest_that_was_edited(exported):
    found = manifest(exported)
    for change, says in (
        ({"rows": 181}, "the file has 180 rows, the manifest 181"),
        ({"check": 1}, "the file and the manifest differ"),
        ({"sums": {"wait_time": 1}}, "adds up to"),
        ({"sha256": "0" * 64}, "the file was altered"),
        ({"path": "snapshots/year=2025/month=02/part-0000000000000000.parquet"}, "the file is gone"),
    ):
        edited = [
            part | (change if part["dataset"] == "snapshots" and part["month"] == "2025-02" else {})
            for part in found["files"]
        ]
        (exported / "manifest.json").write_text(json.dumps(found | {"files": edited}))
        assert says in differences(exported)[0]
    without = [part for part in found["files"] if part["month"] != "2025-02"]
    (exported / "manifest.json").write_text(json.dumps(found | {"files": without}))
    assert {line.split(":")[0] for line in differences(exported)} == {"snapshots 2025-02", "queues 2025-02"}


def test_a_server_that_has_gone_on_is_told_by_month_and_months_can_be_chosen(exported):
    (ride_id,) = RideStatusSnapshot.objects.values_list("ride_id", flat=True)[:1]
    store(ride_id, event("2025-03-30T00:00:00Z"), event("2025-04-01T00:00:00Z"))
    said = differences(exported)
    assert [line.split(": ")[0] for line in said] == ["snapshots 2025-03", "queues 2025-03", "2025-04"]
    assert "the server has changed since" in said[0]
    assert "export again" in said[0]
    assert "agree" in export(exported, verify=True, last=FEBRUARY)
    Park.objects.update(timezone="Europe/Paris")
    assert differences(exported, first=date(2025, 2, 1), last=FEBRUARY) == [
        "parks: the server and the manifest differ in a value of some row"
    ]


def test_where_there_is_no_export_it_says_so(tmp_path):
    with pytest.raises(CommandError, match="there is no export"):
        export(tmp_path, verify=True)
