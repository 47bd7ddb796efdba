"""Hours between the archive's days and those of the History API: found, filled, told anew where they move."""

from datetime import UTC, date, datetime

import pytest

from imports.models import ImportedFile
from quality.admin.finding_view import import_again
from quality.check.run import check
from quality.models import DataQualityLog, ResolutionStatus
from tests.quality.check.clean_year import NOW
from warehouse.instants import milliseconds_of
from warehouse.models import Park, Ride, RideStatusSnapshot
from warehouse.snapshot_id import snapshot_id_of

NEW_YORK = "America/New_York"


def march(day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, 3, day, hour, minute, tzinfo=UTC)


def enter(park: Park, feed: str, first: int, last: int, outcome: str = "IMPORTED") -> None:
    """Ledger rows of days of March 2025."""
    events = 5 * (outcome == "IMPORTED")
    ImportedFile.objects.bulk_create(
        ImportedFile(
            park=park,
            file_date=date(2025, 3, day),
            feed=feed,
            source_file=f"{feed}/{day}",
            outcome=outcome,
            events_read=events,
            stored=events,
            imported_at=NOW,
        )
        for day in range(first, last + 1)
    )


@pytest.fixture
def park(db):
    return Park.objects.create(park_name="Lagoon", timezone=NEW_YORK, themeparks_wiki_id="lagoon")


@pytest.fixture
def seam(park):
    enter(park, "ARCHIVE", 1, 6)
    enter(park, "HISTORY", 7, 9)
    return park


def seams(park: Park, first: date | None = None, last: date | None = None):
    return [each for each in check([park.pk], first, last, NOW).findings if each.reason == "seam_hole"]


def row() -> DataQualityLog:
    return DataQualityLog.objects.get(reason="seam_hole")


def test_the_evening_between_two_feeds_is_found_with_its_hours_and_the_days_that_fill_it(seam):
    (finding,) = seams(seam)
    assert finding.description == (
        "Lagoon: nothing was asked for 5 h, 2025-03-07 00:00 to 05:00 UTC, between the archive's days and those of the "
        "History API. To fill it:  manage.py import_archive --park lagoon --from 2025-03-06 --to 2025-03-06 "
        "--source themeparks-history:  or the archive's file of 2025-03-07, if there is one"
    )
    assert (finding.start, finding.end, finding.count) == (march(7), march(7, 5), 5)
    again = import_again(row())
    assert (again.first, again.last) == (date(2025, 3, 6), date(2025, 3, 6))
    assert again.command.endswith("--from 2025-03-06 --to 2025-03-06 --source themeparks-history:")


def test_the_morning_between_the_other_way_round_is_found_in_the_east(park):
    Park.objects.filter(pk=park.pk).update(timezone="Asia/Tokyo")
    enter(park, "HISTORY", 1, 6)
    enter(park, "ARCHIVE", 7, 9)
    (finding,) = seams(park)
    assert (
        "nothing was asked for 9 h, 2025-03-06 15:00 to 2025-03-07 00:00 UTC, between the History API's days and "
        in (finding.description)
    )
    assert "--from 2025-03-07 --to 2025-03-07" in finding.description
    assert finding.description.endswith("or the archive's file of 2025-03-06, if there is one")


@pytest.mark.parametrize(("first", "last"), [(7, 9), (1, 6), (6, 6), (7, 7)])
def test_the_check_of_an_import_on_either_side_finds_it(seam, first, last):
    assert len(seams(seam, date(2025, 3, first), date(2025, 3, last))) == 1
    assert seams(seam, date(2025, 3, 9), date(2025, 3, 9)) == []


@pytest.mark.parametrize(("feed", "day"), [("HISTORY", 6), ("ARCHIVE", 7)])
def test_it_resolves_itself_when_the_day_of_either_side_is_imported(seam, feed, day):
    assert seams(seam)
    enter(seam, feed, day, day)
    assert seams(seam, date(2025, 3, day), date(2025, 3, day)) == []
    assert row().resolution_status == ResolutionStatus.RESOLVED
    assert "no hour between the two feeds is left" in row().resolution_note


def test_a_hole_that_moves_is_told_anew_and_the_record_says_so(park):
    enter(park, "ARCHIVE", 1, 5)
    enter(park, "HISTORY", 7, 9)
    assert [finding.start for finding in seams(park)] == [march(7)]  # the 6th is missing, and told as such
    enter(park, "HISTORY", 6, 6)
    assert [finding.start for finding in seams(park)] == [march(6)]
    old, new = DataQualityLog.objects.filter(reason="seam_hole").order_by("pk")
    assert (old.resolution_status, new.resolution_status) == (ResolutionStatus.RESOLVED, ResolutionStatus.OPEN)


def test_a_row_of_the_park_in_these_hours_proves_that_somebody_spoke_for_them(seam):
    ride = Ride.objects.create(park=seam, ride_name="Comet")
    assert seams(seam)
    at = march(7, 2, 30)
    snapshot_id = snapshot_id_of(ride.pk, milliseconds_of(at))
    RideStatusSnapshot.objects.create(
        snapshot_id=snapshot_id, ride=ride, recorded_at=at, status="CLOSED", computed_is_open=False
    )
    assert seams(seam) == []
    assert row().resolution_status == ResolutionStatus.RESOLVED
    assert "observations of the park lie in these hours" in row().resolution_note


def test_feeds_that_take_turns_are_one_finding_of_the_month(park):
    for day in range(1, 15):
        enter(park, "ARCHIVE" if day % 2 else "HISTORY", day, day)
    (finding,) = seams(park)
    assert finding.description == (
        "Lagoon: Nothing was asked for 32 h in all at 7 changes between the archive and the History API in 2025-03"
    )
    again = import_again(row())
    assert (again.first, again.last) == (date(2025, 3, 1), date(2025, 3, 13))


def test_one_feed_alone_has_no_seams(park):
    enter(park, "HISTORY", 1, 9)
    assert seams(park) == []
