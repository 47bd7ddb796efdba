"""What is new: days that were never read, and days whose file has changed since; each of them read once."""

import os
import threading
from datetime import timedelta

import pytest
import stamina

from imports.archive.beginning import begin, resume
from imports.archive.pipeline import run_import
from imports.archive.planning import plan
from imports.archive.request import Request
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.bucket import open_bucket
from imports.sources.folder import FolderSource
from imports.sources.source import key_of
from tests.imports.building import (
    DAY,
    DESTINATION,
    NOW,
    OTHER_PARK,
    OTHER_RIDE,
    PARK,
    event,
    import_all,
    packed,
    runs,
    write_day,
)
from warehouse.models import Park, RideStatusSnapshot

pytestmark = pytest.mark.django_db(transaction=True)
BUCKET = "changes.example.org"


def day(n):
    return DAY + timedelta(days=n)


@pytest.fixture
def archive(tmp_path):
    for n in range(4):
        write_day(tmp_path, [event(day=day(n))], day(n))
    return tmp_path


def path_of(archive, n: int):
    return archive / key_of(DESTINATION, day(n))


def ledger(n: int) -> ImportedFile:
    return ImportedFile.objects.get(file_date=day(n), park__themeparks_wiki_id=PARK)


def later(path) -> None:
    """Written an hour later than it was."""
    when = path.stat().st_mtime_ns + 3600 * 10**9  # as a float it would be off by a microsecond at times
    os.utime(path, ns=(when, when))


class Counting(FolderSource):
    """A folder that counts what is read of it."""

    def __init__(self, root):
        super().__init__(root)
        self.read_days = []

    def read(self, file):
        self.read_days.append(file.day)
        return super().read(file)


def read_days(archive, **request) -> list[int]:
    """Which days an import reads, beside the first file, which is opened to learn the destination's parks."""
    source = Counting(archive)
    for run in begin(plan(Request(source, everything=True, **request), day(9)), lambda: NOW):
        source.read_days.clear()
        run.fetched.clear()
        assert run_import(run, threading.Event())
    return [(read - DAY).days for read in sorted(source.read_days)]


def test_what_was_read_and_is_the_same_is_passed_over(archive):
    import_all(archive)
    assert read_days(archive, missing_only=True) == []
    assert read_days(archive, changed_only=True) == []
    assert ImportCheckpoint.objects.filter(status="COMPLETED").count() == 3


@pytest.mark.parametrize("asked", ["missing_only", "changed_only"])
def test_a_day_whose_file_has_changed_is_read_again(archive, asked):
    import_all(archive)
    write_day(archive, [event(day=day(2)), event("11:00:00Z", day=day(2))], day(2))
    totals = import_all(archive, **{asked: True})
    assert (totals.files, totals.stored, totals.already_known, totals.unchanged) == (1, 1, 1, 0)
    assert (ledger(2).events_read, ledger(2).stored) == (2, 1)
    assert read_days(archive, **{asked: True}) == []


@pytest.mark.parametrize("asked", ["missing_only", "changed_only"])
def test_a_file_of_the_same_size_and_another_time_is_known_by_its_content_and_not_read_again(archive, asked):
    import_all(archive)
    before = ledger(1)
    later(path_of(archive, 1))
    totals = import_all(archive, **{asked: True})
    assert (totals.files, totals.unchanged, totals.events) == (1, 1, 0)
    after = ledger(1)
    assert (after.stored, after.sha256, after.imported_at) == (before.stored, before.sha256, before.imported_at)
    assert after.modified_at == before.modified_at + timedelta(hours=1)
    assert read_days(archive, **{asked: True}) == []


def test_a_file_of_the_same_size_with_other_content_has_changed(archive):
    import_all(archive)
    content = path_of(archive, 1).read_bytes()
    other = packed([event("10:00:00.124Z", day=day(1))])
    assert len(other) == len(content)
    path_of(archive, 1).write_bytes(other)
    later(path_of(archive, 1))
    assert import_all(archive, changed_only=True).stored == 1


def test_changed_days_are_days_that_the_ledger_has(archive):
    import_all(archive, last=day(1))
    later(path_of(archive, 0))
    assert read_days(archive, changed_only=True) == [0]
    assert not ImportedFile.objects.filter(file_date__gt=day(1)).exists()
    assert read_days(archive, missing_only=True) == [2, 3]


def test_a_file_that_is_gone_is_no_change_and_hides_nothing(archive):
    import_all(archive)
    path_of(archive, 2).unlink()
    assert read_days(archive, changed_only=True) == []
    assert read_days(archive, missing_only=True) == []
    assert ledger(2).outcome == "IMPORTED"


def test_an_unreadable_file_is_tried_again_and_has_changed_once_it_was_replaced(archive):
    sound = path_of(archive, 2).read_bytes()
    path_of(archive, 2).write_bytes(sound[:-9])
    import_all(archive)
    assert read_days(archive, changed_only=True) == []
    assert read_days(archive, missing_only=True) == [2]
    path_of(archive, 2).write_bytes(sound)
    assert read_days(archive, changed_only=True) == [2]
    assert ledger(2).outcome == "IMPORTED"


