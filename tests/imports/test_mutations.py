"""Damaged day files, live answers and catalogues through the real path: no exception, and nothing that does not add up.

A short run by default. The long one (docs/reliability.md):

    MUTATED_FILES=10000 MUTATED_ANSWERS=2000 MUTATED_CATALOGUES=1000 \\
        ./bin/test -n 0 -s --timeout 0 -o faulthandler_timeout=0 tests/imports/test_mutations.py
"""

import os
import random
import re
import resource
import shutil
import sys
import time
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Sum

from imports.api.themeparks import MalformedAnswer, ThemeParksApi
from imports.events.dayfile import Event, UnreadableFile, decode
from imports.events.validation import validate
from imports.live import collector
from imports.metadata import sync as metadata_sync
from imports.models import FileOutcome, ImportCheckpoint, ImportedFile
from imports.sources.source import key_of
from quality.models import DataQualityLog
from tests.imports.api_world import MAGIC_KINGDOM, RESORT, magic_kingdom
from tests.imports.building import event, write_day
from tests.imports.fault_server import Answer
from tests.imports.mutation import bomb, mutated_file, mutated_json
from warehouse.ids import uuid_of
from warehouse.models import RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
FILES = int(os.environ.get("MUTATED_FILES", 120))
ANSWERS = int(os.environ.get("MUTATED_ANSWERS", 40))
CATALOGUES = int(os.environ.get("MUTATED_CATALOGUES", 30))
SEED = int(os.environ.get("MUTATION_SEED", 11))
DAYS, DESTINATIONS = (20, 6) if FILES < 1_000 else (60, 4)  # of one archive
FIRST = date(2018, 1, 1)
BOMB_INFLATED_BYTES = 60_000_000
MEMORY_MAX_MB = 700  # of the process, above what it took before


def uuid(kind: int, n: int) -> str:
    return f"{kind:08}-0000-4000-8000-{n:012}"


def sound_day(destination: int, day: date) -> dict:
    """A day of two parks with two rides each: every queue there is, and the status that goes with it."""
    queues = [
        {"STANDBY": {"waitTime": 35}, "SINGLE_RIDER": {"waitTime": 10}},
        {"RETURN_TIME": {"state": "AVAILABLE", "returnStart": f"{day}T15:00:00-05:00", "returnEnd": None}},
        {"PAID_RETURN_TIME": {"state": "FINISHED", "price": {"amount": 2100, "currency": "USD", "formatted": "$21"}}},
        {
            "BOARDING_GROUP": {
                "allocationStatus": "PAUSED",
                "currentGroupStart": 1,
                "currentGroupEnd": 9,
                "estimatedWait": 90,
            }
        },
        None,
    ]
    return {
        "events": [
            event(
                f"{hour:02}:{ride:02}:07.321Z",
                day=day,
                entity=uuid(4, destination * 10 + ride),
                park=uuid(2, destination * 10 + ride % 2),
                status="OPERATING" if hour % 3 else "DOWN",
                queue=queues[(hour + ride) % len(queues)],
            )
            for hour in range(9, 14)
            for ride in range(4)
        ]
    }


def say(line: str) -> None:
    """For the long run, which is looked at with -s."""
    sys.stdout.write(line + "\n")


def forget_answers(settings) -> None:
    """As `ask_anew`, which sets a setting: a thousand times, and the test settings nest too deeply to be asked."""
    shutil.rmtree(settings.THEMEPARKS_CACHE_DIR, ignore_errors=True)


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


