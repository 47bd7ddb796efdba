"""Parks, rides and metadata in the admin: what an operator sets is marked, and what was before can be read."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from tests.imports.desk import queries_of_a_page
from tests.warehouse.admin.about import section
from warehouse.models import EntityMetadata, MetadataChange, Park, Ride, RideOpening
from warehouse.rides import stays
from warehouse.rides.stays import Stay

pytestmark = pytest.mark.django_db

PARK = "75ea578a-adc8-4116-a54d-dccb60765ef9"
RIDE = "924a3b2c-6b4b-49e5-99d3-e9dc3f2e8a48"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def metadata():
    park = Park.objects.create(park_name="Magic Kingdom Park", themeparks_wiki_id=PARK, timezone="America/New_York")
    ride = Ride.objects.create(park=park, ride_name="The Barnstormer", themeparks_wiki_id=RIDE)
    return EntityMetadata.objects.create(
        ride=ride,
        themeparks_wiki_id=RIDE,
        latitude=Decimal("28.4"),
        longitude=Decimal("-81.5"),
        height_min_cm=89,
        entity_type="ATTRACTION",
        tags=[{"tag": "MAY_GET_WET", "value": False}],
        last_updated=datetime(2026, 4, 15, tzinfo=UTC),
    )


def form_of(client, obj) -> tuple[str, dict]:
    """The form's address, and what a browser would send back unchanged."""
    page = "edit" if isinstance(obj, Park | Ride) else "change"
    url = reverse(f"admin:warehouse_{obj._meta.model_name}_{page}", args=[obj.pk])
    form = client.get(url).context["adminform"].form
    posted = {}
    for bound in form:
        value = bound.value()
        posted[bound.html_name] = "" if value is None else str(value)
        if bound.field.show_hidden_initial:
            posted[bound.html_initial_name] = posted[bound.html_name]
    return url, posted


def test_what_an_operator_changes_is_marked_and_kept_as_it_was(admin_client, metadata):
    url, posted = form_of(admin_client, metadata)
    assert admin_client.post(url, posted | {"height_min_cm": "95", "indoor_outdoor": "OUTDOOR"}).status_code == 302
    metadata.refresh_from_db()
    assert (metadata.height_min_cm, metadata.indoor_outdoor, metadata.version) == (95, "OUTDOOR", 2)
    assert metadata.hand_set == ["height_min_cm", "indoor_outdoor"]
    change = MetadataChange.objects.get()
    assert (change.ride, change.changed_by, change.version) == (metadata.ride, "admin", 2)
    assert change.before == {"height_min_cm": 89, "indoor_outdoor": None}
    assert change.after == {"height_min_cm": 95, "indoor_outdoor": "OUTDOOR"}
    page = admin_client.get(url).content.decode()
    assert page.count("Set by hand.") == 2
    assert "height_min_cm: 89 → 95" in page


def test_saving_a_form_without_a_change_marks_nothing(admin_client, metadata):
    for obj in (metadata, metadata.ride, metadata.ride.park):
        url, posted = form_of(admin_client, obj)
        assert admin_client.post(url, posted).status_code == 302
        obj.refresh_from_db()
        assert obj.hand_set == []
    assert not MetadataChange.objects.exists()
    assert EntityMetadata.objects.get().version == 1


def test_names_tier_and_time_zone_are_marked_on_ride_and_park(admin_client, metadata):
    ride, park = metadata.ride, metadata.ride.park
    url, posted = form_of(admin_client, ride)
    admin_client.post(url, posted | {"ride_name": "Barnstormer", "tier": "3"})
    url, posted = form_of(admin_client, park)
    admin_client.post(url, posted | {"park_name": "Magic Kingdom"})
    ride.refresh_from_db()
    park.refresh_from_db()
    assert (ride.ride_name, ride.tier, ride.hand_set) == ("Barnstormer", 3, ["ride_name", "tier"])
    assert (park.park_name, park.hand_set) == ("Magic Kingdom", ["park_name"])
    assert [change.before for change in MetadataChange.objects.order_by("pk")] == [
        {"ride_name": "The Barnstormer", "tier": None},
        {"park_name": "Magic Kingdom Park"},
    ]


