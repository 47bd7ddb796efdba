"""A park's day is imported when this park's events were in a file that was read, whichever destination's it was."""

import threading
from datetime import date, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from imports.archive import beginning
from imports.archive.coverage import State, coverage
from imports.archive.pipeline import run_import
from imports.models import ImportCheckpoint, ImportedFile
from imports.workers import queue
from imports.workers.import_task import import_slice
from quality import import_ledger
from quality.check.run import check
from quality.models import DataQualityLog
from tests.imports.building import NOW, event, ride, runs, write_day
from warehouse.models import Park, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)

A, B = "aaaaaaaa-0000-4000-8000-000000000001", "bbbbbbbb-0000-4000-8000-000000000002"
ALPHA, BETA, GAMMA = (f"cccccccc-0000-4000-8000-00000000000{n}" for n in (1, 2, 3))
RIDES = {ALPHA: ride(1), BETA: ride(2), GAMMA: ride(3)}
DAYS = [date(2025, 4, n) for n in range(5, 13)]
FOUR_DAYS = DAYS[:4]  # where many orders are tried, which a file costs 20 ms: two before the move, two from it on
MOVED = date(2025, 4, 7)  # gamma is in the files of A before it, in those of B from then on

ALL, NEW = ["--all"], ["--all", "--missing-only"]
FROM_A, FROM_B = ["--destination", A], ["--destination", B]


def of(*parks: str, day: date) -> list[dict]:
    return [
        event(f"{hour}:00:00Z", day=day, entity=RIDES[park], park=park, name=park)
        for park in parks
        for hour in range(14, 20)
    ]


def write(root, *days: date) -> None:
    for day in days:
        write_day(root, of(*([ALPHA, GAMMA] if day < MOVED else [ALPHA]), day=day), day, A)
        write_day(root, of(*([BETA] if day < MOVED else [BETA, GAMMA]), day=day), day, B)


@pytest.fixture
def archive(tmp_path):
    write(tmp_path, *DAYS)
    return tmp_path


@pytest.fixture
def archive_of_four_days(tmp_path):
    write(tmp_path, *FOUR_DAYS)
    return tmp_path


def know(park: str, destination: str | None) -> None:
    """As the catalogue has it."""
    Park.objects.create(park_name=park, themeparks_wiki_id=park, destination_wiki_id=destination)


def import_archive(root, *arguments: str) -> str:
    out = StringIO()
    call_command("import_archive", *arguments, "--source", str(root), stdout=out, stderr=out)
    return out.getvalue()


def rows(park: str = GAMMA) -> int:
    return RideStatusSnapshot.objects.filter(ride__park__themeparks_wiki_id=park).count()


def ledger(park: str = GAMMA) -> dict[tuple[date, str], tuple[str, int]]:
    found = ImportedFile.objects.filter(park__themeparks_wiki_id=park)
    return {(row.file_date, row.destination_wiki_id): (row.outcome, row.events_read) for row in found}


def assert_everything_is_there(days=DAYS) -> None:
    assert (rows(ALPHA), rows(BETA), rows(GAMMA)) == (6 * len(days),) * 3
    for row in ImportedFile.objects.all():
        assert row.events_read == row.stored + row.already_known + row.duplicates + row.rejected
        assert row.source_file.startswith(row.destination_wiki_id)
        assert (row.outcome == "IMPORTED") == (row.events_read > 0)
    said = ledger()
    for day in days:
        here, there = (A, B) if day < MOVED else (B, A)
        assert said[day, here] == ("IMPORTED", 6)
        assert said.get((day, there), ("NO_EVENTS", 0)) == ("NO_EVENTS", 0)


@pytest.mark.parametrize("catalogue", [None, A, B], ids=["unknown", "where it was", "where it is"])
@pytest.mark.parametrize(
    "commands",
    [
        [ALL],
        [NEW],
        [ALL, NEW],
        [FROM_A, FROM_B],
        [FROM_B, FROM_A],
        [[*FROM_A, "--missing-only"], [*FROM_B, "--missing-only"]],
        [[*FROM_B, "--missing-only"], [*FROM_A, "--missing-only"]],
        [FROM_A, NEW],
        [FROM_B, NEW],
        [[*NEW, "--to", "2025-04-07"], NEW],
    ],
    ids=lambda commands: " + ".join(" ".join(command) for command in commands),
)
def test_a_park_that_moves_is_imported_from_both_destinations_in_any_order(archive_of_four_days, commands, catalogue):
    if catalogue:
        know(GAMMA, catalogue)
    for command in commands:
        import_archive(archive_of_four_days, *command)
    assert_everything_is_there(FOUR_DAYS)


