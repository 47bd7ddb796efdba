"""The client of the History API against a real HTTP server on loopback: answers, refusals, budgets, and the key."""

import json
import logging
from datetime import UTC, date, datetime, timedelta

import pytest
import stamina

from imports.api import http
from imports.api.history import (
    ApiBusy,
    BudgetSpent,
    HistoryApi,
    HistoryError,
    KeyRefused,
    MalformedAnswer,
    NoAnswer,
    NoSuchEntity,
    OutOfReach,
    ParkCoverage,
)
from imports.api.pace import ApiPace, budget_of
from imports.api.themeparks import ApiError, ThemeParksApi
from imports.events.history_answer import HistoryAnswer
from tests.history_server import (
    BACKEND_UNAVAILABLE,
    BUSINESS,
    FREE,
    NOW,
    REVOKED,
    TINY,
    history_server,
    plan_unavailable,
    too_many_requests,
)
from tests.imports.fault_server import Answer, Fault

pytestmark = pytest.mark.django_db
DAY = date(2024, 11, 20)


@pytest.fixture(scope="module")
def shared_server():
    with history_server(recorded_days=35) as server:
        yield server


@pytest.fixture
def server(shared_server, settings, time_machine):
    """The shared one as it was, and what the settings point to."""
    server = shared_server
    server.now, server.faults, server.degraded_times, server.next_elsewhere, server.cached_seconds = NOW, [], 0, None, 0
    server.requests.clear()
    server.forget_budgets()
    time_machine.move_to(NOW, tick=False)
    settings.THEMEPARKS_API_URL = server.api_url
    settings.THEMEPARKS_API_KEY = FREE
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    with stamina.set_testing(True, attempts=3, cap=True):
        yield server


@pytest.fixture
def slept():
    return []


@pytest.fixture
def api(server, slept):
    return HistoryApi(sleep=slept.append)


@pytest.fixture
def park(server):
    return server.named("New York Park").id


@pytest.fixture
def ride(server):
    return server.named("New York Coaster").id


def test_a_day_of_a_park_comes_as_it_is(api, server, park):
    answer = api.park_day(park, DAY)
    assert not answer.degraded
    told = json.loads(answer.raw)
    assert told["range"] == {"from": "2024-11-20", "to": "2024-11-20"}
    assert len(HistoryAnswer(answer.raw).events()) == len(server.changes_of(park, DAY)) > 0
    assert server.asked == {("GET", f"/entity/{park}/history", "date=2024-11-20"): 1}


def test_days_of_an_entity_also_of_one_that_is_gone(api, server, park):
    splash, last = server.named("New York Splash"), server.gone_after
    answer = api.entity_days(splash.id, last - timedelta(days=5), last)
    assert len(HistoryAnswer(answer.raw).events()) > 6
    gone = [event.entityId for event in HistoryAnswer(api.park_day(park, last).raw).events()]
    assert splash.id not in gone


def test_an_answer_covers_no_more_than_31_days(api, ride):
    with pytest.raises(ValueError, match="covers 1 to 31 days"):
        api.entity_days(ride, DAY, DAY + timedelta(days=31))


def test_how_far_a_key_reaches(server, settings):
    plan = HistoryApi().me()
    assert (plan.name, plan.earliest, plan.requests_an_hour) == ("free", date(2024, 10, 27), 600)
    assert (plan.remaining, plan.resets_at) == (600, NOW + timedelta(hours=1))
    settings.THEMEPARKS_API_KEY = BUSINESS
    plan = HistoryApi().me()
    assert (plan.earliest, plan.requests_an_hour, plan.remaining, plan.resets_at) == (None, None, None, None)
    server.requests.clear()
    settings.THEMEPARKS_API_KEY = ""
    plan = HistoryApi().me()
    assert (plan.earliest, plan.requests_an_hour, plan.remaining) == (date(2024, 11, 19), 60, None)
    assert not server.requests


def test_an_api_that_knows_no_me_leaves_the_plan_unknown(api, server):
    server.faults = [Fault("status", "/me", answer=Answer(b'{"error": {"message": "no"}}', 404))]
    assert api.me().earliest is None
    server.faults = [Fault("status", "/me", answer=Answer(b'{"tier": "free"}'))]
    with pytest.raises(MalformedAnswer, match="how far back"):
        api.me()


