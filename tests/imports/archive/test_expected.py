"""How long an import will take, said by the pace of the latest files."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from imports.archive.expected import sentence
from imports.archive.preview import in_ranges
from imports.sources.source import Feed
from tests.imports.desk import day_file, park

DAY = date(2024, 1, 1)


@pytest.mark.django_db
def test_the_pace_is_that_of_files_and_leaves_out_pauses():
    begun = timezone.now() - timedelta(days=1)
    for n in range(13):
        at = begun + timedelta(seconds=2 * n, hours=n // 12)  # before the last it was paused
        day_file(park(n + 1), DAY + timedelta(days=n), imported_at=at, size_bytes=1_000_000)
    assert "about 4 min at the pace of the latest 11 files" in sentence(Feed.ARCHIVE, 500, 120_000_000)
    assert "500 files; about 16 min 40 s at the pace" in sentence(Feed.ARCHIVE, 500, None)
    assert "How long it takes is not known" in sentence(Feed.HISTORY, 500, None)


@pytest.mark.no_database
@pytest.mark.parametrize(
    ("days", "said"),
    [
        ([], ""),
        ([0], "2024-01-01"),
        ([0, 1, 2, 4], "2024-01-01 to 2024-01-03, 2024-01-05"),
        (
            range(0, 16, 2),
            "2024-01-01, 2024-01-03, 2024-01-05, 2024-01-07, 2024-01-09 and 3 ranges more",
        ),
    ],
)
def test_days_are_named_in_ranges_and_not_too_many(days, said):
    assert in_ranges(DAY + timedelta(days=n) for n in days) == said
