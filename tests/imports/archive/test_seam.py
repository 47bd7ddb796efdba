"""From the archive to the History API with real imports: the hours between are told, asked for, and then filled."""

import json
import threading
from datetime import date, timedelta

import pytest

from imports.archive import cost
from imports.archive.beginning import begin
from imports.archive.pipeline import run_import
from imports.archive.planning import plan
from imports.archive.request import Request
from imports.models import ImportedFile
from imports.sources.history import key_of
from imports.sources.kept_answers import KeptAnswers
from imports.sources.opening import open_source
from quality.check.run import check
from quality.models import DataQualityLog, ResolutionStatus
from tests.imports.building import DAY, DESTINATION, NOW, PARK, RIDE, event, import_all, write_day
from warehouse.models import Park

pytestmark = pytest.mark.django_db(transaction=True)


def day(n: int) -> date:
    return DAY + timedelta(days=n)


def answer(n: int) -> bytes:
    """The History API's of the park's own day: its ride opens at 15:00 UTC."""
    row = {"time": f"{day(n)}T15:00:00Z", "status": "OPERATING", "queue": {"STANDBY": {"waitTime": 5}}, "changed": []}
    entity = {"id": RIDE, "name": "Ride", "entityType": "ATTRACTION", "history": [row]}
    told = {"id": PARK, "name": "Park", "entityType": "PARK", "timezone": "America/New_York", "entities": [entity]}
    return json.dumps(told | {"range": {"from": f"{day(n)}", "to": f"{day(n)}"}, "next": None}).encode()


def history(root, **asked) -> tuple[list[str], list[int]]:
    """Import kept answers: what is said before, and the days that are in the ledger then."""
    plans = plan(Request(open_source(f"themeparks-history:{root}"), everything=True, **asked), date(2026, 1, 1))
    for run in begin(plans, lambda: NOW):
        assert run_import(run, threading.Event())
    days = ImportedFile.objects.filter(feed="HISTORY").order_by("file_date").values_list("file_date", flat=True)
    return cost.sentences(plans), [(each - DAY).days for each in days]


def test_the_days_on_a_seam_are_told_and_missing_only_asks_for_them_alone(tmp_path):
    for n in range(3):
        write_day(tmp_path / "archive", [event("15:00:00.644Z", day=day(n))], day(n))
    kept = KeptAnswers(tmp_path / "history")
    for n in range(5):
        kept.put(key_of(DESTINATION, PARK, day(n)), answer(n))
    import_all(tmp_path / "archive")
    _, imported = history(kept.root, first=day(3))
    assert imported == [3, 4]

    (finding,) = [each for each in check(None, day(3), day(4), NOW).findings if each.reason == "seam_hole"]
    assert "nothing was asked for 5 h, 2024-12-28 00:00 to 05:00 UTC" in finding.description
    assert f"--park {PARK} --from {day(2)} --to {day(2)}" in finding.description

    said, imported = history(kept.root, missing_only=True)
    assert imported == [2, 3, 4]
    assert "2 park days not asked for: the ledger has them" in said
    assert "2 park days not asked for: the archive's files have them" in said
    park = Park.objects.get()
    assert check([park.pk], day(2), day(2), NOW).resolved
    assert DataQualityLog.objects.get(reason="seam_hole").resolution_status == ResolutionStatus.RESOLVED
