"""Live collections and freshness in the admin."""

from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imports.api.pace import ApiPace, budget_of
from imports.live.models import LiveCollection, ParkFreshness
from tests.clock import standing_still
from tests.imports.desk import somebody
from warehouse.models import Park

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture(autouse=True)
def clock(db):
    """30 minutes ago is so to the microsecond, however long the test takes."""
    with standing_still() as clock:
        yield clock


def park(
    name: str, *, observed_minutes_ago: float, is_open: bool = True, open_for_minutes: float | None = None
) -> Park:
    now = timezone.now()
    made = Park.objects.create(park_name=name, themeparks_wiki_id=name, destination_wiki_id="a destination")
    ParkFreshness.objects.create(
        park=made,
        collected_at=now,
        observed_at=now - timedelta(minutes=observed_minutes_ago),
        is_open=is_open,
        open_until=None if open_for_minutes is None else now + timedelta(minutes=open_for_minutes),
    )
    return made


def test_an_open_park_that_fell_silent_stands_out(admin_client):
    park("Silent", observed_minutes_ago=45, open_for_minutes=60)
    park("Talking", observed_minutes_ago=5)
    park("Closed", observed_minutes_ago=600, is_open=False)
    park("Over", observed_minutes_ago=600, open_for_minutes=-30)
    url = reverse("admin:imports_parkfreshness_changelist")
    page = admin_client.get(url).content.decode()
    assert "silent for 45 min" in page
    assert page.count("silent for") == 1
    by_state = {
        state: sorted(row.park.park_name for row in admin_client.get(url, {"state": state}).context["cl"].result_list)
        for state in ("silent", "open", "closed")
    }
    assert by_state == {"silent": ["Silent"], "open": ["Silent", "Talking"], "closed": ["Closed", "Over"]}


def test_the_filter_and_the_row_agree_on_what_is_silent():
    now = timezone.now()
    for n, minutes in enumerate((0, 29, 30, 31)):
        for is_open in (True, False):
            for open_for in (None, -1, 1):
                park(
                    f"{n}{is_open}{open_for}", observed_minutes_ago=minutes, is_open=is_open, open_for_minutes=open_for
                )
    silent = {row.pk for row in ParkFreshness.objects.filter(ParkFreshness.is_silent(now))}
    assert silent == {row.pk for row in ParkFreshness.objects.all() if row.silent_for(now) is not None}
    assert len(silent) == 4, "from 30 minutes on, of those that are open and within their hours"


def test_a_collection_says_what_it_got_and_what_failed(admin_client):
    park("Magic Kingdom", observed_minutes_ago=5)
    now = timezone.now()
    collection = LiveCollection.objects.create(
        started_at=now,
        finished_at=now + timedelta(seconds=12.34),
        destinations=3,
        failed=1,
        not_reached=2,
        rows_read=60,
        stored=10,
        already_known=48,
        rejected=2,
        failures=[{"destination": "a destination", "error": "the API answers 500 <oops>"}],
    )
    LiveCollection.objects.create(started_at=now)
    url = reverse("admin:imports_livecollection_changelist")
    page = admin_client.get(url).content.decode()
    assert "12.3 s" in page
    assert "3 of 4, 2 not reached" in page
    assert "not finished" in page
    assert list(admin_client.get(url, {"failures": "some"}).context["cl"].result_list) == [collection]
    page = admin_client.get(reverse("admin:imports_livecollection_change", args=[collection.pk])).content.decode()
    assert "a destination (with Magic Kingdom): the API answers 500 &lt;oops&gt;" in page


def test_it_is_a_window_and_its_lists_ask_a_constant_number_of_queries(admin_client):
    collection = LiveCollection.objects.create(started_at=timezone.now())
    first = park("Park", observed_minutes_ago=5)
    for name, pk in (("livecollection", collection.pk), ("parkfreshness", first.pk)):
        assert admin_client.post(reverse(f"admin:imports_{name}_add")).status_code == 403
        assert admin_client.post(reverse(f"admin:imports_{name}_change", args=[pk])).status_code == 403
        assert admin_client.post(reverse(f"admin:imports_{name}_delete", args=[pk]), {"post": "yes"}).status_code == 403
    url = reverse("admin:imports_parkfreshness_changelist")
    with CaptureQueriesContext(connection) as one:
        admin_client.get(url)
    for n in range(30):
        park(f"Park {n}", observed_minutes_ago=45)
    with CaptureQueriesContext(connection) as many:
        admin_client.get(url)
    assert len(many) == len(one)


HOLD = "/admin/imports/livecollection/hold/"


@pytest.fixture
def held(settings):
    """The API asked to be left alone, and the hour's budget is spent."""
    api = settings.THEMEPARKS_API_URL
    ApiPace.reserve(api, 60_000, 1)
    ApiPace.hold(api, 7200, "the API answers 429: <b>later\x1b[2J")
    ApiPace.told(budget_of(api), "", 0, 1800)
    return api


def test_a_hold_is_told_and_an_operator_lifts_it(held):
    operator = somebody("Operators")
    for url in (HOLD, reverse("admin:imports_livecollection_changelist")):
        text = operator.get(url).content.decode()
        assert r"Z: the API answers 429: &lt;b&gt;later\x1b[2J" in text
        assert "The history of the API is not asked before" in text
        assert "Lift the hold" in text
    done = operator.post(HOLD, follow=True).content.decode()
    assert done.count("The hold is lifted") == 2
    assert ApiPace.holds(held) == []
    said = (
        LogEntry.objects.filter(content_type__model="apipace").order_by("pk").values_list("object_id", "change_message")
    )
    assert [key for key, _ in said] == [held, budget_of(held)]
    assert all(message.startswith("Hold lifted. The ") for _, message in said)
    assert "Nothing changed" in operator.post(HOLD, follow=True).content.decode()
    assert "Nothing holds" in operator.get(HOLD).content.decode()


def test_a_viewer_sees_a_hold_and_cannot_lift_it(held):
    viewer = somebody("Viewers")
    assert "<form" not in viewer.get(HOLD).content.decode().partition('id="content-main"')[2]
    assert viewer.post(HOLD).status_code == 403
    assert len(ApiPace.holds(held)) == 2


def test_a_hold_is_lifted_by_command(held):
    out = StringIO()
    call_command("collect_live", "--lift-hold", stdout=out)
    assert out.getvalue().count("Lifted: The ") == 2
    assert ApiPace.holds(held) == []
    call_command("collect_live", "--lift-hold", stdout=out)
    assert "Nothing holds" in out.getvalue()
