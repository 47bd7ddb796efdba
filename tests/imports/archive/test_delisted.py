"""What the History API has of entities that parks no longer list, by the command: a month of each is asked for once."""

import io
import threading
from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
import stamina
from django.core.management import CommandError, call_command

from imports.api.pace import ApiPace, budget_of
from imports.archive import beginning, ledger, planning
from imports.archive.coverage import coverage
from imports.archive.destinations import destinations_of
from imports.archive.heard_twice import heard_elsewhere, heard_twice
from imports.archive.pipeline import run_import
from imports.archive.request import Request
from imports.loading.counts import Counts
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.opening import delisted_of, open_source
from imports.sources.source import DayFile, Feed
from imports.workers import queue
from imports.workers.import_task import import_slice
from quality import import_ledger
from quality.models import DataQualityLog
from tests.history_server import BUSINESS, FREE, NOW, TINY, history_server
from tests.history_truth import Entity, changes, midnight
from tests.imports.desk import day_file, preview, somebody, start
from tests.imports.fault_server import Answer, Fault
from tests.imports.table_state import table_state
from warehouse.instants import aware_utc
from warehouse.models import Park, Ride, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
API = "themeparks-history:"
DELISTED = "themeparks-history-delisted:"
COVERAGE = "/admin/imports/importedfile/coverage/"
SEPTEMBER, OCTOBER, NOVEMBER = (date(2024, month, 1) for month in (9, 10, 11))
LAST = {SEPTEMBER: date(2024, 9, 30), OCTOBER: date(2024, 10, 31), NOVEMBER: date(2024, 11, 30)}
REACHED = date(2024, 10, 27)  # the first day of a free key


@pytest.fixture(scope="module")
def shared_server():
    """What is gone was recorded from 2024-09-16 to 2024-11-05: September and October are over, November is not."""
    with history_server(recorded_days=70) as server:
        yield server


@pytest.fixture
def server(shared_server, settings, time_machine, tmp_path):
    server = shared_server
    server.now, server.faults = NOW, []
    server.requests.clear()
    server.forget_budgets()
    time_machine.move_to(NOW, tick=False)
    settings.THEMEPARKS_API_URL = server.api_url
    settings.THEMEPARKS_API_KEY = BUSINESS
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    settings.HISTORY_DIR = str(tmp_path / "cache" / "history")
    entities = {key: replace(entity) for key, entity in server.entities.items()}
    truth, plans = list(server.truth), dict(server.plans)
    with stamina.set_testing(True, attempts=2, cap=True):
        yield server
    server.entities, server.truth, server.plans, server.said_listed = entities, truth, plans, set()


def run(*arguments, source=API) -> str:
    out = io.StringIO()
    call_command("import_archive", "--delisted", "--source", source, *map(str, arguments), stdout=out, stderr=out)
    return out.getvalue()


def resume(*arguments) -> None:
    call_command("import_archive", "--resume", *arguments, stdout=io.StringIO())


def refused(*arguments, source=API) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run(*arguments, source=source)
    return caught.value


def gone(server) -> list[Entity]:
    return [entity for entity in server.entities.values() if entity.gone_on(server.today)]


def another(server, name: str) -> Entity:
    """One more ride of the first park that is gone."""
    like = server.named("New York Splash")
    ride = Entity(name, "ATTRACTION", like.zone, like.parent, like.destination, ("STANDBY",), like.first, like.last)
    server.entities[ride.id] = ride
    server.truth = sorted([*server.truth, *changes([ride], like.first, like.last, None)], key=lambda c: c.at)
    return ride


def asked(server) -> Counter:
    """How often which entity was asked for, from which day."""
    found: Counter = Counter()
    for (_, path, query), times in server.asked.items():
        if path.endswith("/history"):
            first, last = (day.partition("=")[2] for day in query.split("&"))
            assert LAST[date.fromisoformat(first).replace(day=1)] == date.fromisoformat(last)
            found[path.split("/")[2], date.fromisoformat(first)] += times
    return found


def once_each(server, *begins: date, of=None) -> Counter:
    return Counter({(entity.id, begin): 1 for entity in of or gone(server) for begin in begins})


