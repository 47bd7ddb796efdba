"""The API client against a real HTTP server on loopback: pace, Retry-After, cache, and answers that are none."""

import gzip
import json
import time
from datetime import UTC, date, datetime, timedelta
from email.utils import formatdate

import pytest
import stamina
from django.db import transaction

from imports.api.pace import ApiPace, budget_of
from imports.api.themeparks import ApiError, ApiUnavailable, MalformedAnswer, NoSuchEntity, ThemeParksApi
from tests.imports import forks
from tests.imports.api.asking import ask_five_times
from tests.imports.fault_server import CLOCKS_APART, Answer, Fault, fault_server
from tests.waiting import HANG_SECONDS

RESORT = "e957da41-3552-4cf6-b636-5babc5cbc4e5"
RIDE = "b2260923-9315-40fd-9c6b-44dd811dbe64"
NOT_FOUND = Answer(b'{"success":false,"error":{"message":"Entity not found","type":"NOT_FOUND"}}', 404)


def answers(path: str, headers: dict) -> Answer:
    known = {
        "/v1/destinations": {"destinations": [{"id": RESORT, "name": "Walt Disney World® Resort", "parks": []}]},
        f"/v1/entity/{RIDE}": {"id": RIDE, "name": "Space Mountain", "entityType": "ATTRACTION", "location": None},
        f"/v1/entity/{RESORT}/children": {"id": RESORT, "children": [{"id": RIDE}]},
        f"/v1/entity/{RESORT}/live": {"id": RESORT, "liveData": [{"id": RIDE, "status": "OPERATING"}]},
        f"/v1/entity/{RESORT}/schedule": {"id": RESORT, "schedule": [{"date": "2026-04-14"}]},
        f"/v1/entity/{RESORT}/schedule/2026/03": {"id": RESORT, "schedule": [{"date": "2026-03-01"}]},
    }
    return Answer(json.dumps(known[path]).encode()) if path in known else NOT_FOUND


@pytest.fixture
def api_server(settings, tmp_path):
    with fault_server(answers) as server:
        settings.THEMEPARKS_API_URL = f"{server.url}/v1"
        settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
        settings.THEMEPARKS_CACHE_DIR = str(tmp_path / "cache")
        yield server


@pytest.fixture(autouse=True)
def no_pauses():
    with stamina.set_testing(True, attempts=3, cap=True):
        yield


pytestmark = pytest.mark.django_db


def test_each_question_gives_the_part_that_was_asked_for(api_server):
    api = ThemeParksApi()
    assert [found["name"] for found in api.destinations()] == ["Walt Disney World® Resort"]
    assert api.entity(RIDE)["name"] == "Space Mountain"
    assert api.children(RESORT) == [{"id": RIDE}]
    assert api.live(RESORT) == [{"id": RIDE, "status": "OPERATING"}]
    assert api.schedule(RESORT) == [{"date": "2026-04-14"}]
    assert api.schedule(RESORT, date(2026, 3, 9)) == [{"date": "2026-03-01"}]


def test_the_user_agent_names_the_project_and_the_contact(api_server, settings):
    settings.USER_AGENT = "themepark-warehouse/1.0 (ops@example.org)"
    ThemeParksApi().destinations()
    assert api_server.requests[0][2]["User-Agent"] == "themepark-warehouse/1.0 (ops@example.org)"


def test_an_unknown_entity_is_said_with_the_words_of_the_api(api_server):
    with pytest.raises(NoSuchEntity, match=r"/entity/nobody: the API answers 404: Entity not found"):
        ThemeParksApi().entity("nobody")
    assert len(api_server.requests) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"id": "75e', "11 bytes that are no JSON"),
        (b"<html>Maintenance</html>", "24 bytes that are no JSON"),
        (b"", "0 bytes that are no JSON"),
        (b"[]", "no list 'liveData'"),
        (b'{"liveData": null}', "no list 'liveData'"),
        (b'{"id": "x"}', "no list 'liveData'"),
    ],
)
def test_an_answer_that_is_none_is_malformed(api_server, body, message):
    api_server.faults = [Fault("status", answer=Answer(body))]
    with pytest.raises(MalformedAnswer, match=f"/entity/{RESORT}/live.*{message}"):
        ThemeParksApi().live(RESORT)


