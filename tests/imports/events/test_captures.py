"""What a line of captures is, however its keeper wrapped the answer, and the events of many lines."""

import json
import random
from datetime import UTC, datetime

import pytest

from imports.events.captures import NO_JSON, REASON, decode_captures, read_capture, strip_line
from imports.events.dayfile import Event, Refused
from imports.events.validation import validate
from tests.imports.capturing import DESTINATION, OTHER_PARK, PARK, RESORT, RIDE, answer, line, row
from tests.imports.mutation import mutated_json
from warehouse.instants import instant_at

pytestmark = pytest.mark.no_database
NOW = datetime(2026, 7, 19, tzinfo=UTC)
TAKEN = "2026-07-18T11:31:41Z"


def events_of(raw: bytes) -> list:
    return decode_captures(raw).events


def taken_at(capture) -> str:
    return f"{instant_at(capture.taken_ms):%Y-%m-%dT%H:%M:%SZ}"


def test_a_bare_answer_of_a_park_is_of_the_park_and_says_no_time():
    capture = read_capture(line(answer([row()])))
    assert (capture.park, capture.destination, capture.taken_ms) == (PARK, None, None)
    assert capture.trouble == "" and len(capture.rows) == 1
    assert instant_at(capture.newest_ms()).isoformat() == "2026-07-18T11:24:34.977000+00:00"


def test_an_answer_of_a_destination_is_of_the_destination():
    capture = read_capture(line(answer([row()], id=DESTINATION, entityType="DESTINATION")))
    assert (capture.park, capture.destination) == (PARK, DESTINATION)
    assert capture.parks() == {PARK}


def test_an_answer_of_one_ride_is_of_the_park_that_its_row_names():
    assert read_capture(line(answer([row()], id=RIDE, entityType="ATTRACTION"))).park == PARK


@pytest.mark.parametrize(
    "without", [{"id": ...}, {"entityType": ...}, {"id": ..., "entityType": ..., "name": ..., "timezone": ...}]
)
def test_of_an_answer_that_was_cut_down_the_rows_tell_whose_it_is(without):
    capture = read_capture(line(answer([row()], **without)))
    assert (capture.park, capture.trouble) == (PARK, "")


def test_an_answer_that_names_nobody_is_of_whom_its_envelope_names():
    nameless = answer([row(parkId=...)], id=..., entityType=...)
    assert read_capture(line({"park": PARK, "data": nameless})).park == PARK
    assert (
        read_capture(line({"url": f"https://api.example/v1/entity/{PARK.upper()}/live", "data": nameless})).park == PARK
    )
    assert read_capture(line(nameless)).trouble == "it names neither a park nor a destination"


ENVELOPES = {
    "the one found in public": lambda a: {
        "ts": TAKEN, "source": "themeparks.wiki", "park_id": PARK, "http_status": 200, "raw": a
    },
    "text": lambda a: {"time": TAKEN, "status": 200, "body": json.dumps(a)},
    "a response inside": lambda a: {"fetchedAt": TAKEN, "response": {"statusCode": "200 OK", "body": json.dumps(a)}},
    "seconds": lambda a: {"timestamp": 1784374301, "HTTP-Status": "200", "data": a},
    "seconds with a point": lambda a: {"timestamp": 1784374301.25, "data": a},
    "milliseconds as text": lambda a: {"captured_at": "1784374301250", "payload": a},
    "nanoseconds": lambda a: {"time_utc": 1784374301250000000, "payload": a},
    "another zone": lambda a: {"at": "2026-07-18 20:31:41+09:00", "live": a},
    "no zone": lambda a: {"when": "2026-07-18T11:31:41.5", "live": a},
    "as HTTP says it": lambda a: {"date": "Sat, 18 Jul 2026 11:31:41 GMT", "live": a},
    "in a list": lambda a: {"retrieved_at": TAKEN, "answers": [a]},
}  # fmt: skip


@pytest.mark.parametrize("envelope", ENVELOPES.values(), ids=ENVELOPES)
def test_an_envelope_is_known_by_the_shape_of_the_answer_in_it(envelope):
    capture = read_capture(line(envelope(answer([row()]))))
    assert (capture.trouble, capture.park, taken_at(capture)) == ("", PARK, TAKEN)


def test_a_time_that_is_none_is_as_good_as_no_time():
    for time in ("yesterday", -1, float("nan"), None, True, [], "9" * 30, 10**25, "2026-13-01"):
        assert read_capture(line({"time": time, "data": answer([row()])})).taken_ms is None, time


@pytest.mark.parametrize(
    ("content", "trouble", "foreign"),
    [
        ({"ts": TAKEN, "park_id": PARK, "http_status": 503, "raw": "Unavailable"}, "its HTTP status is 503", False),
        ({"ts": TAKEN, "http_status": 0, "raw": {"error": "timed out"}, "ok": False}, "its HTTP status is 0", False),
        ({"response": {"status": 429, "body": "{}"}}, "its HTTP status is 429", False),
        ({"success": False, "error": {"message": "no", "code": 401}}, "its HTTP status is 401", False),
        ({"status": 500, "data": answer([row()])}, "its HTTP status is 500", False),
        (answer(None), "its liveData is no list", False),
        ({"a": answer([]), "b": answer([])}, "it holds several answers; write each into a line of its own", False),
        ({"ts": TAKEN, "http_status": 200, "raw": {"hourly": [1]}}, "it has no liveData", True),
        ({"events": []}, "it has no liveData", True),
        (["liveData"], "it has no liveData", True),
        (17, "it has no liveData", True),
        (b'{"id": "75ea578a-adc8', NO_JSON, True),
        (b"\x80\x01\xff", NO_JSON, True),
    ],
)  # fmt: skip
def test_a_line_without_an_answer_says_why(content, trouble, foreign):
    capture = read_capture(content if isinstance(content, bytes) else line(content))
    assert (capture.trouble, capture.foreign, capture.rows) == (trouble, foreign, [])


