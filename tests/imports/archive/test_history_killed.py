"""kill -9 of an import from the History API at any instant, budgets that run out, workers and commands by turns: what
comes in is what happened, and a day is asked for once (but for one that was in hand when its process was killed)."""

import os
import random
import signal
import time
from datetime import timedelta

import pytest

from imports.api.pace import ApiPace, budget_of
from imports.models import ImportCheckpoint, ImportedFile
from imports.workers.import_task import import_slice
from imports.workers.queue import waiting
from tests.history_server import history_server
from tests.imports import forks
from tests.imports.archive.test_history import days_asked, stored, what_happened
from tests.waiting import until

pytestmark = pytest.mark.django_db(transaction=True)
KILLS = int(os.environ.get("KILLS", "2"))  # a trial by hand sets 30, DAYS=60 and PARKS=4
DAYS = int(os.environ.get("DAYS", "7"))
PARKS = int(os.environ.get("PARKS", "2"))  # and one of which nothing is recorded
KEY = "tpw_small"


def test_an_import_killed_again_and_again_asks_for_each_day_once(settings, tmp_path):
    with history_server(recorded_days=DAYS, empty_park=True, cities=PARKS) as server:
        server.plans[KEY] = (DAYS + 10, DAYS)  # of twice as many that are wanted
        changed = {
            "THEMEPARKS_API_URL": server.api_url,
            "THEMEPARKS_API_KEY": KEY,
            "ARCHIVE_CACHE_DIR": str(tmp_path),
            "HISTORY_DIR": str(tmp_path / "history"),
        }
        for name, value in changed.items():
            setattr(settings, name, value)
        first, final = server.today - timedelta(days=DAYS), server.final_day()
        wanted = PARKS * ((final - first).days + 1)

        def an_hour_later() -> None:
            server.forget_budgets()
            ApiPace.objects.filter(api=budget_of(server.api_url)).delete()
            ImportCheckpoint.objects.update(not_before=None)

        instants = random.Random(DAYS)
        arguments = ["--source", "themeparks-history:", "--all"]
        kills = 0
        while kills < KILLS and len(set(days_asked(server))) < wanted:
            files = ImportedFile.objects.count()
            process = forks.start("import_archive", *arguments, settings=changed)
            until(
                lambda p=process, n=files: p.poll() is not None or ImportedFile.objects.count() > n, every_seconds=0.005
            )
            time.sleep(instants.uniform(0, 0.4))  # a day takes some 0.2 s
            process.send_signal(signal.SIGKILL)
            output, _ = process.communicate()
            if process.returncode == -signal.SIGKILL:
                kills += 1
            elif process.returncode == 3:
                assert "Go on after" in output or "it goes on after" in output, output
                an_hour_later()
            arguments = ["--resume"] if ImportCheckpoint.objects.exists() else arguments
        an_hour_later()
        status, output = forks.run("import_archive", "--resume", "--queue", settings=changed)
        assert status == 0, output
        hours = 0
        while ImportCheckpoint.objects.exclude(status="COMPLETED").exists():
            for checkpoint in waiting():
                import_slice([[checkpoint.pk, checkpoint.generation]])
            if not waiting() and ImportCheckpoint.objects.exclude(status="COMPLETED").exists():
                assert set(ImportCheckpoint.objects.values_list("attempts", flat=True)) == {0}
                hours += 1
                assert hours < 20, list(ImportCheckpoint.objects.values())
                an_hour_later()
        assert stored() == what_happened(server, first, final)
        asked = days_asked(server)
        assert len(set(asked)) == wanted
        assert len(asked) <= wanted + kills
        assert set(ImportedFile.objects.values_list("outcome", flat=True)) <= {"IMPORTED", "NO_EVENTS"}
