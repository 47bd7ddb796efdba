"""Asking the pages of days, as a browser does: for the tests beside this."""

import csv
from datetime import datetime
from io import StringIO

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from warehouse.admin.day_pages import links
from warehouse.models import Park, Ride

QUERIES_AT_MOST = 19


def park_page(client, park: Park, **asked):
    return client.get(links.park(park.pk, **asked))


def day_page(client, park: Park, **asked):
    return client.get(f"/admin/warehouse/park/{park.pk}/day/", asked)


def ride_page(client, ride: Ride, **asked):
    return client.get(links.ride(ride.pk, **asked))


def text_of(response) -> str:
    assert response.status_code == 200
    return response.getvalue().decode("utf-8-sig")


def section(response, slug: str):
    return next(each for each, _ in response.context["sections"] if each.slug == slug)


def shown(response, slug: str) -> list[list]:
    """The values of a table, without their links."""
    return [[getattr(value, "value", value) for value in row] for row in section(response, slug).table.rows]


def text_of_csv(response) -> str:
    """It is sent as it is made: to be read once."""
    assert response["Content-Type"].startswith("text/csv")
    return response.getvalue().decode("utf-8-sig")


def rows_of_csv(response) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(text_of_csv(response))))


def count_queries(client, address: str) -> int:
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def stand_still(monkeypatch: pytest.MonkeyPatch, now: datetime) -> None:
    """What the pages take for now."""
    monkeypatch.setattr(timezone, "now", lambda: now)
