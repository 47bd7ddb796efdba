"""Two feeds' files of one park and day, one in milliseconds and one in whole seconds: what the ledger makes of it.

Two destinations' files stand for the feeds: the park is in both.
"""

import threading

import pytest
from django.db.models import F

from imports.archive.pipeline import run_import
from imports.models import ImportedFile
from quality.models import DataQualityLog
from tests.imports.archive.test_replace_live import live_row, parks  # noqa: F401 (a fixture)
from tests.imports.building import DAY, DESTINATION, PARK, event, ride, runs, write_day
from warehouse.models import QueueData, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
MILLISECONDS, SECONDS = DESTINATION, f"7{DESTINATION[1:]}"  # whose files are which feed's
OF_FEEDS = {"rows_lacking", "rows_unproven", "duplicate_event", "conflicting_event", "file_replaced"}


def change(n: int, second: str, *, end: bool = True, **changes) -> dict:
    window = {"state": "AVAILABLE", "returnStart": f"{DAY}T20:00:00Z", "returnEnd": f"{DAY}T20:15:00Z" if end else None}
    queue = {"STANDBY": {"waitTime": 5 * n}, "RETURN_TIME": window}
    return event(f"{second}Z", entity=ride(n), name=f"Ride {n}", queue=queue, **changes)


TIMES = [f"{hour}:{minute}:10" for hour in range(10, 14) for minute in range(10, 60, 10)]
BLURRED = [change(n, time) for time in TIMES for n in (1, 2)]
EXACT = [change(n, f"{time}.644") for time in TIMES for n in (1, 2)]


@pytest.fixture(autouse=True)
def counts_add_up():
    yield
    adding_up = F("stored") + F("already_known") + F("duplicates") + F("rejected")
    assert not ImportedFile.objects.exclude(events_read=adding_up).exists()


def take_in(root, feed: str, events: list[dict], **request) -> tuple[int, int, int]:
    """(stored, already known, duplicates) of a feed's file of the day."""
    write_day(root, events, destination=feed)
    for run in runs(root, everything=False, destinations=[feed], **request):
        assert run_import(run, threading.Event())
    files = ImportedFile.objects.filter(destination_wiki_id=feed, park__themeparks_wiki_id=PARK)
    return files.values_list("stored", "already_known", "duplicates").get()


