"""kill -9 at any instant, then --resume: what is in the tables is what an undisturbed import leaves."""

import os
import random
import signal
import time
from datetime import date

import pytest
from django.core.management import call_command

from imports.models import ImportCheckpoint, ImportedFile
from tests.emptying import empty_tables
from tests.imports import forks
from tests.imports.gate import Gate
from tests.imports.table_state import table_state
from tests.waiting import HANG_SECONDS, until

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("KILLS", "6"))  # a trial by hand sets 30


def test_an_import_killed_again_and_again_leaves_what_an_undisturbed_one_leaves(tmp_path):
    archive = tmp_path / "archive"
    call_command(
        "create_sample_archive", str(archive), days=30, events_per_day=300, destinations=2, seed=3,
        start=date(2025, 1, 15), with_defects=True, verbosity=0,
    )  # fmt: skip
    assert forks.run("import_archive", "--source", archive, "--all")[0] == 0
    undisturbed = table_state()
    assert undisturbed["snapshots"][0] > 5_000
    last = sorted(archive.rglob("*.json.gz"))[-1]
    before_the_last = ImportedFile.objects.exclude(source_file__gte=str(last.relative_to(archive))).count()
    empty_tables()

    gate = Gate(last)  # no import comes to its end before it is killed
    instants = random.Random(7)
    arguments = ["--source", archive, "--all"]
    for _ in range(KILLS):
        files = ImportedFile.objects.count()
        if files == before_the_last:
            break  # the next one would wait at the gate, and nothing comes in
        process = forks.start("import_archive", *arguments)
        until(lambda files=files: ImportedFile.objects.count() > files, every_seconds=0.002)
        time.sleep(instants.uniform(0, 0.15))  # a file takes some 0.05 s
        process.send_signal(signal.SIGKILL)
        process.communicate(HANG_SECONDS)
        assert process.returncode == -signal.SIGKILL
        arguments = ["--resume"]
    assert ImportCheckpoint.objects.exclude(status="COMPLETED").exists()
    gate.open()
    status, output = forks.run("import_archive", *arguments)
    assert status == 0, output
    assert not ImportCheckpoint.objects.exclude(status="COMPLETED").exists()
    assert table_state() == undisturbed
