"""The metadata sync: captured answers over real HTTP into the real tables, twice; and everything that may change."""

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django_q.models import OrmQ

from imports import tasks
from imports.api.themeparks import ApiUnavailable, ThemeParksApi
from imports.metadata import sync as metadata_sync
from imports.metadata.slices import Slice
from quality.models import DataQualityLog
from tests.imports.api_world import MAGIC_KINGDOM, RESORT
from tests.imports.fault_server import Answer, Fault
from warehouse.instants import milliseconds_of
from warehouse.models import EntityMetadata, MetadataChange, Park, Ride, RideStatusSnapshot
from warehouse.rides import stays
from warehouse.snapshot_id import snapshot_id_of

NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
LATER = datetime(2026, 4, 22, 12, tzinfo=UTC)
SPACE_MOUNTAIN = "b2260923-9315-40fd-9c6b-44dd811dbe64"
BARNSTORMER = "924a3b2c-6b4b-49e5-99d3-e9dc3f2e8a48"

pytestmark = pytest.mark.django_db


def sync(api_server, now=NOW, *, destinations=(), parks=(), **options):
    """One sync, a minute after the last: nothing is answered from the cache."""
    api_server.ask_anew()
    api = ThemeParksApi()
    targets = metadata_sync.targets(api, destinations=destinations, parks=parks)
    return list(metadata_sync.sync(api, targets, lambda: now, **options))


def row(world, entity_id: str) -> dict:
    (found,) = [child for child in world.children[RESORT] if child["id"] == entity_id]
    return found


def rows_of_everything() -> list:
    return [list(model.objects.order_by("pk").values()) for model in (Park, Ride, EntityMetadata, MetadataChange)]


def test_the_73_entities_of_magic_kingdom_come_with_names_and_coordinates(api_server):
    (synced,) = sync(api_server)
    assert (synced.entities, synced.new, synced.changed, synced.outside, synced.error) == (73, 73, 0, 0, "")
    park = Park.objects.get()
    assert (park.park_name, park.timezone, park.themeparks_wiki_id, park.destination_wiki_id) == (
        "Magic Kingdom Park",
        "America/New_York",
        MAGIC_KINGDOM,
        RESORT,
    )
    assert EntityMetadata.objects.filter(latitude__isnull=False, longitude__isnull=False).count() == 73
    assert EntityMetadata.objects.filter(latitude__range=(28, 29), longitude__range=(-82, -81)).count() == 73
    kinds = list(EntityMetadata.objects.values_list("entity_type", flat=True))
    assert [kinds.count(kind) for kind in ("ATTRACTION", "RESTAURANT", "SHOW")] == [35, 21, 17]
    ride = Ride.objects.get(themeparks_wiki_id=BARNSTORMER)
    assert (ride.ride_name, ride.park) == ("The Barnstormer", park)
    assert ride.metadata.get().last_updated == NOW
    assert not DataQualityLog.objects.exists()


def test_the_catalogue_fills_a_row_that_an_import_made_of_a_kind_alone(api_server):
    park = Park.objects.create(park_name="a-park", themeparks_wiki_id=MAGIC_KINGDOM, timezone="UTC")
    ride = Ride.objects.create(park=park, ride_name="Barnstormer", themeparks_wiki_id=BARNSTORMER)
    ids = {"ride": ride, "themeparks_wiki_id": BARNSTORMER}
    EntityMetadata.objects.create(**ids, entity_type="ATTRACTION", listed=False, last_updated=NOW)
    (synced,) = sync(api_server)
    assert (synced.entities, synced.new, synced.vanished) == (73, 72, 0)
    metadata = EntityMetadata.objects.get(ride=ride)
    assert (metadata.listed, metadata.version, metadata.catalogue_park) == (True, 2, MAGIC_KINGDOM)
    assert metadata.latitude is not None


def test_a_second_sync_of_the_same_answers_writes_nothing(api_server):
    sync(api_server)
    before = rows_of_everything()
    (synced,) = sync(api_server, LATER)
    assert (synced.new, synced.changed, synced.vanished) == (0, 0, 0)
    assert rows_of_everything() == before


def test_a_destination_is_asked_once_and_each_park_once(api_server):
    sync(api_server)
    assert api_server.paths() == [
        "/v1/destinations",
        f"/v1/entity/{RESORT}/children",
        f"/v1/entity/{MAGIC_KINGDOM}",
    ]


