"""The live collector: captured answers over real HTTP into the real, partitioned table."""

import io
import json
import signal
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import MySQLdb
import pytest
from django.conf import settings as settings_of_this_project
from django.core.management import CommandError, call_command
from django.db import connection

from imports.api.pace import ApiPace
from imports.api.themeparks import ThemeParksApi
from imports.live import collector
from imports.live.models import LiveCollection, ParkFreshness
from imports.sample.resorts import make_destination
from imports.tasks import collect_live
from quality.models import DataQualityLog
from tests.cutting_proxy import cutting_proxy
from tests.imports import forks
from tests.imports.api_world import MAGIC_KINGDOM, RESORT, captured
from tests.imports.fault_server import CLOCKS_APART, Answer, Fault
from tests.waiting import until
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot
from warehouse.server.away import patience
from warehouse.snapshot_id import snapshot_id_of

NOW = datetime(2026, 4, 14, 22, 30, tzinfo=UTC)
OPENING = datetime(2026, 4, 15, 10, 40, tzinfo=UTC)
PARIS = "e8d0207f-da8a-4048-bec8-117aa946b2c2"
RIDE = "b2260923-9315-40fd-9c6b-44dd811dbe64"

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def collect(api_server):
    """One collection, a minute after the last: nothing is answered from the cache."""

    def _collect(now=NOW, destinations=(RESORT,)):
        api_server.ask_anew()
        return collector.collect(ThemeParksApi(), list(destinations), lambda: now)

    return _collect


def row(entity_id: str = RIDE, **fields) -> dict:
    known = {"name": "Space Mountain", "entityType": "ATTRACTION", "parkId": MAGIC_KINGDOM, "status": "OPERATING"}
    return {"id": entity_id, "lastUpdated": "2026-04-14T22:20:00Z", **known, **fields}


def facts() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Park, Ride, RideStatusSnapshot, QueueData)]


def test_the_61_rows_of_magic_kingdom_are_60_observations(collect):
    collection = collect()
    assert (collection.destinations, collection.failed, collection.rows_read, collection.stored) == (1, 0, 60, 60)
    assert (collection.started_at, collection.finished_at) == (NOW, NOW)
    assert set(RideStatusSnapshot.objects.values_list("data_source", flat=True)) == {"LIVE"}
    assert RideStatusSnapshot.objects.count() == Ride.objects.count() == 60
    assert not Ride.objects.filter(themeparks_wiki_id=MAGIC_KINGDOM).exists()
    newest = RideStatusSnapshot.objects.order_by("-recorded_at").first()
    assert newest.recorded_at == datetime(2026, 4, 14, 22, 27, 18, tzinfo=UTC)
    assert RideStatusSnapshot.objects.filter(wait_time__isnull=False).count() == 38
    types = list(QueueData.objects.values_list("queue_type", flat=True))
    assert (types.count("RETURN_TIME"), types.count("PAID_RETURN_TIME"), len(types)) == (17, 2, 19)
    assert set(
        QueueData.objects.filter(queue_type="PAID_RETURN_TIME").values_list("price_amount", "price_currency")
    ) == {
        (Decimal("21.00"), "USD"),
        (Decimal("13.00"), "USD"),
    }
    assert not DataQualityLog.objects.exists()


def test_a_second_collection_of_the_same_answers_stores_nothing(collect):
    collect()
    before = facts()
    collection = collect(NOW + timedelta(minutes=5))
    assert (collection.stored, collection.already_known, collection.findings) == (0, 60, 0)
    assert facts() == before


def test_what_changed_is_added_and_the_rest_is_known(collect, world):
    collect()
    world.live[RESORT] = captured("magic_kingdom_live_before_opening")["liveData"]
    collection = collect(OPENING)
    assert collection.rows_read == 60
    assert collection.stored + collection.already_known == 60
    assert collection.stored > 30
    assert RideStatusSnapshot.objects.count() == 60 + collection.stored


