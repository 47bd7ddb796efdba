"""The ledger as quality reads it, by SQL, held against the models that write it."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import call_command

from imports.archive.ledger import record_missing
from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from imports.sources.source import Feed
from quality import import_ledger
from quality.check import against_source
from quality.check.gaps import missing_days_finding
from quality.check.run import check
from quality.import_ledger import FedDay, MissingRun
from quality.models import SYSTEM, DataQualityLog, DataQualityMove
from warehouse.models import Park

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def park(db):
    return Park.objects.create(
        park_name="Lakeside", timezone="UTC", themeparks_wiki_id="00000000-0000-0000-0000-000000000001"
    )


def enter(park: Park, day: date, outcome: str = FileOutcome.IMPORTED, events: int = 5, **values) -> ImportedFile:
    return ImportedFile.objects.create(
        park=park,
        file_date=day,
        source_file=f"d/{day:%Y/%m/%d}.json.gz",
        outcome=outcome,
        events_read=events,
        stored=events,
        imported_at=NOW,
        **values,
    )


def test_the_words_for_outcomes_are_those_of_the_importer():
    assert set(FileOutcome) == set(import_ledger.BEST_FIRST)
    assert len(FileOutcome) == len(import_ledger.BEST_FIRST)


def test_the_words_for_feeds_are_those_of_the_importer():
    assert {import_ledger.HISTORY, against_source.DELISTED, *against_source.BESIDE} == set(Feed)
    assert set(import_ledger.FEEDS_OF_DAYS) < set(Feed)


def test_days_are_told_by_feed_each_by_the_best_of_its_outcomes(park):
    enter(park, date(2025, 3, 1), FileOutcome.MISSING, events=0, destination_wiki_id="d1")
    enter(park, date(2025, 3, 1), destination_wiki_id="d2")
    enter(park, date(2025, 3, 1), FileOutcome.NO_EVENTS, events=0, feed=Feed.HISTORY)
    assert import_ledger.fed_days(park.pk) == [
        FedDay(date(2025, 3, 1), "ARCHIVE", "IMPORTED", 0),
        FedDay(date(2025, 3, 1), "HISTORY", "NO_EVENTS", 0),
    ]


def test_missing_runs_lie_between_the_first_day_with_events_and_the_last_row(park):
    enter(park, date(2025, 3, 1), events=0)
    enter(park, date(2025, 3, 3))
    enter(park, date(2025, 3, 5), FileOutcome.MISSING, events=0)
    enter(park, date(2025, 3, 6), FileOutcome.MISSING, events=0)
    enter(park, date(2025, 3, 8), FileOutcome.UNREADABLE, events=0)
    enter(park, date(2025, 3, 9), FileOutcome.MISSING, events=0)
    seen = import_ledger.of_park(park.pk)
    assert seen.missing_runs() == [
        MissingRun(date(2025, 3, 4), date(2025, 3, 4), never_imported=True),
        MissingRun(date(2025, 3, 5), date(2025, 3, 6), never_imported=False),
        MissingRun(date(2025, 3, 7), date(2025, 3, 7), never_imported=True),
        MissingRun(date(2025, 3, 9), date(2025, 3, 9), never_imported=False),
    ]
    not_read = [day for day in range(1, 12) if seen.was_not_read(date(2025, 3, day))]
    assert not_read == [4, 5, 6, 7, 8, 9]


def test_a_park_without_a_ledger_misses_nothing(park):
    seen = import_ledger.of_park(park.pk)
    assert seen.missing_runs() == []
    assert not seen.was_not_read(date(2025, 3, 1))


def test_a_gap_is_the_same_finding_to_the_importer_and_to_the_detector(park):
    checkpoint = ImportCheckpoint.objects.create(park=park, source="/archive")
    days = [date(2025, 3, day) for day in (1, 4, 5, 6)]
    enter(park, date(2025, 3, 1))
    enter(park, date(2025, 3, 7))
    found = record_missing(checkpoint, "d" * 36, days, now=datetime(2025, 4, 1, tzinfo=UTC))
    assert found == [missing_days_finding(park, days[1], days[-1])]
    assert [(run.first, run.last) for run in import_ledger.of_park(park.pk).missing_runs()][-1] == (days[1], days[-1])


def test_files_count_as_read_when_no_park_lacks_them(park):
    other = Park.objects.create(park_name="Bergwelt", themeparks_wiki_id="b")
    for day, outcome in ((1, FileOutcome.IMPORTED), (2, FileOutcome.UNREADABLE)):
        enter(park, date(2025, 3, day))
        enter(other, date(2025, 3, day), outcome, events=0)
    keys = [f"d/2025/03/0{day}.json.gz" for day in (1, 2, 3)]
    assert import_ledger.imported_since(keys) == {keys[0]}
    assert import_ledger.imported_since([]) == set()


@pytest.mark.parametrize(
    ("outcomes", "day_is"),
    [
        ({"a": "NO_EVENTS", "b": "IMPORTED"}, "read"),
        ({"a": "MISSING", "b": "IMPORTED"}, "read"),
        ({"a": "UNREADABLE", "b": "IMPORTED"}, "read"),
        ({"a": "NO_EVENTS", "b": "NO_EVENTS"}, "read"),
        ({"a": "NO_EVENTS", "b": "UNREADABLE"}, "not read"),
        ({"a": "NO_EVENTS", "b": "MISSING"}, "missing"),
        ({"a": "UNREADABLE", "b": "MISSING"}, "not read"),
    ],
)
def test_a_day_of_several_destinations_is_what_the_best_of_their_files_says(park, outcomes, day_is):
    enter(park, date(2025, 3, 1))
    for destination, outcome in outcomes.items():
        enter(
            park, date(2025, 3, 2), outcome, events=5 if outcome == "IMPORTED" else 0, destination_wiki_id=destination
        )
    enter(park, date(2025, 3, 3))
    ledger = import_ledger.of_park(park.pk)
    day = date(2025, 3, 2)
    assert (ledger.is_missing(day), ledger.was_not_read(day)) == {
        "read": (False, False), "not read": (False, True), "missing": (True, True)
    }[day_is]  # fmt: skip
    assert [run.first for run in ledger.missing_runs()] == [day] * (day_is == "missing")
    (reading, _) = import_ledger.readings(park.pk, day, day, limit=2)
    assert reading.outcome == min(outcomes.values(), key=import_ledger.BEST_FIRST.index)


def test_a_file_that_held_nothing_of_a_park_was_read_without_fault(park):
    enter(park, date(2025, 3, 1), FileOutcome.NO_EVENTS, events=0)
    (key,) = ImportedFile.objects.values_list("source_file", flat=True)
    assert import_ledger.imported_since([key]) == {key}


def test_a_day_is_traced_to_the_import_that_read_it(park):
    checkpoint = ImportCheckpoint.objects.create(park=park, source="/archive")
    enter(park, date(2025, 3, 1), checkpoint=checkpoint)
    enter(park, date(2025, 3, 2))
    (last, first) = import_ledger.readings(park.pk, date(2025, 2, 1), date(2025, 3, 5), limit=5)
    assert (first.import_id, first.source, first.checkpoint_id) == (checkpoint.import_id, "/archive", checkpoint.pk)
    assert (last.file_date, last.import_id) == (date(2025, 3, 2), None)


def test_checkpoints_are_compared_by_their_day(park):
    ImportCheckpoint.objects.create(park=park, source="/archive", last_processed_date=NOW.date())
    ahead = ImportCheckpoint.objects.create(
        park=park, source="/archive", last_processed_date=NOW.date() + timedelta(days=1)
    )
    assert [found.import_id for found in import_ledger.checkpoints_after(NOW.date())] == [ahead.import_id]


# --- with the importer itself -------------------------------------------------------------------------------------
@pytest.fixture
def archive(tmp_path) -> Path:
    call_command(
        "create_sample_archive",
        tmp_path / "archive",
        days=12,
        events_per_day=300,
        start=date(2025, 3, 1),
        destinations=1,
    )
    return tmp_path / "archive"


def day_file(archive: Path, day: int) -> Path:
    (found,) = archive.glob(f"*/2025/03/{day:02}.json.gz")
    return found


def records(reason: str) -> list[tuple]:
    return sorted(DataQualityLog.objects.filter(reason=reason).values_list("timestamp_start__day", "resolution_status"))


@pytest.mark.django_db(transaction=True)
def test_filling_a_gap_by_importing_the_day_resolves_its_records(archive, capsys):
    kept = {day: day_file(archive, day).read_bytes() for day in (5, 6, 9)}
    for day in kept:
        day_file(archive, day).unlink()
    call_command("import_archive", all=True, source=str(archive))
    parks = Park.objects.count()
    check(None, None, None, NOW)
    assert records("missing_days") == [(5, "OPEN")] * parks + [(9, "OPEN")] * parks

    for day, content in kept.items():
        if day != 6:
            (day_file(archive, 1).parent / f"{day:02}.json.gz").write_bytes(content)
            call_command(
                "import_archive", all=True, source=str(archive), first=date(2025, 3, day), last=date(2025, 3, day)
            )
    check(None, None, None, NOW)
    assert records("missing_days") == sorted(
        [(5, "RESOLVED")] * parks + [(6, "OPEN")] * parks + [(9, "RESOLVED")] * parks
    )
    filled = DataQualityLog.objects.filter(timestamp_start__day=9).first()
    assert filled.resolution_note == "Filled: the ledger shows 2025-03-09 as read."
    assert [move.moved_by for move in filled.moves.all()] == [SYSTEM, SYSTEM]
    partly = DataQualityLog.objects.filter(timestamp_start__day=5).first()
    assert partly.resolution_note == (
        "The ledger has changed: of 2025-03-05 to 2025-03-06 it now lacks 2025-03-06, reported on its own."
    )


@pytest.mark.django_db(transaction=True)
def test_an_unreadable_file_that_was_replaced_resolves_its_record(archive, capsys):
    sound = day_file(archive, 5).read_bytes()
    day_file(archive, 5).write_bytes(sound[:100])
    call_command("import_archive", all=True, source=str(archive))
    check(None, None, None, NOW)
    assert records("unreadable_file") == [(5, "OPEN")]
    day_file(archive, 5).write_bytes(sound)
    call_command("import_archive", all=True, source=str(archive), first=date(2025, 3, 5), last=date(2025, 3, 5))
    check(None, None, None, NOW)
    assert records("unreadable_file") == [(5, "RESOLVED")]
    assert "was read" in DataQualityLog.objects.get(reason="unreadable_file").resolution_note


@pytest.mark.django_db(transaction=True)
def test_importing_and_checking_again_changes_nothing_but_when_findings_were_last_seen(tmp_path, capsys):
    folder = tmp_path / "archive"
    call_command(
        "create_sample_archive",
        folder,
        days=30,
        events_per_day=300,
        start=date(2025, 3, 1),
        destinations=1,
        with_defects=True,
    )

    def contents() -> list[dict]:
        rows = [*DataQualityLog.objects.order_by("pk").values(), *DataQualityMove.objects.order_by("pk").values()]
        return [{key: value for key, value in row.items() if key != "last_seen_at"} for row in rows]

    call_command("import_archive", all=True, source=str(folder))
    check(None, None, None, NOW)
    before = contents()
    assert {row["issue_type"] for row in before} == {"GAP", "DUPLICATE", "INVALID", "MISSING_FIELD"}
    call_command("import_archive", all=True, source=str(folder))
    check(None, None, None, NOW)
    assert contents() == before


def test_files_are_named_for_links_unreadable_ones_first(park):
    other = Park.objects.create(park_name="Seaside", themeparks_wiki_id="2", destination_wiki_id="d1")
    read = enter(park, date(2025, 3, 1), destination_wiki_id="d1")
    bad = enter(other, date(2025, 3, 2), FileOutcome.UNREADABLE, events=0, destination_wiki_id="d1")
    enter(park, date(2025, 3, 3), destination_wiki_id="d2")
    days = date(2025, 3, 1), date(2025, 3, 3)
    assert [row.file_id for row in import_ledger.files_of(*days, destination="d1", limit=5)] == [bad.pk, read.pk]
    first, last = import_ledger.files_of(*days, park_id=park.pk, limit=5)
    assert (first.file_id, first.file_date, first.feed, first.outcome) == (read.pk, days[0], "ARCHIVE", "IMPORTED")
    assert last.source_file == "d/2025/03/03.json.gz"
    assert len(import_ledger.files_of(*days, park_id=park.pk, limit=1)) == 1
