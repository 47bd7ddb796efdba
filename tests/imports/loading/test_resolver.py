import pytest

from imports.loading.resolver import Resolver, WantedRide
from tests.imports.building import OTHER_RIDE, RIDE
from warehouse.models import Park, Ride

pytestmark = pytest.mark.django_db
AT = "2024-12-25 10:00:00"


def a_park(n=1):
    return Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"22222222-2222-4222-8222-{n:012}")


def resolve(resolver, park, name, entity=RIDE):
    rides, findings = resolver.resolve([WantedRide(entity, park, name, "2024-12-25 10:00:00")], "a/2024/12/25.json.gz")
    return rides[entity].ride_id, findings


def test_a_ride_is_found_by_its_id_whatever_it_is_called_now():
    park = a_park()
    ride = Ride.objects.create(park=park, ride_name="Space Mountain", themeparks_wiki_id=RIDE)
    assert resolve(Resolver(), park, "Hyperspace Mountain") == (ride.ride_id, [])
    assert Ride.objects.get().ride_name == "Space Mountain"


def test_an_unknown_ride_is_new_and_named_by_its_event():
    park = a_park()
    ride_id, findings = resolve(Resolver(), park, "Big Thunder")
    ride = Ride.objects.get(ride_id=ride_id)
    assert (ride.ride_name, ride.themeparks_wiki_id, ride.park, findings) == ("Big Thunder", RIDE, park, [])


@pytest.mark.parametrize("name", ["", "   "])
def test_a_ride_without_a_name_says_so(name):
    ride_id, _ = resolve(Resolver(), a_park(), name)
    assert Ride.objects.get(ride_id=ride_id).ride_name == f"Unnamed {RIDE}"


def test_a_name_longer_than_its_column_is_cut():
    ride_id, _ = resolve(Resolver(), a_park(), "x" * 300)
    assert Ride.objects.get(ride_id=ride_id).ride_name == "x" * 234 + "…(66 more characters)"


@pytest.mark.parametrize("called", ["Space Mountain", "SPACE MOUNTAIN™", "Space  Mountáin", "Space Mountains"])
def test_a_ride_without_an_id_gets_it_by_its_name(called):
    park = a_park()
    ride = Ride.objects.create(park=park, ride_name="Space Mountain")
    ride_id, (finding,) = resolve(Resolver(), park, called)
    assert ride_id == ride.ride_id
    ride.refresh_from_db()
    assert ride.themeparks_wiki_id == RIDE
    assert (finding.reason, finding.entity_id, finding.entity_key) == ("id_adopted", ride_id, RIDE)
    assert "which had no id until then" in finding.description


def test_an_equal_name_goes_before_a_similar_one():
    park = a_park()
    Ride.objects.create(park=park, ride_name="Autopia 2")
    ride = Ride.objects.create(park=park, ride_name="Autopia")
    assert resolve(Resolver(), park, "autopia")[0] == ride.ride_id


def test_a_name_in_another_park_or_with_an_id_or_too_far_is_no_match():
    park, other = a_park(), a_park(2)
    Ride.objects.create(park=other, ride_name="Autopia")
    Ride.objects.create(park=park, ride_name="Autopia", themeparks_wiki_id=OTHER_RIDE)
    Ride.objects.create(park=park, ride_name="Autopolis")
    before = set(Ride.objects.values_list("ride_id", flat=True))
    ride_id, findings = resolve(Resolver(), park, "Autopia")
    assert ride_id not in before
    assert not findings


@pytest.mark.parametrize("names", [["Autopia", "AUTOPIA"], ["Autopiaa", "Autopian"]])
def test_several_candidates_make_a_new_ride_and_a_finding(names):
    park = a_park()
    for name in names:
        Ride.objects.create(park=park, ride_name=name)
    ride_id, (finding,) = resolve(Resolver(), park, "Autopia")
    assert Ride.objects.get(ride_id=ride_id).themeparks_wiki_id == RIDE
    assert Ride.objects.filter(themeparks_wiki_id=None).count() == 2
    assert (finding.reason, finding.entity_id, finding.count) == ("ambiguous_ride", park.park_id, 2)


def test_two_new_entities_do_not_share_the_one_ride_without_an_id():
    park = a_park()
    Ride.objects.create(park=park, ride_name="Autopia")
    wanted = [WantedRide(entity, park, "Autopia", "2024-12-25 10:00:00") for entity in (RIDE, OTHER_RIDE)]
    rides, findings = Resolver().resolve(wanted, "")
    assert rides[RIDE].ride_id != rides[OTHER_RIDE].ride_id
    assert Ride.objects.filter(themeparks_wiki_id=None).count() == 1  # whose it is nobody knows
    assert [finding.reason for finding in findings] == ["ambiguous_ride"] * 2


def test_equal_names_go_first_over_the_whole_file_whatever_the_order():
    park = a_park()
    ride = Ride.objects.create(park=park, ride_name="Autopia")
    near, equal = (WantedRide(RIDE, park, "Autopias", AT), WantedRide(OTHER_RIDE, park, "Autopia", AT))
    for wanted in ([near, equal], [equal, near]):
        rides, (finding,) = Resolver().resolve(wanted, "")
        assert rides[OTHER_RIDE].ride_id == ride.ride_id
        assert rides[RIDE].ride_id != ride.ride_id
        assert finding.entity_key == OTHER_RIDE
        Ride.objects.filter(pk=rides[RIDE].ride_id).delete()
        Ride.objects.filter(pk=ride.pk).update(themeparks_wiki_id=None)


def test_a_near_name_is_given_only_where_nobody_else_is_as_near():
    park = a_park()
    Ride.objects.create(park=park, ride_name="Autopia")
    wanted = [WantedRide(RIDE, park, "Autopias", AT), WantedRide(OTHER_RIDE, park, "Autopian", AT)]
    _, findings = Resolver().resolve(wanted, "")
    assert [finding.reason for finding in findings] == ["ambiguous_ride"] * 2


def test_another_number_is_another_ride():
    park = a_park()
    Ride.objects.create(park=park, ride_name="Racer 1")
    _, findings = resolve(Resolver(), park, "Racer 2")
    assert findings == []
    assert Ride.objects.count() == 2


def test_ids_of_a_transaction_that_was_rolled_back_are_forgotten():
    resolver, park = Resolver(), a_park()
    resolve(resolver, park, "Autopia")
    Ride.objects.all().delete()  # as the rollback does
    resolver.forget()
    assert resolver.known([RIDE]) == {}
    ride_id, _ = resolve(resolver, park, "Autopia")
    resolver.keep()
    assert resolver.known([RIDE])[RIDE].ride_id == ride_id


def test_a_resolver_asks_once_for_a_ride(django_assert_num_queries):
    resolver, park = Resolver(), a_park()
    resolve(resolver, park, "Autopia")
    resolver.keep()
    with django_assert_num_queries(0):
        resolve(resolver, park, "Autopia")