def milliseconds() -> list[int]:
    found = RideStatusSnapshot.objects.order_by("snapshot_id").values_list("recorded_at", flat=True)
    return [at.microsecond // 1000 for at in found]


def findings() -> set[str]:
    return set(DataQualityLog.objects.values_list("reason", flat=True)) & OF_FEEDS


@pytest.mark.parametrize(
    ("first", "second"), [((MILLISECONDS, EXACT), (SECONDS, BLURRED)), ((SECONDS, BLURRED), (MILLISECONDS, EXACT))]
)
def test_the_second_feed_stores_nothing_and_neither_does_a_second_reading(tmp_path, first, second):
    many = len(EXACT)
    assert take_in(tmp_path, *first) == (many, 0, 0)
    before = milliseconds()
    for feed in (second, first, second):
        assert take_in(tmp_path, *feed) == (0, many, 0)
    assert milliseconds() == before
    assert findings() == set()


def test_a_row_that_the_other_feed_holds_too_is_not_withdrawn_until_that_one_lacks_it(tmp_path):
    take_in(tmp_path, MILLISECONDS, EXACT)
    take_in(tmp_path, SECONDS, BLURRED)
    take_in(tmp_path, MILLISECONDS, EXACT[:-1], replace=True)
    assert milliseconds() == [644] * len(EXACT)
    assert findings() == set()
    take_in(tmp_path, SECONDS, BLURRED[:-1], replace=True)
    assert milliseconds() == [644] * (len(EXACT) - 1)
    assert findings() == {"file_replaced"}


def test_the_feed_that_came_second_does_not_withdraw_the_firsts_rows(tmp_path):
    take_in(tmp_path, SECONDS, BLURRED)
    take_in(tmp_path, MILLISECONDS, EXACT)
    take_in(tmp_path, MILLISECONDS, EXACT[:-1], replace=True)
    assert milliseconds() == [0] * len(BLURRED)
    assert findings() == set()


def test_the_end_of_a_return_time_comes_from_whoever_has_it(tmp_path):
    poorer = [change(n, time, end=False) for time in TIMES for n in (1, 2)]
    assert take_in(tmp_path, SECONDS, poorer) == (len(poorer), 0, 0)
    assert not QueueData.objects.exclude(return_time_end=None).exists()
    assert take_in(tmp_path, MILLISECONDS, EXACT) == (0, len(EXACT), 0)
    assert not QueueData.objects.filter(return_time_end=None).exists()
    take_in(tmp_path, SECONDS, poorer, replace=True)
    assert not QueueData.objects.filter(return_time_end=None).exists()
    assert findings() == set()


def test_at_the_very_instant_too_and_what_else_differs_is_a_contradiction(tmp_path):
    take_in(tmp_path, SECONDS, [change(1, "10:10:10", end=False), change(1, "11:10:10", end=False)])
    other = change(1, "11:10:10", status="DOWN")
    assert take_in(tmp_path, MILLISECONDS, [change(1, "10:10:10.000"), other]) == (0, 1, 1)
    assert [row.return_time_end is None for row in QueueData.objects.order_by("snapshot_id")] == [False, True]
    assert findings() == {"conflicting_event"}


def test_an_event_far_from_its_file_finds_its_neighbour_too(tmp_path):
    seconds, exact = (
        [change(1, "10:10:10"), event(f"2024-{month}-03T10:00:00{ms}Z", entity=ride(1), name="Ride 1")]
        for month, ms in (("09", ""), ("09", ".900"))
    )
    take_in(tmp_path, SECONDS, seconds)
    assert take_in(tmp_path, MILLISECONDS, exact) == (0, 2, 0)


@pytest.mark.usefixtures("parks")
def test_live_rows_stand_for_the_archives_until_they_are_replaced(tmp_path):
    live = [f"{DAY} {time}" for time in TIMES]
    for instant in live:
        live_row(instant)  # with a single rider line
    queue = {"SINGLE_RIDER": {"waitTime": 5}}
    exact = [event(f"{time}.644Z", queue=queue) for time in TIMES]
    RideStatusSnapshot.objects.update(wait_told=False)
    many = len(TIMES)
    assert take_in(tmp_path, MILLISECONDS, exact) == (0, many, 0)
    assert take_in(tmp_path, MILLISECONDS, exact, replace_live=True) == (many, 0, 0)
    assert set(RideStatusSnapshot.objects.values_list("data_source", flat=True)) == {"ARCHIVE"}
    assert milliseconds() == [644] * many
    assert QueueData.objects.count() == many
    assert ImportedFile.objects.get(park__themeparks_wiki_id=PARK).live_replaced == many
    assert take_in(tmp_path, MILLISECONDS, exact, replace=True) == (0, many, 0)
    assert findings() == set()


@pytest.mark.usefixtures("parks")
def test_a_live_row_that_stood_for_two_feeds_is_replaced_by_one_that_both_hold(tmp_path):
    for time in TIMES:
        live_row(f"{DAY} {time}")
    RideStatusSnapshot.objects.update(wait_told=False)
    queue, many = {"SINGLE_RIDER": {"waitTime": 5}}, len(TIMES)
    rounded = [event(f"{time[:-2]}11Z", queue=queue) for time in TIMES]
    exact = [event(f"{time}.644Z", queue=queue) for time in TIMES]
    assert take_in(tmp_path, SECONDS, rounded) == (0, many, 0)
    assert take_in(tmp_path, MILLISECONDS, exact, replace_live=True) == (many, 0, 0)
    take_in(tmp_path, MILLISECONDS, exact[:-1], replace=True)
    assert milliseconds() == [644] * many
    assert take_in(tmp_path, SECONDS, rounded) == (0, many, 0)
    take_in(tmp_path, MILLISECONDS, exact[:-1], replace=True)
    assert milliseconds() == [644] * many
    assert findings() == set()
