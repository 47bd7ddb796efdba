"""Events that come again, change their names, or are merely odd, and what must become of them.

Each function plants one case; its docstring is what people are told of it.
"""

from imports.sample.planting import SINGLE_RIDER, Case, Planter, with_data


# --- the same ride and instant again ---
def same_content_again_in_one_file(p: Planter):
    """the same event three times; once with its fields in another order; once with microseconds below the same ms"""
    event = p.event(SINGLE_RIDER=SINGLE_RIDER)
    p.stored(event, rows=("SINGLE_RIDER",))
    p.duplicate(event, "duplicate_event")
    p.duplicate(event, "duplicate_event")
    p.duplicate(dict(reversed(event.items())), "duplicate_event")
    p.duplicate(event | {"eventTime": event["eventTime"].replace("Z", "999Z")}, "duplicate_event")


def other_content_in_one_file(p: Planter):
    """the same ride and instant with another status, another wait, another single rider wait: the first stays"""
    for change in (
        lambda event: with_data(event, status="DOWN"),
        lambda event: with_data(event, queue=event["data"]["queue"] | {"STANDBY": {"waitTime": 50}}),
        lambda event: with_data(event, queue=event["data"]["queue"] | {"SINGLE_RIDER": {"waitTime": 25}}),
    ):
        event = p.event(SINGLE_RIDER=SINGLE_RIDER)
        p.stored(event, rows=("SINGLE_RIDER",))
        p.duplicate(change(event), "conflicting_event")


def other_content_than_an_earlier_file(p: Planter):
    """the same ride and instant as in an earlier file, with another status, wait, single rider wait: the first stays"""
    events = [p.event(SINGLE_RIDER=SINGLE_RIDER) for _ in range(3)]
    for event in events:
        p.stored(event, rows=("SINGLE_RIDER",))
    p.later()
    status, wait, single_rider = events
    p.duplicate(with_data(status, status="CLOSED"), "conflicting_event")
    p.duplicate(with_data(wait, queue=wait["data"]["queue"] | {"STANDBY": {"waitTime": None}}), "conflicting_event")
    p.duplicate(with_data(single_rider, queue={"STANDBY": {"waitTime": 35}}), "conflicting_event")


def repeated_in_the_neighbouring_file(p: Planter):
    """events that stand in the files of two neighbouring days with the same content"""
    events = [p.event(), p.event(RETURN_TIME={"state": "FINISHED", "returnStart": None, "returnEnd": None})]
    p.stored(events[0])
    p.stored(events[1], rows=("RETURN_TIME",))
    p.later()
    for event in events:
        p.already_known(event)


# --- ids and names ---
def ride_renamed(p: Planter):
    """a ride with another name, for a season and back: one ride"""
    ride = p.new_ride("Haunted House")
    p.stored(p.event(ride))
    p.stored(p.event(ride) | {"name": "Haunted House 🎃 Holiday (sample)"})
    p.later()
    p.stored(p.event(ride))


def one_name_two_entities(p: Planter):
    """two entities with one name: two rides"""
    for label in ("one", "two"):
        p.stored(p.event(p.new_ride(label, name="Meet and Greet (sample)")))


def name_too_long(p: Planter):
    """a name of 296 characters: the ride is kept"""
    p.stored(p.event(p.new_ride("long", name="Sample of a " + "very " * 55 + "long name")))


def name_with_half_a_character(p: Planter):
    """a lone surrogate in the name, which is JSON but no text"""
    p.stored(p.event() | {"name": "Galaxy \ud83d Coaster (sample)"})


def park_slug_changes(p: Planter):
    """parkSlug another, and null; timezone null"""
    p.stored(p.event() | {"parkSlug": "samplerenamed"})
    p.stored(p.event() | {"parkSlug": None, "timezone": None})


def ids_in_capitals(p: Planter):
    """entityId and parkId in capitals: the same ride and park"""
    event = p.event()
    p.stored(event | {"entityId": event["entityId"].upper(), "parkId": event["parkId"].upper()})


# --- odd, and good ---
def months_older_than_its_file(p: Planter):
    """events a hundred days older than the file they lie in"""
    p.stored(p.event(days_ago=100))
    p.stored(p.event(days_ago=100))


def keys_nobody_knows(p: Planter):
    """unknown keys in the event, in data and in a queue"""
    event = p.event(SINGLE_RIDER=SINGLE_RIDER | {"trend": "up"}) | {"schemaVersion": 2, "extra": {"a": [1, None]}}
    p.stored(with_data(event, forecast=[], lastSeen=None), rows=("SINGLE_RIDER",))


CASES = (
    Case(same_content_again_in_one_file),
    Case(other_content_in_one_file),
    Case(other_content_than_an_earlier_file),
    Case(repeated_in_the_neighbouring_file, neighbours=True),
    Case(ride_renamed),
    Case(one_name_two_entities),
    Case(name_too_long),
    Case(name_with_half_a_character),
    Case(park_slug_changes),
    Case(ids_in_capitals),
    Case(months_older_than_its_file),
    Case(keys_nobody_knows),
)
