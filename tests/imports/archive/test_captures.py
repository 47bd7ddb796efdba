"""Captures of live answers through the whole import: rows are LIVE, told once, and every line leaves a trace."""

import json
import threading
from datetime import UTC, date, datetime
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from imports.archive import beginning, planning
from imports.archive.pipeline import run_import
from imports.archive.request import Request, RequestError
from imports.management.summary import captures_by_park, summarize
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.opening import open_source
from imports.sources.source import ArchiveError
from quality.models import DataQualityLog
from tests.imports.building import event, write_day
from tests.imports.capturing import DESTINATION, OTHER_PARK, PARK, RIDE, answer, line, row, write_lines
from warehouse.models import Park, QueueData, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
CAPTURED = Path(__file__).parent.parent / "captured"
NOW = datetime(2026, 7, 20, 12, tzinfo=UTC)
DAY = date(2026, 7, 18)


def capture(time, *rows, park=PARK, **changes):
    return {"ts": f"{DAY}T{time}Z", "park_id": park, "http_status": 200, "raw": answer(list(rows), id=park)} | changes


def told(time, **changes):
    return row(lastUpdated=f"{DAY}T{time}Z", **changes)


def runs(path, **request):
    request = {"everything": True} | request
    return beginning.begin(planning.plan(Request(open_source(str(path)), **request), NOW.date()), lambda: NOW)


def import_all(path, **request):
    (run,) = runs(path, **request)
    assert run_import(run, threading.Event())
    return run.totals


def import_archive(*arguments):
    out = StringIO()
    call_command("import_archive", *map(str, arguments), stdout=out)
    return out.getvalue()


def findings():
    return set(DataQualityLog.objects.values_list("reason", flat=True))


@pytest.fixture
def park():
    return Park.objects.create(
        themeparks_wiki_id=PARK, park_name="A park", timezone="Asia/Tokyo", destination_wiki_id=DESTINATION
    )


def test_real_answers_are_stored_as_live_and_every_state_once(tmp_path):
    live = json.loads((CAPTURED / "magic_kingdom_live.json").read_text())
    before_opening = json.loads((CAPTURED / "magic_kingdom_live_before_opening.json").read_text())
    at = "2026-04-14T22:28:00Z"
    lines = [live, {"ts": at, "http_status": 200, "raw": live}, {"time": at, "body": json.dumps(live)}, before_opening]
    path = write_lines(tmp_path / "captures.ndjson", *lines)
    dry = import_archive("--source", path, "--all", "--dry-run")
    assert "2 files" in dry and "Nothing was written" in dry and not RideStatusSnapshot.objects.exists()
    assert "240 events that can be stored" in dry

    printed = import_archive("--source", path, "--all")
    # 60 rows of one answer, told three times; those of the next morning that did not change since are known too
    stored = RideStatusSnapshot.objects.count()
    assert f"240 events: {stored} stored, {240 - stored} already known, 0 duplicates, 0 rejected" in printed
    assert 60 < stored < 120
    assert set(RideStatusSnapshot.objects.values_list("data_source", flat=True)) == {"LIVE"}
    assert RideStatusSnapshot.objects.filter(recorded_at__lt=datetime(2026, 4, 9, tzinfo=UTC)).exists()  # closed since
    assert QueueData.objects.exists()
    assert findings().isdisjoint({"duplicate_event", "conflicting_event", "missing_days", "future_time"})

    again = import_archive("--source", path, "--all")
    assert "240 events: 0 stored, 240 already known" in again
    assert set(ImportedFile.objects.values_list("feed", "outcome", "source_file")) == {
        ("CAPTURES", "IMPORTED", f"75ea578a-adc8-4116-a54d-dccb60765ef9/2026/04/{day}.ndjson") for day in (14, 15)
    }