def test_a_missing_day_whose_file_came_is_new_and_no_change(archive):
    kept = path_of(archive, 1).read_bytes()
    path_of(archive, 1).unlink()
    import_all(archive)
    assert ledger(1).outcome == "MISSING"
    path_of(archive, 1).write_bytes(kept)
    assert read_days(archive, changed_only=True) == []
    assert read_days(archive, missing_only=True) == [1]
    assert ledger(1).outcome == "IMPORTED"


def test_a_park_that_a_file_never_spoke_of_does_not_have_it_read_for_ever(archive):
    Park.objects.create(park_name="Elsewhere", themeparks_wiki_id=OTHER_PARK)
    import_all(archive, everything=False, parks=[OTHER_PARK], destinations=[DESTINATION])
    write_day(archive, [event(day=day(2)), event("11:00:00Z", day=day(2))], day(2))
    assert import_all(archive, missing_only=True).stored == 5
    assert read_days(archive, changed_only=True) == []


def test_each_park_asked_for_by_itself_is_asked_of_the_ledger_by_itself(archive):
    for n in range(4):
        write_day(archive, [event(day=day(n)), event(day=day(n), entity=OTHER_RIDE, park=OTHER_PARK)], day(n))
    import_all(archive, last=day(1))
    one, other = Park.objects.order_by("pk")
    import_all(archive, everything=False, parks=[str(one.pk)], missing_only=True)
    totals = import_all(archive, everything=False, parks=[str(one.pk), str(other.pk)], missing_only=True)
    assert (totals.files, totals.stored, totals.already_known) == (2, 2, 0)


def test_a_resume_goes_on_by_what_was_asked_without_arguments(archive):
    import_all(archive)
    for n in (0, 2, 3):
        write_day(archive, [event(day=day(n)), event("11:00:00Z", day=day(n))], day(n))
    (run,) = runs(archive, changed_only=True)
    stop = threading.Event()
    assert not run_import(run, stop, lambda run, step: stop.set())
    (again,) = resume([], None, lambda: NOW)
    assert (again.options.changed_only, again.options.missing_only) == (True, False)
    assert run_import(again, threading.Event())
    assert RideStatusSnapshot.objects.count() == 7
    assert again.totals.files == 2


def test_what_is_new_is_asked_for_anew_beside_what_was_stopped(archive):
    """A file that came to a park whose import of the very same request is done is not left for another day."""
    write_day(archive, [event(day=day(3)), event(day=day(3), entity=OTHER_RIDE, park=OTHER_PARK)], day(3))
    import_all(archive, missing_only=True)
    ImportCheckpoint.objects.filter(park__themeparks_wiki_id=OTHER_PARK).update(status="FAILED")
    write_day(archive, [event(day=day(1)), event("11:00:00Z", day=day(1))], day(1))
    import_all(archive, missing_only=True)
    assert RideStatusSnapshot.objects.filter(ride__park__themeparks_wiki_id=PARK).count() == 5


def test_a_file_with_a_time_long_past_or_to_come_is_as_good_as_any_other(archive):
    os.utime(path_of(archive, 1), ns=(0, -(10**18) * 9))  # 1684, or the first that the file system has
    os.utime(path_of(archive, 2), ns=(0, 2**62))  # 2116
    import_all(archive)
    assert read_days(archive, missing_only=True) == []


# --- a bucket, and both kinds of source --------------------------------------------------------------------------
@pytest.fixture
def bucket(s3_server, s3_proxy, archive):
    client = s3_server.client()
    s3_server.public_bucket(BUCKET)
    for n in range(4):
        client.put_object(Bucket=BUCKET, Key=key_of(DESTINATION, day(n)), Body=path_of(archive, n).read_bytes())
    with stamina.set_testing(True, attempts=6, cap=True):
        yield client
    for n in range(4):
        client.delete_object(Bucket=BUCKET, Key=key_of(DESTINATION, day(n)))
    client.delete_bucket(Bucket=BUCKET)


def from_bucket(**request):
    (run,) = begin(plan(Request(open_bucket(f"s3://{BUCKET}"), everything=True, **request), day(9)), lambda: NOW)
    assert run_import(run, threading.Event())
    return run.totals


def test_a_bucket_tells_what_has_changed_by_its_listing(bucket):
    from_bucket()
    assert from_bucket(missing_only=True).files == 0
    changed = packed([event(day=day(2)), event("11:00:00Z", day=day(2))])
    bucket.put_object(Bucket=BUCKET, Key=key_of(DESTINATION, day(2)), Body=changed)
    totals = from_bucket(missing_only=True)
    assert (totals.files, totals.stored) == (1, 1)
    assert from_bucket(changed_only=True).files == 0


def test_what_came_from_a_folder_is_known_in_the_bucket_by_its_content_and_the_other_way_round(bucket, archive):
    import_all(archive)
    totals = from_bucket(missing_only=True)
    assert (totals.files, totals.unchanged, totals.events) == (4, 4, 0)
    assert from_bucket(missing_only=True).files == 0
    assert read_days(archive, missing_only=True) == [], "what the folder knows it by is kept beside the ETag"
