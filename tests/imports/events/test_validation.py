import json
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.events.dayfile import event_from
from imports.events.decoded import Decoded
from imports.events.decoding import answer_of, open_answer
from imports.events.load_format import row_text, row_values
from imports.events.validation import EARLIEST_PLAUSIBLE, shorten, validate
from quality.evidence import OTHER_VALUES, VALUES_MAX
from quality.reasons import REASONS
from tests.imports.building import NOW, OTHER_RIDE, PARK, RIDE, event
from warehouse.instants import instant_at

pytestmark = pytest.mark.no_database


def checked(*events):
    return validate([event_from(raw) for raw in events], NOW)


def issues(result):
    return {key: issue.count for key, issue in result.issues.found.items()}


def only(result):
    (observation,) = result.observations
    return observation


def state(**changes):
    return row_values(only(checked(event(**changes))).state)


def queues(queue):
    result = checked(event(queue=queue))
    return [row_values(row) for row in only(result).queues], {reason for _, reason in result.issues.found}


# --- what an accepted event says ------------------------------------------------------------------------------------
def test_an_event_becomes_an_observation():
    observation = only(checked(event("00:05:10.644Z", queue={"STANDBY": {"waitTime": 45}})))
    assert observation.entity_id == RIDE
    assert observation.park_id == PARK
    assert instant_at(observation.milliseconds) == datetime(2024, 12, 25, 0, 5, 10, 644000, tzinfo=UTC)
    assert observation.recorded_at == "2024-12-25 00:05:10.644"
    assert row_values(observation.state) == ["OPERATING", "45", "1", "1"]


def test_only_operating_counts_as_open():
    assert [state(status=status)[2] for status in ("OPERATING", "DOWN", "CLOSED", "REFURBISHMENT")] == list("1000")


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("2024-12-25T00:05:10Z", "2024-12-25 00:05:10"),
        ("2024-12-24T19:05:10-05:00", "2024-12-25 00:05:10.000"),
        ("2024-12-25T00:05:10.6449999Z", "2024-12-25 00:05:10.644"),
        ("2024-12-25T00:05:10.9996Z", "2024-12-25 00:05:10.999"),
        ("2024-12-25T00:05:10,644Z", "2024-12-25 00:05:10.644"),
        ("2024-12-25T17:05:10.6Z", "2024-12-25 17:05:10.600"),
        ("2024-12-25T17:05:10." + "123456789" * 200 + "Z", "2024-12-25 17:05:10.123"),
        ("2024-12-25T17:05Z", "2024-12-25 17:05:00.000"),
        ("2024-12-25T17Z", "2024-12-25 17:00:00.000"),
        ("20241225T170510Z", "2024-12-25 17:05:10.000"),
        ("20241225T170510.644Z", "2024-12-25 17:05:10.644"),
        ("2024-12-25T170510.6444Z", "2024-12-25 17:05:10.644"),
        ("2024-W52-3T17:05:10Z", "2024-12-25 17:05:10.000"),
        ("2024-W52-3T17:05:10.644Z", "2024-12-25 17:05:10.644"),
        ("2024W523T170510Z", "2024-12-25 17:05:10.000"),
        ("2024-12-25 17:05:10Z", "2024-12-25 17:05:10.000"),
        ("2024-12-25T18:05:10+01:00:00.5", "2024-12-25 17:05:09.500"),
    ],
)
def test_instants_become_utc_and_are_cut_to_milliseconds(written, stored):
    observation = only(checked(event(written)))
    assert observation.recorded_at == stored
    assert instant_at(observation.milliseconds) == datetime.fromisoformat(stored + "+00:00")