def test_an_entity_without_id_is_malformed(api_server):
    api_server.faults = [Fault("status", answer=Answer(b'{"name": "Space Mountain"}'))]
    with pytest.raises(MalformedAnswer, match="no id"):
        ThemeParksApi().entity(RIDE)


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", times=2, answer=Answer(b"", 500)),
        Fault("status", times=2, answer=Answer(b"", 503)),
        Fault("cut", times=2),
        Fault("reset", times=2),
    ],
    ids=lambda fault: f"{fault.kind} {fault.answer.status}",
)
def test_what_passes_by_itself_is_tried_again(api_server, fault):
    api_server.faults = [Fault(fault.kind, times=2, answer=fault.answer)]
    assert ThemeParksApi().children(RESORT) == [{"id": RIDE}]
    assert len(api_server.requests) == 3


def test_a_server_that_stays_broken_ends_in_a_clear_error(api_server, settings):
    api_server.faults = [Fault("status", times=9, answer=Answer(b"oops", 500))]
    with pytest.raises(ApiError, match=r"the API answers 500: oops; given up after 3 attempts"):
        ThemeParksApi().destinations()
    assert len(api_server.requests) == 3
    settings.THEMEPARKS_API_URL = "http://127.0.0.1:9/v1"
    with pytest.raises(ApiError, match=r"127\.0\.0\.1.*given up after 3 attempts"):
        ThemeParksApi().destinations()


def test_an_answer_that_stalls_ends_by_a_timeout(api_server, monkeypatch):
    monkeypatch.setattr("imports.api.themeparks.READ_TIMEOUT_SECONDS", 0.2)
    api_server.faults = [Fault("stall", times=9)]
    with pytest.raises(ApiError, match="timed out"):
        ThemeParksApi().destinations()


@pytest.mark.parametrize("kind", ["head", "trickle", "mute"])
def test_an_answer_that_trickles_ends_by_its_deadline_wherever_it_does(api_server, monkeypatch, kind):
    monkeypatch.setattr("imports.api.themeparks.ANSWER_TIMEOUT_SECONDS", 0.2)
    long_answer = Answer(json.dumps({"destinations": [{"id": RESORT}] * 200}).encode())
    api_server.answers = lambda path, headers: long_answer
    fault = Fault(kind, times=9, seconds=0.01)
    api_server.faults = [fault]
    with pytest.raises(ApiError, match=r"not complete after 0\.2 s; given up after 3"):
        ThemeParksApi().destinations()
    assert (fault.times, fault.finished) == (6, 0)


def test_one_question_has_one_deadline_for_all_its_tries(api_server, monkeypatch):
    monkeypatch.setattr("imports.api.themeparks.QUESTION_SECONDS", 0.2)
    fault = Fault("head", times=9, seconds=0.01)
    api_server.faults = [fault]
    with pytest.raises(ApiError, match=r"not complete after 0\.2 s"):
        ThemeParksApi().destinations()
    assert (fault.times, fault.finished) == (8, 0)


def test_a_turn_that_is_waited_for_is_not_the_answers_time(api_server, monkeypatch):
    monkeypatch.setattr("imports.api.themeparks.QUESTION_SECONDS", 2.0)
    monkeypatch.setattr("imports.api.themeparks.ANSWER_TIMEOUT_SECONDS", 2.0)
    ThemeParksApi().destinations()
    ApiPace.hold(api_server.url + "/v1", 2.2, "")
    assert ThemeParksApi().children(RESORT)


