"""What answers of the catalogue say, in both shapes, and what is an issue. No database."""

from decimal import Decimal

import pytest

from imports.events.issues import Issues
from imports.metadata.parsing import centimetres, read_subtree, read_timezone

pytestmark = pytest.mark.no_database
RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
PARK = "75ea578a-adc8-4116-a54d-dccb60765ef9"
OTHER_PARK = "47f90d2c-e191-4239-a466-5892ef59a88b"
RIDE = "b2260923-9315-40fd-9c6b-44dd811dbe64"
HOTEL = "0d2a92c2-1a5b-4ba6-a7ee-1a6d8e1a6f9b"


def ride(**fields) -> dict:
    return {"id": RIDE, "name": "Space Mountain", "entityType": "ATTRACTION", "parentId": PARK} | fields


def read(row: dict) -> tuple[dict, set[str]]:
    """What the row says beside its type, and the reasons of issues."""
    issues = Issues()
    (entity,) = read_subtree([row], [PARK], None, issues)
    assert entity.says.pop("entity_type") == "ATTRACTION"
    return entity.says, {reason for _, reason in issues.found}


def test_coordinates_are_kept_to_seven_digits():
    says, issues = read(ride(location={"latitude": 28.41918467891, "longitude": -81.5781962872}))
    assert says == {"latitude": Decimal("28.4191847"), "longitude": Decimal("-81.5781963")}
    assert not issues


@pytest.mark.parametrize(
    "location", [None, {}, {"latitude": None, "longitude": None}, {"latitude": None, "longitude": None, "x": []}]
)
def test_an_entity_without_a_place_says_nothing_of_it(location):
    assert read(ride(location=location)) == ({}, set())


@pytest.mark.parametrize(
    "location",
    [
        {"latitude": 90.1, "longitude": 0},
        {"latitude": 0, "longitude": -180.5},
        {"latitude": 284191846, "longitude": -815781962},
        {"latitude": 0, "longitude": 0},
        {"latitude": "28.4", "longitude": "-81.5"},
        {"latitude": True, "longitude": 1},
        "28.4,-81.5",
    ],
)
def test_coordinates_that_cannot_be_are_issues_and_left_out(location):
    assert read(ride(location=location)) == ({}, {"coordinates_out_of_range"})


def test_half_a_place_is_an_issue_and_left_out():
    assert read(ride(location={"latitude": 28.4})) == ({}, {"half_coordinates"})


def test_heights_come_from_attributes_in_centimetres():
    says, issues = read(ride(minimumHeight=112, maximumHeight=195, mayGetWet=True))
    assert (says["height_min_cm"], says["height_max_cm"]) == (112, 195)
    assert {"tag": "MAY_GET_WET", "value": True} in says["tags"]
    assert not issues


def test_heights_come_from_the_older_tags_in_centimetres_or_inches():
    tags = [
        {"tag": "SINGLE_RIDER", "tagName": "Single Rider Queue"},
        {"tag": "MINIMUM_HEIGHT", "tagName": "Minimum Height", "value": {"height": 44, "unit": "in"}},
        {"tag": "MAXIMUM_HEIGHT", "tagName": "Maximum Height", "id": "x", "value": {"height": 195, "unit": "cm"}},
    ]
    says, issues = read(ride(tags=tags))
    assert (says["height_min_cm"], says["height_max_cm"]) == (112, 195)
    assert sorted(tag["tag"] for tag in says["tags"]) == ["MAXIMUM_HEIGHT", "MINIMUM_HEIGHT", "SINGLE_RIDER"]
    assert {"tag": "SINGLE_RIDER", "tagName": "Single Rider Queue"} in says["tags"]
    assert not issues


def test_tags_in_another_order_are_the_same_tags():
    tags = [{"tag": "B"}, {"tag": "A", "value": 2}, {"tag": "A", "value": 1}]
    assert read(ride(tags=tags)) == read(ride(tags=tags[::-1]))