def stored() -> list[tuple]:
    rows = RideStatusSnapshot.objects.values_list(
        "ride__themeparks_wiki_id", "recorded_at", "status", "wait_time", "data_source"
    )
    return sorted((wiki_id, aware_utc(at) if at.tzinfo is None else at, *rest) for wiki_id, at, *rest in rows)


def what_happened(server, first: date, last: date, of=None) -> list[tuple]:
    """By the days of the park."""
    rows = []
    by_id = {entity.id: entity for entity in of or gone(server)}
    for change in server.truth:
        entity = by_id.get(change.entity_id)
        if entity and midnight(first, entity.tz) <= change.at < midnight(last + timedelta(days=1), entity.tz):
            wait = change.queue["STANDBY"]["waitTime"]
            rows.append((entity.id, change.at.replace(microsecond=0), change.status, wait, "ARCHIVE"))
    return sorted(rows)


def test_a_month_of_each_entity_comes_in_by_one_request(server):
    said = run("--all")
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER])
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER)
    assert "2 delisted entities of 2 parks, 4 park months: 4 requests" in said
    assert "Not final yet, and left out: days after 2024-10-31 of New York Park, Tokyo Park" in said
    assert set(Ride.objects.values_list("ride_name", "park__park_name")) == {
        (f"{city} Splash", f"{city} Park") for city in ("New York", "Tokyo")
    }
    park = server.parks[0]
    files = ImportedFile.objects.filter(park__themeparks_wiki_id=park.id).order_by("file_date")
    assert [(file.feed, file.file_date, file.outcome, file.source_file) for file in files] == [
        ("DELISTED", month, "IMPORTED", f"{park.destination}/{month:%Y/%m}/delisted/{park.id}")
        for month in (SEPTEMBER, OCTOBER)
    ]
    assert set(ImportCheckpoint.objects.values_list("start_date", "end_date", "files_processed", "files_total")) == {
        (SEPTEMBER, LAST[OCTOBER], 61, 61)
    }
    assert set(DataQualityLog.objects.values_list("reason", flat=True)) == {"missing_metadata"}

    server.requests.clear()
    again = run("--all", "--missing-only")
    assert "4 park months not asked for: the ledger has them" in again and "Nothing is left" in again
    assert "0 stored" in run("--all")  # anew, from what was kept
    assert asked(server) == Counter()


def test_a_month_comes_when_it_is_over_and_a_range_inside_it_is_the_whole_month(server, time_machine):
    run("--all", "--from", "2024-10-20", "--to", "2024-10-21")
    assert stored() == what_happened(server, OCTOBER, LAST[OCTOBER])
    error = refused("--destination", server.parks[0].destination, "--from", "2024-11-02")
    assert error.returncode == 2 and "no months of delisted entities that are over" in str(error)
    assert str(error).endswith("from 2024-11-02; it has 2024-09-01 to 2024-10-31")
    server.requests.clear()
    server.today = date(2024, 12, 3)
    time_machine.move_to(server.now, tick=False)
    run("--all", "--missing-only", "--from", "2024-10-01")
    assert asked(server) == once_each(server, NOVEMBER)
    assert stored() == what_happened(server, OCTOBER, LAST[NOVEMBER])


def test_what_was_kept_is_a_source_without_network_and_key(server, settings, tmp_path):
    run("--all")
    state = table_state()
    call_command("flush", interactive=False, verbosity=0)
    settings.THEMEPARKS_API_URL, settings.THEMEPARKS_API_KEY = "http://127.0.0.1:9/v1", ""
    kept = tmp_path / "cache" / "history"
    assert "2 delisted entities of 2 parks, 4 park months: 0 requests (4 kept on disk)" in run(
        "--all", source=f"{API}{kept}"
    )
    assert table_state() == state
    damaged = next(kept.rglob("2024/10/delisted/*/*.json.gz"))
    damaged.write_bytes(damaged.read_bytes()[:40])
    assert "1 unreadable" in run("--all", source=f"{API}{kept}")
    why = DataQualityLog.objects.get(reason="unreadable_file")
    assert damaged.name.partition(".")[0] in why.description and f"--source {DELISTED}" in why.description
    assert why.timestamp_end.date() == NOVEMBER