# --- day files --------------------------------------------------------------------------------------------------------
def test_damaged_day_files_are_imported_or_told(tmp_path):
    chance, before, began = random.Random(SEED), peak_mb(), time.monotonic()
    outcomes: Counter = Counter()
    for archive in range(-(-FILES // (DAYS * DESTINATIONS))):
        root = tmp_path / f"{archive}"
        events_of = {}
        days = [FIRST + timedelta(days=archive * DAYS + n) for n in range(DAYS)]
        for destination in range(archive * DESTINATIONS, (archive + 1) * DESTINATIONS):
            for day in days:
                raw = mutated_file(sound_day(destination, day), chance)
                write_day(root, raw, day, uuid(1, destination))
                events_of[key_of(uuid(1, destination), day)] = _events_in(raw)
        if archive % 10 == 0:
            for day, filling in zip(reversed(days), (b"0,", b"{},", b'{"name":[[]]},', b" "), strict=False):
                write_day(root, bomb(filling, BOMB_INFLATED_BYTES), day, uuid(1, 0))
                events_of[key_of(uuid(1, 0), day)] = None
        call_command("import_archive", "--source", str(root), "--all", stdout=StringIO())
        assert set(ImportCheckpoint.objects.values_list("status", flat=True)) == {"COMPLETED"}
        outcomes += _adds_up(events_of)
    assert ImportedFile.objects.aggregate(stored=Sum("stored"))["stored"] <= RideStatusSnapshot.objects.count()
    grown = peak_mb() - before
    say(
        f"\n{sum(outcomes.values())} files: {dict(outcomes)}, {RideStatusSnapshot.objects.count():,} snapshots, "
        f"{time.monotonic() - began:.0f} s, memory +{grown:.0f} MB"
    )
    assert grown < MEMORY_MAX_MB


def _events_in(raw: bytes) -> list | None:
    try:
        return decode(raw)
    except UnreadableFile:
        return None


def _adds_up(events_of: dict[str, list | None]) -> Counter:
    """Every file is in the ledger as what it is, and all events of the parks there are counted."""
    outcomes: Counter = Counter()
    rows: dict[str, list[ImportedFile]] = {}
    for row in ImportedFile.objects.select_related("park").filter(source_file__in=events_of):
        rows.setdefault(row.source_file, []).append(row)
        assert row.events_read == row.stored + row.already_known + row.duplicates + row.rejected, row.source_file
    unreadable = set()
    for found in DataQualityLog.objects.filter(reason="unreadable_file"):
        unreadable |= set(found.evidence.get("files", [found.source_file]))
    for key, events in events_of.items():
        assert (events is None) == (key in unreadable), key
        if key not in rows:  # before the first file that names a park there is nobody whose ledger it could be
            assert not any(type(found) is Event and uuid_of(found.parkId) for found in events or ()), key
            outcomes["no park's"] += 1
            continue
        outcome = {row.outcome for row in rows[key]}
        counted = sum(row.events_read for row in rows[key])
        if events is None:
            assert (outcome, counted) == ({FileOutcome.UNREADABLE}, 0), key
        else:
            parks = {row.park.themeparks_wiki_id for row in rows[key]}
            named = [uuid_of(found.parkId) if type(found) is Event else None for found in events]
            nobodys = sum(park not in parks for park in named)
            storable = {observation.park_id for observation in validate(events, datetime.now(UTC)).observations}
            assert storable - {None} <= parks, key  # who is not in the ledger said nothing that could be stored
            assert len(events) - nobodys <= counted <= len(events), key
            assert FileOutcome.UNREADABLE not in outcome, key
        outcomes[min(outcome)] += 1
    return outcomes


# --- answers ----------------------------------------------------------------------------------------------------------
def test_damaged_live_answers_are_stored_or_told(api_server, world, settings):
    chance, before, began = random.Random(SEED + 1), peak_mb(), time.monotonic()
    sound = {"id": RESORT, "liveData": world.live[RESORT]}
    bodies: dict[str, bytes] = {}
    api_server.answers = lambda path, headers: Answer(bodies[path.split("/")[3]])
    totals: Counter = Counter()
    for first in range(0, ANSWERS, 50):
        destinations = [uuid(1, n) for n in range(first, min(first + 50, ANSWERS))]
        bodies.clear()
        bodies |= {destination: mutated_json(sound, chance) for destination in destinations}
        while destinations:  # a run ends after 180 s, and the next goes on
            forget_answers(settings)
            found = collector.collect(ThemeParksApi(), destinations, lambda: datetime.now(UTC))
            assert found.rows_read == found.stored + found.already_known + found.duplicates + found.rejected
            assert all("no JSON" in failure["error"] or "no list" in failure["error"] for failure in found.failures)
            totals += Counter(
                answers=found.destinations, refused=found.failed, rows=found.rows_read, rejected=found.rejected
            )
            destinations = destinations[len(destinations) - found.not_reached :] if found.not_reached else []
    grown = peak_mb() - before
    say(
        f"\n{ANSWERS} answers: {dict(totals)}, {RideStatusSnapshot.objects.count():,} snapshots, "
        f"{time.monotonic() - began:.0f} s, memory +{grown:.0f} MB"
    )
    assert totals["answers"] + totals["refused"] == ANSWERS
    assert grown < MEMORY_MAX_MB


def test_damaged_catalogues_are_taken_over_or_told(api_server, settings):
    chance, before, began = random.Random(SEED + 2), peak_mb(), time.monotonic()
    totals: Counter = Counter()
    for _ in range(CATALOGUES):
        world = magic_kingdom()
        catalogue = {"destinations": world.destinations}
        bodies = {
            "destinations": mutated_json(catalogue, chance) if chance.random() < 0.3 else None,
            f"entity/{RESORT}/children": mutated_json({"children": world.children[RESORT]}, chance),
            f"entity/{MAGIC_KINGDOM}": mutated_json(world.entities[MAGIC_KINGDOM], chance),
        }

        def answer(path: str, headers: dict, bodies=bodies, world=world) -> Answer:
            body = bodies.get(path.removeprefix("/v1/"))
            return world.answers(path, headers) if body is None else Answer(body)

        api_server.answers = answer
        forget_answers(settings)
        api = ThemeParksApi()
        try:
            targets = metadata_sync.targets(api)
        except MalformedAnswer:
            totals["no catalogue"] += 1
            continue
        for synced in metadata_sync.sync(api, targets, lambda: datetime.now(UTC)):
            assert not synced.error or re.search("no JSON|no list|no id|Entity not found", synced.error), synced.error
            totals["refused" if synced.error else "taken over"] += 1
    grown = peak_mb() - before
    say(f"\n{CATALOGUES} catalogues: {dict(totals)}, {time.monotonic() - began:.0f} s, memory +{grown:.0f} MB")
    assert grown < MEMORY_MAX_MB
