"""python -m tests.torture: cycle after cycle, and what came of them. See bin/torture."""

import argparse
import os
import shutil
import signal
import sys
from collections import Counter
from multiprocessing import Pipe
from multiprocessing.connection import wait
from pathlib import Path

os.environ.update(
    DATABASE_URL="mysql://root@/warehouse?unix_socket=/nowhere/none.sock", SECRET_KEY="only-for-torture", DEBUG="false",
    SECURE_SSL_REDIRECT="false", SECURE_COOKIES="false",
)  # fmt: skip

from django.core.checks import run_checks

import tests.imports.loaded  # noqa: F401
from tests.torture import cycle
from tests.torture.lane import Lane, be_in_a_hurry
from tests.torture.server import Server, make_template, room


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/torture", description="Imports under fire, held against an oracle.")
    parser.add_argument("--cycles", type=int, default=10, help="how many (10)")
    parser.add_argument("--seed", type=int, default=1, help="of the first cycle; each next one has the next (1)")
    parser.add_argument("--lanes", type=int, default=os.cpu_count() or 1, help="cycles at once, a server each (cores)")
    parser.add_argument("--write", action="store_true", help="the table to docs/reliability.md")
    options = parser.parse_args(argv)
    folder = room()
    try:
        return torture(folder, options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def torture(folder: Path, options: argparse.Namespace) -> int:
    be_in_a_hurry()
    run_checks()  # what they load is loaded here, once
    template = make_template(folder / "template", migrate)
    seeds = list(range(options.seed, options.seed + options.cycles))
    outcomes = []
    for outcome in in_lanes(folder, template, seeds, min(options.lanes, len(seeds))):
        outcomes.append(outcome)
        say(outcome)
    total(outcomes)
    return 0 if all(outcome.is_sound for outcome in outcomes) and len(outcomes) == len(seeds) else 1


def migrate(server: Server) -> None:
    from django.core.management import call_command
    from django.db import connection

    connection.settings_dict.update(HOST="", NAME="warehouse", USER="root")
    connection.settings_dict["OPTIONS"]["unix_socket"] = str(server.socket)
    call_command("migrate", verbosity=0)
    connection.close()


def in_lanes(folder: Path, template: Path, seeds: list[int], lanes: int):
    """The outcomes, as they come."""
    pipes = []
    for number in range(lanes):
        ours, its = Pipe(duplex=False)
        if os.fork() == 0:
            run_lane(folder / f"{number}", template, seeds[number::lanes], its)
        its.close()
        pipes.append(ours)
    while pipes:
        for ready in wait(pipes):
            try:
                yield ready.recv()
            except EOFError:
                pipes.remove(ready)


def run_lane(folder: Path, template: Path, seeds: list[int], to) -> None:
    from tests.imports.parents import end_with_the_parent

    status = 1
    try:
        end_with_the_parent()
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
        folder.mkdir()
        lane = Lane(folder, template)
        try:
            for seed in seeds:
                to.send(cycle.run(cycle.plan_of(seed), lane))
            status = 0
        finally:
            lane.close()
    finally:
        os._exit(status)


def say(outcome: cycle.Outcome) -> None:
    ", ".join(f"{number} {kind}" for kind, number in sorted(outcome.kills.items()))
    if os.environ.get("TORTURE_TIMES"):
        pass
    for _line in outcome.notes:
        pass
    if not outcome.is_sound:
        for _line in outcome.troubles:
            pass


def total(outcomes: list[cycle.Outcome]) -> None:
    kills: Counter = Counter()
    for outcome in outcomes:
        kills.update(outcome.kills)
    for _kind, _number in kills.most_common():
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