def test_every_type_of_line_is_stored(collect, world):
    queue = {
        "STANDBY": {"waitTime": 45},
        "SINGLE_RIDER": {"waitTime": 75},
        "PAID_STANDBY": {"waitTime": None},
        "RETURN_TIME": {"state": "AVAILABLE", "returnStart": "2026-04-14T19:20:00-04:00", "returnEnd": None},
        "PAID_RETURN_TIME": {
            "state": "FINISHED", "returnStart": None, "returnEnd": None,
            "price": {"amount": 1000, "currency": "JPY", "formatted": "1,000 yen"},
        },
        "BOARDING_GROUP": {
            "allocationStatus": "PAUSED", "currentGroupStart": 12, "currentGroupEnd": 20, "estimatedWait": 15,
            "nextAllocationTime": None,
        },
    }  # fmt: skip
    world.live[RESORT] = [row(queue=queue)]
    collect()
    assert RideStatusSnapshot.objects.get().wait_time == 45
    lines = {line.queue_type: line for line in QueueData.objects.all()}
    assert sorted(lines) == ["BOARDING_GROUP", "PAID_RETURN_TIME", "PAID_STANDBY", "RETURN_TIME", "SINGLE_RIDER"]
    assert lines["SINGLE_RIDER"].wait_time_minutes == 75
    assert lines["PAID_STANDBY"].wait_time_minutes is None
    assert lines["RETURN_TIME"].return_time_start == datetime(2026, 4, 14, 23, 20, tzinfo=UTC)
    assert (lines["PAID_RETURN_TIME"].price_amount, lines["PAID_RETURN_TIME"].price_currency) == (1000, "JPY")
    group = lines["BOARDING_GROUP"]
    assert (group.boarding_group_status, group.boarding_group_current, group.wait_time_minutes) == (
        "PAUSED",
        "12-20",
        15,
    )


def test_null_everywhere_is_stored_as_the_state_it_is(collect, world):
    nulls = ("STANDBY", "SINGLE_RIDER", "PAID_STANDBY", "RETURN_TIME", "PAID_RETURN_TIME", "BOARDING_GROUP")
    world.live[RESORT] = [
        row(queue=None, operatingHours=None, showtimes=None, externalId=None),
        row("00000000-0000-4000-8000-000000000001", queue=dict.fromkeys(nulls)),
        row("00000000-0000-4000-8000-000000000002", queue={"STANDBY": {"waitTime": None}, "SINGLE_RIDER": {}}),
        row(
            "00000000-0000-4000-8000-000000000003",
            queue={"BOARDING_GROUP": dict.fromkeys(("allocationStatus", "currentGroupStart", "estimatedWait"))},
        ),
    ]
    collection = collect()
    assert (collection.stored, collection.rejected) == (4, 0)
    assert QueueData.objects.get().queue_type == "BOARDING_GROUP"
    assert not DataQualityLog.objects.exists()


def test_doubtful_rows_meet_the_rules_of_the_archive_and_the_counts_add_up(collect, world):
    world.live[RESORT] = [
        row(),
        row("00000000-0000-4000-8000-000000000001", status="MAINTENANCE"),
        row("00000000-0000-4000-8000-000000000002", status=None),
        row("00000000-0000-4000-8000-000000000003", lastUpdated=None),
        row("00000000-0000-4000-8000-000000000004", lastUpdated="2026-04-14T23:30:00Z"),
        row("00000000-0000-4000-8000-000000000005", queue={"STANDBY": {"waitTime": -999}}),
        row("no-uuid"),
        row("00000000-0000-4000-8000-000000000006", parkId=None),
        "not a row",
        row(MAGIC_KINGDOM, entityType="PARK", lastUpdated="2019-01-01T00:00:00Z"),
    ]
    for now in (NOW, NOW + timedelta(minutes=5), NOW + timedelta(minutes=10)):
        collection = collect(now)
        assert (collection.rows_read, collection.stored + collection.already_known, collection.rejected) == (9, 2, 7)
    reasons = dict(DataQualityLog.objects.values_list("reason", "occurrences"))
    assert reasons == {
        "unknown_status": 1,
        "missing_status": 1,
        "missing_event_time": 1,
        "future_time": 1,
        "wait_out_of_range": 1,
        "malformed_id": 1,
        "missing_park": 1,
        "malformed_event": 1,
    }


