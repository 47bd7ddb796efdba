"""How days are made anew: which marks go, which stay, and what follows; what a day is to say is the rule's matter."""

import threading
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection

from tests.waiting import HANG_SECONDS, until
from tests.warehouse.conftest import another_session as another_session
from tests.warehouse.history.planting import make_park, plant
from warehouse.history import all_parks, recompute, stored_days
from warehouse.history.recompute import ParkBusy, last_final
from warehouse.history.rule import Figures
from warehouse.models import ParkHours, RideDay, StaleDay
from warehouse.rides import stale_days
from warehouse.server.named_lock import named_lock
from warehouse.zones import known_zone

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = date(2026, 3, 2)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def one():
    """A ride that opened on one day, said nothing on the next two, and a word three days later."""
    park, (ride, other) = make_park(rides=2)
    plant(ride, [("2026-03-02 10:00", "OPERATING", 10), ("2026-03-02 20:00", "CLOSED", None)])
    plant(other, [("2026-03-02 10:00", "OPERATING", 5), ("2026-03-05 11:00", "OPERATING", 5)])
    stale_days.mark_around(park.pk, [DAY, DAY + 3 * ONE_DAY])
    return park, ride


def marks() -> list[date]:
    return list(StaleDay.objects.order_by("day").values_list("day", flat=True))


def days() -> list[date]:
    return sorted(set(RideDay.objects.values_list("day", flat=True)))


def test_marked_days_are_made_and_their_marks_go(one):
    park, ride = one
    made = recompute.recompute(park.pk, NOW)
    assert [(each.first, each.last) for each in made] == [(DAY - ONE_DAY, DAY + 4 * ONE_DAY)], (
        "near each other: in one go"
    )
    assert (marks(), days()) == ([], [DAY, DAY + 3 * ONE_DAY])
    assert RideDay.objects.get(ride=ride, day=DAY).operating_minutes == 600
    (hours,) = ParkHours.objects.filter(day=DAY)
    assert (hours.source, hours.opens_at.hour) == ("INFERRED", 15)
    assert recompute.recompute(park.pk, NOW) == []


def test_a_day_whose_rows_are_gone_has_no_sums(one):
    park, _ = one
    recompute.recompute(park.pk, NOW)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM ride_status_snapshots WHERE recorded_at < '2026-03-04'")
    stale_days.mark_around(park.pk, [DAY])
    recompute.recompute(park.pk, NOW)
    assert (marks(), days()) == ([], [DAY + 3 * ONE_DAY])
    assert not ParkHours.objects.filter(day=DAY).exists()


def test_what_is_carried_is_followed_to_the_next_day_with_sums_and_ends_where_it_is_the_same(one):
    park, ride = one
    recompute.recompute(park.pk, NOW)
    later = RideDay.objects.get(ride=ride, day=DAY + 3 * ONE_DAY)
    assert later.closed_minutes == 1440
    computed = later.computed_at
    plant(ride, [("2026-03-02 21:00", "REFURBISHMENT", None)])
    stale_days.mark_around(park.pk, [DAY])
    assert marks() == [DAY - ONE_DAY, DAY, DAY + ONE_DAY]
    made = recompute.recompute(park.pk, NOW)
    assert [(each.first, each.last) for each in made][-1] == (DAY + 3 * ONE_DAY, DAY + 3 * ONE_DAY)
    later.refresh_from_db()
    assert (later.closed_minutes, later.refurbishment_minutes, later.computed_at) == (0, 1440, computed)
    plant(ride, [("2026-03-02 12:00", "OPERATING", 30)])  # nothing of it is left in the evening
    stale_days.mark_around(park.pk, [DAY])
    assert len(recompute.recompute(park.pk, NOW)) == 1


@contextmanager
def held(session, park_id: int):
    """Another writer is at this park, until it commits."""
    session.query(f"SELECT 1 FROM parks WHERE park_id = {park_id} FOR UPDATE")
    session.store_result()
    yield
    session.commit()


def in_a_thread(what) -> tuple[threading.Thread, list]:
    found: list = []

    def run() -> None:
        try:
            found.append(what())
        finally:
            connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    return thread, found


