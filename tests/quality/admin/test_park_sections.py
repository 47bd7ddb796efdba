"""What a park's and a ride's page says of findings; that each count is its list's is held by tests/test_links.py."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from quality.findings import Finding
from quality.log import record
from quality.models import DataQualityLog
from tests.quality.triage import bring
from tests.warehouse.admin.about import figures_of, said_in, section
from warehouse.models import Park, Ride

pytestmark = pytest.mark.django_db
NOW = datetime(2025, 3, 10, tzinfo=UTC)
DESTINATION = "d" * 36


@pytest.fixture
def park() -> Park:
    return Park.objects.create(park_name="Lakeside", themeparks_wiki_id="p", destination_wiki_id=DESTINATION)


@pytest.fixture
def ride(park) -> Ride:
    return Ride.objects.create(park=park, ride_name="Comet", themeparks_wiki_id="r")


def found(reason: str, number: int, park: Park | None = None, ride: Ride | None = None, **changes) -> Finding:
    subject = {"entity_type": "destination", "entity_key": DESTINATION}
    if park is not None:
        kind, of = ("ride", ride) if ride else ("park", park)
        subject = {"entity_type": kind, "entity_key": of.themeparks_wiki_id, "entity_id": of.pk, "park_id": park.pk}
    return Finding(reason=reason, scope=f"{number}", description=f"{reason} {number}", start=NOW, **subject | changes)


def page(client, obj):
    return client.get(reverse(f"admin:warehouse_{obj._meta.model_name}_change", args=[obj.pk]))


def test_open_findings_are_counted_by_reason_and_the_closed_apart(admin_client, park, ride):
    record([found("missing_days", n, park) for n in range(3)], NOW)
    record([found("frozen_wait", 1, park, ride), found("unreadable_file", 1), found("unreadable_file", 2)], NOW)
    bring(DataQualityLog.objects.filter(reason="missing_days").first(), "WONTFIX", by="x", now=NOW, note="no")
    response = page(admin_client, park)
    assert figures_of(response, "findings") == {"To do": "3", "Closed": "1"}
    by_reason, of_files, by_ride = section(response, "findings").listings
    assert [row[0].said for row in by_reason.rows] == ["Missing days", "Frozen wait"]
    assert [row[1] for row in by_reason.rows] == ["2", "1"]
    assert [(row[0].said, row[1]) for row in of_files.rows] == [("Unreadable file", "2")]
    assert [(row[0].said, row[1].said) for row in by_ride.rows] == [("Comet", "1")]


def test_a_ride_has_those_that_name_it_and_how_it_came_to_be_who_it_is(admin_client, park, ride):
    record(
        [found("frozen_wait", 1, park, ride), found("id_adopted", 2, park, ride), found("missing_days", 3, park)], NOW
    )
    bring(DataQualityLog.objects.get(reason="id_adopted"), "WONTFIX", by="x", now=NOW, note="right so")
    response = page(admin_client, ride)
    assert figures_of(response, "findings") == {"To do": "1", "Closed": "1"}
    rows = said_in(response, "findings")
    assert rows[0][:2] == ["Frozen wait", "1"]
    assert rows[1][1:] == ["id_adopted 2", "Won't fix"]


def test_without_findings_it_says_so(admin_client, park, ride):
    for obj in (park, ride):
        response = page(admin_client, obj)
        assert section(response, "findings").said == "No finding waits for anybody."
        assert section(response, "findings").listings == []