def test_a_row_without_park_is_stored_for_the_ride_that_is_known(collect, world):
    park = Park.objects.create(park_name="Magic Kingdom", themeparks_wiki_id=MAGIC_KINGDOM, destination_wiki_id=RESORT)
    ride = Ride.objects.create(park=park, ride_name="Space Mountain", themeparks_wiki_id=RIDE)
    world.live[RESORT] = [row(parkId=None)]
    assert collect().stored == 1
    assert RideStatusSnapshot.objects.get().ride == ride


def test_a_ride_that_was_renamed_or_has_vanished_keeps_its_row(collect, world):
    collect()
    rows = world.live[RESORT]
    renamed = next(found for found in rows if found["entityType"] == "ATTRACTION")
    renamed |= {"name": "The Great Goofini", "lastUpdated": "2026-04-14T22:29:00Z"}
    rows.remove(next(found for found in rows if found["entityType"] == "SHOW"))
    collection = collect(NOW + timedelta(minutes=5))
    assert (collection.stored, collection.already_known) == (1, 58)
    assert Ride.objects.count() == 60


def test_a_state_of_months_ago_gets_its_partition(collect, world):
    world.live[RESORT] = [row(status="CLOSED", lastUpdated="2024-11-03T09:00:00Z")]
    assert collect().stored == 1
    assert RideStatusSnapshot.objects.get().recorded_at == datetime(2024, 11, 3, 9, tzinfo=UTC)


def test_what_another_writer_stores_meanwhile_is_known_in_the_next_try_and_told_once(collect, world):
    world.live[RESORT] = [row()]
    collect()
    world.live[RESORT] = [row(lastUpdated="2026-04-14T22:25:00Z", queue={"STANDBY": {"waitTime": -1}})]
    milliseconds = int(datetime(2026, 4, 14, 22, 25, tzinfo=UTC).timestamp() * 1000)
    tries = []

    def another_is_faster(execute, sql, params, many, context):
        if sql.startswith(("LOAD", "INSERT")) and "ride_status_snapshots" in sql:
            if not tries:
                ride_id = Ride.objects.get().ride_id
                with MySQLdb.connect(**connection.get_connection_params()) as another:
                    another.query(
                        "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, "
                        f"computed_is_open) VALUES ({snapshot_id_of(ride_id, milliseconds)}, {ride_id}, "
                        "'2026-04-14 22:25:00', 'OPERATING', 1)"
                    )
                    another.commit()
            tries.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(another_is_faster):
        collection = collect()
    assert len(tries) == 1  # the second try had nothing left to store
    assert (collection.failures, collection.stored, collection.already_known, collection.findings) == ([], 0, 1, 1)
    assert RideStatusSnapshot.objects.count() == 2
    finding = DataQualityLog.objects.get()
    assert (finding.reason, finding.occurrences, len(finding.evidence["examples"])) == ("wait_out_of_range", 1, 1)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("at", ["api_pace", "LOAD DATA", "^COMMIT", "UPDATE `live_collections`"])
