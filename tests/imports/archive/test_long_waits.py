"""Waits above the limit, sentinels and texts: what is refused is kept by value, and can be read with a higher limit."""

import pytest
from django.test import override_settings

from imports.models import ImportedFile
from quality.models import DataQualityLog
from tests.imports.building import event, import_all, ride, write_day
from warehouse.models import QueueData, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
OPENING_DAY = (290, 300, 305, 330, 360, 390, 420, 415, 380, 340)
SENTINELS = (-999, -1, "45", 45.0, True)


def standby(hour: int, wait, entity: str) -> dict:
    return event(f"{hour:02}:00:00Z", entity=entity, queue={"STANDBY": {"waitTime": wait}})


@pytest.fixture
def archive(tmp_path):
    groups = [
        event(f"{hour:02}:00:00Z", entity=ride(2), queue={"BOARDING_GROUP": {"estimatedWait": wait}})
        for hour, wait in enumerate((60, 335, 410), start=8)
    ]
    write_day(
        tmp_path,
        [standby(hour, wait, ride(1)) for hour, wait in enumerate(OPENING_DAY, start=8)]
        + [standby(hour, wait, ride(3)) for hour, wait in enumerate(SENTINELS, start=8)]
        + groups,
    )
    return tmp_path


def waits(n: int) -> list:
    of_ride = RideStatusSnapshot.objects.filter(ride__themeparks_wiki_id=ride(n)).order_by("recorded_at")
    return list(of_ride.values_list("wait_time", flat=True))


def test_long_waits_stay_in_groups_and_are_kept_by_value_at_the_standby_line(archive):
    import_all(archive)
    assert waits(1) == [290, 300, *[None] * 8]
    assert waits(3) == [None, None, None, 45, None]
    assert sorted(QueueData.objects.values_list("wait_time_minutes", flat=True)) == [60, 335, 410]
    found = DataQualityLog.objects.get(reason="wait_out_of_range")
    assert found.occurrences == 12
    refused = {f"STANDBY {wait}": 1 for wait in OPENING_DAY if wait > 300}
    assert found.evidence["values"] == refused | {
        "STANDBY -999": 1,
        "STANDBY -1": 1,
        'STANDBY "45"': 1,
        "STANDBY true": 1,
    }
    row = ImportedFile.objects.get()
    assert (row.events_read, row.stored, row.rejected) == (18, 18, 0)


def test_a_row_whose_wait_can_be_read_now_is_changed_content(archive):
    import_all(archive)
    with override_settings(WAIT_TIME_MAX_MINUTES=600):
        import_all(archive)
    row = ImportedFile.objects.get()
    assert (row.already_known, row.duplicates) == (10, 8)
    found = DataQualityLog.objects.get(reason="conflicting_event")
    assert found.occurrences == 8
    example = found.evidence["examples"][0]
    assert (example["stays"]["wait_time"], example["left_out"]["wait_time"]) == (None, "305")
