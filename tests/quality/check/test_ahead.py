"""A scan that goes ahead of its check: whatever happens behind it, the check comes to what one that reads all does."""

import random
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from quality.check.ahead import DAYS_BEHIND, PORTION_DAYS, ScanAhead
from quality.check.duplicates import near_duplicates_of_the_month
from quality.check.scan import Scan, scan
from quality.check.window import window
from tests.quality.check import clean_year
from tests.quality.check.test_taking import of_park, of_ride
from warehouse.instants import milliseconds_of
from warehouse.models import Park, Ride
from warehouse.rides import stale_days, stays
from warehouse.rides.changed_rows import rows_changed
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2025, 2, 20), date(2025, 4, 12)


def days(first: date = FIRST, last: date = LAST):
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def noon(day: date) -> int:
    return milliseconds_of(datetime(day.year, day.month, day.day, 12, tzinfo=UTC))


def store(rows: list[tuple[int, int, str, int | None]]) -> None:
    """As whoever stores rows does."""
    clean_year.observe(rows)
    rows_changed(snapshot_id_of(ride_id, ms) for ride_id, ms, _, _ in rows)


class Resort:
    """Two parks with two rides each, of which rows come in day by day."""

    def __init__(self):
        self.dice = random.Random(5)
        self.parks = [
            Park.objects.create(park_name=name, timezone=zone, themeparks_wiki_id=name)
            for name, zone in (("east", "America/New_York"), ("west", "Europe/Berlin"))
        ]
        self.rides = [self.new_ride(f"{park.park_name} {n}", park) for park in self.parks for n in range(2)]
        self.ahead = ScanAhead([park.pk for park in self.parks], FIRST, LAST, rows_at_once=1)

    def new_ride(self, name: str, park: Park) -> Ride:
        return Ride.objects.create(park=park, ride_name=name, themeparks_wiki_id=f"{name} of {park.pk}")

    def come_in(self, *those: date, look: bool = True) -> None:
        """Three days at a time."""
        for begin in range(0, len(those), 3):
            some = those[begin : begin + 3]
            store(
                [
                    (ride.pk, noon(day) + n * 3_600_000, self.dice.choice(["OPERATING"] * 5 + ["DOWN", "CLOSED"]), wait)
                    for day in some
                    for ride in self.rides
                    for n, wait in enumerate(self.dice.choices([None, 5, 20, 45], k=6))
                ]
            )
            if look:
                self.ahead.advance(some[-1])

    def begun(self) -> tuple[Scan, date] | None:
        return self.ahead.begun(self.window(), self.parks_now())

    def window(self):
        return window(FIRST, LAST, LAST)

    def parks_now(self) -> list[Park]:
        return list(Park.objects.filter(pk__in=[park.pk for park in self.parks]))

    def scan(self, begun: tuple[Scan, date] | None = None) -> Scan:
        return scan(
            self.window(), self.parks_now(), whole=False, find_near_duplicates=near_duplicates_of_the_month, begun=begun
        )

    def comes_to_the_same(self) -> date | None:
        """The first day that was left to be read."""
        begun = self.begun()
        ahead, at_once = self.scan(begun), self.scan()
        assert said(ahead) == said(at_once)
        return begun and begun[1]


def said(scanned: Scan) -> list:
    return [
        (
            of_park(park),
            park.day_count,
            [(month, one.name, other.name) for month, one, other in park.near_duplicates],
            [(ride.name, ride.is_here, ride.left_at, of_ride(ride)) for ride in park.rides],
        )
        for park in scanned.parks.values()
    ] + [scanned.rows]


@pytest.fixture
def resort():
    return Resort()


def test_all_but_the_last_days_are_read_while_they_come_in(resort):
    resort.come_in(*days())
    assert resort.comes_to_the_same() == LAST - timedelta(days=DAYS_BEHIND)


def test_few_rows_are_left_until_there_are_more_but_for_a_few_days_at_most(resort):
    resort.ahead = ScanAhead(resort.ahead.park_ids, FIRST, LAST)
    resort.come_in(*days())
    left = (LAST - resort.comes_to_the_same()).days
    assert DAYS_BEHIND <= left < DAYS_BEHIND + PORTION_DAYS


def test_what_was_there_before_is_read_month_by_month(resort):
    """Its days were made anew, and have no marks."""
    resort.come_in(*days(last=LAST - timedelta(days=1)), look=False)
    forget_marks()
    resort.come_in(LAST)
    assert resort.comes_to_the_same() == date(2025, 4, 1)


