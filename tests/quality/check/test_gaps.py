"""Missing days, silent hours and silent rides, each planted in a clean year, where exactly it is found."""

from datetime import UTC, date, datetime

import pytest

from imports.models import FileOutcome, ImportedFile
from quality.check.gaps import SILENT_DAYS_CLOSED, SILENT_DAYS_OPEN
from quality.check.run import check
from quality.grouping import SUBJECTS_SINGLE
from tests.quality.check.clean_year import NOW, read
from warehouse.models import EntityMetadata, Park, QueueData, Ride, RideStatusSnapshot


def found(first: date | None = None, last: date | None = None) -> list[tuple[str, str]]:
    return [(finding.reason, finding.description) for finding in check(None, first, last, NOW).findings]


def forget(first: datetime, last: datetime, **rides) -> None:
    """Delete the observations from first up to, and not including, last, as if they had never come in."""
    ids = list(Ride.objects.filter(**rides).values_list("pk", flat=True))
    snapshots = RideStatusSnapshot.objects.filter(recorded_at__gte=first, recorded_at__lt=last, ride__in=ids)
    QueueData.objects.filter(snapshot_id__in=list(snapshots.values_list("pk", flat=True))).delete()
    deleted, _ = snapshots.delete()
    assert deleted


def utc(month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(2025, month, day, hour, minute, tzinfo=UTC)


# --- days ------------------------------------------------------------------------------------------------------------
def test_days_without_a_file_and_days_never_imported_are_told_apart(year):
    days = ImportedFile.objects.filter(park=year.lakeside)
    days.filter(file_date__range=(date(2025, 3, 4), date(2025, 3, 6))).update(
        outcome=FileOutcome.MISSING, events_read=0, stored=0
    )
    days.filter(file_date__range=(date(2025, 3, 7), date(2025, 3, 7))).delete()
    findings = check(None, None, None, NOW).findings
    assert [(f.scope, f.count, f.description) for f in findings] == [
        ("2025-03-04", 3, "Lakeside: no file for 3 days, 2025-03-04 to 2025-03-06"),
        ("2025-03-07", 1, "Lakeside: never imported: 2025-03-07"),
    ]
    assert (findings[0].start, findings[0].end) == (utc(3, 4), utc(3, 7))


def test_the_hours_of_a_missing_day_are_not_reported_a_second_time(year):
    ImportedFile.objects.filter(park=year.lakeside, file_date=date(2025, 7, 8)).delete()
    forget(utc(7, 8), utc(7, 9), park=year.lakeside)
    assert found() == [("missing_days", "Lakeside: never imported: 2025-07-08")]


def test_an_unreadable_day_is_no_gap(year):
    ImportedFile.objects.filter(park=year.lakeside, file_date=date(2025, 7, 8)).update(
        outcome=FileOutcome.UNREADABLE, events_read=0, stored=0
    )
    forget(utc(7, 8), utc(7, 9), park=year.lakeside)
    assert found() == []


def test_days_before_the_first_event_and_after_the_last_ledger_day_are_no_gap(year):
    days = ImportedFile.objects.filter(park=year.lakeside)
    days.filter(file_date__lt=date(2025, 3, 1)).delete()
    days.filter(file_date__gte=date(2025, 12, 1)).delete()
    read(year.lakeside, (date(2025, 2, 10), 0), outcome=FileOutcome.MISSING)
    read(year.lakeside, (date(2025, 2, 11), 0))
    assert found() == []


# --- hours -----------------------------------------------------------------------------------------------------------
def test_an_outage_while_the_park_was_open_is_found(year):
    forget(utc(7, 8, 15), utc(7, 8, 20), park=year.lakeside)
    (finding,) = check(None, None, None, NOW).findings
    assert (finding.reason, finding.entity_id, finding.count) == ("silent_hours", year.lakeside.pk, 5)
    assert utc(7, 8, 14, 30) < finding.start < utc(7, 8, 15)
    assert utc(7, 8, 20) <= finding.end < utc(7, 8, 20, 30)


def test_a_whole_day_without_observations_is_found_though_the_park_had_closed(year):
    forget(utc(7, 8, 8), utc(7, 9, 8), park=year.lakeside)
    assert [reason for reason, _ in found()] == ["silent_hours"]


def test_an_outage_from_the_night_into_the_day_is_found(year):
    forget(utc(7, 8, 3), utc(7, 8, 19), park=year.lakeside)
    assert [reason for reason, _ in found()] == ["silent_hours"]


def test_hours_on_the_edge_of_a_season_are_none(year):
    forget(utc(11, 2), utc(11, 4), park=year.bergwelt)
    assert found() == []


def test_many_outages_in_a_month_are_reported_as_one(year):
    for day in range(2, 28, 4):
        forget(utc(7, day, 15), utc(7, day, 20), park=year.lakeside)
    assert found() == [("silent_hours", "Lakeside: Nothing observed 7 times in 2025-07, 35 hours in all")]


# --- rides -----------------------------------------------------------------------------------------------------------
def test_a_ride_that_is_lost_overnight_is_found(year):
    forget(utc(7, 8, 8), utc(7, 18, 8), ride_name="Comet")
    assert found() == [
        (
            "silent_ride",
            "Comet (Lakeside): nothing heard on 10 days, 2025-07-08 to 2025-07-17, on which the park was open; "
            "its last word was CLOSED",
        )
    ]


def test_a_ride_that_is_lost_while_operating_is_found_sooner(year):
    assert SILENT_DAYS_OPEN < 5 < SILENT_DAYS_CLOSED
    forget(utc(7, 8, 15), utc(7, 14, 15), ride_name="Sky Tower")
    ((reason, description),) = found()
    assert reason == "silent_ride"
    assert "5 days, 2025-07-09 to 2025-07-13" in description
    assert "last word was OPERATING" in description


def test_a_ride_that_never_comes_back_is_found(year):
    forget(utc(11, 1, 8), utc(12, 31, 23), ride_name="Comet")
    ((reason, description),) = found()
    assert reason == "silent_ride"
    assert "2025-11-01 to 2025-12-30" in description


def test_a_closure_of_some_days_is_none(year):
    forget(utc(7, 8, 8), utc(7, 8 + SILENT_DAYS_CLOSED - 1, 8), ride_name="Comet")
    assert found() == []


def test_many_rides_lost_at_once_are_one_finding_of_the_park_and_need_fewer_days(year):
    names = ["Comet", "Black Hole", "River Rapids", "Sky Tower", "Wooden Racer", "Night Flight"]
    assert len(names) > SUBJECTS_SINGLE
    forget(utc(7, 8, 8), utc(7, 12, 8), ride_name__in=names)
    assert found() == [
        ("silent_ride", "Lakeside: 6 rides fell silent on 2025-07-08 while the rest of the park went on")
    ]


def test_a_show_that_ends_before_the_season_is_none(year):
    forget(utc(7, 8, 8), utc(8, 31), ride_name="Summer Show")
    assert found() == []


@pytest.mark.parametrize("with_metadata", [True, False])
def test_a_silence_is_found_with_and_without_metadata(year, with_metadata):
    forget(utc(7, 8, 8), utc(7, 18, 8), ride_name="Comet")
    if not with_metadata:
        EntityMetadata.objects.all().delete()
    assert [reason for reason, _ in found()].count("silent_ride") == 1


def test_a_silence_is_the_same_finding_whatever_part_of_the_year_is_checked(year):
    forget(utc(7, 8, 8), utc(7, 18, 8), ride_name="Comet")
    forget(utc(7, 22, 15), utc(7, 22, 20), park=year.lakeside)
    whole = {f.fingerprint: f.description for f in check(None, None, None, NOW).findings}
    part = check([year.lakeside.pk], date(2025, 7, 12), date(2025, 7, 22), NOW).findings
    assert {f.fingerprint: f.description for f in part} == whole
    assert found(date(2025, 8, 20), date(2025, 8, 25)) == []


# --- silences at a seam ----------------------------------------------------------------------------------------------
def history_from(park: Park, day: date) -> None:
    ImportedFile.objects.filter(park=park, file_date__gte=day).update(feed="HISTORY")


def test_hours_that_nobody_asked_for_are_not_called_silent(year):
    history_from(year.lakeside, date(2025, 7, 8))
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="Pacific/Honolulu")
    forget(utc(7, 8), utc(7, 8, 20), park=year.lakeside)
    found = check([year.lakeside.pk], date(2025, 7, 8), date(2025, 7, 8), NOW).findings
    assert [(finding.reason, finding.start, finding.end) for finding in found] == [
        ("seam_hole", utc(7, 8), utc(7, 8, 10))
    ]


def test_an_outage_away_from_the_seam_is_found_all_the_same(year):
    history_from(year.lakeside, date(2025, 7, 8))
    forget(utc(7, 10, 15), utc(7, 10, 20), park=year.lakeside)
    found = check([year.lakeside.pk], date(2025, 7, 8), date(2025, 7, 12), NOW).findings
    assert [finding.reason for finding in found] == ["silent_hours"]


def test_a_day_with_hours_that_nobody_asked_for_is_no_day_on_which_a_ride_was_silent(year):
    assert SILENT_DAYS_OPEN == 3
    forget(utc(7, 8, 15), utc(7, 12, 15), ride_name="Sky Tower")
    asked = ([year.lakeside.pk], date(2025, 7, 8), date(2025, 7, 12), NOW)
    assert [finding.reason for finding in check(*asked).findings] == ["silent_ride"]
    history_from(year.lakeside, date(2025, 7, 10))
    Park.objects.filter(pk=year.lakeside.pk).update(timezone="America/Chicago")
    forget(utc(7, 10), utc(7, 10, 5), park=year.lakeside)
    assert [finding.reason for finding in check(*asked).findings] == ["seam_hole"]