def test_a_budget_that_is_spent_inside_a_month_loses_no_answer(server, settings):
    settings.THEMEPARKS_API_KEY = TINY
    server.plans[TINY] = (None, 5)  # of which one goes to what the park has
    theirs = [server.named("New York Splash"), another(server, "Old Flume"), another(server, "Old Flyer")]
    destination = ("--destination", theirs[0].destination)
    assert "3 delisted entities of 1 park, 2 park months: 6 requests" in run(*destination, "--dry-run")
    error = refused(*destination)
    assert error.returncode == 3 and "Go on after" in str(error)
    assert stored() == what_happened(server, SEPTEMBER, LAST[SEPTEMBER], theirs)
    (checkpoint,) = ImportCheckpoint.objects.all()
    assert (checkpoint.last_processed_date, checkpoint.status) == (LAST[SEPTEMBER], "PAUSED")
    assert sum(asked(server).values()) == 4
    server.forget_budgets()
    ApiPace.objects.filter(api=budget_of(server.api_url)).delete()
    before = asked(server)
    server.requests.clear()
    resume()
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], theirs)
    assert before + asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=theirs)


def test_a_queued_import_opens_the_same_source(server):
    park = server.parks[0]
    plans = planning.plan(Request(open_source(delisted_of(API)), (park.destination,)), NOW.date())
    queue.enqueue([each for begun in beginning.begin(plans) for each in begun.checkpoints])
    server.requests.clear()
    said = import_slice([[each.pk, each.generation] for each in ImportCheckpoint.objects.all()])
    assert said.endswith(", completed")
    mine = [server.named("New York Splash")]
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=mine)
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], mine)


def test_a_month_in_which_the_reach_begins_is_asked_for_from_there_and_whole_when_the_key_reaches_it(server, settings):
    settings.THEMEPARKS_API_KEY = FREE
    mine = [server.named("New York Splash")]
    destination = ("--destination", mine[0].destination)
    said = run(*destination)
    assert asked(server) == once_each(server, REACHED, of=mine)
    assert stored() == what_happened(server, REACHED, LAST[OCTOBER], mine)
    assert said.strip().endswith("Out of this key's reach: 2024-09-16 to 2024-10-26 of New York Park")
    assert DataQualityLog.objects.get(reason="out_of_reach").timestamp_end.date() == REACHED
    run(*destination)
    assert asked(server) == once_each(server, REACHED, of=mine)

    server.requests.clear()
    settings.THEMEPARKS_API_KEY = BUSINESS
    run(*destination, "--missing-only")
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=mine)
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], mine)
    assert ImportedFile.objects.count() == 2
    assert not DataQualityLog.objects.filter(reason="out_of_reach", resolution_status="OPEN").exists()
    settings.THEMEPARKS_API_KEY = FREE  # lapsed: what was kept is there still
    call_command("flush", interactive=False, verbosity=0)
    run(*destination)
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], mine)
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=mine)


def test_a_reach_that_nobody_told_is_met_once(server, settings):
    settings.THEMEPARKS_API_KEY = FREE
    server.faults = [Fault("status", r"/me$", times=99, answer=Answer(b'{"error": {"type": "NOT_FOUND"}}', 404))]
    server.named("New York Splash").first = date(2024, 10, 2)  # of September it has nothing
    run("--all")
    new_york, tokyo = [server.named("New York Splash")], [server.named("Tokyo Splash")]
    in_tokyo = REACHED + timedelta(days=1)  # where it is tomorrow
    assert asked(server) == once_each(server, OCTOBER, REACHED, of=new_york) + once_each(
        server, REACHED, in_tokyo, of=tokyo
    )
    rows = what_happened(server, REACHED, LAST[OCTOBER], new_york) + what_happened(
        server, in_tokyo, LAST[OCTOBER], tokyo
    )
    assert stored() == sorted(rows)


