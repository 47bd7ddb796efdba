"""A live collector and an archive import of the same park at once: no error, no row lost, none twice."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from imports.api.themeparks import ThemeParksApi
from imports.archive.pipeline import run_import
from imports.live import collector
from quality.models import DataQualityLog
from tests.imports import forks
from tests.imports.api_world import World
from tests.imports.building import DAY, DESTINATION, PARK, event, import_all, ride, runs, write_day
from tests.imports.fault_server import fault_server
from tests.imports.in_the_way import waits
from tests.waiting import HANG_SECONDS, until
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)

RIDES, DAYS, EVENTS_A_DAY = 40, 10, 50
QUEUE = {"STANDBY": {"waitTime": 20}, "SINGLE_RIDER": {"waitTime": 5}}


def instant(day: int, n: int) -> str:
    return f"{DAY + timedelta(days=day)}T{8 + n // 6:02}:{n % 6}0:00.000Z"


def test_both_write_the_same_park_at_once(tmp_path, settings):
    """Every live state is also one of the archive, so the two race for the same keys and for the same new rides."""
    for day in range(DAYS):
        events = [
            event(instant(day, n), entity=ride(r), queue=QUEUE) for n in range(EVENTS_A_DAY) for r in range(RIDES)
        ]
        write_day(tmp_path / "archive", events, DAY + timedelta(days=day))
    world = World()
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    collections = []
    with fault_server(world.answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        importing = forks.start("import_archive", "--source", tmp_path / "archive", "--all")
        n = 0
        while importing.poll() is None:
            day = n % DAYS  # the collector runs through the days, ahead of the import, beside it and behind
            world.live[DESTINATION] = [
                {
                    "id": ride(r), "name": "A ride", "entityType": "ATTRACTION", "parkId": PARK, "status": "OPERATING",
                    "lastUpdated": instant(day, (n + r) % EVENTS_A_DAY), "queue": QUEUE,
                }
                for r in range(RIDES)
            ]  # fmt: skip
            settings.THEMEPARKS_CACHE_DIR = str(tmp_path / f"cache-{n}")
            collections.append(
                collector.collect(ThemeParksApi(), [DESTINATION], lambda: datetime(2026, 1, 1, tzinfo=UTC))
            )
            n += 1
        output, _ = importing.communicate(HANG_SECONDS)
    assert importing.returncode == 0, output
    assert [failure for collection in collections for failure in collection.failures] == []
    by_source = Counter(RideStatusSnapshot.objects.values_list("data_source", flat=True))
    assert sum(by_source.values()) == RIDES * DAYS * EVENTS_A_DAY
    assert by_source["LIVE"] == sum(collection.stored for collection in collections) > 0
    assert by_source["ARCHIVE"] > 0
    assert QueueData.objects.count() == RIDES * DAYS * EVENTS_A_DAY
    assert Ride.objects.count() == RIDES
    assert sum(collection.rows_read for collection in collections) == RIDES * len(collections)
    # what the detectors say of 40 rides of one name is theirs to say
    assert not DataQualityLog.objects.filter(reason__in=["duplicate_event", "conflicting_event"]).exists()


def test_two_collectors_of_one_destination_at_once(tmp_path, settings):
    world = World()
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    settings.THEMEPARKS_CACHE_DIR = str(tmp_path)
    world.live[DESTINATION] = [
        {"id": ride(r), "name": f"Ride {r}", "entityType": "ATTRACTION", "parkId": PARK, "status": "OPERATING",
         "lastUpdated": "2025-01-01T12:00:00Z", "queue": QUEUE}
        for r in range(RIDES)
    ]  # fmt: skip
    collections = []

    def collect():
        try:
            collections.append(
                collector.collect(ThemeParksApi(), [DESTINATION], lambda: datetime(2026, 1, 1, tzinfo=UTC))
            )
        finally:
            connection.close()

    with fault_server(world.answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        threads = [threading.Thread(target=collect) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [collection.failures for collection in collections] == [[], [], [], []]
    assert sum(collection.stored for collection in collections) == RIDES
    assert RideStatusSnapshot.objects.count() == QueueData.objects.count() == Ride.objects.count() == RIDES


# --- one change, which live data and the archive give another instant -------------------------------------------------
CHANGES = [event(f"12:{n:02}:10.644Z", entity=ride(n), name=f"Ride {n}", queue=QUEUE) for n in range(RIDES)]


@pytest.fixture
def world(settings, tmp_path):
    """An API that says of each ride what CHANGES say, in whole seconds."""
    made = World()
    made.live[DESTINATION] = [
        {"id": ride(n), "name": f"Ride {n}", "entityType": "ATTRACTION", "parkId": PARK, "status": "OPERATING",
         "lastUpdated": f"{DAY}T12:{n:02}:10Z", "queue": QUEUE}
        for n in range(RIDES)
    ]  # fmt: skip
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    settings.THEMEPARKS_CACHE_DIR = str(tmp_path / "cache")
    with fault_server(made.answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        yield made


@pytest.fixture
def known_rides():
    """Else whoever comes second would wait for the numbers of rides."""
    park = Park.objects.create(
        park_name="A park", themeparks_wiki_id=PARK, destination_wiki_id=DESTINATION, timezone="America/New_York"
    )
    for n in range(RIDES):
        Ride.objects.create(park=park, ride_name=f"Ride {n}", themeparks_wiki_id=ride(n))


def collect():
    return collector.collect(ThemeParksApi(), [DESTINATION], lambda: datetime(2026, 1, 1, tzinfo=UTC))


def in_another_session(work) -> tuple[threading.Thread, int, list]:
    """The thread, its session on the server, and where `work` puts what it returns."""
    sessions, results = [], []

    def run():
        try:
            connection.ensure_connection()
            sessions.append(connection.connection.thread_id())
            results.append(work())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, until(lambda: sessions)[0], results


@pytest.mark.usefixtures("world")
def test_live_rows_that_the_archive_holds_to_the_millisecond_are_known(tmp_path):
    write_day(tmp_path / "archive", CHANGES)
    import_all(tmp_path / "archive")
    with CaptureQueriesContext(connection) as asked:
        collection = collect()
    assert (collection.stored, collection.already_known, collection.findings) == (0, RIDES, 0)
    assert RideStatusSnapshot.objects.count() == QueueData.objects.count() == RIDES
    # by key, then what is beside, and the queues of both in one
    assert sum("FROM ride_status_snapshots" in query["sql"] for query in asked) == 2
    assert sum("FROM queue_data" in query["sql"] for query in asked) == 1


def waits_or_is_done(thread: threading.Thread, session: int) -> bool:
    return waits(session) or not thread.is_alive()


@pytest.mark.usefixtures("world", "known_rides")
def test_a_live_collection_waits_for_an_import_that_brings_the_same_changes(tmp_path):
    write_day(tmp_path / "archive", CHANGES)
    (run,) = runs(tmp_path / "archive")
    collections = []

    def meet(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if "UPDATE import_checkpoints SET last_processed_date" in sql and not collections:  # the rows are written
            collections.append(in_another_session(collect))
            until(lambda: waits_or_is_done(*collections[0][:2]), every_seconds=0.2)
        return done

    with connection.execute_wrapper(meet):
        assert run_import(run, threading.Event())
    ((thread, _, results),) = collections
    thread.join()
    (collection,) = results
    assert (collection.failed, collection.stored, collection.already_known) == (0, 0, RIDES)
    assert RideStatusSnapshot.objects.count() == QueueData.objects.count() == RIDES


@pytest.mark.usefixtures("world", "known_rides")
def test_an_import_waits_for_a_live_collection_that_brings_the_same_changes(tmp_path):
    write_day(tmp_path / "archive", CHANGES)
    (run,) = runs(tmp_path / "archive")
    imports = []

    def meet(execute, sql, params, many, context):
        done = execute(sql, params, many, context)
        if " INTO " in sql and "queue_data" in sql and not imports:  # the rows are written
            imports.append(in_another_session(lambda: run_import(run, threading.Event())))
            until(lambda: waits_or_is_done(*imports[0][:2]), every_seconds=0.2)
        return done

    with connection.execute_wrapper(meet):
        assert collect().stored == RIDES
    ((thread, _, results),) = imports
    thread.join()
    assert results == [True]
    assert (run.totals.stored, run.totals.already_known) == (0, RIDES)
    assert RideStatusSnapshot.objects.count() == QueueData.objects.count() == RIDES
