"""One truth through archive, History API and live data in any order: one row a change, the same state over time."""

import os
import random
from datetime import datetime, timedelta

import pytest
from django.db import transaction

from imports.events.dayfile import event_from
from imports.events.validation import validate
from imports.loading.attribution import Origin, attribute, place
from imports.loading.counts import Counts
from imports.loading.held import Held
from imports.loading.refusal import store
from imports.loading.resolver import Resolver
from tests.imports.building import DESTINATION, NOW, PARK
from tests.imports.loading.feeds import BEGIN, Burst, Delivery, deliveries, truth
from warehouse.days import ONE_DAY, midnight
from warehouse.instants import milliseconds_of
from warehouse.models import Park, QueueData, RideStatusSnapshot

pytestmark = pytest.mark.django_db
TRUTHS = int(os.environ.get("TRUTHS", "8"))  # a trial by hand sets 2000
FIRST_TRUTH = int(os.environ.get("FIRST_TRUTH", "0"))
SEEDS = range(FIRST_TRUTH, FIRST_TRUTH + TRUTHS)


@pytest.fixture(autouse=True)
def park():
    return Park.objects.create(
        park_name="A park", themeparks_wiki_id=PARK, destination_wiki_id=DESTINATION, timezone="America/New_York"
    )


def take_in(delivery: Delivery) -> Counts:
    """As an import or a live collection does it, without ledger and findings."""
    live = delivery.feed == "live"
    day = BEGIN.date()
    origin = Origin(DESTINATION, delivery.feed, delivery.feed, midnight(day), midnight(day + ONE_DAY), dense=not live)
    validated = validate([event_from(raw) for raw in delivery.events], NOW)
    with transaction.atomic():
        found = attribute(place([Park.objects.get()], validated, Resolver(), origin, Held()))
        store([found], "LIVE" if live else "ARCHIVE")
    (counts,) = found.counts.values()
    assert counts.events_read == len(delivery.events)
    (ids,) = found.ids.values()
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(RideStatusSnapshot.objects.values_list("snapshot_id", flat=True))
    return counts


Row = tuple[int, str, int | None, datetime | None]  # milliseconds since BEGIN, status, wait, end of the return window


def rows() -> dict[str, list[Row]]:
    """By ride, in the order of time."""
    ends = dict(QueueData.objects.values_list("snapshot_id", "return_time_end"))
    found: dict[str, list[Row]] = {}
    for row in RideStatusSnapshot.objects.select_related("ride").order_by("recorded_at"):
        ms = milliseconds_of(row.recorded_at) - milliseconds_of(BEGIN)
        state = ms, row.status, row.wait_time, ends.get(row.snapshot_id)
        found.setdefault(row.ride.themeparks_wiki_id, []).append(state)
    return found


def told(given: list[Delivery]) -> dict[str, list[Burst]]:
    """What was told of each ride, by whichever feed, in the order of time."""
    found: dict[str, list[Burst]] = {}
    for burst in sorted((burst for each in given for burst in each.bursts), key=lambda burst: burst[0].ms):
        if burst not in found.setdefault(burst[0].ride, []):
            found[burst[0].ride].append(burst)
    return found


@pytest.mark.parametrize("seed", SEEDS)
def test_changes_that_lie_apart_are_one_row_each_whatever_came_first(seed):
    rnd = random.Random(seed)
    given = deliveries(rnd, truth(rnd, bursts=False))
    for delivery in given:
        assert take_in(delivery).duplicates == 0
    stored, ends_known = rows(), told([each for each in given if each.feed != "live"])
    for entity, bursts in told(given).items():
        changes = [change for (change,) in bursts]
        assert [row[1:3] for row in stored[entity]] == [(change.status, change.wait) for change in changes]
        for row, change in zip(stored[entity], changes, strict=True):
            assert abs(row[0] - change.ms) < 1000
            if [change] in ends_known.get(entity, []):
                window = None if change.window is None else BEGIN + timedelta(minutes=change.window + 15)
                assert row[3] == window
    for delivery in given:
        assert take_in(delivery).stored == 0
    assert rows() == stored


@pytest.mark.parametrize("seed", SEEDS)
def test_bursts_leave_the_same_state_over_time_whatever_came_first(seed):
    rnd = random.Random(seed)
    given = deliveries(rnd, truth(rnd, bursts=True))
    for delivery in given:
        take_in(delivery)
    stored = rows()
    assert_the_state_is_the_truths(stored, told(given))
    for delivery in given:
        take_in(delivery)
    assert_the_state_is_the_truths(rows(), told(given))


def assert_the_state_is_the_truths(stored: dict[str, list[Row]], told: dict[str, list[Burst]]) -> None:
    """From a second after a burst until a second before the next, its last change holds."""
    for entity, bursts in told.items():
        for n, burst in enumerate(bursts):
            until = bursts[n + 1][0].ms - 1000 if n + 1 < len(bursts) else burst[-1].ms + 5000
            for ms in (burst[-1].ms + 1000, until):
                row = [row for row in stored[entity] if row[0] <= ms][-1]
                assert row[1:3] == (burst[-1].status, burst[-1].wait), (entity, burst)
