"""bin/cluster for tests and trials: three nodes and HAProxy under a folder of var/ that no other cluster has."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import MySQLdb

from tests.asking import ask

ROOT = Path(__file__).resolve().parents[2]
NODES = (1, 2, 3)
# -9 takes nothing from a process that it has handed to the system, so no COMMIT need wait for the disk.
OPTIONS = "--innodb-flush-log-at-trx-commit=2 --innodb-log-file-size=32M --innodb-buffer-pool-load-at-startup=OFF"
QUICK = "evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT10S"


class Cluster:
    """`home` is relative to the project's folder. `quick`: a node that is silent is given up after 2 s, not 5."""

    def __init__(self, home: str, *, quick: bool = False):
        self.home = ROOT / home
        self._environment = {**os.environ, "CLUSTER_HOME": home, "CLUSTER_OPTIONS": OPTIONS}
        if quick:
            self._environment["CLUSTER_PROVIDER"] = QUICK

    def call(self, *arguments: object, check: bool = True) -> str:
        """What bin/cluster says."""
        process = subprocess.run(
            [str(ROOT / "bin" / "cluster"), *map(str, arguments)],
            cwd=ROOT, env=self._environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if check and process.returncode:
            raise RuntimeError(f"bin/cluster {' '.join(map(str, arguments))}: {process.stdout[-3000:]}")
        return process.stdout

    def start(self, *node: int) -> None:
        self.call("start", *node)

    def stop(self) -> None:
        self.call("stop")

    def end(self) -> None:
        """At once, and its data with it."""
        for node in NODES:
            if self.runs(node):
                os.kill(self.pid(node), signal.SIGKILL)
        self.stop()
        for node in NODES:
            shutil.rmtree(self.home / f"node{node}", ignore_errors=True)

    def kill_proxy(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.home / "haproxy.pid").read_text())
            if str(self.home).encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)

    def kill(self, node: int) -> None:
        self.call("kill", node)

    def url(self, *node: int) -> str:
        return self.call("url", *node).strip()

    def pid(self, node: int) -> int:
        """Of one that runs, or ran last."""
        return int((self.home / f"node{node}" / "pid").read_text())

    def runs(self, node: int) -> bool:
        with contextlib.suppress(OSError, ValueError):
            return f"node{node}/node.cnf".encode() in Path(f"/proc/{self.pid(node)}/cmdline").read_bytes()
        return False

    def connect(self, *node: int, name: str = "warehouse") -> "MySQLdb.Connection":
        """Through HAProxy, or to this node."""
        url = urlsplit(self.url(*node))
        connection = MySQLdb.connect(
            host=url.hostname, port=url.port, user=url.username, password=url.password, database=name,
            charset="utf8mb4", connect_timeout=10,
        )  # fmt: skip
        connection.autocommit(True)
        return connection

    def writer(self) -> int:
        """The node that HAProxy leads to; waits for one."""
        until = time.monotonic() + 120
        while True:
            try:
                connection = self.connect(name="")
                ((name,),) = ask(connection, "SELECT @@wsrep_node_name")
                connection.close()
                return int(name.removeprefix("node"))
            except MySQLdb.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)


# What an import has stored, whatever numbers the server gave to parks and rides: count and checksum of each table.
SAME = {
    "ride_status_snapshots": (
        "r.themeparks_wiki_id, s.recorded_at, s.status, s.wait_time, s.computed_is_open, s.wait_told, s.data_source",
        "ride_status_snapshots s JOIN rides r USING (ride_id)",
    ),
    "queue_data": (
        "r.themeparks_wiki_id, q.snapshot_id >> 20, q.queue_type, q.wait_time_minutes, q.return_time_start, "
        "q.return_time_end, q.price_amount, q.price_currency, q.boarding_group_status, q.boarding_group_current",
        "queue_data q JOIN rides r ON r.ride_id = q.snapshot_id & 0xFFFFF",
    ),
    "import_files": (
        "p.themeparks_wiki_id, f.file_date, f.outcome, f.sha256, f.events_read, f.stored, f.already_known, "
        "f.duplicates, f.rejected",
        "import_files f JOIN parks p USING (park_id)",
    ),
    "ride_days": (
        "r.themeparks_wiki_id, d.day, d.told_by, d.observations, d.operating_minutes, d.down_minutes, "
        "d.closed_minutes, d.standby_minutes, d.standby_sum, d.standby_max, d.price_max",
        "ride_days d JOIN rides r USING (ride_id)",
    ),
}


def stored(connection: "MySQLdb.Connection", database: str) -> dict[str, tuple[int, int]]:
    """Rows, and a checksum that does not depend on their order."""
    connection.select_db(database)
    found = {}
    for name, (columns, tables) in SAME.items():
        values = ", ".join(f"COALESCE({column.strip()}, '-')" for column in columns.split(","))
        ((rows, checksum),) = ask(
            connection, f"SELECT COUNT(*), COALESCE(BIT_XOR(CRC32(CONCAT_WS('|', {values}))), 0) FROM {tables}"
        )
        found[name] = int(rows), int(checksum)
    return found
