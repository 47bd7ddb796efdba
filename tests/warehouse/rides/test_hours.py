"""When parks were open: whose word counts, what a schedule replaces, and which days are stale by it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from warehouse.instants import milliseconds_of
from warehouse.models import HoursSource, Park, ParkHours, StaleDay
from warehouse.rides.hours import Hours, hours_of, open_ms, replace

pytestmark = pytest.mark.django_db
DAY = date(2026, 4, 14)
NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)


def days_after(n: int) -> date:
    return DAY + timedelta(days=n)


def instant(hour: float, day: date = DAY) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour)


def hours(opens=9.0, closes=22.0, day=DAY, kind="OPERATING", source="SCHEDULE", description="") -> Hours:
    return Hours(kind, milliseconds_of(instant(opens, day)), milliseconds_of(instant(closes, day)), source, description)


CLOSED = Hours("CLOSED", None, None)


@pytest.fixture
def park():
    return Park.objects.create(park_name="Lakeside", themeparks_wiki_id="p" * 36, timezone="UTC")


def write(park, said: Hours, day=DAY) -> ParkHours:
    opens, closes = (
        None if ms is None else datetime.fromtimestamp(ms / 1000, UTC) for ms in (said.opens_ms, said.closes_ms)
    )
    row = ParkHours(park=park, day=day, type=said.type, opens_at=opens, closes_at=closes, source=said.source)
    row.read_at = NOW
    row.save()
    return row


def told(park, day=DAY) -> list[Hours]:
    return hours_of([park.pk], day, day).get((park.pk, day), [])


def stale(park) -> list[date]:
    return [mark.day for mark in StaleDay.objects.filter(park=park).order_by("day")]


def test_hours_of_many_parks_and_days_are_read_by_one_statement(park, django_assert_num_queries):
    other = Park.objects.create(park_name="Hillside", themeparks_wiki_id="q" * 36)
    early = hours(8.5, 9, kind="TICKETED_EVENT")
    for said, day in ((hours(), DAY), (early, DAY), (hours(day=days_after(1)), days_after(1))):
        write(park, said, day)
    write(other, CLOSED)
    with django_assert_num_queries(1):
        found = hours_of([park.pk, other.pk], DAY, days_after(1))
    assert found == {
        (park.pk, DAY): [early, hours()],
        (park.pk, days_after(1)): [hours(day=days_after(1))],
        (other.pk, DAY): [CLOSED],
    }
    assert hours_of([], DAY, DAY) == {}


def test_a_days_hours_are_by_one_source_the_operator_before_the_schedule_before_what_was_inferred(park):
    inferred = hours(9.2, 21.8, source="INFERRED")
    write(park, inferred)
    assert told(park) == [inferred]
    write(park, hours())
    assert told(park) == [hours()]
    by_hand = hours(10, 20, source="OPERATOR")
    write(park, by_hand)
    assert told(park) == [by_hand]


def test_a_park_is_open_for_guests_of_any_kind_and_no_minute_counts_twice():
    said = [
        hours(9, 22),
        hours(8.5, 9, kind="TICKETED_EVENT"),
        hours(21, 25, kind="EXTRA_HOURS"),
        hours(26, 27, kind="EXTRA_HOURS"),
        hours(1, 2, kind="INFO"),
        CLOSED,
    ]
    at = milliseconds_of(instant(0))
    assert open_ms(said) == ((at + 30_600_000, at + 25 * 3_600_000), (at + 26 * 3_600_000, at + 27 * 3_600_000))
    assert open_ms([CLOSED]) == ()


def test_a_schedule_is_kept_and_the_days_around_are_stale(park):
    changed = replace(park.pk, [DAY, days_after(1)], {DAY: {hours(), hours(8.5, 9, kind="TICKETED_EVENT")}}, NOW)
    assert changed == {DAY}
    assert [each.type for each in told(park)] == ["TICKETED_EVENT", "OPERATING"]
    assert stale(park) == [days_after(-1), DAY, days_after(1)]


def test_what_is_as_it_was_marks_nothing_and_is_known_to_have_been_read(park):
    replace(park.pk, [DAY], {DAY: {hours()}}, NOW)
    StaleDay.objects.all().delete()
    (before,) = ParkHours.objects.all()
    later = NOW + timedelta(hours=1)
    assert replace(park.pk, [DAY], {DAY: {hours()}}, later) == set()
    (after,) = ParkHours.objects.all()
    assert (after.pk, after.read_at) == (before.pk, later)
    assert stale(park) == []


@pytest.mark.parametrize("now_said", [{hours(9, 23)}, {CLOSED}, {hours(description="Late")}, set()])
def test_what_a_schedule_says_now_replaces_what_it_said(park, now_said):
    replace(park.pk, [DAY], {DAY: {hours()}}, NOW)
    StaleDay.objects.all().delete()
    assert replace(park.pk, [DAY], {DAY: now_said} if now_said else {}, NOW) == {DAY}
    assert set(told(park)) == now_said
    assert len(stale(park)) == 3


def test_days_that_are_not_covered_stay_as_they_are(park):
    write(park, hours())
    assert replace(park.pk, [days_after(1)], {}, NOW) == set()
    assert told(park) == [hours()]


def test_inferred_hours_give_way_to_a_schedule_and_stay_where_it_is_silent(park):
    for day in (DAY, days_after(3)):
        write(park, hours(day=day, source="INFERRED"), day)
    assert replace(park.pk, [DAY, days_after(3)], {DAY: {hours()}}, NOW) == {DAY}
    assert {row.source for row in ParkHours.objects.filter(day=DAY)} == {HoursSource.SCHEDULE}
    assert told(park, days_after(3)) == [hours(day=days_after(3), source="INFERRED")]


def test_a_day_of_which_an_operator_spoke_is_left_alone(park):
    by_hand = hours(10, 20, source="OPERATOR")
    write(park, by_hand)
    assert replace(park.pk, [DAY, days_after(1)], {DAY: {hours()}, days_after(1): {hours()}}, NOW) == {days_after(1)}
    assert told(park) == [by_hand]
    assert ParkHours.objects.filter(day=DAY).count() == 1


def test_days_to_come_are_not_stale_but_the_morrow_is(park):
    park.timezone = "Pacific/Auckland"  # where NOW is the first hour of the 21st
    park.save()
    days = [NOW.date() + timedelta(days=n) for n in range(5)]
    assert len(replace(park.pk, days, {day: {CLOSED} for day in days}, NOW)) == 5
    assert stale(park) == [date(2026, 4, 19), date(2026, 4, 20), date(2026, 4, 21), date(2026, 4, 22)]
