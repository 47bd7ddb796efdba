"""A park over a period, on planted days: what its tabs say, what can be taken away, and what is said of wrong input."""

from datetime import date, timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.urls import reverse

from tests.warehouse.admin.day_pages import (
    QUERIES_AT_MOST,
    count_queries,
    park_page,
    rows_of_csv,
    section,
    shown,
    stand_still,
    text_of,
    text_of_csv,
)
from tests.warehouse.history.questions.planted import NOW, a_park, a_ride, days, local, plant, said
from warehouse.admin.day_pages import links
from warehouse.admin.day_pages.park_page import TABS
from warehouse.models import MetadataChange, Park, Ride, StaleDay
from warehouse.rides import stale_days

FIRST, LAST = date(2025, 7, 1), date(2025, 7, 14)
BEFORE = FIRST - timedelta(weeks=52)
NAME = """<b>Tom & "Jerry"</b> 'Coaster'"""


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    stand_still(monkeypatch, NOW)


@pytest.fixture
def park(db) -> Park:
    return a_park("Lakeside <1> & Co")


@pytest.fixture
def ride(park) -> Ride:
    """Two weeks at 30 minutes, 10 % down on the first day; of the year before every other day, at 20."""
    ride = a_ride(park, NAME, "ATTRACTION")
    opened = {"first_operating_at": local("2025-07-01 10:00"), "last_closed_at": local("2025-07-01 22:00")}
    plant(ride, FIRST, wait=30, down=72, **opened)
    plant(ride, *days(FIRST, 14)[1:], wait=30)
    plant(ride, *days(BEFORE, 14)[::2], wait=20)
    return ride


# --- what is shown ----------------------------------------------------------------------------------------------------
def test_it_opens_with_the_year_to_the_newest_day_beside_the_year_before(admin_client, park, ride):
    response = park_page(admin_client, park)
    text = text_of(response)
    rows = shown(response, "days")
    assert (rows[0][0], rows[-1][0], len(rows)) == (LAST, LAST - timedelta(days=364), 365)
    assert rows[0][1:4] == [30, None, None]  # of that day nothing is known a year before
    assert rows[1][1:4] == [30, 20, 0.5]
    assert rows[13][5] == pytest.approx(0.1)  # down on the first day
    figures = {figure.label: figure for figure in section(response, "days").figures}
    assert figures["Days known"].value == "14 of 365"
    assert figures["Against a year before"].value == "+50 %"
    then = f"{LAST - timedelta(days=728)} to {LAST - timedelta(days=364)}: "
    assert figures["Against a year before"].beside.startswith(then)
    assert "7 of 365 days match" in figures["Against a year before"].beside
    assert f"; a year before ({FIRST - timedelta(days=364):%a %Y-%m-%d}) 20.0 min" in text
    assert 'class="line these"' in text and 'class="line before1"' in text
    assert "Lakeside &lt;1&gt; &amp; Co" in text and "<1>" not in text
    assert links.day(park.pk, LAST).replace("&", "&amp;") in text


def test_weeks_and_months_add_the_days_that_are_known(admin_client, park, ride):
    response = park_page(admin_client, park, **{"from": FIRST, "to": LAST, "by": "week", "years": "none"})
    assert [row[:3] for row in shown(response, "days")] == [
        [date(2025, 7, 14), 1, 30],
        [date(2025, 7, 7), 7, 30],
        [date(2025, 6, 30), 6, 30],
    ]
    months = park_page(admin_client, park, show="months", period="2025")
    assert [row[:2] for row in shown(months, "months") if row[1]] == [["2025-07", 30]]
    assert [row[1] for row in shown(months, "weekdays")] == [30] * 7
    assert shown(months, "years")[0][5:7] == [14, 365]


def test_hours_are_a_heat_map(admin_client, park, ride):
    response = park_page(admin_client, park, show="hours", **{"from": FIRST, "to": LAST})
    rows = shown(response, "hours")
    assert rows[0][0] == "Mon" and rows[0][1:] == [30] * 12
    assert [row[0] for row in rows][-1] == "all days"
    assert ">30</text>" in text_of(response)


