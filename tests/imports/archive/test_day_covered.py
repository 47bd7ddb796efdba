"""Which day a file is for a park, UTC's or its own: told by its events. No database."""

import pytest

from imports.archive.replace_live import day_covered
from imports.events.dayfile import event_from
from imports.events.validation import validate
from tests.imports.building import DAY, NOW, PARK, event
from warehouse.models import Park

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("times", "timezone", "span"),
    [
        (["2024-12-25T01:00:00Z", "2024-12-25T12:00:00Z"], "America/New_York", ("25 00", "26 00")),
        (["2024-12-25T12:00:00Z", "2024-12-26T01:00:00Z"], "America/New_York", ("25 05", "26 05")),
        (["2024-12-25T12:00:00Z"], "America/New_York", ("25 05", "26 00")),  # both fit: what both call this day
        (["2024-12-24T16:00:00Z", "2024-12-25T12:00:00Z"], "Asia/Tokyo", ("24 15", "25 15")),
        (["2024-12-25T12:00:00Z"], "", ("25 00", "26 00")),
        (["2024-12-25T12:00:00Z"], "Mars/Olympus_Mons", ("25 00", "26 00")),
        (["2024-11-02T12:00:00Z"], "America/New_York", None),
        ([], "America/New_York", None),
    ],
)
def test_the_day_of_a_file_is_told_by_its_events(times, timezone, span):
    validated = validate([event_from(event(time)) for time in times], NOW)
    covered = day_covered(Park(themeparks_wiki_id=PARK, timezone=timezone), validated, DAY)
    assert (covered and tuple(f"{instant:%d %H}" for instant in covered)) == span
