"""How a ride stood when its record begins: of all that sources say of it one word is kept, whatever the order."""

from itertools import permutations

import pytest

from warehouse.models import Park, Ride, RideOpening
from warehouse.rides import openings
from warehouse.rides.openings import Opening

pytestmark = pytest.mark.django_db
HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.fixture
def ride():
    park = Park.objects.create(park_name="Lakeside", themeparks_wiki_id="p" * 36)
    return Ride.objects.create(park=park, ride_name="Coaster", themeparks_wiki_id="r" * 36)


def said(ride, day, *, hours_before=1, wait=5, degraded=False, file="HISTORY"):
    """What the answer of a day says: the ride operates at midnight, last seen so some hours before."""
    return Opening(
        ride.pk, day * DAY, day * DAY - hours_before * HOUR, "OPERATING", wait, degraded, f"{file} of day {day}"
    )


def test_the_earliest_is_kept_whatever_the_order_and_a_degraded_one_where_nothing_better_is_there(ride):
    whole, later = said(ride, 3), said(ride, 4)
    seen_later = said(ride, 3, hours_before=0, file="DELISTED")
    degraded = said(ride, 3, hours_before=0, degraded=True, file="CAPTURES")
    for order in permutations([whole, seen_later, degraded, later]):
        RideOpening.objects.all().delete()
        for opening in order:
            kept = openings.keep([opening])
        assert openings.of_rides([ride.pk]) == kept == {ride.pk: seen_later}, order
    first = said(ride, 2, degraded=True)
    assert openings.keep(
        [
            first,
        ]
    ) == {ride.pk: first}


def test_what_a_file_says_anew_replaces_what_it_said_unless_it_looked_back_too_short_this_time(ride):
    openings.keep([said(ride, 3, wait=5)])
    anew = said(ride, 3, wait=None, hours_before=2)
    assert openings.keep([anew]) == {ride.pk: anew}
    assert openings.keep([said(ride, 3, degraded=True)]) == {ride.pk: anew}
    assert RideOpening.objects.count() == 1


def test_openings_of_many_rides_are_read_and_written_by_one_statement_each(ride, django_assert_num_queries):
    others = [Ride.objects.create(park=ride.park, ride_name=f"{n}", themeparks_wiki_id=f"{n}") for n in range(5)]
    many = [said(one, 3) for one in others]
    marks = 6  # of a park and day, however many rides: which park they are in, its zone, the day and what is behind it
    with django_assert_num_queries(2 + marks):
        openings.keep(many)
    with django_assert_num_queries(2 + marks):
        openings.keep([said(ride, 2), *many])
    with django_assert_num_queries(2 + 2 * marks - 3):  # the day that was said before is another one
        openings.keep([said(one, 2) for one in others])
    with django_assert_num_queries(1):
        openings.keep(many)
    with django_assert_num_queries(1):
        assert len(openings.of_rides([ride.pk, *(one.pk for one in others)])) == 6
