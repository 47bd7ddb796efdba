"""Undoing an adoption from the page of its finding: the entity gets its own ride and its rows back."""

from datetime import UTC, datetime

import pytest

from imports.models import ImportCheckpoint
from quality.models import DataQualityLog
from tests.imports.building import DAY, OTHER_RIDE, PARK, RIDE, event, import_all, write_day
from tests.imports.desk import new_import, running, somebody
from warehouse.instants import milliseconds_of
from warehouse.models import MetadataChange, Park, QueueData, Ride, RideOpening, RideStatusSnapshot
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def held(request):
    """Instants of DAY (hours) at which the ride without an id holds a row before it is given one."""
    return getattr(request, "param", [])


@pytest.fixture
def finding(tmp_path, held):
    """Space Mountains was taken for Space Mountain, which had no id; three rows came for it."""
    park = Park.objects.create(park_name="a-park", park_slug="a-park", themeparks_wiki_id=PARK, timezone="UTC")
    ride = Ride.objects.create(park=park, ride_name="Space Mountain")
    queue = {"STANDBY": {"waitTime": 5}, "SINGLE_RIDER": {"waitTime": 10}}
    write_day(tmp_path, [event(f"{hour}:00:00Z", name="Space Mountains", queue=queue) for hour in (10, 12, 14)])
    from warehouse.partitioning import partitions

    partitions.ensure(DAY, DAY)
    for hour in held:
        at = datetime(DAY.year, DAY.month, DAY.day, hour, 30, tzinfo=UTC)
        RideStatusSnapshot.objects.create(
            snapshot_id=snapshot_id_of(ride.pk, milliseconds_of(at)),
            ride=ride,
            recorded_at=at,
            status="DOWN",
            computed_is_open=False,
        )
    import_all(tmp_path)
    return DataQualityLog.objects.get(reason="id_adopted")


def undo_url(finding) -> str:
    return f"/admin/imports/importcheckpoint/adoptions/{finding.pk}/undo/"


def rows(**ride) -> list[tuple[int, str]]:
    """(hour, status) of a ride's rows, whose ids say their ride and instant."""
    known = Ride.objects.get(**ride)
    found = RideStatusSnapshot.objects.filter(ride=known).order_by("recorded_at")
    for row in found:
        assert row.snapshot_id == snapshot_id_of(known.pk, milliseconds_of(row.recorded_at))
    return [(row.recorded_at.hour, row.status) for row in found]


def test_the_page_of_the_finding_leads_there_and_it_is_undone(finding):
    operator = somebody("Operators")
    assert undo_url(finding) in operator.get(f"/admin/quality/dataqualitylog/{finding.pk}/change/").content.decode()
    asked = operator.get(undo_url(finding))
    assert "gets a ride of its own" in asked.content.decode()
    assert Ride.objects.count() == 1  # asking changes nothing
    at = datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC)
    RideOpening.objects.create(ride=Ride.objects.get(), opens_at=at, observed_at=at, status="CLOSED")
    answer = operator.post(undo_url(finding), follow=True).content.decode()
    assert "3 rows went with it" in answer
    assert RideOpening.objects.get().ride.themeparks_wiki_id == RIDE  # it was said of the entity
    assert rows(themeparks_wiki_id=RIDE) == [(10, "OPERATING"), (12, "OPERATING"), (14, "OPERATING")]
    assert rows(themeparks_wiki_id=None) == []
    own = Ride.objects.get(themeparks_wiki_id=RIDE)
    assert own.ride_name == "Space Mountains"
    assert Ride.objects.get(themeparks_wiki_id=None).ride_name == "Space Mountain"
    assert {row.snapshot_id & 0xFFFFF for row in QueueData.objects.all()} == {own.pk}
    finding.refresh_from_db()
    assert finding.resolution_status == "RESOLVED"
    assert "3 rows went with it" in finding.resolution_note
    assert MetadataChange.objects.filter(changed_by__startswith="operators").count() == 1


def test_what_is_undone_is_not_adopted_again(finding, tmp_path):
    somebody("Operators").post(undo_url(finding))
    assert import_all(tmp_path).stored == 0
    assert len(rows(themeparks_wiki_id=RIDE)) == 3
    again = somebody("Operators").post(undo_url(finding), follow=True).content.decode()
    assert "there is nothing to undo" in again


@pytest.mark.parametrize("held", [[8, 9]], indirect=True)
def test_rows_that_were_there_before_stay(finding):
    somebody("Operators").post(undo_url(finding))
    assert rows(themeparks_wiki_id=None) == [(8, "DOWN"), (9, "DOWN")]
    assert [hour for hour, _ in rows(themeparks_wiki_id=RIDE)] == [10, 12, 14]


@pytest.mark.parametrize("held", [[9, 12]], indirect=True)
def test_rows_that_cannot_be_told_apart_stay_and_are_counted(finding):
    """Between 09:30 and 12:30 lie rows of both."""
    answer = somebody("Operators").post(undo_url(finding), follow=True).content.decode()
    assert "1 row went with it" in answer
    assert "2 rows lie among those that the other ride held before" in answer
    assert rows(themeparks_wiki_id=RIDE) == [(14, "OPERATING")]
    assert [hour for hour, _ in rows(themeparks_wiki_id=None)] == [9, 10, 12, 12]


def test_while_an_import_of_the_park_is_at_work_nothing_is_undone(finding):
    checkpoint = running(new_import(Park.objects.get()))
    answer = somebody("Operators").post(undo_url(finding), follow=True).content.decode()
    assert f"Import {checkpoint.import_id}" in answer
    assert Ride.objects.count() == 1
    assert ImportCheckpoint.objects.filter(status="IN_PROGRESS").exists()


def test_it_takes_the_permission_to_triage(finding):
    viewer = somebody("Viewers")
    assert undo_url(finding) not in viewer.get(f"/admin/quality/dataqualitylog/{finding.pk}/change/").content.decode()
    assert viewer.post(undo_url(finding)).status_code == 403
    assert Ride.objects.count() == 1


def test_a_finding_of_another_kind_cannot_be_undone(finding, tmp_path):
    other = DataQualityLog.objects.exclude(pk=finding.pk).first() or finding
    DataQualityLog.objects.filter(pk=other.pk).update(reason="ride_moved")
    assert somebody("Operators").get(undo_url(other)).status_code == 404
    assert not Ride.objects.filter(themeparks_wiki_id=OTHER_RIDE).exists()
