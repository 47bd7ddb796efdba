"""A failover measured: an import of a million events while the writing node is killed, and what it stored held against
an undisturbed one.

    bin/failover [--events 1000000] [--kills 3] [--freezes 1] [--home var/cluster-trial]

Printed: seconds in which nothing could be written through HAProxy, seconds until the import committed again, and
whether each node has what the undisturbed import stored. Exit status 1 where anything differs.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import MySQLdb

from tests.asking import ask
from tests.cluster.cluster import NODES, ROOT, Cluster, stored
from tests.imports.parents import end_with_the_parent

DESTINATIONS, DAYS = 3, 30
PROBE_EVERY_SECONDS = 0.05
FROZEN_SECONDS = 30


@dataclass
class Blow:
    """What was done to a node, and what came of it."""

    what: str
    node: int
    at: float
    nobody_wrote: float = 0.0  # seconds, by the probe
    import_stood: float = 0.0  # seconds from the blow to the import's next commit
    back: float = 0.0  # seconds until the node had caught up, from the start on

    def __str__(self) -> str:
        return (
            f"{self.what} of node {self.node}: nobody could write for {self.nobody_wrote:.1f} s, the import committed "
            f"again after {self.import_stood:.1f} s, the node was back {self.back:.1f} s after it was called"
        )


@dataclass
class Probe:
    """A session like a page's: writes a row through HAProxy again and again, and notes when it could."""

    cluster: Cluster
    database: str
    written: list[float] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        connection = None
        while not self.over.is_set():
            try:
                if connection is None:
                    connection = self.cluster.connect(name=self.database)
                ask(connection, "REPLACE INTO probe VALUES (1, NOW(6))")
                self.written.append(time.monotonic())
            except MySQLdb.Error:
                if connection is not None:
                    with suppress(MySQLdb.Error):
                        connection.close()
                connection = None
            self.over.wait(PROBE_EVERY_SECONDS)

    def gap_at(self, at: float) -> float:
        """Of the longest pause that began around then, or in the 60 s behind it."""
        around = [each for each in self.written if at - 5 <= each <= at + 60]
        return max((after - before for before, after in pairwise(around)), default=0.0)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bin/failover", description=str(__doc__).partition("\n\n")[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--kills", type=int, default=3, help="of the writing node, one after the other (3)")
    parser.add_argument("--freezes", type=int, default=1, help="of the writing node, by SIGSTOP (1)")
    parser.add_argument("--home", default="var/cluster-trial", help="where the cluster lies (var/cluster-trial)")
    options = parser.parse_args(argv)
    archive = ROOT / options.home / "archive"
    cluster = Cluster(options.home)
    cluster.start()
    try:
        manage(cluster, "warehouse", "create_sample_archive", archive, "--days", DAYS, "--destinations", DESTINATIONS,
               "--events-per-day", options.events // (DAYS * DESTINATIONS)).check_returncode()  # fmt: skip
        undisturbed = import_whole(cluster, archive, "undisturbed")
        is_equal = import_under_blows(cluster, archive, options, undisturbed)
    finally:
        cluster.stop()
    return 0 if is_equal else 1


def import_whole(cluster: Cluster, archive: Path, database: str) -> tuple[float, dict]:
    """Seconds, and what is stored."""
    make(cluster, database)
    began = time.monotonic()
    manage(cluster, database, "import_archive", "--source", archive, "--all").check_returncode()
    seconds = time.monotonic() - began
    connection = cluster.connect(name=database)
    found = stored(connection, database)
    say(f"undisturbed: {found['ride_status_snapshots'][0]:,} snapshots in {seconds:.0f} s")
    return seconds, found


def import_under_blows(cluster: Cluster, archive: Path, options: argparse.Namespace, undisturbed: tuple) -> bool:
    make(cluster, "disturbed")
    seconds, wanted = undisturbed
    ask(cluster.connect(name="disturbed"), "CREATE TABLE probe (id INT PRIMARY KEY, at DATETIME(6))")
    probe = Probe(cluster, "disturbed")
    prober = threading.Thread(target=probe.run, daemon=True)
    prober.start()
    began = time.monotonic()
    log = cluster.home / "import.log"
    with open(log, "w") as said:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "import_archive", "--source", str(archive), "--all"],
            cwd=ROOT, env=environment(cluster, "disturbed"), stdout=said, stderr=said, preexec_fn=end_with_the_parent,
        )  # fmt: skip
    blows: list[Blow] = []
    kinds = ["kill -9"] * options.kills + ["freeze"] * options.freezes
    files = wanted["import_files"][0]
    for number, kind in enumerate(kinds, start=1):
        if not wait_for_files(cluster, files * number // (len(kinds) + 1), process):
            break
        blows.append(strike(cluster, kind, process, probe))
    status = process.wait()
    took = time.monotonic() - began
    probe.over.set()
    prober.join()
    for blow in blows:
        blow.nobody_wrote = probe.gap_at(blow.at)
        say(str(blow))
    say(f"the import: exit status {status}, {took:.0f} s instead of {seconds:.0f} s; {len(blows)} blows")
    found = {node: stored(cluster.connect(node, name="disturbed"), "disturbed") for node in NODES}
    for node in NODES:
        say(f"node {node}: {'equal' if found[node] == wanted else f'{found[node]} instead of {wanted}'}")
    return status == 0 and all(each == wanted for each in found.values()) and len(blows) == len(kinds)


def strike(cluster: Cluster, kind: str, process: subprocess.Popen, probe: Probe) -> Blow:
    """At the node that writes; it is back when this returns."""
    node = cluster.writer()
    other = next(each for each in NODES if each != node)
    blow = Blow(kind, node, time.monotonic())
    if kind == "freeze":
        os.kill(cluster.pid(node), signal.SIGSTOP)
    else:
        os.kill(cluster.pid(node), signal.SIGKILL)
    while probe.written[-1] < blow.at + PROBE_EVERY_SECONDS:  # what was under way may still be told to the others
        time.sleep(0.02)
    before = files_of(cluster, other)
    while process.poll() is None and files_of(cluster, other) <= before:
        time.sleep(0.05)
    blow.import_stood = time.monotonic() - blow.at
    if kind == "freeze":
        time.sleep(max(0.0, blow.at + FROZEN_SECONDS - time.monotonic()))
        os.kill(cluster.pid(node), signal.SIGCONT)
    called = time.monotonic()
    if kind == "freeze" and not comes_back(cluster, node):
        cluster.call("stop", node)
    cluster.start(node)
    blow.back = time.monotonic() - called
    return blow


def comes_back(cluster: Cluster, node: int) -> bool:
    """Whether one that was frozen has joined the others by itself within a minute."""
    until = time.monotonic() + 60
    while time.monotonic() < until and cluster.runs(node):
        if re.search(rf"node {node},.*Synced, 3 nodes", cluster.call("status", check=False)):
            return True
        time.sleep(0.5)
    return False


def wait_for_files(cluster: Cluster, many: int, process: subprocess.Popen) -> bool:
    while process.poll() is None:
        with suppress(MySQLdb.Error):
            if files_of(cluster, cluster.writer()) >= many:
                return True
        time.sleep(0.2)
    return False


def files_of(cluster: Cluster, node: int) -> int:
    """Ledger rows as this node has them; -1 while it refuses to say, which it does while it is no part of a whole."""
    try:
        connection = cluster.connect(node, name="disturbed")
        ask(connection, "SET wsrep_sync_wait = 0")
        ((many,),) = ask(connection, "SELECT COUNT(*) FROM import_files")
        connection.close()
        return int(many)
    except MySQLdb.Error:
        return -1


def make(cluster: Cluster, database: str) -> None:
    connection = cluster.connect(name="")
    ask(connection, f"DROP DATABASE IF EXISTS {database}")
    ask(connection, f"CREATE DATABASE {database} CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci")
    connection.close()
    manage(cluster, database, "migrate", "-v", "0").check_returncode()


def environment(cluster: Cluster, database: str) -> dict[str, str]:
    url = cluster.url().removesuffix("/warehouse") + f"/{database}"
    return os.environ | {
        "DATABASE_URL": url, "SECRET_KEY": "only-for-trials", "DEBUG": "false", "SECURE_SSL_REDIRECT": "false",
    }  # fmt: skip


def manage(cluster: Cluster, database: str, *arguments: object) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=ROOT, env=environment(cluster, database), stdout=subprocess.DEVNULL,
    )  # fmt: skip


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