@given(st.datetimes(EARLIEST_PLAUSIBLE.replace(tzinfo=None), datetime(2025, 12, 31), timezones=st.just(UTC)))
def test_every_instant_is_the_same_in_text_and_milliseconds(instant):
    text = instant.isoformat().replace("+00:00", "Z")
    observation = only(checked(event(text)))
    cut = instant.replace(microsecond=instant.microsecond // 1000 * 1000)
    assert instant_at(observation.milliseconds) == cut
    assert datetime.fromisoformat(observation.recorded_at + "+00:00") == cut


def test_an_id_in_capitals_is_the_same_id():
    assert only(checked(event(entity=RIDE.upper(), park=PARK.upper()))).entity_id == RIDE


@pytest.mark.parametrize("queue", [None, {}, {"STANDBY": None}, {"STANDBY": {}}, {"STANDBY": {"waitTime": None}}, ...])
def test_a_queue_that_says_nothing_is_no_defect(queue):
    raw = event(queue=queue)
    if queue is ...:
        del raw["data"]["queue"]
    result = checked(raw)
    assert row_values(only(result).state)[:3] == ["OPERATING", None, "1"]
    assert not only(result).queues
    assert not result.issues.found


@pytest.mark.parametrize(
    ("queue", "told"),
    [
        ({"STANDBY": {"waitTime": 5}}, "1"),
        ({"STANDBY": {"waitTime": None}}, "1"),
        ({"STANDBY": {}}, "1"),
        ({"STANDBY": None}, "1"),
        ({"STANDBY": {"waitTime": -999}}, "1"),
        ({"SINGLE_RIDER": {"waitTime": 5}}, "0"),
        ({}, "0"),
        (None, "0"),
        ([], "0"),
        ("nothing", None),
    ],
)
def test_whether_the_standby_line_was_spoken_of_is_kept(queue, told):
    assert state(queue=queue)[3] == told


# --- what is rejected -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"entityId": ...}, "missing_entity_id"),
        ({"entityId": None}, "missing_entity_id"),
        ({"entityId": "not-a-uuid"}, "malformed_id"),
        ({"entityId": 7}, "malformed_id"),
        ({"eventTime": ...}, "missing_event_time"),
        ({"eventTime": None}, "missing_event_time"),
        ({"eventTime": "yesterday"}, "malformed_time"),
        ({"eventTime": 1735085110}, "malformed_time"),
        ({"eventTime": "2024-12-25T00:05:10"}, "malformed_time"),
        ({"eventTime": "2024-12-25"}, "malformed_time"),
        ({"eventTime": "2024-13-25T00:05:10Z"}, "malformed_time"),
        ({"eventTime": "1970-01-01T00:00:00Z"}, "malformed_time"),
        ({"eventTime": "0001-01-01T00:00:00+12:00"}, "malformed_time"),
        ({"eventTime": ""}, "malformed_time"),
        ({"eventTime": "2024-360T17:05:10Z"}, "malformed_time"),  # an ordinal date
        ({"eventTime": "2024-12-25T24:00:00Z"}, "malformed_time"),
        ({"eventTime": "2024-12-25T23:59:60Z"}, "malformed_time"),
        ({"eventTime": "2024-12-2\u0665T17:05:10Z"}, "malformed_time"),
        ({"eventTime": "9999-12-31T23:59:59-12:00"}, "malformed_time"),
        ({"eventTime": float("nan")}, "malformed_time"),
        ({"eventTime": 10**300}, "malformed_time"),
        ({"eventTime": "\ud83c"}, "malformed_time"),
        ({"eventTime": "2026-01-01T00:05:01Z"}, "future_time"),
        ({"data": ...}, "missing_status"),
        ({"data": None}, "missing_status"),
        ({"data": {}}, "missing_status"),
        ({"status": None}, "missing_status"),
        ({"status": "EXPLODED"}, "unknown_status"),
        ({"status": "operating"}, "unknown_status"),
        ({"status": {"a": 1}}, "unknown_status"),
        ({"status": 3}, "unknown_status"),
        ({"status": ["OPERATING"]}, "unknown_status"),
    ],
)
def test_a_defective_event_is_rejected_with_its_reason_and_its_neighbours_stay(changes, reason):
    result = checked(event("09:00:00Z"), event(**changes), event("11:00:00Z"))
    assert len(result.observations) == 2
    assert result.rejected == {PARK: 1}
    assert issues(result) == {(PARK, reason): 1}


def test_what_is_shown_of_a_value_is_json_that_every_server_takes():
    deep: list = []
    for _ in range(2_000):
        deep = [deep]
    odd = [10**300, 2**63, -(2**63) - 1, float("nan"), float("inf"), "\ud83c", deep, {"a": "\ud83c"}, "x" * 10_000]
    result = checked(*[event(f"10:00:{n:02}Z", eventTime=value) for n, value in enumerate(odd)])
    assert issues(result) == {(PARK, "malformed_time"): len(odd)}
    for value in odd:
        text = json.dumps(shorten(value), allow_nan=False)
        assert json.loads(text) == shorten(value)
        assert type(shorten(value)) is str
        assert len(text) < 400