def test_what_is_recorded_of_a_park(api, server, park):
    coverage = ParkCoverage.of(api.coverage(park))
    assert coverage == api.park_coverage(park)
    assert (coverage.archive_from, coverage.final_day) == (date(2024, 10, 21), date(2024, 11, 23))
    assert [entity.name for entity in coverage.entities if not entity.listed] == ["New York Splash"]


def test_a_park_without_any_history_has_no_days():
    summary = {"archiveFrom": None, "recordedTo": None, "retrievableThrough": None}
    assert ParkCoverage.of({"summary": summary, "entities": []}) == ParkCoverage(None, None, ())
    summary = {"archiveFrom": "2021-07-03", "recordedTo": "2024-11-23", "retrievableThrough": "2024-11-05"}
    assert ParkCoverage.of({"summary": summary, "entities": []}).final_day == date(2024, 11, 5)
    with pytest.raises(ValueError, match="summary"):
        ParkCoverage.of({"kinds": {}})


def test_figures_of_days(api, server, park, ride):
    first, last = date(2024, 10, 27), server.final_day()  # 28 days, in one page; of a whole year there were twelve
    rows = api.daily(ride, first, last)
    assert {row["entityId"] for row in rows} == {ride}
    gap = server.gap_day
    assert [date.fromisoformat(row["date"]) for row in rows] == [
        day for n in range(28) if (day := first + timedelta(days=n)) != gap
    ]
    of_park = [row for row in api.daily(park, first, last) if row["entityId"] == ride]
    assert of_park == rows
    (day,) = (row for row in rows if row["date"] == str(DAY))
    assert day["changes"] == sum(change.entity_id == ride for change in server.changes_of(park, DAY))


def test_pages_are_followed_by_their_days_and_never_by_their_links(server, settings, park):
    settings.THEMEPARKS_API_KEY = BUSINESS
    first, last = date(2024, 10, 21), server.final_day()
    rows = HistoryApi().daily(park, first, last)
    assert len({row["date"] for row in rows}) == 33
    assert [query for _, _, query in server.asked] == [
        "from=2024-10-21&to=2024-11-23",
        "from=2024-11-21&to=2024-11-23",
    ]
    server.next_elsewhere = "http://elsewhere.example"
    with pytest.raises(MalformedAnswer, match="another host"):
        HistoryApi().daily(park, first, last)


# --- what is no answer ------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>Maintenance</html>", "24 bytes: not JSON"),
        (b"", "0 bytes: the file is empty"),
        (b"[]", "no answer of the History API"),
        (b'{"entities": null}', "no list of entities"),
        (b'{"id": "x", "entities": []}', "of another entity"),
        (b'{"id": "PARK", "history": []}', "not that of a park"),
        (b'{"id": "PARK", "entities": []}', "2024-11-20 to 2024-11-20 was asked for"),
        (b'{"id": "PARK", "entities": [], "range": {"from": "2024-11-20", "to": "2024-11-21"}}', "2024-11-20 to"),
    ],
)
def test_what_is_no_day_of_the_park_is_never_taken_for_an_empty_one(api, server, park, body, message):
    server.faults = [Fault("status", answer=Answer(body.replace(b"PARK", park.encode())))]
    with pytest.raises(MalformedAnswer, match=message):
        api.park_day(park, DAY)


def test_of_a_degraded_day_one_asks_again_twice(api, server, park, slept):
    server.degraded_times = 2
    assert not api.park_day(park, DAY).degraded
    server.degraded_times = 9
    assert api.park_day(park, DAY).degraded
    assert slept.count(60.0) == 4
    assert len(server.requests) == 6


def test_a_day_before_the_window_says_where_it_begins(api, park):
    with pytest.raises(OutOfReach, match=r"from 2024-10-27 on it can be had") as caught:
        api.park_day(park, date(2024, 10, 26))
    assert caught.value.earliest == date(2024, 10, 27)


def test_a_window_that_does_not_say_where_it_begins_is_malformed(api, server, park):
    body = b'{"error": {"type": "HISTORY_WINDOW_EXCEEDED", "message": "no"}}'
    server.faults = [Fault("status", answer=Answer(body, 403))]
    with pytest.raises(MalformedAnswer, match="which day is the first"):
        api.park_day(park, DAY)


