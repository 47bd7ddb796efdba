"""python -m tests.torture: cycle after cycle, and what came of them. See bin/torture."""

import argparse
import os
import signal
import sys
import time
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path

os.environ.update(
    DATABASE_URL="mysql://root@/warehouse?unix_socket=/nowhere/none.sock", SECRET_KEY="only-for-torture", DEBUG="false",
    SECURE_SSL_REDIRECT="false", SECURE_COOKIES="false",
)  # fmt: skip

from django.core.checks import run_checks

import tests.imports.loaded  # noqa: F401
from tests.torture import cycle, nodes, report
from tests.torture.lane import Lane, be_in_a_hurry
from tests.torture.server import Server, leave, make_template, room
from tests.torture.strikes import STRIKES

NAMES = sorted({strike.__name__ for strike, _ in STRIKES + nodes.STRIKES})


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/torture", description="Imports under fire, held against an oracle.")
    parser.add_argument("--cycles", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the first cycle; each next one has the next (1)")
    lanes = (os.cpu_count() or 1) + 1  # one of them mostly waits: for a server that is away, for what is frozen
    parser.add_argument("--lanes", type=int, help=f"cycles at once, a server each ({lanes})")
    parser.add_argument("--only", action="append", default=[], choices=NAMES, help="this strike; may be repeated")
    parser.add_argument("--write", action="store_true", help="the table to docs/reliability.md")
    parser.add_argument("--planted", action="store_true", help="first break the importer by hand, and see it told")
    parser.add_argument("--cluster", action="store_true", help="on a Galera cluster, whose nodes are killed")
    parser.add_argument("--on", metavar="HOME", help="the cluster that runs there (CLUSTER_HOME), with one lane")
    parser.add_argument("--strikes", type=int, default=cycle.STRIKES_A_CYCLE, help="in a cycle (%(default)s)")
    parser.add_argument("--days", type=int, help="instead of an archive as the seed has it, so many of one destination")
    options = parser.parse_args(argv)
    if options.cluster and options.planted:
        parser.error("--planted is of one server")
    options.lanes = options.lanes or (1 if options.cluster else lanes)
    report.Told.of_a_cluster = options.cluster
    report.Told.chosen = chosen(options)
    if sys.platform != "linux":
        raise SystemExit("bin/torture needs Linux: /proc, and processes that end with their parent")
    folder = room()
    try:
        return torture(folder, options)
    finally:
        leave(folder)


def chosen(options: argparse.Namespace) -> list[str]:
    """The options but for the usual ones, as they were given."""
    words = [f"--only {strike}" for strike in options.only]
    words += [f"--on {options.on}"] if options.on else []
    words += [f"--strikes {options.strikes}"] if options.strikes != cycle.STRIKES_A_CYCLE else []
    return words + ([f"--days {options.days}"] if options.days else [])


def torture(folder: Path, options: argparse.Namespace) -> int:
    be_in_a_hurry()
    run_checks()  # what they load is loaded here, once
    template = folder / "template" if options.cluster else make_template(folder / "template", migrate)
    if options.planted and not all_planted_faults_are_told(folder, template):
        return 1
    seeds, lanes = list(range(options.seed, options.seed + options.cycles)), min(options.lanes, options.cycles)
    outcomes, began = [], time.monotonic()
    for outcome in in_lanes(folder, template, seeds, lanes, options):
        outcomes.append(outcome)
        report.say(report.line_of(outcome))
    if outcomes:
        version = nodes.version() if options.cluster else version_of(folder, template)
        where = report.circumstances(outcomes, version, time.monotonic() - began, lanes)
        text = f"{where}\n\n{report.table(outcomes)}"
        report.say(text)
        if options.write:
            report.write(text)
    return 0 if all(outcome.is_sound for outcome in outcomes) and len(outcomes) == len(seeds) else 1


def version_of(folder: Path, template: Path) -> str:
    server = Server(folder / "version")
    server.folder.mkdir()
    try:
        server.begin_as(template)
        return server.version()
    finally:
        server.close()


def all_planted_faults_are_told(folder: Path, template: Path) -> bool:
    from tests.torture import planted

    (folder / "planted").mkdir()
    sound = True
    lane = Lane(folder / "planted", template)
    try:
        for fault, lines in planted.told(lane):
            report.say(f"{fault or 'no fault'}: {lines[0][:200] if lines else 'nothing is told'}")
            sound = sound and bool(lines) == bool(fault)
    finally:
        lane.close()
    return sound


def migrate(server: Server) -> None:
    from django.core.management import call_command
    from django.db import connection

    connection.settings_dict.update(HOST="", NAME="warehouse", USER="root")
    connection.settings_dict["OPTIONS"]["unix_socket"] = str(server.socket)
    call_command("migrate", verbosity=0)
    connection.close()


def in_lanes(folder: Path, template: Path, seeds: list[int], lanes: int, options: argparse.Namespace):
    """The outcomes, as they come."""
    pipes, pids = [], []
    for number in range(lanes):
        ours, its = Pipe(duplex=False)
        if (pid := os.fork()) == 0:
            run_lane(folder / f"{number}", template, seeds[number::lanes], options, its)
        its.close()
        pipes.append(ours)
        pids.append(pid)
    while pipes:
        for ready in wait(pipes):
            try:
                yield ready.recv()
            except EOFError:
                pipes.remove(ready)
    for pid in pids:
        os.waitpid(pid, 0)


def run_lane(folder: Path, template: Path, seeds: list[int], options: argparse.Namespace, to) -> None:
    from tests.imports.parents import end_with_the_parent

    status = 1
    try:
        end_with_the_parent()
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
        folder.mkdir()
        home = options.on or f"var/cluster-torture-{folder.name}"
        server = nodes.Nodes(home, is_anothers=bool(options.on)) if options.cluster else None
        lane = Lane(folder, template, server)
        try:
            for seed in seeds:
                of = nodes.STRIKES if options.cluster else STRIKES
                plan = cycle.plan_of(seed, options.only, options.strikes, of)
                if options.days:
                    plan = replace(plan, destinations=1, days=options.days)
                to.send(cycle.run(plan, lane))
            status = 0
        finally:
            lane.close()
    finally:
        os._exit(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
