"""The History API that tests are made with: that it tells its truth, and by the days of its parks."""

from datetime import date, timedelta

import pytest
import requests

from imports.events.history_answer import HistoryAnswer
from tests.history_server import BUSINESS, NOW, PLANS, TINY, history_server
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.no_database
AUTUMN = date(2024, 11, 3)  # 25 hours in New York


@pytest.fixture(scope="module")
def shared_server():
    with history_server(recorded_days=35, empty_park=True) as server:
        yield server


@pytest.fixture
def server(shared_server):
    shared_server.now = NOW
    shared_server.forget_budgets()
    return shared_server


@pytest.fixture
def ask(server):
    def asked(path: str, key: str | None = BUSINESS, **query: str):
        headers = {"X-API-Key": key} if key else {}
        return requests.get(server.api_url + path, params=query, headers=headers, timeout=HANG_SECONDS)

    return asked


@pytest.mark.parametrize("city", ["New York", "Tokyo"])
@pytest.mark.parametrize("day", [AUTUMN, date(2024, 11, 16), date(2024, 11, 17)], ids=["autumn", "Saturday", "Sunday"])
def test_a_day_of_a_park_holds_the_truth_of_that_park_local_day(server, ask, city, day):
    park = server.named(f"{city} Park")
    events = HistoryAnswer(ask(f"/entity/{park.id}/history", date=str(day)).content).events()
    truth = server.changes_of(park.id, day)
    assert sorted((event.entityId, event.eventTime) for event in events) == sorted(
        (change.entity_id, f"{change.at:%Y-%m-%dT%H:%M:%SZ}") for change in truth
    )
    local = {change.at.astimezone(park.tz).date() for change in truth}
    assert local == {day}


def test_each_change_is_told_on_one_day_and_saturdays_end_on_sunday(server):
    park = server.named("Tokyo Park")
    days = [server.gone_after + timedelta(days=n) for n in range(-20, 25)]
    told = [change for day in days for change in server.changes_of(park.id, day, delisted=True)]
    inside = {entity.id for entity in server.below(park)}
    assert len(told) == sum(change.entity_id in inside for change in server.truth)
    at_night = {c.status for c in server.changes_of(park.id, date(2024, 11, 17)) if c.at.astimezone(park.tz).hour == 0}
    assert "CLOSED" in at_night


def test_on_the_gap_day_nothing_is_told(server, ask):
    park = server.named("New York Park")
    answer = HistoryAnswer(ask(f"/entity/{park.id}/history", date=str(server.gap_day)).content)
    assert (answer.events(), len(answer.entities())) == ([], 6)
    ride = server.named("New York Flume").id
    days = ask(f"/entity/{ride}/history/daily", **{"from": "2024-11-11", "to": "2024-11-13"}).json()["days"]
    assert [row["date"] for row in days] == ["2024-11-11", "2024-11-13"]


def test_a_daily_row_of_autumn_counts_its_minutes_once(server, ask):
    ride = server.named("New York Coaster")
    (row,) = ask(f"/entity/{ride.id}/history/daily", **{"from": str(AUTUMN), "to": str(AUTUMN)}).json()["days"]
    hours = row["inParkHours"]
    assert hours["scheduledMinutes"] == 13 * 60
    assert 13 * 60 - 2 <= hours["operatingMinutes"] + hours["downMinutes"] <= 13 * 60
    assert row["changes"] == sum(change.entity_id == ride.id for change in server.changes_of(ride.parent, AUTUMN))
    assert row["standby"]["min"] <= row["standby"]["p50"] <= row["standby"]["max"]


def test_a_day_that_is_recorded_anew_tells_what_is_true_now(server, ask):
    park, day = server.named("Tokyo Park"), date(2024, 11, 8)
    before = HistoryAnswer(ask(f"/entity/{park.id}/history", date=str(day)).content).events()
    went, came = server.rewrite(park.id, day)
    after = HistoryAnswer(ask(f"/entity/{park.id}/history", date=str(day)).content).events()
    assert len(before) == len(after)
    assert len([event for event in after if event not in before]) == len(came) == len(went)


def test_what_has_not_happened_yet_is_not_told(server, ask):
    park = server.named("New York Park")
    told = HistoryAnswer(ask(f"/entity/{park.id}/history", date=str(server.today)).content).events()
    assert 0 < len(told) < len(server.changes_of(park.id, server.today))


def test_refusals_and_budgets(server, ask):
    park = server.named("New York Park").id
    assert ask(f"/entity/{park}/history", **{"from": "2024-11-01", "to": "2024-11-02"}).status_code == 400
    assert ask(f"/entity/{park}/history", date="2024-11-01T00:00:00").status_code == 400
    assert ask(f"/entity/{park}x/history").status_code == ask("/entity/x").status_code == 404
    assert ask("/me", key="tpw_other").status_code == 401
    early = ask(f"/entity/{park}/history", key=None, date="2024-11-18")
    assert (early.status_code, early.json()["error"]["earliestAllowedDate"]) == (403, "2024-11-19")
    left = [ask(f"/entity/{park}/history/coverage", key=TINY).headers["RateLimit-History-Remaining"] for _ in range(5)]
    assert left == ["4", "3", "2", "1", "0"]
    spent = ask(f"/entity/{park}/history/coverage", key=TINY)
    assert (spent.status_code, spent.headers["Retry-After"], spent.json()["error"]["type"]) == (
        429,
        "3600",
        "HISTORY_RATE_LIMITED",
    )
    server.now += timedelta(hours=1)
    assert ask(f"/entity/{park}/history/coverage", key=TINY).status_code == 200
    assert len(ask("/tiers").json()["tiers"]) == len(PLANS) - 1


def test_the_catalogue_children_and_live(server, ask):
    destinations = ask("/destinations").json()["destinations"]
    assert [[park["name"] for park in d["parks"]] for d in destinations] == [
        ["New York Park"],
        ["Tokyo Empty Park", "Tokyo Park"],
    ]
    tokyo = destinations[1]["id"]
    children = ask(f"/entity/{tokyo}/children").json()["children"]
    assert "Tokyo Splash" not in {child["name"] for child in children}
    live = ask(f"/entity/{tokyo}/live").json()["liveData"]
    assert len(live) == 5
    assert all(row["lastUpdated"].count(".") == 1 for row in live)
    empty = ask(f"/entity/{server.named('Tokyo Empty Park').id}/history/coverage").json()["summary"]
    assert (empty["archiveFrom"], empty["recordedTo"], empty["entitiesWithData"]) == (None, None, 0)
