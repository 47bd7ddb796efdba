"""The History API as a source, by the command: what happened comes in, asked for once, and the key stays here."""

import gzip
import io
import json
import re
import threading
from datetime import datetime, time, timedelta

import pytest
import stamina
from django.core.management import CommandError, call_command
from django.db import connection

from imports.admin.progress import progress_of
from imports.api import history
from imports.api.pace import ApiPace, budget_of
from imports.archive import beginning, planning, preview
from imports.archive.pipeline import run_import
from imports.archive.request import Request
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.opening import open_source
from imports.workers import queue
from imports.workers.import_task import import_slice
from quality.models import DataQualityLog
from tests.emptying import empty_tables
from tests.history_server import BACKEND_UNAVAILABLE, FREE, NOW, REVOKED, TINY, history_server
from tests.imports.fault_server import Answer, Fault
from tests.imports.table_state import table_state
from warehouse.instants import aware_utc
from warehouse.models import Park, RideOpening, RideStatusSnapshot
from warehouse.zones import known_zone

pytestmark = pytest.mark.django_db(transaction=True)
API = "themeparks-history:"
DAY = timedelta(days=1)
FROM = NOW.date() - 6 * DAY  # the key-less reach 7 days back, today included; the last 2 are not final


@pytest.fixture(scope="module")
def shared_server():
    with history_server(recorded_days=20) as server:
        yield server


@pytest.fixture
def server(shared_server, settings, time_machine, tmp_path):
    server = shared_server
    server.now, server.faults, server.degraded_times = NOW, [], 0
    server.requests.clear()
    server.forget_budgets()
    time_machine.move_to(NOW, tick=False)
    settings.THEMEPARKS_API_URL = server.api_url
    settings.THEMEPARKS_API_KEY = FREE
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    settings.HISTORY_DIR = str(tmp_path / "cache" / "history")
    truth = list(server.truth)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield server
    server.truth = truth


def run(*arguments, source=API) -> str:
    out = io.StringIO()
    call_command("import_archive", "--source", source, *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def refused(*arguments, source=API) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments, source=source)
    return caught.value


def days_asked(server) -> list[tuple[str, str]]:
    """(park, day) of each question about a day."""
    return sorted(
        (path.split("/")[2], query.removeprefix("date="))
        for (_, path, query), times in server.asked.items()
        for _ in range(times)
        if path.endswith("/history")
    )


def stored() -> list[tuple]:
    rows = RideStatusSnapshot.objects.values_list(
        "ride__themeparks_wiki_id", "recorded_at", "status", "wait_time", "data_source"
    )
    return sorted((wiki_id, aware_utc(at) if at.tzinfo is None else at, *rest) for wiki_id, at, *rest in rows)


def what_happened(server, first, last) -> list[tuple]:
    rows = []
    for park in server.parks:
        for n in range((last - first).days + 1):
            for change in server.changes_of(park.id, first + n * DAY):
                standby = (change.queue or {}).get("STANDBY") or {}
                at = change.at.replace(microsecond=0)
                rows.append((change.entity_id, at, change.status, standby.get("waitTime"), "ARCHIVE"))
    return sorted(rows)


def whole_again(server) -> None:
    """An hour later: the budget is whole, here and there."""
    server.forget_budgets()
    ApiPace.objects.filter(api=budget_of(server.api_url)).delete()
    ImportCheckpoint.objects.update(not_before=None)


def everything_written(tmp_path) -> str:
    """All tables, and all files below the cache."""
    said = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM `{table}`")
            said += [repr(row) for row in cursor.fetchall()]
    for path in tmp_path.rglob("*"):
        said.append(str(path))
        if path.is_file():
            raw = path.read_bytes()
            said.append((gzip.decompress(raw) if path.suffix == ".gz" else raw).decode(errors="replace"))
    return "\n".join(said)


