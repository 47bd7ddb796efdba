"""Names, slugs and time zones follow what was heard last, by the time of the event; and what is told on the way."""

import random
from datetime import UTC, date, datetime

import pytest

from quality.models import DataQualityLog
from tests.emptying import empty_tables
from tests.imports.building import DAY, OTHER_PARK, OTHER_RIDE, PARK, RIDE, event, import_all, ride, write_day
from tests.imports.table_state import table_state
from warehouse.models import BY_EVENTS, MetadataChange, Park, Ride

pytestmark = pytest.mark.django_db(transaction=True)

EARLIER, LATER = date(2024, 12, 20), date(2024, 12, 30)


@pytest.fixture
def bring(tmp_path):
    """Import one file of these events of the day."""

    def _bring(day: date, *events: dict) -> None:
        root = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        write_day(root, list(events), day)
        import_all(root)

    return _bring


def name_of(entity: str = RIDE) -> str:
    return Ride.objects.get(themeparks_wiki_id=entity).ride_name


def test_a_ride_is_called_as_it_was_called_last(bring):
    bring(DAY, event(name="Space Mountain"))
    bring(LATER, event(day=LATER, name="Hyperspace Mountain"))
    assert name_of() == "Hyperspace Mountain"
    change = MetadataChange.objects.get(ride__themeparks_wiki_id=RIDE)
    assert (change.before, change.after) == ({"ride_name": "Space Mountain"}, {"ride_name": "Hyperspace Mountain"})
    assert change.changed_by == BY_EVENTS


def test_an_old_day_that_comes_later_changes_nothing(bring):
    bring(DAY, event(name="Space Mountain"))
    bring(EARLIER, event(day=EARLIER, name="Rocket Mountain"))
    assert name_of() == "Space Mountain"
    assert not MetadataChange.objects.exists()


def test_a_name_that_was_heard_again_since_is_newer_than_when_it_was_heard_first(bring):
    bring(EARLIER, event(day=EARLIER, name="Space Mountain"))
    bring(LATER, event(day=LATER, name="Space Mountain"))
    bring(DAY, event(name="Ghost Galaxy"))
    assert name_of() == "Space Mountain"


def test_a_placeholder_takes_the_first_name_there_is(bring):
    bring(LATER, event(day=LATER, name=None))
    assert name_of() == f"Unnamed {RIDE}"
    bring(DAY, event(name="Space Mountain"))
    assert name_of() == "Space Mountain"


def test_what_an_operator_has_set_stays(bring):
    bring(DAY, event(name="Space Mountain"))
    Ride.objects.update(ride_name="Our Mountain", hand_set=["ride_name"])
    Park.objects.update(park_name="Our Park", timezone="Europe/Paris", hand_set=["park_name", "timezone"])
    bring(LATER, event(day=LATER, name="Hyperspace Mountain", parkSlug="new-slug", timezone="America/Chicago"))
    park = Park.objects.get()
    assert (name_of(), park.park_name, park.timezone) == ("Our Mountain", "Our Park", "Europe/Paris")


def test_a_park_known_by_its_uuid_alone_takes_slug_zone_and_name_from_the_first_event_that_has_them(bring):
    bring(DAY, event(parkSlug=..., timezone=...))
    park = Park.objects.get()
    assert (park.park_name, park.park_slug, park.timezone) == (PARK, "", "")
    bring(EARLIER, event(day=EARLIER, parkSlug=...), event("11:00:00Z", day=EARLIER, timezone=..., entity=OTHER_RIDE))
    park.refresh_from_db()
    assert (park.park_name, park.park_slug, park.timezone) == ("a-park", "a-park", "America/New_York")


def test_slug_and_zone_follow_the_newest_event(bring):
    bring(DAY, event())
    bring(LATER, event(day=LATER, parkSlug="renamed", timezone="America/Chicago"))
    bring(EARLIER, event(day=EARLIER, parkSlug="of-old", timezone="America/Denver"))
    park = Park.objects.get()
    assert (park.park_name, park.park_slug, park.timezone) == ("renamed", "renamed", "America/Chicago")
    (change,) = MetadataChange.objects.filter(park=park)
    assert change.before == {"park_name": "a-park", "park_slug": "a-park", "timezone": "America/New_York"}