def test_what_coverage_names_and_answers_about_the_park_do_not_counts_as_delisted(server):
    mine = server.named("New York Splash")
    server.said_listed = {mine.id}
    destination = ("--destination", mine.destination)
    error = refused(*destination)
    assert error.returncode == 2 and "no months of delisted entities that are over" in str(error)
    call_command("import_archive", "--source", API, *destination, "--from=2024-10-07", "--to=2024-10-07")
    server.requests.clear()
    run(*destination)
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=[mine])  # and of no other that the park has


def test_a_month_that_was_recorded_anew_is_asked_for_again_and_replaces_what_was_read(server):
    mine = [server.named("Tokyo Splash")]
    destination = ("--destination", mine[0].destination)
    run(*destination)
    wrong = next(each for each in server.truth if each.entity_id == mine[0].id and each.at.date() == date(2024, 10, 9))
    server.truth.remove(wrong)
    server.requests.clear()
    assert "1 unchanged" in run(*destination, "--changed")
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=mine)
    finding = DataQualityLog.objects.get(reason="rows_lacking")
    assert "2024-10-01 to 2024-10-31" in finding.description
    command = f"--from 2024-10-01 --to 2024-10-01 --replace --source {DELISTED}"
    assert command in finding.description
    run("--source", DELISTED, *destination, "--from=2024-10-01", "--to=2024-10-01", "--replace")
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], mine)


def test_an_entity_that_coverage_names_and_the_api_does_not_know_costs_itself_alone(server):
    theirs = [server.named("New York Splash"), another(server, "Old Flume")]
    destination = ("--destination", theirs[0].destination)
    run(*destination, "--dry-run")  # what the park has is known
    del server.entities[theirs[1].id]
    run(*destination)
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], theirs[:1])
    findings = DataQualityLog.objects.filter(reason="malformed_event")
    assert findings.count() and all("404" in str(finding.evidence) for finding in findings)


def test_a_month_that_the_archive_has_is_left_out_of_what_is_new(server):
    mine = server.named("New York Splash")
    park = Park.objects.create(
        themeparks_wiki_id=mine.parent,
        park_name="New York Park",
        timezone=mine.zone,
        destination_wiki_id=mine.destination,
    )
    for day in [OCTOBER + timedelta(days=n) for n in range(32)]:  # in New York October ends on November 1, UTC
        day_file(park, day, destination_wiki_id=mine.destination)
    said = run("--destination", mine.destination, "--missing-only")
    assert "1 park month not asked for: the archive's files have them" in said
    assert asked(server) == once_each(server, SEPTEMBER, of=[mine])
    ImportedFile.objects.get(file_date=NOVEMBER).delete()
    run("--destination", mine.destination, "--missing-only")
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=[mine])


def test_an_entity_that_goes_later_is_what_is_new(server, time_machine):
    first = server.named("New York Splash")
    run("--destination", first.destination)
    later = another(server, "Old Flume")
    server.requests.clear()
    time_machine.move_to(NOW + timedelta(hours=25), tick=False)  # coverage is asked for again
    said = run("--destination", first.destination, "--missing-only")
    assert "2 delisted entities of 1 park, 2 park months: 2 requests" in said
    assert asked(server) == once_each(server, SEPTEMBER, OCTOBER, of=[later])
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], [first, later])


def test_an_answer_that_is_none_makes_its_month_unreadable_and_the_others_of_it_are_kept(server):
    theirs = [server.named("New York Splash"), another(server, "Old Flume")]
    destination = ("--destination", theirs[0].destination)
    bad = rf"/entity/{theirs[1].id}/history\?from={OCTOBER}"
    server.faults = [Fault("status", bad, times=99, answer=Answer(b"<html>sign in to this network</html>"))]
    assert "1 unreadable" in run(*destination)
    assert stored() == what_happened(server, SEPTEMBER, LAST[SEPTEMBER], theirs)
    server.faults = []
    server.requests.clear()
    run(*destination, "--missing-only")
    at_most_two = asked(server)  # of those that come before it the answers were kept
    assert at_most_two[theirs[1].id, OCTOBER] == 1 and at_most_two.total() <= 2
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], theirs)