def test_five_minutes_ahead_is_not_yet_the_future():
    assert len(checked(event("2026-01-01T00:05:00Z")).observations) == 1


def test_what_is_no_object_is_rejected_for_no_park():
    result = checked("text", 5, None, [event()])
    assert result.rejected == {None: 4}
    assert issues(result) == {(None, "malformed_event"): 4}


def test_a_malformed_park_id_is_rejected_where_the_entity_is_not_known():
    result = checked(event(park="somewhere"))
    assert not result.observations
    (rejection,) = result.parkless_rejections
    assert (rejection.entity_id, rejection.reason) == (RIDE, "malformed_id")


def test_an_event_without_park_belongs_where_the_file_says_its_ride_is():
    result = checked(
        event("08:00:00Z", park=None),
        event("09:00:00Z"),
        event("10:00:00Z", park=...),
        event("10:00:00Z", park=None, entity=OTHER_RIDE),
        event("11:00:00Z", park=None, status="ODD"),
    )
    assert [observation.park_id for observation in result.observations] == [PARK, PARK, PARK, None]
    assert result.rejected == {PARK: 1}


def test_a_finding_keeps_at_most_five_examples_and_the_true_count():
    result = checked(*[event(f"10:00:{n:02}Z", status="ODD" + "x" * 1000) for n in range(20)])
    issue = result.issues.found[PARK, "unknown_status"]
    assert issue.count == 20
    assert len(issue.examples) == 5
    assert len(issue.examples[0]["value"]) < 400


# --- waits and further queues ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("wait", [-1, -999, 301, 45.5, "45", True, [], {}, 10**30])
def test_a_wait_that_is_no_minute_is_null_and_told(wait):
    result = checked(event(queue={"STANDBY": {"waitTime": wait}}))
    assert row_values(only(result).state) == ["OPERATING", None, "1", "1"]
    assert issues(result) == {(PARK, "wait_out_of_range"): 1}
    assert not result.rejected


@pytest.mark.parametrize("wait", [0, 5, 300])
def test_waits_up_to_five_hours_are_kept(wait):
    assert state(queue={"STANDBY": {"waitTime": wait}})[1] == str(wait)


def test_whole_numbers_may_be_written_with_a_point():
    assert state(queue={"STANDBY": {"waitTime": 45.0}})[1] == "45"
    rows, reported = queues(
        {
            "PAID_RETURN_TIME": {"price": {"amount": 2100.0, "currency": "USD"}},
            "BOARDING_GROUP": {"currentGroupStart": 12.0, "currentGroupEnd": 34.0, "estimatedWait": 90.0},
            "SINGLE_RIDER": {"waitTime": 5.0},
        }
    )
    assert [row[1] for row in rows] == ["90", None, "5"]
    assert (rows[0][7], rows[1][4]) == ("12-34", "21.00")
    assert not reported


def test_the_limit_of_the_standby_line_is_a_setting(settings):
    settings.WAIT_TIME_MAX_MINUTES = 600
    assert state(queue={"STANDBY": {"waitTime": 415}})[1] == "415"
    assert state(queue={"STANDBY": {"waitTime": 601}})[1] is None


@pytest.mark.parametrize(
    ("wait", "stored"), [(301, "301"), (32_767, "32767"), (32_768, None), (-1, None), (True, None)]
)
def test_queues_beside_the_standby_line_keep_longer_waits(wait, stored):
    rows, reported = queues(
        {
            "BOARDING_GROUP": {"estimatedWait": wait},
            "PAID_STANDBY": {"waitTime": wait},
            "SINGLE_RIDER": {"waitTime": wait},
        }
    )
    assert [row[1] for row in rows] == [stored] * 3
    assert reported == (set() if stored else {"wait_out_of_range"})


