"""Start import: what would be read is said before, wrong input is one clear line, and a start is in the history."""

import os
from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import F
from django.db.models.functions import Now
from django_q.models import OrmQ

from imports.models import ImportCheckpoint, ImportPreview, ImportStatus
from imports.sources.folder import FolderSource
from imports.workers import preview_task, queue
from imports.workers.models import Worker
from imports.workers.preview_model import PreviewState
from quality.models import DataQualityLog
from tests.imports import capturing
from tests.imports.building import DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, event, write_day
from tests.imports.desk import (
    CHANGELIST,
    START,
    ask,
    day_file,
    new_import,
    press,
    preview,
    queries_of_a_page,
    running,
    somebody,
    start,
    touching_facts,
)
from warehouse.models import Park

pytestmark = pytest.mark.django_db(transaction=True)  # partitions are made, which no transaction survives
DAYS = [date(2025, 3, 1) + timedelta(days=n) for n in range(10)]


@pytest.fixture
def archive(tmp_path, settings):
    """Ten days of two parks, of which the fourth has no file."""
    for day in DAYS:
        if day.day != 4:
            write_day(tmp_path, [event(day=day), event(day=day, entity=OTHER_RIDE, park=OTHER_PARK)], day)
    settings.ARCHIVE_URL = str(tmp_path)
    return tmp_path


@pytest.fixture
def operator():
    return somebody("Operators")


def known_park(wiki_id=PARK) -> Park:
    return Park.objects.create(
        park_name=f"Park {wiki_id[0]}", themeparks_wiki_id=wiki_id, destination_wiki_id=DESTINATION
    )


def as_listed(archive, day) -> dict:
    """What the ledger keeps of a file that was read, for every park in it, as it lies there."""
    (file,) = FolderSource(archive).list_days(DESTINATION, day, day, day).files
    return {"size_bytes": file.size_bytes, "modified_at": file.modified_at, "all_parks": True}


def slices() -> int:
    """How many messages tell a worker to go on with imports."""
    return sum(row.task["func"] == queue.TASK for row in OrmQ.objects.all())


def cells(response) -> list[list[str]]:
    """The figures of the table: files there, imported already, days without a file, to read."""
    return [
        [str(part[name]) for name in ("files", "imported", "missing", "to_read")]
        for part in response.context["found"]["shown"]
    ]


def test_looking_says_what_there_is_what_is_imported_and_what_is_missing(operator, archive):
    for wiki_id in (PARK, OTHER_PARK):
        place = known_park(wiki_id)
        for day in DAYS[:3]:
            day_file(place, day, **as_listed(archive, day))
    response = preview(operator, destination=DESTINATION)
    assert cells(response) == [["9", "3", "1", "9"]]
    assert cells(preview(operator, destination=DESTINATION, days="missing")) == [["9", "3", "1", "6"]]
    assert ImportCheckpoint.objects.count() == 0
    assert "Start import</button>" in response.content.decode()


def test_a_day_that_one_park_lacks_is_not_imported_already(operator, archive):
    day_file(known_park(PARK), DAYS[0], **as_listed(archive, DAYS[0]) | {"all_parks": False})
    known_park(OTHER_PARK)
    response = preview(operator, destination=DESTINATION)
    assert cells(response) == [["9", "0", "1", "9"]]
    assert f"Park {PARK[0]}: 1</span>" in response.content.decode()


def test_a_destination_that_nobody_knows_yet_can_be_chosen_and_started(operator, archive):
    assert f"{DESTINATION} (not imported yet)" in preview(operator).content.decode()
    response = start(operator, destination=DESTINATION)
    assert response.redirect_chain
    imports = list(ImportCheckpoint.objects.select_related("park"))
    assert {checkpoint.park.themeparks_wiki_id for checkpoint in imports} == {PARK, OTHER_PARK}
    assert all(checkpoint.queued_at is not None for checkpoint in imports)
    assert slices() == 1


def test_a_start_is_in_the_history_of_each_import(operator, archive):
    start(operator, destination=DESTINATION, **{"from": "2025-03-02", "to": "2025-03-05"})
    entries = LogEntry.objects.all()
    assert len(entries) == 2
    assert all("Start: 2025-03-02 to 2025-03-05, 4 days, from" in entry.change_message for entry in entries)
    assert all(entry.user.username.startswith("operators") for entry in entries)


def test_one_park_leads_to_its_page(operator, archive):
    place = known_park()
    response = start(operator, park=place.pk, days="missing")
    checkpoint = ImportCheckpoint.objects.get()
    assert response.redirect_chain[-1][0] == f"{CHANGELIST}{checkpoint.pk}/change/"
    assert (checkpoint.missing_only, checkpoint.whole_destination) == (True, False)