def test_a_park_and_a_ride_that_came_with_the_archive_get_their_proper_names(api_server):
    park = Park.objects.create(park_name="magickingdompark", themeparks_wiki_id=MAGIC_KINGDOM)
    ride = Ride.objects.create(park=park, ride_name=f"Unnamed {BARNSTORMER}", themeparks_wiki_id=BARNSTORMER)
    without_id = Ride.objects.create(park=park, ride_name="SPACE  MOUNTAIN")
    sync(api_server)
    park.refresh_from_db()
    ride.refresh_from_db()
    without_id.refresh_from_db()
    assert (park.park_name, park.timezone) == ("Magic Kingdom Park", "America/New_York")
    assert ride.ride_name == "The Barnstormer"
    assert without_id.themeparks_wiki_id == SPACE_MOUNTAIN
    assert Ride.objects.count() == 73
    assert {"park_name": "magickingdompark", "timezone": "", "destination_wiki_id": None} in [
        change.before for change in MetadataChange.objects.filter(park=park)
    ]


def test_a_change_raises_the_version_and_keeps_what_was_before(api_server, world):
    sync(api_server)
    row(world, BARNSTORMER)["name"] = "The Great Goofini"
    row(world, BARNSTORMER)["location"] = {"latitude": 28.5, "longitude": -81.5}
    row(world, BARNSTORMER)["minimumHeight"] = 89
    (synced,) = sync(api_server, LATER)
    assert (synced.new, synced.changed) == (0, 1)
    found = EntityMetadata.objects.get(themeparks_wiki_id=BARNSTORMER)
    assert (found.version, found.last_updated, found.height_min_cm) == (2, LATER, 89)
    assert (found.latitude, found.ride.ride_name) == (Decimal("28.5"), "The Great Goofini")
    change = MetadataChange.objects.get()
    assert (change.ride, change.version, change.changed_at, change.changed_by) == (found.ride, 2, LATER, "")
    assert change.before["ride_name"] == "The Barnstormer"
    assert change.before["latitude"].startswith("28.42")
    assert change.before["height_min_cm"] is None
    assert change.after["latitude"] == "28.5000000"
    assert change.after["height_min_cm"] == 89


def test_what_an_answer_is_silent_about_stays(api_server, world):
    row(world, BARNSTORMER)["minimumHeight"] = 89
    sync(api_server)
    before = rows_of_everything()
    for name in ("minimumHeight", "location", "name"):
        row(world, BARNSTORMER).pop(name)
    world.entities[MAGIC_KINGDOM].pop("timezone")
    sync(api_server, LATER)
    assert rows_of_everything() == before
    # the park still has the time zone that it had: nothing is missing of it
    assert list(DataQualityLog.objects.values_list("reason", flat=True)) == ["missing_name"]


def test_what_an_operator_set_by_hand_stays(api_server, world):
    sync(api_server)
    found = EntityMetadata.objects.get(themeparks_wiki_id=BARNSTORMER)
    found.height_min_cm, found.indoor_outdoor = 91, "OUTDOOR"
    found.mark_overridden(["height_min_cm", "indoor_outdoor"])
    found.save()
    ride, park = found.ride, found.ride.park
    ride.ride_name, ride.tier = "Barnstormer", 3
    ride.mark_overridden(["ride_name", "tier"])
    ride.save()
    park.park_name = "Magic Kingdom"
    park.mark_overridden(["park_name"])
    park.save()
    row(world, BARNSTORMER)["minimumHeight"] = 89
    row(world, BARNSTORMER)["maximumHeight"] = 195
    sync(api_server, LATER)
    found.refresh_from_db()
    assert (found.height_min_cm, found.height_max_cm, found.indoor_outdoor) == (91, 195, "OUTDOOR")
    assert (found.ride.ride_name, found.ride.tier, found.ride.park.park_name) == ("Barnstormer", 3, "Magic Kingdom")


def test_an_entity_that_vanished_is_kept_and_may_come_back(api_server, world):
    sync(api_server)
    gone = row(world, BARNSTORMER)
    world.children[RESORT].remove(gone)
    (synced,) = sync(api_server, LATER)
    assert synced.vanished == 1
    found = EntityMetadata.objects.get(themeparks_wiki_id=BARNSTORMER)
    assert (found.listed, found.version, found.ride.ride_name) == (False, 2, "The Barnstormer")
    assert found.latitude is not None
    assert [synced.vanished for synced in sync(api_server, LATER)] == [0]
    world.children[RESORT].append(gone)
    sync(api_server, LATER)
    found.refresh_from_db()
    assert (found.listed, found.version) == (True, 3)


