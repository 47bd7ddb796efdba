"""Rides that move to another park: told, and ledger, table, figures and pages agree on whose rows they are."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from django.db.models import Sum

from imports.models import ImportedFile
from quality.check import auto_resolve
from quality.models import DataQualityLog
from tests.imports.building import DESTINATION, NOW, OTHER_PARK, PARK, event, import_all, ride, write_day
from warehouse.history.reading import park_days
from warehouse.instants import instant_at, milliseconds_of
from warehouse.models import Park, Ride, RideStatusSnapshot, RideStay
from warehouse.rides import stays

pytestmark = pytest.mark.django_db(transaction=True)

ONE, TWO, WANDERER = ride(1), ride(2), ride(3)
DAYS = [date(2024, 5, n) for n in (1, 2, 3)]


def standby(minutes: int) -> dict:
    return {"STANDBY": {"waitTime": minutes}}


def a_day(day: date, park_of_wanderer: str) -> list[dict]:
    events = []
    for hour in range(14, 20):
        for minute, entity, park, wait in (
            (0, ONE, PARK, 10),
            (1, TWO, OTHER_PARK, 20),
            (2, WANDERER, park_of_wanderer, 60),
        ):
            events.append(
                event(f"{hour}:{minute:02}:00Z", day=day, entity=entity, park=park, queue=standby(wait), name=entity)
            )
    return events


@pytest.fixture
def archive(tmp_path):
    """The wanderer is in the first park on the first day, and in the other one from the second on."""
    for day in DAYS:
        write_day(tmp_path, a_day(day, PARK if day == DAYS[0] else OTHER_PARK), day)
    return tmp_path


def ledger() -> dict[str, int]:
    """Events by park (its UUID), as the ledger has them; none of them is refused or repeated here."""
    rows = ImportedFile.objects.values_list("park__themeparks_wiki_id").annotate(Sum("events_read")).order_by()
    return {park: events for park, events in rows if events}


def table() -> dict[str, int]:
    """The same, as the facts have them when parks are asked for by the stays of their rides."""
    wiki_ids = dict(Park.objects.values_list("park_id", "themeparks_wiki_id"))
    ids = list(RideStatusSnapshot.objects.values_list("snapshot_id", flat=True))
    return dict(Counter(wiki_ids[park_id] for park_id in stays.parks_of(ids).values()))


def figures() -> dict[str, int]:
    """The same, as the figures of days have them."""
    return {
        park.themeparks_wiki_id: sum(
            ride.observations
            for day in park_days(park, DAYS[0], DAYS[-1] + timedelta(days=9), NOW)
            for ride in day.rides.values()
        )
        for park in Park.objects.all()
    }


def moves() -> list[tuple[str, str, date]]:
    """(from, to, day) of the wanderer, by its stays."""
    course = stays.of_rides([Ride.objects.get(themeparks_wiki_id=WANDERER).pk])
    steps = next(iter(course.values()), [])
    names = dict(Park.objects.values_list("park_id", "themeparks_wiki_id"))
    return [
        (names[one.park_id], names[other.park_id], instant_at(other.begins_ms).date()) for one, other in pairwise(steps)
    ]


def test_ledger_table_and_figures_agree_on_whose_rows_they_are(archive):
    import_all(archive)
    assert ledger() == table() == figures() == {PARK: 6 * 3 + 6, OTHER_PARK: 6 * 3 + 12}
    assert moves() == [(PARK, OTHER_PARK, DAYS[1])]
    (finding,) = DataQualityLog.objects.filter(reason="ride_moved")
    assert "moved from a-park to another-park (2024-05-02)" in finding.description
    assert (finding.entity_key, finding.park.themeparks_wiki_id) == (WANDERER, OTHER_PARK)
    first = Park.objects.get(themeparks_wiki_id=PARK)
    highest = [
        max(ride.standby_max or 0 for ride in day.rides.values()) for day in park_days(first, DAYS[0], DAYS[2], NOW)
    ]
    assert highest == [60, 10, 10]  # its waits go with it, its history stays


def test_a_second_import_stores_and_tells_nothing_new(archive):
    import_all(archive)
    before = list(RideStay.objects.values_list("pk", "begins_at")), DataQualityLog.objects.count()
    totals = import_all(archive)
    assert (totals.stored, totals.findings) == (0, 0)
    assert (list(RideStay.objects.values_list("pk", "begins_at")), DataQualityLog.objects.count()) == before
    assert table() == {PARK: 24, OTHER_PARK: 30}


def test_an_import_of_one_park_takes_its_own_rows_alone_and_learns_of_the_move(archive):
    Park.objects.create(park_name="First", themeparks_wiki_id=PARK, destination_wiki_id=DESTINATION)
    import_all(archive, everything=False, parks=[PARK])
    assert table() == ledger() == {PARK: 24}
    assert moves() == [(PARK, OTHER_PARK, DAYS[1])]
    import_all(archive, everything=False, parks=[OTHER_PARK])
    assert table() == ledger() == {PARK: 24, OTHER_PARK: 30}


@pytest.mark.parametrize("order", [(0, 2, 1), (2, 1, 0), (1, 0, 2)])
def test_the_days_may_come_in_any_order(tmp_path, order):
    for number in order:
        root = tmp_path / str(number)
        write_day(root, a_day(DAYS[number], PARK if number == 0 else OTHER_PARK), DAYS[number])
        import_all(root)
    assert ledger() == table() == figures() == {PARK: 24, OTHER_PARK: 30}
    assert moves() == [(PARK, OTHER_PARK, DAYS[1])]
    told = DataQualityLog.objects.get(reason="ride_moved")
    assert "(2024-05-02)" in told.description


@pytest.mark.parametrize("seed", range(3))
def test_a_random_history_in_random_order_ends_as_the_events_say(tmp_path, seed):
    """Several rides that move, also within a day and back; each event is found under the park that it names."""
    rnd = random.Random(seed)
    named: dict[tuple[str, int], str] = {}
    by_day: dict[date, list[dict]] = {}
    for number in range(4):
        park = rnd.choice([PARK, OTHER_PARK])
        for day in (DAYS[0] + timedelta(days=n) for n in range(7)):
            moves_at = rnd.choice([99, 99, rnd.randrange(1, 5)])
            if rnd.random() < 0.2:
                continue
            for n in range(5):
                if n == moves_at:
                    park = OTHER_PARK if park == PARK else PARK
                at = datetime(day.year, day.month, day.day, 8 + 2 * n, number, tzinfo=UTC)
                one = event(f"{at:%Y-%m-%dT%H:%M:%SZ}", entity=ride(number), park=park, name=f"ride {number} {day}")
                by_day.setdefault(day, []).append(one)
                named[ride(number), milliseconds_of(at)] = park
    days = list(by_day)
    rnd.shuffle(days)
    for day in days:
        rnd.shuffle(by_day[day])
        root = tmp_path / f"{day}"
        write_day(root, by_day[day], day)
        import_all(root)
    wiki_ids = dict(Park.objects.values_list("park_id", "themeparks_wiki_id"))
    entities = dict(Ride.objects.values_list("ride_id", "themeparks_wiki_id"))
    parks = stays.parks_of(list(RideStatusSnapshot.objects.values_list("snapshot_id", flat=True)))
    found = {
        (entities[snapshot_id & 0xFFFFF], snapshot_id >> 20): wiki_ids[park_id]
        for snapshot_id, park_id in parks.items()
    }
    assert found == named
    assert ledger() == dict(Counter(named.values())) == table() == figures()
    newest = {entity: max(at for known, at in named if known == entity) for entity, _ in named}
    for known in Ride.objects.select_related("park"):
        assert known.park.themeparks_wiki_id == named[known.themeparks_wiki_id, newest[known.themeparks_wiki_id]]
        assert known.ride_name.endswith(f"{instant_at(newest[known.themeparks_wiki_id]).date()}")


def test_a_stray_event_is_told_and_moves_nothing(tmp_path):
    events = a_day(DAYS[0], PARK)
    events[8] |= {"parkId": OTHER_PARK}  # the wanderer at 16:02
    write_day(tmp_path, events, DAYS[0])
    write_day(tmp_path, a_day(DAYS[1], PARK), DAYS[1])
    import_all(tmp_path)
    assert ledger() == table() == {PARK: 24, OTHER_PARK: 12}
    assert moves() == []
    (finding,) = DataQualityLog.objects.exclude(issue_type="GAP")
    assert (finding.reason, finding.park.themeparks_wiki_id, finding.occurrences) == ("alternating_park", PARK, 1)
    assert import_all(tmp_path).stored == 0  # and it is known under the same park


def test_a_park_that_an_operator_has_set_stays(archive):
    import_all(archive, first=DAYS[0], last=DAYS[0])
    Ride.objects.filter(themeparks_wiki_id=WANDERER).update(hand_set=["park_id"])
    import_all(archive)
    assert ledger() == table() == {PARK: 36, OTHER_PARK: 18}
    assert not DataQualityLog.objects.filter(reason="ride_moved").exists()


def test_a_move_that_later_days_take_back_is_resolved_by_the_check(tmp_path):
    """The wanderer's last word of a day names another park, and what comes later of that day shows that it stayed."""
    write_day(tmp_path / "1", a_day(DAYS[0], PARK), DAYS[0])
    write_day(tmp_path / "2", [event("19:30:00Z", day=DAYS[0], entity=WANDERER, park=OTHER_PARK)], DAYS[1])
    write_day(tmp_path / "3", [event("20:30:00Z", day=DAYS[0], entity=WANDERER, park=PARK)], DAYS[2])
    import_all(tmp_path / "1")
    import_all(tmp_path / "2")
    assert moves() == [(PARK, OTHER_PARK, DAYS[0])]
    assert auto_resolve.moves_taken_back() == []
    import_all(tmp_path / "3")
    assert moves() == []
    ((row, _),) = auto_resolve.moves_taken_back()
    assert row.reason == "ride_moved"


# --- rejected events of rides that moved -----------------------------------------------------------------------------
@pytest.mark.parametrize("resumed", [False, True], ids=["in one run", "by a run of its own"])
def test_a_rejected_event_without_a_park_is_counted_where_its_ride_is_now_also_by_the_run_that_moved_it(
    archive, resumed
):
    last = DAYS[-1] + timedelta(days=1)
    refused = [event(day=last, entity=WANDERER, park=None, status="ODD"), event("14:00:00Z", day=last, entity=ONE)]
    if resumed:
        import_all(archive)
    write_day(archive, refused, last)
    import_all(archive, missing_only=resumed)
    counted = ImportedFile.objects.filter(file_date=last, rejected=1)
    assert [row.park.themeparks_wiki_id for row in counted] == [OTHER_PARK]
