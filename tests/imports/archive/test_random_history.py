"""Parks and rides that move, files that appear late, change and vanish, imported in random order by random options.

Whatever happened, the warehouse ends with the rows that an oracle reads from the files (file_oracle.py).
"""

import os
import re
import threading
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from imports.archive.beginning import begin
from imports.archive.pipeline import run_import
from imports.archive.planning import plan
from imports.archive.request import Request, RequestError
from imports.management.commands.import_archive import WRONG_USAGE
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.folder import FolderSource
from imports.sources.source import key_of
from quality.models import DataQualityLog
from tests.imports.archive.file_oracle import Oracle
from tests.imports.archive.random_history import (
    CATALOGUE_ZONE,
    DESTINATIONS,
    PARKS,
    Command,
    Known,
    Publish,
    Vanish,
    history,
)
from tests.imports.building import write_day
from warehouse.instants import milliseconds_of
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot, RideStay
from warehouse.rides import stays
from warehouse.snapshot_id import snapshot_id_of

pytestmark = pytest.mark.django_db(transaction=True)
HISTORIES = int(os.environ.get("HISTORIES", "4"))  # a trial by hand sets 100
FIRST_HISTORY = int(os.environ.get("FIRST_HISTORY", "0"))


@pytest.mark.parametrize("seed", range(FIRST_HISTORY, FIRST_HISTORY + HISTORIES))
def test_a_random_history_ends_with_the_rows_that_an_oracle_reads_from_the_files(tmp_path, seed):
    made = history(seed)
    oracle = Oracle(made.catalogue)
    know(made.catalogue)
    stopped = False
    for number, step in enumerate(made.steps):
        if isinstance(step, Publish):
            oracle.publish(step)
            write_day(tmp_path / "archive", step.events, step.file[1], step.file[0])
        elif isinstance(step, Vanish):
            oracle.vanish(step)
            (tmp_path / "archive" / key_of(*step.file)).unlink()
        else:
            follow(tmp_path / "archive", step, oracle)
            stopped = stopped or step.stops_after is not None
            assert_all_went_well(f"step {number}: {step}", may_be_stopped=stopped)
    assert_is_what_was_read(oracle)
    assert_nothing_is_new(tmp_path / "archive")


def know(catalogue: list[Known]) -> None:
    for known in catalogue:
        Park.objects.create(
            park_name=known.name or known.park,
            themeparks_wiki_id=known.park,
            destination_wiki_id=known.destination,
            timezone=CATALOGUE_ZONE if known.name else "",
        )


def follow(root, command: Command, oracle: Oracle) -> None:
    try:
        if command.stops_after is None:
            import_archive(root, *command.arguments())
        else:
            import_until_it_is_stopped(root, command)
    except (CommandError, RequestError) as error:
        assert isinstance(error, RequestError) or error.returncode == WRONG_USAGE, (command, error)
        assert "No park" in f"{error}" or not oracle.must_find_files(command), (command, error)
        return
    assert oracle.may_find_files(command), command
    oracle.run(command)


def import_archive(root, *arguments: str) -> str:
    out = StringIO()
    call_command("import_archive", *arguments, "--source", str(root), stdout=out, stderr=out)
    return out.getvalue()


def import_until_it_is_stopped(root, command: Command) -> None:
    """As the command does it, with a stop in the place of a signal; what was not begun stays PENDING."""
    request = Request(
        FolderSource(root),
        destinations=[one for one in (command.scope, command.of) if one in DESTINATIONS],
        parks=[command.scope] if command.scope in PARKS else [],
        everything=command.scope == "all",
        first=command.first,
        last=command.last,
        missing_only=command.option == "--missing-only",
        changed_only=command.option == "--changed",
    )
    done: list[object] = []
    stop = threading.Event()

    def progress(run, step) -> None:
        done.append(step)
        if len(done) == command.stops_after:
            stop.set()

    for run in begin(plan(request, datetime.now(UTC).date())):
        if not stop.is_set():
            run_import(run, stop, progress)