def test_half_an_answer_makes_nothing_vanish_and_is_a_finding(api_server, world):
    sync(api_server)
    world.children[RESORT] = world.children[RESORT][:30]
    (synced,) = sync(api_server, LATER)
    assert (synced.vanished, synced.findings) == (0, 1)
    assert EntityMetadata.objects.filter(listed=True).count() == 73
    finding = DataQualityLog.objects.get()
    assert (finding.issue_type, finding.reason, finding.occurrences) == ("INVALID", "half_answer", 44)
    assert finding.entity_id == Park.objects.get().park_id
    assert len(finding.evidence["examples"]) == 5


def test_issues_are_one_finding_a_park_and_reason_however_often_seen(api_server, world):
    for child in world.children[RESORT][1:8]:
        child["location"] = {"latitude": 128.4, "longitude": -81.5}
    for _ in range(3):
        sync(api_server)
    finding = DataQualityLog.objects.get()
    assert (finding.issue_type, finding.reason, finding.entity_type) == ("INVALID", "coordinates_out_of_range", "park")
    assert finding.occurrences == 7
    assert EntityMetadata.objects.filter(latitude=None).count() == 7


def test_a_ride_that_moved_goes_to_its_new_park(api_server, world):
    sync(api_server)
    epcot = "47f90d2c-e191-4239-a466-5892ef59a88b"
    world.destinations[0]["parks"].append({"id": epcot, "name": "EPCOT"})
    world.entities[epcot] = {"id": epcot, "name": "EPCOT", "entityType": "PARK", "timezone": "America/New_York"}
    row(world, BARNSTORMER)["parentId"] = epcot
    (synced,) = sync(api_server, LATER)
    assert (synced.parks, synced.changed, synced.vanished) == (2, 1, 0)
    assert Ride.objects.get(themeparks_wiki_id=BARNSTORMER).park.park_name == "EPCOT"


EPCOT = "47f90d2c-e191-4239-a466-5892ef59a88b"
ELSEWHERE = "89db5d43-c434-4097-b71f-f6869f495a22"


def observed(ride: Ride, *instants: datetime) -> None:
    for at in instants:
        RideStatusSnapshot.objects.create(
            snapshot_id=snapshot_id_of(ride.pk, milliseconds_of(at)),
            ride=ride,
            recorded_at=at,
            status="OPERATING",
            computed_is_open=True,
        )


def test_a_ride_that_moved_keeps_its_history_in_the_old_park(api_server, world):
    sync(api_server)
    ride = Ride.objects.get(themeparks_wiki_id=BARNSTORMER)
    observed(ride, NOW)
    world.destinations[0]["parks"].append({"id": EPCOT, "name": "EPCOT"})
    world.entities[EPCOT] = {"id": EPCOT, "name": "EPCOT", "entityType": "PARK", "timezone": "America/New_York"}
    row(world, BARNSTORMER)["parentId"] = EPCOT
    sync(api_server, LATER)
    old, new = (Park.objects.get(themeparks_wiki_id=uuid).pk for uuid in (MAGIC_KINGDOM, EPCOT))
    at = [snapshot_id_of(ride.pk, milliseconds_of(instant)) for instant in (NOW, LATER)]
    assert stays.parks_of(at) == {at[0]: old, at[1]: new}
    finding = DataQualityLog.objects.get(reason="ride_moved")
    assert "from Magic Kingdom Park to EPCOT (2026-04-22)" in finding.description
    before = rows_of_everything()
    sync(api_server, LATER + timedelta(days=1))
    assert rows_of_everything() == before


def listed_in_another_destination(world, *, parks=(), children=()) -> None:
    world.destinations.append({"id": ELSEWHERE, "name": "Elsewhere", "parks": list(parks)})
    world.children[ELSEWHERE] = list(children)


def test_a_park_that_is_listed_under_two_destinations_stays_in_the_one_it_is_in(api_server, world):
    sync(api_server)
    same = {"id": MAGIC_KINGDOM, "name": "Another Kingdom"}
    listed_in_another_destination(world, parks=[same], children=[same | {"entityType": "PARK"}])
    before = rows_of_everything()
    for days in (1, 2):
        *_, second = sync(api_server, LATER + timedelta(days=days))
        assert (second.parks, second.vanished) == (0, 0)
        assert rows_of_everything() == before
    assert DataQualityLog.objects.get(reason="listed_twice").entity_key == ELSEWHERE