def waits_for_its_turn() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() AND info LIKE "
            "'SELECT park_id FROM parks%%' AND id <> CONNECTION_ID()"
        )
        return cursor.fetchone()[0] > 0


def test_a_row_that_comes_while_a_day_is_made_leaves_the_mark(one, another_session, monkeypatch):
    park, ride = one
    monkeypatch.setattr(recompute, "LOCK_WAIT_SECONDS", HANG_SECONDS)
    session = another_session()
    seen = recompute._oldest(park.pk, NOW, None)
    with held(session, park.pk):
        thread, found = in_a_thread(lambda: recompute._make(park.pk, seen, NOW))
        until(waits_for_its_turn)  # it has read the rows
        session.query(
            "INSERT INTO ride_status_snapshots (snapshot_id, ride_id, recorded_at, status, computed_is_open, "
            "data_source) SELECT "
            f"snapshot_id + 1048576, {ride.pk}, DATE_ADD(recorded_at, INTERVAL 1000 MICROSECOND), 'DOWN', 0, 'ARCHIVE' "
            f"FROM ride_status_snapshots WHERE ride_id = {ride.pk} AND recorded_at < '2026-03-03'"
        )
        session.query(f"UPDATE stale_days SET token = 7 WHERE day BETWEEN '{DAY - ONE_DAY}' AND '{DAY + ONE_DAY}'")
    thread.join(HANG_SECONDS)
    assert [made.days for made in found] == [0], "the first day is another one already"
    assert marks()[:3] == [DAY - ONE_DAY, DAY, DAY + ONE_DAY]
    assert not days()
    monkeypatch.undo()
    recompute.recompute(park.pk, NOW)
    assert (marks(), RideDay.objects.get(ride=ride, day=DAY).operating_minutes) == ([], 1)


def test_days_behind_one_that_changed_meanwhile_wait_with_it_and_those_before_it_do_not(
    one, another_session, monkeypatch
):
    park, _ = one
    monkeypatch.setattr(recompute, "LOCK_WAIT_SECONDS", HANG_SECONDS)
    seen = recompute._oldest(park.pk, NOW, None)
    before = dict(StaleDay.objects.values_list("day", "token"))
    session = another_session()
    with held(session, park.pk):
        thread, _ = in_a_thread(lambda: recompute._make(park.pk, seen, NOW))
        until(waits_for_its_turn)
        session.query(f"UPDATE stale_days SET token = 7 WHERE day = '{DAY + 2 * ONE_DAY}'")
    thread.join(HANG_SECONDS)
    after = dict(StaleDay.objects.values_list("day", "token"))
    assert sorted(after) == [DAY + n * ONE_DAY for n in (2, 3, 4)]
    assert not set(after.values()) & {7, *before.values()}, "what others have read of them meanwhile is void"


def test_what_two_make_at_once_is_written_by_one_of_them(one, another_session, monkeypatch):
    park, _ = one
    monkeypatch.setattr(recompute, "LOCK_WAIT_SECONDS", HANG_SECONDS)
    session = another_session()
    seen = recompute._oldest(park.pk, NOW, None)
    with held(session, park.pk):
        both = [in_a_thread(lambda: recompute._make(park.pk, seen, NOW)) for _ in range(2)]
        until(waits_for_its_turn)
    for thread, _ in both:
        thread.join(HANG_SECONDS)
    assert sorted(made.days for _, (made,) in both) == [0, 6]
    assert (marks(), days()) == ([], [DAY, DAY + 3 * ONE_DAY])


def test_a_park_that_another_process_is_at_is_left_to_it(one):
    park, _ = one
    with named_lock(f"days of park {park.pk}"):
        thread, found = in_a_thread(lambda: all_parks.make([park.pk], NOW))
        thread.join(HANG_SECONDS)
    assert str(found[0]) == "0 days of 0 parks made anew, 1 park left to others that are at it"
    assert len(marks()) == 6


def test_rows_that_are_written_for_long_leave_the_days_to_another_time(one, another_session, monkeypatch):
    park, _ = one
    monkeypatch.setattr(recompute, "LOCK_WAIT_SECONDS", 0)
    monkeypatch.setattr(recompute, "ATTEMPTS", 1)
    with held(another_session(), park.pk), pytest.raises(ParkBusy):
        recompute.recompute(park.pk, NOW)
    assert len(marks()) == 6


