"""How long readers and writers wait while months are compacted, and what is saved. Not a test: a figure to look at.

    python -m tests.warehouse.partitioning.compacting.trial_compacting [--rows 350000] [--longest-wait 0.25]

It fills January 2025 of the database that DATABASE_URL names, which must have an empty fact table: by three
destinations in turn, a day a transaction. Then a reader of one day of a ride and a writer of live rows make up to 50
statements a second each, first for 20 s beside nothing, then beside `--compact`.
"""
# ruff: noqa: T201

import argparse
import multiprocessing
import os
import time
from datetime import date

DAYS, DESTINATIONS = 31, 3
JANUARY_MS = 1_735_689_600_000
COLUMNS = "(snapshot_id, ride_id, recorded_at, status, wait_time, computed_is_open, data_source, wait_told)"
PACE_SECONDS = 0.02


def bystander(what: str, begun, leave, longest) -> None:
    from django.db import connection

    number = 0
    with connection.cursor() as cursor:
        while not leave.is_set():
            number += 1
            began = time.monotonic()
            if what == "reader":
                cursor.execute(
                    "SELECT COUNT(*), AVG(wait_time) FROM ride_status_snapshots WHERE ride_id = %s "
                    "AND recorded_at >= '2025-01-10' AND recorded_at < '2025-01-11'",
                    [1 + number % 90],
                )
                cursor.fetchone()
            elif what == "writer":
                cursor.execute(
                    f"INSERT INTO ride_status_snapshots {COLUMNS} VALUES "
                    f"((({JANUARY_MS} + 86400000 * 700 + {time.time_ns() // 1_000_000 % 10**9}) << 20) | 400, 400, "
                    "'2026-11-20', 1, 5, 1, 1, 1)"
                )
            longest.append(time.monotonic() - began)
            begun.set()
            time.sleep(PACE_SECONDS)


def beside(names: list[str], work) -> dict[str, list[float]]:
    with multiprocessing.Manager() as manager:
        leave = multiprocessing.Event()
        waits, processes = {}, []
        for name in names:
            begun, waits[name] = multiprocessing.Event(), manager.list()
            processes.append(multiprocessing.Process(target=bystander, args=(name, begun, leave, waits[name])))
            processes[-1].start()
            begun.wait()
        work()
        leave.set()
        for process in processes:
            process.join()
        return {name: sorted(waits[name]) for name in names}


def said(when: str, waits: dict[str, list[float]]) -> None:
    for name, each in waits.items():
        print(
            f"{when}: {name}: {len(each)} statements, longest {each[-1]:.3f} s, then {each[-2]:.3f}, {each[-3]:.3f}; "
            f"99 of 100 within {each[int(len(each) * 0.99)]:.3f} s",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=350_000)
    parser.add_argument("--longest-wait", type=float, default=0.25)
    options = parser.parse_args()
    from django.db import connection, connections

    from warehouse.partitioning.compacting import procedure

    a_day = options.rows // DAYS // DESTINATIONS
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT 1 FROM ride_status_snapshots WHERE recorded_at < '2026-11-01')")
        if cursor.fetchone() != (0,):
            raise SystemExit("The fact table holds rows")
        cursor.execute("DELETE FROM month_compactions")
        for destination in range(DESTINATIONS):
            for day in range(DAYS):
                cursor.execute(
                    f"INSERT INTO ride_status_snapshots {COLUMNS} SELECT (ms << 20) | ride, ride, "
                    "'1970-01-01' + INTERVAL ms * 1000 MICROSECOND, 1, 30, 1, 2, 1 FROM (SELECT "
                    f"{JANUARY_MS} + {day} * 86400000 + seq * {86_400_000 // a_day} + {destination} AS ms, "
                    f"{destination} * 100 + 1 + (seq * 37) %% 97 AS ride FROM seq_1_to_{a_day}) days",
                    [],
                )
    connections.close_all()
    took = []

    def compact():
        began = time.monotonic()
        steps = []

        def report(what, *_):
            if not steps or steps[-1][0] != what:
                steps.append((what, time.monotonic()))
                print(f"{time.monotonic() - began:6.1f} s {what}", flush=True)

        done = procedure.run(date.today(), report, longest_wait_seconds=options.longest_wait)
        took.append(time.monotonic() - began)
        print(done, flush=True)
        connections.close_all()

    print(f"load {os.getloadavg()}")
    said("alone", beside(["reader", "writer"], lambda: time.sleep(20)))
    said("beside", beside(["reader", "writer"], compact))
    print(f"{took[0]:.1f} s; load {os.getloadavg()}")


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    main()