def test_every_final_day_comes_in_by_one_request_each_and_the_key_is_written_nowhere(server, tmp_path, caplog):
    caplog.set_level("DEBUG")
    said = run("--all", "--from", FROM)
    final = server.final_day()
    assert stored() == what_happened(server, FROM, final)
    days = [f"{FROM + n * DAY}" for n in range((final - FROM).days + 1)]
    assert days_asked(server) == sorted((park.id, day) for park in server.parks for day in days)
    assert f"{2 * len(days)} park days: {2 * len(days)} requests; the budget is 600 an hour (free)" in said
    ledger = ImportedFile.objects.all()
    assert {(file.feed, file.outcome) for file in ledger} == {("HISTORY", "IMPORTED")}
    assert [file.source_file for file in ledger.filter(file_date=FROM)] == [
        f"{park.destination}/{FROM:%Y/%m/%d}/{park.id}.json.gz"
        for park in sorted(server.parks, key=lambda park: Park.objects.get(themeparks_wiki_id=park.id).pk)
    ]
    assert set(Park.objects.values_list("park_name", "timezone")) == {(park.name, park.zone) for park in server.parks}
    refused("--park", "x", "--from", FROM)
    for text in (said, everything_written(tmp_path), caplog.text, repr(open_source(API))):
        assert FREE not in text

    server.requests.clear()
    again = run("--all", "--from", FROM, "--missing-only")
    assert f"{2 * len(days)} park days not asked for: the ledger has them" in again and "Nothing is left" in again
    assert "0 stored" in run("--all", "--from", FROM)  # anew, from what was kept
    assert days_asked(server) == []


def test_what_was_kept_is_a_source_without_network_and_key(server, settings, tmp_path):
    run("--all", "--from", FROM)
    by_network = stored()
    state = table_state()
    empty_tables()
    settings.THEMEPARKS_API_URL = "http://127.0.0.1:9/v1"
    settings.THEMEPARKS_API_KEY = ""
    kept = tmp_path / "cache" / "history"
    run("--all", source=f"{API}{kept}")
    assert stored() == by_network
    assert table_state() == state

    damaged = next(kept.rglob(f"{FROM:%Y/%m/%d}/*.json.gz"))
    damaged.write_bytes(damaged.read_bytes()[:40])
    said = run("--all", source=f"{API}{kept}")
    assert "1 unreadable" in said
    assert DataQualityLog.objects.get(reason="unreadable_file").source_file == str(damaged.relative_to(kept))
    assert "answers of the History API; give --source themeparks-history:" in str(refused("--all", source=kept))
    assert "No such file or directory" in str(refused("--all", source=f"{API}{tmp_path}/nothing"))


def test_a_budget_that_is_spent_pauses_the_import_and_nothing_is_asked_twice(server, settings):
    settings.THEMEPARKS_API_KEY = TINY  # 5 requests an hour, two of which go to what the parks have
    error = refused("--all", "--from", FROM)
    assert error.returncode == 3 and re.search(r"Go on after \d{4}-\d\d-\d\d \d\d:\d\dZ with", str(error))
    statuses = list(ImportCheckpoint.objects.order_by("pk").values_list("status", "files_processed"))
    assert statuses == [("PAUSED", 3), ("PENDING", 0)]
    assert "it goes on after" in ImportCheckpoint.objects.get(status="PAUSED").last_error
    assert ApiPace.objects.get(api=server.api_url).next_request_at < ApiPace.objects.get(
        api=budget_of(server.api_url)
    ).resets_at - timedelta(minutes=50)  # live questions go on
    server.requests.clear()
    assert refused("--resume").returncode == 3  # too early: not even asked
    assert days_asked(server) == []
    for _ in range(2):
        whole_again(server)
        try:
            run("--resume")
        except CommandError as paused:
            assert paused.returncode == 3
    assert set(ImportCheckpoint.objects.values_list("status", flat=True)) == {"COMPLETED"}
    assert stored() == what_happened(server, FROM, server.final_day())
    asked = days_asked(server)
    assert len(asked) == len(set(asked)) == 7  # of 10, 3 before


def test_a_queued_import_waits_for_its_budget_and_loses_no_attempt(server, settings):
    settings.THEMEPARKS_API_KEY = TINY
    park = server.parks[0]
    queue.enqueue(
        [
            checkpoint
            for begun in beginning.begin(
                planning.plan(Request(open_source(API), (park.destination,), first=FROM), NOW.date())
            )
            for checkpoint in begun.checkpoints
        ]
    )

    def go_on() -> str:
        return import_slice([[each.pk, each.generation] for each in ImportCheckpoint.objects.all()])

    assert "waits until" in go_on()
    waiting = ImportCheckpoint.objects.get()
    assert (waiting.status, waiting.attempts, waiting.worker, waiting.files_processed) == ("IN_PROGRESS", 0, "", 4)
    assert waiting.queued_at is not None and waiting.not_before is not None
    assert queue.waiting() == [] and queue.dispatch() == 0
    assert go_on() == "nothing to do: paused, ended or taken over since"
    shown = progress_of([waiting], NOW)[waiting.pk].explanation
    assert shown.startswith("waits: the history requests of this key are used up; it goes on after ")
    whole_again(server)
    assert [each.pk for each in queue.waiting()] == [waiting.pk]
    assert go_on().endswith(", completed")
    assert len(days_asked(server)) == 5