def test_a_park_goes_to_another_destination_when_the_first_lists_it_no_more(api_server, world):
    sync(api_server)
    park = {"id": MAGIC_KINGDOM, "name": "Magic Kingdom Park"}
    listed_in_another_destination(world, parks=[park], children=world.children.pop(RESORT))
    world.destinations[0]["parks"], world.children[RESORT] = [], []
    sync(api_server, LATER)
    assert Park.objects.get(themeparks_wiki_id=MAGIC_KINGDOM).destination_wiki_id == ELSEWHERE


def test_a_ride_that_two_destinations_list_stays_until_its_own_lists_it_no_more(api_server, world):
    sync(api_server)
    observed(Ride.objects.get(themeparks_wiki_id=BARNSTORMER), NOW)
    park = {"id": EPCOT, "name": "EPCOT"}
    world.entities[EPCOT] = park | {"entityType": "PARK", "timezone": "America/New_York"}
    children = [park | {"entityType": "PARK"}, row(world, BARNSTORMER) | {"parentId": EPCOT, "name": "Barn Copy"}]
    listed_in_another_destination(world, parks=[park], children=children)
    sync(api_server, LATER)
    before = rows_of_everything()
    sync(api_server, LATER + timedelta(days=1))
    assert rows_of_everything() == before
    ride = Ride.objects.get(themeparks_wiki_id=BARNSTORMER)
    assert (ride.ride_name, ride.park.themeparks_wiki_id) == ("The Barnstormer", MAGIC_KINGDOM)
    world.children[RESORT].remove(row(world, BARNSTORMER))
    sync(api_server, LATER + timedelta(days=2))
    ride.refresh_from_db()
    assert (ride.ride_name, ride.park.themeparks_wiki_id) == ("Barn Copy", EPCOT)


def test_a_name_that_events_have_since_is_kept_until_the_catalogue_says_another(api_server, world):
    sync(api_server)
    ride = Ride.objects.get(themeparks_wiki_id=BARNSTORMER)
    Ride.objects.filter(pk=ride.pk).update(ride_name="Spooky Barnstormer")  # as an event of today has it
    sync(api_server, LATER)
    ride.refresh_from_db()
    assert ride.ride_name == "Spooky Barnstormer"
    row(world, BARNSTORMER)["name"] = "Barnstormer II"
    sync(api_server, LATER + timedelta(days=1))
    ride.refresh_from_db()
    assert (ride.ride_name, ride.named_at) == ("Barnstormer II", LATER + timedelta(days=1))


def test_what_stands_in_no_park_is_left_out_and_counted(api_server, world):
    hotel = {"id": "0d2a92c2-1a5b-4ba6-a7ee-1a6d8e1a6f9b", "name": "Contemporary", "entityType": "HOTEL"}
    world.children[RESORT].append(hotel | {"parentId": RESORT})
    (synced,) = sync(api_server)
    assert (synced.entities, synced.outside) == (73, 1)
    assert Ride.objects.count() == 73


@pytest.mark.parametrize("by", ["uuid", "id"])
def test_one_park_may_be_asked_for_alone(api_server, world, by):
    other = Park.objects.create(park_name="magickingdompark", themeparks_wiki_id=MAGIC_KINGDOM)
    (synced,) = sync(api_server, parks=[MAGIC_KINGDOM.upper() if by == "uuid" else str(other.pk)])
    assert (synced.parks, synced.entities) == (1, 73)
    assert api_server.paths()[1:] == [f"/v1/entity/{MAGIC_KINGDOM}/children", f"/v1/entity/{MAGIC_KINGDOM}"]
    assert Park.objects.get().destination_wiki_id == RESORT


def test_attributes_are_asked_for_only_when_wanted(api_server, world):
    world.entities[BARNSTORMER] = row(world, BARNSTORMER) | {"minimumHeight": 89, "mayGetWet": False}
    sync(api_server)
    assert EntityMetadata.objects.get(themeparks_wiki_id=BARNSTORMER).height_min_cm is None
    api_server.requests.clear()
    sync(api_server, LATER, attributes=True)
    found = EntityMetadata.objects.get(themeparks_wiki_id=BARNSTORMER)
    assert found.height_min_cm == 89
    assert {"tag": "MAY_GET_WET", "value": False} in found.tags
    assert len(api_server.requests) == 3 + 35
    before = rows_of_everything()
    sync(api_server, LATER)  # without them again: what is known stays
    assert rows_of_everything() == before


