"""A read replica: a real one, set up by the commands of docs/replica.md, and the pages that are read from it."""

import contextlib
import html
import inspect
import logging
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import MySQLdb
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.models import Permission
from django.core.checks import run_checks
from django.db import DatabaseError, connection, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.replica_pages import AS_OF_HEADER, PAGES
from imports.models import ImportCheckpoint, Worker
from tests.imports import processes
from tests.imports.building import DAY, OTHER_PARK, PARK, event, import_all, write_day
from tests.imports.table_state import table_state
from tests.machines import Machine, lacking, write_where
from tests.waiting import until
from warehouse.models import Park, QueueData, Ride, RideStatusSnapshot
from warehouse.replica_settings import replica_of
from warehouse.server import replica

pytestmark = pytest.mark.django_db(transaction=True)
FAST = "--innodb-flush-log-at-trx-commit=0 --skip-innodb-doublewrite --skip-networking=0 --bind-address=127.0.0.1"


def free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return asked.getsockname()[1]


#: who reads on the replica: no more is needed there
READER = "reader"
#: what a page that is read from the replica asks the main server: who asks, and how far it is
OF_THE_MAIN_SERVER = r"django_session|auth_user|auth_permission|gtid_binlog_pos"


class Pair:
    """A main server and one that follows it."""

    def __init__(self, folder):
        self.port = free_port()
        known = {
            "BACKUP": folder / "backup",
            "MAIN_HOST": "127.0.0.1",
            "MAIN_PORT": self.port,
            "FOLLOWER_PASSWORD": "x",
        }
        log = "--server-id=1 --log-bin=main --binlog-format=ROW"
        self.main = Machine(folder / "main", f"{FAST} {log} --port={self.port}", **known)
        self.replica = Machine(folder / "replica", f"{FAST} --server-id=2 --read-only=1 --port={free_port()}", **known)

    def make(self) -> None:
        self.main.start()
        self.main.run("operations.md", "The server")
        self._give_tables()
        self.main.bash(
            "mariadb --defaults-file=var/server.cnf -e "
            f'"CREATE USER {READER}@localhost; GRANT SELECT ON $DATABASE.* TO {READER}@localhost"'
        )
        self.main.run("replica.md", "On the main server")
        self.main.run("operations.md", "Take it as files")
        self.replica.run("operations.md", "Bring files back")
        self.replica.run("operations.md", "The server")
        said = self.replica.run("replica.md", "On the replica")
        assert "Running" in said

    def _give_tables(self) -> None:
        """Those of the database of the tests, without rows but what migrate makes."""
        here = Machine(self.main.path.parent / "here")
        write_where(here)
        here.bash('mariadb-dump --defaults-file=var/server.cnf --no-tablespaces "$DATABASE" >../tables.sql')
        self.main.bash('mariadb --defaults-file=var/server.cnf -e "CREATE DATABASE $DATABASE"')
        self.main.bash('mariadb --defaults-file=var/server.cnf "$DATABASE" <../tables.sql')

    def on_replica(self, sql: str) -> tuple:
        """As root, to whom read_only is nothing."""
        database = connection.settings_dict["NAME"]
        session = MySQLdb.connect(user="root", unix_socket=self.replica.socket, database=database)
        with closing(session), closing(session.cursor()) as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def stop_following(self) -> None:
        self.on_replica("STOP SLAVE SQL_THREAD")

    def follow(self) -> None:
        """And come as far as the main server is."""
        self.on_replica("START SLAVE")
        until(lambda: replica.state().as_of is not None and not replica.state().behind, otherwise=self.why)

    def why(self) -> str:
        return str(self.on_replica("SHOW SLAVE STATUS"))


@pytest.fixture(scope="module")
def pairs() -> Iterator[list[Pair]]:
    made: list[Pair] = []
    yield made
    for pair in made:
        pair.replica.db("stop")
        pair.main.db("stop")


@pytest.fixture
def pair(transactional_db, pairs, tmp_path_factory) -> Iterator[Pair]:
    """This process uses both, and the replica is where the main server is."""
    if why := lacking():
        pytest.skip(why)
    if not pairs:
        pairs.append(Pair(tmp_path_factory.mktemp("pair")))
        pairs[0].make()
    (pair,) = pairs
    databases = django_settings.DATABASES
    with pair.main.in_use(), pytest.MonkeyPatch.context() as patch:
        named = {"USER": READER, "OPTIONS": {"unix_socket": pair.replica.socket}}
        databases[replica.REPLICA_ALIAS] = replica_of(databases["default"], named)
        # Django lets a test use those databases alone that were there when the run began.
        guarded = inspect.getclosurevars(BaseDatabaseWrapper.ensure_connection)
        patch.setattr(BaseDatabaseWrapper, "ensure_connection", guarded.nonlocals["real_ensure_connection"])
        patch.setattr(replica, "_away_until", 0.0)
        try:
            if not Park.objects.exists():
                import_a_day(tmp_path_factory.mktemp("archive"))
            pair.follow()
            yield pair
        finally:
            connections[replica.REPLICA_ALIAS].close()
            del connections[replica.REPLICA_ALIAS]
            del databases[replica.REPLICA_ALIAS]


