"""UUIDs, and how an operator names a park. No database."""

import pytest

from warehouse.ids import park_lookup, uuid_of

pytestmark = pytest.mark.no_database
UUID = "75ea578a-adc8-4116-a54d-dccb60765ef9"


@pytest.mark.parametrize("value", [UUID, UUID.upper()])
def test_a_uuid_is_kept_in_lower_case(value):
    assert uuid_of(value) == UUID


@pytest.mark.parametrize(
    "value", ["", "magic", UUID[:-1], UUID + "0", UUID + "\n", UUID.replace("-", ""), 7, None, [UUID]]
)
def test_whatever_else_is_none(value):
    assert uuid_of(value) is None


def test_a_park_is_looked_up_by_its_id_or_by_its_uuid():
    assert park_lookup("7") == {"park_id": 7}
    assert park_lookup(UUID.upper()) == {"themeparks_wiki_id": UUID}


@pytest.mark.parametrize("name", ["", "magic", "-7", "7.0", "٣", UUID[:-1]])
def test_what_is_neither_is_refused_by_name(name):
    with pytest.raises(ValueError, match="is neither a park_id nor a UUID"):
        park_lookup(name)
