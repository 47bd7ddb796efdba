"""Park hours in the admin: shown by the park's clock, set by an operator, given back to the schedule."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone

from tests.warehouse.admin.about import section
from warehouse.models import MetadataChange, Park, ParkHours, StaleDay
from warehouse.rides.hours import Hours, replace
from warehouse.zones import known_zone, local_date

pytestmark = pytest.mark.django_db
DAY = date(2026, 4, 14)
LIST = reverse("admin:warehouse_parkhours_changelist")
ADD = reverse("admin:warehouse_parkhours_add")


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def park():
    return Park.objects.create(park_name="Magic Kingdom", themeparks_wiki_id="p" * 36, timezone="America/New_York")


def row(park, opens="13:00", lasts=13, kind="OPERATING", source="SCHEDULE", day=DAY) -> ParkHours:
    at = datetime.fromisoformat(f"{day}T{opens}+00:00")
    ends = at + timedelta(hours=lasts)
    times = {} if kind == "CLOSED" else {"opens_at": at, "closes_at": ends}
    return ParkHours.objects.create(park=park, day=day, type=kind, source=source, read_at=at, **times)


def added(admin_client, park, **fields) -> None:
    said = {"park": park.pk, "day": str(DAY), "type": "OPERATING", "opens": "10:00", "closes": "20:00"} | fields
    answer = admin_client.post(ADD, {**said, "description": ""})
    assert answer.status_code == 302, answer.context["adminform"].form.errors


def known(day=DAY) -> list[tuple]:
    rows = ParkHours.objects.filter(day=day).order_by("opens_at")
    return [(row.type, row.source, row.opens_at, row.closes_at) for row in rows]


def utc(hour: int, day: int = 14, minute: int = 0) -> datetime:
    return datetime(2026, 4, day, hour, minute, tzinfo=UTC)


def test_hours_are_listed_by_the_parks_clock(admin_client, park):
    row(park, lasts=15)
    row(park, kind="CLOSED", source="OPERATOR", day=DAY + timedelta(days=1))
    page = admin_client.get(f"{LIST}?park__park_id__exact={park.pk}").content.decode()
    assert ">09:00<" in page
    assert ">00:00, next day<" in page
    assert admin_client.get(f"{LIST}?source__exact=OPERATOR").content.decode().count(">Magic Kingdom<") == 1
    assert admin_client.get(f"{LIST}?q=Magic").context["cl"].result_count == 2


def test_the_list_makes_as_many_queries_for_many_as_for_few(admin_client, park, django_assert_max_num_queries):
    for n in range(20):
        row(park, day=DAY + timedelta(days=n))
    with django_assert_max_num_queries(12):
        admin_client.get(LIST)


def test_the_parks_page_says_its_hours_today_and_on_the_days_around(admin_client, park):
    def shown() -> dict[str, str]:
        (table,) = section(admin_client.get(reverse("admin:warehouse_park_change", args=[park.pk])), "hours").listings
        return {day.said: said for day, said in table.rows}

    today = local_date(timezone.now(), known_zone(park.timezone))
    name = f"{today:%a %Y-%m-%d}, today"
    assert shown() == {name: "not known"}
    row(park, kind="CLOSED", day=today, source="INFERRED")
    ahead = today + timedelta(days=6)
    row(park, day=ahead)
    assert shown()[name] == "closed (inferred)"
    assert list(shown()) == [name, f"{ahead:%a %Y-%m-%d}"]


def test_hours_are_added_by_the_parks_clock_and_past_midnight(admin_client, park):
    added(admin_client, park, opens="10:00", closes="01:30")
    assert known() == [("OPERATING", "OPERATOR", utc(14), utc(5, 15, 30))]
    added(admin_client, park, opens="00:15", closes="02:00", opens_late="on", type="TICKETED_EVENT")
    assert known()[1] == ("TICKETED_EVENT", "OPERATOR", utc(4, 15, 15), utc(6, 15))
    added(admin_client, park, day="2026-04-15", opens="00:00", closes="00:00")
    assert known(DAY + timedelta(days=1)) == [("OPERATING", "OPERATOR", utc(4, 15), utc(4, 16))]


def test_what_is_set_marks_the_days_around_and_is_kept_as_it_was(admin_client, park):
    row(park)
    added(admin_client, park)
    assert [mark.day.day for mark in StaleDay.objects.order_by("day")] == [13, 14, 15]
    change = MetadataChange.objects.get()
    assert (change.park, change.changed_by) == (park, "admin")
    assert change.before == {"hours of 2026-04-14": "09:00 to 22:00"}
    assert change.after == {"hours of 2026-04-14": "10:00 to 20:00 (set by hand)"}
    page = admin_client.get(reverse("admin:warehouse_park_change", args=[park.pk])).content.decode()
    assert "hours of 2026-04-14: 09:00 to 22:00 → 10:00 to 20:00 (set by hand)" in page
    assert LogEntry.objects.count() == 1


def test_hours_that_are_added_replace_the_schedules_of_their_kind_and_the_rest_is_taken_over(admin_client, park):
    row(park)
    row(park, "12:30", 0.5, "TICKETED_EVENT")
    row(park, "12:31", 2, source="INFERRED")
    added(admin_client, park)
    assert [said[:2] for said in known()] == [("TICKETED_EVENT", "OPERATOR"), ("OPERATING", "OPERATOR")]
    assert replace(park.pk, [DAY], {DAY: {Hours("CLOSED", None, None)}}, timezone.now()) == set()


def test_a_day_is_closed_by_hand_and_opened_again(admin_client, park):
    row(park)
    row(park, "12:30", 0.5, "TICKETED_EVENT")
    added(admin_client, park, type="CLOSED", opens="", closes="")
    assert known() == [("CLOSED", "OPERATOR", None, None)]
    added(admin_client, park)
    assert [said[0] for said in known()] == ["OPERATING"]


def test_known_hours_are_changed_and_the_others_of_the_day_stay(admin_client, park):
    changed, other = row(park, lasts=15), row(park, "12:30", 0.5, "TICKETED_EVENT")
    url = reverse("admin:warehouse_parkhours_change", args=[changed.pk])
    form = admin_client.get(url).context["adminform"].form
    posted = {bound.html_name: "" if bound.value() is None else str(bound.value()) for bound in form}
    assert (posted["opens"], posted["closes"]) == ("09:00:00", "00:00:00")
    del posted["opens_late"]
    assert admin_client.post(url, posted).status_code == 302  # nothing is changed
    assert {said[1] for said in known()} == {"SCHEDULE"}
    assert admin_client.post(url, posted | {"closes": "23:00"}).status_code == 302
    assert known() == [
        ("TICKETED_EVENT", "OPERATOR", other.opens_at, other.closes_at),
        ("OPERATING", "OPERATOR", utc(13), utc(3, 15)),
    ]


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"opens": ""}, "Give both times"),
        ({"type": "INFO", "closes": ""}, "Give both times"),
        ({"opens": "20:00"}, "It opens and closes at one time"),
        ({"opens": "09:00", "closes": "21:00"}, "Hours of this kind and opening are known of the day"),
        ({"day": "1066-10-14"}, "Give a day of the years 1900 to 2199"),
        ({"opens": "25:00"}, "Enter a valid time"),
    ],
)
def test_hours_that_cannot_be_are_refused(admin_client, park, fields, says):
    row(park)
    said = {"park": park.pk, "day": str(DAY), "type": "OPERATING", "opens": "10:00", "closes": "20:00"} | fields
    assert says in admin_client.post(ADD, said).content.decode()
    assert len(known()) == 1


def test_days_are_given_back_to_the_schedule(admin_client, park):
    by_hand, of_schedule = row(park, source="OPERATOR"), row(park, day=DAY + timedelta(days=1))
    action = {"action": "give_back_to_the_schedule", "_selected_action": [by_hand.pk, of_schedule.pk]}
    assert "1 given back" in admin_client.post(LIST, action, follow=True).content.decode()
    assert ParkHours.objects.get() == of_schedule
    assert MetadataChange.objects.get().after == {"hours of 2026-04-14": "not known"}
    assert LogEntry.objects.get().change_message == (
        "Gave hours back to the schedule: 2026-04-14: 09:00 to 22:00 (set by hand) → not known"
    )
    assert StaleDay.objects.count() == 3
    action["_selected_action"] = [of_schedule.pk]
    assert "None of them is set by hand" in admin_client.post(LIST, action, follow=True).content.decode()


def test_a_viewer_sees_hours_and_changes_none(client, park):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_parkhours"))
    client.force_login(user)
    url = reverse("admin:warehouse_parkhours_change", args=[row(park).pk])
    page = client.get(url).content.decode()
    assert "09:00" in page
    assert "22:00" in page
    assert "America/New_York" in page
    assert client.post(url, {"opens": "10:00", "closes": "11:00"}).status_code == 403
    assert client.get(ADD).status_code == 403
    assert "give_back_to_the_schedule" not in client.get(LIST).content.decode()
