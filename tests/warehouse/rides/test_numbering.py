"""Numbers for rides: in order, without holes, never twice, also with two writers at once."""

import threading

import pytest
from django.core.checks import run_checks
from django.db import connection, transaction

from tests.waiting import until
from warehouse.models import Park, Ride, RideNumbering
from warehouse.rides.numbering import take_numbers
from warehouse.snapshot_id import RIDE_ID_LIMIT


@pytest.fixture
def park(db):
    return Park.objects.create(park_name="a", themeparks_wiki_id="a" * 36)


def make(park, *numbers: int) -> None:
    Ride.objects.bulk_create(Ride(ride_id=number, park=park, ride_name=f"{number}") for number in numbers)


def test_numbers_follow_the_highest_ride(park):
    highest = max(41, *take_numbers(1)) + 1
    make(park, highest)
    assert list(take_numbers(3)) == [highest + 1, highest + 2, highest + 3]
    assert list(take_numbers(0)) == []


def test_what_was_given_is_not_given_again_although_the_ride_is_gone(park):
    make(park, *take_numbers(2))
    highest = Ride.objects.latest("pk").pk
    Ride.objects.filter(pk=highest).delete()
    assert list(take_numbers(1)) == [highest + 1]


@pytest.mark.django_db(transaction=True)
def test_a_try_that_is_rolled_back_leaves_no_hole():
    park = Park.objects.create(park_name="a", themeparks_wiki_id="a" * 36)
    with transaction.atomic():
        make(park, 7)
    for _ in range(5):
        with transaction.atomic():
            make(park, *take_numbers(100))
            transaction.set_rollback(True)
    assert list(take_numbers(1)) == [8]


@pytest.mark.django_db(transaction=True)
def test_two_writers_get_different_numbers_and_the_second_waits(another_session):
    park = Park.objects.create(park_name="a", themeparks_wiki_id="a" * 36)
    RideNumbering.objects.create(numbering_id=1, last_ride_id=0)
    taken, took = [], threading.Event()

    def second():
        with transaction.atomic():
            taken.append(list(take_numbers(2)))
            took.set()
        connection.close()

    with transaction.atomic():
        mine = list(take_numbers(3))
        make(park, *mine)
        thread = threading.Thread(target=second)
        thread.start()
        session = another_session()
        until(lambda: _waits(session), every_seconds=0.3)  # the server makes the list anew when 0.1 s nobody asked
        assert not took.is_set()
    thread.join()
    assert taken == [[mine[-1] + 1, mine[-1] + 2]]


def _waits(session) -> bool:
    cursor = session.cursor()
    cursor.execute("SELECT COUNT(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'")
    return cursor.fetchone()[0] > 0


@pytest.mark.parametrize(
    ("given", "warned"), [(RIDE_ID_LIMIT * 8 // 10 - 1, False), (RIDE_ID_LIMIT * 8 // 10 + 1, True)]
)
def test_a_check_warns_at_80_percent(park, given, warned):
    RideNumbering.objects.update_or_create(numbering_id=1, defaults={"last_ride_id": given})
    assert ("warehouse.W112" in {message.id for message in run_checks(databases=["default"])}) == warned