def test_waits_that_are_refused_are_counted_by_queue_and_value():
    standby = [-999, -999, -1, "45", 45.5, True, 415, 10**300, [], float("nan"), "x" * 99]
    result = checked(
        *[event(f"10:00:{n:02}Z", queue={"STANDBY": {"waitTime": wait}}) for n, wait in enumerate(standby)],
        event(queue={"BOARDING_GROUP": {"estimatedWait": -1}}),
    )
    issue = result.issues.found[PARK, "wait_out_of_range"]
    assert issue.count == 12
    huge = "1" + "0" * 39 + "..."
    assert issue.values == {
        "STANDBY -999": 2,
        "STANDBY -1": 1,
        'STANDBY "45"': 1,
        "STANDBY 45.5": 1,
        "STANDBY true": 1,
        "STANDBY 415": 1,
        f"STANDBY {huge}": 1,
        "STANDBY []": 1,
        "STANDBY NaN": 1,
        f'STANDBY "{"x" * 39}...': 1,
        "BOARDING_GROUP -1": 1,
    }


def test_of_many_values_the_first_are_told_apart_and_all_are_counted():
    waits = [*range(1_000, 1_000 + VALUES_MAX + 20), 1_000]
    events = [event(f"10:{n // 60:02}:{n % 60:02}Z", queue={"STANDBY": {"waitTime": w}}) for n, w in enumerate(waits)]
    values = checked(*events).issues.found[PARK, "wait_out_of_range"].values
    assert (len(values), sum(values.values())) == (VALUES_MAX + 1, len(waits))
    assert (values["STANDBY 1000"], values[OTHER_VALUES]) == (2, 20)


def test_the_other_lines_become_rows_by_type():
    rows, reported = queues(
        {
            "STANDBY": {"waitTime": 5},
            "SINGLE_RIDER": {"waitTime": None},
            "PAID_STANDBY": {"waitTime": 20},
            "RETURN_TIME": {
                "state": "AVAILABLE",
                "returnStart": "2024-12-25T10:00:00-05:00",
                "returnEnd": None,
            },
            "PAID_RETURN_TIME": {"state": "FINISHED", "price": {"amount": 2100, "currency": "USD", "formatted": "$21"}},
            "BOARDING_GROUP": {
                "allocationStatus": "PAUSED",
                "currentGroupStart": 12,
                "currentGroupEnd": "34",
                "estimatedWait": 90,
            },
        }
    )
    assert rows == [
        ["BOARDING_GROUP", "90", None, None, None, None, "PAUSED", "12-34", None],
        ["PAID_RETURN_TIME", None, None, None, "21.00", "USD", None, None, "FINISHED"],
        ["PAID_STANDBY", "20", None, None, None, None, None, None, None],
        ["RETURN_TIME", None, "2024-12-25 15:00:00.000", None, None, None, None, None, "AVAILABLE"],
        ["SINGLE_RIDER", None, None, None, None, None, None, None, None],
    ]
    assert not reported


@pytest.mark.parametrize(
    ("amount", "currency", "stored"),
    [(2100, "USD", "21.00"), (1800, "EUR", "18.00"), (1000, "JPY", "1000.00"), (0, "USD", "0.00"), (10, "KWD", "0.01")],
)
def test_prices_are_divided_by_the_exponent_of_their_currency(amount, currency, stored):
    rows, _ = queues({"PAID_RETURN_TIME": {"price": {"amount": amount, "currency": currency}}})
    assert rows[0][4:6] == [stored, currency]