def test_a_form_that_was_open_while_a_sync_ran_undoes_nothing(admin_client, metadata):
    url, posted = form_of(admin_client, metadata)
    EntityMetadata.objects.update(latitude=Decimal("28.5"), tags=[{"tag": "SINGLE_RIDER"}], version=2)
    admin_client.post(url, posted | {"indoor_outdoor": "INDOOR"})
    metadata.refresh_from_db()
    assert (metadata.latitude, metadata.tags, metadata.version) == (Decimal("28.5"), [{"tag": "SINGLE_RIDER"}], 3)
    assert metadata.hand_set == ["indoor_outdoor"]


def test_hand_set_fields_can_be_given_back_to_the_sync(admin_client, metadata):
    metadata.mark_overridden(["indoor_outdoor"])
    metadata.save()
    url = reverse("admin:warehouse_entitymetadata_changelist")
    posted = {"action": "give_back_to_the_sync", "_selected_action": [metadata.pk]}
    page = admin_client.post(url, posted, follow=True).content.decode()
    assert "1 given back" in page
    metadata.refresh_from_db()
    assert metadata.hand_set == []
    assert LogEntry.objects.get().change_message == "Gave back to the sync: indoor_outdoor"
    assert "None of them is set by hand" in admin_client.post(url, posted, follow=True).content.decode()


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("latitude", "90.5", "Must lie between -90 and 90"),
        ("longitude", "-181", "Must lie between -180 and 180"),
        ("height_max_cm", "50", "The minimum height is above the maximum height"),
    ],
)
def test_values_that_cannot_be_are_refused(admin_client, metadata, field, value, message):
    url, posted = form_of(admin_client, metadata)
    assert message in admin_client.post(url, posted | {field: value}).content.decode()
    metadata.refresh_from_db()
    assert metadata.hand_set == []


def test_a_time_zone_that_does_not_exist_is_refused(admin_client, metadata):
    url, posted = form_of(admin_client, metadata.ride.park)
    assert "No such time zone" in admin_client.post(url, posted | {"timezone": "Mars/Olympus"}).content.decode()


def test_a_ride_added_by_hand_keeps_its_name(admin_client, metadata):
    posted = {"park": metadata.ride.park_id, "ride_name": "Rope Drop", "tier": "1", "themeparks_wiki_id": ""}
    initial = {"initial-ride_name": "", "initial-tier": "", "initial-park": "", "initial-themeparks_wiki_id": ""}
    admin_client.post(reverse("admin:warehouse_ride_add"), posted | initial)
    assert Ride.objects.get(ride_name="Rope Drop").hand_set == ["park_id", "ride_name", "tier"]


def test_nothing_is_deleted_and_history_is_not_altered(admin_client, metadata):
    change = MetadataChange.objects.create(
        ride=metadata.ride, changed_at=datetime(2026, 4, 15, tzinfo=UTC), before={"tier": None}, after={"tier": 1}
    )
    for obj in (metadata, metadata.ride, metadata.ride.park, change):
        url = reverse(f"admin:warehouse_{obj._meta.model_name}_delete", args=[obj.pk])
        assert admin_client.post(url, {"post": "yes"}).status_code == 403
    url = reverse("admin:warehouse_metadatachange_change", args=[change.pk])
    assert "tier: (none) → 1" in admin_client.get(url).content.decode()
    assert admin_client.post(url, {"before": "{}"}).status_code == 403


def test_who_may_only_look_changes_nothing(client, metadata):
    viewer = User.objects.create_user("viewer", password="x", is_staff=True)
    viewer.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(viewer)
    url = reverse("admin:warehouse_entitymetadata_change", args=[metadata.pk])
    assert client.get(url).status_code == 200
    assert client.post(url, {"height_min_cm": "1"}).status_code == 403
    url = reverse("admin:warehouse_entitymetadata_changelist")
    assert "give_back_to_the_sync" not in client.get(url).content.decode()


