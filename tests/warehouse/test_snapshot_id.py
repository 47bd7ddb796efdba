"""The layout of a snapshot_id. No database."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.instants import milliseconds_of
from warehouse.snapshot_id import (
    RIDE_ID_LIMIT,
    SNAPSHOT_ID_MAX,
    first_id_at,
    instant_of,
    recorded_ms_of,
    ride_id_of,
    snapshot_id_of,
)

pytestmark = pytest.mark.no_database


ride_ids = st.integers(1, RIDE_ID_LIMIT - 1)
instants = st.datetimes(datetime(1960, 1, 1), datetime(2248, 1, 1), timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
)


@given(ride_ids, instants)
def test_ride_and_instant_follow_from_the_id(ride_id, instant):
    snapshot_id = snapshot_id_of(ride_id, milliseconds_of(instant))
    assert (ride_id_of(snapshot_id), instant_of(snapshot_id)) == (ride_id, instant)
    assert recorded_ms_of(snapshot_id) == milliseconds_of(instant)
    assert -SNAPSHOT_ID_MAX <= snapshot_id <= SNAPSHOT_ID_MAX


@given(ride_ids, instants)
def test_the_first_id_at_an_instant_parts_what_is_before_it_from_the_rest(ride_id, instant):
    a_millisecond_before = milliseconds_of(instant - timedelta(milliseconds=1))
    assert snapshot_id_of(ride_id, a_millisecond_before) < first_id_at(instant)
    assert first_id_at(instant) < snapshot_id_of(ride_id, milliseconds_of(instant))


@pytest.mark.parametrize("ride_id", [0, -1, RIDE_ID_LIMIT])
def test_a_ride_id_that_does_not_fit_is_refused(ride_id):
    with pytest.raises(ValueError, match="does not fit the 20 bits"):
        snapshot_id_of(ride_id, 0)


def test_the_layout_is_the_one_that_is_stored():
    """Years of rows lie in databases by it: to be changed with a migration of them all, or never."""
    assert snapshot_id_of(7, 1_735_120_800_123) == 1_735_120_800_123 * 1_048_576 + 7
