"""Which imports somebody has to look at: the failed ones, but for what was dismissed and what a later one covers."""

from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command

from imports.archive import beginning, planning, standing
from imports.archive.request import Request
from imports.models import ImportCheckpoint, ImportStatus, TransitionRefused
from imports.sources.opening import open_source
from tests.imports.building import DESTINATION, PARK, event, write_day
from tests.imports.desk import new_import, park, running
from warehouse.models import Park

pytestmark = pytest.mark.django_db
DAY = date(2025, 3, 1)


@pytest.fixture
def place():
    return park()


def failed(of: Park, **changes) -> ImportCheckpoint:
    return new_import(of, status="FAILED", last_error="the disk is full", **changes)


def covers(checkpoint: ImportCheckpoint) -> ImportCheckpoint | None:
    found = standing.covered_by([checkpoint]).get(checkpoint.pk)
    is_covered = ImportCheckpoint.objects.filter(standing.is_covered(), pk=checkpoint.pk).exists()
    assert is_covered == (found is not None), "the list and the page say different things"
    return found


@pytest.mark.parametrize(
    ("later", "is_covered"),
    [
        ({"status": "COMPLETED"}, True),
        ({"status": "IN_PROGRESS"}, True),
        ({"status": "PENDING", "queued_at": "2025-01-01T00:00Z"}, True),
        ({"status": "PENDING"}, False),
        ({"status": "FAILED"}, False),
        ({"status": "PAUSED"}, False),
        ({"status": "COMPLETED", "end_date": date(2025, 1, 1)}, True),
        ({"status": "COMPLETED", "end_date": date(2024, 1, 30)}, False),
        ({"status": "COMPLETED", "start_date": date(2024, 1, 11)}, True),  # those before are behind it
        ({"status": "COMPLETED", "start_date": date(2024, 1, 12)}, False),
        ({"status": "COMPLETED", "destination_wiki_id": "another"}, False),
        ({"status": "COMPLETED", "source": "s3://another"}, True),  # where the files lie is no matter
        ({"status": "COMPLETED", "source": "captures:/archive"}, False),  # which record it is of, is
        ({"status": "COMPLETED", "source": "themeparks-history:"}, False),
        ({"status": "COMPLETED", "changed_only": True}, False),
        ({"status": "COMPLETED", "missing_only": True}, True),
        ({"status": "COMPLETED", "replace_archive": True}, True),
    ],
)
def test_a_later_import_covers_one_that_failed_where_it_has_its_days(place, later, is_covered):
    checkpoint = failed(place, last_processed_date=date(2024, 1, 10))
    cover = new_import(place, **later)
    assert covers(checkpoint) == (cover if is_covered else None)
    assert standing.needing_attention().exists() == (not is_covered or later["status"] == "FAILED")


def test_what_was_to_replace_earlier_readings_is_covered_by_what_does_so_alone(place):
    checkpoint = failed(place, replace_archive=True)
    new_import(place, status="COMPLETED")
    assert covers(checkpoint) is None
    cover = new_import(place, status="COMPLETED", replace_archive=True)
    assert covers(checkpoint) == cover


def test_an_earlier_import_another_park_or_one_that_ended_is_no_matter(place):
    new_import(place, status="COMPLETED")
    checkpoint = failed(place)
    new_import(park(2), status="COMPLETED")
    assert covers(checkpoint) is None
    done = new_import(place, status="COMPLETED")
    new_import(place, status="COMPLETED")
    assert covers(done) is None


def test_many_are_asked_about_by_as_many_queries_as_one(place, django_assert_num_queries):
    for n in range(5):
        failed(park(n + 2))
        new_import(Park.objects.last(), status="COMPLETED")
    checkpoints = list(ImportCheckpoint.objects.all())
    with django_assert_num_queries(2):
        assert len(standing.covered_by(checkpoints)) == 5


def test_what_a_person_cancelled_is_dismissed_by_the_same_statement(place):
    checkpoint = running(new_import(place))
    checkpoint.cancel("anna", "wrong archive")
    assert (checkpoint.status, checkpoint.queued_at) == (ImportStatus.FAILED, None)
    assert checkpoint.dismissal.endswith(": wrong archive") and "by anna on" in checkpoint.dismissal
    assert not standing.needing_attention().exists()


def test_a_claim_of_what_was_dismissed_a_moment_ago_is_refused_and_of_what_was_seen_so_clears_it(place):
    checkpoint = failed(place)
    ImportCheckpoint.objects.get().dismiss("anna", "known")
    with pytest.raises(TransitionRefused, match=r"was dismissed by anna on .*: known meanwhile"):
        checkpoint.claim("host/1/1/0")
    checkpoint.claim("host/1/1/0")
    assert (checkpoint.status, checkpoint.dismissed_at, checkpoint.dismissed_why) == ("IN_PROGRESS", None, "")


def test_only_what_failed_or_is_covered_can_be_dismissed(place):
    checkpoint = new_import(place, status="PAUSED")
    with pytest.raises(TransitionRefused, match="is PAUSED; only a FAILED import can be dismissed"):
        checkpoint.dismiss("anna", "why not")
    checkpoint.dismiss("anna", "there is another", covered=True)
    with pytest.raises(TransitionRefused, match=r"was dismissed by anna .* already"):
        checkpoint.dismiss("anna", "again", covered=True)
    queued = new_import(park(2))
    queued.queue()
    with pytest.raises(TransitionRefused, match="not queued"):
        queued.dismiss("anna", "why not", covered=True)


# --- the command --------------------------------------------------------------------------------------------------
@pytest.fixture
def stopped(tmp_path):
    """An import of one park and one day that was paused before its first file."""
    write_day(tmp_path, [event(day=DAY)], DAY)
    place = Park.objects.create(park_name="Park", themeparks_wiki_id=PARK, destination_wiki_id=DESTINATION)
    checkpoint = new_import(place, source=str(tmp_path), start_date=DAY, end_date=DAY, files_total=1, status="PAUSED")
    checkpoint.whole_destination = False
    checkpoint.save()
    return checkpoint


def command(*arguments) -> str:
    out = StringIO()
    call_command("import_archive", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_resumes_what_was_cancelled_or_dismissed_only_by_its_name(stopped):
    stopped.cancel("anna", "not wanted")
    covered = new_import(stopped.park, status="PAUSED")
    covered.dismiss("anna", "another has it", covered=True)
    assert "Nothing waits to be resumed" in command("--resume")
    listed = command("--list")
    assert listed.count("dismissed by anna on") == 2 and "go on with" not in listed
    said = command("--resume", stopped.import_id, "--queue")
    assert f"{stopped.import_id} was dismissed by anna" in said and "since you name it" in said
    stopped.refresh_from_db()
    assert (stopped.status, stopped.queued_at is not None, stopped.dismissed_at) == ("IN_PROGRESS", True, None)


def test_the_list_names_what_covers_an_import(stopped):
    cover = new_import(stopped.park, status="COMPLETED", start_date=DAY, end_date=DAY)
    assert f"covered by {cover.import_id}" in command("--list")


def test_the_same_request_as_one_that_was_given_up_is_begun_anew(stopped):
    stopped.cancel("anna", "not wanted")
    request = Request(open_source(stopped.source), parks=[str(stopped.park_id)], first=DAY, last=DAY)
    (run,) = beginning.begin(planning.plan(request, DAY))
    (checkpoint,) = run.checkpoints
    assert checkpoint.pk != stopped.pk
    stopped.refresh_from_db()
    assert (stopped.status, stopped.dismissed_at is not None) == ("FAILED", True)
