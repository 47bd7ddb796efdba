"""Backup and restore by the commands of docs/operations.md, taken from there and run as they stand.

A chain of three servers, and the import goes on at each: that of the tests (A) is dumped into an empty one (B), whose
files are taken into another empty one (C). At A nothing disturbs the import: it is what the others are held against.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from django.core.management import call_command
from django.db import connection

from imports.models import ImportCheckpoint, ImportedFile
from tests.imports import forks
from tests.imports.gate import Gate
from tests.imports.table_state import table_state
from tests.machines import Machine, lacking, write_where
from tests.waiting import until
from tests.warehouse.conftest import another_session as another_session
from tests.warehouse.conftest import snapshots as snapshots

pytestmark = pytest.mark.django_db(transaction=True)
OPERATIONS = "operations.md"
FIRST_DAY = date(2024, 11, 28)  # two months that no migration has made, the second one begun while the dump is taken
DAYS = 7
#: behind the ledger of imports in a dump and before the facts; no import of day files looks at it
BETWEEN = "live_freshness"


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
    if why := lacking():
        pytest.skip(why)
    made = []

    def make(name: str) -> Machine:
        made.append(Machine(tmp_path / name, BACKUP=tmp_path / "backup", FIRST=f"{FIRST_DAY:%Y-%m}"))
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
        dump = beside.submit(a.run, OPERATIONS, "Take it as SQL")
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
        b.start()
        b.run(OPERATIONS, "The server")
        b.run(OPERATIONS, "Bring SQL back")
        gate = Gate(files[5])
        with b.in_use():
            assert (counts(), table_state()) == then
            going_on = beside.submit(b.run, OPERATIONS, "Look, and go on")
            until(lambda: has_come_to(5) or going_on.done())
            then = counts(), table_state()
            b.run(OPERATIONS, "Take it as files")
            assert "log-applied" in (tmp_path / "backup" / "files" / "xtrabackup_checkpoints").read_text()
            gate.open()
            going_on.result()
            assert table_state() == undisturbed

        # C: as B was
        c.run(OPERATIONS, "Bring files back")
        with c.in_use():
            assert (counts(), table_state()) == then
            c.run(OPERATIONS, "Look, and go on")
            assert table_state() == undisturbed
            assert not ImportCheckpoint.objects.exclude(status="COMPLETED").exists()
