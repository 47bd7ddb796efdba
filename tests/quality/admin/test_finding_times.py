"""When a finding was: by the clock of its park, with UTC beside it; days as days; evidence as it was kept."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from quality.admin.finding_times import period_of, utc_beside, with_local_time
from quality.models import DataQualityLog

pytestmark = pytest.mark.no_database
TOKYO = ZoneInfo("Asia/Tokyo")


def row(start: datetime, hours: float | None) -> DataQualityLog:
    end = None if hours is None else start + timedelta(hours=hours)
    return DataQualityLog(timestamp_start=start, timestamp_end=end)


@pytest.mark.parametrize(
    ("start", "hours", "said", "utc"),
    [
        ("2025-07-01 00:30", 3, "2025-07-01 09:30 to 12:30 Asia/Tokyo", "2025-07-01 00:30 to 03:30 UTC"),
        (
            "2025-07-01 14:00",
            3,
            "2025-07-01 23:00 to 2025-07-02 02:00 Asia/Tokyo",
            "2025-07-01 14:00 to 17:00 UTC",
        ),
        ("2025-07-01 00:00", 48, "2025-07-01 to 2025-07-02", ""),  # days of files
        ("2025-06-30 15:00", 24, "2025-07-01", "2025-06-30 15:00 to 2025-07-01 15:00 UTC"),  # a day of the park
        ("2025-07-01 00:30", None, "from 2025-07-01", ""),
    ],
)
def test_a_period_is_told_by_the_clock_of_the_park_and_in_utc(start, hours, said, utc):
    finding = row(datetime.fromisoformat(start).replace(tzinfo=UTC), hours)
    assert (period_of(finding, TOKYO), utc_beside(finding, TOKYO)) == (said, utc)


def test_without_a_park_a_period_is_told_in_utc_once():
    finding = row(datetime(2025, 7, 1, 0, 30, tzinfo=UTC), 3)
    assert (period_of(finding, None), utc_beside(finding, None)) == ("2025-07-01 00:30 to 03:30 UTC", "")


@pytest.mark.parametrize(
    ("column", "value", "shown"),
    [
        ("recorded_at", "2025-07-01T00:30:00+00:00", " (2025-07-01 09:30 Asia/Tokyo)"),
        ("eventTime", "2025-07-01T00:30:00.250Z", " (2025-07-01 09:30 Asia/Tokyo)"),
        ("eventTime", "2025-07-01T00:30:00", ""),  # whose zone nobody said
        ("from", "2025-07-01 00:30", " (2025-07-01 09:30 Asia/Tokyo)"),
        ("silent_from", "2025-07-01", ""),
        ("value", "2025-07-01T99:99", ""),
        ("name", "Space Mountain", ""),
    ],
)
def test_behind_an_instant_of_the_evidence_stands_what_the_clock_of_the_park_showed(column, value, shown):
    assert with_local_time(column, value, TOKYO) == value + shown
    assert with_local_time(column, value, None) == value
