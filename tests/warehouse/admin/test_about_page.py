"""The page about a park or a ride: sections that any app may add to, each by its permission; none takes it down."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.urls import reverse

from tests.imports.desk import queries_of_a_page, touching_facts
from tests.warehouse.admin.about import figures_of, said_in, section
from tests.warehouse.admin.day_pages import stand_still
from tests.warehouse.history.questions.planted import NOW, a_park, a_ride, days, plant
from warehouse.admin.about import park_sections
from warehouse.admin.about.park_sections import About, Section
from warehouse.models import MetadataChange, Park, PartitionMetrics, Ride, StaleDay

LAST = date(2026, 2, 27)


@pytest.fixture(autouse=True)
def _now(monkeypatch):
    stand_still(monkeypatch, NOW)


@pytest.fixture
def park(db) -> Park:
    return a_park("Lakeside <1> & Co")


@pytest.fixture
def ride(park) -> Ride:
    """Open on forty days, on the last of them it was down for 72 of 720 minutes."""
    ride = a_ride(park, "Comet", "ATTRACTION")
    plant(ride, LAST, wait=40, down=72)
    plant(ride, *days(LAST - timedelta(days=39), 39), wait=30)
    return ride


def page_of(obj) -> str:
    return reverse(f"admin:warehouse_{obj._meta.model_name}_change", args=[obj.pk])


def slugs(response) -> list[str]:
    return [each.slug for each in response.context["sections"]]


# --- what it is made of -----------------------------------------------------------------------------------------------
def test_all_that_the_apps_know_of_a_park_is_on_its_page(admin_client, park, ride):
    wanted = ["who", "findings", "coverage", "imports", "waits", "rows", "rides", "live", "hours", "changes"]
    for obj in (park, ride):
        response = admin_client.get(page_of(obj))
        assert slugs(response) == wanted
        assert not [each.trouble for each in response.context["sections"] if each.trouble]
    assert "Lakeside &lt;1&gt; &amp; Co" in response.content.decode()


def test_a_section_that_fails_says_so_and_the_rest_stands(admin_client, park, ride):
    @park_sections.register("broken", "Broken", "warehouse.view_park", 45)
    def broken(about: About) -> Section:
        raise ZeroDivisionError("by nothing")

    try:
        response = admin_client.get(page_of(park))
    finally:
        del park_sections._registered["broken"]
    assert section(response, "broken").trouble == "could not be worked out: ZeroDivisionError: by nothing"
    assert "Broken could not be worked out: ZeroDivisionError: by nothing." in response.content.decode()
    assert figures_of(response, "waits")["Newest day with rows"] == f"{LAST}"


@pytest.mark.parametrize(
    ("permissions", "wanted"),
    [
        (["view_park", "view_ride"], ["who", "rides"]),
        (
            ["view_park", "view_ride", "view_dataqualitylog", "view_importedfile"],
            ["who", "findings", "coverage", "rides"],
        ),
    ],
)
def test_nobody_sees_a_section_that_is_not_for_them(client, park, ride, permissions, wanted):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    for obj in (park, ride):
        response = client.get(page_of(obj))
        assert slugs(response) == wanted
        assert [tool.said for tool in response.context["tools"]] == ["History"]
    assert client.get(reverse("admin:warehouse_park_edit", args=[park.pk])).status_code == 200  # its fields, as text
    client.force_login(User.objects.create_user("stranger", is_staff=True))
    assert client.get(page_of(park)).status_code == 403


# --- the form ---------------------------------------------------------------------------------------------------------
def test_the_form_is_a_click_away_and_leads_back(admin_client, park):
    (edit, *_) = admin_client.get(page_of(park)).context["tools"]
    assert edit.said == "Edit"
    form = admin_client.get(edit.url).context["adminform"].form
    posted = {bound.html_name: bound.value() or "" for bound in form}
    posted |= {bound.html_initial_name: bound.value() or "" for bound in form if bound.field.show_hidden_initial}
    answer = admin_client.post(edit.url, posted | {"park_name": "Seaside"})
    assert (answer.status_code, answer["Location"]) == (302, page_of(park))
    LogEntry.objects.update(action_time=NOW)  # else by another clock than that of this test
    response = admin_client.get(page_of(park))
    assert {fact.label: fact.value for fact in section(response, "who").facts}["Set by hand"] == "name"
    ((_, by, what),) = said_in(response, "changes")  # the log of the admin has it too: it is said once
    assert by == "admin"
    assert "park_name: Lakeside" in what and "Seaside" in what
    assert LogEntry.objects.get().user.get_username() == "admin"


def test_what_cannot_be_saved_is_said_in_the_form(admin_client, park):
    url = reverse("admin:warehouse_park_edit", args=[park.pk])
    answer = admin_client.post(url, {"park_name": "", "timezone": "Mars/Olympus"})
    assert "No such time zone" in answer.content.decode()


# --- waits and rows ---------------------------------------------------------------------------------------------------
def test_waits_are_those_of_the_last_days_with_rows(admin_client, park, ride):
    for obj in (park, ride):
        response = admin_client.get(page_of(obj))
        rows = said_in(response, "waits")
        assert len(rows) == 7
        assert rows[0][:4] == ["Fri 2026-02-27", "40 min", "40 min", "10.0 %"]
        assert rows[1][:4] == ["Thu 2026-02-26", "30 min", "30 min", "0.0 %"]
        figures = figures_of(response, "waits")
        assert figures["Highest wait"] == "40 min"
        assert figures["Newest day with rows"] == f"{LAST}"
        assert [fact.beside for fact in section(response, "rows").facts] == ["on 40 days"]


def test_a_day_whose_sums_are_stale_is_not_computed_here(admin_client, park, ride):
    StaleDay.objects.create(park_id=park.pk, day=LAST, token=1)
    rows = said_in(admin_client.get(page_of(park)), "waits")
    assert rows[0][:2] == ["Fri 2026-02-27", "not summed yet"]
    assert rows[1][1] == "30 min"


def test_rows_are_counted_by_month_without_the_facts(admin_client, park, ride):
    PartitionMetrics.objects.create(
        table_name="ride_status_snapshots", partition_name="p202602", row_count=1234, measured_at=NOW
    )
    with queries_of_a_page() as sql:
        response = admin_client.get(page_of(park))
    assert touching_facts(sql) == []
    assert said_in(response, "rows") == [
        ["2026-02", "135", "27", "1", "1,234"],
        ["2026-01", "65", "13", "1", "-"],
    ]
    month = section(response, "rows").listings[0].rows[0][0]
    assert month.url.endswith(f"?park={park.pk}&from=2026-02-01&to=2026-02-28")
    assert said_in(admin_client.get(page_of(ride)), "rows")[1][:3] == ["2026-01", "65", "13"]


def test_a_page_asks_as_often_for_many_rides_as_for_one(admin_client, park, ride):
    def queries(obj) -> int:
        with queries_of_a_page() as sql:
            admin_client.get(page_of(obj))
        return len(sql)

    few = queries(park), queries(ride)
    for n in range(30):
        plant(a_ride(park, f"Ride {n}", "SHOW"), *days(LAST - timedelta(days=9), 10), wait=n)
        MetadataChange.objects.create(ride=ride, changed_at=NOW, before={"tier": n}, after={"tier": n + 1})
    assert (queries(park), queries(ride)) == few
    assert max(few) <= 36


# --- rides ------------------------------------------------------------------------------------------------------------
def test_a_park_leads_to_its_rides_by_kind_by_name_and_by_search(admin_client, park, ride):
    a_ride(park, "Parade", "SHOW")
    a_ride(park, "Another", "SHOW")
    response = admin_client.get(page_of(park))
    rides = section(response, "rides")
    assert [(fact.label, fact.value) for fact in rides.facts] == [("Show", "2"), ("Attraction", "1")]
    assert admin_client.get(rides.facts[0].url).context["cl"].result_count == 2
    assert [name for name, _ in rides.more["rides"]] == ["Another", "Comet", "Parade"]
    found = admin_client.get(rides.more["search"], {"park__park_id__exact": park.pk, "q": "para"})
    assert found.context["cl"].result_count == 1
