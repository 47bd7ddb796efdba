"""A check as a whole: what it reads, what a second one changes, and what becomes of records whose matter is gone."""

import resource
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from quality.check.run import check
from quality.models import DataQualityLog, DataQualityMove, ResolutionStatus
from quality.tasks import check_imported, daily_check
from tests.quality.check.clean_year import NOW, add_ride, milliseconds, observe, read
from tests.quality.check.test_gaps import forget, utc
from tests.quality.triage import bring
from warehouse.models import EntityMetadata, Park, QueueData, QueueType, Ride


def plant_defects(year) -> None:
    """One of most kinds."""
    forget(utc(7, 8, 8), utc(7, 18, 8), ride_name="Comet")
    forget(utc(7, 22, 15), utc(7, 22, 20), park=year.lakeside)
    year.bergwelt.files.filter(file_date=date(2025, 6, 6)).delete()
    observe([(99_999, milliseconds(datetime(2025, 7, 8, tzinfo=UTC)), "CLOSED", None)])
    QueueData.objects.create(snapshot_id=4711, queue_type=QueueType.SINGLE_RIDER)
    add_ride(year.bergwelt, "Eagle")
    EntityMetadata.objects.filter(ride=year.ride("Raft")).update(latitude=91)
    EntityMetadata.objects.filter(ride=year.ride("Comet")).delete()
    Park.objects.filter(pk=year.lakeside.pk).update(destination_wiki_id=None)


PLANTED = {
    "silent_ride",
    "silent_hours",
    "missing_days",
    "orphan_snapshots",
    "orphan_queue_rows",
    "duplicate_name",
    "coordinates_out_of_range",
    "missing_metadata",
    "missing_destination",
}


def contents() -> list[dict]:
    rows = DataQualityLog.objects.order_by("pk").values()
    without_last_seen = [{k: v for k, v in row.items() if k != "last_seen_at"} for row in rows]
    return without_last_seen + list(DataQualityMove.objects.values())


