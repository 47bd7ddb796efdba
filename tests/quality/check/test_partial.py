"""Archive events that are silent about a queue which the events around them have."""

from datetime import UTC, date, datetime, timedelta

from django.core.management import call_command

from quality.check.run import check
from quality.models import DataQualityLog
from tests.quality.check.clean_year import NOW, add_ride
from warehouse.instants import milliseconds_of
from warehouse.models import DataSource, QueueData, RideStatusSnapshot
from warehouse.snapshot_id import snapshot_id_of

OPENING = datetime(2025, 7, 8, 14, tzinfo=UTC)
WHOLE, WINDOW, LINE = {"STANDBY", "RETURN_TIME"}, {"RETURN_TIME"}, {"STANDBY"}


def says(ride, events, *, source=DataSource.ARCHIVE, known=True) -> None:
    """Events every five minutes, each a set of the queues that it speaks of, or a status. Not `known`: rows from before
    it was kept whether they speak of the standby line."""
    for number, queues in enumerate(events):
        at = OPENING + timedelta(minutes=5 * number)
        snapshot_id = snapshot_id_of(ride.pk, milliseconds_of(at))
        is_open = isinstance(queues, set)
        RideStatusSnapshot.objects.create(
            snapshot_id=snapshot_id,
            ride=ride,
            recorded_at=at,
            status="OPERATING" if is_open else queues,
            computed_is_open=is_open,
            data_source=source,
            wait_told="STANDBY" in queues if known else None,
        )
        if "RETURN_TIME" in queues:
            QueueData.objects.create(snapshot_id=snapshot_id, queue_type="RETURN_TIME")


def partial(parks=None) -> list:
    findings = check(parks, None, None, NOW, dry_run=True).findings
    return [finding for finding in findings if finding.reason == "partial_state"]


def test_events_that_leave_out_what_their_neighbours_say_are_told_by_month_and_queue(year):
    ride = add_ride(year.lakeside, "Moving window")
    says(ride, [*[WHOLE, WINDOW, WINDOW, WINDOW, LINE] * 20, WHOLE])
    standby, window = sorted(partial(), key=lambda finding: -finding.count)
    assert (standby.scope, standby.count, standby.park_id) == ("2025-07 STANDBY", 60, year.lakeside.pk)
    assert (window.scope, window.count) == ("2025-07 RETURN_TIME", 20)
    assert standby.examples == [
        {
            "ride_id": ride.pk,
            "name": "Moving window",
            "queue": "STANDBY",
            "from": "2025-07-08 14:05:00",
            "lacking": 60,
            "events": 101,
        }
    ]
    assert "60 of 101 events of operating rides (1) in 2025-07, 59%, are silent about STANDBY" in standby.description


def test_a_check_of_one_park_tells_of_the_standby_line_and_resolves_no_other(year):
    ride = add_ride(year.lakeside, "Moving window")
    says(ride, [*[WHOLE, WINDOW, LINE] * 30, WHOLE])
    check(None, None, None, NOW)
    (of_the_park,) = partial([year.lakeside.pk])
    assert (of_the_park.scope, of_the_park.count) == ("2025-07 STANDBY", 30)
    check([year.lakeside.pk], None, None, NOW)
    rows = DataQualityLog.objects.filter(reason="partial_state")
    assert set(rows.values_list("resolution_status", flat=True)) == {"OPEN"}
    RideStatusSnapshot.objects.filter(ride=ride).delete()
    QueueData.objects.all().delete()
    check(None, None, None, NOW)
    assert set(rows.values_list("resolution_status", flat=True)) == {"RESOLVED"}
    assert rows.count() == 2


def test_whole_states_lines_that_close_and_rides_without_a_line_are_none(year):
    for name, events, how in (
        ("Whole", [WHOLE] * 80, {}),
        ("Without a line", [WINDOW] * 80, {}),
        ("Closes its line", [LINE] * 40 + [WINDOW] * 40, {}),
        ("Opens it again after hours", [*[LINE] * 20, *[WINDOW] * 30, *[LINE] * 20], {}),
        ("Goes down", [LINE, "DOWN", WINDOW, "DOWN"] * 30, {}),
        ("Now and then", [*[LINE] * 30, WINDOW] * 3 + [LINE], {}),
        ("Live", [LINE, WINDOW] * 40, {"source": DataSource.LIVE}),
        ("Not known", [LINE, WINDOW] * 40, {"known": False}),
    ):
        says(add_ride(year.lakeside, name), events, **how)
    assert partial() == []


def test_the_command_writes_it_down(year):
    says(add_ride(year.lakeside, "Moving window"), [*[WHOLE, WINDOW] * 40, WHOLE])
    call_command("check_quality", "--from", "2025-07-01", "--to", "2025-07-31")
    row = DataQualityLog.objects.get(reason="partial_state")
    assert (row.timestamp_start.date(), row.occurrences) == (date(2025, 7, 1), 40)
