"""A trial by hand, not part of the suite: rollback and apply of a big table in use, killed at every step.

    DATABASE_URL=mysql://... python -m tests.warehouse.partitioning.online.trial_repartition [--rows 2000000]

Wants a migrated database whose fact table is empty, and leaves it empty. An importer (LOAD DATA, 5,000 rows a
transaction), a live writer, a reader, and an import that needs a new month every other second run in processes of
their own. Every row is written to a second table in the
same transaction; at the end the two are compared month by month. What it printed is in docs/operations.md.
"""

import argparse
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import django

STEPS = ["prepare the copy", "create the", "copy", "compare", "swap the names", "smoke checks", "drop trigger"]
PROBE_EVERY_SECONDS = 0.005
READ_NORMALLY_SECONDS = 0.05
WITNESS = "trial_rows"
COLUMNS = "snapshot_id, ride_id, recorded_at, status, wait_time, computed_is_open, data_source"


def importer(stop, tally) -> None:
    """Files of 2025, each one transaction of 5,000 rows."""
    from django.db import connection, transaction

    number = 0
    while not stop.is_set():
        lines = []
        for _ in range(5_000):
            number += 1
            lines.append(_row(900_000, 1735689600000 + number * 1_000, "ARCHIVE"))
        with _memory_file("".join(lines)) as path, transaction.atomic(), connection.cursor() as cursor:
            for table in ("ride_status_snapshots", WITNESS):
                cursor.execute(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE {table} ({COLUMNS})")
                if cursor.rowcount != 5_000:
                    raise RuntimeError(f"{table} took {cursor.rowcount} rows of 5,000")
        tally["importer"] = number
        time.sleep(0.2)


def live_writer(stop, tally) -> None:
    """One row every 20 ms, of November 2026."""
    from django.db import connection, transaction

    number = 0
    while not stop.is_set():
        number += 1
        values = _row(900_001, 1793491200000 + number * 1_000, "LIVE").rstrip("\n").split("\t")
        with transaction.atomic(), connection.cursor() as cursor:
            for table in ("ride_status_snapshots", WITNESS):
                cursor.execute(f"INSERT INTO {table} ({COLUMNS}) VALUES ({', '.join(['%s'] * 7)})", values)
        tally["live"] = number
        time.sleep(0.02)


def reader(stop, tally, table) -> None:
    """A question of one hour every 5 ms; what it takes beyond 50 ms counts as waited.

    Another reader asks the witness the same, which nobody ever locks: what that one waits, the machine is slow.
    """
    from django.db import connection

    waited = longest = reads = 0
    while not stop.is_set():
        began = time.monotonic()
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT COUNT(*) FROM {table} "
                "WHERE recorded_at >= '2025-06-01 10:00:00' AND recorded_at < '2025-06-01 11:00:00'"
            )
            cursor.fetchone()
        took = time.monotonic() - began
        reads += 1
        longest = max(longest, took)
        waited += max(0.0, took - READ_NORMALLY_SECONDS)
        tally[table] = f"{reads:,} reads, waited {waited:.2f} s in all, {longest:.2f} s at most"
        time.sleep(PROBE_EVERY_SECONDS)


def month_maker(stop, tally) -> None:
    """Months back from 2024, one every 2 s: what an import needs before its rows."""
    from datetime import date

    from warehouse.partitioning import partitions

    month, longest, blocked, made = date(2024, 12, 1), 0.0, 0, 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            made += len(partitions.ensure(month, month))
        except partitions.PartitionsBlocked:
            blocked += 1
        longest = max(longest, time.monotonic() - began)
        tally["months"] = f"{made} months made, {longest:.2f} s waited for one at most, {blocked} given up"
        month = partitions.add_months(month, -1)
        stop.wait(2)


def run_killed_at_every_step(direction: str) -> None:
    """Call the command again and again; each call is killed one step later than the one before."""
    for step in STEPS:
        command = subprocess.Popen(
            [sys.executable, "manage.py", "partition_snapshots", direction],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        for line in command.stdout:
            if line.startswith(step):
                os.kill(command.pid, signal.SIGKILL)
                break
        command.wait()
        print(f"  {direction}: killed at '{step}' ({command.returncode})")  # noqa: T201
    began = time.monotonic()
    subprocess.run([sys.executable, "manage.py", "partition_snapshots", direction], check=True)
    print(f"  {direction}: finished {time.monotonic() - began:.1f} s after the last call")  # noqa: T201


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000_000)
    rows = parser.parse_args().rows
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.db import connection, connections

    from tests.warehouse.conftest import Snapshots
    from warehouse.partitioning.online import comparison, procedure
    from warehouse.partitioning.partitions import TABLE

    snapshots = Snapshots()
    if snapshots.count():
        sys.exit(f"{TABLE} is not empty: this wants a database of its own")
    began = time.monotonic()
    for start in range(0, rows, 500_000):
        snapshots.fill(min(500_000, rows - start), f"2025-{1 + start // 500_000 * 2:02}-01 00:00:00", 10)
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE {WITNESS} LIKE {TABLE}")
        cursor.execute(f"INSERT INTO {WITNESS} SELECT * FROM {TABLE}")
    print(f"{snapshots.count():,} rows made in {time.monotonic() - began:.0f} s")  # noqa: T201
    connections.close_all()

    stop, tally = multiprocessing.Event(), multiprocessing.Manager().dict()
    workers = [
        multiprocessing.Process(target=work, args=(stop, tally)) for work in (importer, live_writer, month_maker)
    ]
    workers += [multiprocessing.Process(target=reader, args=(stop, tally, table)) for table in (TABLE, WITNESS)]
    for worker in workers:
        worker.start()
    try:
        for direction in ("rollback", "apply"):
            run_killed_at_every_step(direction)
    finally:
        stop.set()
        for worker in workers:
            worker.join()
    if any(worker.exitcode for worker in workers):
        sys.exit("a writer or the reader met an error")

    months = list(comparison.compare(TABLE, WITNESS))
    different = [month for month in months if not month.same]
    print(  # noqa: T201
        f"{snapshots.count():,} rows in {len(months)} months, {len(different)} differ; meanwhile written: "
        f"{tally['importer']:,} by the importer, {tally['live']:,} live. The table: {tally[TABLE]}. The witness, "
        f"which is never locked: {tally[WITNESS]}. {tally['months']}"
    )
    for name in procedure.look().backups:
        procedure.drop_backup(name, lambda *_: None)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP TABLE {WITNESS}")
        cursor.execute(f"TRUNCATE TABLE {TABLE}")
    sys.exit(bool(different))


def _row(ride_id: int, milliseconds: int, source: str) -> str:
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(milliseconds / 1000))
    return f"{(milliseconds << 20) | ride_id}\t{ride_id}\t{at}\tOPERATING\t15\t1\t{source}\n"


class _memory_file:
    def __init__(self, text: str):
        self.descriptor = os.memfd_create("rows")
        os.write(self.descriptor, text.encode())

    def __enter__(self) -> str:
        return f"/proc/self/fd/{self.descriptor}"

    def __exit__(self, *_) -> None:
        os.close(self.descriptor)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main()
