"""What kind of thing an entity is, as answers say it: into entity_metadata, beside what the catalogue says."""

from datetime import UTC, datetime

import pytest

from imports.loading import kinds
from imports.loading.resolver import Resolver
from tests.imports.building import OTHER_RIDE, PARK, RIDE
from warehouse.models import BY_EVENTS, EntityMetadata, MetadataChange, Park, Ride

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 26, tzinfo=UTC)


@pytest.fixture
def rides():
    park = Park.objects.create(park_name="Lakeside", themeparks_wiki_id=PARK)
    for entity in (RIDE, OTHER_RIDE):
        Ride.objects.create(park=park, ride_name="Coaster", themeparks_wiki_id=entity)
    return Resolver().known([RIDE, OTHER_RIDE])


def listed(**columns) -> EntityMetadata:
    """What the catalogue said of RIDE."""
    ride = Ride.objects.get(themeparks_wiki_id=RIDE)
    return EntityMetadata.objects.create(ride=ride, themeparks_wiki_id=RIDE, last_updated=NOW, **columns)


def stored() -> dict[str, tuple]:
    rows = EntityMetadata.objects.values_list("themeparks_wiki_id", "entity_type", "version", "listed")
    return {entity: what for entity, *what in rows}


def test_what_is_not_known_yet_is_taken_over_and_a_row_made_where_there_is_none(rides):
    listed(entity_type="")
    kinds.follow({RIDE: "ATTRACTION", OTHER_RIDE: " SHOW "}, rides, Resolver(), NOW)
    assert stored() == {RIDE: ["ATTRACTION", 2, True], OTHER_RIDE: ["SHOW", 1, False]}
    assert EntityMetadata.objects.get(themeparks_wiki_id=OTHER_RIDE).ride.themeparks_wiki_id == OTHER_RIDE


def test_another_kind_is_a_change_that_is_kept_and_what_an_operator_set_stays(rides):
    metadata = listed(entity_type="SHOW")
    kinds.follow({RIDE: "ATTRACTION"}, rides, Resolver(), NOW)
    change = MetadataChange.objects.get()
    assert (change.changed_by, change.version, change.ride.themeparks_wiki_id) == (BY_EVENTS, 2, RIDE)
    assert (change.before, change.after) == ({"entity_type": "SHOW"}, {"entity_type": "ATTRACTION"})
    metadata.mark_overridden(["entity_type"])
    metadata.save(update_fields=["hand_set"])
    kinds.follow({RIDE: "RESTAURANT"}, rides, Resolver(), NOW)
    assert stored()[RIDE] == ["ATTRACTION", 2, True]


@pytest.mark.parametrize("kind", ["", None, 7, "PARK", "DESTINATION"])
def test_what_is_no_kind_of_a_ride_is_passed_over(rides, kind):
    kinds.follow({RIDE: kind, "66666666-6666-4666-8666-666666666666": "SHOW"}, rides, Resolver(), NOW)
    assert stored() == {}


def test_what_agrees_is_asked_for_once_in_a_run_unless_the_transaction_is_rolled_back(rides, django_assert_num_queries):
    listed(entity_type="ATTRACTION")
    resolver = Resolver()
    with django_assert_num_queries(1):
        kinds.follow({RIDE: "ATTRACTION"}, rides, resolver, NOW)
    resolver.forget()
    with django_assert_num_queries(1):
        kinds.follow({RIDE: "ATTRACTION"}, rides, resolver, NOW)
        kinds.follow({RIDE: "ATTRACTION"}, rides, resolver, NOW)
    resolver.keep()
    resolver.forget()
    with django_assert_num_queries(0):
        kinds.follow({RIDE: "ATTRACTION"}, rides, resolver, NOW)