@pytest.mark.parametrize("catalogue", [A, B])
@pytest.mark.parametrize("then", [ALL, NEW], ids=["all", "missing only"])
def test_an_import_of_the_park_alone_hides_no_day_of_it_from_those_that_follow(archive, catalogue, then):
    know(GAMMA, catalogue)
    import_archive(archive, "--park", GAMMA)
    assert rows() == (12 if catalogue == A else 36)
    import_archive(archive, *then)
    assert_everything_is_there()


def test_a_park_is_read_from_every_destination_in_whose_files_it_was_heard(archive):
    know(GAMMA, B)
    import_archive(archive, *FROM_A, "--to", "2025-04-05")
    import_archive(archive, "--park", GAMMA)
    assert rows() == 48
    assert ImportCheckpoint.objects.filter(park__themeparks_wiki_id=GAMMA).count() == 3


def test_where_the_catalogue_is_wrong_a_park_can_be_read_from_a_destination_that_is_named(archive):
    know(GAMMA, A)
    import_archive(archive, "--park", GAMMA, *FROM_B)
    assert (rows(), rows(BETA)) == (36, 0)


def test_days_after_a_move_are_asked_of_no_file_that_the_park_has_left(archive):
    """The files of the old destination have ended, or lack days: the new one's are what counts."""
    import_archive(archive, *ALL)
    for day in (MOVED + timedelta(days=1), DAYS[-1]):
        (archive / A / f"{day:%Y/%m/%d}.json.gz").unlink()
    write_day(archive, of(BETA, day=DAYS[-1]), DAYS[-1], B)  # the park is closed
    import_archive(archive, *ALL, "--to", f"{DAYS[-1]}")
    assert not DataQualityLog.objects.filter(reason="missing_days", entity_key=GAMMA).exists()


def test_a_day_without_a_file_in_the_new_destination_is_a_gap_whatever_the_old_one_has(archive):
    missing = DAYS[-3]
    (archive / B / f"{missing:%Y/%m/%d}.json.gz").unlink()
    import_archive(archive, *ALL)
    park = Park.objects.get(themeparks_wiki_id=GAMMA)
    assert {ledger()[missing, A], ledger()[missing, B]} == {("NO_EVENTS", 0), ("MISSING", 0)}
    (gap,) = DataQualityLog.objects.filter(reason="missing_days", park=park)
    assert gap.timestamp_start.date() == missing
    assert import_ledger.of_park(park.pk).is_missing(missing)
    (row,) = [row for row in coverage(NOW).rows if row.park == park]
    (month,) = row.months.values()
    assert (month.imported, month.missing, month.without_events) == (7, 1, 0)
    write(archive, missing)
    import_archive(archive, *NEW)
    check(None, None, None, NOW)
    gap.refresh_from_db()
    assert gap.resolution_status == "RESOLVED"
    assert_everything_is_there()


def test_a_gap_that_another_destinations_file_fills_is_none(archive):
    """Imported as it comes: first the old destination, which lacks a day, then the new one, which has it."""
    lacked = MOVED + timedelta(days=2)
    (archive / A / f"{lacked:%Y/%m/%d}.json.gz").unlink()
    import_archive(archive, *FROM_A)
    park = Park.objects.get(themeparks_wiki_id=GAMMA)
    assert import_ledger.of_park(park.pk).is_missing(lacked)
    import_archive(archive, *FROM_B)
    assert not import_ledger.of_park(park.pk).is_missing(lacked)
    check([park.pk], None, None, NOW)
    assert not DataQualityLog.objects.filter(reason="missing_days", park=park, resolution_status="OPEN").exists()


def test_days_on_which_no_file_spoke_of_the_park_are_told_apart_from_days_that_were_imported(archive):
    know(GAMMA, A)
    import_archive(archive, *FROM_A)
    park = Park.objects.get(themeparks_wiki_id=GAMMA)
    (row,) = [row for row in coverage(NOW).rows if row.park == park]
    (month,) = row.months.values()
    assert (month.imported, month.without_events) == (2, 6)
    assert "2 of 26 days imported, 12 rows, 6 without an event in their files" in str(month)
    out = StringIO()
    call_command("show_summary", stdout=out)
    park.refresh_from_db()
    assert [park.park_name, "2025-04-05", "2025-04-12", "2", "0", "0", "6", "0", "12"] in [
        line.split() for line in out.getvalue().splitlines()
    ]


