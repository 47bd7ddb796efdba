"""kill -9 at any instant, then --resume: what is in the tables is what an undisturbed import leaves."""

import os
import random
import signal
import time
from datetime import date

import pytest
from django.core.management import call_command

from imports.models import ImportCheckpoint
from tests.imports import processes
from tests.imports.table_state import table_state

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("KILLS", "6"))  # a trial by hand sets 30


def test_an_import_killed_again_and_again_leaves_what_an_undisturbed_one_leaves(tmp_path, django_db_blocker):
    archive = tmp_path / "archive"
    call_command(
        "create_sample_archive", str(archive), days=10, events_per_day=2500, destinations=2, seed=3,
        start=date(2025, 1, 25), with_defects=True, verbosity=0,
    )  # fmt: skip
    began = time.monotonic()
    assert processes.run("import_archive", "--source", archive, "--all")[0] == 0
    undisturbed_seconds = time.monotonic() - began
    undisturbed = table_state()
    assert undisturbed["snapshots"][0] > 20_000
    call_command("flush", interactive=False, verbosity=0)

    instants = random.Random(7)
    arguments = ["--source", archive, "--all"]
    kills_inside = 0
    for _ in range(KILLS):
        process = processes.start("import_archive", *arguments)
        time.sleep(instants.uniform(0.2, 1.0) * undisturbed_seconds / (1 if KILLS < 3 else 2))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if ImportCheckpoint.objects.exists():
            arguments = ["--resume"]
            kills_inside += ImportCheckpoint.objects.exclude(status="COMPLETED").exists()
    status, output = processes.run("import_archive", *arguments)
    assert status == 0, output
    assert kills_inside, "no kill hit the import: the instants are badly chosen"
    assert not ImportCheckpoint.objects.exclude(status="COMPLETED").exists()
    assert table_state() == undisturbed