def test_line_ends_byte_order_marks_and_zero_bytes_are_no_content():
    assert strip_line(b'\0\0\xef\xbb\xbf {"a": 1}\r\n') == (6, b'{"a": 1}')
    assert strip_line(b" \r\n")[1] == b""


def test_rows_become_events_with_the_park_that_was_asked_for():
    rows = [row(), row(id=RESORT, parkId=...), row(id=PARK, entityType="PARK"), row(parkId=OTHER_PARK), 17]
    first, without, other, number = events_of(line({"ts": TAKEN, "raw": answer(rows)}))
    assert (first.entityId, first.parkId, first.timezone) == (RIDE, PARK, "Asia/Tokyo")
    assert first.data.queue == {"STANDBY": {"waitTime": 40}}
    assert (without.parkId, without.timezone) == (PARK, "Asia/Tokyo")
    assert (other.parkId, other.timezone) == (OTHER_PARK, None)
    assert number == 17


def test_a_state_that_did_not_change_is_one_event_however_often_it_was_said():
    changed = row(lastUpdated="2026-07-18T11:40:00Z", status="DOWN")
    raw = b"\r\n".join([line(answer([row()])), b"", line({"x": answer([row(forecast=[1])])}), line(answer([changed]))])
    events = events_of(raw)
    assert [event.data.status for event in events] == ["OPERATING", "OPERATING", "DOWN"]
    assert events[0] is events[1]
    contradicting = events_of(line(answer([row(), row(status="DOWN")])))
    assert contradicting[0] is not contradicting[1]


def test_a_row_whose_id_is_a_list_is_rejected_like_any_other():
    validated = validate(events_of(line(answer([row(id=[1]), row(id=[1])]))), NOW)
    assert validated.rejected == {PARK: 2}


def test_a_line_without_an_answer_is_rejected_with_the_reason_and_counted_by_why():
    lines = [{"ts": TAKEN, "http_status": 503, "raw": "x" * 5000}, {"http_status": 503}, answer([row()])]
    raw = b"\n".join(map(line, lines)) + b'\n{"cut'
    validated = validate(events_of(raw), NOW)
    assert validated.rejected == {None: 3} and len(validated.observations) == 1
    (issue,) = validated.issues.found.values()
    assert list(validated.issues.found) == [(None, REASON)]
    assert issue.values == {"its HTTP status is 503": 2, NO_JSON: 1}
    assert issue.examples[0]["why"] == "its HTTP status is 503" and len(issue.examples[0]["line"]) < 400


def test_the_kinds_of_entities_are_told_beside_the_events():
    rows = [row(), row(id=RIDE[:-1] + "5", entityType="SHOW"), row(id=RIDE[:-1] + "6", entityType=...), row(id="x")]
    assert decode_captures(line(answer(rows))).entity_types == {RIDE: "ATTRACTION", RIDE[:-1] + "5": "SHOW"}


def test_parks_are_named_by_the_answer_and_by_their_own_rows():
    of_park = answer([row(), row(id=OTHER_PARK, entityType="PARK", name=" Another park ")])
    assert decode_captures(line(of_park)).park_names == {PARK: "A park", OTHER_PARK: "Another park"}
    of_all = answer([row(id=PARK, entityType="PARK", name=7)], id=DESTINATION, entityType="DESTINATION")
    assert decode_captures(line(of_all)).park_names == {}


def test_damaged_lines_are_stored_or_told_and_nothing_else_is_lost():
    """Whatever was mutated, a line gives its rows or one rejection, and the sound line behind it gives its own."""
    chance = random.Random(20260718)
    sound = line(answer([row(lastUpdated="2026-07-18T12:00:00Z")]))
    envelope = {"ts": TAKEN, "park_id": PARK, "http_status": 200, "raw": answer([row(), row(id=OTHER_PARK)])}
    refused = 0
    for _ in range(400):
        raw = mutated_json(envelope, chance)
        lines = [stripped for one in raw.split(b"\n") if (stripped := strip_line(one)[1])]
        expected = [read_capture(one) for one in lines]
        validated = validate(events_of(raw + b"\n" + sound), NOW)
        assert validated.events == 1 + sum(1 if capture.trouble else len(capture.rows) for capture in expected)
        assert validated.observations[-1].recorded_at == "2026-07-18 12:00:00"
        refused += sum(bool(capture.trouble) for capture in expected)
    assert 20 < refused < 300


def test_nothing_and_blank_lines_have_no_events():
    assert events_of(b"") == events_of(b"\n\r\n \n") == []


def test_an_object_that_is_no_event_stays_what_it_is():
    kinds = {type(found) for found in events_of(line(answer([row(), "x"])) + b"\n{}")}
    assert kinds == {Event, str, Refused}
