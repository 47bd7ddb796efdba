"""quality.check.taking against row_by_row: the same profiles of the same rows, however they are cut into portions."""

import random
from datetime import UTC, date, datetime

import pytest

from quality.check import taking
from quality.check.profiles import ParkProfile, RideProfile
from quality.check.rows import MISNUMBERED, NOT_TOLD, STATUSES, WAIT_SHIFT, Row
from quality.check.window import Window
from tests.quality.check import row_by_row
from warehouse.instants import milliseconds_of
from warehouse.models import Park
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.no_database

MINUTE_MS = 60_000
MONTHS = ((date(2025, 3, 1), date(2025, 4, 1)), (date(2025, 4, 1), date(2025, 5, 1)))
WINDOW = Window(None, None, MONTHS, True, True)
BEGIN_MS = milliseconds_of(datetime(2025, 3, 1, tzinfo=UTC))
ZONES = ("America/New_York", "Europe/Berlin", "")
PARK_OF = {1: 0, 2: 0, 3: 0, 4: 1, 5: 1, 6: 2}  # by ride_id


def key_of(status: str, wait: int | None, queues: int) -> int:
    number = (STATUSES.index(status) + 1) % len(STATUSES)
    return ((0 if wait is None else wait + WAIT_SHIFT) * 8 + number) * 256 + queues


def some_rows(dice: random.Random) -> list[Row]:
    """Two months of rides that have moods: busy, quiet (the same word again and again), silent, speaking of queues or
    not."""
    rows: dict[int, int] = {}
    for ride_id in PARK_OF:
        ms, status, wait, queues = BEGIN_MS + dice.randrange(10**7), "OPERATING", None, 1
        while ms < BEGIN_MS + 58 * 86_400_000:
            rows[snapshot_id_of(ride_id, ms)] = key_of(status, wait, queues)
            mood = dice.random()
            if mood < 0.25:
                ms += dice.randrange(1, 20 * MINUTE_MS)
            elif mood < 0.9:
                ms += dice.choice([20, 60, 90, 150]) * MINUTE_MS
            else:
                ms += dice.choice([3, 5, 11, 26, 80]) * 60 * MINUTE_MS + dice.randrange(3)
            if dice.random() < 0.4:
                status = dice.choice(["OPERATING"] * 6 + STATUSES)
                wait = dice.choice([None, None, 0, 5, 10, 15, 15, 45, 240, -5])
            if dice.random() < 0.3:
                queues = dice.choice([0, 1, 1, 1, 3, 7, NOT_TOLD])
    return sorted(rows.items())


def profiles_of(make: type[RideProfile]) -> tuple[list[ParkProfile], dict[int, RideProfile]]:
    parks = [ParkProfile(Park(timezone=zone), WINDOW) for zone in ZONES]
    rides = {ride_id: make(ride_id, "", None, "", parks[park]) for ride_id, park in PARK_OF.items()}
    for ride in rides.values():
        ride.park.rides.append(ride)
    return parks, rides


def of_park(park: ParkProfile) -> dict:
    return {
        "hours": park.hours, "silences": park.silences, "nights": park.nights.found, "open": park.open_now,
        "peak": park.open_peak, "epoch": park.epoch, "last_ms": park.last_ms,
    }  # fmt: skip


def of_ride(ride: RideProfile) -> dict:
    return {
        "days": ride.days, "frozen": ride.frozen, "omissions": ride.omissions_of_months, "of_this": ride.omissions,
        "a_day": ride.changes_a_day, "changes": ride.changes, "sketch": ride.sketch, "waits": ride.waits,
        "records": ride.records, "last_ms": ride.last_ms, "spoken": ride.spoken, "silent": ride.silent_about,
    }  # fmt: skip


@pytest.mark.parametrize("seed", range(12))
def test_rides_by_themselves_come_to_the_same_as_row_after_row(seed):
    dice = random.Random(seed)
    rows = some_rows(dice)
    parks, rides = profiles_of(RideProfile)
    plain_parks, plain_rides = profiles_of(row_by_row.PlainRide)
    second_month = snapshot_id_of(1, milliseconds_of(datetime(2025, 4, 1, tzinfo=UTC)))
    for of_month, (month, _) in zip(
        ([row for row in rows if row[0] < second_month], [row for row in rows if row[0] >= second_month]),
        MONTHS,
        strict=True,
    ):
        begin = 0
        while begin < len(of_month):
            end = begin + dice.choice([1, 2, 7, 100, 1000])
            taking.take(rides, of_month[begin:end])
            begin = end
        row_by_row.take(plain_rides, of_month)
        for ride_id in rides:
            assert of_ride(rides[ride_id]) == of_ride(plain_rides[ride_id])
        for ride in (*rides.values(), *plain_rides.values()):
            ride.end_month(month)
    for some_parks, some_rides in ((parks, rides), (plain_parks, plain_rides)):
        for park in some_parks:
            park.end_hour()
            park.nights.turns(park.last_ms)
        for ride in some_rides.values():
            ride.leave()
    for ride_id in rides:
        assert of_ride(rides[ride_id]) == of_ride(plain_rides[ride_id])
    for park, plain in zip(parks, plain_parks, strict=True):
        assert of_park(park) == of_park(plain)


def test_the_rows_have_what_is_to_be_told_apart():
    """Or the test above would prove nothing."""
    for seed in range(12):
        parks, rides = profiles_of(RideProfile)
        taking.take(rides, some_rows(random.Random(seed)))
        of_rides = [any(ride.frozen for ride in rides.values()), any(ride.omissions.lacking for ride in rides.values())]
        if all(park.silences for park in parks) and any(park.nights.found for park in parks) and all(of_rides):
            return
    pytest.fail("no seed makes silences, nights, frozen waits and omissions at once")


def test_misnumbered_and_rideless_rows_are_given_back():
    _, rides = profiles_of(RideProfile)
    ids = [snapshot_id_of(ride_id, BEGIN_MS + ride_id) for ride_id in (1, 77, 2)]
    said = key_of("OPERATING", 5, 1)
    assert taking.take(rides, [(ids[0], MISNUMBERED), (ids[1], said), (ids[2], said)]) == ([ids[0]], [ids[1]])
    assert [rides[ride_id].records for ride_id in (1, 2)] == [0, 1]