def test_a_server_that_goes_away_for_a_moment_costs_nothing(collect, world, moment, at):
    world.live[RESORT] = [row()]
    with cutting_proxy(connection) as proxy, proxy.between(connection), patience(first_pause=0.001):
        cut = proxy.cut(moment, at, behind="live_collections" if at == "^COMMIT" else "", refuse=3)
        collection = collect()
    assert (cut.happened.is_set(), proxy.refused, collection.failures) == (True, 3, [])
    assert collection.stored + collection.already_known == 1
    assert (RideStatusSnapshot.objects.count(), Ride.objects.count(), LiveCollection.objects.count()) == (1, 1, 1)
    kept = LiveCollection.objects.get()
    assert (kept.finished_at, kept.destinations, kept.next_destination) == (NOW, 1, "")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(b"", 500), "the API answers 500"),
        (Answer(b'{"liveData": [{"id"'), "no JSON"),
        (Answer(b"{}"), "no list 'liveData'"),
        (Answer(b'{"error":{"message":"Entity not found"}}', 404), "404: Entity not found"),
    ],
)
def test_a_destination_that_fails_does_not_stop_the_others(collect, api_server, answer, error):
    api_server.faults = [Fault("status", PARIS, times=9, answer=answer)]
    collection = collect(destinations=[PARIS, RESORT])
    assert (collection.destinations, collection.failed, collection.stored) == (1, 1, 60)
    (failure,) = LiveCollection.objects.get().failures
    assert failure["destination"] == PARIS
    assert error in failure["error"]


def test_a_429_is_waited_out(collect, api_server):
    api_server.faults = [Fault("status", "/live", answer=Answer(b"", 429, {"Retry-After": "1"}))]
    assert collect().stored == 60
    refused, answered = api_server.came()
    assert answered >= refused + timedelta(seconds=1) - CLOCKS_APART


def test_what_a_run_ended_at_comes_last_the_next_time(collect, api_server, world):
    world.live[PARIS] = []
    api_server.faults = [Fault("status", RESORT, answer=Answer(b"", 429, {"Retry-After": "3600"}))]
    collection = collect(destinations=[PARIS, RESORT])
    assert (collection.destinations, collection.failed, collection.not_reached) == (1, 1, 1)
    assert collection.next_destination == PARIS
    ApiPace.objects.update(next_request_at=NOW)  # the hour has passed
    api_server.requests.clear()
    collect(destinations=[PARIS, RESORT])
    assert [path.split("/")[3] for path in api_server.paths()] == [PARIS, RESORT]


def test_an_api_that_is_away_ends_the_run_and_the_next_begins_behind(collect, api_server):
    api_server.faults = [Fault("reset", times=999)]
    others = [f"00000000-0000-4000-8000-{n:012}" for n in range(9)]
    collection = collect(destinations=[*others, RESORT])
    assert (collection.destinations, collection.failed, collection.not_reached) == (0, 3, 8)
    assert collection.next_destination == others[3]
    api_server.faults = []
    assert collect(destinations=[*others, RESORT]).stored == 60


def test_a_run_that_is_killed_leaves_whole_destinations_and_how_far_it_came(api_server, world):
    world.destinations.append({"id": PARIS, "name": "Paris", "parks": []})
    world.live[PARIS] = [row(parkId=PARIS)]
    changed = {name: getattr(settings_of_this_project, name) for name in ("THEMEPARKS_API_URL", "THEMEPARKS_CACHE_DIR")}
    api_server.faults = [Fault("stall", f"{PARIS}/live")]
    process = forks.start("collect_live", "--once", "--destination", RESORT, "--destination", PARIS, settings=changed)
    until(lambda: any(PARIS in path for path in api_server.paths()))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    collection = LiveCollection.objects.get()
    assert (collection.finished_at, collection.next_destination, collection.stored) == (None, RESORT, 60)
    assert RideStatusSnapshot.objects.count() == 60


def test_a_run_that_is_killed_at_a_destination_that_hangs_begins_behind_it_the_next_time(collect, api_server, world):
    """Each run began with it again, and hung."""
    others = [f"00000000-0000-4000-8000-{n:012}" for n in range(3)]
    world.live |= {other: [] for other in others}

    class Killed(BaseException):
        pass

    def kill():
        raise Killed

    api = ThemeParksApi()
    ask, api.live = api.live, lambda destination: kill() if destination == RESORT else ask(destination)
    with pytest.raises(Killed):
        collector.collect(api, [others[0], RESORT, *others[1:]], lambda: NOW)
    collect(destinations=[others[0], RESORT, *others[1:]])
    assert [path.split("/")[3] for path in api_server.paths()] == [others[0], others[1], others[2], others[0], RESORT]