def test_an_answer_without_end_or_of_too_many_bytes_is_malformed(api_server, monkeypatch):
    monkeypatch.setattr("imports.api.http.ANSWER_MAX_BYTES", 300_000)
    monkeypatch.setattr("imports.api.themeparks.ANSWER_MAX_BYTES", 300_000)
    packed = Answer(gzip.compress(b" " * 300_001), headers={"Content-Encoding": "gzip"})
    api_server.faults = [Fault("endless"), Fault("status", answer=packed)]
    for _ in range(2):
        with pytest.raises(MalformedAnswer, match="more than 300,000 bytes is not read"):
            ThemeParksApi().destinations()
    assert len(api_server.requests) == 2


def moved(to: str, status: int = 302) -> Fault:
    return Fault("status", times=9, answer=Answer(b"elsewhere", status, {"Location": to}))


def test_a_redirect_within_the_host_is_followed_and_not_kept_for_ever(api_server):
    api_server.faults = [Fault("status", "destinations", 1, Answer(b"moved", 301, {"Location": f"/v1/entity/{RIDE}"}))]
    with pytest.raises(MalformedAnswer, match="no list"):  # what lies there
        ThemeParksApi().destinations()
    assert api_server.paths() == ["/v1/destinations", f"/v1/entity/{RIDE}"]
    assert ThemeParksApi().destinations()  # it is asked itself again


@pytest.mark.parametrize(
    "to",
    [
        "http://localhost:{port}/v1/destinations",
        "http://127.0.0.1:9/v1/destinations",
        "https://127.0.0.1:{port}/v1/destinations",
        "//example.org/v1/destinations",
        "http://somebody@127.0.0.1:{port}/v1/destinations",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "http://[broken",
        "http://127.0.0.1:port/",
    ],
)
def test_a_redirect_that_leads_elsewhere_is_refused(api_server, to):
    api_server.faults = [moved(to.format(port=api_server.url.rsplit(":")[-1]))]
    with pytest.raises(ApiError, match="no redirect to another host is followed"):
        ThemeParksApi().destinations()
    assert len(api_server.requests) == 1


def test_of_a_redirect_no_body_is_read(api_server):
    api_server.answers = lambda path, headers: Answer(b"x", 302, {"Location": "http://example.org/"})
    api_server.faults = [Fault("endless")]
    with pytest.raises(ApiError, match="no redirect to another host is followed"):
        ThemeParksApi().destinations()


def test_redirects_that_go_on_and_on_are_given_up(api_server):
    api_server.faults = [moved("/v1/destinations")]
    with pytest.raises(ApiError, match="more than 3 redirects"):
        ThemeParksApi().destinations()
    assert len(api_server.requests) == 4


def test_what_a_refusal_says_is_cut_and_shown_safely(api_server, caplog):
    nasty = "\x1b[31m\u202e" + "x" * 100_000
    for body in (json.dumps({"error": {"message": nasty}}), json.dumps({"message": nasty}), nasty):
        api_server.faults = [Fault("status", times=9, answer=Answer(body.encode(), 503))]
        with pytest.raises(ApiError) as caught:
            ThemeParksApi().destinations()
        assert r"\x1b[31m" in str(caught.value)
        assert str(caught.value).isprintable()
        assert len(str(caught.value)) < 600
    assert not [record for record in caplog.records if not record.getMessage().isprintable()]


def test_retry_after_is_obeyed_by_everybody(api_server):
    api_server.faults = [Fault("status", answer=Answer(b"", 429, {"Retry-After": "1"}))]
    with stamina.set_testing(True, attempts=1), pytest.raises(ApiError, match="answers 429"):
        ThemeParksApi().destinations()
    ThemeParksApi().children(RESORT)
    ThemeParksApi().destinations()
    refused, *others = api_server.came()
    assert len(others) == 2
    assert min(others) >= refused + timedelta(seconds=1) - CLOCKS_APART


