import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imports.events import json_text
from imports.events.dayfile import UnreadableFile, decode
from imports.events.json_text import NESTED_TOO_DEEPLY, decode_json, decode_leniently

pytestmark = pytest.mark.no_database
DEEP = b"[" * 5_000 + b"]" * 5_000


def events_with(value: bytes) -> list:
    """The events of a file in the middle of which `value` stands as a name."""
    return decode(b'{"events": [{"entityId": "a"}, {"name": ' + value + b'}, {"entityId": "c"}]}')


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b'"caf\xe9"', "caf\ufffd"),
        (b'"\xed\xa0\xbc\xed\xbe\xa2"', "\U0001f3a2"),  # a roller coaster, as Java and utf8mb3 write it
        (b'"\xed\xa0\xbc"', "\ufffd\ufffd\ufffd"),
        (b'"\xff\xfe"', "\ufffd\ufffd"),
        (b'"a\x01b\nc\td"', "a\x01b\nc\td"),
        (rb'"C:\ride"', "C:\ride"),
        (rb'"C:\new \up \q"', "C:\new \\up \\q"),
        (rb'"\u00e9\ud83c\udfa2"', "\xe9\U0001f3a2"),
        (b"9" * 20_000, math.inf),
        (b"-" + b"9" * 20_000, -math.inf),
        (b"1e999", math.inf),
        (b"-Infinity", -math.inf),
        (b"1." + b"1" * 20_000, 1.1111111111111112),
        (DEEP, NESTED_TOO_DEEPLY),
        (b'{"a":' * 5_000 + b"[]" + b"}" * 5_000, NESTED_TOO_DEEPLY),
    ],
)
def test_an_odd_value_costs_itself_and_not_its_neighbours(written, read):
    first, odd, last = events_with(written)
    assert (first.entityId, last.entityId) == ("a", "c")
    found = odd.name
    while type(found) in (list, dict):  # outside of what is nested too deeply stands what is not
        found = found[0] if type(found) is list else found["a"]
    assert found == read


def test_an_answer_of_too_many_values_is_not_read(monkeypatch):
    monkeypatch.setattr(json_text, "VALUES_MAX", 100)
    assert len(decode_json(b"[" + b"{}," * 40 + b"{}]")) == 41
    with pytest.raises(ValueError, match=r"it has 2\d\d values; more than 100 are not read"):
        decode_json(b"[" + b"{}," * 100 + b"{}]")


def test_not_a_number_is_read():
    assert math.isnan(events_with(b"NaN")[1].name)


def test_odd_keys_and_what_no_field_is_cost_nothing():
    for odd in (b'"na\xe9me": 1', b'"na\x01me": 1', b'"other": ' + DEEP, b'"other": "\xff"', b'"n": ' + b"1" * 9_999):
        events = decode(b'[{"entityId": "a", ' + odd + b', "parkSlug": "b"}, {"entityId": "c"}]')
        assert [(event.entityId, event.parkSlug) for event in events] == [("a", "b"), ("c", None)]


def test_brackets_in_strings_are_no_nesting():
    text = json.dumps(["]" * 100, '"[' * 100, "\\"]).encode()
    assert decode_json(text[:-1] + b", " + DEEP + b"]")[:3] == ["]" * 100, '"[' * 100, "\\"]


@pytest.mark.parametrize("text", [b"", b"{", b"[1,]", b"nothing", b'"open', b"[" * 9_999, DEEP + b"]", b"[1] 2"])
def test_what_is_no_json_is_said_to_be_none(text):
    with pytest.raises(ValueError):
        decode_json(text)
    with pytest.raises(UnreadableFile):
        decode(b'{"events":' + text)


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text()),
        lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    )
)
def test_what_is_sound_is_read_alike_by_both(value):
    assert decode_leniently(json.dumps(value).encode()) == value


@given(st.binary())
def test_whatever_bytes_come_they_are_read_or_no_json(text):
    with suppress(ValueError):
        decode_json(text)