def test_a_clock_that_is_slow_is_known_by_a_month_too(server, time_machine):
    plans = planning.plan(Request(open_source(DELISTED), (server.parks[0].destination,)), NOW.date())
    begun = beginning.begin(plans)
    time_machine.move_to(NOW - timedelta(days=80), tick=False)
    with pytest.raises(Exception, match="Set the clock right"):
        run_import(begun[0], threading.Event())
    assert not RideStatusSnapshot.objects.exists()


def test_that_what_is_gone_was_silent_is_no_silence_of_the_park(server):
    mine, closed = server.named("New York Splash"), (date(2024, 10, 8), date(2024, 10, 9))
    server.truth = [change for change in server.truth if change.entity_id != mine.id or change.at.date() not in closed]
    run("--destination", mine.destination)
    assert stored() == what_happened(server, SEPTEMBER, LAST[OCTOBER], [mine])
    assert not DataQualityLog.objects.filter(reason="silent_hours").exists()  # no day of the park was asked for
    park = Park.objects.get()
    day_file(park, OCTOBER - timedelta(days=20), destination_wiki_id=mine.destination)
    day_file(park, date(2024, 10, 7), destination_wiki_id=mine.destination)
    ledger = import_ledger.of_park(park.pk)
    assert [ledger.is_in_part(date(2024, 10, day)) for day in (6, 7, 8)] == [True, False, True]


def test_a_month_speaks_for_no_day(server):
    run("--destination", server.parks[0].destination)
    park = Park.objects.get()
    assert import_ledger.of_park(park.pk).missing_runs() == []
    assert import_ledger.readings(park.pk, SEPTEMBER, LAST[OCTOBER]) == []
    assert coverage(NOW).months == []
    assert not ledger.has_events_before(park.pk, NOVEMBER)
    assert not ledger.has_events_before(park.pk, NOVEMBER, server.parks[0].destination)
    assert destinations_of(park) == [server.parks[0].destination]
    elsewhere = server.parks[1].destination
    file = DayFile("x", OCTOBER)
    for feed in Feed:
        assert heard_elsewhere(elsewhere, feed, [park.pk], [file]) == {}
    ImportedFile.objects.update(feed="HISTORY")
    heard = heard_elsewhere(elsewhere, Feed.ARCHIVE, [park.pk], [file])
    assert heard_twice(elsewhere, file, {park.pk: Counts(stored=1)}, heard[OCTOBER])
    assert heard_elsewhere(elsewhere, Feed.DELISTED, [park.pk], [file]) == {}
    page = somebody("Operators").get(COVERAGE, {"park": park.pk, "month": "2024-10"}).content.decode()
    assert "never tried" in page and "days=missing" in page and "history-delisted" not in page  # where days come from


def test_options_that_make_no_sense_say_so(server, tmp_path):
    error = refused("--all", source=str(tmp_path))
    assert error.returncode == 2 and "give themeparks-history: as source" in str(error)
    error = refused("--all", "--replace-live")
    assert error.returncode == 2 and "leave away --replace-live" in str(error)
    assert refused("--resume").returncode == 2
    assert asked(server) == Counter()
    plans = planning.plan(Request(open_source(DELISTED), (server.parks[0].destination,)), NOW.date())
    (begun,) = beginning.begin(plans)
    with pytest.raises(CommandError, match="is of another kind") as caught:
        resume(begun.checkpoints[0].import_id, "--source", str(tmp_path))
    assert caught.value.returncode == 2


def test_start_import_has_a_box_for_it(server, settings):
    client = somebody("Operators")
    wanted = {"destination": server.parks[0].destination, "source": API, "delisted": "on"}
    page = preview(client, **wanted).content.decode()
    assert "1 delisted entity of 1 park, 2 park months: 2 requests" in page
    start(client, **wanted)
    assert ImportCheckpoint.objects.get().source == DELISTED
    page = preview(client, **wanted | {"source": settings.ARCHIVE_URL}).content.decode()
    assert "delisted entities are asked of the History API alone" in page