@pytest.mark.parametrize(
    ("value", "cm"),
    [
        (97, 97),
        (96.5, 96),
        ({"height": 40, "unit": "in"}, 102),
        ({"height": 48, "unit": "in"}, 122),
        ({"height": 102, "unit": "cm"}, 102),
        ({"height": 102}, 102),
        (0, None),
    ],
)
def test_a_height_is_whole_centimetres_and_0_is_no_limit(value, cm):
    assert centimetres(value) == cm


@pytest.mark.parametrize("value", [-1, 251, "97", True, [], {"height": 100, "unit": "in"}, {"height": 3, "unit": "ft"}])
def test_a_height_that_cannot_be_is_an_issue_and_left_out(value):
    says, issues = read(ride(minimumHeight=value))
    assert "height_min_cm" not in says
    assert issues == {"invalid_height"}


@pytest.mark.parametrize("tags", ["SINGLE_RIDER", [None], [{"tagName": "x"}], {"tag": "A"}])
def test_tags_of_another_shape_are_issues_and_left_out(tags):
    assert read(ride(tags=tags)) == ({}, {"malformed_tags"})


def test_null_everywhere_says_nothing():
    row = ride(location=None, tags=None, minimumHeight=None, slug=None, externalId=None, mayGetWet=None)
    assert read(row) == ({}, set())


def test_an_entity_stands_in_the_park_above_it_however_deep():
    rows = [
        {"id": PARK, "name": "Magic Kingdom", "entityType": "PARK", "parentId": RESORT},
        ride(),
        ride(id="00000000-0000-4000-8000-000000000001", parentId=RIDE),
        {"id": HOTEL, "name": "Contemporary", "entityType": "HOTEL", "parentId": RESORT},
        ride(id="00000000-0000-4000-8000-000000000002", parentId=HOTEL),
        ride(id="00000000-0000-4000-8000-000000000003", parentId=None, parkId=PARK.upper()),
        ride(id="00000000-0000-4000-8000-000000000004", parentId=OTHER_PARK),
    ]
    issues = Issues()
    parks = {entity.entity_id: entity.park_id for entity in read_subtree(rows, [OTHER_PARK], None, issues)}
    assert list(parks.values()) == [PARK, PARK, PARK, None, None, PARK, OTHER_PARK]
    assert not issues.found


def test_parents_that_go_in_a_circle_end_somewhere():
    other = "00000000-0000-4000-8000-000000000001"
    rows = [ride(parentId=other), ride(id=other, parentId=RIDE)]
    assert [entity.park_id for entity in read_subtree(rows, [PARK], None, Issues())] == [None, None]
    assert [entity.park_id for entity in read_subtree(rows, [PARK], PARK, Issues())] == [PARK, PARK]


def test_entries_that_are_no_entity_are_issues_and_ids_taken_once():
    rows = [ride(), ride(name="again"), None, "x", {}, {"id": "space-mountain"}, {"id": 7}]
    issues = Issues()
    (entity,) = read_subtree(rows, [PARK], PARK, issues)
    assert entity.name == "Space Mountain"
    assert issues.found[PARK, "malformed_entity"].count == 5


def test_a_name_or_type_that_is_missing_is_an_issue():
    issues = Issues()
    (entity,) = read_subtree([{"id": RIDE, "name": " ", "parentId": PARK}], [PARK], None, issues)
    assert (entity.name, entity.kind, entity.says) == ("", "", {})
    assert {reason for _, reason in issues.found} == {"missing_name", "missing_entity_type"}


@pytest.mark.parametrize(
    ("value", "timezone", "reason"),
    [
        ("America/New_York", "America/New_York", None),
        ("Mars/Olympus_Mons", None, "unknown_timezone"),
        (["America/New_York"], None, "unknown_timezone"),
        (None, None, None),  # what is stored is what is missing: quality.check
        ("", None, None),
    ],
)
def test_a_time_zone_is_one_that_exists(value, timezone, reason):
    issues = Issues()
    assert read_timezone({"timezone": value}, PARK, issues) == timezone
    assert set(issues.found) == ({(PARK, reason)} if reason else set())
