"""Park hours kept by the API's schedules: over real HTTP into the real table; what fails costs itself alone."""

import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django_q.models import OrmQ

from imports import tasks
from imports.api.themeparks import ThemeParksApi
from imports.metadata import park_hours
from imports.metadata.park_hours import HoursOfPark, months_between, sync_hours
from quality.models import DataQualityLog
from tests.history_server import HistoryServer, history_server
from tests.imports.api_world import MAGIC_KINGDOM, RESORT
from tests.imports.fault_server import Answer, Fault
from warehouse.models import Park, ParkHours, StaleDay
from warehouse.rides.hours import hours_of, in_words
from warehouse.zones import known_zone

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 4, 15, 12, tzinfo=UTC)
TODAY = NOW.date()
OTHER_PARK = "47f90d2c-e191-4239-a466-5892ef59a88b"


def entry(day: str, closes: str = "22:00", kind: str = "OPERATING") -> dict:
    return {
        "date": day,
        "type": kind,
        "openingTime": f"{day}T09:00:00-04:00",
        "closingTime": f"{day}T{closes}:00-04:00",
    }


@pytest.fixture
def park():
    return Park.objects.create(
        park_name="Magic Kingdom",
        themeparks_wiki_id=MAGIC_KINGDOM,
        destination_wiki_id=RESORT,
        timezone="America/New_York",
    )


@pytest.fixture
def other():
    return Park.objects.create(
        park_name="Epcot", themeparks_wiki_id=OTHER_PARK, destination_wiki_id=RESORT, timezone="America/New_York"
    )


def sync(api_server, *parks, now=NOW, **options) -> list[HoursOfPark]:
    api_server.ask_anew()
    return list(sync_hours(ThemeParksApi(), parks, lambda: now, **options))


def words(park, day: date) -> str:
    return in_words(hours_of([park.pk], day, day).get((park.pk, day), ()), known_zone(park.timezone))


def marks() -> list[date]:
    return list(StaleDay.objects.order_by("day").values_list("day", flat=True))


def test_hours_come_once_and_a_second_reading_marks_nothing(api_server, world, park):
    world.schedules[MAGIC_KINGDOM] = [entry("2026-04-15", "01:00"), entry("2026-04-16"), entry("2026-04-17")]
    (found,) = sync(api_server, park)
    assert (len(found.days), len(found.changed), found.findings, found.errors) == (3, 3, 0, [])
    assert words(park, TODAY) == "09:00 to 01:00"
    assert marks() == [date(2026, 4, 14), date(2026, 4, 15), date(2026, 4, 16)]
    StaleDay.objects.all().delete()
    (found,) = sync(api_server, park, now=NOW + timedelta(minutes=5))
    assert (len(found.days), found.changed, marks()) == (3, set(), [])
    world.schedules[MAGIC_KINGDOM][0] = entry("2026-04-15", "23:00")
    (found,) = sync(api_server, park)
    assert found.changed == {TODAY}
    assert (words(park, TODAY), len(marks())) == ("09:00 to 23:00", 3)


def test_a_day_that_is_withdrawn_has_no_hours_any_more(api_server, world, park):
    world.schedules[MAGIC_KINGDOM] = [entry("2026-04-15"), entry("2026-04-16"), entry("2026-04-17")]
    sync(api_server, park)
    del world.schedules[MAGIC_KINGDOM][1]
    (found,) = sync(api_server, park)
    assert found.changed == {date(2026, 4, 16)}
    world.schedules[MAGIC_KINGDOM] = []
    assert sync(api_server, park)[0].changed == set()  # an answer without days says nothing
    assert ParkHours.objects.count() == 2


def test_past_months_are_asked_for_by_two_digits(api_server, world, park):
    world.schedules[MAGIC_KINGDOM] = [entry("2026-04-15")]
    night = entry("2026-03-07", "04:00") | {
        "openingTime": "2026-03-07T09:00:00-05:00"
    }  # the clock is put forward in it
    night["closingTime"] = "2026-03-07T04:00:00-05:00"
    world.schedules[f"{MAGIC_KINGDOM}/2026/03"] = [night, entry("2026-03-09")]
    (found,) = sync(api_server, park, months=months_between(date(2026, 2, 14), date(2026, 3, 1)))
    assert api_server.paths() == [
        f"/v1/entity/{MAGIC_KINGDOM}/schedule",
        f"/v1/entity/{MAGIC_KINGDOM}/schedule/2026/02",
        f"/v1/entity/{MAGIC_KINGDOM}/schedule/2026/03",
    ]
    assert (len(found.days), found.without, found.errors) == (3, [date(2026, 2, 1)], [])
    (row,) = ParkHours.objects.filter(day="2026-03-07")
    assert (row.closes_at - row.opens_at) == timedelta(hours=18)
    assert words(park, date(2026, 3, 7)) == "09:00 to 04:00"