def test_refusals_say_what_is_wrong(api, server, park):
    with pytest.raises(NoSuchEntity, match="answers 404") as caught:
        api.coverage("00000000-0000-4000-8000-000000000000")
    assert isinstance(caught.value, http.NoSuchEntity | HistoryError)
    server.faults = [Fault("status", answer=Answer(b'{"error": {"type": "INVALID_DATE", "message": "no day"}}', 400))]
    with pytest.raises(HistoryError, match=r"date=2024-11-20: the API answers 400: no day; this is a fault") as caught:
        api.park_day(park, DAY)
    assert type(caught.value) is HistoryError


# --- the key ----------------------------------------------------------------------------------------------------------
def test_the_key_goes_into_one_header_and_nowhere_else(server, settings, park, caplog):
    caplog.set_level(logging.DEBUG)
    api = HistoryApi()
    api.park_day(park, DAY)
    assert server.keys == [FREE]
    assert FREE not in "".join(server.paths()) + repr(api) + caplog.text
    settings.THEMEPARKS_API_KEY = REVOKED
    with pytest.raises(KeyRefused, match=r"Invalid API key \(the key\); check THEMEPARKS_API_KEY") as caught:
        HistoryApi().me()
    assert REVOKED not in f"{caught.value} {caplog.text}"
    settings.THEMEPARKS_API_KEY = ""
    HistoryApi().destinations()
    assert server.keys[-1] is None


@pytest.mark.parametrize("key", ["tpw_free\r\nX-Other: 1", "tpw free", "tpw_fré"])
def test_a_key_that_is_none_is_refused_before_it_is_sent(server, settings, key):
    settings.THEMEPARKS_API_KEY = key
    with pytest.raises(KeyRefused) as caught:
        HistoryApi()
    assert key not in str(caught.value)


def test_a_redirect_is_not_followed(api, server, park):
    with history_server(recorded_days=0) as elsewhere:
        server.faults = [Fault("status", answer=Answer(b"", 302, {"Location": f"{elsewhere.api_url}/destinations"}))]
        with pytest.raises(HistoryError, match="redirects are not followed"):
            api.park_day(park, DAY)
        assert not elsewhere.requests


# --- budgets, and what passes -----------------------------------------------------------------------------------------
def test_a_spent_budget_says_until_when_and_holds_history_alone(server, settings, park, tmp_path):
    settings.THEMEPARKS_API_KEY = TINY
    settings.THEMEPARKS_CACHE_DIR = str(tmp_path)
    api = HistoryApi()
    before = datetime.now(UTC)
    for _ in range(5):
        api.park_day(park, DAY)
    with pytest.raises(BudgetSpent, match="of this key are used up") as caught:
        api.park_day(park, DAY)
    assert caught.value.until.tzinfo is UTC
    assert len(server.requests) == 5  # the fifth answer said that nothing is left
    assert api.me().remaining == 0
    assert ThemeParksApi().destinations()
    settings.THEMEPARKS_API_KEY = FREE
    assert HistoryApi().park_day(park, DAY)  # another key has another budget
    assert before.date() <= caught.value.until.date()


def test_a_429_of_history_holds_for_as_long_as_it_says(server, settings, park):
    settings.THEMEPARKS_API_KEY = ""
    server.plans[None] = (7, 2)
    api = HistoryApi()
    for _ in range(2):
        api.park_day(park, DAY)
    for _ in range(2):
        with pytest.raises(BudgetSpent, match="free without a key"):
            api.park_day(park, DAY)
    assert len(server.requests) == 3
    row = ApiPace.objects.get(api=budget_of(server.api_url))
    assert (row.remaining, row.resets_at) == (0, row.next_request_at)
    shared = ApiPace.objects.get(api=server.api_url)
    assert shared.next_request_at < row.next_request_at
    server.now += timedelta(hours=1)
    ApiPace.objects.update(next_request_at=NOW)  # the hour has passed
    assert api.park_day(park, DAY)


def test_a_429_of_history_that_comes_to_the_live_client_holds_nobody(server, settings, tmp_path):
    settings.THEMEPARKS_CACHE_DIR = str(tmp_path)
    body = b'{"error": {"type": "HISTORY_RATE_LIMITED", "message": "no", "retryAfter": 3600}}'
    server.faults = [Fault("status", "/destinations", answer=Answer(body, 429, {"Retry-After": "3600"}))]
    assert ThemeParksApi().destinations()


