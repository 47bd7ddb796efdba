"""A live collector and an archive import of the same park at once: no error, no row lost, none twice."""

import threading
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from imports.live import collector
from imports.live.api import ThemeParksApi
from quality.models import DataQualityLog
from tests.imports import forks
from tests.imports.api_world import World
from tests.imports.building import DAY, DESTINATION, PARK, event, ride, write_day
from tests.imports.fault_server import fault_server
from tests.waiting import HANG_SECONDS
from warehouse.models import QueueData, Ride, RideStatusSnapshot

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