def test_a_park_without_a_schedule_is_no_error(api_server, park):
    (found,) = sync(api_server, park)
    assert (found.without, found.errors, found.findings) == ([None], [], 0)
    assert not ParkHours.objects.exists()


@pytest.mark.parametrize(
    ("fault", "findings"),
    [
        (Fault("status", "/schedule", times=9, answer=Answer(b"", 500)), 0),
        (Fault("status", "/schedule", answer=Answer(b"<html>a page of the hotel</html>")), 1),
        (Fault("status", "/schedule", answer=Answer(b'{"schedule": {"2026-04-15": []}}')), 1),
        (Fault("status", "/schedule", answer=Answer(b'{"error": {"message": "Bad request"}}', 400)), 0),
    ],
)
def test_what_fails_of_one_park_costs_the_others_nothing(api_server, world, park, other, fault, findings):
    world.schedules = {MAGIC_KINGDOM: [entry("2026-04-15")], OTHER_PARK: [entry("2026-04-15")]}
    sync(api_server, park, other)
    fault.path = f"{MAGIC_KINGDOM}/schedule"
    api_server.faults = [fault]
    failed, good = sync(api_server, park, other)
    assert (len(failed.errors), failed.findings, good.errors, len(good.days)) == (1, findings, [], 1)
    assert words(park, TODAY) == "09:00 to 22:00"  # as it was known


def test_a_429_is_waited_for(api_server, world, park):
    world.schedules[MAGIC_KINGDOM] = [entry("2026-04-15")]
    api_server.faults = [Fault("status", "/schedule", answer=Answer(b"", 429, {"Retry-After": "1"}))]
    (found,) = sync(api_server, park)
    assert (len(found.days), found.errors) == (1, [])


def test_what_cannot_be_is_one_finding_of_the_park_and_reason(api_server, world, park):
    bad = entry("2026-04-16") | {"openingTime": "2026-04-18T09:00:00-04:00"}
    world.schedules[MAGIC_KINGDOM] = [entry("2026-04-15"), bad, "x", entry("2026-04-17", kind="SPECIAL")]
    (found,) = sync(api_server, park)
    assert (found.findings, found.days) == (2, {TODAY})
    assert sync(api_server, park)[0].findings == 0
    impossible, unknown = DataQualityLog.objects.order_by("reason")
    assert (impossible.reason, impossible.occurrences, impossible.park_id) == ("impossible_hours", 2, park.pk)
    assert impossible.description == "Schedule of Magic Kingdom: 2 entries tell hours that cannot be."
    assert impossible.evidence["examples"][0]["openingTime"] == "2026-04-18T09:00:00-04:00"
    assert (unknown.reason, unknown.occurrences) == ("unknown_hours_type", 1)
    api_server.faults = [Fault("status", "/schedule", answer=Answer(b"a page of the hotel"))]
    sync(api_server, park)
    assert set(DataQualityLog.objects.values_list("reason", "resolution_status")) == {
        ("impossible_hours", "OPEN"),
        ("unknown_hours_type", "OPEN"),
        ("malformed_answer", "OPEN"),
    }
    del world.schedules[MAGIC_KINGDOM][1:3]
    sync(api_server, park)
    assert set(DataQualityLog.objects.values_list("reason", "resolution_status")) == {
        ("impossible_hours", "RESOLVED"),
        ("unknown_hours_type", "OPEN"),
        ("malformed_answer", "RESOLVED"),
    }


def test_a_dry_run_counts_and_writes_nothing(api_server, world, park):
    world.schedules[MAGIC_KINGDOM] = [entry("2026-04-15"), "x"]
    (found,) = sync(api_server, park, dry_run=True)
    assert (len(found.changed), found.findings) == (1, 1)
    assert not ParkHours.objects.exists()
    assert not DataQualityLog.objects.exists()
    assert marks() == []


# --- the nightly task -------------------------------------------------------------------------------------------------
@pytest.mark.django_db(transaction=True)
def test_the_task_goes_through_the_parks_in_slices(api_server, world, park, other, monkeypatch):
    Park.objects.create(
        park_name="Sample", themeparks_wiki_id="75ea578a-adc8-5116-a54d-dccb60765ef9", destination_wiki_id=RESORT
    )
    world.schedules = {MAGIC_KINGDOM: [entry(str(datetime.now(UTC).date()))]}
    monkeypatch.setattr(park_hours, "SLICE_SECONDS", -1)
    said = tasks.sync_hours()
    (row,) = OrmQ.objects.all()
    assert row.task["args"] == (MAGIC_KINGDOM, 0)
    assert said.endswith(f"goes on at {MAGIC_KINGDOM}")
    assert tasks.sync_hours(MAGIC_KINGDOM).startswith("1 day of 1 park, 1 changed, 0 failed")


