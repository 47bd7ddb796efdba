"""A day that is published again with other content: told without --replace, and with it the file is the truth."""

import random
import threading
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from imports.archive.pipeline import run_import
from imports.models import ImportCheckpoint, ImportedFile, ImportedFileRows
from quality.models import DataQualityLog
from tests.imports.building import DAY, DESTINATION, OTHER_PARK, PARK, event, import_all, ride, runs, write_day
from warehouse.models import Park, QueueData, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
ANOTHER = f"7{DESTINATION[1:]}"
TOMORROW = DAY + timedelta(days=1)


def wait(n: int, time: str, minutes: int, day=DAY, **changes) -> dict:
    queue = {"STANDBY": {"waitTime": minutes}, "SINGLE_RIDER": {"waitTime": minutes // 2}}
    return event(f"{time}:00Z", entity=ride(n), day=day, name=f"Ride {n}", queue=queue, **changes)


MORNING = [wait(n, "08:00", 5 * n) for n in (1, 2, 3)]
FIRST = [*MORNING, wait(1, "09:00", 280), wait(2, "09:30", 90)]  # 280 is wrong, and the 90 is withdrawn later
SECOND = [
    *MORNING,
    wait(1, "09:00", 25),
    *(wait(n, f"{hour}:00", 20) for hour in range(10, 20) for n in (1, 2, 3)),
]


def stored() -> dict[tuple[str, str], int | None]:
    rows = RideStatusSnapshot.objects.filter(ride__park__themeparks_wiki_id=PARK).select_related("ride")
    return {(row.ride.themeparks_wiki_id, f"{row.recorded_at:%m-%d %H:%M}"): row.wait_time for row in rows}


def said_by(*events: dict) -> dict[tuple[str, str], int]:
    return {
        (each["entityId"], each["eventTime"][5:16].replace("T", " ")): each["data"]["queue"]["STANDBY"]["waitTime"]
        for each in events
    }


def findings() -> dict[str, tuple[str, int, str]]:
    return {
        row.reason: (row.resolution_status, row.occurrences, row.description) for row in DataQualityLog.objects.all()
    }


def ledger() -> tuple:
    return ImportedFile.objects.values_list(
        "events_read", "stored", "already_known", "duplicates", "rejected", "replaced", "withdrawn"
    ).get(file_date=DAY)


@pytest.fixture(autouse=True)
def counts_add_up():
    yield
    adding_up = F("stored") + F("already_known") + F("duplicates") + F("rejected")
    assert not ImportedFile.objects.exclude(events_read=adding_up).exists()
    snapshots = set(RideStatusSnapshot.objects.values_list("snapshot_id", flat=True))
    assert set(QueueData.objects.values_list("snapshot_id", flat=True)) <= snapshots


def test_without_replace_nothing_is_replaced_and_the_findings_say_the_command_that_would(tmp_path):
    write_day(tmp_path, FIRST)
    import_all(tmp_path)
    write_day(tmp_path, SECOND)
    import_all(tmp_path)
    assert stored() == said_by(*SECOND) | said_by(*FIRST)
    assert ledger() == (34, 30, 3, 1, 0, None, None)
    command = f"manage.py import_archive --park {PARK} --from 2024-12-25 --to 2024-12-25 --replace"
    status, count, text = findings()["rows_lacking"]
    assert (status, count) == ("OPEN", 1)
    assert text == (
        "a-park, 2024-12-25: 1 row of an earlier reading of the file is not in it any more, and stays. To take the "
        f"file as the truth:  {command} --source {tmp_path}"
    )
    status, count, text = findings()["conflicting_event"]
    assert (status, count) == ("OPEN", 1)
    assert text.endswith(f"To have what the file says:  {command} --source {tmp_path}")

    call_command(*text.split("manage.py ")[1].split(), verbosity=0)
    assert stored() == said_by(*SECOND)
    assert ledger() == (34, 1, 33, 0, 0, 1, 1)
    assert {reason: status for reason, (status, *_) in findings().items() if reason != "missing_metadata"} == {
        "rows_lacking": "RESOLVED",
        "conflicting_event": "RESOLVED",
        "file_replaced": "OPEN",
    }
    assert "1 replaced and 1 withdrawn of the stored rows" in findings()["file_replaced"][2]
    assert QueueData.objects.get(snapshot_id__in=at("09:00")).wait_time_minutes == 12


def at(time: str) -> list[int]:
    rows = RideStatusSnapshot.objects.filter(recorded_at=f"2024-12-25T{time}:00Z")
    return list(rows.values_list("snapshot_id", flat=True))


def test_with_replace_the_file_is_the_truth_at_once_and_once(tmp_path, capsys):
    write_day(tmp_path, FIRST)
    import_all(tmp_path)
    write_day(tmp_path, SECOND)
    call_command("import_archive", source=str(tmp_path), all=True, replace=True)
    assert "1 row replaced, 1 withdrawn" in capsys.readouterr().out
    assert stored() == said_by(*SECOND)
    assert ledger() == (34, 31, 3, 0, 0, 1, 1)
    evidence = DataQualityLog.objects.get(reason="file_replaced").evidence["examples"]
    assert (evidence[0]["was"]["wait_time"], evidence[0]["now"]["wait_time"]) == ("280", "25")
    assert evidence[1] == {
        "ride": "Ride 2",
        "recorded_at": "2024-12-25 09:30:00",
        "withdrawn": {"status": "OPERATING", "wait_time": 90},
    }
    import_all(tmp_path, replace=True)
    assert ledger() == (34, 0, 34, 0, 0, 0, 0)
    assert "rows_lacking" not in findings()


def test_a_row_that_another_file_holds_stays_until_that_one_lacks_it_too(tmp_path):
    late = wait(2, "23:30", 90)
    write_day(tmp_path, [*FIRST, late])
    write_day(tmp_path, [late, wait(1, "08:00", 5, TOMORROW)], TOMORROW)
    import_all(tmp_path)
    write_day(tmp_path, FIRST)
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*FIRST, late, wait(1, "08:00", 5, TOMORROW))
    assert "rows_lacking" not in findings()
    write_day(tmp_path, [wait(1, "08:00", 5, TOMORROW)], TOMORROW)
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*FIRST, wait(1, "08:00", 5, TOMORROW))


