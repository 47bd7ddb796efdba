"""What the events of a file say of an entity beside its states, whatever their order."""

from datetime import UTC, datetime, timedelta

import pytest

from imports.events.dayfile import event_from
from imports.events.validation import validate
from imports.loading.heard import FLICKERS_MIN, alternating_names, by_entity, flickers, newest_named
from tests.imports.building import NOW, RIDE, event

pytestmark = pytest.mark.no_database


def heard(*events: dict):
    return by_entity(validate([event_from(one) for one in events], NOW).observations)[RIDE]


def named(time: str, name: str) -> dict:
    return event(time, name=name)


def test_the_newest_name_is_that_of_the_last_instant_and_not_of_the_last_line():
    mine = heard(named("12:00:00Z", "New"), named("10:00:00Z", "Old"), event("13:00:00Z", name=None))
    assert newest_named(mine)[0] == "New"
    assert newest_named(heard(event("13:00:00Z", name="  "))) is None


def test_a_rename_is_not_two_names_by_turns():
    assert alternating_names(heard(*(named(f"{10 + n}:00:00Z", "Old" if n < 3 else "New") for n in range(6)))) == []


def test_two_names_by_turns_are_named_whatever_the_order_of_the_lines():
    lines = [named(f"{10 + n}:00:00Z", "One" if n % 2 else "Two") for n in range(6)]
    assert alternating_names(heard(*lines[::-1])) == ["One", "Two"]


def test_a_stray_name_amid_events_of_another_is_none_by_turns():
    lines = [named(f"{10 + n}:00:00Z", "Stray" if n == 3 else "Name") for n in range(6)]
    assert alternating_names(heard(*lines)) == []


def test_a_name_of_one_day_that_is_back_on_the_next_is_none_by_turns():
    lines = [
        named("2024-12-25T22:00:00Z", "One"),
        named("2024-12-25T23:00:00Z", "Two"),
        named("2024-12-26T01:00:00Z", "One"),
    ]
    assert alternating_names(heard(*lines)) == []


def every(step: timedelta, count: int) -> list[dict]:
    start = datetime(2024, 12, 25, 10, tzinfo=UTC)
    return [
        event(f"{start + n * step:%Y-%m-%dT%H:%M:%SZ}", status="OPERATING" if n % 2 else "DOWN") for n in range(count)
    ]


def test_a_status_that_flips_each_second_is_found_in_any_order():
    assert len(flickers(heard(*every(timedelta(seconds=1), 20)[::-1]))) == 19


def test_a_ride_that_is_down_now_and_then_does_not_flicker():
    assert flickers(heard(*every(timedelta(minutes=1), 200))) == []
    assert flickers(heard(*every(timedelta(seconds=1), FLICKERS_MIN))) == []
