"""Nightly: what became final since, of destinations that were imported from the History API, and nothing twice."""

from datetime import timedelta

import pytest
import stamina
from django.core.management import call_command

from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.opening import HISTORY
from imports.tasks import import_final_days, import_slice
from tests.history_server import FREE, NOW, REVOKED, history_server
from tests.imports.fault_server import Fault

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture
def server(settings, time_machine, tmp_path):
    with history_server(recorded_days=8) as server, stamina.set_testing(True, attempts=2, cap=True):
        time_machine.move_to(NOW, tick=False)
        settings.THEMEPARKS_API_URL, settings.THEMEPARKS_API_KEY = server.api_url, FREE
        settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
        settings.HISTORY_DIR = str(tmp_path)
        yield server


def asked(server) -> int:
    return sum(times for (_, path, _), times in server.asked.items() if path.endswith("/history"))


def test_each_night_the_new_final_days_are_queued(server, time_machine, settings):
    assert import_final_days() == "nothing to do: no destination was imported from the History API yet"
    final = server.final_day()
    resort = server.parks[0].destination
    call_command("import_archive", source=HISTORY, destination=[resort], first=final - DAY, verbosity=0)
    assert asked(server) == 2
    assert import_final_days() == "0 days of 0 parks queued"  # what is here already; the other resort is not wanted

    server.today = NOW.date() + 2 * DAY
    time_machine.move_to(server.now, tick=False)
    assert import_final_days() == "2 days of 1 park queued"
    assert import_final_days().startswith("0 days of 0 parks queued; ")  # it is queued already
    waiting = ImportCheckpoint.objects.get(queued_at__isnull=False)
    assert import_slice([[waiting.pk, waiting.generation]]).endswith("completed")
    days = ImportedFile.objects.order_by("file_date").values_list("file_date", flat=True)
    assert list(days) == [final + n * DAY for n in (-1, 0, 1, 2)]
    assert asked(server) == 4

    settings.THEMEPARKS_API_KEY = REVOKED
    assert "check THEMEPARKS_API_KEY" in import_final_days()


def test_a_destination_that_hangs_does_not_keep_the_others_from_their_days(server, time_machine, monkeypatch):
    monkeypatch.setattr("imports.workers.final_days.DESTINATION_SECONDS", 0.5)
    final = server.final_day()
    parks = {park.destination: park for park in server.parks}
    for resort in parks:
        call_command("import_archive", source=HISTORY, destination=[resort], first=final, verbosity=0)
    server.today = NOW.date() + 2 * DAY
    time_machine.move_to(server.now, tick=False)
    begin = server.now.date().toordinal() % len(parks)  # whose turn it is to be first tonight
    first, second = (parks[resort] for resort in [*sorted(parks)[begin:], *sorted(parks)[:begin]])
    server.faults = [Fault("mute", f"{first.id}/history/coverage", times=99)]
    assert import_final_days().startswith("2 days of 1 park queued; ")
    assert ImportCheckpoint.objects.get(queued_at__isnull=False).destination_wiki_id == second.destination