def test_retry_after_may_be_a_date(api_server):
    then = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=2)
    http_date = formatdate(then.timestamp(), usegmt=True)
    api_server.faults = [Fault("status", answer=Answer(b"", 429, {"Retry-After": http_date}))]
    ThemeParksApi().destinations()
    _, answered = api_server.came()
    assert answered >= then - CLOCKS_APART


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "soon"}])
def test_a_429_that_says_no_time_holds_for_the_default(api_server, headers, monkeypatch):
    monkeypatch.setattr("imports.api.http.WAIT_AFTER_429_SECONDS", 0.5)
    api_server.faults = [Fault("status", answer=Answer(b"", 429, headers))]
    ThemeParksApi().destinations()
    refused, answered = api_server.came()
    assert answered >= refused + timedelta(seconds=0.5) - CLOCKS_APART


def test_asked_to_stay_away_for_long_a_run_ends_and_the_next_does_not_ask(api_server):
    api_server.faults = [Fault("status", times=9, answer=Answer(b"", 429, {"Retry-After": "3600"}))]
    with pytest.raises(ApiUnavailable, match=r"no request may be sent for another 3\d\d\d s"):
        ThemeParksApi().destinations()
    with pytest.raises(ApiUnavailable):
        ThemeParksApi().children(RESORT)
    assert len(api_server.requests) == 1


def test_a_hold_says_until_when_and_why_and_can_be_lifted(api_server):
    said = Answer(b'{"error": "Come back \\u001b[2Jlater"}', 429, {"Retry-After": "999999999"})
    api_server.faults = [Fault("status", answer=said)]
    with pytest.raises(ApiUnavailable) as caught:
        ThemeParksApi().destinations()
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    assert f"The API is not asked before {tomorrow}" in str(caught.value)
    assert r"429: Come back \x1b[2Jlater; manage.py collect_live --lift-hold" in str(caught.value)
    (hold,) = ApiPace.holds(f"{api_server.url}/v1")
    assert not hold.of_history
    assert ApiPace.lift(f"{api_server.url}/v1") == [hold]
    assert ThemeParksApi().destinations()
    assert ApiPace.holds(f"{api_server.url}/v1") == ApiPace.lift(f"{api_server.url}/v1") == []


def test_the_longer_of_two_holds_keeps_its_words(api_server):
    api = f"{api_server.url}/v1"
    ThemeParksApi().destinations()
    ApiPace.hold(api, 3000, "first")
    ApiPace.hold(api, 1000, "second")
    assert [hold.why for hold in ApiPace.holds(api)] == ["first"]
    ApiPace.hold(api, 4000, "third")
    assert [hold.why for hold in ApiPace.holds(api)] == ["third"]


def test_a_spent_budget_is_lifted_too(api_server):
    api = f"{api_server.url}/v1"
    ApiPace.told(budget_of(api), "", 0, 3600)
    assert ApiPace.spent_until(budget_of(api), "")
    (hold,) = ApiPace.lift(api)
    assert hold.of_history
    assert ApiPace.spent_until(budget_of(api), "") is None


def test_when_nobody_answers_three_times_in_a_row_the_run_ends(api_server):
    api = ThemeParksApi()
    api_server.faults = [
        Fault("reset", f"{RESORT}/live", times=9),
        Fault("status", "children", answer=Answer(b"", 400)),
    ]
    for _ in range(2):
        with pytest.raises(ApiError) as caught:
            api.live(RESORT)
        assert not isinstance(caught.value, ApiUnavailable)
    with pytest.raises(ApiError, match="answers 400"):
        api.children(RESORT)  # a refusal is an answer
    for kind in (ApiError, ApiError, ApiUnavailable):
        api_server.faults = [Fault("reset", times=9)]
        with pytest.raises(ApiError) as caught:
            api.live(RESORT)
        assert type(caught.value) is kind


def test_the_same_question_is_not_asked_twice_within_a_minute(api_server):
    assert ThemeParksApi().live(RESORT) == ThemeParksApi().live(RESORT)
    assert len(api_server.requests) == 1


