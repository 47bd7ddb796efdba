"""--missing-only between two feeds: what the archive's files have is not asked of the History API, a seam is."""

from datetime import date, datetime, timedelta

import pytest

from imports.archive.selection import KnownReadings
from imports.models import ImportedFile
from imports.sources.source import DayFile, Feed
from tests.imports.building import NOW
from warehouse.models import Park

DESTINATION, OLD_DESTINATION = "d" * 36, "e" * 36
NEW_YORK, TOKYO, LORD_HOWE = "America/New_York", "Asia/Tokyo", "Australia/Lord_Howe"


@pytest.fixture
def park(db):
    return Park.objects.create(
        park_name="Lagoon", timezone=NEW_YORK, themeparks_wiki_id="lagoon", destination_wiki_id=DESTINATION
    )


def september(day: int) -> date:
    return date(2026, 9, day)


def enter(park: Park, days: range, feed: Feed = Feed.ARCHIVE, destination: str = DESTINATION, outcome="IMPORTED"):
    ImportedFile.objects.bulk_create(
        ImportedFile(
            park=park,
            file_date=september(day),
            feed=feed.value,
            destination_wiki_id=destination,
            source_file=f"{feed}/{day}",
            outcome=outcome,
            imported_at=NOW,
        )
        for day in days
    )


def known(feed: Feed = Feed.HISTORY, **asked) -> KnownReadings:
    return KnownReadings.of(DESTINATION, september(20), september(30), feed, **{"heed_archive": True} | asked)


def asked_for(park: Park, readings: KnownReadings, *, changed_only: bool = False) -> list[int]:
    files = [DayFile(f"{day}", september(day), park=park.themeparks_wiki_id, is_final=True) for day in range(20, 31)]
    wanted = [file for file in files if readings.ask_for(file, [park.pk], whole=False, changed_only=changed_only)]
    assert changed_only or wanted == [file for file in files if readings.lacks(park.pk, file)]
    return [file.day.day for file in wanted]


@pytest.mark.parametrize(
    ("timezone", "lacking"),
    [
        (NEW_YORK, [20, 21, 26, 27, 28, 29, 30]),  # 26 ends at 04:00 of the 27th
        (TOKYO, [20, 21, 22, 27, 28, 29, 30]),  # 22 began at 15:00 of the 21st
        (LORD_HOWE, [20, 21, 22, 27, 28, 29, 30]),
        ("UTC", [20, 21, 27, 28, 29, 30]),
        ("Nowhere/Land", list(range(20, 31))),
        ("", list(range(20, 31))),
    ],
)
def test_a_day_is_not_asked_for_where_the_archive_has_all_of_its_hours(park, timezone, lacking):
    Park.objects.filter(pk=park.pk).update(timezone=timezone)
    enter(park, range(22, 27))
    assert asked_for(park, known()) == lacking
    assert [day for day in range(20, 31) if not known().told_elsewhere(park.pk, september(day))] == lacking


def test_the_days_beside_the_range_are_looked_at_too(park):
    enter(park, range(15, 31))
    ImportedFile.objects.create(
        park=park,
        file_date=date(2026, 10, 1),
        destination_wiki_id=DESTINATION,
        source_file="f",
        outcome="NO_EVENTS",
        imported_at=NOW,
    )
    assert asked_for(park, known()) == []


@pytest.mark.parametrize(
    ("outcome", "of_another_destination", "is_asked_for"),
    [
        ("NO_EVENTS", None, False),
        ("MISSING", None, True),
        ("UNREADABLE", None, True),
        ("MISSING", "IMPORTED", False),
        ("NO_EVENTS", "IMPORTED", False),
        ("MISSING", "NO_EVENTS", True),
    ],
)
def test_what_the_archive_says_of_a_day_is_what_the_best_of_its_files_says(
    park, outcome, of_another_destination, is_asked_for
):
    enter(park, [*range(20, 25), *range(26, 31)])
    enter(park, [25], outcome=outcome)
    if of_another_destination:
        enter(park, [25], destination=OLD_DESTINATION, outcome=of_another_destination)
    assert (25 in asked_for(park, known())) == is_asked_for


def test_a_day_that_the_history_api_told_is_known_whatever_the_archive_has(park):
    enter(park, range(20, 25))
    enter(park, range(24, 31), Feed.HISTORY)
    assert asked_for(park, known()) == []


def test_the_archive_is_read_beside_what_the_history_api_told(park):
    enter(park, range(20, 31), Feed.HISTORY)
    assert asked_for(park, known(Feed.ARCHIVE)) == list(range(20, 31))


def test_only_missing_only_heeds_the_archive(park):
    enter(park, range(19, 31))
    assert asked_for(park, known(heed_archive=False)) == list(range(20, 31))
    enter(park, [25], Feed.HISTORY)
    ImportedFile.objects.filter(feed=Feed.HISTORY).update(outcome="UNREADABLE")
    assert asked_for(park, known(heed_archive=False), changed_only=True) == []


def test_an_autumn_day_is_asked_for_by_its_twenty_five_hours(park):
    first = datetime(2026, 10, 31)
    for n in range(3):
        ImportedFile.objects.create(
            park=park,
            file_date=(first + timedelta(days=n)).date(),
            destination_wiki_id=DESTINATION,
            source_file=f"{n}",
            outcome="IMPORTED",
            imported_at=NOW,
        )
    readings = KnownReadings.of(DESTINATION, date(2026, 10, 30), date(2026, 11, 3), Feed.HISTORY, heed_archive=True)
    told = [day for n in range(5) if readings.told_elsewhere(park.pk, day := date(2026, 10, 30) + timedelta(days=n))]
    assert told == [date(2026, 10, 31), date(2026, 11, 1)]
