"""Backup and restore by the commands of docs/operations.md, taken from there and run as they stand.

A chain of three servers, and the import goes on at each: that of the tests (A) is dumped into an empty one (B), whose
files are taken into another empty one (C). At A nothing disturbs the import: it is what the others are held against.
"""

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection

from imports.models import ImportCheckpoint, ImportedFile
from tests.imports import forks
from tests.imports.gate import Gate
from tests.imports.table_state import table_state
from tests.test_private_database import Folder
from tests.waiting import HANG_SECONDS, until
from tests.warehouse.conftest import another_session as another_session
from tests.warehouse.conftest import snapshots as snapshots
from warehouse.server.dialect import is_mariadb

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parent.parent
FIRST_DAY = date(2024, 11, 28)  # two months that no migration has made, the second one begun while the dump is taken
DAYS = 7
#: behind the ledger of imports in a dump and before the facts; no import of day files looks at it
BETWEEN = "live_freshness"


def commands(heading: str) -> str:
    """The commands of docs/operations.md below "**heading", as they stand there."""
    document = (ROOT / "docs" / "operations.md").read_text()
    (section,) = re.findall(r"^## Backup and restore\n(.*?)(?=^## )", document, re.DOTALL | re.MULTILINE)
    (paragraphs,) = re.findall(rf"^\*\*{heading}.*?(?=^\*\*|\Z)", section, re.DOTALL | re.MULTILINE)
    return "\n".join(line[4:] for line in re.findall(r"^    .*$", paragraphs, re.MULTILINE))


class Machine(Folder):
    """A clone on a machine of its own, as far as bash sees it. A line of manage.py alone is run by a fork, which has
    Django loaded already; whatever stands between two of them is one script of bash."""

    def __init__(self, path: Path, backup: Path):
        super().__init__(path)
        (path / "var").mkdir()
        self.variables = {
            "BACKUP": str(backup),
            "DATABASE": connection.settings_dict["NAME"],
            "FIRST": f"{FIRST_DAY:%Y-%m}",
        }

    def run(self, heading: str) -> str:
        """All that the commands below `heading` said; each has to succeed."""
        said, script = "", []
        for line in [*commands(heading).splitlines(), "./manage.py"]:
            if not line.startswith("./manage.py"):
                script.append(line)
                continue
            said += self._bash("\n".join(script))
            script = []
            if arguments := [self._expanded(each) for each in shlex.split(line)[1:]]:
                status, output = forks.run(*arguments)
                assert status == 0, (line, output)
                said += output
        return said

    def _expanded(self, argument: str) -> str:
        return self.variables[argument.removeprefix("$")] if argument.startswith("$") else argument

    def _bash(self, script: str) -> str:
        environment = {"DB_BUFFER_POOL": "16M", **os.environ, **self.variables}
        for name in ("DATABASE_URL", "DB_HOME", "DB_DATA", "DB_OPTIONS"):
            environment.pop(name, None)
        done = subprocess.run(
            ["bash", "-e"], input=script, env=environment, cwd=self.path, timeout=HANG_SECONDS,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert done.returncode == 0, (script, done.stdout)
        return done.stdout

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """The connection of this process, and of what it starts, is to this machine's server."""
        before = dict(connection.settings_dict)
        options = {**before["OPTIONS"], "unix_socket": str((self.home / "mariadb.sock").resolve())}
        connection.close()
        connection.settings_dict.update(HOST="", PORT="", USER="root", PASSWORD="", OPTIONS=options)
        try:
            yield
        finally:
            connection.close()
            connection.settings_dict.update(before)


def write_where(machine: Machine) -> None:
    """var/server.cnf of a server that is not the project's own, as with an editor."""
    database = connection.settings_dict
    known = {
        "user": database["USER"],
        "password": database["PASSWORD"],
        "host": database["HOST"],
        "port": database["PORT"],
        "socket": database["OPTIONS"].get("unix_socket"),
    }
    lines = "".join(f"{name}={value}\n" for name, value in known.items() if value)
    (machine.path / "var" / "server.cnf").write_text(f"[client]\n{lines}")


def counts() -> dict[str, int]:
    """Rows by table, of all there are."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW FULL TABLES WHERE Table_type = 'BASE TABLE'")
        tables = [name for name, _ in cursor.fetchall()]
        cursor.execute("SELECT " + ", ".join(f"(SELECT COUNT(*) FROM {table})" for table in tables))
        return dict(zip(tables, cursor.fetchone(), strict=True))


def somebody_waits_for(table: str) -> bool:
    """Whether somebody wants to read `table`, which is locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT COUNT(*) FROM information_schema.processlist WHERE db = DATABASE() "
            "AND state = 'Waiting for table metadata lock' AND info LIKE %s",
            [f"%{table}%"],
        )
        return cursor.fetchone() != (0,)


