"""A few months of a park, stored as imports store them, and what an export of them is looked at with."""

import json
from datetime import UTC, date, datetime, timedelta
from io import StringIO
from pathlib import Path

from django.core.management import call_command
from django.db import connection, transaction

from imports.events.dayfile import event_from
from imports.events.validation import Observation, validate
from imports.loading import loader
from tests.imports.building import NOW, event
from warehouse.models import Park, Ride
from warehouse.rides import numbering
from warehouse.snapshot_id import snapshot_id_of

JANUARY, FEBRUARY, MARCH = (date(2025, month, 1) for month in (1, 2, 3))
MONTHS = ["2025-01", "2025-02", "2025-03"]
LINES = {
    "STANDBY": {"waitTime": 45},
    "SINGLE_RIDER": {"waitTime": 10},
    "PAID_RETURN_TIME": {
        "state": "AVAILABLE",
        "returnStart": "2025-01-05T10:00:00-05:00",
        "price": {"amount": 2150, "currency": "USD"},
    },
    "BOARDING_GROUP": {"allocationStatus": "été, \\N and\ttab", "currentGroupStart": 3},
}


def plant(rides: int = 3, events_a_month: int = 60) -> list[int]:
    """Three months of a park, every third row with further lines; the ride ids."""
    park = Park.objects.create(park_name="Parc d'été", timezone="America/New_York", themeparks_wiki_id="p" * 36)
    with transaction.atomic():
        ride_ids = list(numbering.take_numbers(rides))
        for n, ride_id in enumerate(ride_ids):
            Ride.objects.create(ride_id=ride_id, park=park, ride_name=f"Ride {n}", themeparks_wiki_id=f"{n:036}")
    for month in (JANUARY, FEBRUARY, MARCH):
        for n, ride_id in enumerate(ride_ids):
            begin = datetime(month.year, month.month, 1, 0, 0, n, 123_000, tzinfo=UTC)
            store(
                ride_id,
                *(
                    event(
                        (begin + k * timedelta(days=27) / events_a_month).isoformat(timespec="milliseconds"),
                        status=("OPERATING", "DOWN", "CLOSED")[k % 3],
                        queue=LINES if k % 3 == 0 else None,
                    )
                    for k in range(events_a_month)
                ),
            )
    return ride_ids


def observations(ride_id: int, *events: dict) -> dict[int, Observation]:
    found = validate([event_from(raw) for raw in events], NOW).observations
    return {snapshot_id_of(ride_id, row.milliseconds): row for row in found}


def store(ride_id: int, *events: dict) -> list[int]:
    """As an import does; the snapshot ids."""
    rows = observations(ride_id, *events)
    loader.make_months(list(rows.values()))
    with transaction.atomic():
        loader.load(rows, "ARCHIVE")
    return list(rows)


def withdraw(*snapshot_ids: int) -> None:
    with transaction.atomic():
        loader.delete(snapshot_ids)


def export(to: object, **options) -> str:
    """What the command prints."""
    out = StringIO()
    call_command("export_history", to=str(to), stdout=out, **options)
    return out.getvalue()


def written(said: str) -> list[str]:
    """The months that an export says it wrote."""
    return [line[:7] for line in said.splitlines() if line[4:5] == "-"]


def manifest(folder: Path) -> dict:
    return json.loads((folder / "manifest.json").read_bytes())


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*.parquet")}


def named(folder: Path, dataset: str = "") -> set[str]:
    return {part["path"] for part in manifest(folder)["files"] if part["dataset"].startswith(dataset)}


def of_server(sql: str) -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())