def test_one_destination_that_hangs_takes_its_share_and_no_more(collect, api_server, world, monkeypatch):
    monkeypatch.setattr("imports.api.themeparks.QUESTION_SECONDS", 0.3)
    world.live[PARIS] = []
    api_server.faults = [fault := Fault("head", RESORT, times=99, seconds=0.01)]
    collection = collect(destinations=[RESORT, PARIS])
    assert (collection.destinations, collection.failed, collection.not_reached) == (1, 1, 0)
    assert "not complete after 0.3 s" in collection.failures[0]["error"]
    assert fault.finished == 0


def test_a_run_has_one_deadline(collect, api_server, world, monkeypatch):
    monkeypatch.setattr("imports.live.collector.RUN_MAX_SECONDS", 0.3)
    api_server.faults = [fault := Fault("head", times=99, seconds=0.01)]
    collection = collect()
    assert "not complete after 0.3 s" in collection.failures[0]["error"]
    assert fault.finished == 0


def test_what_a_server_says_stays_short_and_visible_in_the_row(collect, api_server):
    said = Answer(b'{"error": "\\u001b[2J\\u202e' + b"x" * 100_000 + b'"}', 400)
    api_server.faults = [Fault("status", RESORT, answer=said)]
    error = collect().failures[0]["error"]
    assert error.isprintable()
    assert len(error) < 1_000


def test_freshness_says_when_a_park_was_last_heard_of(collect, world):
    collect()
    fresh = ParkFreshness.objects.get()
    assert (fresh.park.themeparks_wiki_id, fresh.collected_at, fresh.rides_reported) == (MAGIC_KINGDOM, NOW, 60)
    assert fresh.observed_at == datetime(2026, 4, 14, 22, 27, 18, tzinfo=UTC)
    assert fresh.is_open
    assert fresh.open_until == datetime(2026, 4, 15, 2, tzinfo=UTC)
    assert fresh.silent_for(NOW) is None
    assert fresh.silent_for(NOW + timedelta(minutes=40)) == timedelta(minutes=42, seconds=42)
    assert fresh.silent_for(fresh.open_until) is None  # closed by then


def test_a_park_that_tells_nothing_new_while_open_falls_silent(collect, world):
    collect()
    later = NOW + timedelta(minutes=40)
    collect(later)  # the same answer
    fresh = ParkFreshness.objects.get()
    assert fresh.collected_at == later
    assert fresh.silent_for(later) == timedelta(minutes=42, seconds=42)
    world.live[RESORT] = []  # and the park drops out of the answer
    collect(later + timedelta(minutes=5))
    fresh.refresh_from_db()
    assert (fresh.rides_reported, fresh.is_open) == (0, True)
    assert fresh.silent_for(later + timedelta(minutes=5))


def test_a_closed_park_is_never_silent(collect, world):
    world.live[RESORT] = [row(status="CLOSED"), row(PARIS, entityType="RESTAURANT")]
    collect()
    assert ParkFreshness.objects.get().silent_for(NOW + timedelta(days=3)) is None


@pytest.mark.parametrize("hours", [None, [], "9-5", [None], [{"startTime": "9:00"}], [{"startTime": 1, "endTime": 2}]])
def test_hours_that_cannot_be_read_are_as_good_as_none(collect, world, hours):
    world.live[RESORT] = [row(operatingHours=hours)]
    collect()
    fresh = ParkFreshness.objects.get()
    assert (fresh.is_open, fresh.open_until) == (True, None)