def assert_all_went_well(when: str, *, may_be_stopped: bool) -> None:
    for row in ImportedFile.objects.all():
        assert row.events_read == row.stored + row.already_known + row.duplicates + row.rejected, (when, f"{row}")
    status = set(ImportCheckpoint.objects.values_list("status", flat=True))
    assert status <= {"COMPLETED", *(["PAUSED", "PENDING"] if may_be_stopped else [])}, (when, status)


def assert_is_what_was_read(oracle: Oracle) -> None:
    wiki_ids = dict(Park.objects.values_list("park_id", "themeparks_wiki_id"))
    entities = dict(Ride.objects.values_list("ride_id", "themeparks_wiki_id"))
    queues: dict[int, list[tuple]] = {}
    for row in QueueData.objects.all():
        queues.setdefault(row.snapshot_id, []).append((row.queue_type, row.wait_time_minutes))
    facts = list(RideStatusSnapshot.objects.all())
    parks = stays.parks_of([row.snapshot_id for row in facts])
    found = {}
    for row in facts:
        assert row.snapshot_id == snapshot_id_of(row.ride_id, milliseconds_of(row.recorded_at))
        assert row.data_source == "ARCHIVE"
        key = entities[row.ride_id], row.recorded_at
        park = wiki_ids[parks[row.snapshot_id]]
        further = sorted(queues.pop(row.snapshot_id, []))
        found[key] = park, row.status, row.wait_time, row.wait_told, further
    assert not queues, "rows of queue_data without a snapshot"
    due, possible = oracle.rows(), oracle.possible_rows()
    assert due.keys() - found.keys() == set()
    assert found.keys() - possible.keys() == set()
    assert {key: row for key, row in found.items() if row[1:] != possible[key][1:]} == {}
    ledger = {
        (row.destination_wiki_id, row.file_date, wiki_ids[row.park_id]): row.events_read
        for row in ImportedFile.objects.filter(outcome="IMPORTED")
        if (row.destination_wiki_id, row.file_date) in oracle.files
    }
    assert ledger == oracle.ledger()
    twice = DataQualityLog.objects.filter(reason="heard_in_two_destinations")
    assert oracle.heard_twice() <= {(row.entity_key, row.timestamp_start.date()) for row in twice}
    if not oracle.is_exact:  # what else was heard of rides, in files that are gone, is evidence too
        return
    assert found == due
    courses: dict[str, list[tuple]] = {}
    for row in RideStay.objects.order_by("ride_id", "begins_at"):
        courses.setdefault(entities[row.ride_id], []).append((wiki_ids[row.park_id], row.begins_at))
    expected = oracle.stays()
    assert courses == {ride: course for ride, course in expected.items() if len(course) > 1}
    examples = {row: row.evidence["examples"][0] for row in DataQualityLog.objects.filter(reason="ride_moved")}
    assert oracle.moves() == {
        (row.entity_key, wiki_ids[move["from_park_id"]], wiki_ids[move["to_park_id"]])
        for row, move in examples.items()
        if row.resolution_status == "OPEN"
    }
    known = {row.themeparks_wiki_id: (wiki_ids[row.park_id], row.ride_name) for row in Ride.objects.all()}
    assert known == {ride: (expected[ride][-1][0], name) for ride, name in oracle.ride_names().items()}
    named = {row.themeparks_wiki_id: (row.park_name, row.park_slug, row.timezone) for row in Park.objects.all()}
    assert {park: named[park] for park in oracle.parks()} == oracle.parks()


def assert_nothing_is_new(root) -> None:
    """No event is read a second time."""
    for option in ("--missing-only", "--changed"):
        counts = re.findall(r"([0-9,]+) events?: ", import_archive(root, "--all", option))
        assert counts and set(counts) == {"0"}, option