def test_days_that_the_key_no_longer_reaches_are_told_and_the_others_come(server, time_machine):
    first = NOW.date() - 29 * DAY  # the first of a free key's 30 days, today
    plans = planning.plan(Request(open_source(API), (server.parks[0].destination,)), NOW.date())
    assert plans[0].first == max(first, NOW.date() - 20 * DAY)
    server.today = NOW.date() + 12 * DAY  # it lay still for so long: the window goes from 17 days ago
    for begun in beginning.begin(plans):
        assert run_import(begun, threading.Event())
        assert begun.totals.days_out_of_reach == 3
    reached = NOW.date() - 17 * DAY
    assert ImportedFile.objects.order_by("file_date").first().file_date == reached
    finding = DataQualityLog.objects.get(reason="out_of_reach")
    assert finding.timestamp_start.date() == plans[0].first and finding.timestamp_end.date() == reached
    assert set(ImportedFile.objects.values_list("outcome", flat=True)) <= {"IMPORTED", "NO_EVENTS"}
    assert not any(times > 1 for times in server.asked.values())


@pytest.mark.parametrize("arguments", [("--from", "2024-09-01", "--to", "2024-09-05")])
def test_what_lies_before_the_reach_is_said_and_no_day_of_it_is_asked(server, arguments):
    error = refused("--all", *arguments)
    assert error.returncode == 2
    assert "has no files" in str(error) or "reaches back to" in str(error)
    assert days_asked(server) == []


def test_without_a_key_the_last_final_days_come_and_the_end_says_how_far_that_reached(server, settings):
    settings.THEMEPARKS_API_KEY = ""
    said = run("--destination", server.parks[0].destination)
    assert "60 an hour (no key)" in said
    last_line = said.strip().splitlines()[-1]
    assert last_line.startswith("Out of this key's reach: ") and last_line.endswith(server.parks[0].name)
    assert len(days_asked(server)) == 5


def test_a_key_that_is_refused_ends_it_at_once(server, settings):
    settings.THEMEPARKS_API_KEY = REVOKED
    error = refused("--all", "--from", FROM)
    assert error.returncode == 1 and "check THEMEPARKS_API_KEY" in str(error) and REVOKED not in str(error)


def test_an_api_that_is_away_pauses_and_no_day_is_missing_or_unreadable(server):
    run("--all", "--from", server.final_day())
    server.faults = [Fault("status", r"/history\?date=", times=99, answer=BACKEND_UNAVAILABLE)]
    error = refused("--all", "--from", FROM)
    assert error.returncode == 3
    assert set(ImportedFile.objects.values_list("outcome", flat=True)) == {"IMPORTED"}
    assert ImportCheckpoint.objects.filter(status="PAUSED").count() == 1
    server.faults = []
    whole_again(server)
    run("--resume")
    assert stored() == what_happened(server, FROM, server.final_day())


def test_an_answer_that_is_none_is_unreadable_and_three_in_a_row_end_it(server):
    page = Answer(b"<html>sign in to this network</html>")
    server.faults = [Fault("status", rf"/history\?date={FROM}", times=99, answer=page)]
    said = run("--destination", server.parks[0].destination, "--from", FROM)
    assert "1 unreadable" in said
    finding = DataQualityLog.objects.get(reason="unreadable_file")
    assert "JSON" in finding.description
    server.faults = []
    run("--destination", server.parks[0].destination, "--from", FROM, "--missing-only")
    assert set(ImportedFile.objects.values_list("outcome", flat=True)) == {"IMPORTED"}
    server.faults = [Fault("status", r"/history\?date=", times=99, answer=page)]
    error = refused("--destination", server.parks[1].destination, "--from", FROM)
    assert error.returncode == 1 and "3 answers in a row were none" in str(error)


