"""The benchmark behind bin/bench: an import end to end against the very same rows loaded ready-made.

Three speeds, in events a second, on one server in one run: `manage.py import_archive` (reading, inflating, decoding,
validating, resolving, loading, ledger, checkpoints) as a process of its own; LOAD DATA LOCAL of the rows it stored,
from finished files in memory, in the same transactions of a day; and Django's bulk_create of the same rows. On a
noisy machine the ratios hold where the speeds do not; of several rounds the median ratio is the figure.
"""

import argparse
import io
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit, urlunsplit

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection, transaction  # noqa: E402

from imports.loading.loader import SNAPSHOT_COLUMNS, SNAPSHOT_QUEUE_COLUMNS  # noqa: E402
from warehouse.models import QueueData, RideStatusSnapshot  # noqa: E402

BULK_CREATE_EVENTS = 50_000  # a tenth of the rows: bulk_create is some twelve times slower
FIRST_DAY = date(2025, 1, 1)
DESTINATIONS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=510_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    days = max(1, options.events // (DESTINATIONS * 5000))
    with tempfile.TemporaryDirectory() as archive:
        call_command(
            "create_sample_archive", archive, days=days, events_per_day=5000, destinations=DESTINATIONS,
            seed=1, start=FIRST_DAY, stdout=io.StringIO(),
        )  # fmt: skip
        name = f"bench_{os.getpid()}"
        connection.settings_dict["NAME"] = name
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            rounds = [_round(archive) for _ in range(options.rounds)]
        finally:
            connection.creation.destroy_test_db(name, verbosity=0)
    _report(rounds, days)


def _round(archive: str) -> dict[str, float]:
    _empty()
    seconds, peak_mb = _import(archive)
    snapshots, queues = _stored()
    events = len(snapshots)
    result = {"events": events, "queue rows": len(queues), "peak MB": peak_mb, "import": events / seconds}
    by_day = _files_by_day(snapshots, queues)
    _empty()
    result["LOAD DATA"] = events / _timed(lambda: _load_ready_made(by_day))
    _empty()
    some = snapshots[:BULK_CREATE_EVENTS]
    ids = {row[0] for row in some}
    models = (
        [RideStatusSnapshot(**_aware(SNAPSHOT_COLUMNS, row)) for row in some],
        [QueueData(**_aware(SNAPSHOT_QUEUE_COLUMNS, row)) for row in queues if row[0] in ids],
    )
    result["bulk_create"] = len(some) / _timed(lambda: _bulk_create(*models))
    return result


def _import(archive: str) -> tuple[float, float]:
    """Seconds and peak memory of the command as an operator runs it, without the start of Python and Django."""
    environment = {**os.environ, "DATABASE_URL": _test_url(), "SECRET_KEY": settings.SECRET_KEY}
    idle, _ = _manage(environment, "import_archive", "--list")
    seconds, peak_mb = _manage(environment, "import_archive", "--source", archive, "--all")
    return seconds - idle, peak_mb


# The command in a process that says its own peak memory: ru_maxrss of a child counts what its parent held.
_TELL_PEAK = """
import runpy, sys
sys.argv = ["manage.py", *sys.argv[1:]]
runpy.run_path("manage.py", run_name="__main__")
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0], file=sys.stderr)
"""


def _manage(environment: dict[str, str], *arguments: str) -> tuple[float, float]:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", _TELL_PEAK, *arguments],
        cwd=Path(__file__).parent.parent,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    return time.monotonic() - began, int(done.stderr.split()[-1]) / 1024


def _test_url() -> str:
    url = os.environ.get("DATABASE_URL") or settings.PRIVATE_DATABASE_URL_FILE.read_text().strip()
    return urlunsplit(urlsplit(url)._replace(path="/" + connection.settings_dict["NAME"]))


def _stored() -> tuple[list[tuple], list[tuple]]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(SNAPSHOT_COLUMNS)} FROM ride_status_snapshots ORDER BY snapshot_id")
        snapshots = list(cursor.fetchall())
        cursor.execute(f"SELECT {', '.join(SNAPSHOT_QUEUE_COLUMNS)} FROM queue_data ORDER BY snapshot_id")
        return snapshots, list(cursor.fetchall())


def _files_by_day(snapshots: list[tuple], queues: list[tuple]) -> list[tuple[bytes, bytes]]:
    day_of = {row[0]: row[2].date() for row in snapshots}
    days: dict = {}
    for row in snapshots:
        days.setdefault(day_of[row[0]], ([], []))[0].append(_line(row))
    for row in queues:
        days[day_of[row[0]]][1].append(_line(row))
    return [("".join(one).encode(), "".join(other).encode()) for one, other in days.values()]


def _line(row: tuple) -> str:
    return "\t".join("\\N" if value is None else str(value) for value in row) + "\n"


def _load_ready_made(by_day: list[tuple[bytes, bytes]]) -> None:
    for snapshots, queues in by_day:
        with transaction.atomic(), connection.cursor() as cursor:
            _load(cursor, "ride_status_snapshots", SNAPSHOT_COLUMNS, snapshots)
            _load(cursor, "queue_data", SNAPSHOT_QUEUE_COLUMNS, queues)


def _load(cursor, table: str, columns: tuple[str, ...], content: bytes) -> None:
    with os.fdopen(os.memfd_create("rows"), "wb") as file:
        file.write(content)
        file.flush()
        cursor.execute(
            f"LOAD DATA LOCAL INFILE '/proc/self/fd/{file.fileno()}' INTO TABLE {table} "
            f"CHARACTER SET utf8mb4 ({', '.join(columns)})"
        )


def _aware(columns: tuple[str, ...], row: tuple) -> dict:
    return {
        column: value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
        for column, value in zip(columns, row, strict=True)
    }


def _bulk_create(snapshots: list[RideStatusSnapshot], queues: list[QueueData]) -> None:
    with transaction.atomic():
        RideStatusSnapshot.objects.bulk_create(snapshots, batch_size=5000)
        QueueData.objects.bulk_create(queues, batch_size=5000)


def _empty() -> None:
    tables = ["ride_status_snapshots", "queue_data", "import_files", "import_checkpoints", "data_quality_log", "rides"]
    with connection.cursor() as cursor:
        cursor.execute("SET foreign_key_checks = 0")
        for table in [*tables, "parks"]:
            cursor.execute(f"TRUNCATE TABLE {table}")
        cursor.execute("SET foreign_key_checks = 1")


def _timed(work) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _report(rounds: list[dict[str, float]], days: int) -> None:
    first = rounds[0]
    print(f"{first['events']:,} events, {first['queue rows']:,} queue rows, {days} days x {DESTINATIONS} destinations")  # noqa: T201
    for name in ("import", "LOAD DATA", "bulk_create"):
        speeds = [found[name] for found in rounds]
        print(f"{name:<12} {median(speeds):>9,.0f} events/s   ({', '.join(f'{s:,.0f}' for s in speeds)})")  # noqa: T201
    for other in ("LOAD DATA", "bulk_create"):
        ratios = [found["import"] / found[other] for found in rounds]
        print(f"import / {other:<12} {median(ratios):.2f}   ({', '.join(f'{r:.2f}' for r in ratios)})")  # noqa: T201
    print(f"peak memory of the importer: {max(found['peak MB'] for found in rounds):.0f} MB")  # noqa: T201


if __name__ == "__main__":
    main()
