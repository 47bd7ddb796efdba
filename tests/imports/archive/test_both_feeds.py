"""The archive's day files and the History API tell one truth: whichever comes first, a change is one row, and no hour
between their days is lost without a word."""

from datetime import UTC, date, datetime, timedelta

import pytest
import stamina

from imports.models import ImportedFile
from quality.models import DataQualityLog
from tests.history_server import FREE, NOW, history_server
from tests.imports.archive.test_history import days_asked, run
from tests.imports.building import write_day
from warehouse.models import RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def truth():
    with history_server(recorded_days=8) as server:
        yield server


@pytest.fixture
def server(truth, settings, time_machine, tmp_path):
    truth.requests.clear()
    truth.forget_budgets()
    time_machine.move_to(NOW, tick=False)
    settings.THEMEPARKS_API_URL, settings.THEMEPARKS_API_KEY = truth.api_url, FREE
    settings.THEMEPARKS_REQUESTS_PER_MINUTE = 60_000
    settings.HISTORY_DIR = str(tmp_path / "answers")
    with stamina.set_testing(True, attempts=2, cap=True):
        yield truth


def archive_of(server, park, folder, first: date, last: date) -> None:
    """The park's changes as day files cut by UTC, with the milliseconds that the API leaves out."""
    told = {entity.id: entity.name for entity in server.below(park)}
    for n in range((last - first).days + 1):
        day = first + n * DAY
        events = [
            {
                "entityId": change.entity_id,
                "name": told[change.entity_id],
                "parkId": park.id,
                "timezone": park.zone,
                "eventTime": change.at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "data": {"status": change.status, "queue": change.queue},
            }
            for change in server.truth
            if change.entity_id in told and change.at.astimezone(UTC).date() == day
        ]
        write_day(folder, events, day, destination=park.destination)


def changes(server, park, first: datetime, end: datetime) -> int:
    told = {entity.id for entity in server.below(park) if not entity.gone_on(server.today)}
    return sum(change.entity_id in told and first <= change.at < end for change in server.truth)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


@pytest.mark.parametrize("first_feed", ["ARCHIVE", "HISTORY"])
def test_a_change_that_both_feeds_tell_is_one_row(server, tmp_path, first_feed):
    park = server.named("Tokyo Park")  # its days begin at 15:00 UTC of the day before
    final = server.final_day()
    first = final - 2 * DAY
    folder = tmp_path / "archive"
    archive_of(server, park, folder, first - DAY, final + DAY)  # every hour of the park's days, and more
    if first_feed == "ARCHIVE":
        run("--all", source=folder)
    run("--destination", park.destination, "--from", first, "--to", final)
    if first_feed == "HISTORY":
        run("--all", source=folder)
    begin, end = at(first) - timedelta(hours=9), at(final + DAY) - timedelta(hours=9)
    kept = RideStatusSnapshot.objects.filter(recorded_at__gte=begin, recorded_at__lt=end)
    assert kept.count() == changes(server, park, begin, end) > 50
    assert not DataQualityLog.objects.filter(issue_type="DUPLICATE").exists()
    of_the_day = {row.feed: row for row in ImportedFile.objects.filter(file_date=first + DAY)}
    second = of_the_day.pop("HISTORY" if first_feed == "ARCHIVE" else "ARCHIVE")
    assert second.already_known == second.events_read > 10


def test_going_on_with_the_api_where_the_archive_ends_asks_for_the_day_on_the_seam(server, tmp_path):
    park = server.named("New York Park")  # its days end at 05:00 UTC of the day after
    final = server.final_day()
    last = final - 2 * DAY  # of the archive, by UTC: the park's day has five hours more
    folder = tmp_path / "archive"
    archive_of(server, park, folder, last - 2 * DAY, last)
    run("--all", source=folder)
    said = run("--destination", park.destination, "--from", last - 2 * DAY, "--missing-only")
    assert "2 park days not asked for: the archive's files have them" in said
    assert [day for _, day in days_asked(server)] == [f"{day}" for day in (last, last + DAY, final)]
    begin, end = at(last - 2 * DAY), at(final + DAY) + timedelta(hours=5)
    rows = RideStatusSnapshot.objects.filter(recorded_at__gte=begin, recorded_at__lt=end)
    assert rows.count() == changes(server, park, begin, end)
    assert not DataQualityLog.objects.filter(reason="seam_hole").exists()
