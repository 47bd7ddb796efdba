"""Events that lack something or say what cannot be, and what must become of them: the import's rules, one by one.

Each function plants one case; its docstring is what people are told of it.
"""

from imports.sample.planting import SINGLE_RIDER, Case, Planter, with_data, without


# --- fields that are not there ---
def entity_id_missing(p: Planter):
    """entityId absent, and null"""
    p.rejected(without(p.event(), "entityId"), "missing_entity_id")
    p.rejected(p.event() | {"entityId": None}, "missing_entity_id")


def event_time_missing(p: Planter):
    """eventTime absent, and null"""
    p.rejected(without(p.event(), "eventTime"), "missing_event_time")
    p.rejected(p.event() | {"eventTime": None}, "missing_event_time")


def status_missing(p: Planter):
    """data.status absent, and null; data absent, and null"""
    event = p.event()
    p.rejected(event | {"data": without(event["data"], "status")}, "missing_status")
    p.rejected(with_data(p.event(), status=None), "missing_status")
    p.rejected(without(p.event(), "data"), "missing_status")
    p.rejected(p.event() | {"data": None}, "missing_status")


def park_missing_of_an_unknown_entity(p: Planter):
    """parkId absent, and null, of an entity nobody knows"""
    p.of_no_park(without(p.event(p.new_ride("Nowhere")), "parkId"), "missing_park")
    p.of_no_park(p.event(p.new_ride("Nowhere")) | {"parkId": None}, "missing_park")


def park_and_entity_missing(p: Planter):
    """parkId null, and entityId null or a word: nobody's"""
    p.of_no_park(p.event() | {"parkId": None, "entityId": None}, "missing_entity_id")
    p.of_no_park(p.event() | {"parkId": None, "entityId": "galaxy-coaster"}, "malformed_id")


def park_missing_of_an_entity_from_an_earlier_file(p: Planter):
    """parkId absent, and null, of a ride that an earlier file has named"""
    ride = p.new_ride("Known Ride")
    p.stored(p.event(ride))
    p.later()
    p.stored(without(p.event(ride), "parkId"))
    p.stored(p.event(ride) | {"parkId": None})


def park_missing_before_and_after_the_event_that_names_it(p: Planter):
    """parkId null before the first event that names the ride's park, and after it, in one file"""
    ride = p.new_ride("New Ride")
    p.stored(p.event(ride) | {"parkId": None})
    p.stored(p.event(ride))
    p.stored(p.event(ride) | {"parkId": None})


def name_missing(p: Planter):
    """name absent, and null, of a known ride; null of a ride that is new with it"""
    p.stored(p.event())
    p.stored(without(p.event(), "name"))
    p.stored(p.event() | {"name": None})
    p.stored(p.event(p.new_ride("Nameless")) | {"name": None})


# --- values that cannot be ---
def not_an_object(p: Planter):
    """events that are null, a number, a text, true and a list"""
    for record in (None, 42, "Galaxy Coaster (sample)", True, []):
        p.of_no_park(record, "malformed_event")


def entity_id_malformed(p: Planter):
    """entityId that is a word, a number, and a UUID cut short"""
    for entity_id in ("galaxy-coaster", 42, p.ride.uuid[:18]):
        p.rejected(p.event() | {"entityId": entity_id}, "malformed_id")


def park_id_malformed_of_an_unknown_entity(p: Planter):
    """parkId that is a word, of an entity nobody knows"""
    p.of_no_park(p.event(p.new_ride("Nowhere Else")) | {"parkId": "sample-kingdom"}, "malformed_id")


def park_id_malformed_of_a_known_entity(p: Planter):
    """parkId that is a word, of a ride known from the same file: rejected, and counted for the ride's park"""
    p.stored(p.event())
    p.rejected(p.event() | {"parkId": "sample-kingdom"}, "malformed_id")


def time_malformed(p: Planter):
    """eventTime that is a word, a day that never was, a number, and one without a zone"""
    for event_time in ("yesterday", "2025-02-30T10:00:00Z", 1735084800, f"{p.day}T12:00:00"):
        p.rejected(p.event() | {"eventTime": event_time}, "malformed_time")


def time_before_any_record(p: Planter):
    """eventTime of 1970, and of the second before 2015"""
    for event_time in ("1970-01-01T00:00:00Z", "2014-12-31T23:59:59Z"):
        p.rejected(p.event() | {"eventTime": event_time}, "malformed_time")


def time_in_the_future(p: Planter):
    """eventTime of 2099, of 2249 (beyond a snapshot_id) and of 9999"""
    for event_time in ("2099-01-01T00:00:00Z", "2249-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z"):
        p.rejected(p.event() | {"eventTime": event_time}, "future_time")


def status_unknown(p: Planter):
    """data.status DELAYED, UNKNOWN and 1"""
    for status in ("DELAYED", "UNKNOWN", 1):
        p.rejected(with_data(p.event(), status=status), "unknown_status")


def several_faults_in_one_event(p: Planter):
    """eventTime null and an unknown status and an impossible wait: rejected for the first alone"""
    event = with_data(p.event(STANDBY={"waitTime": -5}), status="DELAYED")
    p.rejected(event | {"eventTime": None}, "missing_event_time")