def test_a_dry_run_counts_and_writes_nothing(api_server):
    (synced,) = sync(api_server, dry_run=True)
    assert (synced.new, synced.entities) == (73, 73)
    assert rows_of_everything() == [[], [], [], []]


def test_a_destination_that_fails_does_not_stop_the_others(api_server, world):
    paris = "e8d0207f-da8a-4048-bec8-117aa946b2c2"
    world.destinations.insert(0, {"id": paris, "name": "Disneyland Paris", "parks": []})
    api_server.faults = [Fault("status", f"{paris}/children", times=9, answer=Answer(b"", 500))]
    failed, synced = sync(api_server)
    assert "the API answers 500" in failed.error
    assert (synced.entities, synced.error) == (73, "")
    assert not DataQualityLog.objects.exists()  # trouble on the way is no issue of the data


def test_an_answer_that_is_none_becomes_a_finding_of_the_destination(api_server):
    for _ in range(2):
        api_server.faults = [Fault("status", "/children", answer=Answer(b'{"children": [{"id"'))]
        (synced,) = sync(api_server)
        assert "no JSON" in synced.error
    finding = DataQualityLog.objects.get()
    assert (finding.issue_type, finding.reason, finding.entity_type) == ("INVALID", "malformed_answer", "destination")
    assert not Ride.objects.exists()


def test_the_task_goes_through_the_catalogue_in_slices(api_server, world, monkeypatch):
    others = sorted(f"00000000-0000-4000-8000-{n:012}" for n in range(3))
    world.destinations += [{"id": uuid, "name": uuid, "parks": []} for uuid in others]
    for uuid in others:
        world.children[uuid] = []
    monkeypatch.setattr(metadata_sync, "SLICE_SECONDS", -1)  # a slice ends after one destination
    begin_at, begun = "", []
    while True:
        begin_at = metadata_sync.sync_slice(ThemeParksApi(), begin_at, lambda: NOW).following
        begun.append(begin_at)
        if not begin_at:
            break
    assert begun == [*others[1:], RESORT, ""]
    assert EntityMetadata.objects.count() == 73


def test_destinations_that_hang_do_not_keep_the_others_from_the_sync(api_server, world, monkeypatch):
    """Three in a row were taken for an API that is away, and what lies behind them was never asked."""
    monkeypatch.setattr("imports.api.themeparks.QUESTION_SECONDS", 0.1)
    others = sorted(f"00000000-0000-4000-8000-{n:012}" for n in range(4))
    world.destinations += [{"id": uuid, "name": uuid, "parks": []} for uuid in others]
    world.children[others[3]] = []
    api_server.faults = [fault := Fault("head", "00000000000[012]/children", times=9, seconds=0.01)]
    first = metadata_sync.sync_slice(ThemeParksApi(), "", lambda: NOW)
    assert (first.following, first.in_vain, fault.finished) == (others[3], True, 0)
    assert "not complete after" in first.given_up
    assert metadata_sync.sync_slice(ThemeParksApi(), first.following, lambda: NOW).following == ""
    assert EntityMetadata.objects.count() == 73


def test_a_destination_that_takes_too_long_with_all_of_its_parks_is_told(api_server, world, monkeypatch):
    monkeypatch.setattr(metadata_sync, "TARGET_SECONDS", 0.2)
    api_server.faults = [Fault("head", "children", times=9, seconds=0.01)]
    found = metadata_sync.targets(ThemeParksApi())
    (synced,) = metadata_sync.sync(ThemeParksApi(), found, lambda: NOW, seconds_each=0.2)
    assert "not complete after 0.2 s" in synced.error


@pytest.mark.parametrize(("in_vain", "before", "goes_on"), [(True, 0, 1), (True, 1, 2), (False, 2, 0)])
def test_the_task_goes_on_behind_them(in_vain, before, goes_on):
    done = Slice("next", "", "nobody answers", in_vain)
    said = tasks._go_on("imports.tasks.sync_metadata", "Sync metadata", done, before)
    assert said == "nobody answers; goes on at next"
    assert OrmQ.objects.get().task["args"] == ("next", goes_on)


def test_after_three_slices_in_which_nobody_answered_the_task_fails():
    with pytest.raises(ApiUnavailable, match="nobody answers"):
        tasks._go_on("imports.tasks.sync_metadata", "Sync metadata", Slice("next", "", "nobody answers", True), 2)
    assert not OrmQ.objects.exists()


