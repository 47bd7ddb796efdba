"""Day files made beside the assertion: an event as the archive sends it, changed where a test wants it changed."""

import json
import threading
import zlib
from datetime import UTC, date, datetime
from pathlib import Path

from imports.archive.beginning import begin
from imports.archive.planning import plan
from imports.archive.request import Request
from imports.sources.folder import FolderSource
from imports.sources.source import key_of

DESTINATION = "11111111-1111-4111-8111-111111111111"
PARK = "22222222-2222-4222-8222-222222222222"
OTHER_PARK = "33333333-3333-4333-8333-333333333333"
RIDE = "44444444-4444-4444-8444-444444444444"
OTHER_RIDE = "55555555-5555-4555-8555-555555555555"
DAY = date(2024, 12, 25)
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def ride(n: int) -> str:
    return f"44444444-4444-4444-8444-{n:012}"


def event(time="10:00:00.123Z", *, entity=RIDE, day=DAY, status="OPERATING", queue=None, park=PARK, **changes) -> dict:
    """One event; `time` of `day`, or a whole instant. A change to ... leaves the key out."""
    made = {
        "entityId": entity,
        "internalId": "10877",
        "name": "TRANSFORMERS™: The Ride-3D",
        "data": {"status": status, "queue": queue, "destinationId": DESTINATION},
        "eventTime": f"{day}T{time}" if isinstance(time, str) and time[2:3] == ":" else time,
        "localTime": f"{day}T05:00:00-05:00",
        "timezone": "America/New_York",
        "parkId": park,
        "parkSlug": "a-park" if park == PARK else "another-park",
    } | changes
    return {key: value for key, value in made.items() if value is not ...}


def packed(events) -> bytes:
    return zlib.compress(json.dumps({"events": events}).encode())


def write_day(root: Path, events, day: date = DAY, destination: str = DESTINATION) -> Path:
    """`events`: a list of events, or the raw bytes of the file."""
    path = root / key_of(destination, day)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(events if isinstance(events, bytes) else packed(events))
    return path


def runs(root: Path, **request):
    """The runs of an import of everything in `root`, begun but not started."""
    request = {"everything": True} | request
    return begin(plan(Request(FolderSource(root), **request), date(2026, 1, 1)), lambda: NOW)


def import_all(root: Path, **request):
    """Import everything in `root`; the totals of its one run."""
    from imports.archive.pipeline import run_import

    (run,) = runs(root, **request)
    assert run_import(run, threading.Event())
    return run.totals