def test_only_what_is_new_is_read_and_days_between_are_not_missing(tmp_path, park):
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000")))
    later = {"ts": "2026-07-20T08:00:00Z", "raw": answer([row(lastUpdated="2026-07-20T07:00:00.500Z")])}
    with path.open("ab") as file:
        file.write(line(later) + b"\n")
    assert import_all(path, missing_only=True).files == 2
    assert import_all(path, missing_only=True).files == 0
    with path.open("ab") as file:
        file.write(line(capture("11:00:00", told("09:00:00.000"), told("10:30:00.000", status="DOWN"))) + b"\n")
    totals = import_all(path, missing_only=True)
    assert (totals.files, totals.stored, totals.already_known) == (1, 1, 2)
    assert import_all(path, changed_only=True).files == 0
    assert not ImportedFile.objects.filter(outcome="MISSING").exists() and findings() == set()


def test_captures_without_an_answer_are_rejected_and_told_with_how_many_for_which_reason(tmp_path, park):
    failures = [{"ts": f"{DAY}T12:0{n}:00Z", "park_id": PARK, "http_status": 503, "raw": "no"} for n in range(3)]
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000")), *failures, b"{broken")
    totals = import_all(path)
    assert (totals.events, totals.stored, totals.rejected) == (5, 1, 4)
    found = DataQualityLog.objects.get()
    assert (found.reason, found.entity_key) == ("capture_without_answer", DESTINATION)
    assert "captures of 2026-07-18: 4 captures hold no answer" in found.description
    assert found.evidence["values"] == {"its HTTP status is 503": 3, "it is no JSON": 1}
    assert import_all(path).findings == 0


def test_a_state_that_changed_under_one_instant_is_told_as_a_contradiction_without_a_command(tmp_path, park):
    lines = [capture(f"10:0{n}:00", told("09:00:00.000", status=s)) for n, s in enumerate(("OPERATING", "DOWN"))]
    totals = import_all(write_lines(tmp_path / "a.ndjson", *lines))
    assert (totals.stored, totals.duplicates) == (1, 1)
    found = DataQualityLog.objects.get()
    assert found.reason == "conflicting_event" and "--replace" not in found.description
    totals = import_all(write_lines(tmp_path / "b.ndjson", capture("10:00:00", told("09:00:00.000", status="DOWN"))))
    assert totals.duplicates == 1
    assert not DataQualityLog.objects.filter(description__contains="--replace").exists()


def test_what_the_archive_has_is_known_and_stays_the_archives(tmp_path, park):
    said = {"queue": {"STANDBY": {"waitTime": 40}}, "name": "Big Thunder Mountain"}
    write_day(tmp_path / "archive", [event("09:00:00.000Z", entity=RIDE, day=DAY, **said)], DAY)
    assert import_all(tmp_path / "archive").stored == 1
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000"), told("09:30:00.000")))
    totals = import_all(path)
    assert (totals.stored, totals.already_known, totals.duplicates) == (1, 1, 0)
    assert sorted(RideStatusSnapshot.objects.values_list("data_source", flat=True)) == ["ARCHIVE", "LIVE"]


def test_a_day_whose_live_rows_gave_way_to_the_archive_gets_none_back(tmp_path, park):
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000"), told("09:30:00.000")))
    import_all(path)
    write_day(tmp_path / "archive", [event("09:00:00.123Z", entity=RIDE, day=DAY)], DAY)
    assert import_all(tmp_path / "archive", replace_live=True).live_replaced == 2
    totals = import_all(path)
    assert (totals.events, totals.stored, totals.already_known) == (2, 0, 2)
    assert list(RideStatusSnapshot.objects.values_list("data_source", flat=True)) == ["ARCHIVE"]


def test_a_second_collection_of_the_same_day_lacks_nothing(tmp_path, park):
    import_all(write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000"))))
    import_all(write_lines(tmp_path / "b.ndjson", capture("12:00:00", told("11:00:00.000", status="DOWN"))))
    assert RideStatusSnapshot.objects.count() == 2 and findings() == set()


def test_what_is_not_read_is_a_finding_until_a_look_at_all_reads_it(tmp_path, park):
    path = tmp_path / "folder" / "a.ndjson"
    write_lines(path, capture("10:00:00", told("09:00:00.000")))
    whole = line(capture("11:00:00", told("10:30:00.000")))
    with path.open("ab") as file:
        file.write(whole[:200])
    printed = import_archive("--source", path.parent, "--all")
    assert "of the captures, this is not read: 1 whose last line is cut short: a.ndjson" in printed
    found = DataQualityLog.objects.get(reason="captures_left_out")
    assert (found.entity_key, found.resolution_status) == (DESTINATION, "OPEN")
    with path.open("ab") as file:
        file.write(whole[200:] + b"\n")
    assert import_all(path.parent).stored == 1
    found.refresh_from_db()
    assert found.resolution_status == "RESOLVED"


def test_a_park_whose_destination_becomes_known_later_is_heard_in_one(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000")))
    assert import_all(path).stored == 1
    park = Park.objects.get()
    assert (park.themeparks_wiki_id, park.destination_wiki_id) == (PARK, PARK)
    assert (park.park_name, park.park_slug, park.timezone) == ("A park", "", "Asia/Tokyo")
    Park.objects.update(destination_wiki_id=DESTINATION)  # as sync_metadata does
    assert import_all(path).already_known == 1
    assert set(ImportedFile.objects.values_list("destination_wiki_id", flat=True)) == {PARK, DESTINATION}
    assert findings() == set()


def test_an_import_of_a_park_that_stood_for_its_destination_cannot_go_on_once_that_is_known_and_says_so(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000")))
    (run,) = runs(path)
    Park.objects.update(destination_wiki_id=DESTINATION)
    with pytest.raises(ArchiveError, match="cancel its import and begin it anew"):
        beginning.resume([checkpoint.import_id for checkpoint in run.checkpoints], None, lambda: NOW)


def test_one_park_of_a_destination_is_imported_alone(tmp_path, park):
    rows = [told("09:00:00.000"), told("09:00:00.000", id=RIDE[:-1] + "5", parkId=OTHER_PARK)]
    of_all = answer(rows, id=DESTINATION, entityType="DESTINATION")
    totals = import_all(write_lines(tmp_path / "a.ndjson", of_all), everything=False, parks=[PARK])
    assert (totals.events, totals.stored) == (1, 1)
    assert Park.objects.count() == 1


def test_a_stopped_import_goes_on_where_it_was(tmp_path, park):
    other_day = {"ts": "2026-07-19T08:00:00Z", "raw": answer([row(lastUpdated="2026-07-19T07:00:00.500Z")])}
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000")), other_day)
    (run,) = runs(path)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    assert ImportCheckpoint.objects.get().status == "PAUSED" and RideStatusSnapshot.objects.count() == 1
    with pytest.raises(RequestError, match="is of another kind"):
        beginning.resume([], open_source(str(tmp_path / "nowhere")))
    (again,) = beginning.resume([], None)
    assert run_import(again, threading.Event())
    assert (again.totals.files, again.totals.stored) == (1, 1)


def test_the_summary_counts_days_of_captures_by_themselves(tmp_path, park):
    assert not captures_by_park().rows
    import_all(write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000"), row(status=...))))
    assert captures_by_park().rows == [("A park", DAY, DAY, 1, 1)]
    assert "Captures imported, by park" in [table.title for table in summarize()]


def test_options_that_make_no_sense_with_captures_are_refused(tmp_path):
    path = write_lines(tmp_path / "a.ndjson", capture("10:00:00", told("09:00:00.000")))
    for option in ("--replace-live", "--replace"):
        with pytest.raises(CommandError, match="leave it away") as refused:
            import_archive("--source", path, "--all", option)
        assert refused.value.returncode == 2
    with pytest.raises(CommandError, match="no answer of /live in it") as refused:
        import_archive("--source", write_lines(tmp_path / "b.ndjson", {"events": []}), "--all")
    assert refused.value.returncode == 1