def test_figures_of_a_shared_cache_are_somebody_elses(server, settings, park):
    settings.THEMEPARKS_API_KEY = TINY
    server.cached_seconds = 30
    api = HistoryApi()
    api.park_day(park, DAY)
    assert not ApiPace.objects.filter(api=budget_of(server.api_url)).exists()
    server.cached_seconds = 0
    api.park_day(park, DAY)
    assert ApiPace.objects.get(api=budget_of(server.api_url)).remaining == 3


def test_a_budget_that_is_whole_again_at_once_is_waited_for(api, server, park):
    body = b'{"error": {"type": "HISTORY_RATE_LIMITED", "message": "no", "retryAfter": 2}}'
    server.faults = [Fault("status", answer=Answer(body, 429))]
    assert api.park_day(park, DAY)
    assert len(server.requests) == 2


def test_a_429_of_everything_holds_everybody(api, server, park, slept):
    server.faults = [Fault("status", answer=too_many_requests(59))]
    assert api.park_day(park, DAY)
    assert max(slept) > 1  # what is left of the 59
    server.faults = [Fault("status", answer=too_many_requests(3600))]
    with pytest.raises(ApiBusy, match="was not asked: no request may be sent for another 3"):
        api.park_day(park, DAY)
    assert not ApiPace.objects.filter(api=budget_of(server.api_url), remaining=0).exists()


def test_what_passes_by_itself_is_tried_again(api, server, park, slept):
    server.faults = [Fault("status", answer=BACKEND_UNAVAILABLE), Fault("cut")]
    assert api.park_day(park, DAY)
    server.faults = [Fault("status", answer=plan_unavailable(40))]
    assert api.park_day(park, DAY)
    assert 40.0 in slept


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", answer=BACKEND_UNAVAILABLE),
        Fault("status", answer=Answer(b"", 504)),
        Fault("status", answer=plan_unavailable(7200)),
        Fault("reset"),
    ],
    ids=["502", "504", "503 for long", "reset"],
)
def test_an_api_that_stays_away_is_busy_until(api, server, park, fault):
    server.faults = [Fault(fault.kind, times=9, answer=fault.answer)]
    with pytest.raises(ApiBusy) as caught:
        api.park_day(park, DAY)
    assert caught.value.until > datetime.now(UTC)
    assert len(server.requests) == (1 if fault.answer.status == 503 else 3)


def test_an_answer_without_end_is_not_read(api, server, park, monkeypatch):
    monkeypatch.setattr("imports.api.http.ANSWER_MAX_BYTES", 1000)
    with pytest.raises(MalformedAnswer, match="more than 1,000 bytes"):
        api.park_day(park, DAY)


def test_every_error_is_one_of_the_api(api):
    for kind in (BudgetSpent, ApiBusy, KeyRefused, OutOfReach, NoSuchEntity, MalformedAnswer):
        assert issubclass(kind, HistoryError) and issubclass(kind, ApiError)


# --- answers without measure ------------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["head", "trickle", "mute"])
def test_an_answer_that_does_not_come_in_time_is_none_and_another_may_be(api, server, monkeypatch, kind):
    monkeypatch.setattr("imports.api.asking.QUESTION_SECONDS", 0.3)
    server.faults = [fault := Fault(kind, times=9, seconds=0.01)]
    with pytest.raises(NoAnswer, match=r"not complete after 0\.3 s"):
        api.destinations()
    assert fault.finished == 0


def test_an_answer_of_too_many_bytes_is_none_of_this_day(api, server, monkeypatch):
    monkeypatch.setattr("imports.api.asking.ANSWER_MAX_BYTES", 300_000)
    server.faults = [Fault("endless")]
    with pytest.raises(MalformedAnswer, match="more than 300,000 bytes"):
        api.park_day(server.parks[0].id, DAY)


def test_what_an_answer_says_of_itself_stays_short(api, server):
    long, park = "\u202e" + "x" * 100_000, server.parks[0].id
    of_days = {"id": park, "entities": [], "range": {"from": long, "to": long}}
    me = {"tier": long, "historyDays": 5}
    answers = {"/history": of_days, "/me": me}
    server.faults = [Fault("status", path, 1, Answer(json.dumps(said).encode())) for path, said in answers.items()]
    with pytest.raises(MalformedAnswer) as caught:
        api.park_day(park, DAY)
    name = api.me().name
    for said, most in ((str(caught.value), 500), (name, 40)):
        assert len(said) <= most
        assert said.isprintable()
