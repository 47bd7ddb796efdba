"""What makes days stale beside their rows: zones, kinds, openings, and the parks of rides, whoever writes them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from imports.loading import kinds
from imports.loading.resolver import Resolver
from tests.imports.api_world import MAGIC_KINGDOM
from tests.imports.building import DAY, PARK, RIDE, event, import_all, write_day
from tests.imports.metadata.test_sync import BARNSTORMER, row, sync
from warehouse.instants import milliseconds_of
from warehouse.models import EntityMetadata, Park, Ride, RideDay, StaleDay
from warehouse.rides import openings, stale_days, stays
from warehouse.rides.openings import Opening
from warehouse.rides.stays import Stay

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, tzinfo=UTC)
ONE_DAY = timedelta(days=1)
SUMS = [DAY + n * ONE_DAY for n in (0, 1, 10)]


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


def with_sums(entity: str = RIDE, park: str = PARK, days=SUMS) -> Ride:
    """A ride of a park, with sums of some days; nothing of it is marked."""
    unnamed = {"park_name": "a-park", "park_slug": "a-park", "timezone": "UTC"}
    home, _ = Park.objects.get_or_create(themeparks_wiki_id=park, defaults=unnamed)
    ride = Ride.objects.create(park=home, ride_name="Coaster", themeparks_wiki_id=entity)
    for day in days:
        RideDay.objects.create(
            park=home, day=day, ride=ride, told_by="LIVE", rules_version=1, carried=0, computed_at=NOW
        )
    return ride


def marks(park_id: int) -> list[date]:
    return list(StaleDay.objects.filter(park=park_id).order_by("day").values_list("day", flat=True))


def around(*days: date) -> list[date]:
    return sorted({day + n * ONE_DAY for day in days for n in (-1, 0, 1)})


ALL = around(*SUMS)


# --- zones ----------------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_a_zone_that_events_bring_marks_all_days_of_the_park(tmp_path):
    park = with_sums().park
    later = DAY + 20 * ONE_DAY
    write_day(tmp_path, [event(day=later, timezone="Asia/Tokyo")], later)
    import_all(tmp_path)
    park.refresh_from_db()
    assert (park.timezone, marks(park.pk)) == ("Asia/Tokyo", sorted({*ALL, *around(later)}))


def test_a_zone_or_a_kind_that_the_catalogue_says_marks_days(api_server, world):
    ride = with_sums(BARNSTORMER, MAGIC_KINGDOM)
    sync(api_server)
    assert marks(ride.park_id) == ALL
    StaleDay.objects.all().delete()
    sync(api_server)
    assert marks(ride.park_id) == []
    row(world, BARNSTORMER)["entityType"] = "SHOW"
    sync(api_server)
    assert marks(ride.park_id) == ALL


def test_what_an_operator_sets_marks_days(admin_client):
    ride = with_sums()
    metadata = EntityMetadata.objects.create(
        ride=ride, themeparks_wiki_id=RIDE, entity_type="SHOW", tags=[], last_updated=NOW
    )
    other = Park.objects.create(park_name="other", themeparks_wiki_id="other", timezone="UTC")
    assert User.objects.get().is_superuser
    for obj, change, parks in (
        (ride.park, {"timezone": "Asia/Tokyo"}, {ride.park_id}),
        (ride.park, {"park_name": "Lakeside"}, set()),
        (metadata, {"entity_type": "ATTRACTION"}, {ride.park_id}),
        (ride, {"park": str(other.pk)}, {ride.park_id, other.pk}),
    ):
        StaleDay.objects.all().delete()
        page = "change" if obj is metadata else "edit"
        url = reverse(f"admin:warehouse_{obj._meta.model_name}_{page}", args=[obj.pk])
        form = admin_client.get(url).context["adminform"].form
        posted = {}
        for bound in form:
            shown = bound.value()
            posted[bound.html_name] = posted[bound.html_initial_name] = "" if shown is None else str(shown)
        assert admin_client.post(url, posted | change).status_code == 302
        assert {park.pk: marks(park.pk) for park in Park.objects.all() if marks(park.pk)} == dict.fromkeys(parks, ALL)


# --- kinds ----------------------------------------------------------------------------------------------------------
def test_a_kind_that_answers_say_marks_the_days_of_its_ride():
    ride = with_sums()
    with_sums("another", days=[DAY + 30 * ONE_DAY])
    rides = Resolver().known([RIDE])
    for kind, marked in (("ATTRACTION", ALL), ("ATTRACTION", []), ("SHOW", ALL)):
        StaleDay.objects.all().delete()
        kinds.follow({RIDE: kind}, rides, Resolver(), NOW)
        assert marks(ride.park_id) == marked


def test_days_that_somebody_is_making_are_marked_again():
    ride = with_sums(days=[])
    stale_days.mark([(ride.park_id, DAY)])
    (before,) = StaleDay.objects.values_list("token")
    stale_days.mark_kinds([ride.pk])
    assert before != StaleDay.objects.values_list("token").get()


# --- openings -------------------------------------------------------------------------------------------------------
def test_an_opening_marks_its_day_and_the_next_one_with_sums():
    ride = with_sums()
    opens = milliseconds_of(datetime(2024, 12, 28, 12, tzinfo=UTC))
    opening = Opening(ride.pk, opens, opens, "CLOSED", None, False, "a")
    openings.keep([opening])
    assert marks(ride.park_id) == sorted({*around(date(2024, 12, 28)), SUMS[2]})
    StaleDay.objects.all().delete()
    openings.keep([opening])
    assert marks(ride.park_id) == []


# --- moves ----------------------------------------------------------------------------------------------------------
def test_a_move_marks_the_days_on_which_the_ride_is_in_another_park_than_before():
    ride = with_sums()
    other = Park.objects.create(park_name="other", themeparks_wiki_id="other", timezone="UTC")
    moves = milliseconds_of(datetime(2024, 12, 30, tzinfo=UTC))
    stays.write(ride.pk, [Stay(ride.park_id, None), Stay(other.pk, moves)])
    assert marks(ride.park_id) == marks(other.pk) == around(SUMS[2])
    StaleDay.objects.all().delete()
    stays.write(ride.pk, [Stay(ride.park_id, None), Stay(other.pk, moves)])
    assert not StaleDay.objects.exists()
    stays.write(ride.pk, [Stay(ride.park_id, None), Stay(other.pk, moves - 5 * 86_400_000)])
    assert marks(ride.park_id) == marks(other.pk) == ALL[:4]


def test_stays_that_are_the_same_differ_nowhere_and_others_where_they_do():
    one, other = [Stay(1, None), Stay(2, 50), Stay(1, 90)], [Stay(1, None), Stay(2, 70)]
    assert list(stays.differences(one, one)) == []
    assert list(stays.differences(one, other)) == [({1, 2}, 50, 70), ({1, 2}, 90, None)]
    assert list(stays.differences([Stay(1, None)], [Stay(2, None)])) == [({1, 2}, None, None)]