# --- waits, queues, prices: the observation is kept ---
def wait_that_cannot_be(p: Planter):
    """waitTime -1, -999, 301, 45.5, "45" and true"""
    for wait in (-1, -999, 301, 45.5, "45", True):
        p.stored(p.event(STANDBY={"waitTime": wait}), "wait_out_of_range", wait=None)


def wait_that_is_no_number(p: Planter):
    """waitTime NaN, which is no JSON but written by many"""
    p.stored(p.event(STANDBY={"waitTime": float("nan")}), "wait_out_of_range", wait=None)


def wait_of_another_queue_that_cannot_be(p: Planter):
    """waits of the other queues: SINGLE_RIDER 32,768, PAID_STANDBY -5, BOARDING_GROUP "30"; the queues are kept"""
    group = {"allocationStatus": "AVAILABLE", "currentGroupStart": 1, "currentGroupEnd": 5, "estimatedWait": "30"}
    for queue, value in (
        ("SINGLE_RIDER", {"waitTime": 32_768}),
        ("PAID_STANDBY", {"waitTime": -5}),
        ("BOARDING_GROUP", group),
    ):
        p.stored(p.event(**{queue: value}), "wait_out_of_range", rows=(queue,))


def wait_at_the_edge(p: Planter):
    """waitTime 0 and 300, which are good"""
    for wait in (0, 300):
        p.stored(p.event(STANDBY={"waitTime": wait}), wait=wait)


def queue_type_unknown(p: Planter):
    """the queues EXPRESS and VIRTUAL; the rest of the event is kept"""
    for queue in ("EXPRESS", "VIRTUAL"):
        event = p.event(SINGLE_RIDER=SINGLE_RIDER, **{queue: {"waitTime": 5}})
        p.stored(event, "unknown_queue_type", rows=("SINGLE_RIDER",))


def queue_malformed(p: Planter):
    """queues that are a number or a text, an unknown return time state, a boarding status 7; STANDBY 45; no object"""
    for queue, value in (
        ("PAID_STANDBY", 5),
        ("RETURN_TIME", "soon"),
        ("RETURN_TIME", {"state": "SOLD_OUT", "returnStart": None, "returnEnd": None}),
        ("BOARDING_GROUP", {"allocationStatus": 7, "currentGroupStart": 1, "currentGroupEnd": 5}),
    ):
        event = p.event(SINGLE_RIDER=SINGLE_RIDER, **{queue: value})
        p.stored(event, "malformed_queue", rows=("SINGLE_RIDER",))
    p.stored(p.event(STANDBY=45, SINGLE_RIDER=SINGLE_RIDER), "malformed_queue", wait=None, rows=("SINGLE_RIDER",))
    p.stored(with_data(p.event(), queue="none"), "malformed_queue", wait=None)


def return_time_malformed(p: Planter):
    """return times that are a word, a month 13, a number, and one without a zone"""
    window = {"state": "AVAILABLE", "returnStart": f"{p.day}T10:00:00+00:00", "returnEnd": None}
    for change in (
        {"returnStart": "soon"},
        {"returnEnd": "2025-13-01T10:00:00-05:00"},
        {"returnStart": 1735084800},
        {"returnEnd": f"{p.day}T11:00:00"},
    ):
        event = p.event(SINGLE_RIDER=SINGLE_RIDER, RETURN_TIME=window | change)
        p.stored(event, "malformed_return_time", rows=("SINGLE_RIDER",))


def price_invalid(p: Planter):
    """a price below 0, without currency, with currency null, in "XYZ", and of ten billion"""
    currency = p.resort.currency
    for price in (
        {"amount": -100, "currency": currency},
        {"amount": 1500},
        {"amount": 1500, "currency": None},
        {"amount": 1500, "currency": "XYZ"},
        {"amount": 10**12, "currency": currency},
    ):
        paid = {"state": "AVAILABLE", "returnStart": None, "returnEnd": None, "price": price}
        event = p.event(SINGLE_RIDER=SINGLE_RIDER, PAID_RETURN_TIME=paid)
        p.stored(event, "invalid_price", rows=("SINGLE_RIDER",))


def two_issues_in_one_event(p: Planter):
    """waitTime 999 and the queue EXPRESS in one event: kept, with two findings"""
    event = p.event(STANDBY={"waitTime": 999}, EXPRESS={"waitTime": 5})
    p.stored(event, "wait_out_of_range", "unknown_queue_type", wait=None)


CASES = (
    Case(entity_id_missing),
    Case(event_time_missing),
    Case(status_missing),
    Case(park_missing_of_an_unknown_entity),
    Case(park_and_entity_missing),
    Case(park_missing_of_an_entity_from_an_earlier_file),
    Case(park_missing_before_and_after_the_event_that_names_it),
    Case(name_missing),
    Case(not_an_object),
    Case(entity_id_malformed),
    Case(park_id_malformed_of_an_unknown_entity),
    Case(park_id_malformed_of_a_known_entity),
    Case(time_malformed),
    Case(time_before_any_record),
    Case(time_in_the_future),
    Case(status_unknown),
    Case(several_faults_in_one_event),
    Case(wait_that_cannot_be),
    Case(wait_that_is_no_number),
    Case(wait_of_another_queue_that_cannot_be),
    Case(wait_at_the_edge),
    Case(queue_type_unknown),
    Case(queue_malformed),
    Case(return_time_malformed),
    Case(price_invalid),
    Case(two_issues_in_one_event),
)
