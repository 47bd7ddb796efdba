"""A Galera cluster as the server of a lane, and what can happen to its nodes. See bin/torture --cluster.

Nodes are killed by -9 or frozen; the network between them is not cut.
"""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import MySQLdb
from django.db import connection

from tests.cluster.cluster import NODES, Cluster, ask
from tests.torture import strikes
from tests.torture.children import Child
from tests.torture.hits import Strike, ended, trigger
from tests.torture.lane import Lane
from tests.torture.server import Server, mariadbd

TEMPLATE = "template"  # a database as migrations leave it
ANSWERS_WITHIN_SECONDS = 120


class Nodes(Server):
    """bin/cluster in the place of one server: what kills it kills the node that writes."""

    def __init__(self, home: str, *, is_anothers: bool = False):
        """`is_anothers`: it runs already, and is left running."""
        super().__init__(Path(home))
        self.cluster = Cluster(home, quick=True)
        self._is_anothers, self._is_made = is_anothers, False

    # --- its life -------------------------------------------------------------------------------------------------
    def mount(self) -> bool:
        return False

    def begin_as(self, template: Path) -> None:
        """Made anew the first time; `template` lies in a database of its own here."""
        if not self._is_made:
            if not self._is_anothers:
                self.cluster.end()  # of a run that was killed
            self.cluster.start()
            self._lead_here(TEMPLATE)
            self._run(
                "DROP DATABASE IF EXISTS template",
                "CREATE DATABASE template CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            )
            from django.core.management import call_command

            call_command("migrate", verbosity=0)
            connection.close()
            self._is_made = True
        self.start()
        self._renew()
        self._lead_here("warehouse")

    def start(self) -> None:
        """Those that do not run."""
        self.cluster.start()
        self.starts += 1

    def kill(self) -> None:
        if self._is_made:
            self.cluster.call("kill", self.cluster.writer(), check=False)

    def close(self) -> None:
        if self._is_made and not self._is_anothers:
            self.cluster.end()

    @property
    def is_up(self) -> bool:
        """All of it."""
        return all(self.cluster.runs(node) for node in NODES)

    @property
    def pid(self) -> int:
        """Of the node that writes."""
        return self.cluster.pid(self.cluster.writer())

    # --- asking it ------------------------------------------------------------------------------------------------
    def connect(self, name: str = "warehouse") -> "MySQLdb.Connection":
        """Through HAProxy; a node that is just being led to is waited for."""
        until = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while True:
            try:
                return self.cluster.connect(name=name)
            except MySQLdb.OperationalError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def lead_here(self) -> None:
        """Django, in this process and in all that it begins."""
        with suppress(RuntimeError):  # there is none yet
            self._lead_here("warehouse")

    def _lead_here(self, name: str) -> None:
        url = self.cluster.url().removesuffix("warehouse") + name
        who, _, where = url.removeprefix("mysql://").partition("@")
        connection.settings_dict["OPTIONS"].pop("unix_socket", None)
        connection.settings_dict.update(
            HOST=where.partition(":")[0],
            PORT=3306,
            USER=who.partition(":")[0],
            PASSWORD=who.partition(":")[2],
            NAME=name,
        )
        os.environ["DATABASE_URL"] = url

    def _run(self, *statements: str, name: str = "") -> None:
        session = self.connect(name)
        for statement in statements:
            ask(session, statement)
        session.close()

    def _renew(self) -> None:
        """`warehouse` as the template is, foreign keys included, which CREATE TABLE LIKE leaves out."""
        session = self.connect(TEMPLATE)
        tables = [name for (name,) in ask(session, "SHOW TABLES")]
        made = [ask(session, f"SHOW CREATE TABLE {name}")[0][1] for name in tables]
        filled = [name for name in tables if ask(session, f"SELECT 1 FROM {name} LIMIT 1")]
        session.close()
        self._run(
            "SET foreign_key_checks = 0",
            "DROP DATABASE IF EXISTS warehouse",
            "CREATE DATABASE warehouse CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci",
            "USE warehouse",
            *made,
            *(f"INSERT INTO {name} SELECT * FROM {TEMPLATE}.{name}" for name in filled),
        )

    def differences(self) -> list[str]:
        """Tables that are not the same on all nodes."""
        found: dict[str, set] = {}
        for node in NODES:
            session = self.cluster.connect(node)
            tables = [name for (name,) in ask(session, "SHOW TABLES")]
            for name, checksum in ask(session, f"CHECKSUM TABLE {', '.join(tables)}"):
                found.setdefault(name, set()).add((checksum, tuple(tables)))
            session.close()
        return [f"{name} is not the same on all nodes: {sums}" for name, sums in found.items() if len(sums) > 1]


def version() -> str:
    said = subprocess.run([mariadbd(), "--no-defaults", "--version"], capture_output=True, text=True, check=True).stdout
    return f"three nodes of {said.partition(' Ver ')[2].split()[0]} with galera-4 behind HAProxy, on one machine"


# --- what can happen -------------------------------------------------------------------------------------------------
def _nodes(lane: Lane) -> Cluster:
    assert isinstance(lane.server, Nodes)
    return lane.server.cluster


def _struck(lane: Lane, chance: random.Random, strike: Callable[[], None], *more: str) -> Child:
    """An importer, at which `strike` happens somewhere in its first seconds."""
    child = lane.importer(chance, *more)
    time.sleep(chance.uniform(0.05, 2))
    strike()
    return child


def _over(lane: Lane, child: Child, away_seconds: float) -> None:
    """The importer to its end, and all nodes up again after so long."""
    restarted: list[int] = []
    status = child.wait(meanwhile=lambda: restarted.append(1) if lane.see_to_the_server(away_seconds) else None)
    lane.see_to_the_server()
    ended(lane, child, "importer beside a node", status)
    if status == 1:
        lane.kills["(the importer gave up)"] += 1


def writing_node(lane: Lane, chance: random.Random) -> None:
    """-9 of the node that writes, at a statement of an importer or a COMMIT."""
    pid = lane.server_pid
    more = ["--jobs", "2"] if chance.random() < 0.3 else []
    child = lane.importer(chance, *more, trigger=trigger(chance, whom=pid))
    _over(lane, child, chance.choice([0, 3, 8]))
    if not Path(f"/proc/{pid}").exists():
        lane.kills["writing node"] += 1


def standing_by(lane: Lane, chance: random.Random) -> None:
    """-9 of a node that writes nothing: the others stand still until they have given it up."""
    cluster = _nodes(lane)
    node = chance.choice([node for node in NODES if node != cluster.writer()])
    _over(lane, _struck(lane, chance, lambda: cluster.kill(node)), chance.choice([0, 5]))
    lane.kills["node that stands by"] += 1


def two_nodes(lane: Lane, chance: random.Random) -> None:
    """-9 of two at once: the third is no majority, and takes nothing until they are back."""
    cluster = _nodes(lane)
    pair = chance.sample(NODES, 2)

    def strike() -> None:
        for node in pair:
            os.kill(cluster.pid(node), signal.SIGKILL)

    _over(lane, _struck(lane, chance, strike), chance.choice([0, 6]))
    lane.kills["two nodes at once"] += 1


def all_nodes(lane: Lane, chance: random.Random) -> None:
    """-9 of all at once: the one that has most begins anew."""
    cluster = _nodes(lane)

    def strike() -> None:
        for node in NODES:
            os.kill(cluster.pid(node), signal.SIGKILL)

    _over(lane, _struck(lane, chance, strike), 0)
    lane.kills["all nodes at once"] += 1


def frozen_node(lane: Lane, chance: random.Random) -> None:
    """SIGSTOP of the node that writes until the others have given it up, or nearly; then it goes on where it was."""
    cluster, seconds = _nodes(lane), chance.choice([1, 4, 12])
    node = cluster.writer()
    child = _struck(lane, chance, lambda: os.kill(cluster.pid(node), signal.SIGSTOP))
    time.sleep(seconds)
    os.kill(cluster.pid(node), signal.SIGCONT)
    _over(lane, child, 0)
    cluster.start()  # waits until it has joined the others again
    lane.kills["writing node frozen"] += 1


def proxy(lane: Lane, chance: random.Random) -> None:
    """-9 of HAProxy: all sessions end, and the next one begins on the first node."""
    cluster = _nodes(lane)
    child = _struck(lane, chance, cluster.kill_proxy)
    cluster.start()
    ended(lane, child, "importer behind HAProxy", child.wait())
    lane.kills["HAProxy"] += 1


_ON_NODES: list[tuple[Strike, float]] = [
    (writing_node, 6), (standing_by, 1.5), (two_nodes, 1), (all_nodes, 0.7), (frozen_node, 1), (proxy, 0.8),
]  # fmt: skip
_BESIDE = [
    each for each in strikes.STRIKES if each[0] not in (strikes.server, strikes.cut, strikes.full_disk_of_the_server)
]
# Half of all are on nodes; the others are those of one server that do nothing to it.
STRIKES = [*_BESIDE, *((each, part * sum(part for _, part in _BESIDE) / 11) for each, part in _ON_NODES)]