def test_a_calendar_tells_a_day_from_its_year(admin_client, park, ride):
    plant(a_ride(park, "Second", "ATTRACTION"), LAST, wait=90)
    response = park_page(admin_client, park, show="calendar", period="2025")
    (busiest, *_) = shown(response, "calendar")
    assert busiest[:3] == [LAST, 1, 14]
    assert 'class="q q5"' in text_of(response) and 'class="q nothing"' in text_of(response)


def test_rides_are_ranked_by_their_downtime(admin_client, park, ride):
    plant(a_ride(park, "Second", "ATTRACTION", tier=1), *days(FIRST, 14), wait=10, down=360)
    response = park_page(admin_client, park, show="reliability", **{"from": FIRST, "to": LAST})
    rows = shown(response, "reliability")
    assert [(row[0], row[2]) for row in rows] == [(1, "Second"), (2, NAME)]
    assert rows[0][3] == pytest.approx(0.5)
    text = text_of(response)
    assert NAME not in text and "&lt;b&gt;Tom &amp; &quot;Jerry&quot;&lt;/b&gt;" in text
    assert links.ride(ride.pk, **{"from": FIRST, "to": LAST}).replace("&", "&amp;") in text


def test_longest_waits_times_and_rides_that_dropped_out(admin_client, park, ride):
    gone = a_ride(park, "Gone", "ATTRACTION")
    plant(gone, BEFORE, wait=120)
    longest = shown(park_page(admin_client, park, show="longest", period="2024"), "longest")
    assert longest[0][:4] == [120, gone.pk, "Gone", BEFORE]
    times = shown(park_page(admin_client, park, show="times", **{"from": FIRST, "to": LAST}), "times")
    assert [f"{times[0][2]:%H:%M}", f"{times[0][3]:%H:%M}", times[0][4]] == ["10:00", "22:00", 1]
    dropped = shown(park_page(admin_client, park, show="dropped"), "dropped")
    assert dropped == [[gone.pk, "Gone", BEFORE, (LAST - BEFORE).days, None]]


def test_parks_stand_beside_each_other_over_the_days_known_of_all(admin_client, park, ride):
    other, unknown = a_park("Seaside"), a_park("Never heard of")
    plant(a_ride(other, "Flume", "ATTRACTION"), FIRST, wait=60)
    asked = {"from": FIRST, "to": LAST, "with": [other.pk, unknown.pk]}
    response = park_page(admin_client, park, show="parks", **asked)
    assert [(row[1], row[2], row[6]) for row in shown(response, "parks")] == [
        (park.park_name, 30, 1),
        ("Seaside", 60, 1),
    ]
    assert "Never heard of" in section(response, "parks").about


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
def test_every_tab_stands_without_any_day_with_one_and_for_kinds_that_are_not_there(admin_client, park, tab):
    assert "Nothing is known of this park yet." in text_of(park_page(admin_client, park, show=tab))
    plant(a_ride(park, NAME), FIRST)
    for asked in ({}, {"kinds": "SHOW"}, {"kinds": "all"}, {"from": "2030-01-01", "to": "2030-02-01"}):
        text = text_of(park_page(admin_client, park, show=tab, **asked))
        assert "could not be worked out" not in text
        assert NAME not in text
    assert "These days are still to come." in text or tab == "dropped"


# --- what can be taken away -------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tab", "csv", "command"),
    [
        ("year", "park-days", ["park-days"]),
        ("year", "compare", ["compare", "--years", "1"]),
        ("months", "park-months", ["park-months"]),
        ("hours", "hours", ["hours", "--by", "weekday"]),
        ("calendar", "busy", ["busy"]),
        ("reliability", "ranking", ["ranking"]),
        ("longest", "longest", ["longest", "--count", "25"]),
        ("times", "times", ["times"]),
    ],
)
def test_a_csv_is_what_the_command_gives_for_the_same_question(admin_client, park, ride, tab, csv, command):
    response = park_page(admin_client, park, show=tab, csv=csv, **{"from": FIRST, "to": LAST})
    assert response["Content-Disposition"] == f'attachment; filename="lakeside-1-co-{csv}-{FIRST}-{LAST}.csv"'
    said = StringIO()
    call_command(
        "ask", *command, "--park", str(park.pk), "--from", f"{FIRST}", "--to", f"{LAST}", "--format", "csv",
        stdout=said, stderr=StringIO(),
    )  # fmt: skip
    taken = text_of_csv(response).splitlines()
    assert taken == said.getvalue().splitlines()
    assert len(taken) > 1