def test_many_days_of_a_park_with_few_rides_are_made_in_one_go_and_those_of_a_large_one_are_not(one, monkeypatch):
    park, ride = one
    for month in ("04", "05"):
        plant(ride, [(f"2026-{month}-02 10:00", "OPERATING", 10)])
    stale_days.mark((park.pk, DAY + n * ONE_DAY) for n in range(70))
    assert [made.days for made in recompute.recompute(park.pk, NOW)] == [71]
    monkeypatch.setattr(recompute, "RIDE_DAYS_AT_ONCE", 2 * 40)  # it has two rides
    stale_days.mark((park.pk, DAY + n * ONE_DAY) for n in range(70))
    assert [made.days for made in recompute.recompute(park.pk, NOW)] == [40, 30]
    assert days() == [DAY, DAY + 3 * ONE_DAY, date(2026, 4, 2), date(2026, 5, 2)]


def test_time_that_is_over_leaves_the_rest_marked(one):
    park, ride = one
    plant(ride, [("2026-05-02 10:00", "OPERATING", 10)])
    stale_days.mark_around(park.pk, [date(2026, 5, 2)])
    made = all_parks.make([park.pk], NOW, seconds=-1)
    assert (made.days, len(marks())) == (0, 9)
    made = recompute.recompute(park.pk, NOW, goes=1)
    assert ([each.last for each in made], len(marks())) == ([DAY + 4 * ONE_DAY], 3)


# --- days that are not final ----------------------------------------------------------------------------------------
def test_a_day_is_made_when_it_is_over_and_its_mark_goes_when_it_is_final(one):
    park, _ = one
    today = datetime(2026, 3, 5, 18, tzinfo=UTC)
    recompute.recompute(park.pk, today)
    assert days() == [DAY]
    assert marks() == [DAY + n * ONE_DAY for n in (2, 3, 4)]
    tomorrow = today + ONE_DAY
    assert [made.first for made in recompute.recompute(park.pk, tomorrow)] == [DAY + 2 * ONE_DAY, DAY + 3 * ONE_DAY]
    assert (days(), marks()) == ([DAY, DAY + 3 * ONE_DAY], [DAY + 3 * ONE_DAY, DAY + 4 * ONE_DAY])
    hour = timedelta(hours=1)
    assert recompute.recompute(park.pk, tomorrow + hour / 2, not_final_after=hour) == [], "of the same hour"
    assert len(recompute.recompute(park.pk, tomorrow + 2 * hour, not_final_after=hour)) == 1
    recompute.recompute(park.pk, NOW)
    assert marks() == []


@pytest.mark.parametrize(
    ("zone", "now", "day"),
    [
        ("UTC", "2026-06-03T00:00", "2026-06-01"),
        ("UTC", "2026-06-02T23:59", "2026-05-31"),
        ("Pacific/Kiritimati", "2026-06-02T10:00", "2026-06-01"),
        ("Pacific/Pago_Pago", "2026-06-03T10:59", "2026-05-31"),
        ("Pacific/Pago_Pago", "2026-06-03T11:00", "2026-06-01"),
        ("America/New_York", "2026-03-09T05:00", "2026-03-07"),  # the 8th has 23 hours
        ("America/New_York", "2026-03-10T04:00", "2026-03-08"),
    ],
)
def test_a_day_is_final_24_hours_after_its_end(zone, now, day):
    instant = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert last_final(known_zone(zone), instant) == date.fromisoformat(day)
    assert stale_days.SURELY_FINAL.days == 3
    assert last_final(known_zone(zone), instant) >= (instant - stale_days.SURELY_FINAL).date()


# --- rules ----------------------------------------------------------------------------------------------------------
def test_days_that_were_counted_by_older_rules_are_made_anew(one):
    park, _ = one
    recompute.recompute(park.pk, NOW)
    RideDay.objects.update(rules_version=0)
    made = recompute.recompute(park.pk, NOW)
    assert sum(each.rows for each in made) == RideDay.objects.exclude(rules_version=0).count() == 4
    assert recompute.recompute(park.pk, NOW) == []


def test_the_columns_are_those_of_the_rule():
    assert Figures._fields == stored_days.FIGURES
