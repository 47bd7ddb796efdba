"""Answers of the History API as events: by the rules that day files and live rows are read by."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from imports.events.dayfile import Event, EventData, UnreadableFile
from imports.events.history_answer import HistoryAnswer, Opening, decode, entity_types, openings
from imports.events.load_format import row_values
from imports.events.validation import validate
from tests.captures import HISTORY_SAMPLES

pytestmark = pytest.mark.no_database
NOW = datetime(2026, 11, 26, tzinfo=UTC)
PARK, RIDE, SHOW = (f"00000000-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
RESORT = "00000000-0000-4000-8000-000000000009"
CAPTURED = HISTORY_SAMPLES / "history-space-mountain-2026-09-26.json"
QUEUE = {"STANDBY": {"waitTime": 45}, "PAID_RETURN_TIME": {"price": {"amount": 2100, "currency": "USD"}}}
ROWS = [
    {"time": "2026-09-26T13:00:01Z", "changed": ["status"], "status": "OPERATING", "queue": QUEUE},
    {"time": "2026-09-27T03:30:00Z", "changed": ["status"], "status": "CLOSED", "queue": {"STANDBY": {}}},
]
OPENING = {
    "time": "2026-09-26T04:00:00Z",
    "observedAt": "2026-09-26T03:56:53Z",
    "status": "CLOSED",
    "queue": {"STANDBY": {"waitTime": None}},
}


def entity(entity_id: str, kind: str, rows, name="Ride", **more) -> dict:
    return {"id": entity_id, "name": name, "entityType": kind, "opening": OPENING, "history": rows, **more}


def park_answer(*entities) -> dict:
    envelope = {"id": PARK, "name": "Park", "entityType": "PARK", "parentId": RESORT, "timezone": "America/New_York"}
    return envelope | {"range": {"from": "2026-09-26", "to": "2026-09-26"}, "entities": [*entities], "next": None}


def text(answer) -> bytes:
    return json.dumps(answer).encode()


def test_a_row_of_a_park_is_an_event_of_the_archives_shape():
    first, last = decode(text(park_answer(entity(RIDE, "ATTRACTION", ROWS))))
    assert first == Event(
        entityId=RIDE,
        name="Ride",
        data=EventData("OPERATING", QUEUE),
        eventTime="2026-09-26T13:00:01Z",
        timezone="America/New_York",
        parkId=PARK,
    )
    assert (last.data.status, last.eventTime) == ("CLOSED", "2026-09-27T03:30:00Z")


def test_an_answer_may_be_packed_as_day_files_are():
    answer = text(park_answer(entity(RIDE, "ATTRACTION", ROWS)))
    assert decode(gzip.compress(answer)) == decode(answer)


def test_the_park_and_destinations_among_the_entities_are_left_out():
    answer = park_answer(
        entity(PARK, "PARK", ROWS),
        entity(RESORT, "DESTINATION", ROWS),
        entity(PARK, "", ROWS),
        entity(SHOW, "SHOW", []),
    )
    assert decode(text(answer)) == []
    assert entity_types(text(answer)) == {SHOW: "SHOW"}


def test_an_entity_alone_is_in_its_parent_or_in_the_park_that_the_caller_knows():
    answer = entity(RIDE, "ATTRACTION", ROWS, parentId=RESORT, timezone="America/New_York", next=None)
    assert {event.parkId for event in decode(text(answer))} == {RESORT}
    assert {event.parkId for event in decode(text(answer), PARK)} == {PARK}
    assert entity_types(text(answer)) == {RIDE: "ATTRACTION"}
    assert decode(text(entity(RESORT, "DESTINATION", ROWS))) == []


@pytest.mark.parametrize("read_leniently", [False, True])
def test_odd_neighbours_cost_no_other_row_and_are_counted(read_leniently):
    answer = park_answer(
        7,
        entity(SHOW, "SHOW", None),
        entity(RIDE, "ATTRACTION", [None, *ROWS, {"time": 5}, {"time": "2026-09-26T13:00:03Z", "status": None}]),
    )
    raw = text(answer)
    if read_leniently:
        raw = raw.replace(b'"next": null', b'"next": NaN')
    validated = validate(decode(raw), NOW)
    assert len(validated.observations) == 2
    reasons = Counter({reason: issue.count for (_, reason), issue in validated.issues.found.items()})
    assert reasons == {"malformed_event": 3, "malformed_time": 1, "missing_status": 1}


def test_numbers_as_the_official_sdk_writes_them_are_whole():
    rows = text(park_answer(entity(RIDE, "ATTRACTION", ROWS))).replace(b"45", b"45.0").replace(b"2100", b"2100.0")
    observation, _ = validate(decode(rows), NOW).observations
    assert row_values(observation.state)[:2] == ["OPERATING", "45"]
    assert "21.00" in observation.queues[0]
    skipped = validate(decode(rows.replace(b"45.0", b"45.5")), NOW)
    assert skipped.issues.found[PARK, "wait_out_of_range"].count == 1


def test_openings_say_when_they_were_observed_and_whether_they_are_whole():
    answer = park_answer(
        entity(RIDE, "ATTRACTION", []),
        entity(SHOW, "SHOW", [], opening={"time": "2026-09-26T04:00:00Z", "degraded": True, "status": None}),
        entity(RESORT, "HOTEL", [], opening=None),
    )
    assert openings(text(answer)) == [
        Opening(RIDE, datetime(2026, 9, 26, 3, 56, 53, tzinfo=UTC), "CLOSED", {"STANDBY": {"waitTime": None}}, False),
        Opening(SHOW, None, None, None, True),
    ]
    assert HistoryAnswer(text(answer)).degraded
    assert HistoryAnswer(text(answer)).opens_at == datetime(2026, 9, 26, 4, tzinfo=UTC)
    assert HistoryAnswer(text(park_answer(entity(RIDE, "SHOW", [], opening={})))).opens_at is None


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "the file is empty"),
        (b"<html>", "not JSON"),
        (b'{"entities": [', "not JSON"),
        (b"[]", "an object"),
        (b"{}", "no list of entities"),
        (b'{"entities": {}}', "no list of entities"),
        (b'{"history": null}', "no history"),
        (b'{"error": {"type": "HISTORY_RATE_LIMITED"}}', "no list of entities"),
        (b'{"liveData": []}', "no list of entities"),
    ],
)
def test_what_is_no_such_answer_is_unreadable(raw, reason):
    with pytest.raises(UnreadableFile, match=reason):
        decode(raw)


@pytest.mark.skipif(not CAPTURED.exists(), reason="the captured day of Space Mountain is not part of the project")
def test_a_captured_day_is_read_without_an_issue():
    raw = CAPTURED.read_bytes()
    validated = validate(decode(raw), NOW)
    assert (len(validated.observations), validated.events, validated.issues.found) == (187, 187, {})
    assert [*validated.parks] == ["75ea578a-adc8-4116-a54d-dccb60765ef9"]
    assert [opening.status for opening in openings(raw)] == ["OPERATING"]