def test_a_csv_has_the_figures_that_the_page_shows(admin_client, park, ride):
    asked = {"from": FIRST, "to": LAST, "by": "week"}
    shown_rows = shown(park_page(admin_client, park, **asked), "days")
    taken = rows_of_csv(park_page(admin_client, park, csv="shown", **asked))
    assert [(row["week"], float(row["standby_mean"])) for row in taken] == [(f"{row[0]}", row[2]) for row in shown_rows]


def test_a_name_that_a_spreadsheet_would_reckon_with_is_text(admin_client, park):
    plant(a_ride(park, "=1+1"), FIRST, wait=5)
    (row,) = rows_of_csv(park_page(admin_client, park, show="reliability", csv="ranking"))
    assert row["ride_name"] == "'=1+1"


def test_the_address_carries_the_question(admin_client, park, ride):
    response = park_page(admin_client, park, show="longest", count="100", period="2025-07")
    assert f'href="{response.context["csv"]}longest"'.replace("&", "&amp;") in text_of(response)
    addresses = {tab.name: address for tab, address in response.context["tabs"]}
    assert addresses["hours"] == links.park(park.pk, **{"from": "2025-07-01", "to": "2025-07-31", "show": "hours"})


# --- wrong input ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"from": "2025-07-05", "to": "2025-07-04"}, "The first day lies after the last; swap them."),
        ({"from": "2025-02-30", "to": "2025-04-03"}, "Enter a valid date."),
        ({"from": "0001-01-01", "to": "0001-01-02"}, "Give a day of the years 1900 to 2199."),
        ({"from": "1950-01-01", "to": "2025-01-01"}, "At most 20 years."),
        ({"period": "2025-13"}, "2025-13 is not a month; give YYYY-MM, or a year, YYYY."),
        ({"period": "0000"}, "Give a year from 1900 to 2199."),
        ({"period": "٢٠٢٥"}, "is not a month"),
        ({"kinds": "HORSE"}, "Select a valid choice."),
        ({"show": "nonsense"}, "There is no page called nonsense; this is the first."),
        ({"csv": "nonsense"}, "There is no such CSV here"),
        ({"show": "hours", "rows": "<x>"}, "Select a valid choice."),
        ({"show": "longest", "count": "-1"}, "Select a valid choice."),
        ({"show": "parks", "with": "999999999999999999999"}, "Select a valid choice."),
        ({"show": "parks", "with": "x"}, "is not a valid value."),
    ],
)
def test_a_wrong_question_is_said_on_the_page(admin_client, park, ride, asked, said):
    assert said in text_of(park_page(admin_client, park, **asked))


def test_a_park_that_is_not_there_is_not_found(admin_client, park):
    for park_id in (park.pk + 1, 10**30):
        assert admin_client.get(links.park(park_id)).status_code == 404


def test_a_question_that_fails_is_said_in_its_place(admin_client, park, ride, monkeypatch, caplog):
    def fail(*args, **options):
        raise RuntimeError("the disk is gone")

    monkeypatch.setattr("warehouse.admin.day_pages.beside.ranking", fail)
    text = text_of(park_page(admin_client, park, show="reliability"))
    assert "could not be worked out: RuntimeError: the disk is gone" in text
    assert "At a glance" in text


# --- tiers ------------------------------------------------------------------------------------------------------------
def test_a_suggested_tier_is_set_as_an_operator_sets_one(admin_client, park, ride):
    response = park_page(admin_client, park, show="reliability", **{"from": FIRST, "to": LAST})
    assert section(response, "reliability").more == [(section(response, "reliability").more[0][0], 1)]
    address = reverse("admin:warehouse_park_tiers", args=[park.pk])
    assert f'value="{ride.pk}:1" checked' in text_of(response)
    back = links.park(park.pk, show="reliability")
    posted = {"tier": [f"{ride.pk}:1", "x:1", "7:9", "999999:2"], "back": back}
    response = admin_client.post(address, posted, follow=True)
    assert response.redirect_chain == [(back, 302)]
    assert "1 tier set." in text_of(response)
    ride.refresh_from_db()
    assert (ride.tier, ride.hand_set) == (1, ["tier"])
    change = MetadataChange.objects.get(ride=ride)
    assert (change.before, change.after, change.changed_by) == ({"tier": None}, {"tier": 1}, "admin")
    (entry,) = LogEntry.objects.all()
    assert entry.change_message == "tier: (none) → 1"
    admin_client.post(address, posted)  # a second time there is nothing to do
    assert MetadataChange.objects.count() == LogEntry.objects.count() == 1