def test_everything_can_be_asked_for(operator, archive):
    response = preview(operator, everything="on")
    assert cells(response) == [["9", "0", "1", "9"]]
    start(operator, everything="on")
    assert ImportCheckpoint.objects.count() == 2


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({}, "destinations, single parks, or everything"),
        ({"everything": "on", "from": "2025-03-09", "to": "2025-03-01"}, "swap them"),
        ({"everything": "on", "from": "2999-01-01"}, "lies in the future"),
        ({"everything": "on", "from": "yesterday"}, "Enter a valid date"),
        ({"everything": "on", "from": "2025-06-01", "to": "2025-06-02"}, "no files from 2025-06-01 to 2025-06-02"),
        ({"destination": "no uuid"}, "Select a valid choice"),
        ({"park": "77"}, "Select a valid choice"),
        ({"everything": "on", "source": "ftp://x"}, "ftp://x: imports are started here only from"),
        ({"everything": "on", "days": "some"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line_and_starts_nothing(operator, archive, asked, says):
    for answer in (preview(operator, **asked), start(operator, **asked)):
        text = answer.content.decode()
        assert answer.status_code == 200
        assert says in text
        assert "--" not in "".join(answer.context["form"].non_field_errors()) + answer.context.get("error", "")
    assert (ImportCheckpoint.objects.count(), slices()) == (0, 0)


def test_captures_of_live_answers_can_be_started_and_options_that_make_no_sense_with_them_are_said(
    operator, tmp_path, settings
):
    known_park()
    settings.ARCHIVE_ROOTS = [str(tmp_path)]
    path = capturing.write_lines(tmp_path / "a.ndjson", capturing.answer([capturing.row()]), b'{"cut')
    asked = {"everything": "on", "source": str(path)}
    assert cells(preview(operator, **asked)) == [["1", "0", "0", "1"]]
    for option, called in (("replace_live", "In place of live rows"), ("replace", "In place of earlier readings")):
        refused = preview(operator, **asked, **{option: "on"})
        assert called in refused.context["error"]
    start(operator, **asked)
    assert ImportCheckpoint.objects.get().source == f"captures:{path}"


def test_a_park_that_is_being_imported_is_named_and_not_started_twice(operator, archive):
    place = known_park()
    busy = running(new_import(place))
    text = preview(operator, park=place.pk).content.decode()
    assert f"/{busy.pk}/change/" in text
    assert "Start import</button>" not in text
    answer = start(operator, park=place.pk)
    assert f"is being imported ({busy.import_id}" in answer.content.decode()
    assert ImportCheckpoint.objects.count() == 1


def test_pressing_start_twice_begins_one_import(operator, archive):
    place = known_park()
    start(operator, park=place.pk)
    checkpoint, row = ImportCheckpoint.objects.get(), ImportPreview.objects.get()
    again = operator.post(f"{START}previews/{row.pk}/start/", follow=True)
    assert f'Started already, once: <a href="{CHANGELIST}{checkpoint.pk}/change/">' in again.content.decode()
    assert "is queued already" in start(operator, park=place.pk).content.decode()
    assert (ImportCheckpoint.objects.count(), slices()) == (1, 1)


def test_the_same_request_goes_on_with_what_was_stopped(operator, archive):
    place = known_park()
    start(operator, park=place.pk)
    ImportCheckpoint.objects.get().pause("by somebody")
    start(operator, park=place.pk)
    checkpoint = ImportCheckpoint.objects.get()
    assert (checkpoint.status, checkpoint.queued_at is not None) == (ImportStatus.IN_PROGRESS, True)
    assert LogEntry.objects.first().change_message.startswith("Start again of what was unfinished")


def test_without_a_worker_the_page_says_that_an_import_would_wait(operator, archive):
    assert "No worker is alive" in operator.get(START).content.decode()
    Worker.seen("a worker", "")
    assert "No worker is alive" not in operator.get(START).content.decode()


def test_other_pages_link_here_with_the_form_filled_in(operator, archive):
    place = known_park()
    url = f"{START}?park={place.pk}&from=2025-03-01&to=2025-03-02&source={archive}"
    response = operator.get(url)
    preview_task.look(ImportPreview.objects.get().pk)
    assert cells(operator.get(response.url)) == [["2", "0", "0", "2"]]
    other = known_park(OTHER_PARK)
    url = f"{START}?park={place.pk}&park={other.pk}&from=2025-03-01&to=2025-03-02&days=missing"
    response = operator.get(url)
    preview_task.look(ImportPreview.objects.latest("pk").pk)
    page = operator.get(response.url)
    assert page.context["found"]["shown"][0]["parks"] == sorted([place.park_name, other.park_name])
    assert page.context["form"]["park"].value() == [str(place.pk), str(other.pk)]


def test_the_page_makes_as_many_queries_for_many_parks_as_for_few(operator, archive):
    counts = []
    for upto in (2, 40):
        for n in range(Park.objects.count(), upto):
            Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"p{n}", destination_wiki_id=DESTINATION)
        url = preview(operator, destination=DESTINATION).request["PATH_INFO"]
        with queries_of_a_page() as sql:
            assert operator.get(url).status_code == 200
        assert not touching_facts(sql)
        counts.append(len(sql))
    assert counts[0] == counts[1]


def test_an_import_can_be_forced(operator, archive):
    start(operator, destination=DESTINATION, replace_live="on", replace="on", force="on")
    chosen = ImportCheckpoint.objects.values_list("replace_live", "replace_archive", "force")
    assert set(chosen) == {(True, True, True)}


# --- what a preview says ------------------------------------------------------------------------------------------
def test_the_days_that_have_no_file_and_those_to_be_read_are_named_with_their_size(operator, archive):
    place = known_park()
    day_file(place, DAYS[0], **as_listed(archive, DAYS[0]))
    (part,) = preview(operator, park=place.pk, days="missing").context["found"]["shown"]
    assert part["missing_days"] == "2025-03-04"
    assert part["to_read_days"] == "2025-03-02 to 2025-03-03, 2025-03-05 to 2025-03-10"
    assert part["bytes"] > 0 and part["size"].endswith(" MB")


def test_single_parks_with_everything_are_refused_with_whom_that_would_leave_out(operator, archive):
    place, other = known_park(), known_park(OTHER_PARK)
    response = preview(operator, park=place.pk, everything="on")
    assert f"not both: {other.park_name} would be left out" in "".join(response.context["form"].non_field_errors())
    assert not ImportPreview.objects.exists()
    said = preview(operator, park=place.pk, destination=DESTINATION).context["found"]["sentences"]
    assert any(f"left out: {other.park_name}" in sentence for sentence in said)


def test_the_start_begins_what_the_preview_showed_whatever_came_since(operator, archive):
    page = preview(operator, destination=DESTINATION)
    assert page.context["found"]["shown"][0]["parks"] == ["a-park", "another-park"], "read from the first file"
    write_day(archive, [event(day=DAYS[-1] + timedelta(days=1))], DAYS[-1] + timedelta(days=1))
    operator.post(f"{page.request['PATH_INFO']}start/")
    ranges = set(ImportCheckpoint.objects.values_list("start_date", "end_date", "source"))
    assert ranges == {(DAYS[0], DAYS[-1], str(archive))}


def test_files_beside_the_layout_are_told_in_the_preview_and_become_a_finding_by_the_start_alone(operator, archive):
    (archive / DESTINATION / "2025" / "stray.json.gz").touch()
    page = preview(operator, destination=DESTINATION)
    assert any("stray.json.gz" in sentence for sentence in page.context["found"]["sentences"])
    assert not DataQualityLog.objects.exists()
    operator.post(f"{page.request['PATH_INFO']}start/")
    assert "stray.json.gz" in DataQualityLog.objects.get(reason="stray_files").description


def test_imports_that_went_on_since_the_preview_are_told_at_the_start(operator, archive):
    place = known_park()
    page = preview(operator, park=place.pk)
    other = new_import(place, status="COMPLETED", files_processed=7)
    answer = operator.post(f"{page.request['PATH_INFO']}start/", follow=True)
    assert f"Since the preview {other} has gone on: COMPLETED, 7 of 31 files" in answer.content.decode()
    assert ImportCheckpoint.objects.count() == 2


def test_from_an_old_preview_nothing_is_started(operator, archive):
    place = known_park()
    page = preview(operator, park=place.pk)
    ImportPreview.objects.update(ended_at=F("ended_at") - timedelta(minutes=31))
    assert "over half an hour old" in operator.get(page.request["PATH_INFO"]).content.decode()
    answer = operator.post(f"{page.request['PATH_INFO']}start/", follow=True)
    assert "this one is of now" in answer.content.decode()
    assert (ImportPreview.objects.count(), ImportCheckpoint.objects.count()) == (2, 0)


def test_the_source_last_used_is_offered(operator, archive, tmp_path):
    assert operator.get(START).context["form"]["source"].value() == str(archive)
    new_import(known_park(), source="/elsewhere", status="COMPLETED")
    new_import(Park.objects.get(), source=f"captures:{archive}", status="COMPLETED")
    page = operator.get(START)
    assert page.context["form"]["source"].value() == f"captures:{archive}"
    assert page.context["sources"] == [f"captures:{archive}", str(archive), "themeparks-history:"]
    assert "/elsewhere" not in page.content.decode()


# --- how far it is ------------------------------------------------------------------------------------------------
def test_a_preview_answers_at_once_and_says_that_no_worker_is_there(operator, archive):
    _, url = ask(operator, everything="on")
    page = operator.get(url).content.decode()
    assert "No worker is alive, so nobody looks at" in page and "Look in this page, for 10 s at most" in page
    assert '<noscript><meta http-equiv="refresh" content="3"></noscript>' in page
    assert operator.get(f"{url}state/").json()["stuck"] is True
    operator.post(f"{url}look/")
    assert cells(operator.get(url)) == [["9", "0", "1", "9"]]
    news = operator.get(f"{url}state/").json()
    assert news["moving"] is False and "Start import</button>" in news["html"]


def test_a_preview_is_cancelled_and_the_worker_that_comes_late_does_nothing(operator, archive):
    Worker.seen("a worker", "")
    _, url = ask(operator, everything="on")
    assert "Waits for a worker, of which 1 is alive" in operator.get(url).content.decode()
    operator.post(f"{url}cancel/")
    assert "The preview was cancelled" in operator.get(url).content.decode()
    assert preview_task.look(ImportPreview.objects.get().pk).startswith("nothing to do")
    answer = operator.post(f"{url}start/", follow=True)
    assert "there is no finished preview" in answer.content.decode()
    assert not ImportCheckpoint.objects.exists()


def test_whoever_asks_again_gives_up_what_was_asked_before(operator, archive):
    _, first = ask(operator, everything="on")
    _, second = ask(operator, everything="on")
    assert [row.state for row in ImportPreview.objects.all()] == ["WAITING", "CANCELLED"]
    assert first != second and OrmQ.objects.count() == 2


def test_a_preview_whose_worker_is_gone_says_so(operator, archive):
    _, url = ask(operator, everything="on")
    ImportPreview.objects.update(state="RUNNING", seen_at=Now() - timedelta(seconds=20))
    page = operator.get(url)
    assert "its worker was stopped or killed" in page.content.decode() and not page.context["moving"]


def test_nobody_moves_a_preview_by_a_get_or_without_the_right(operator, archive):
    viewer = somebody("Viewers")
    _, url = ask(operator, everything="on")
    for page in (url, f"{url}state/"):
        assert viewer.get(page).status_code == 403
    for move in ("start", "cancel", "look"):
        assert viewer.post(f"{url}{move}/").status_code == 403
        assert operator.get(f"{url}{move}/").status_code == 405
        assert operator.post(f"{START}previews/9999/{move}/").status_code == 404
    assert operator.get(f"{START}previews/9999/").status_code == 404


# --- where imports may come from ----------------------------------------------------------------------------------
def test_of_paths_that_are_not_allowed_nothing_is_to_be_learnt(operator, archive, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "there").mkdir()
    (archive / "link").symlink_to(elsewhere / "there")
    os.mkfifo(elsewhere / "fifo")
    said = set()
    for path in (
        elsewhere / "there", elsewhere / "not there", elsewhere / "fifo", archive / "link", archive / ".." / "x",
        f"captures:{elsewhere}/fifo", f"file://{elsewhere}/there", f"themeparks-history:{elsewhere}/there",
        "s3://another", "~root", "~nobody-of-this-name/x", "/etc/passwd", "x\0y",
    ):  # fmt: skip
        response, url = ask(operator, everything="on", source=str(path))
        assert not url, path
        error = response.context["form"].errors["source"][0]
        said.add(error.removeprefix(str(path)).strip() if str(path) in error else error)
    assert len(said - {"Null characters are not allowed."}) == 1, said
    assert not ImportPreview.objects.exists()


def test_what_became_a_link_since_the_form_was_sent_is_refused_by_the_worker(operator, archive, tmp_path_factory):
    inside = archive / "inside"
    inside.mkdir()
    _, url = ask(operator, everything="on", source=str(inside))
    inside.rmdir()
    inside.symlink_to(tmp_path_factory.mktemp("elsewhere"))
    preview_task.look(ImportPreview.objects.get().pk)
    assert "imports are started here only from" in operator.get(url).context["error"]


def test_an_import_of_before_from_elsewhere_goes_on(operator, archive, tmp_path_factory):
    checkpoint = new_import(known_park(), source=str(tmp_path_factory.mktemp("elsewhere")), status="PAUSED")
    press(operator, "resume", checkpoint)
    checkpoint.refresh_from_db()
    assert checkpoint.queued_at is not None


def test_a_preview_whose_worker_was_killed_says_so_and_can_be_asked_for_again(operator, archive):
    _, url = ask(operator, destination=DESTINATION)
    gone = Now() - timedelta(minutes=1)
    ImportPreview.objects.update(state=PreviewState.RUNNING, seen_at=gone)

    page = operator.get(url)
    assert "its worker was stopped or killed" in page.content.decode()
    assert operator.get(f"{url}state/").json()["moving"] is False
    assert page.context["again"].startswith(START)
    assert cells(preview(operator, destination=DESTINATION)) == [["9", "0", "1", "9"]]