@pytest.mark.django_db(transaction=True)
def test_parks_that_hang_do_not_keep_the_others_from_their_hours(api_server, world, park, monkeypatch):
    monkeypatch.setattr("imports.api.themeparks.QUESTION_SECONDS", 0.1)
    for n in range(3):
        uuid = f"0{n}ea578a-adc8-4116-a54d-dccb60765ef9"
        Park.objects.create(park_name=f"{n}", themeparks_wiki_id=uuid, destination_wiki_id=RESORT)
    api_server.faults = [Fault("head", "/0.ea578a", times=9, seconds=0.01)]
    done = park_hours.sync_hours_slice(ThemeParksApi(), "", lambda: datetime(2026, 4, 14, 4, 20, tzinfo=UTC))
    assert (done.following, done.in_vain) == (MAGIC_KINGDOM, True)
    assert done.words.endswith("3 failed")


@pytest.mark.parametrize(("day", "asked"), [(1, 2), (3, 2), (4, 1)])
def test_a_month_that_is_over_is_read_once_more(api_server, world, park, day, asked):
    now = datetime(2026, 4, day, 4, 20, tzinfo=UTC)
    park_hours.sync_hours_slice(ThemeParksApi(), "", lambda: now)
    assert len(api_server.paths()) == asked
    if asked == 2:
        assert api_server.paths()[-1].endswith("/schedule/2026/03")


def test_the_task_keeps_to_the_destinations_of_the_settings(api_server, park, settings):
    settings.DESTINATIONS = [OTHER_PARK]
    assert park_hours.known_parks() == []


# --- the command, against a server with a whole resort ----------------------------------------------------------------
@pytest.fixture
def server(settings, tmp_path):
    now = datetime.now(UTC)
    with history_server(now.replace(microsecond=0)) as server:
        settings.THEMEPARKS_API_URL = server.api_url
        settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
        settings.THEMEPARKS_CACHE_DIR = str(tmp_path / "cache")
        yield server


def run(*arguments) -> str:
    out = io.StringIO()
    call_command("sync_metadata", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_the_command_reads_the_hours_of_the_parks_it_syncs(server: HistoryServer):
    said = run("--destination", "New York Resort")
    assert "New York Park (America/New_York): hours of 30 days, 30 changed; today 09:00 to " in said
    assert "yesterday not known" in said
    assert "; hours of 30 days" in said
    park = Park.objects.get()
    saturday = next(day for day in sorted(row.day for row in ParkHours.objects.all()) if day.weekday() == 5)
    assert words(park, saturday) == "09:00 to 00:30, Early Entry 08:30 to 09:00"


def test_the_command_reads_past_months_and_says_the_cost_before(server: HistoryServer):
    month = f"{server.today - timedelta(days=25):%Y-%m}"
    said = run("--destination", "Tokyo Resort", "--hours-from", month)
    months = months_between(server.today - timedelta(days=25), server.today)
    assert said.index(f"Hours of {len(months)} month") < said.index("Tokyo Resort")
    assert f"of 1 park: {len(months)} request" in said
    assert "yesterday 09:00 to " in said
    assert ParkHours.objects.filter(day=server.today - timedelta(days=20)).count() == 2


def test_without_hours_no_schedule_is_asked_for(server: HistoryServer):
    said = run("--no-hours")
    assert "hours" not in said
    assert not [path for _, path, _ in server.asked if "schedule" in path]


def test_hours_that_fail_fail_the_command_after_all_else_is_done(server: HistoryServer):
    server.faults = [Fault("status", "/schedule", answer=Answer(b"gone fishing"))]
    out = io.StringIO()
    with pytest.raises(CommandError, match="the hours of 1 park could not be read; call again later") as caught:
        call_command("sync_metadata", stdout=out, stderr=out)
    assert caught.value.returncode == 1
    assert "): hours not read" in out.getvalue()
    assert "Done: 2 parks" in out.getvalue()
    assert Park.objects.count() == 2
    assert ParkHours.objects.values("park").distinct().count() == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--hours-from", "2026-13"], "2026-13 is not a month; give YYYY-MM"),
        (["--hours-from", "2199-01"], "--hours-from 2199-01-01 lies in the future"),
        (["--hours-from", "2026-03", "--hours-to", "2026-01"], "--hours-from 2026-03 lies after --hours-to 2026-01"),
        (["--hours-to", "2026-01"], "--hours-to needs --hours-from"),
        (["--hours-from", "2026-01", "--no-hours"], "--no-hours reads none"),
    ],
)
def test_the_command_says_what_is_wrong_with_months(arguments, message):
    with pytest.raises(CommandError, match=message) as caught:
        run(*arguments)
    assert caught.value.returncode == 2