def test_tiers_of_other_parks_are_not_set_and_nobody_is_led_elsewhere(admin_client, park, ride):
    other = a_park("Seaside")
    address = reverse("admin:warehouse_park_tiers", args=[other.pk])
    response = admin_client.post(address, {"tier": f"{ride.pk}:1", "back": "https://example.org/"})
    assert response["Location"] == links.park(other.pk, show="reliability")
    ride.refresh_from_db()
    assert ride.tier is None


# --- who may, how many queries, where from ----------------------------------------------------------------------------
def test_who_may_not_see_snapshots_may_not_see_what_they_add_up_to(client, park, ride, django_user_model):
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    client.force_login(user)
    tiers = reverse("admin:warehouse_park_tiers", args=[park.pk])
    for address in (links.park(park.pk), links.ride(ride.pk), links.day(park.pk, FIRST)):
        assert client.get(address).status_code == 403
    user.user_permissions.add(Permission.objects.get(codename="view_ridestatussnapshot"))
    for address in (links.park(park.pk), links.ride(ride.pk), links.day(park.pk, FIRST)):
        assert client.get(address).status_code == 200
    assert client.post(tiers, {"tier": f"{ride.pk}:1"}).status_code == 403
    text = text_of(park_page(client, park, show="reliability", **{"from": FIRST, "to": LAST}))
    assert "Tiers that the waits suggest" in text and "Set the tiers" not in text


@pytest.mark.parametrize("tab", [tab.name for tab in TABS])
def test_a_page_asks_few_questions_however_long_the_period(client, park, ride, tab, django_user_model):
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_ridestatussnapshot"))
    client.force_login(user)
    address = links.park(park.pk, show=tab, **{"from": date(2020, 7, 15), "to": LAST})
    assert count_queries(client, address) <= QUERIES_AT_MOST


def test_days_that_are_not_added_up_are_counted_from_the_rows_or_said_to_be_left_out(admin_client, park, ride):
    StaleDay.objects.bulk_create(StaleDay(park=park, day=day, token=1) for day in days(FIRST, 10))
    text = text_of(park_page(admin_client, park))
    assert "3 days are left out: the sums are not made yet." in text


def test_the_address_of_before_leads_here(admin_client, park, ride):
    response = admin_client.get(
        reverse("admin:warehouse_park_days", args=[park.pk]), {"from": "2025-07-01", "to": "2025-07-14"}
    )
    assert (response.status_code, response["Location"]) == (
        301,
        links.park(park.pk, **{"from": "2025-07-01", "to": "2025-07-14"}),
    )


def test_lists_and_forms_of_parks_and_rides_and_the_home_page_lead_here(admin_client, park, ride):
    for name, object_id, address in (("park", park.pk, links.park(park.pk)), ("ride", ride.pk, links.ride(ride.pk))):
        assert address in text_of(admin_client.get(reverse(f"admin:warehouse_{name}_changelist")))
        assert address in text_of(admin_client.get(reverse(f"admin:warehouse_{name}_change", args=[object_id])))
    assert links.park(park.pk) in text_of(admin_client.get(reverse("admin:index")))


def test_a_newest_day_that_is_counted_from_rows_costs_no_more_statements(admin_client, park, ride):
    newest = LAST + timedelta(days=1)  # as in a park that is collected
    said(ride, f"{newest} 10:00", "OPERATING", 5)
    said(ride, f"{newest} 20:00", "CLOSED")
    stale_days.mark([(park.pk, newest)])
    assert shown(park_page(admin_client, park), "days")[0][:2] == [newest, 5]
    assert count_queries(admin_client, links.park(park.pk)) <= QUERIES_AT_MOST
    assert count_queries(admin_client, links.ride(ride.pk)) <= QUERIES_AT_MOST