def park_of(day: date, slug: str, time="10:00:00Z", *, entity=RIDE, park=PARK) -> dict:
    return event(time, day=day, entity=entity, park=park, parkSlug=slug)


def test_a_park_is_heard_of_in_the_events_before_its_only_ride_moved_on_the_same_day(bring):
    bring(EARLIER, park_of(EARLIER, "old-slug"))
    bring(DAY, park_of(DAY, "new-slug"), park_of(DAY, "other", "20:00:00Z", park=OTHER_PARK))
    slugs = dict(Park.objects.values_list("themeparks_wiki_id", "park_slug"))
    assert slugs == {PARK: "new-slug", OTHER_PARK: "other"}


def test_what_a_ride_said_of_its_park_before_it_moved_is_newer_than_an_old_day(bring):
    bring(DAY, park_of(DAY, "new-slug"))
    bring(LATER, park_of(LATER, "other", park=OTHER_PARK))
    bring(EARLIER, park_of(EARLIER, "old-slug", entity=OTHER_RIDE))
    assert Park.objects.get(themeparks_wiki_id=PARK).park_slug == "new-slug"


def test_a_proper_name_and_its_zone_are_not_overwritten_by_events(bring):
    bring(DAY, event())
    Park.objects.update(park_name="A Park", timezone="America/Toronto")  # as the metadata sync does
    bring(LATER, event(day=LATER, parkSlug="renamed", timezone="America/Chicago"))
    park = Park.objects.get()
    assert (park.park_name, park.park_slug, park.timezone) == ("A Park", "renamed", "America/Toronto")


def test_a_zone_that_does_not_exist_is_no_news(bring):
    bring(DAY, event())
    bring(LATER, event(day=LATER, timezone="America/Atlantis"))
    assert Park.objects.get().timezone == "America/New_York"


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_events_in_a_file_means_nothing(tmp_path, seed):
    """Names, adoptions, stays and rows of a shuffled file are those of the file as it is."""
    at = [f"{8 + n // 4:02}:{n % 4 * 15:02}:00Z" for n in range(40)]
    events = [
        event(
            time, entity=ride(n % 5), name=["Autopia", "Autopias", "Racer 1", "Racer 2", "Boat"][n % 5] + "!" * (n > 30)
        )
        for n, time in enumerate(at)
    ]
    states = []
    for order in (events, random.Random(seed).sample(events, len(events))):
        park = Park.objects.create(park_name="a-park", park_slug="a-park", themeparks_wiki_id=PARK)
        for name in ("Autopia", "Racer 3", "Goat"):
            Ride.objects.create(park=park, ride_name=name)
        root = tmp_path / str(len(states))
        write_day(root, order)
        import_all(root)
        state = table_state()
        states.append({name: state[name] for name in ("snapshots", "queue rows", "rides", "findings")})
        rides_by_name = dict(
            Ride.objects.exclude(themeparks_wiki_id=None).values_list("themeparks_wiki_id", "ride_name")
        )
        states[-1]["names"] = rides_by_name
        empty_tables()
    assert states[0] == states[1]
    assert states[0]["names"][ride(0)] == "Autopia!"


def test_two_names_by_turns_and_a_flickering_status_are_told(bring):
    start = datetime(2024, 12, 25, 10, tzinfo=UTC).timestamp()
    turns = [event(f"{10 + n}:00:00Z", name="One" if n % 2 else "Two") for n in range(6)]
    flips = [
        event(
            f"{datetime.fromtimestamp(start + n, UTC):%Y-%m-%dT%H:%M:%SZ}",
            entity=OTHER_RIDE,
            status="DOWN" if n % 2 else "OPERATING",
        )
        for n in range(30)
    ]
    bring(DAY, *turns, *flips)
    told = {row.reason: row for row in DataQualityLog.objects.all()}
    assert set(told) == {"alternating_name", "flickering_status"}
    assert told["alternating_name"].evidence["examples"][0]["names"] == ["One", "Two"]
    assert told["flickering_status"].evidence["examples"][0]["times"] == 29