@pytest.mark.parametrize(
    "late, read_to",
    [
        (date(2025, 4, 2), date(2025, 4, 1)),  # in the month that is read in part
        (date(2025, 3, 20), date(2025, 3, 1)),
        (date(2025, 2, 25), None),
    ],
)
def test_a_row_that_comes_late_lets_its_month_and_those_behind_be_read_again(resort, late, read_to):
    resort.come_in(*days())
    store([(resort.rides[0].pk, noon(late) + 1, "OPERATING", 90)])
    assert resort.comes_to_the_same() == read_to


def test_so_it_does_while_others_come_in(resort):
    resort.come_in(*days(last=date(2025, 3, 20)))
    store([(resort.rides[0].pk, noon(date(2025, 3, 3)) + 1, "OPERATING", 90)])
    resort.come_in(*days(first=date(2025, 3, 21)))
    assert resort.comes_to_the_same() == LAST - timedelta(days=DAYS_BEHIND)


def test_days_that_are_made_anew_meanwhile_are_read_again(resort):
    """Their marks are gone: whoever wrote to them in between could not be told."""
    resort.come_in(*days())
    forget_marks()
    assert resort.comes_to_the_same() == date(2025, 4, 1)


def test_a_row_older_than_all_the_others_changes_the_window(resort):
    resort.come_in(*days())
    store([(resort.rides[0].pk, noon(date(2025, 1, 28)), "OPERATING", 90)])
    assert resort.comes_to_the_same() is None


def test_a_ride_that_is_new_or_gets_another_name(resort):
    resort.come_in(*days(last=date(2025, 3, 20)))
    resort.rides.append(resort.new_ride("a new one", resort.parks[0]))
    Ride.objects.filter(pk=resort.rides[0].pk).update(ride_name="zzz, renamed")
    resort.come_in(*days(first=date(2025, 3, 21)))
    assert resort.comes_to_the_same() == LAST - timedelta(days=DAYS_BEHIND)


def test_a_ride_that_has_moved_as_it_turns_out(resort):
    resort.come_in(*days())
    stays.write(resort.rides[0].pk, [Stay(resort.parks[0].pk, None), Stay(resort.parks[1].pk, noon(date(2025, 3, 10)))])
    assert resort.comes_to_the_same() is None


def test_a_ride_that_comes_from_another_park(resort):
    """Its rows were another park's, and tell of nothing that was written to these."""
    elsewhere = Park.objects.create(park_name="south", themeparks_wiki_id="south")
    ride = resort.new_ride("of elsewhere", elsewhere)
    store([(ride.pk, noon(day), "OPERATING", 30) for day in days()])
    resort.come_in(*days())
    Ride.objects.filter(pk=ride.pk).update(park=resort.parks[0])
    assert resort.comes_to_the_same() is None


def test_a_park_in_another_zone(resort):
    resort.come_in(*days())
    Park.objects.filter(pk=resort.parks[0].pk).update(timezone="Asia/Tokyo")
    assert resort.comes_to_the_same() is None


def test_a_park_more_is_another_check(resort):
    resort.come_in(*days())
    resort.parks.append(Park.objects.create(park_name="south", themeparks_wiki_id="south"))
    assert resort.comes_to_the_same() is None


def test_where_rows_come_in_no_order_it_gives_up(resort):
    resort.come_in(*days(last=date(2025, 3, 20)))
    for n, day in enumerate(days(first=date(2025, 3, 21))):
        store([(resort.rides[0].pk, noon(FIRST) + 1 + n, "OPERATING", 90)])
        resort.come_in(day)
    before = statements()
    resort.ahead.advance(LAST)
    assert statements() - before == 1  # the one that asks
    assert resort.comes_to_the_same() is None


def test_a_park_that_was_closed_for_weeks(resort):
    rides = resort.rides
    resort.rides = rides[:2]
    resort.come_in(*days(last=date(2025, 3, 25)))
    resort.rides = rides
    resort.come_in(*days(first=date(2025, 3, 26)))
    resort.comes_to_the_same()


def forget_marks() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT park_id, day FROM stale_days")
        for park_id, day in cursor.fetchall():
            stale_days.clear(park_id, [day])


def statements() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
        return int(cursor.fetchone()[1])