def test_a_row_that_the_file_of_another_destination_holds_stays(tmp_path):
    write_day(tmp_path, FIRST)
    write_day(tmp_path, [*FIRST, wait(1, "08:00", 5, TOMORROW)], TOMORROW, ANOTHER)
    call_command("import_archive", source=str(tmp_path), all=True, verbosity=0)
    write_day(tmp_path, MORNING)
    call_command(
        "import_archive", source=str(tmp_path), destination=[DESTINATION], replace=True, force=True, verbosity=0
    )
    assert stored() == said_by(*FIRST, wait(1, "08:00", 5, TOMORROW))


def test_a_value_that_another_file_confirms_stays(tmp_path):
    late = wait(2, "23:30", 90)
    write_day(tmp_path, [*MORNING, late])
    write_day(tmp_path, [late], TOMORROW)
    import_all(tmp_path)
    write_day(tmp_path, [*MORNING, wait(2, "23:30", 10)])
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*MORNING, late)
    assert "--replace" not in findings()["conflicting_event"][2]


def test_live_rows_are_neither_withdrawn_nor_replaced(tmp_path):
    write_day(tmp_path, FIRST)
    import_all(tmp_path)
    RideStatusSnapshot.objects.update(data_source="LIVE")
    write_day(tmp_path, SECOND)
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*SECOND) | said_by(*FIRST)
    assert ledger() == (34, 30, 3, 1, 0, 0, 0)


def test_of_a_file_that_was_read_before_it_was_written_down_nothing_is_withdrawn(tmp_path):
    """The value of a row that the file holds is the file's to say; that a row was its own is not known."""
    write_day(tmp_path, FIRST)
    import_all(tmp_path)
    ImportedFileRows.objects.all().delete()
    write_day(tmp_path, SECOND)
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*SECOND) | said_by(wait(2, "09:30", 90))
    status, count, text = findings()["rows_unproven"]
    assert (status, count) == ("OPEN", 1)
    assert "nothing was withdrawn. Import the days beside it again" in text


def test_the_same_file_read_again_says_nothing(tmp_path):
    write_day(tmp_path, FIRST)
    import_all(tmp_path)
    ImportedFileRows.objects.all().delete()
    RideStatusSnapshot.objects.filter(snapshot_id__in=at("09:30")).update(status="DOWN")
    import_all(tmp_path)
    assert set(findings()) == {"conflicting_event"}
    assert ImportedFileRows.objects.count() == 1


def test_a_row_stays_while_it_is_not_known_what_the_file_of_the_day_beside_it_held(tmp_path):
    late = wait(2, "23:30", 90)
    write_day(tmp_path, [*MORNING, late])
    write_day(tmp_path, [wait(1, "08:00", 5, TOMORROW)], TOMORROW)
    import_all(tmp_path)
    ImportedFileRows.objects.filter(file__file_date=TOMORROW).delete()
    write_day(tmp_path, MORNING)
    import_all(tmp_path, replace=True, last=DAY)
    assert stored() == said_by(*MORNING, late, wait(1, "08:00", 5, TOMORROW))
    assert "The file of 2024-12-26 may hold them" in findings()["rows_lacking"][2]
    import_all(tmp_path, replace=True, first=TOMORROW)
    import_all(tmp_path, replace=True, last=DAY)
    assert stored() == said_by(*MORNING, wait(1, "08:00", 5, TOMORROW))
    assert findings()["rows_lacking"][0] == "RESOLVED"


