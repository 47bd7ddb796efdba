"""check_quality --against-history: days imported from the History API, held against what the same API counts of them.

A week is imported once; what a test changes of it is undone after it.
"""

import io
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import stamina
import time_machine
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db.models import F

from imports.models import ImportedFile
from quality.check.day_figures import of_park
from quality.models import DataQualityLog, DataQualityMove, ResolutionStatus
from tests.emptying import empty_tables
from tests.history_server import BACKEND_UNAVAILABLE, FREE, NOW, PLANS, REVOKED, TINY, history_server
from tests.imports.fault_server import Fault
from warehouse.days import midnight
from warehouse.instants import milliseconds_of
from warehouse.models import EntityMetadata, Park, Ride, RideOpening, RideStatusSnapshot
from warehouse.rides import stays
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import snapshot_id_of
from warehouse.zones import local_day

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
FROM = NOW.date() - 8 * DAY
LAST = NOW.date() - 2 * DAY  # the final day
REASON = "differs_from_source"


@pytest.fixture(scope="module")
def shared_server():
    with history_server(recorded_days=10) as server:
        yield server


@pytest.fixture(scope="module")
def _imported(shared_server, django_db_setup, django_db_blocker, tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched, django_db_blocker.unblock():
        point_to(shared_server, patched, tmp_path_factory.mktemp("kept"))
        with time_machine.travel(NOW, tick=False):
            call_command(
                "import_archive", "--source", "themeparks-history:", "--all", "--from", str(FROM), stdout=io.StringIO()
            )
        yield
        empty_tables()


def point_to(server, patched, kept) -> None:
    for name, value in {
        "THEMEPARKS_API_URL": server.api_url,
        "THEMEPARKS_API_KEY": FREE,
        "THEMEPARKS_REQUESTS_PER_MINUTE": 60_000,
        "HISTORY_DIR": str(kept),
    }.items():
        patched.setattr(django_settings, name, value)


@pytest.fixture
def server(shared_server, _imported, monkeypatch, tmp_path):
    server = shared_server
    server.now, server.faults = NOW, []
    server.requests.clear()
    server.forget_budgets()
    server.plans = dict(PLANS)
    point_to(server, monkeypatch, tmp_path)
    truth = list(server.truth)
    with time_machine.travel(NOW, tick=False), stamina.set_testing(True, attempts=1, cap=True):
        yield server
    server.truth = truth


@pytest.fixture
def park(server):
    return Park.objects.get(park_name="New York Park")


def run(*arguments) -> str:
    out = io.StringIO()
    call_command("check_quality", "--against-history", *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    return caught.value


def findings():
    return list(DataQualityLog.objects.filter(reason=REASON).order_by("timestamp_start"))


def asked(server) -> int:
    return sum(times for (_, path, _), times in server.asked.items() if path.endswith("/daily"))


def rows_of(ride: str, day):
    """What it said from noon to midnight UTC, which is of that day in New York, too."""
    return RideStatusSnapshot.objects.filter(
        ride_id=Ride.objects.get(ride_name=ride).pk,
        recorded_at__gte=midnight(day) + DAY / 2,
        recorded_at__lt=midnight(day) + DAY,
    )


def again(rows) -> None:
    """The same once more, a second later."""
    for row in rows:
        row.recorded_at += timedelta(seconds=1)
        row.snapshot_id = snapshot_id_of(row.ride_id, milliseconds_of(row.recorded_at))
        row.save(force_insert=True)


def drop(rows) -> None:
    rows._raw_delete(rows.db)


def test_what_was_imported_agrees_and_the_cost_is_said_before(server):
    said = run("--days", 7).splitlines()
    assert said[0] == "14 days of 2 parks: 2 requests of 600 an hour, of which 600 are left"
    assert len(said) == 1 + 14 + 1
    assert all(" 0 different" in line and "  0 compared" not in line for line in said[1:-1])
    assert asked(server) == 2
    assert findings() == []


def test_of_the_first_day_the_openings_say_how_rides_stood_before(server, park):
    zone = ZoneInfo(park.timezone)
    known_since = local_day(FROM, zone)[0]
    assert {day.unsure_minutes for day in of_park(park.pk, FROM, zone, known_since).values()} == {0}
    RideOpening.objects.update(degraded=True)
    unsure = {day.unsure_minutes for day in of_park(park.pk, FROM, zone, known_since).values()}
    assert min(unsure) > 0  # nothing is said before the park opens
    assert " 0 different" in run("--park", park.pk, "--to", FROM, "--days", 1)


def test_rides_alone_are_compared(server, park):
    coaster = Ride.objects.get(ride_name="New York Coaster")
    say_of(coaster, entity_type="SHOW")
    said = run("--park", park.pk, "--days", 1)
    assert f"{LAST}     3 compared    3 equal    0 different" in said  # Flume, Dark Ride, Flyer; the diner and parade


def say_of(ride: Ride, **said) -> None:
    known = {"ride": ride, "themeparks_wiki_id": ride.themeparks_wiki_id}
    EntityMetadata.objects.update_or_create(**known, defaults={"last_updated": NOW} | said)


def test_a_change_that_we_lack_is_told_with_both_numbers_until_a_comparison_agrees(server, park):
    day = server.changes_of(park.themeparks_wiki_id, LAST)
    stored = len([change for change in day if change.entity_id == server.named("New York Flume").id])
    truth = list(server.truth)
    server.rewrite(park.themeparks_wiki_id, LAST)  # one change is gone, one has another wait, one is new
    gone = next(change for change in day if change.entity_id == server.named("New York Flume").id)
    server.truth = [change for change in server.truth if change is not gone]

    said = run("--park", park.pk, "--from", LAST, "--days", 1)
    assert "1 new finding" in said
    (finding,) = findings()
    assert finding.park == park
    assert finding.timestamp_start.isoformat() == f"{LAST}T05:00:00+00:00"  # New York's midnight
    told = {(example["ride"], example["what"]): example for example in finding.evidence["examples"]}
    assert told["New York Flume", "changes"] == {
        "ride": "New York Flume",
        "date": f"{LAST}",
        "what": "changes",
        "ours": stored,
        "source": stored - 1,
    }
    assert finding.description.startswith(f"New York Park: on {LAST} {finding.occurrences} of 4 rides differ")
    assert f"changes {stored} (the source: {stored - 1})" in finding.description

    assert "0 new findings, 1 seen again" in run("--park", park.pk, "--days", 1, "--from", FROM, "--to", LAST)
    server.truth = truth
    assert "1 resolved" in run("--park", park.pk, "--days", 1)
    finding.refresh_from_db()
    assert finding.resolution_status == ResolutionStatus.RESOLVED
    assert finding.resolution_note == "Compared again: 4 rides agree with the source now."
    assert DataQualityMove.objects.filter(finding=finding).count() == 2
    assert "0 new findings, 0 seen again (0 opened again), 0 resolved" in run("--park", park.pk, "--days", 1)


def test_a_day_that_differed_is_looked_at_again_whatever_the_sample_is(server, park):
    drop(rows_of("New York Coaster", FROM))
    run("--park", park.pk, "--to", FROM)
    assert len(findings()) == 1
    said = run("--park", park.pk, "--days", 1)
    assert f"{FROM}     4 compared    3 equal    1 different" in said
    assert f"{LAST}     4 compared    4 equal    0 different" in said


def test_minutes_and_waits_that_differ_are_told(server, park):
    rows = rows_of("New York Coaster", LAST).filter(status="OPERATING")
    rows.update(wait_time=99)
    run("--park", park.pk, "--days", 1)
    (finding,) = findings()
    assert [example["what"] for example in finding.evidence["examples"]] == ["mean wait", "highest wait"]
    rows.update(status="CLOSED", wait_time=None)
    run("--park", park.pk, "--days", 1)
    (finding,) = findings()
    assert {example["what"] for example in finding.evidence["examples"]} >= {"operating minutes"}


def test_a_ride_that_only_one_side_has_differs(server, park):
    Ride.objects.filter(ride_name="New York Flume").update(themeparks_wiki_id=None)
    dark = server.named("New York Dark Ride").id
    server.truth = [change for change in server.truth if change.entity_id != dark]
    run("--park", park.pk, "--days", 1)
    (finding,) = findings()
    told = {example["ride"]: (example["ours"], example["source"]) for example in finding.evidence["examples"]}
    assert finding.occurrences == 2
    assert told["New York Flume"][0] is None and told["New York Flume"][1] > 0
    assert told["New York Dark Ride"][1] is None and told["New York Dark Ride"][0] > 0


def test_of_a_ride_that_is_gone_the_source_need_not_speak(server, park):
    dark = server.named("New York Dark Ride").id
    say_of(Ride.objects.get(ride_name="New York Dark Ride"), entity_type="ATTRACTION", listed=False)
    server.truth = [change for change in server.truth if change.entity_id != dark]
    assert "1 different" in run("--park", park.pk, "--days", 1)  # the catalogue lists nothing: it was not read
    say_of(Ride.objects.get(ride_name="New York Coaster"), entity_type="ATTRACTION", listed=True)
    said = run("--park", park.pk, "--days", 1)
    assert "3 compared    3 equal    0 different  (1 of which the source says nothing any more)" in said
    assert [finding.resolution_status for finding in findings()] == [ResolutionStatus.RESOLVED]


def test_a_ride_that_changed_parks_that_day_is_not_compared(server, park):
    flume = Ride.objects.get(ride_name="New York Flume")
    noon = milliseconds_of(midnight(LAST) + DAY / 2)
    stays.write(flume.pk, [Stay(park.pk, None), Stay(Park.objects.exclude(pk=park.pk).get().pk, noon)])
    assert f"{LAST}     3 compared    3 equal" in run("--park", park.pk, "--days", 1)


def test_where_the_archive_lies_beside_more_is_no_difference_and_less_is_one(server, park):
    file = ImportedFile.objects.get(park=park, file_date=LAST)
    file.pk, file.feed, file.file_date = None, "ARCHIVE", LAST + DAY
    file.save()
    again(rows_of("New York Coaster", LAST)[:2])  # the same states, as another record tells them
    said = run("--park", park.pk, "--days", 1)
    assert "0 different  (other records of the day lie beside" in said
    drop(rows_of("New York Coaster", LAST))
    assert "1 different" in run("--park", park.pk, "--days", 1)
    assert "changes" in {example["what"] for example in findings()[0].evidence["examples"]}


def test_of_archive_days_minutes_and_waits_are_compared_alone(server, park):
    ImportedFile.objects.filter(park=park).update(feed="ARCHIVE")
    again(rows_of("New York Coaster", LAST - DAY)[:1])
    said = run("--park", park.pk, "--days", 9)
    assert f"{LAST} " not in said  # its evening is in the file of the next day
    assert said.count(" 0 different  (of the archive, whose days may be cut by UTC: minutes and waits alone)") == 6
    assert findings() == []
    drop(rows_of("New York Coaster", LAST - DAY))
    run("--park", park.pk, "--days", 9)
    (finding,) = findings()
    assert "changes" not in {example["what"] for example in finding.evidence["examples"]}


def test_a_dry_run_tells_and_writes_nothing(server, park):
    drop(rows_of("New York Coaster", LAST))
    ImportedFile.objects.filter(park=park, file_date=LAST).update(rejected=2, events_read=F("events_read") + 2)
    said = run("--park", park.pk, "--days", 1, "--dry-run")
    assert "New York Coaster: changes" in said and "; 2 events of the day refused\n" in said
    assert said.endswith("Dry run: nothing was written\n")
    assert findings() == []


# --- what stands in the way -----------------------------------------------------------------------------------------
def test_a_budget_that_is_spent_leaves_what_was_compared(server, settings):
    server.plans[TINY] = (30, 1)
    settings.THEMEPARKS_API_KEY = TINY
    said = run("--days", 1)
    assert said.startswith("2 days of 2 parks: 2 requests of 1 an hour, of which 1 are left")
    assert said.count(" compared ") == 1
    assert "Stopped before all was asked" in said and "used up until" in said
    assert TINY not in said
    assert "Nothing was compared" in str(refused("--days", 1))


@pytest.mark.parametrize(
    ("key", "reason"), [(REVOKED, "check THEMEPARKS_API_KEY"), ("tpw key", "a character that no key has")]
)
def test_a_key_that_is_refused(server, settings, key, reason):
    settings.THEMEPARKS_API_KEY = key
    error = refused()
    assert (error.returncode, reason in str(error), key in str(error)) == (1, True, False)
    assert asked(server) == 0


def test_an_api_that_is_away(server):
    server.faults = [Fault("status", "/daily", times=99, answer=BACKEND_UNAVAILABLE)]
    assert "try again later" in str(refused("--days", 1))
    server.faults = [Fault("status", "/me", times=99, answer=BACKEND_UNAVAILABLE)]
    assert "try again later" in str(refused("--days", 1))


def test_without_a_key_the_last_days_are_compared(server, settings, park):
    settings.THEMEPARKS_API_KEY = ""
    said = run("--park", park.pk, "--days", 9)
    assert "1 request of 60 an hour" in said
    assert f"New York Park: 2 days before {NOW.date() - 6 * DAY}, which this key does not reach, left out" in said
    assert said.count(" 0 different") == 5


def test_a_reach_that_turns_out_shorter_costs_the_earlier_days_alone(server, settings, park, monkeypatch):
    from imports.api.reach import Plan

    monkeypatch.setattr("imports.api.history.HistoryApi.me", lambda self: Plan("unknown", None))
    settings.THEMEPARKS_API_KEY = ""
    said = run("--park", park.pk, "--days", 9)
    assert f"from {NOW.date() - 6 * DAY} on it can be had" in said
    assert said.count(" 0 different") == 5


def test_a_park_that_the_api_does_not_know_costs_the_others_nothing(server, park):
    Park.objects.filter(pk=park.pk).update(themeparks_wiki_id="00000000-0000-4000-8000-000000000000")
    said = run("--days", 1)
    assert "New York Park: " in said and "404" in said
    assert said.count(" 0 different") == 1


def test_parks_without_a_time_zone_or_without_such_days_are_not_compared(server, park):
    Park.objects.filter(pk=park.pk).update(timezone="")
    assert "New York Park has no time zone" in run("--days", 1)
    assert "no day of these was imported" in str(refused("--to", FROM - DAY))
    assert asked(server) == 1


@pytest.mark.parametrize(
    "wrong", [["--days", "2"], ["--against-history", "--days", "0"], ["--owed", "--against-history"]]
)
def test_options_that_make_no_sense_together(wrong):
    with pytest.raises(CommandError) as caught:
        call_command("check_quality", *wrong)
    assert caught.value.returncode == 2
