"""The quality check of rides that moved: each park is judged by the rows that are its."""

from datetime import UTC, date, datetime, timedelta

import pytest

from quality.check.duplicates import near_duplicates_of_the_month
from quality.check.gaps import silent_rides
from quality.check.scan import scan
from quality.check.window import window
from warehouse.instants import milliseconds_of
from warehouse.models import EntityMetadata, Park, Ride, RideStatusSnapshot
from warehouse.rides import stays
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import snapshot_id_of

FIRST, LAST = date(2025, 3, 1), date(2025, 5, 20)
MOVE = datetime(2025, 4, 10, 12, tzinfo=UTC)


@pytest.fixture
def parks(db):
    return [
        Park.objects.create(park_name=name, themeparks_wiki_id=name[0] * 36, timezone="UTC") for name in ("old", "new")
    ]


def a_ride(park: Park, name: str, *, until: date = LAST) -> Ride:
    """Open on every day from 10 to 18 o'clock."""
    ride = Ride.objects.create(park=park, ride_name=name, themeparks_wiki_id=name)
    EntityMetadata.objects.create(
        ride=ride, themeparks_wiki_id=name, entity_type="ATTRACTION", last_updated=datetime(2025, 1, 1, tzinfo=UTC)
    )
    rows = []
    day = FIRST
    while day <= until:
        for hour in (10, 12, 14, 16, 18):
            at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
            rows.append(
                RideStatusSnapshot(
                    snapshot_id=snapshot_id_of(ride.pk, milliseconds_of(at)),
                    ride=ride,
                    recorded_at=at,
                    status="CLOSED" if hour == 18 else "OPERATING",
                    wait_time=None if hour == 18 else 10,
                    computed_is_open=hour != 18,
                )
            )
        day += timedelta(days=1)
    RideStatusSnapshot.objects.bulk_create(rows)
    return ride


@pytest.fixture
def wanderer(parks):
    for n, park in enumerate(parks):
        for m in range(3):
            a_ride(park, f"resident {n} {m}")
    ride = a_ride(parks[0], "wanderer")
    stays.write(ride.pk, [Stay(parks[0].pk, None), Stay(parks[1].pk, milliseconds_of(MOVE))])
    return ride


def scanned(parks, *, whole: bool):
    found = scan(window(None, None, LAST), parks, whole=whole, find_near_duplicates=near_duplicates_of_the_month)
    return {(ride.name, park.park.park_name): ride for park in found.parks.values() for ride in park.rides}, found


@pytest.mark.parametrize("whole", [True, False])
def test_each_park_has_the_rows_of_its_stay(parks, wanderer, whole):
    rides, found = scanned(parks, whole=whole)
    days = (LAST - FIRST).days + 1
    before = (MOVE.date() - FIRST).days * 5 + 1  # of the day itself the one at 10
    assert rides["wanderer", "old"].records == before
    assert rides["wanderer", "new"].records == days * 5 - before
    assert rides["resident 0 0", "old"].records == days * 5
    assert found.rideless == {}
    assert (rides["wanderer", "old"].is_here, rides["wanderer", "new"].is_here) == (False, True)


def test_a_park_alone_is_not_judged_by_what_its_ride_did_elsewhere(parks, wanderer):
    rides, found = scanned(parks[:1], whole=False)
    assert rides["wanderer", "old"].records == (MOVE.date() - FIRST).days * 5 + 1
    assert found.rideless == {}


def test_a_ride_that_moved_has_not_fallen_silent_and_one_that_stopped_has(parks, wanderer):
    a_ride(parks[0], "stopped", until=MOVE.date())
    _, found = scanned(parks, whole=True)
    silent = [finding for park in found.parks.values() for finding in silent_rides(found.window, park)]
    assert [(finding.entity_key, finding.park_id) for finding in silent] == [("stopped", parks[0].pk)]