def test_a_day_that_was_recorded_anew_is_found_by_changed_and_replaced_on_demand(server):
    park = server.parks[0]
    run("--destination", park.destination, "--from", FROM)
    server.requests.clear()
    assert "5 unchanged" in run("--destination", park.destination, "--from", FROM, "--changed")
    assert len(days_asked(server)) == 5
    (gone, _), _ = server.rewrite(park.id, FROM)
    run("--destination", park.destination, "--from", FROM, "--to", FROM, "--changed")
    assert DataQualityLog.objects.filter(reason="conflicting_event", resolution_status="OPEN").exists()
    assert RideStatusSnapshot.objects.filter(recorded_at=gone.at.replace(microsecond=0)).exists()
    run("--destination", park.destination, "--from", FROM, "--to", FROM, "--replace")
    of_park = {entity.id for entity in server.below(park)}
    assert stored() == [row for row in what_happened(server, FROM, server.final_day()) if row[0] in of_park]
    assert not DataQualityLog.objects.filter(reason="conflicting_event", resolution_status="OPEN").exists()


def test_an_answer_that_looked_back_too_short_is_told_until_it_is_asked_for_anew(server, monkeypatch):
    monkeypatch.setattr(history, "DEGRADED_WAIT_SECONDS", 0)
    days = ["--destination", server.parks[0].destination, "--from", FROM, "--to", FROM]
    server.degraded_times = 99  # also when it is asked for again, twice
    run(*days)
    told = DataQualityLog.objects.filter(reason="degraded_answer")
    parks = set(Park.objects.values_list("themeparks_wiki_id", flat=True))
    assert set(told.values_list("entity_key", "resolution_status")) == {(park, "OPEN") for park in parks}
    assert not RideOpening.objects.exists()  # without a status
    server.degraded_times = 0
    run(*days, "--changed")
    assert set(told.values_list("resolution_status", flat=True)) == {"RESOLVED"}
    midnights = {datetime.combine(FROM, time(), tzinfo=known_zone(park.timezone)) for park in Park.objects.all()}
    assert set(RideOpening.objects.values_list("opens_at", flat=True)) == midnights


def test_a_park_that_the_api_does_not_know(server):
    Park.objects.create(
        themeparks_wiki_id="00000000-0000-4000-8000-0000000000ff",
        park_name="Closed Park",
        destination_wiki_id=server.parks[0].destination,
    )
    error = refused("--park", "00000000-0000-4000-8000-0000000000ff")
    assert "knows no park 00000000-0000-4000-8000-0000000000ff" in str(error) and server.parks[0].name in str(error)


def test_answers_that_cannot_be_kept_end_it_with_what_to_do(server, settings, tmp_path):
    (tmp_path / "taken").write_text("")
    settings.HISTORY_DIR = str(tmp_path / "taken" / "history")
    error = refused("--all", "--from", FROM)
    assert error.returncode == 1 and "ARCHIVE_CACHE_DIR must be writable and have room" in str(error)
    assert days_asked(server) == []


def test_days_that_were_kept_and_are_out_of_reach_by_now_come_as_they_are_asked_for(server, settings, time_machine):
    park = server.parks[0]
    run("--destination", park.destination, "--from", FROM)
    call_command("flush", interactive=False, verbosity=0)
    server.requests.clear()
    server.today = NOW.date() + 40 * DAY
    time_machine.move_to(server.now, tick=False)
    last = FROM + DAY
    said = run("--destination", park.destination, "--from", FROM, "--to", last)
    assert "2 park days: 0 requests (2 kept on disk)" in said
    assert sorted(ImportedFile.objects.values_list("file_date", flat=True)) == [FROM, last]
    error = refused("--destination", park.destination, "--from", FROM, "--to", last, "--changed")
    assert error.returncode == 2 and "reaches back to" in str(error)
    assert days_asked(server) == []


def test_a_preview_that_was_kept_begins_the_very_imports_of_its_plans(server, settings):
    settings.THEMEPARKS_API_KEY = ""
    asked = {"everything": True, "first": FROM - 30 * DAY}
    found = preview.look(Request(open_source(API), **asked), NOW, lambda said: None)
    assert any("Out of this key's reach" in sentence for sentence in found["sentences"])
    asked_before = len(server.requests)
    plans = preview.plans_of(json.loads(json.dumps(found)), Request(open_source(API), **asked))
    begun = [checkpoint for run in beginning.begin(plans) for checkpoint in run.checkpoints]
    assert len(server.requests) == asked_before, "nothing is asked again"
    kept = [(each.park.themeparks_wiki_id, each.start_date, each.end_date) for each in begun]
    assert kept == [
        (plan.of_park.park_id, plan.first, plan.last)
        for plan in planning.plan(Request(open_source(API), **asked), NOW.date())
        if plan.files
    ]
    assert DataQualityLog.objects.filter(reason="out_of_reach").count() == len(begun)
