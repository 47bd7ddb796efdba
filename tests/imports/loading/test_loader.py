import re
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from imports.events.dayfile import event_from
from imports.events.validation import validate
from imports.loading import loader
from imports.loading.content import content_of, says_the_same
from imports.loading.held import Held
from imports.loading.loader import RowsRefused, load
from tests.imports.building import NOW, event
from tests.plans import plan_of
from warehouse.models import QueueData, RideStatusSnapshot
from warehouse.snapshot_id import instant_of, snapshot_id_of

pytestmark = pytest.mark.django_db
QUEUE = {
    "STANDBY": {"waitTime": 45},
    "SINGLE_RIDER": {"waitTime": None},
    "PAID_RETURN_TIME": {
        "state": "AVAILABLE",
        "returnStart": "2024-12-25T10:00:00-05:00",
        "price": {"amount": 2100, "currency": "USD"},
    },
    "BOARDING_GROUP": {"allocationStatus": "tab\there, back\\slash\nand \\N", "currentGroupStart": 3},
}
SPAN = (datetime(2024, 12, 24, tzinfo=UTC), datetime(2024, 12, 27, tzinfo=UTC))


@pytest.fixture(params=["LOAD DATA", "INSERT"])
def way(request, monkeypatch):
    monkeypatch.setattr(loader, "_local_infile", request.param == "LOAD DATA")
    return request.param


def rows(*events, ride_id=7):
    observations = validate([event_from(raw) for raw in events], NOW).observations
    return {snapshot_id_of(ride_id, row.milliseconds): row for row in observations}


def stored(ride_ids, wanted, span):
    return Held().look(ride_ids, wanted, span)[0]


def test_both_ways_store_every_column_alike(way):
    load(rows(event(queue=QUEUE), event("11:00:00Z", status="DOWN")), "ARCHIVE")
    first, second = RideStatusSnapshot.objects.order_by("recorded_at")
    assert first.recorded_at == datetime(2024, 12, 25, 10, 0, 0, 123000, tzinfo=UTC) == instant_of(first.snapshot_id)
    assert (first.ride_id, first.status, first.wait_time, first.computed_is_open) == (7, "OPERATING", 45, True)
    assert (second.status, second.wait_time, second.computed_is_open, second.data_source) == (
        "DOWN",
        None,
        False,
        "ARCHIVE",
    )
    queues = {queue.queue_type: queue for queue in QueueData.objects.filter(snapshot_id=first.snapshot_id)}
    assert set(queues) == {"SINGLE_RIDER", "PAID_RETURN_TIME", "BOARDING_GROUP"}
    assert str(queues["PAID_RETURN_TIME"].price_amount) == "21.00"
    assert queues["PAID_RETURN_TIME"].return_time_start == datetime(2024, 12, 25, 15, tzinfo=UTC)
    assert queues["BOARDING_GROUP"].boarding_group_status == "tab\there, back\\slash\nand \\N"


def test_what_was_stored_reads_back_as_the_same_content(way):
    wanted = rows(event(queue=QUEUE), event("11:00:00Z"), event("12:00:00Z", status="CLOSED", queue=QUEUE))
    load(wanted, "ARCHIVE")
    assert stored([7], wanted, SPAN) == {snapshot_id: content_of(row) for snapshot_id, row in wanted.items()}


def test_rows_that_do_not_know_whether_the_wait_was_told_agree_with_both():
    silent, told = rows(event()), rows(event(queue={"STANDBY": {"waitTime": None}}))
    load(silent, "ARCHIVE")
    (kept,), (other,) = stored([7], silent, SPAN).values(), map(content_of, told.values())
    assert says_the_same(kept, content_of(*silent.values()))
    assert not says_the_same(kept, other)
    RideStatusSnapshot.objects.update(wait_told=None)  # as of rows from before this was kept
    (old,) = stored([7], silent, SPAN).values()
    assert says_the_same(old, content_of(*silent.values()))
    assert says_the_same(old, other)
    assert not says_the_same(old, content_of(*rows(event(status="DOWN")).values()))
    assert not says_the_same(old, content_of(*rows(event(queue={"STANDBY": {"waitTime": 5}})).values()))
    assert not says_the_same(old, content_of(*rows(event(queue={"SINGLE_RIDER": {"waitTime": 5}})).values()))


def test_an_instant_far_from_the_file_is_looked_up_by_its_key():
    wanted = rows(event("2024-03-01T00:00:00Z"), event())
    load(wanted, "ARCHIVE")
    assert set(stored([7], wanted, SPAN)) == set(wanted)


def test_what_is_stored_of_other_rides_and_instants_is_not_returned():
    load(rows(event(), ride_id=8), "ARCHIVE")
    load(rows(event("11:30:00Z")), "ARCHIVE")
    assert stored([7], rows(event(), event("12:00:00Z")), SPAN) == {}


def test_a_row_that_is_there_already_is_an_error_and_not_a_warning(way):
    load(rows(event()), "ARCHIVE")
    with pytest.raises((RowsRefused, IntegrityError)), transaction.atomic():
        load(rows(event(status="DOWN"), event("11:00:00Z")), "ARCHIVE")
    assert RideStatusSnapshot.objects.get().status == "OPERATING"


def test_a_value_the_server_would_bend_is_an_error():
    bent = rows(event())
    for row in bent.values():
        row.state = "EXPLODED\t99999\t1\t1"
    with pytest.raises(RowsRefused, match="Warnings: 2"), transaction.atomic():
        load(bent, "ARCHIVE")
    assert not RideStatusSnapshot.objects.exists()


def test_rows_that_the_server_leaves_out_are_told_with_what_it_says():
    load(rows(event()), "ARCHIVE")
    with pytest.raises(RowsRefused) as refused, transaction.atomic():
        load(rows(event(status="DOWN"), event("11:00:00Z")), "ARCHIVE")
    (snapshot_id,) = rows(event())
    assert re.fullmatch(
        r"ride_status_snapshots: 2 rows sent, Records: 2  Deleted: 0  Skipped: 1  Warnings: 1 "
        rf"\(Duplicate entry '{snapshot_id}-.*' for key '.*PRIMARY'\)",
        str(refused.value),
    )


def test_no_rows_are_no_work(django_assert_num_queries):
    with django_assert_num_queries(0):
        load({}, "ARCHIVE")


def test_a_server_without_local_infile_gets_inserts(monkeypatch, caplog):
    loader.forget_local_infile()
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "local_infile", 0)
    with caplog.at_level("INFO"):
        assert not loader.local_infile_allowed()
    assert "multi-row INSERT" in caplog.text
    loader.forget_local_infile()


def test_the_range_read_uses_the_index_of_ride_and_instant():
    load(rows(event()), "ARCHIVE")
    (step,) = plan_of(
        "SELECT snapshot_id, status FROM ride_status_snapshots FORCE INDEX (idx_ride_recorded) "
        "WHERE ride_id IN (7, 8) AND recorded_at >= '2024-12-25' AND recorded_at <= '2024-12-26'"
    )
    assert step["key"] == "idx_ride_recorded"
