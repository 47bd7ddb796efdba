"""The stays of a ride follow from what was heard of it, whatever the order; and what the tables answer by them."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest

from warehouse.instants import day_at, instant_at, milliseconds_of
from warehouse.models import Park, Ride, RideStay
from warehouse.rides import sightings, stays
from warehouse.rides.stays import Sighting, Span, Stay
from warehouse.snapshot_id import snapshot_id_of

HOUR = 3_600_000
A, B, C = 1, 2, 3


def at(day: int, hour: float = 0) -> int:
    """Milliseconds of an hour of 2024-05-DAY."""
    return milliseconds_of(datetime(2024, 5, day, tzinfo=UTC)) + int(hour * HOUR)


def seen(park: int, day: int, first: float, last: float | None = None) -> Sighting:
    return Sighting(date(2024, 5, day), park, at(day, first), at(day, first if last is None else last))


# --- the rule, without a database -----------------------------------------------------------------------------------
def test_a_ride_of_one_park_has_one_stay():
    assert stays.stays_of([seen(A, 1, 9, 20), seen(A, 2, 9, 20)]) == [Stay(A, None)]


def test_a_stay_begins_at_the_first_word_from_the_new_park():
    heard = [seen(A, 1, 9, 20), seen(B, 2, 10, 20), seen(B, 3, 9, 9)]
    assert stays.stays_of(heard) == [Stay(A, None), Stay(B, at(2, 10))]


def test_a_ride_may_move_within_a_day_and_come_back():
    heard = [seen(A, 1, 9, 12), seen(B, 1, 13, 20), seen(A, 4, 8)]
    assert stays.stays_of(heard) == [Stay(A, None), Stay(B, at(1, 13)), Stay(A, at(4, 8))]


def test_a_stray_word_amid_those_of_another_park_is_no_move():
    assert stays.stays_of([seen(A, 1, 9, 20), seen(B, 1, 12)]) == [Stay(A, None)]
    assert stays.interleaved_days([seen(A, 1, 9, 20), seen(B, 1, 12)]) == [date(2024, 5, 1)]


def test_a_day_of_two_parks_by_turns_stays_with_the_park_before():
    turns = [seen(A, 2, 9, 18), seen(B, 2, 10, 20)]
    assert stays.stays_of([*turns, seen(B, 1, 9)]) == [Stay(B, None)]
    assert stays.stays_of([*turns, seen(B, 3, 9)]) == [Stay(A, None), Stay(B, at(3, 9))]
    assert stays.stays_of([*turns, seen(C, 1, 9)]) == [Stay(C, None), Stay(A, at(2, 9))]


def test_two_parks_at_one_instant_are_by_turns():
    assert stays.interleaved_days([seen(A, 1, 9), seen(B, 1, 9)]) == [date(2024, 5, 1)]


def test_the_park_at_an_instant():
    course = [Stay(A, None), Stay(B, at(2)), Stay(A, at(4))]
    found = [stays.park_at(course, instant) for instant in (0, at(2) - 1, at(2), at(4) - 1, at(4), at(9))]
    assert found == [A, A, B, B, A, A]


# --- the tables -----------------------------------------------------------------------------------------------------
@pytest.fixture
def parks(db):
    return [Park.objects.create(park_name=name, themeparks_wiki_id=name * 36) for name in "abc"]


@pytest.mark.parametrize("seed", range(6))
def test_the_same_is_known_in_the_end_whatever_came_first(parks, seed):
    rnd = random.Random(seed)
    heard = []
    for _ in range(40):
        instant = at(1) + rnd.randrange(8 * 24) * HOUR
        heard.append(Sighting(day_at(instant), rnd.choice(parks).pk, instant, instant))
    wanted = None
    for _ in range(3):
        rnd.shuffle(heard)
        ride = Ride.objects.create(park=parks[0], ride_name="Wanderer")
        for part in (heard[:13], heard[10:30], heard[30:]):  # some of it twice
            sightings.note({ride.pk: part})
        course = stays.of_rides([ride.pk])[ride.pk]
        wanted = wanted or course
        assert course == wanted
        ride.refresh_from_db()
        assert ride.park_id == course[-1].park_id


def moved(parks) -> Ride:
    ride = Ride.objects.create(park=parks[0], ride_name="Wanderer")
    sightings.note({ride.pk: [Sighting(date(2024, 5, d), parks[d % 2].pk, at(d, 9), at(d, 20)) for d in (2, 3)]})
    return ride


def test_whose_rows_are_whose_in_a_period(parks):
    ride = moved(parks)
    resident = Ride.objects.create(park=parks[0], ride_name="Resident")
    start, end = instant_at(at(1)), instant_at(at(5))
    moment = instant_at(at(3, 9))
    found = stays.spans([park.pk for park in parks], start, end)
    assert found == {
        parks[0].pk: [Span(ride.pk, start, moment), Span(resident.pk, start, end)],
        parks[1].pk: [Span(ride.pk, moment, end)],
        parks[2].pk: [],
    }
    assert stays.spans_of(parks[0].pk, moment, end) == [Span(resident.pk, moment, end)]
    assert stays.periods_of(parks[1].pk, start, end) == [([ride.pk], moment, end)]
    ids = [snapshot_id_of(ride.pk, at(3, 8)), snapshot_id_of(ride.pk, at(3, 9)), snapshot_id_of(resident.pk, at(3))]
    assert stays.parks_of(ids) == dict(zip(ids, [parks[0].pk, parks[1].pk, parks[0].pk], strict=True))


def test_stays_leave_no_hole_and_the_ride_stands_in_the_last(parks):
    ride = moved(parks)
    rows = list(RideStay.objects.filter(ride=ride).order_by("begins_at").values_list("park", "begins_at", "ends_at"))
    moment = instant_at(at(3, 9))
    assert rows == [(parks[0].pk, None, moment), (parks[1].pk, moment, None)]
    assert Ride.objects.get(pk=ride.pk).park == parks[1]


def test_an_operator_says_where_it_is_and_nothing_moves_it_then(parks):
    ride = moved(parks)
    stays.set_by_operator(ride.pk, parks[2].pk)
    assert stays.of_rides([ride.pk])[ride.pk] == [Stay(parks[0].pk, None), Stay(parks[2].pk, at(3, 9))]
    Ride.objects.filter(pk=ride.pk).update(hand_set=["park_id"])
    day = date(2024, 5, 3) + timedelta(days=5)
    noted = sightings.note({ride.pk: [Sighting(day, parks[1].pk, at(8), at(8))]})[ride.pk]
    assert (noted.before, noted.park_id) == (noted.after, parks[2].pk)
    stays.set_by_operator(ride.pk, parks[0].pk)  # it never moved at all
    assert stays.of_rides([ride.pk])[ride.pk] == [Stay(parks[0].pk, None)]


def test_a_ride_that_never_moved_takes_its_history_along_by_hand(parks):
    ride = Ride.objects.create(park=parks[0], ride_name="Resident")
    stays.set_by_operator(ride.pk, parks[1].pk)
    assert stays.of_rides([ride.pk]) == {}