@pytest.fixture
def machine(tmp_path) -> Iterator[Callable[[str], Machine]]:
    if not is_mariadb():
        pytest.skip("mariadb-dump and mariadb-backup are of MariaDB alone, and so is what is documented")
    if lacking := [name for name in ("mariadb-dump", "mariadb-backup") if not shutil.which(name)]:
        message = f"no {' and no '.join(lacking)}: bin/setup installs them"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    made = []

    def make(name: str) -> Machine:
        made.append(Machine(tmp_path / name, tmp_path / "backup"))
        return made[-1]

    yield make
    for each in made:
        if each.home.exists():
            each.db("stop")


def test_a_backup_taken_during_an_import_comes_back_and_the_import_goes_on_there(
    tmp_path, snapshots, machine, another_session
):
    archive = tmp_path / "archive"
    call_command(
        "create_sample_archive", str(archive), days=DAYS, events_per_day=200, destinations=1, seed=5,
        start=FIRST_DAY, verbosity=0,
    )  # fmt: skip
    files = sorted(archive.rglob("*.json.gz"))
    files[1].write_bytes(b"a file that cannot be read")
    gates = {n: Gate(files[n]) for n in (2, 4, 5)}

    def has_come_to(n: int) -> bool:
        return ImportedFile.objects.filter(source_file__endswith=str(files[n - 1].relative_to(archive))).exists()

    a, b, c = machine("a"), machine("b"), machine("c")
    write_where(a)
    with ThreadPoolExecutor(1) as beside:
        # A: when the dump has read the ledger of imports and not yet the facts, the import commits two more files
        importer = forks.start("import_archive", "--source", archive, "--all")
        until(lambda: has_come_to(2))
        then = counts(), table_state()
        in_the_way = another_session()
        in_the_way.query(f"LOCK TABLES {BETWEEN} WRITE")
        dump = beside.submit(a.run, "Take it as SQL")
        until(lambda: somebody_waits_for(BETWEEN) or dump.done())
        gates[2].open()
        until(lambda: has_come_to(4))
        in_the_way.query("UNLOCK TABLES")
        dump.result()
        assert table_state() != then[1]
        gates[4].open()
        gates[5].open()
        output, _ = importer.communicate()
        assert importer.returncode == 0, output
        undisturbed = table_state()

        # B: as A was when the dump began, and while the import goes on there its files are taken
        b.db("start")
        b.run("The server")
        b.run("Bring SQL back")
        gate = Gate(files[5])
        with b.in_use():
            assert (counts(), table_state()) == then
            going_on = beside.submit(b.run, "Look, and go on")
            until(lambda: has_come_to(5) or going_on.done())
            then = counts(), table_state()
            b.run("Take it as files")
            assert "log-applied" in (tmp_path / "backup" / "files" / "xtrabackup_checkpoints").read_text()
            gate.open()
            going_on.result()
            assert table_state() == undisturbed

        # C: as B was
        c.run("Bring files back")
        with c.in_use():
            assert (counts(), table_state()) == then
            c.run("Look, and go on")
            assert table_state() == undisturbed
            assert not ImportCheckpoint.objects.exclude(status="COMPLETED").exists()
