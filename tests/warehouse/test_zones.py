"""How an instant is written for people: by a park's clock, with its zone named, and UTC beside it."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from warehouse.models import Park
from warehouse.templatetags import instants
from warehouse.zones import both_in_words, clock_in_words, there_in_words, utc_in_words

pytestmark = pytest.mark.no_database
TOKYO, NEW_YORK = ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")
MORNING = datetime(2025, 7, 1, 0, 30, 15, 250_000, tzinfo=UTC)


def test_an_instant_is_said_by_the_clock_of_the_park_and_its_zone_is_named():
    assert there_in_words(MORNING, TOKYO) == "2025-07-01 09:30 Asia/Tokyo"
    assert there_in_words(MORNING, TOKYO, "seconds") == "2025-07-01 09:30:15 Asia/Tokyo"
    assert there_in_words(MORNING, None) == "2025-07-01 00:30 UTC"
    assert clock_in_words(MORNING, TOKYO, "milliseconds") == "2025-07-01 09:30:15.250"


def test_utc_stands_beside_it_with_its_day_where_that_is_another_and_once_where_it_is_the_same_clock():
    assert both_in_words(MORNING, TOKYO) == "2025-07-01 09:30 Asia/Tokyo (00:30Z)"
    assert both_in_words(MORNING, NEW_YORK) == "2025-06-30 20:30 America/New_York (2025-07-01 00:30Z)"
    assert both_in_words(MORNING, ZoneInfo("UTC")) == "2025-07-01 00:30 UTC"
    winter = datetime(2025, 1, 1, 12, tzinfo=UTC)
    assert both_in_words(winter, ZoneInfo("Europe/London")) == "2025-01-01 12:00 Europe/London"
    assert utc_in_words(MORNING, "milliseconds") == "2025-07-01 00:30:15.250Z"


def test_an_instant_at_the_end_of_the_calendar_is_said_in_utc():
    end = datetime(9999, 12, 31, 23, tzinfo=UTC)
    assert both_in_words(end, TOKYO) == "9999-12-31 23:00 UTC"
    assert clock_in_words(end, TOKYO) == "9999-12-31 23:00"


def test_in_a_template_none_is_a_hyphen_and_no_park_is_utc():
    park = Park(park_name="Sea", timezone="Asia/Tokyo")
    assert instants.there(MORNING, park) == "2025-07-01 09:30 Asia/Tokyo"
    assert instants.both(MORNING, None) == "2025-07-01 00:30 UTC"
    assert instants.utc(MORNING) == "2025-07-01 00:30Z"
    assert {instants.utc(None), instants.there(None, park), instants.both(None, park)} == {"-"}