@pytest.mark.parametrize(
    ("amount", "formatted", "stored"),
    [
        (0, "Unknown", None),
        (0, "$0.00", "0.00"),
        (0, "¥0", "0.00"),
        (0, None, "0.00"),
        (0, "", "0.00"),
        (0.0, "unbekannt", None),
        (2100, "Unknown", "21.00"),
        (None, "Unknown", None),
    ],
)
def test_a_price_of_0_that_is_called_unknown_is_no_price(amount, formatted, stored):
    price = {"amount": amount, "currency": "USD", "formatted": formatted}
    rows, reported = queues({"PAID_RETURN_TIME": {"state": "AVAILABLE", "price": price}})
    assert rows[0][4:6] == [stored, "USD"]
    assert not reported


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        ({"VIRTUAL": {"waitTime": 5}}, "unknown_queue_type"),
        ({"SINGLE_RIDER": 5}, "malformed_queue"),
        ({"RETURN_TIME": {"state": "SOMETIMES"}}, "malformed_queue"),
        ({"RETURN_TIME": {"state": ["AVAILABLE"]}}, "malformed_queue"),
        ({"BOARDING_GROUP": {"allocationStatus": 7}}, "malformed_queue"),
        ({"BOARDING_GROUP": {"currentGroupStart": "x" * 51}}, "malformed_queue"),
        ({"BOARDING_GROUP": {"currentGroupStart": 1.5}}, "malformed_queue"),
        ({"RETURN_TIME": {"returnStart": "10 o'clock"}}, "malformed_return_time"),
        ({"RETURN_TIME": {"returnEnd": "2024-12-25T10:00:00"}}, "malformed_return_time"),
        ({"RETURN_TIME": {"returnEnd": 5}}, "malformed_return_time"),
        ({"PAID_RETURN_TIME": {"price": {"amount": -1, "currency": "USD"}}}, "invalid_price"),
        ({"PAID_RETURN_TIME": {"price": {"amount": 100}}}, "invalid_price"),
        ({"PAID_RETURN_TIME": {"price": {"amount": 100, "currency": "QQQ"}}}, "invalid_price"),
        ({"PAID_RETURN_TIME": {"price": {"amount": 10**30, "currency": "USD"}}}, "invalid_price"),
        ({"PAID_RETURN_TIME": {"price": {"amount": 1255, "currency": "KWD"}}}, "invalid_price"),
        ({"PAID_RETURN_TIME": {"price": 21}}, "invalid_price"),
    ],
)
def test_a_defective_queue_is_skipped_and_the_rest_is_kept(queue, reason):
    rows, reported = queues({"STANDBY": {"waitTime": 10}, "SINGLE_RIDER": {"waitTime": 5}} | queue)
    assert reported == {reason}
    assert [row[0] for row in rows] == (["SINGLE_RIDER"] if "SINGLE_RIDER" not in queue else [])


@pytest.mark.parametrize("queue", ["STANDBY", [{"STANDBY": {"waitTime": 5}}], 5, True])
def test_a_queue_that_is_no_object_is_told_and_the_state_is_kept(queue):
    result = checked(event(queue=queue))
    assert row_values(only(result).state) == ["OPERATING", None, "1", None]
    assert issues(result) == {(PARK, "malformed_queue"): 1}


@given(st.lists(st.one_of(st.none(), st.text(st.characters(exclude_categories=["Cs"]))), min_size=1))
def test_texts_survive_the_way_into_a_row_and_back(values):
    # \N is what the server itself takes for NULL, so a text of exactly these two characters must not look like it
    assert row_values(row_text(values)) == values


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=5,
)


def test_what_events_of_one_entity_say_is_shared_and_what_only_looks_equal_is_not():
    one, two, *others = checked(*[event(name=name) for name in ("A", "A", 1, True, 1.0, None)]).observations
    assert one.said is two.said
    assert [repr(other.said.name_as_it_came) for other in others] == ["1", "True", "'1.0'", "None"]
    assert {other.said.name for other in others} == {""}


@pytest.mark.parametrize("written", ["2024-12-25T00:05:10.644Z", "2024-12-25T00:05:10Z", "20241225T000510,5+01:00"])
def test_the_time_can_be_shown_as_it_came(written):
    assert only(checked(event(written))).event_time == written


@given(
    st.lists(
        st.one_of(
            json_values,
            st.fixed_dictionaries(
                {},
                optional={
                    "entityId": st.one_of(json_values, st.just(RIDE)),
                    "parkId": st.one_of(json_values, st.just(PARK)),
                    "eventTime": st.one_of(json_values, st.just("2024-12-25T00:05:10Z")),
                    "data": st.one_of(
                        json_values,
                        st.fixed_dictionaries(
                            {"status": st.one_of(json_values, st.just("OPERATING"))},
                            optional={
                                "queue": st.dictionaries(
                                    st.sampled_from(["STANDBY", "RETURN_TIME", "PAID_RETURN_TIME", "BOARDING_GROUP"]),
                                    json_values,
                                )
                            },
                        ),
                    ),
                },
            ),
        ),
        max_size=5,
    )
)
def test_whatever_comes_no_event_is_lost(raw_events):
    result = checked(*raw_events)
    rejected = sum(result.rejected.values()) + len(result.parkless_rejections)
    assert len(result.observations) + rejected == len(raw_events)
    assert {reason for _, reason in result.issues.found} <= set(REASONS)
    # and it is the same where it comes from another process
    _, crossed = open_answer(pickle.loads(pickle.dumps(answer_of(Decoded([]), checked(*raw_events)))))
    assert crossed == result
    assert repr(crossed) == repr(result)