@pytest.mark.parametrize(
    ("cache_control", "fresh_after_seconds", "stale_after_seconds"),
    [
        ("", 55, 65),
        ("no-store", 55, 65),
        ("public, max-age=10", 55, 65),
        ("public, max-age=300", 290, 310),
        ("public, max-age=31536000, immutable", 3590, 3610),
        (f"max-age={'9' * 5000}", 3590, 3610),
    ],
)
def test_an_answer_is_kept_as_long_as_it_says_and_a_minute_at_least(
    api_server, cache_control, fresh_after_seconds, stale_after_seconds, time_machine
):
    answer = answers("/v1/destinations", {})
    answer.headers = {"Cache-Control": cache_control} if cache_control else {}
    api_server.faults = [Fault("status", times=9, answer=answer)]
    start = time.time()
    time_machine.move_to(start)
    ThemeParksApi().destinations()
    time_machine.move_to(start + fresh_after_seconds)
    ThemeParksApi().destinations()
    assert len(api_server.requests) == 1
    time_machine.move_to(start + stale_after_seconds)
    ThemeParksApi().destinations()
    assert len(api_server.requests) == 2


def test_an_etag_is_sent_back_and_304_gives_the_kept_answer(api_server, time_machine):
    answer = answers("/v1/destinations", {})
    answer.headers = {"ETag": '"abc"'}
    api_server.faults = [Fault("status", answer=answer), Fault("status", answer=Answer(status=304))]
    start = time.time()
    time_machine.move_to(start)
    first = ThemeParksApi().destinations()
    time_machine.move_to(start + 100)
    assert ThemeParksApi().destinations() == first
    assert api_server.requests[1][2]["If-None-Match"] == '"abc"'
    time_machine.move_to(start + 130)  # the 304 made it fresh for another minute
    assert ThemeParksApi().destinations() == first
    assert len(api_server.requests) == 2


def test_a_failed_answer_is_not_kept(api_server):
    api_server.faults = [Fault("status", times=3, answer=Answer(b"", 500))]
    with pytest.raises(ApiError):
        ThemeParksApi().destinations()
    assert ThemeParksApi().destinations()


def test_a_cache_folder_that_cannot_be_written_is_said(api_server, settings, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    settings.THEMEPARKS_CACHE_DIR = str(tmp_path / "file")
    with pytest.raises(ApiError, match=r"THEMEPARKS_CACHE_DIR .*must be writable"):
        ThemeParksApi()


PACE = timedelta(seconds=0.1)  # 600 a minute


def none_comes_before_its_turn(requests: list[datetime], begun: datetime) -> bool:
    """One step of PACE each, from the instant at which they were let go."""
    return all(at >= begun + turn * PACE - CLOCKS_APART for turn, at in enumerate(sorted(requests)))


def test_requests_are_spaced_evenly(api_server, settings):
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 600
    api = ThemeParksApi()
    begun = datetime.now(UTC)
    for number in range(6):
        with pytest.raises(NoSuchEntity):
            api.entity(f"nobody-{number}")
    assert none_comes_before_its_turn(api_server.came(), begun)


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_for_a_turn_inside_a_transaction():
    with transaction.atomic(), pytest.raises(RuntimeError, match="durable"):
        ApiPace.reserve("http://example.org", 60, 1)


@pytest.mark.django_db(transaction=True)
def test_processes_share_one_pace(api_server, tmp_path):
    """Two processes of five requests at 600 a minute: nine steps of 0.1 s, where each alone would need four."""
    starts = forks.barrier(3)
    both = []
    for who in ("one", "two"):
        changed = {
            "THEMEPARKS_API_URL": f"{api_server.url}/v1",
            "THEMEPARKS_CACHE_DIR": str(tmp_path / who),
            "THEMEPARKS_REQUESTS_PER_MINUTE": 600,
        }
        both.append(forks.Fork(ask_five_times, [who, starts], settings=changed))
    starts.wait(HANG_SECONDS)
    begun = datetime.now(UTC)
    said = [process.communicate(HANG_SECONDS)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert len(api_server.came()) == 10
    assert none_comes_before_its_turn(api_server.came(), begun)
