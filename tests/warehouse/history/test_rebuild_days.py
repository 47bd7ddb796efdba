"""manage.py rebuild_days: sums made anew from the rows, or held against them."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests import migrating
from tests.warehouse.history.planting import make_park, plant
from warehouse.history import recompute
from warehouse.models import EntityMetadata, HoursSource, ParkDay, ParkHours, RideDay, RideStay, StaleDay
from warehouse.rides import stale_days
from warehouse.tasks import make_days_anew

pytestmark = pytest.mark.django_db(transaction=True)
DAY = date(2026, 3, 2)
ONE_DAY = timedelta(days=1)


@pytest.fixture
def parks(monkeypatch):
    """Two of them, with rows on two days a month apart, which are made in goes as of large parks; nothing is marked."""
    monkeypatch.setattr(recompute, "RIDE_DAYS_AT_ONCE", 0)
    found = []
    for number in (1, 2):
        park, (ride,) = make_park()
        for day in ("2026-03-02", "2026-04-02"):
            plant(ride, [(f"{day} 10:00", "OPERATING", 10 * number), (f"{day} 20:00", "CLOSED", None)])
        found.append(park)
    return found


def rebuild(*arguments: object) -> tuple[str, str]:
    out, err = StringIO(), StringIO()
    call_command("rebuild_days", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_all_days_of_all_parks_are_made_whatever_the_marks_say(parks):
    out, err = rebuild()
    assert out == "64 days of 2 parks made anew, 4 rows\n"
    assert err.splitlines()[0] == "Park 1: 2026-03-02 to 2026-04-01, 1 row"
    assert RideDay.objects.filter(standby_minutes=600).count() == 4
    RideDay.objects.filter(day=DAY).update(operating_minutes=1)
    RideDay.objects.create(
        park=parks[0], day=DAY - ONE_DAY, ride_id=1, told_by="LIVE", rules_version=1, carried=0,
        computed_at="2026-01-01T00:00:00Z",
    )  # fmt: skip
    rebuild("--park", parks[0].pk)
    assert [row.operating_minutes for row in RideDay.objects.filter(day=DAY).order_by("park")] == [600, 1]
    assert not RideDay.objects.filter(day=DAY - ONE_DAY).exists()
    assert not StaleDay.objects.exists()


def test_days_of_a_range_are_made_alone(parks):
    rebuild()
    RideDay.objects.update(operating_minutes=1)
    out, _ = rebuild("--park", parks[1].pk, "--from", DAY + ONE_DAY, "--to", "2027-01-01")
    assert out == "31 days of 1 park made anew, 1 row\n"
    assert RideDay.objects.filter(operating_minutes=1).count() == 3
    assert rebuild("--from", "2030-01-01") == ("Nothing is known of these days.\n", "")


def test_sums_are_held_against_the_rows_and_nothing_is_written(parks):
    rebuild()
    assert rebuild("--verify")[0] == "64 days compared: all are what the rows say\n"
    RideDay.objects.filter(park=parks[0], day=DAY).update(operating_minutes=1, standby_p50=None)
    ParkDay.objects.filter(park=parks[0], day="2026-04-02").update(standby_sum=7)
    RideDay.objects.filter(park=parks[1], day="2026-04-02").delete()
    ParkHours.objects.filter(park=parks[1], day=DAY).delete()
    out, err = StringIO(), StringIO()
    with pytest.raises(CommandError) as failed:
        call_command("rebuild_days", verify=True, stdout=out, stderr=err)
    assert failed.value.returncode == 1
    assert str(failed.value) == (
        "4 of 64 days compared are not what the rows say. To make them anew:  "
        f"manage.py rebuild_days --park {parks[0].pk} --from 2026-03-02 --to 2026-04-02"
    )
    first, of_park, *others = out.getvalue().splitlines()
    assert first.endswith(
        "Ride 1-0: operating_minutes 1 stored, 600 by the rows; standby_p50 None stored, 10 by the rows"
    )
    assert of_park == (
        "Park 1, 2026-04-02, the park's sums of what has no kind: standby_sum 7 stored, 6000 by the rows"
    )
    assert ["the park's hours" in others[0], others[1].endswith("a row not stored, is by the rows")] == [True, True]
    assert RideDay.objects.get(park=parks[0], day=DAY).operating_minutes == 1
    stale_days.mark((park.pk, day) for park in parks for day in (DAY, date(2026, 4, 2)))
    assert rebuild("--verify")[0] == (
        "60 days compared, 4 days left out that are marked or not final: all are what the rows say\n"
    )


def test_what_is_wrong_is_said_in_a_line():
    for arguments, said, status in (
        (["--park", "x"], "--park 'x' is neither a park_id nor a UUID", 2),
        (["--park", "77"], "There is no park 77", 2),
        (["--from", "2026-03-02", "--to", "2026-03-01"], "--from 2026-03-02 lies after --to 2026-03-01; swap them", 2),
    ):
        with pytest.raises(CommandError) as failed:
            rebuild(*arguments)
        assert (str(failed.value), failed.value.returncode) == (said, status)
    with pytest.raises(CommandError, match="0026-01-01: give a day of the years"):
        rebuild("--to", "0026-01-01")


class _InterruptedTerminal(StringIO):
    def write(self, text: str) -> int:
        raise KeyboardInterrupt


def test_it_is_interrupted_between_days_and_says_how_far_it_is(parks):
    with pytest.raises(CommandError) as stopped:
        call_command("rebuild_days", stdout=StringIO(), stderr=_InterruptedTerminal())
    assert str(stopped.value).startswith("Stopped behind Park 1, 2026-04-01. What is done stays, and what is left is")
    assert stopped.value.returncode == 3
    assert StaleDay.objects.count() == 1
    make_days_anew()
    assert RideDay.objects.filter(park=parks[0]).count() == 2


def test_the_job_makes_what_is_marked_and_says_what_it_did(parks):
    assert make_days_anew() == "nothing to do: no day is stale"
    stale_days.mark_around(parks[0].pk, [DAY])
    assert make_days_anew() == "3 days of 1 park made anew"
    assert (RideDay.objects.count(), StaleDay.objects.count()) == (1, 0)


def test_an_existing_warehouse_has_all_its_days_marked_and_its_hours_as_they_are(parks):
    """0007: from the first row of a park to its last, by the stays of its rides."""
    park, other = parks
    ride = park.rides.get()
    RideStay.objects.create(ride=ride, park=park, ends_at="2026-03-20T00:00Z")
    RideStay.objects.create(ride=ride, park=other, begins_at="2026-03-20T00:00Z")
    migrating.migrate("warehouse", "0006")
    try:
        assert not StaleDay.objects.exists()
    finally:
        migrating.migrate("warehouse")
    days = {
        one.pk: list(StaleDay.objects.filter(park=one).order_by("day").values_list("day", flat=True)) for one in parks
    }
    assert days[park.pk] == [DAY + n * ONE_DAY for n in range(-1, 3)]  # it closed behind UTC midnight
    assert days[other.pk][0], days[other.pk][-1] == (DAY - ONE_DAY, date(2026, 4, 4))
    assert len(days[other.pk]) == 35
    make_days_anew()
    assert not StaleDay.objects.exists()
    assert set(ParkHours.objects.values_list("source", flat=True)) == {HoursSource.INFERRED}


def test_days_that_are_summed_up_already_are_added_up_by_park_and_kind(parks):
    ride = parks[0].rides.get()
    EntityMetadata.objects.create(
        ride=ride, themeparks_wiki_id="e" * 36, entity_type="SHOW", last_updated="2026-01-01T00:00Z"
    )
    rebuild()
    by_rows = list(ParkDay.objects.order_by("park", "day").values())
    assert [(each["kind"], each["ride_days"], each["standby_sum"]) for each in by_rows] == [
        *[("SHOW", 1, 6000)] * 2,
        *[("", 1, 12000)] * 2,
    ]
    migrating.migrate("warehouse", "0007")
    migrating.migrate("warehouse")
    assert list(ParkDay.objects.order_by("park", "day").values()) == by_rows
