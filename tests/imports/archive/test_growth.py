"""A file that brings parks or rides by the thousand: held back before it is stored, unless it is forced."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from imports.archive import growth
from imports.models import ImportCheckpoint, ImportedFile, ImportStatus
from quality.check.run import check
from quality.models import DataQualityLog, ResolutionStatus
from tests.imports.building import DAY, DESTINATION, NOW, PARK, event, ride, write_day
from warehouse.models import Park, Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_RESORT = "99999999-1111-4111-8111-111111111111"
NEXT = DAY + timedelta(days=1)


def park(n: int) -> str:
    return f"22222222-2222-4222-8222-{n:012}"


MANY_PARKS = [event(park=park(n), entity=ride(n)) for n in range(growth.NEW_PARKS_MAX + 1)]
MANY_RIDES = [event(entity=ride(n)) for n in range(growth.NEW_RIDES_MAX + 1)]
FEWER_RIDES_MAX = growth.NEW_PARKS_MAX + 10  # so that a file with too many parks has not too many rides
FEWER_RIDES = MANY_RIDES[: FEWER_RIDES_MAX + 1]


@pytest.fixture
def fewer(monkeypatch):
    """A lower limit of rides: 2,001 of them take two seconds to store, and are no other case behind the first file."""
    monkeypatch.setattr(growth, "NEW_RIDES_MAX", FEWER_RIDES_MAX)


def import_archive(root, *arguments):
    out = StringIO()
    call_command("import_archive", "--source", str(root), *arguments, stdout=out)
    return out.getvalue()


def nothing_is_stored():
    return not (Park.objects.exists() or Ride.objects.exists() or RideStatusSnapshot.objects.exists())


@pytest.mark.parametrize(("events", "says"), [(MANY_PARKS, "51 parks"), (MANY_RIDES, "2,001 rides")])
def test_the_first_file_of_a_destination_with_more_than_any_has_is_held_back(tmp_path, events, says):
    write_day(tmp_path, events)
    with pytest.raises(CommandError, match=rf"brings {says} that are not known .* If they are real, add --force"):
        import_archive(tmp_path, "--all")
    assert nothing_is_stored()
    assert not ImportCheckpoint.objects.exists()
    found = DataQualityLog.objects.get(reason="sudden_growth")
    assert (found.entity_key, found.occurrences) == (DESTINATION, len(events))


def test_as_many_as_the_limits_are_imported(tmp_path):
    write_day(tmp_path, [event(entity=ride(n), park=park(n % 50)) for n in range(2000)])
    assert "2,000 stored" in import_archive(tmp_path, "--all")
    assert Park.objects.count() == 50


@pytest.mark.parametrize("events", [MANY_PARKS, FEWER_RIDES], ids=["parks", "rides"])
def test_a_destination_that_grows_on_the_way_stops_at_that_file_and_force_goes_on(tmp_path, fewer, events):
    write_day(tmp_path, [event()])
    write_day(tmp_path, [{**each, "eventTime": f"{NEXT}T10:00:00Z"} for each in events], NEXT)
    with pytest.raises(CommandError, match="add --force"):
        import_archive(tmp_path, "--all")
    assert ImportCheckpoint.objects.get().status == ImportStatus.FAILED
    assert "add --force" in ImportCheckpoint.objects.get().last_error
    assert (Park.objects.count(), RideStatusSnapshot.objects.count()) == (1, 1)
    import_archive(tmp_path, "--all", "--force")
    assert RideStatusSnapshot.objects.count() == 1 + len(events)
    check(None, None, None, NOW)
    assert DataQualityLog.objects.get(reason="sudden_growth").resolution_status == ResolutionStatus.RESOLVED


def test_rides_that_are_known_are_no_growth(tmp_path, fewer):
    write_day(tmp_path, FEWER_RIDES[:50])
    write_day(tmp_path, [{**each, "eventTime": f"{NEXT}T10:00:00Z"} for each in FEWER_RIDES], NEXT)
    import_archive(tmp_path, "--all")
    assert Ride.objects.count() == FEWER_RIDES_MAX + 1


def test_of_a_park_that_is_asked_for_alone_its_own_rides_count(tmp_path, fewer):
    write_day(tmp_path, [event()])
    import_archive(tmp_path, "--all")
    others = [event(entity=ride(n), park=park(99), day=NEXT) for n in range(FEWER_RIDES_MAX + 1)]
    write_day(tmp_path, [event(day=NEXT), *others], NEXT)
    import_archive(tmp_path, "--park", PARK)
    assert RideStatusSnapshot.objects.count() == 2


def test_the_other_destinations_go_on_and_a_dry_run_says_what_would_be_held_back(tmp_path):
    write_day(tmp_path, MANY_PARKS)
    write_day(tmp_path, [event(entity=ride(9999))], destination=OTHER_RESORT)
    said = import_archive(tmp_path, "--all", "--dry-run")
    assert "51 parks that are not known" in said
    assert "unless it is given --force" in said
    with pytest.raises(CommandError, match=r"1 of 2 destinations failed, the first of them so: Failed: .*51 parks"):
        import_archive(tmp_path, "--all")
    assert ImportedFile.objects.get().source_file.startswith(OTHER_RESORT)
    assert ImportCheckpoint.objects.get().status == ImportStatus.COMPLETED
