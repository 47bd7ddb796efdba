"""bin/cluster with its settings, deploy/galera.cnf and deploy/haproxy.cfg: who writes when a node dies and comes back,
and what an import stores meanwhile. Longer: bin/torture --cluster, bin/failover."""

import os
import subprocess
import sys
import time

import MySQLdb
import pytest

from tests.asking import ask
from tests.cluster.cluster import NODES, ROOT, Cluster
from tests.imports.parents import end_with_the_parent
from tests.waiting import HANG_SECONDS

pytestmark = pytest.mark.timeout(900)  # it mostly waits for nodes that join
SETTINGS = {
    "wsrep_sync_wait": 7,
    "wsrep_load_data_splitting": 0,
    "innodb_autoinc_lock_mode": 2,
    "local_infile": 1,
    "wsrep_sst_method": "mariabackup",
}


def write(cluster: Cluster, value: int) -> str:
    """Through HAProxy as soon as that leads to a node that takes it; which one."""
    until = time.monotonic() + HANG_SECONDS
    while True:
        try:
            connection = cluster.connect()
            ask(connection, f"REPLACE INTO written VALUES ({value})")
            ((node,),) = ask(connection, "SELECT @@wsrep_node_name")
            connection.close()
            return str(node)
        except MySQLdb.OperationalError:
            assert time.monotonic() < until, "nobody takes it"
            time.sleep(0.05)


def test_another_node_writes_when_one_is_killed_and_goes_on_when_it_is_back(cluster):
    (found,) = ask(cluster.connect(2), f"SELECT {', '.join(f'@@GLOBAL.{name}' for name in SETTINGS)}")
    assert dict(zip(SETTINGS, found, strict=True)) == SETTINGS
    connection = cluster.connect()
    ask(connection, "CREATE TABLE written (value INT PRIMARY KEY)")
    connection.close()
    first = cluster.writer()
    assert write(cluster, 1) == f"node{first}"
    cluster.kill(first)
    said = cluster.call("status", check=False)
    assert f"node {first} is not running" in said
    heir = write(cluster, 2)
    assert heir != f"node{first}"
    stays = cluster.connect()
    cluster.start(first)
    assert write(cluster, 3) == heir
    assert ask(stays, "SELECT @@wsrep_node_name") == [(heir,)], "a session was cut when the other came back"
    for node in NODES:
        assert ask(cluster.connect(node), "SELECT value FROM written ORDER BY 1") == [(1,), (2,), (3,)]
    said = cluster.call("status")  # exit status 0
    assert said.count("Synced, 3 nodes") == 3
    assert f"writes to {heir}" in said


def test_an_import_whose_writing_node_is_killed_leaves_what_its_files_say_on_all_nodes(cluster):
    home = str(cluster.home.relative_to(ROOT))
    process = subprocess.run(
        [sys.executable, "-m", "tests.torture", "--cluster", "--on", home, "--cycles", "1", "--seed", "31",
         "--strikes", "2", "--days", "10", "--only", "writing_node"],
        cwd=ROOT,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_the_parent,
    )  # fmt: skip
    assert process.returncode == 0, process.stdout[-8000:]
    assert "| **rows lost** | **0** |" in process.stdout
    assert "| writing node |" in process.stdout, process.stdout[-8000:]


def test_what_there_is_not_is_said():
    cluster = Cluster("var/cluster-test-none")
    for arguments, said in (
        (("kill", 2), "node 2 is not running"),
        (("kill", 4), "there are nodes 1, 2 and 3, no 4"),
        (("url",), "there is no cluster"),
    ):
        with pytest.raises(RuntimeError, match=said):
            cluster.call(*arguments)
    assert "var/cluster-test-none" not in cluster.call("stop")