@pytest.mark.parametrize("collapsed", [SECOND[:5], []])
def test_a_file_that_has_collapsed_withdraws_nothing_unless_forced(tmp_path, collapsed):
    write_day(tmp_path, SECOND)
    import_all(tmp_path)
    write_day(tmp_path, collapsed)
    totals = import_all(tmp_path, replace=True)
    assert (totals.withdrawn, stored()) == (0, said_by(*SECOND))
    text = findings()["rows_lacking"][2]
    assert "the earlier one 34 observations of 3 rides in 12 hours. If the file is right:  manage.py" in text
    assert text.endswith(f"--replace --force --source {tmp_path}")
    assert import_all(tmp_path, replace=True, force=True).withdrawn == 34 - len(collapsed)
    assert stored() == said_by(*collapsed)


def test_rows_that_come_back_are_lacking_no_more(tmp_path):
    for events in (FIRST, SECOND, FIRST):
        write_day(tmp_path, events)
        import_all(tmp_path)
    assert findings()["rows_lacking"][0] == "OPEN", "the rows of the second reading"
    write_day(tmp_path, [*SECOND, wait(2, "09:30", 90)])
    import_all(tmp_path)
    assert findings()["rows_lacking"][0] == "RESOLVED"
    assert not ImportedFileRows.objects.exclude(lacking_ids=None).exists()


def test_a_reading_that_failed_in_between_forgets_nothing(tmp_path):
    write_day(tmp_path, FIRST)
    import_all(tmp_path)
    write_day(tmp_path, b"no day file")
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*FIRST)
    write_day(tmp_path, SECOND)
    import_all(tmp_path, replace=True)
    assert stored() == said_by(*SECOND)


def test_an_import_that_goes_on_replaces_still(tmp_path):
    for day in (DAY, TOMORROW):
        write_day(tmp_path, [wait(1, "08:00", 5, day), wait(1, "09:00", 5, day)], day)
    import_all(tmp_path)
    for day in (DAY, TOMORROW):
        write_day(tmp_path, [wait(1, "08:00", 5, day)], day)
    (run,) = runs(tmp_path, replace=True)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    call_command("import_archive", resume=[], verbosity=0)
    assert stored() == said_by(wait(1, "08:00", 5), wait(1, "08:00", 5, TOMORROW))
    assert set(ImportCheckpoint.objects.values_list("replace_archive", flat=True)) == {False, True}
    with pytest.raises(CommandError, match="--resume goes on with what was begun"):
        call_command("import_archive", resume=[], replace=True)


def test_parks_of_one_file_do_not_touch_one_anothers_rows(tmp_path):
    theirs = [wait(n, "08:00", 5, park=OTHER_PARK) for n in (7, 8)]
    write_day(tmp_path, [*FIRST, *theirs])
    import_all(tmp_path)
    write_day(tmp_path, [*SECOND, *theirs])
    park = Park.objects.get(themeparks_wiki_id=PARK)
    call_command("import_archive", source=str(tmp_path), park=[str(park.pk)], replace=True, verbosity=0)
    assert stored() == said_by(*SECOND)
    assert RideStatusSnapshot.objects.filter(ride__park__themeparks_wiki_id=OTHER_PARK).count() == 2


@pytest.mark.parametrize("seed", range(4))
def test_whatever_was_published_and_read_in_between_the_files_are_the_truth_at_the_end(tmp_path, seed):
    """Three days, each of which may hold events of those beside it; the oracle reads the files there are."""
    numbers = random.Random(seed)
    days = [DAY + timedelta(days=n) for n in range(3)]
    instants = [(n, f"{hour:02}:30", day) for day in days for hour in (0, 1, 12, 22, 23) for n in (1, 2)]
    files: dict = {}
    for _ in range(6):
        for day in numbers.sample(days, numbers.randint(1, 3)):
            near = [
                (n, time, other)
                for n, time, other in instants
                if other == day or (abs((other - day).days) == 1 and time != "12:30" and numbers.random() < 0.3)
            ]
            chosen = numbers.sample(near, numbers.randint(1, len(near)))
            # what two files may hold they say alike
            files[day] = [
                wait(n, time, numbers.choice([5, 10]) if time == "12:30" else 15, other) for n, time, other in chosen
            ]
            write_day(tmp_path, files[day], day)
        options = {"replace": numbers.random() < 0.5, "force": numbers.random() < 0.5}
        import_all(tmp_path, **options)
    import_all(tmp_path, replace=True, force=True)
    assert stored() == said_by(*(each for day in sorted(files) for each in files[day]))
    import_all(tmp_path)
    assert not DataQualityLog.objects.filter(reason="rows_lacking", resolution_status="OPEN").exists()