def import_a_day(archive) -> None:
    queue = {"STANDBY": {"waitTime": 35}, "SINGLE_RIDER": {"waitTime": 5}}
    write_day(archive, [event(f"{hour}:00:00Z", queue=queue) for hour in range(14, 20)])
    import_all(archive)


def server() -> int:
    """1: the main one, 2: the replica."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@server_id")
        return cursor.fetchone()[0]


@pytest.fixture
def superuser(pair, django_user_model) -> Iterator[Client]:
    user = django_user_model.objects.create_superuser("operator")
    client = Client()
    client.force_login(user)
    yield client
    user.delete()


def coverage() -> str:
    return "/admin/imports/importedfile/coverage/"


def addresses() -> dict[str, str]:
    """One of each page that is read there, by name."""
    park, ride, snapshot = Park.objects.get(), Ride.objects.get(), RideStatusSnapshot.objects.first()
    days = f"?park={park.pk}&from={DAY}&to={DAY}"
    warehouse = "/admin/warehouse"
    return {
        "warehouse_park_over_time": f"{warehouse}/park/{park.pk}/over-time/?from={DAY}&to={DAY}",
        "warehouse_park_day": f"{warehouse}/park/{park.pk}/day/?day={DAY}",
        "warehouse_ride_over_time": f"{warehouse}/ride/{ride.pk}/over-time/?from={DAY}&to={DAY}",
        "warehouse_ridestatussnapshot_changelist": f"{warehouse}/ridestatussnapshot/{days}",
        "warehouse_ridestatussnapshot_csv": f"{warehouse}/ridestatussnapshot/csv/{days}",
        "warehouse_ridestatussnapshot_change": f"{warehouse}/ridestatussnapshot/{snapshot.pk}/change/",
        "warehouse_queuedata_changelist": f"{warehouse}/queuedata/{days}",
        "warehouse_queuedata_csv": f"{warehouse}/queuedata/csv/{days}",
        "warehouse_queuedata_change": f"{warehouse}/queuedata/{QueueData.objects.first().pk}/change/",
        "imports_importedfile_coverage": coverage(),
    }


def body(response) -> str:
    return (b"".join(response.streaming_content) if response.streaming else response.content).decode()


# --- it has what the main server has --------------------------------------------------------------------------------
def test_what_is_imported_on_the_main_server_is_read_from_the_replica(pair):
    there, reading = replica.read(lambda: (server(), table_state()))
    assert there == (2, table_state())
    assert server() == 1
    assert not reading.behind
    assert "has all that was there by then" in reading.in_words()


def test_each_page_is_read_there_writes_nothing_and_says_as_of_when(pair, superuser, caplog):
    assert set(addresses()) == PAGES
    for name, address in addresses().items():
        with caplog.at_level(logging.WARNING, "warehouse.server.replica"), CaptureQueriesContext(connection) as main:
            response = superuser.get(address)
            text = body(response)
        assert response.status_code == 200, (name, response.status_code)
        assert response[AS_OF_HEADER].startswith("As of "), (name, response[AS_OF_HEADER])
        assert not [each["sql"] for each in main if not re.search(OF_THE_MAIN_SERVER, each["sql"])], name
        assert name.endswith("_csv") or response[AS_OF_HEADER] in text, name
    assert not caplog.records


def test_every_other_page_is_of_the_main_server_and_says_nothing(pair, superuser):
    assert AS_OF_HEADER not in superuser.get("/admin/warehouse/park/")


def test_nothing_can_be_written_there_even_by_who_may_write(pair):
    django_settings.DATABASES[replica.REPLICA_ALIAS]["USER"] = "root"
    found, reading = replica.attempt(lambda: Park.objects.update(park_name="another"), replica.state())
    assert found is None
    assert "READ ONLY" in reading.why
    assert not Park.objects.filter(park_name="another").exists()


def test_an_account_that_sees_no_workers_goes_by_the_imports(pair):
    ImportCheckpoint.objects.update(heartbeat_at=Now())
    pair.follow()
    pair.on_replica(f"REVOKE SELECT ON `{connection.settings_dict['NAME']}`.* FROM {READER}@localhost")
    pair.on_replica(f"GRANT SELECT ON `{connection.settings_dict['NAME']}`.import_checkpoints TO {READER}@localhost")
    pair.stop_following()
    Park.objects.update(timezone="UTC")
    try:
        reading = replica.state()
        assert reading.behind, reading
    finally:
        pair.on_replica(f"GRANT SELECT ON `{connection.settings_dict['NAME']}`.* TO {READER}@localhost")
        pair.follow()


# --- it is behind ---------------------------------------------------------------------------------------------------
def test_behind_it_is_read_as_far_as_is_allowed_and_says_how_far(pair, superuser, settings, monkeypatch):
    Worker.objects.create(name="host/1/1/m")
    pair.follow()
    pair.stop_following()
    before, facts = Park.objects.get().park_name, addresses()["warehouse_ridestatussnapshot_csv"]
    Park.objects.update(park_name="Renamed meanwhile")
    RideStatusSnapshot.objects.update(wait_time=77)
    new = Park.objects.create(themeparks_wiki_id=OTHER_PARK, park_name="New", timezone="UTC")
    try:
        response = superuser.get(coverage())
        assert "s behind" in response[AS_OF_HEADER]
        assert response[AS_OF_HEADER].startswith("As of ")
        assert before in body(response)
        csv = body(superuser.get(facts))
        assert ",35," in csv  # read while it is sent
        assert ",77," not in csv
        assert superuser.get(f"/admin/warehouse/park/{new.pk}/over-time/").status_code == 200  # it is not there yet

        settings.DATABASE_REPLICA_LAG_SECONDS = 0
        response = superuser.get(coverage())
        assert response[AS_OF_HEADER].endswith("0 are allowed.")
        assert response[AS_OF_HEADER] in body(response)
        assert "Renamed meanwhile" in body(response)
        assert ",77," in body(superuser.get(facts))

        monkeypatch.setattr(replica, "signs_of_life", [])
        assert "nothing on it says how far" in superuser.get(coverage())[AS_OF_HEADER]
    finally:
        new.delete()
        Worker.objects.all().delete()
        pair.follow()
    assert "Renamed meanwhile" in body(superuser.get(coverage()))


def test_a_right_that_was_taken_away_is_gone_though_the_replica_has_it_still(pair, django_user_model):
    user = django_user_model.objects.create_user("viewer", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_importedfile"))
    Worker.objects.create(name="host/2/1/m")
    pair.follow()
    client = Client()
    client.force_login(user)
    assert client.get(coverage()).status_code == 200
    pair.stop_following()
    try:
        user.user_permissions.clear()
        assert client.get(coverage()).status_code == 403
    finally:
        pair.follow()
        Worker.objects.all().delete()
        user.delete()


# --- it is away -----------------------------------------------------------------------------------------------------
def test_one_that_hangs_keeps_nobody_waiting_twice(pair, superuser, monkeypatch):
    monkeypatch.setattr(replica, "ANSWERS_WITHIN_SECONDS", 1)
    os.kill(pair.replica.pid(), signal.SIGSTOP)
    try:
        response = superuser.get(coverage())
        assert response[AS_OF_HEADER].startswith("Read from the main server: the read replica does not answer")
        assert html.escape(response[AS_OF_HEADER]) in body(response)
    finally:
        os.kill(pair.replica.pid(), signal.SIGCONT)
    assert superuser.get(coverage())[AS_OF_HEADER] == response[AS_OF_HEADER]  # not asked again so soon
    monkeypatch.setattr(replica, "_away_until", 0.0)
    assert superuser.get(coverage())[AS_OF_HEADER].startswith("As of ")


def test_one_that_goes_away_in_the_middle_costs_nothing_but_the_time(pair, monkeypatch):
    seen = []

    def work() -> int:
        seen.append(server())
        if seen == [2]:
            pair.replica.db("stop")
            with contextlib.suppress(DatabaseError):  # as a page does, that says of each part that it failed
                server()
        return server() if seen == [2, 1] else 0

    try:
        found, reading = replica.read(work)
        assert (found, seen) == (1, [2, 1])
        assert "does not answer" in reading.in_words()
        monkeypatch.setattr(replica, "_away_until", 0.0)
        found, reading = replica.read(server)
        assert found == 1
        assert "does not answer" in reading.in_words()
    finally:
        pair.replica.start()


def test_the_settings_and_the_command_are_told_by_one_variable(pair):
    url = (
        processes.environment()["DATABASE_URL"]
        .replace(pair.main.socket, pair.replica.socket)
        .replace("root@", f"{READER}@")
    )
    (check,) = [each for each in run_checks(databases=["default"]) if each.id == "warehouse.W120"] or [None]
    assert check is None
    done = subprocess.run(
        [sys.executable, "manage.py", "ask", "park-days", "--park", PARK, "--from", str(DAY), "--to", str(DAY)],
        env={**processes.environment(), "DATABASE_REPLICA_URL": url}, cwd=processes.ROOT, text=True,
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "As of " in done.stderr
    assert done.stdout