def rows_read() -> int:
    """Rows that this session took from any index so far."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%%'", [])
        return sum(int(value) for name, value in cursor.fetchall() if name != "Handler_read_key")


def test_a_second_check_changes_nothing_but_when_a_finding_was_last_seen(year):
    plant_defects(year)
    first = check(None, None, None, NOW)
    assert {finding.reason for finding in first.findings} == PLANTED
    assert first.recorded.new == len(PLANTED)
    before, later = contents(), NOW + timedelta(hours=1)
    second = check(None, None, None, later)
    assert (second.recorded.new, second.recorded.seen_again, second.resolved) == (0, len(PLANTED), [])
    assert contents() == before
    assert set(DataQualityLog.objects.values_list("last_seen_at", flat=True)) == {later}


def test_each_observation_is_read_once(year):
    plant_defects(year)
    queue_rows = QueueData.objects.count()
    before = rows_read()
    checked = check(None, None, None, NOW)
    # beside the observations and the queue rows: the ledger (730 days, by each who asks it), the catalogue and the log
    assert rows_read() - before < checked.rows_read + queue_rows + 8_000


def test_a_check_of_one_month_reads_the_months_around_it_alone(year):
    before = rows_read()
    checked = check(None, date(2025, 7, 1), date(2025, 7, 10), NOW)
    assert [month for month, _ in checked.window.months] == [date(2025, 6, 1), date(2025, 7, 1)]
    assert checked.rows_read < 30_000
    assert rows_read() - before < 50_000


def test_memory_does_not_grow_with_the_observations(year, usual_garbage):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    check(None, None, None, NOW)
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 < 20  # MB, for 100,000 rows


# --- what is gone --------------------------------------------------------------------------------------------------
def status_of(reason: str) -> str:
    return DataQualityLog.objects.get(reason=reason).resolution_status


def test_what_is_gone_is_resolved_by_the_system_with_the_evidence(year):
    plant_defects(year)
    check(None, None, None, NOW)
    comet = year.ride("Comet")
    hours = [utc(7, day, hour) for day in range(8, 18) for hour in range(14, 22)]
    observe([(comet.pk, milliseconds(hour), "OPERATING", 20 + hour.hour) for hour in hours])
    observe([(comet.pk, milliseconds(utc(7, 22, hour)), "OPERATING", 20 + hour) for hour in range(15, 20)])
    read(year.bergwelt, (date(2025, 6, 6), 7))
    add_ride(year.lakeside, "Found again", ride_id=99_999)
    QueueData.objects.filter(snapshot_id=4711).delete()
    Ride.objects.filter(pk=Ride.objects.filter(ride_name="Eagle").latest("pk").pk).update(ride_name="Hawk")
    EntityMetadata.objects.filter(ride=year.ride("Raft")).update(latitude=9)
    EntityMetadata.objects.create(ride=comet, themeparks_wiki_id="c", entity_type="ATTRACTION", last_updated=NOW)
    Park.objects.filter(pk=year.lakeside.pk).update(destination_wiki_id="d")
    checked = check(None, None, None, NOW)
    assert [finding.description for finding in checked.findings] == []
    assert {reason: status_of(reason) for reason in PLANTED} == dict.fromkeys(PLANTED, "RESOLVED")
    notes = dict(DataQualityLog.objects.values_list("reason", "resolution_note"))
    assert notes["silent_ride"] == "Filled: the ride was heard of on 10 days of the period."
    assert notes["silent_hours"] == "Filled: 5 observations lie in these hours now."
    assert notes["missing_days"] == "Filled: the ledger shows 2025-06-06 as read."
    check(None, None, None, NOW)
    assert DataQualityMove.objects.count() == 2 * len(PLANTED)


def test_a_check_of_other_days_resolves_nothing_that_it_did_not_look_at(year):
    forget(utc(3, 8, 8), utc(3, 18, 8), ride_name="Comet")
    forget(utc(7, 22, 15), utc(7, 22, 20), park=year.lakeside)
    check(None, None, None, NOW)
    for first, last in (((3, 25), (3, 26)), ((5, 10), (5, 20)), ((11, 1), (12, 31))):
        check(None, date(2025, *first), date(2025, *last), NOW)
        assert (status_of("silent_ride"), status_of("silent_hours")) == ("OPEN", "OPEN")


def test_a_check_of_one_park_resolves_nothing_of_another(year):
    Park.objects.update(destination_wiki_id=None)
    check(None, None, None, NOW)
    Park.objects.update(destination_wiki_id="d")
    check([year.bergwelt.pk], None, None, NOW)
    statuses = dict(DataQualityLog.objects.values_list("park__park_name", "resolution_status"))
    assert statuses == {"Lakeside": "OPEN", "Bergwelt": "RESOLVED"}


def test_a_finding_that_comes_back_is_open_again(year):
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="")
    check(None, None, None, NOW)
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="America/New_York")
    check(None, None, None, NOW)
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="")
    checked = check(None, None, None, NOW)
    assert checked.recorded.reopened == 1
    assert status_of("missing_time_zone") == "OPEN"


def test_rides_that_become_many_are_reported_as_one_and_their_own_records_say_where(year):
    for name in ("Comet", "Black Hole", "River Rapids"):
        add_ride(year.lakeside, name)
    check(None, None, None, NOW)
    for name in ("Sky Tower", "Wooden Racer", "Night Flight"):
        add_ride(year.lakeside, name)
    check(None, None, None, NOW)
    rows = list(DataQualityLog.objects.order_by("pk"))
    assert [row.resolution_status for row in rows] == ["RESOLVED"] * 3 + ["OPEN"]
    assert rows[0].resolution_note == ("Merged into: Lakeside: 6 names are carried by two or more rides each")


def test_what_was_given_up_is_given_up_though_it_is_gone(year):
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="")
    check(None, None, None, NOW)
    bring(DataQualityLog.objects.get(), ResolutionStatus.WONTFIX, by="ann", now=NOW, note="nobody knows it")
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="America/New_York")
    assert check(None, None, None, NOW).resolved == []
    assert status_of("missing_time_zone") == "WONTFIX"


# --- the doors -----------------------------------------------------------------------------------------------------
def command(*arguments: str) -> str:
    out = StringIO()
    call_command("check_quality", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_what_it_found_and_did(year):
    plant_defects(year)
    said = command()
    assert "GAP            Silent ride                           1" in said
    assert said.endswith("9 new findings, 0 seen again (0 opened again), 0 resolved\n")
    assert command().endswith("0 new findings, 9 seen again (0 opened again), 0 resolved\n")


def test_a_dry_run_names_every_finding_and_writes_none(year):
    plant_defects(year)
    check(None, None, None, NOW)
    QueueData.objects.filter(snapshot_id=4711).delete()
    before = list(DataQualityLog.objects.values())
    said = command("--dry-run")
    assert "Comet (Lakeside): nothing heard on 10 days" in said
    assert "would be resolved: 1 queue row of 1970-01" in said
    assert list(DataQualityLog.objects.values()) == before


def test_the_command_checks_the_park_and_the_days_it_is_given(year):
    plant_defects(year)
    june = ["--from", "2025-06-01", "--to", "2025-06-30"]
    said = command("--park", year.bergwelt.themeparks_wiki_id, *june, "--dry-run")
    assert "Bergwelt: never imported: 2025-06-06" in said
    assert "Lakeside" not in said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--from", "2025-07-02", "--to", "2025-07-01"], "--from 2025-07-02 lies after --to 2025-07-01"),
        (["--park", "4711"], "There is no park 4711"),
        (["--park", "nowhere"], "--park 'nowhere' is neither a park_id nor a UUID"),
        (["--to", "9999-12-31"], "argument --to: 9999-12-31: give a day of the years 1900 to 2199"),
        (["--from", "0025-07-01"], "argument --from: 0025-07-01: give a day of the years 1900 to 2199"),
        (["--from", "July"], "July is no date: use YYYY-MM-DD"),
        (["--to", "2025-02-30"], "2025-02-30 is no date"),
    ],
)
def test_wrong_usage_is_one_clear_line(db, arguments, message):
    with pytest.raises(CommandError, match=message):
        command(*arguments)


def test_the_tasks_say_in_a_line_what_came_of_them(year, time_machine):
    time_machine.move_to(datetime(2025, 8, 1, 3, tzinfo=UTC))
    plant_defects(year)
    assert "2025-07-18 to 2025-08-01" in daily_check()
    of_other_days = {"silent_ride", "missing_days", "orphan_queue_rows"}
    assert set(DataQualityLog.objects.values_list("reason", flat=True)) == PLANTED - of_other_days
    said = check_imported([year.bergwelt.pk], "2025-06-01", "2025-06-30")
    assert "1 new finding, " in said
    assert status_of("missing_days") == "OPEN"
