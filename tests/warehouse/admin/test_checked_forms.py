"""What is typed into the catalogue: text that can be seen, ids that are UUIDs, zones that exist, tags as the sync has
them; and what SQL wrote instead is shown as odd as it is."""

import json

import pytest
from django import forms
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from tests.imports.desk import park
from warehouse.admin.checked_forms import TagsField
from warehouse.models import EntityMetadata, MetadataChange, Park, Ride

UUID = "75ea578a-adc8-4116-a54d-dccb60765ef9"


@pytest.mark.no_database
@pytest.mark.parametrize(
    "typed",
    [
        "5", '"x"', "{}", "[5]", "[[]]", '[{"tag": 5}]', '[{"tag": ""}]', '[{"value": 1}]', '[{"tag": "a\\u202e"}]',
        '[{"tag": "\\ud83c"}]', '[{"tag": "a", "value": NaN}]', '[{"tag": "a", "value": 1e999}]',
        '[{"tag": "a", "value": ' + "9" * 5_000 + "}]", "[" * 100_000,
        '[{"tag": "a", "b": ' + "[" * 12 + "]" * 12 + "}]",
        json.dumps([{"tag": "a" * 60_000}]), "nonsense",
    ],
    ids=range(17),
)  # fmt: skip
def test_tags_of_another_shape_are_refused(typed):
    field = TagsField(required=False)
    with pytest.raises(forms.ValidationError):
        field.clean(typed)
    field.bound_data(typed, [])  # what the form shows again


@pytest.mark.no_database
@pytest.mark.parametrize(
    "tags", [[], [{"tag": "MAY_GET_WET"}], [{"tag": "HEIGHT", "value": {"unit": "cm", "height": 102}}]]
)
def test_tags_as_the_sync_has_them_are_taken(tags):
    assert (TagsField(required=False).clean(json.dumps(tags)) or []) == tags


@pytest.fixture
def boss(client):
    client.force_login(User.objects.create_superuser("boss"))
    return client


def save(client, row, **changed):
    kind = row._meta.model_name
    url = f"/admin/warehouse/{kind}/{row.pk}/{'change' if kind == 'entitymetadata' else 'edit'}/"
    shown = client.get(url).context["adminform"].form
    sent = {name: shown[name].value() or "" for name in shown.fields}
    sent |= {f"initial-{name}": value for name, value in sent.items()}
    response = client.post(url, sent | changed)
    return [] if response.status_code == 302 else list(response.context["adminform"].form.errors)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "changed",
    [
        {"park_name": "\u202eComet"}, {"park_name": "Co\x1b[2Jmet"}, {"park_name": "x" * 300},
        {"timezone": "Mars/Phobos"},
        {"timezone": "../etc"}, {"destination_wiki_id": "nowhere"}, {"destination_wiki_id": "x" * 36},
    ],
    ids=range(7),
)  # fmt: skip
def test_a_park_is_refused_what_makes_no_sense(boss, changed):
    assert save(boss, park(), **changed) == list(changed)


@pytest.mark.django_db
def test_what_makes_sense_is_taken_and_what_came_odd_is_left_in_peace(boss):
    lake = park(name="\u202eComet")
    assert save(boss, lake, destination_wiki_id=UUID.upper(), timezone="Asia/Tokyo") == []
    lake.refresh_from_db()
    assert (lake.park_name, lake.destination_wiki_id, lake.timezone) == ("\u202eComet", UUID, "Asia/Tokyo")


@pytest.mark.django_db
def test_metadata_are_refused_what_makes_no_sense(boss):
    ride = Ride.objects.create(ride_id=1, park=park(), ride_name="Comet", themeparks_wiki_id=UUID)
    row = EntityMetadata.objects.create(ride=ride, themeparks_wiki_id=UUID, last_updated=timezone.now())
    assert save(boss, row, tags="[5]") == ["tags"]
    assert save(boss, row, latitude="91") == ["latitude"]
    assert save(boss, row, longitude="NaN") == ["longitude"]
    assert save(boss, row, entity_type="A\u200bB") == ["entity_type"]
    assert save(boss, row, tags='[{"tag": "WET"}]', latitude="1.5") == []
    row.refresh_from_db()
    assert row.tags == [{"tag": "WET"}]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "odd", ["5", '"x"', "[5, null]", '[{"tag": 5}]', '[{"tag": {"a": []}, "value": [1]}]', '{"a": 1}']
)
def test_odd_values_of_sql_break_no_page(boss, odd):
    lake = park()
    ride = Ride.objects.create(ride_id=1, park=lake, ride_name="Comet", themeparks_wiki_id=UUID)
    row = EntityMetadata.objects.create(ride=ride, themeparks_wiki_id=UUID, last_updated=timezone.now())
    change = MetadataChange.objects.create(ride=ride, changed_at=timezone.now(), before={}, after={})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE entity_metadata SET tags = %s, hand_set = %s", [odd, odd])
        cursor.execute("UPDATE metadata_changes SET `before` = %s, `after` = %s", [odd, odd])
        cursor.execute("UPDATE parks SET hand_set = %s, timezone = '../etc', destination_wiki_id = 'x'", [odd])
    for page in (
        f"entitymetadata/{row.pk}/change/", "entitymetadata/", "ride/1/change/", "metadatachange/", "park/",
        f"metadatachange/{change.pk}/change/", f"park/{lake.pk}/change/", f"park/{lake.pk}/edit/", "park/csv/",
    ):  # fmt: skip
        assert boss.get(f"/admin/warehouse/{page}").status_code == 200, page
    assert isinstance(Park.objects.get().hand_set, list)