def test_a_park_that_no_file_ever_spoke_of_is_not_called_imported(archive):
    know(RIDES[ALPHA], A)  # by any other UUID
    import_archive(archive, *ALL)
    (row,) = [row for row in coverage(NOW).rows if row.park.themeparks_wiki_id == RIDES[ALPHA]]
    (month,) = row.months.values()
    assert (month.state, month.imported, month.without_events) == (State.EMPTY, 0, 8)


def test_a_park_that_opens_later_is_what_is_new(archive):
    import_archive(archive, *ALL)
    opens, day = "dddddddd-0000-4000-8000-000000000004", DAYS[-1] + timedelta(days=1)
    write(archive, day)
    write_day(archive, [*of(ALPHA, day=day), event("09:00:00Z", day=day, entity=ride(4), park=opens)], day, A)
    import_archive(archive, *NEW)
    assert rows(opens) == 1
    newcomer = ImportCheckpoint.objects.get(park__themeparks_wiki_id=opens)
    assert (newcomer.missing_only, newcomer.start_date, newcomer.status) == (True, day, "COMPLETED")


def test_what_is_new_is_read_once(archive):
    import_archive(archive, *ALL)
    assert import_archive(archive, *NEW).count("0 files read") == 2


def test_a_file_that_was_read_for_one_park_alone_is_read_again_for_the_others(archive):
    know(ALPHA, A)
    import_archive(archive, "--park", ALPHA)
    import_archive(archive, *FROM_A, "--missing-only")
    assert (rows(ALPHA), rows()) == (48, 12)
    assert "0 files read" in import_archive(archive, *FROM_A, "--missing-only")


def test_a_park_in_two_destinations_files_on_one_day_is_imported_from_both_and_told(archive):
    day = MOVED
    write_day(archive, [*of(ALPHA, day=day), event("09:00:00Z", day=day, entity=RIDES[GAMMA], park=GAMMA)], day, A)
    import_archive(archive, *ALL)
    assert rows() == 49
    assert (ledger()[day, A], ledger()[day, B]) == (("IMPORTED", 1), ("IMPORTED", 6))
    (told,) = DataQualityLog.objects.filter(reason="heard_in_two_destinations")
    assert (told.park.themeparks_wiki_id, told.timestamp_start.date(), told.occurrences) == (GAMMA, day, 2)
    assert {example["events"] for example in told.evidence["examples"]} == {1, 6}
    before = (told.description, told.evidence)
    import_archive(archive, *FROM_A)
    (told,) = DataQualityLog.objects.filter(reason="heard_in_two_destinations")
    assert (told.description, told.evidence) == before


def test_two_destinations_that_are_imported_at_once_do_not_wait_for_each_other(archive):
    import_archive(archive, *ALL, "--to", "2025-04-08")  # gamma is known in both from now on
    first, second = sorted(runs(archive), key=lambda run: run.destination)
    assert {len(run.checkpoints) for run in (first, second)} == {2}
    said = []

    def other(run):
        try:
            said.append(run_import(run, threading.Event()))
        finally:
            connection.close()

    threads = [threading.Thread(target=other, args=(run,)) for run in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert said == [True, True]
    assert_everything_is_there()


def test_one_import_of_a_park_from_one_destination_at_a_time(archive):
    import_archive(archive, *ALL)
    runs(archive)[0].claim()
    with pytest.raises(CommandError, match="is being imported"):
        import_archive(archive, *FROM_A)
    import_archive(archive, *FROM_B)


def test_workers_import_a_park_from_two_destinations(archive):
    import_archive(archive, *ALL, "--to", "2025-04-08")
    import_archive(archive, *NEW, "--queue")
    assert ImportCheckpoint.objects.filter(park__themeparks_wiki_id=GAMMA, queued_at__isnull=False).count() == 2
    while waiting := queue.waiting():
        (group, *_) = beginning.groups(waiting)
        assert "completed" in import_slice([[checkpoint.pk, checkpoint.generation] for checkpoint in group])
    assert_everything_is_there()


def test_a_park_is_asked_of_its_old_destination_again_when_that_ones_file_brings_it_back(archive):
    know(GAMMA, A)
    import_archive(archive, *FROM_A)
    Park.objects.filter(themeparks_wiki_id=GAMMA).update(destination_wiki_id=B)
    ImportedFile.objects.filter(park__themeparks_wiki_id=GAMMA, outcome="IMPORTED").delete()  # never heard in A, then
    write_day(archive, of(ALPHA, GAMMA, day=DAYS[5]), DAYS[5], A)
    import_archive(archive, *FROM_A)
    assert ledger()[DAYS[5], A] == ("IMPORTED", 6)
