"""Bytes a snapshot as loaded and compacted, and how long others wait meanwhile."""

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from django.db import connection, connections

from tests.benchmark.commands import manage
from tests.benchmark.imports import FIRST_DAY, archive
from tests.benchmark.ready_made import empty
from tests.benchmark.report import Figure
from warehouse.models import Ride, RideStatusSnapshot
from warehouse.server import catalog


def compacting(folder: Path) -> list[Figure]:
    """Three destinations in turn, four months, compacted while somebody reads and somebody writes."""
    empty()
    manage("import_archive", "--source", str(archive(folder, days=120, events=2500, destinations=3)), "--all")
    loaded = _bytes_a_snapshot()
    ride = Ride.objects.order_by("pk")[0]
    reader, writer = _Waiter(lambda cursor: _read(cursor, ride.pk)), _Waiter(lambda cursor: _write(cursor))
    with reader, writer:
        last = FIRST_DAY + timedelta(days=119)
        manage("maintain_partitions", "--compact", "--from", f"{FIRST_DAY:%Y-%m}", "--to", f"{last:%Y-%m}")
    return [
        Figure("bytes a snapshot after --compact / as loaded", [_bytes_a_snapshot() / loaded], target="0.50",
               speed=f"{loaded:.0f} B as loaded"),
        Figure("longest wait of a reader while compacting, s", [reader.longest], target="0.25"),
        Figure("longest wait of a writer while compacting, s", [writer.longest], target="0.25"),
    ]  # fmt: skip


def _bytes_a_snapshot() -> float:
    sizes = catalog.sizes("ride_status_snapshots").values()
    total = sum(size.file_bytes or size.data_bytes + size.index_bytes for size in sizes)
    return total / RideStatusSnapshot.objects.count()


def _read(cursor, ride_id: int) -> None:
    cursor.execute(
        "SELECT COUNT(*) FROM ride_status_snapshots WHERE ride_id = %s AND recorded_at >= %s AND recorded_at < %s",
        [ride_id, FIRST_DAY, FIRST_DAY + timedelta(days=40)],
    )
    cursor.fetchone()


def _write(cursor) -> None:
    cursor.execute(
        "UPDATE ride_status_snapshots SET wait_time = wait_time WHERE recorded_at >= %s AND recorded_at < %s LIMIT 1",
        [FIRST_DAY, FIRST_DAY + timedelta(days=1)],
    )


class _Waiter:
    """Does the same over and over in a session of its own, and knows how long it took at most."""

    def __init__(self, work: Callable[..., None]):
        self.longest = 0.0
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def __enter__(self) -> "_Waiter":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go(self) -> None:
        try:
            with connection.cursor() as cursor:
                while not self._stop.is_set():
                    began = time.monotonic()
                    self._work(cursor)
                    self.longest = max(self.longest, time.monotonic() - began)
                    time.sleep(0.005)
        finally:
            connections.close_all()