@pytest.mark.parametrize("model", ["park", "ride", "entitymetadata", "metadatachange"])
def test_a_list_asks_as_often_for_50_rows_as_for_one(admin_client, metadata, model):
    def queries() -> int:
        with queries_of_a_page() as sql:
            assert admin_client.get(reverse(f"admin:warehouse_{model}_changelist")).status_code == 200
        return len(sql)

    def add(n: int) -> None:
        park = Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"p{n}")
        ride = Ride.objects.create(park=park, ride_name=f"Ride {n}", themeparks_wiki_id=f"r{n}")
        EntityMetadata.objects.create(ride=ride, themeparks_wiki_id=f"r{n}", last_updated=metadata.last_updated)
        for of in ({"park": park}, {"ride": ride}):
            MetadataChange.objects.create(changed_at=metadata.last_updated, before={"x": 1}, after={"x": 2}, **of)

    add(0)
    few = queries()
    for n in range(1, 50):
        add(n)
    assert queries() == few


def test_a_ride_that_is_added_by_hand_gets_the_next_number(admin_client, metadata):
    park = metadata.ride.park
    posted = {"park": park.pk, "ride_name": "New", "themeparks_wiki_id": "", "tier": ""}
    posted |= {f"initial-{name}": "" for name in posted}
    assert admin_client.post(reverse("admin:warehouse_ride_add"), posted).status_code == 302
    assert Ride.objects.get(ride_name="New").pk == metadata.ride.pk + 1


def test_parks_to_choose_from_come_by_name_and_each_once(admin_client):
    names = [f"Park {n * 37 % 50:02}" for n in range(50)]  # three pages, numbered in another order
    for n, name in enumerate(names):
        Park.objects.create(park_name=name, themeparks_wiki_id=f"p{n}")
    url = reverse("admin:autocomplete")
    asked = {"app_label": "warehouse", "model_name": "ride", "field_name": "park", "term": "park"}
    answers = [admin_client.get(url, {**asked, "page": page}).json() for page in (1, 2, 3)]
    assert [answer["pagination"]["more"] for answer in answers] == [True, True, False]
    assert [found["text"] for answer in answers for found in answer["results"]] == sorted(names)


def test_the_park_that_an_operator_sets_is_that_of_the_newest_stay(admin_client, metadata):
    ride, old = metadata.ride, metadata.ride.park
    second, third = (
        Park.objects.create(park_name=name, themeparks_wiki_id=name * 36, timezone="UTC") for name in ("2", "3")
    )
    stays.write(ride.pk, [Stay(old.pk, None), Stay(second.pk, 1_700_000_000_000)])
    ride.refresh_from_db()
    url, posted = form_of(admin_client, ride)
    assert admin_client.post(url, posted | {"park": third.pk}).status_code == 302
    assert [stay.park_id for stay in stays.of_rides([ride.pk])[ride.pk]] == [old.pk, third.pk]
    ride.refresh_from_db()
    assert (ride.park, ride.hand_set) == (third, ["park_id"])
    page = admin_client.get(reverse("admin:warehouse_ride_change", args=[ride.pk]))
    (stood,) = section(page, "rides").listings
    assert [(begins, park.said) for begins, park in stood.rows] == [
        ("before", old.park_name),
        ("2023-11-14 22:13 UTC", "3"),
    ]


def test_the_page_of_a_ride_says_how_it_stood_when_its_record_begins(admin_client, metadata):
    url = reverse("admin:warehouse_ride_change", args=[metadata.ride_id])
    assert "When its record begins" not in admin_client.get(url).content.decode()
    opens, seen = datetime(2026, 9, 26, 4, tzinfo=UTC), datetime(2026, 9, 26, 3, 56, 53, tzinfo=UTC)
    RideOpening.objects.create(
        ride=metadata.ride, opens_at=opens, observed_at=seen, status="OPERATING", wait_time=15, source_file="an answer"
    )
    (fact,) = section(admin_client.get(url), "rides").facts
    assert (fact.label, fact.value) == ("When its record begins", "OPERATING, 15 minutes")
    assert fact.beside.startswith("at 2026-09-26 00:00 America/New_York (04:00Z); seen so at 2026-09-25 23:56 ")