def run_command(*arguments) -> str:
    out = io.StringIO()
    call_command("sync_metadata", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_says_what_it_did(api_server):
    assert "Would have been: 1 park, 73 entities, 73 new" in run_command("--dry-run")
    said = run_command("--destination", RESORT)
    assert f"Walt Disney World® Resort ({RESORT}): 73 entities in 1 park, 73 new, 0 changed, 0 vanished" in said
    assert "Done: 1 park, 73 entities, 73 new, 0 changed, 0 vanished, 0 new findings" in said


def test_the_command_keeps_to_the_destinations_of_the_settings(api_server, world, settings):
    world.destinations.append({"id": "e8d0207f-da8a-4048-bec8-117aa946b2c2", "name": "Paris", "parks": []})
    settings.DESTINATIONS = [RESORT]
    assert "Paris" not in run_command()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--destination", "nowhere"], "The API has no destination 'nowhere'"),
        (["--destination", MAGIC_KINGDOM], f"The API has no destination '{MAGIC_KINGDOM}'"),
        (["--park", "4711"], "The API has no park '4711'"),
        (["--park", "x"], "--park 'x' is neither a park_id nor a UUID"),
    ],
)
def test_the_command_names_what_is_not_there(api_server, arguments, message):
    with pytest.raises(CommandError, match=message) as caught:
        run_command(*arguments)
    assert caught.value.returncode == 2


def test_the_command_fails_when_a_destination_failed_or_the_api_is_away(api_server, settings):
    api_server.faults = [Fault("status", "/children", times=9, answer=Answer(b"", 500))]
    with pytest.raises(CommandError, match="1 of 1 destinations failed") as caught:
        run_command()
    assert caught.value.returncode == 1
    settings.THEMEPARKS_API_URL = "http://127.0.0.1:9/v1"
    with pytest.raises(CommandError, match=r"127\.0\.0\.1"):
        run_command()


def test_odd_values_of_a_catalogue_cost_themselves_alone(api_server, world):
    world.destinations += [
        {"id": f"00000000-0000-4000-8000-{n:012}", "parks": odd} for n, odd in enumerate((5, "x", {}))
    ]
    for destination in world.destinations[1:]:
        world.children[destination["id"]] = []
    odd = [
        b"NaN",
        b"-Infinity",
        b"1e999",
        b"9" * 5_000,
        b'"\\ud83c"',
        b'"caf\xe9"',
        b"[" * 5_000 + b"]" * 5_000,
        b'"\x01"',
    ]
    for written in odd:
        ride = row(world, BARNSTORMER)
        ride |= {"location": {"latitude": "ODD", "longitude": 5}, "tags": [{"tag": "T", "value": "ODD"}], "mood": "ODD"}
        body = api_server.answers(f"/v1/entity/{RESORT}/children", {}).body.replace(b'"ODD"', written)
        api_server.faults = [Fault("status", f"{RESORT}/children", answer=Answer(body))]
        synced, *others = sync(api_server)
        assert (synced.error, synced.entities) == ("", 73), written
        assert [other.error for other in others] == [""] * 3
        assert EntityMetadata.objects.get(themeparks_wiki_id=BARNSTORMER).latitude is None
    reasons = set(DataQualityLog.objects.filter(source_file__startswith="api/").values_list("reason", flat=True))
    assert reasons == {"coordinates_out_of_range", "malformed_tags"}


@pytest.mark.django_db(transaction=True)
def test_what_the_server_refuses_of_one_destination_does_not_stop_the_others(api_server, world):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE rides ADD CONSTRAINT made_by_a_test CHECK (ride_name NOT LIKE 'Odd%')")
    try:
        other = "e8d0207f-da8a-4048-bec8-117aa946b2c2"
        park = "dae968d5-630d-4719-8b06-3d107e944401"
        world.destinations.insert(0, {"id": other, "name": "Paris", "parks": [{"id": park, "name": "Park"}]})
        world.entities[park] = {"id": park, "timezone": "Europe/Paris"}
        world.children[other] = [{"id": BARNSTORMER[:-1] + "0", "name": "Odd", "entityType": "SHOW", "parentId": park}]
        refused, synced = sync(api_server)
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE rides DROP CONSTRAINT made_by_a_test")
    assert "made_by_a_test" in refused.error
    assert (synced.error, synced.entities) == ("", 73)
