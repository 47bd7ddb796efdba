"""One bad value costs one value: through the command, the dry run, Start import in the admin and the workers."""

import json
import zlib
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django_q.models import OrmQ

from imports.models import ImportCheckpoint, ImportedFile
from imports.tasks import import_slice
from imports.workers.models import Worker
from quality.models import DataQualityLog
from tests.imports.building import DAY, DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, RIDE, event, write_day
from tests.imports.desk import somebody, start
from warehouse.models import Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
OTHER_DESTINATION = "66666666-6666-4666-8666-666666666666"
DAYS = [DAY + timedelta(days=n) for n in range(3)]
TOO_DEEP = b"[" * 5_000 + b"]" * 5_000
ODD = {
    "Latin-1": (b'"Caf\xe9 Tour"', "Caf\ufffd Tour"),
    "CESU-8": (b'"Tour \xed\xa0\xbc\xed\xbe\xa2"', "Tour \U0001f3a2"),
    "half a surrogate": (b'"Tour \\ud83c"', "Tour ?"),
    "a control character": (b'"Caf\x01 Tour"', "Caf\x01 Tour"),
    "nested": (TOO_DEEP, f"Unnamed {RIDE}"),
    "digits": (b"9" * 5_000, f"Unnamed {RIDE}"),
    "NaN": (b"NaN", f"Unnamed {RIDE}"),
}


def archive_with(root, name: bytes, bad_day=DAY) -> None:
    """Three days of two destinations; in the first one's `bad_day` the ride's name is what `name` says, as JSON."""
    for day in DAYS:
        events = [
            event(f"{hour:02}:00:00Z", day=day, name="NAME" if day == bad_day else "Tour") for hour in (9, 10, 11)
        ]
        text = json.dumps({"events": events}).encode().replace(b'"NAME"', name)
        write_day(root, zlib.compress(text), day)
        write_day(root, [event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day, OTHER_DESTINATION)


def ledger() -> list[tuple]:
    rows = ImportedFile.objects.order_by("park__themeparks_wiki_id", "file_date")
    return list(rows.values_list("outcome", "events_read", "stored", "rejected"))


WHOLE = [("IMPORTED", 3, 3, 0)] * 3 + [("IMPORTED", 1, 1, 0)] * 3


@pytest.mark.parametrize("bad_day", [DAYS[0], DAYS[-1]], ids=["first file", "last file"])
@pytest.mark.parametrize("odd", ODD)
def test_an_odd_name_costs_the_name_alone(tmp_path, odd, bad_day):
    written, read = ODD[odd]
    archive_with(tmp_path, written, bad_day)
    out = StringIO()
    call_command("import_archive", "--source", str(tmp_path), "--all", "--dry-run", stdout=out)
    assert f"park {PARK}: 9 events that can be stored" in out.getvalue()
    call_command("import_archive", "--source", str(tmp_path), "--all", stdout=StringIO())
    assert ledger() == WHOLE
    assert set(ImportCheckpoint.objects.values_list("status", flat=True)) == {"COMPLETED"}
    heard_last = bad_day == DAYS[-1] and not read.startswith("Unnamed")
    assert Ride.objects.get(themeparks_wiki_id=RIDE).ride_name == (read if heard_last else "Tour")


def test_start_import_and_the_workers_take_it(tmp_path, settings):
    archive_with(tmp_path, ODD["Latin-1"][0])
    settings.ARCHIVE_URL = str(tmp_path)
    operator = somebody("Operators")
    assert start(operator, destination=DESTINATION).status_code == 200
    assert not Worker.objects.exists()
    message = OrmQ.objects.latest("pk")  # before it the one that asks a worker for the preview
    import_slice(*message.task["args"])
    assert ledger() == WHOLE[:3]


@pytest.mark.parametrize(
    ("odd", "stored"),
    [
        ("2024-W52-3T17:05:10Z", "2024-12-25 17:05:10"),
        ("2024-12-25T170510.644Z", "2024-12-25 17:05:10.644000"),
        ("2024-12-25T17:05Z", "2024-12-25 17:05:00"),
        ("2024-360T17:05:10Z", None),
        ("2024-12-25T24:00:00Z", None),
        ("2024-12-25T17:05:10." + "1" * 9_999 + "Z", "2024-12-25 17:05:10.111000"),
    ],
)
def test_an_odd_time_is_read_or_told_and_its_neighbours_are_stored(tmp_path, odd, stored):
    events = [event(f"{hour}:05:10.644Z") for hour in range(14, 20)]
    write_day(tmp_path, [*events[:3], event(odd), event(odd), *events[3:]])
    write_day(tmp_path, [event(f"{hour}:05:10.644Z", day=DAYS[1]) for hour in range(14, 20)], DAYS[1])
    call_command("import_archive", "--source", str(tmp_path), "--all", stdout=StringIO())
    instants = {str(at.replace(tzinfo=None)) for at in RideStatusSnapshot.objects.values_list("recorded_at", flat=True)}
    told = set(DataQualityLog.objects.filter(issue_type__in=("INVALID", "DUPLICATE")).values_list("reason", flat=True))
    assert set(ImportedFile.objects.values_list("outcome", "events_read")) == {("IMPORTED", 8), ("IMPORTED", 6)}
    if stored == "2024-12-25 17:05:10.644000":  # one of the neighbours says so, too
        assert (len(instants), told) == (12, {"duplicate_event"})
    elif stored:
        assert (len(instants), told) == (13, {"duplicate_event"})
        assert stored in instants
    else:
        assert (len(instants), told) == (12, {"malformed_time"})
