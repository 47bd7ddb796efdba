"""Snapshots and queue rows in the admin: nothing is asked before a range is chosen, and then its partitions alone."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.html import strip_tags

from tests.plans import plan_of
from tests.warehouse.admin.day_pages import rows_of_csv
from warehouse.admin.fact_pages import ROWS_A_PAGE
from warehouse.instants import milliseconds_of
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot
from warehouse.rides import stays
from warehouse.rides.stays import Stay
from warehouse.snapshot_id import instant_of, snapshot_id_of

pytestmark = pytest.mark.django_db
SNAPSHOTS = "/admin/warehouse/ridestatussnapshot/"
QUEUES = "/admin/warehouse/queuedata/"
BEGIN = datetime(2025, 3, 1, tzinfo=UTC)


@pytest.fixture
def viewer(client, django_user_model):
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="warehouse", codename__startswith="view")
    )
    client.force_login(user)
    return client


def new_ride(park: Park | None = None, name: str = "Ride") -> Ride:
    park = park or Park.objects.create(
        park_name=f"Park of {name}", themeparks_wiki_id=f"p{Park.objects.count()}", timezone="UTC"
    )
    return Ride.objects.create(park=park, ride_name=name, themeparks_wiki_id=f"r{Ride.objects.count()}")


def observe(ride_id: int, at: datetime, lines: int = 0, **changes) -> int:
    snapshot_id = snapshot_id_of(ride_id, milliseconds_of(at))
    fields = {"status": "OPERATING", "wait_time": 15, "computed_is_open": True, "data_source": "ARCHIVE"}
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id, ride_id=ride_id, recorded_at=instant_of(snapshot_id), **fields | changes
    )
    for queue_type in ("SINGLE_RIDER", "RETURN_TIME")[:lines]:
        QueueData.objects.create(snapshot_id=snapshot_id, queue_type=queue_type, wait_time_minutes=5)
    return snapshot_id


def march(ride: Ride | None = None, **more) -> dict:
    asked = {"from": "2025-03-01", "to": "2025-03-31"}
    return asked | ({"ride": ride.pk} if ride else {}) | more


def fact_queries(client, page: str, asked: dict | None = None) -> list[str]:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(page, asked or {}).status_code == 200
    return [
        query["sql"]
        for query in captured.captured_queries
        if "ride_status_snapshots" in query["sql"] or "queue_data" in query["sql"]
    ]


@pytest.mark.parametrize("page", [SNAPSHOTS, QUEUES])
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, ""),
        ({"from": "2025-03-01", "to": "2025-03-02"}, "Choose a park or a ride"),
        ({"park": "1"}, "This field is required"),
        ({"park": "77777", "from": "2025-03-01", "to": "2025-03-02"}, "Select a valid choice"),
        ({"park": "PARK", "from": "2025-03-02", "to": "2025-03-01"}, "swap them"),
        ({"park": "PARK", "from": "2025-03-01", "to": "2025-04-01"}, "At most 31 days of a park"),
        ({"park": "PARK", "from": "9999-12-30", "to": "9999-12-31"}, "Give a day of the years 1900 to 2199."),
        ({"ride": "RIDE", "from": "2023-01-01", "to": "2025-04-01"}, "or 366 of a ride"),
        ({"ride": "x' OR 1", "from": "2025-03-01", "to": "2025-04-01"}, "Select a valid choice"),
    ],
)
def test_without_a_range_and_a_park_or_ride_no_fact_is_read(viewer, page, asked, says):
    ride = new_ride()
    names = {"PARK": ride.park_id, "RIDE": ride.pk}
    asked = {name: names.get(value, value) for name, value in asked.items()}
    assert fact_queries(viewer, page, asked) == []
    assert says in viewer.get(page, asked).content.decode()


def test_a_park_shows_what_a_ride_did_there_and_not_what_it_did_elsewhere(viewer):
    ride = new_ride(name="Wanderer")
    old, new = ride.park, Park.objects.create(park_name="New", themeparks_wiki_id="new", timezone="UTC")
    moment = BEGIN + timedelta(days=2)
    stays.write(ride.pk, [Stay(old.pk, None), Stay(new.pk, milliseconds_of(moment))])
    for days in (0, 1, 2, 3):
        observe(ride.pk, BEGIN + timedelta(days=days), wait_time=10 + days)
    for park, waits in ((old, {10, 11}), (new, {12, 13})):
        for asked in ({"park": park.pk}, {"park": park.pk, "ride": ride}):
            page = viewer.get(SNAPSHOTS, march(**asked)).content.decode()
            shown = {int(wait) for wait in re.findall(r"(\d+) min", page)}
            assert shown == ({10, 11, 12, 13} if "ride" in asked else waits)


def test_a_ride_shows_what_was_observed_the_newest_first(viewer):
    ride, other = new_ride(name="Ride"), new_ride(name="Other")
    for day in range(3):
        observe(ride.pk, BEGIN + timedelta(days=day), lines=1)
        observe(other.pk, BEGIN + timedelta(days=day))
    observe(ride.pk, BEGIN - timedelta(milliseconds=1))
    observe(ride.pk, BEGIN + timedelta(days=31))
    rows = viewer.get(SNAPSHOTS, march(ride)).context["rows"]
    assert [re.sub("<.*?>", "", str(row[0])) for row in rows] == [
        "2025-03-03 00:00:00.000Z",
        "2025-03-02 00:00:00.000Z",
        "2025-03-01 00:00:00.000Z",
    ]
    said = [strip_tags(str(cell)) for cell in rows[0][1:]]
    assert said == ["Ride", "OPERATING", "15 min", "ARCHIVE", "SINGLE_RIDER 5 min"]


def test_both_ends_of_the_range_belong_to_it(viewer):
    ride = new_ride()
    observe(ride.pk, BEGIN)
    observe(ride.pk, datetime(2025, 3, 31, 23, 59, 59, 999000, tzinfo=UTC))
    assert len(viewer.get(SNAPSHOTS, march(ride)).context["rows"]) == 2


def test_a_park_shows_all_its_rides_merged_in_time(viewer):
    first = new_ride(name="First")
    second = new_ride(first.park, "Second")
    for hour in range(4):
        observe((first, second)[hour % 2].pk, BEGIN + timedelta(hours=hour), lines=2)
    asked = march(park=first.park_id)
    names = [strip_tags(str(row[1])) for row in viewer.get(SNAPSHOTS, asked).context["rows"]]
    assert names == ["Second", "First", "Second", "First"]
    lines = viewer.get(QUEUES, asked).context["rows"]
    assert [(strip_tags(str(row[1])), row[2]) for row in lines[:3]] == [
        ("Second", "SINGLE_RIDER"),
        ("Second", "RETURN_TIME"),
        ("First", "SINGLE_RIDER"),
    ]


@pytest.mark.parametrize("page", [SNAPSHOTS, QUEUES])
def test_pages_follow_each_other_without_a_hole_or_a_repeat(viewer, page):
    ride = new_ride()
    wanted = ROWS_A_PAGE * 2 + 30
    for minute in range(wanted):
        observe(ride.pk, BEGIN + timedelta(minutes=minute), lines=1)
    seen, asked = [], march(ride)
    while True:
        context = viewer.get(page, asked).context
        seen += [re.sub("<.*?>", "", str(row[0])) for row in context["rows"]]
        if "older" not in context:
            break
        asked = march(ride) | {"before": context["older"].rsplit("before=")[1]}
    assert len(seen) == wanted
    assert seen == sorted(set(seen), reverse=True)


def test_rides_that_were_observed_at_the_same_instant_are_not_lost_between_pages(viewer):
    first = new_ride(name="Ride 0")
    rides = [first, *(new_ride(first.park, f"Ride {n}") for n in range(1, ROWS_A_PAGE + 20))]
    for ride in rides:
        observe(ride.pk, BEGIN)
    asked = march(park=first.park_id)
    context = viewer.get(SNAPSHOTS, asked).context
    more = viewer.get(SNAPSHOTS, asked | {"before": context["older"].rsplit("before=")[1]}).context["rows"]
    assert len({str(row[1]) for row in [*context["rows"], *more]}) == len(rides)


def opened(sql: str) -> set[str]:
    return {name for step in plan_of(sql) if step["partitions"] for name in step["partitions"].split(",")}


@pytest.mark.parametrize("page", [SNAPSHOTS, QUEUES])
def test_no_query_counts_and_each_opens_the_partitions_of_its_range_alone(viewer, page):
    ride = new_ride()
    for month in range(1, 8):
        for day in range(1, 4):
            observe(ride.pk, datetime(2025, month, day, tzinfo=UTC), lines=1)
    for asked in (
        march(ride),
        march(park=ride.park_id),
        march(ride, before=str(observe(ride.pk, BEGIN + timedelta(9)))),
    ):
        sql = fact_queries(viewer, page, asked)
        assert sql
        assert not [statement for statement in sql if "COUNT(" in statement.upper()]
        on_facts = [statement for statement in sql if "ride_status_snapshots" in statement]
        assert set().union(*map(opened, on_facts)) == {"p202503"}


@pytest.mark.parametrize("page", [SNAPSHOTS, QUEUES])
def test_many_rides_and_rows_make_no_more_queries_than_few(viewer, page):
    first = new_ride()
    observe(first.pk, BEGIN, lines=1)
    asked = march(park=first.park_id)
    few = len(fact_queries(viewer, page, asked))
    for n in range(20):
        ride = new_ride(first.park, f"Ride {n}")
        for minute in range(5):
            observe(ride.pk, BEGIN + timedelta(minutes=minute), lines=2)
    assert len(fact_queries(viewer, page, asked)) == few


def test_the_page_of_a_snapshot_opens_one_partition(viewer):
    ride = new_ride(name="Space <Mountain>")
    snapshot_id = observe(ride.pk, BEGIN + timedelta(days=3), lines=2)
    page = f"{SNAPSHOTS}{snapshot_id}/change/"
    (sql, _) = fact_queries(viewer, page)
    assert opened(sql) == {"p202503"}
    text = viewer.get(page).content.decode()
    assert "Space &lt;Mountain&gt;" in text
    assert "SINGLE_RIDER 5 min; RETURN_TIME 5 min" in text
    line = QueueData.objects.filter(snapshot_id=snapshot_id).first()
    assert f"{SNAPSHOTS}{snapshot_id}/change/" in viewer.get(f"{QUEUES}{line.pk}/change/").content.decode()


def test_an_orphan_is_shown_as_what_it_is(viewer):
    snapshot_id = observe(4711, BEGIN)
    assert "4711, which does not exist" in viewer.get(f"{SNAPSHOTS}{snapshot_id}/change/").content.decode()


@pytest.mark.parametrize("object_id", ["1", "x", "-5", "9" * 30, "9223372036854775807"])
def test_a_snapshot_that_does_not_exist_is_said_so(viewer, object_id):
    response = viewer.get(f"{SNAPSHOTS}{object_id}/change/", follow=True)
    assert "exist" in "".join(str(message) for message in response.context["messages"])


def test_facts_cannot_be_changed_and_need_permission_to_be_seen(admin_client, client, django_user_model):
    snapshot_id = observe(new_ride().pk, BEGIN)
    assert admin_client.post(f"{SNAPSHOTS}{snapshot_id}/change/", {"status": "DOWN"}).status_code == 403
    assert admin_client.post(f"{SNAPSHOTS}{snapshot_id}/delete/", {"post": "yes"}).status_code == 403
    assert admin_client.get(f"{SNAPSHOTS}add/").status_code == 403
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    for page in (SNAPSHOTS, QUEUES, f"{SNAPSHOTS}{snapshot_id}/change/"):
        assert client.get(page).status_code == 403


def test_rows_of_a_park_are_told_by_its_clock_with_utc_beside_and_its_days_are_those_asked_for(viewer):
    ride = new_ride()
    Park.objects.filter(pk=ride.park_id).update(timezone="Asia/Tokyo")
    observe(ride.pk, datetime(2025, 3, 1, 14, 59, tzinfo=UTC), wait_time=11)
    morning = observe(ride.pk, datetime(2025, 3, 1, 15, 0, tzinfo=UTC), lines=2, wait_time=22)  # 2025-03-02 there
    until = datetime(2025, 3, 1, 16, 30, tzinfo=UTC)
    QueueData.objects.filter(queue_type="RETURN_TIME").update(return_time_start=until, return_time_end=until)
    asked = {"park": ride.park_id, "from": "2025-03-02", "to": "2025-03-02"}
    page = viewer.get(SNAPSHOTS, asked).content.decode()
    assert "Recorded at (Asia/Tokyo)" in page
    assert "2025-03-02 00:00:00.000</a>" in page
    assert "2025-03-01 15:00:00.000Z" in page
    assert "01:30 to 01:30 Asia/Tokyo" in page
    assert "11 min" not in page
    page = viewer.get(f"{SNAPSHOTS}{morning}/change/").content.decode()
    assert "2025-03-02 00:00:00.000 Asia/Tokyo (2025-03-01 15:00:00.000Z)" in page
    queue = QueueData.objects.get(queue_type="RETURN_TIME")
    page = viewer.get(f"{QUEUES}{queue.pk}/change/").content.decode()
    assert "2025-03-02 01:30 Asia/Tokyo (2025-03-01 16:30Z)" in page
    (row,) = rows_of_csv(viewer.get(f"{SNAPSHOTS}csv/", asked))
    assert (row["recorded_at"], row["wait_time"]) == ("2025-03-01T15:00:00Z", "22")
    assert "01:30" not in row["further_queues"] and "16:30Z" in row["further_queues"]


def test_a_day_on_which_the_clocks_change_is_taken_as_long_as_it_is(viewer):
    ride = new_ride()
    Park.objects.filter(pk=ride.park_id).update(timezone="America/New_York")
    for minutes in (-1, 0, 23 * 60 - 1, 23 * 60):  # 2025-03-09 has 23 hours there, and begins at 05:00Z
        observe(ride.pk, datetime(2025, 3, 9, 5, tzinfo=UTC) + timedelta(minutes=minutes), wait_time=100 + minutes % 7)
    asked = {"park": ride.park_id, "from": "2025-03-09", "to": "2025-03-09"}
    assert len(viewer.get(SNAPSHOTS, asked).context["rows"]) == 2
    assert len(rows_of_csv(viewer.get(f"{SNAPSHOTS}csv/", asked))) == 2


# --- as a CSV -------------------------------------------------------------------------------------------------------
def test_a_range_is_taken_whole_the_newest_first_and_of_a_ride_that_moved_the_parks_own_part(viewer):
    ride = new_ride(name="Coaster")
    elsewhere = Park.objects.create(park_name="Elsewhere", themeparks_wiki_id="pe", timezone="UTC")
    stays.write(
        ride.pk,
        [Stay(ride.park_id, None), Stay(elsewhere.pk, milliseconds_of(BEGIN + timedelta(days=2)))],
    )
    ids = [observe(ride.pk, BEGIN + timedelta(hours=n * 12), lines=1) for n in range(6)]
    asked = march(park=ride.park_id)
    page = viewer.get(SNAPSHOTS, asked)
    rows = rows_of_csv(viewer.get(page.context["csv_url"]))
    assert [int(row["snapshot_id"]) for row in rows] == ids[3::-1]
    assert rows[-1] == {
        "snapshot_id": str(ids[0]), "recorded_at": "2025-03-01T00:00:00Z", "ride_id": str(ride.pk), "ride": "Coaster",
        "status": "OPERATING", "wait_time": "15", "source": "ARCHIVE", "further_queues": "SINGLE_RIDER 5 min",
    }  # fmt: skip
    queues = viewer.get(viewer.get(QUEUES, asked).context["csv_url"])
    assert f"-of-park-of-coaster-{asked['from']}-to-{asked['to']}-" in queues["Content-Disposition"]
    assert [row["queue_type"] for row in rows_of_csv(queues)] == ["SINGLE_RIDER"] * 4


def test_a_csv_opens_the_partitions_of_its_days_alone(viewer):
    ride = new_ride()
    observe(ride.pk, BEGIN)
    with CaptureQueriesContext(connection) as captured:
        assert len(rows_of_csv(viewer.get(f"{SNAPSHOTS}csv/", march(ride)))) == 1
    walks = [query["sql"] for query in captured.captured_queries if "FORCE INDEX" in query["sql"]]
    assert len(walks) == 31
    assert opened(walks[-1]) == {"p202503"}