def run_command(*arguments) -> str:
    out = io.StringIO()
    call_command("collect_live", *arguments, "--once", stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_collects_the_destination_it_is_given(api_server, time_machine):
    time_machine.move_to(NOW)
    assert "1 destination, 60 rows: 60 stored, 0 unchanged, 0 duplicates, 0 rejected" in run_command(
        "--destination", RESORT
    )


def test_made_up_parks_are_not_asked_for():
    sample = make_destination(0)
    Park.objects.create(
        park_name="Sample Kingdom", themeparks_wiki_id=sample.parks[0].uuid, destination_wiki_id=sample.uuid
    )
    with pytest.raises(collector.NothingToCollect):
        collector.known_destinations()
    Park.objects.create(park_name="Magic Kingdom", themeparks_wiki_id=MAGIC_KINGDOM, destination_wiki_id=RESORT)
    assert collector.known_destinations() == [RESORT]


def test_the_command_and_the_task_collect_what_is_known(api_server, settings):
    with pytest.raises(CommandError, match=r"run manage\.py sync_metadata first") as caught:
        run_command()
    assert caught.value.returncode == 2
    assert "sync_metadata first" in collect_live()
    Park.objects.create(park_name="Magic Kingdom", themeparks_wiki_id=MAGIC_KINGDOM, destination_wiki_id=RESORT)
    assert "60 stored" in collect_live()
    assert "60 unchanged" in run_command()
    assert len(api_server.requests) == 1  # within a minute the same question is answered from the cache


def test_the_command_fails_when_a_destination_failed(api_server, world):
    del world.live[RESORT]
    with pytest.raises(CommandError, match="1 destination failed") as caught:
        run_command("--destination", RESORT)
    assert caught.value.returncode == 1
    with pytest.raises(CommandError, match="The API has no destination"):
        run_command("--destination", "nowhere")


def test_the_captured_answer_is_what_this_file_says_of_it():
    rows = captured("magic_kingdom_live")["liveData"]
    assert len(rows) == 61
    assert [found["id"] for found in rows if found["entityType"] == "PARK"] == [MAGIC_KINGDOM]
    assert json.dumps(rows).count('"STANDBY"') == 45


def test_an_odd_value_in_an_answer_costs_that_value_alone(collect, api_server):
    odd = [b'"caf\xe9"', b'"\\ud83c"', b"NaN", b"1e999", b"9" * 5_000, b"[" * 5_000 + b"]" * 5_000, b'"\x01"']
    for number, written in enumerate(odd):
        rows = [
            row(lastUpdated=f"2026-04-14T22:{number:02}:00Z", name="ODD"),
            row(f"{RIDE[:-1]}{number}", name="Sound"),
        ]
        rows.append(
            row("a" + RIDE[1:], queue={"STANDBY": {"waitTime": "ODD"}}, lastUpdated=f"2026-04-14T21:{number:02}:00Z")
        )
        body = json.dumps({"liveData": rows}).encode().replace(b'"ODD"', written)
        api_server.faults = [Fault("status", "/live", answer=Answer(body))]
        collection = collect()
        assert (collection.failed, collection.rows_read, collection.rejected) == (0, 3, 0), written
        assert collection.stored >= 2
    assert RideStatusSnapshot.objects.count() == 3 * len(odd)


def test_hours_at_the_end_of_the_calendar_do_not_cost_an_answer(collect, world):
    hours = {"startTime": "2020-01-01T00:00:00Z", "endTime": "9999-12-31T23:59:59-12:00"}
    world.live[RESORT] = [row(operatingHours=[hours])]
    assert (collect().failed, collect().stored) == (0, 0)
    assert ParkFreshness.objects.get().open_until is None


def test_a_row_that_the_server_refuses_does_not_cost_its_answer(collect, world):
    rows = [row(f"{RIDE[:-2]}{n}", queue={"STANDBY": {"waitTime": n}}) for n in range(10, 20)]
    world.live[RESORT] = rows
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ride_status_snapshots ADD CONSTRAINT made_by_a_test CHECK (wait_time <> 13)")
        try:
            collection = collect()
        finally:
            cursor.execute("ALTER TABLE ride_status_snapshots DROP CONSTRAINT made_by_a_test")
    assert (collection.failed, collection.stored, collection.rejected) == (0, 9, 1)
    assert DataQualityLog.objects.get(reason="refused_row").occurrences == 1
