"""The list and the page of imports as an operator and a viewer meet them: what is shown, moved, refused and kept."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.functions import Now
from django.utils import timezone
from django_q.models import OrmQ

from imports.archive.transitions import ACTIONS
from imports.models import ImportCheckpoint, ImportStatus
from imports.workers.models import Worker
from tests.clock import standing_still
from tests.imports.desk import (
    CHANGELIST,
    day_file,
    new_import,
    park,
    press,
    queries_of_a_page,
    running,
    somebody,
    tick,
    touching_facts,
)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def clock(db):
    """What a page says of the last seconds does not hang on how long it took to make."""
    with standing_still() as clock:
        yield clock


@pytest.fixture
def operator():
    return somebody("Operators")


@pytest.fixture
def viewer():
    return somebody("Viewers")


def page_of(checkpoint) -> str:
    return f"{CHANGELIST}{checkpoint.pk}/change/"


def messages_of(response) -> list[str]:
    return [str(message) for message in response.context["messages"]]


# --- what is shown ------------------------------------------------------------------------------------------------
def test_the_list_says_how_far_how_fast_and_how_long_still(operator):
    checkpoint = running(new_import(park()))
    ImportCheckpoint.objects.update(
        last_processed_date=date(2024, 1, 10), files_processed=10, records_imported=12_345, errors_encountered=7
    )
    for n in range(10):
        day_file(
            checkpoint.park,
            date(2024, 1, 1 + n),
            stored=600,
            checkpoint=checkpoint,
            imported_at=timezone.now() - timedelta(seconds=30 - n),
        )
    text = operator.get(CHANGELIST).content.decode()
    assert "10 of 31 files, at 2024-01-10" in text
    assert 'aria-valuenow="32"' in text
    assert "12,345" in text
    assert "200 rows/s" in text, "6,000 rows in the 30 s before the page was asked for"
    assert "1 min " in text, "21 days are left, and 10 took 30 s"
    assert f"checkpoint__checkpoint_id__exact={checkpoint.pk}&trouble=1" in text
    assert "worker: another-host, process 1" in text


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("queued, no worker", "waits: no worker is alive"),
        ("queued", "waits for a worker, first in the queue"),
        ("put back", "waits for a worker"),
        ("trouble", "attempt 1 of 3 failed, it is tried again: table in use"),
        ("dead worker", "gave no sign of life for 40 s: the next worker takes over"),
        ("dead command", "its command died (another-host, process 1): resume queues it"),
        ("never begun", "begun by a command that did not go on with it"),
        ("paused", "pause by somebody"),
        ("failed", "the disk is full"),
    ],
)
def test_an_import_that_does_not_move_says_why(operator, state, says):
    checkpoint = new_import(park())
    if state != "queued, no worker":
        Worker.seen("a worker", "")
    if state.startswith("queued"):
        checkpoint.queue()
    elif state in ("put back", "trouble"):
        running(checkpoint).put_back("table in use" if state == "trouble" else "")
    elif state == "dead worker":
        running(checkpoint, heartbeat_age=40)
    elif state != "never begun":
        running(checkpoint, queued=False, heartbeat_age=40)
        if state == "paused":
            checkpoint.pause("pause by somebody")
        elif state == "failed":
            checkpoint.fail("the disk is full")
    for page in (CHANGELIST, page_of(checkpoint)):
        assert says in operator.get(page).content.decode()


def test_who_is_before_it_in_the_queue_is_counted_by_runs_not_by_parks(operator):
    Worker.seen("a worker", "")
    first = [new_import(park(n)) for n in (1, 2, 3)]
    last = new_import(park(4), end_date=date(2024, 6, 30))
    for minutes, checkpoint in enumerate([last, *first]):
        checkpoint.queue()
        ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(queued_at=Now() - timedelta(minutes=minutes))
    assert "waits for a worker, 1 before it" in operator.get(page_of(last)).content.decode()


def test_a_completed_import_of_missing_days_shows_a_full_bar(operator):
    new_import(park(), status="COMPLETED", missing_only=True, files_processed=2, last_processed_date=date(2024, 1, 9))
    assert "31 of 31 files" in operator.get(CHANGELIST).content.decode()


def test_the_page_shows_what_came_in_and_the_latest_files(operator):
    checkpoint = running(new_import(park()))
    day_file(checkpoint.park, date(2024, 1, 1), stored=1500, checkpoint=checkpoint)
    day_file(checkpoint.park, date(2024, 1, 2), "UNREADABLE", checkpoint=checkpoint)
    text = operator.get(page_of(checkpoint)).content.decode()
    assert "1,500" in text
    assert "outcome__exact=UNREADABLE" in text
    assert "2024-01-02" in text


# --- refreshing ---------------------------------------------------------------------------------------------------
def test_a_refresh_brings_the_parts_and_says_when_nothing_moves_any_more(operator):
    checkpoint = running(new_import(park()))
    answer = operator.get(f"{CHANGELIST}progress/?ids={checkpoint.pk}").json()
    assert answer["moving"] is True
    assert "IN_PROGRESS" in answer["parts"][str(checkpoint.pk)]["status"]
    checkpoint.complete()
    answer = operator.get(f"{CHANGELIST}progress/?ids={checkpoint.pk}&page=1").json()
    assert answer["moving"] is False
    assert "COMPLETED" in answer["parts"][str(checkpoint.pk)]["status"]
    assert "Pause" not in answer["parts"][str(checkpoint.pk)]["actions"]


def test_what_an_error_or_an_operator_said_is_never_markup(operator):
    checkpoint = running(new_import(park()))
    press(operator, "cancel", checkpoint, why="<img src=x onerror=alert(1)>")
    answer = operator.get(f"{CHANGELIST}progress/?ids={checkpoint.pk}&page=1").json()
    assert "&lt;img src=x" in answer["parts"][str(checkpoint.pk)]["explanation"]
    pages = [CHANGELIST, page_of(checkpoint), f"{CHANGELIST}{checkpoint.pk}/history/", "/admin/"]
    for text in [str(answer), *(operator.get(page).content.decode() for page in pages)]:
        assert "<img src=x" not in text


def test_pages_ask_for_a_refresh_only_while_something_moves_also_without_javascript(operator):
    checkpoint = new_import(park())
    for page in (CHANGELIST, page_of(checkpoint)):
        text = operator.get(page).content.decode()
        assert 'data-moving="no"' in text
        assert "http-equiv" not in text
    checkpoint.queue()
    for page in (CHANGELIST, page_of(checkpoint)):
        text = operator.get(page).content.decode()
        assert 'data-moving="yes"' in text
        assert '<noscript><meta http-equiv="refresh" content="10"></noscript>' in text


@pytest.mark.parametrize("ids", ["", "x", "1,,2", "-1", "99999999999999999999", "1;DROP"])
def test_a_refresh_of_nonsense_is_an_empty_answer(operator, ids):
    assert operator.get(f"{CHANGELIST}progress/", {"ids": ids}).json() == {"moving": False, "parts": {}}


# --- actions ------------------------------------------------------------------------------------------------------
def test_pause_resume_and_give_up_from_the_page(operator):
    checkpoint = running(new_import(park()))
    press(operator, "pause", checkpoint)
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.queued_at) == (ImportStatus.PAUSED, None)
    assert checkpoint.last_error.startswith("pause by operators-")
    press(operator, "resume", checkpoint)
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.worker) == (ImportStatus.IN_PROGRESS, "")
    assert OrmQ.objects.count() == 1
    press(operator, "cancel", checkpoint, why="wrong archive")
    checkpoint.refresh_from_db()
    assert checkpoint.status == ImportStatus.FAILED
    assert checkpoint.last_error.endswith(": wrong archive")
    press(operator, "retry", checkpoint)
    checkpoint.refresh_from_db()
    assert (checkpoint.status, checkpoint.last_error) == (ImportStatus.IN_PROGRESS, "")


def test_many_are_moved_at_once_and_each_refused_one_says_why(operator):
    free, done, failed = new_import(park(1)), new_import(park(2), status="COMPLETED"), running(new_import(park(3)))
    failed.fail("the disk is full")
    said = messages_of(tick(operator, "pause", free, done, failed))
    assert len(said) == 3
    assert any(f"{done.import_id} of Park 2 is COMPLETED and cannot become PAUSED" in each for each in said)
    assert any(f"{failed.import_id} of Park 3 is FAILED and cannot become PAUSED" in each for each in said)
    free.refresh_from_db()
    assert free.status == ImportStatus.PAUSED


@pytest.mark.parametrize(
    ("action", "status", "says"),
    [
        ("resume", "FAILED", "retry it"),
        ("retry", "PAUSED", "only a FAILED import is retried"),
        ("resume", "COMPLETED", "it may become nothing: start a new import"),
        ("cancel", "PENDING", "cannot become FAILED"),
        ("retry", "COMPLETED", "only a FAILED import is retried"),
    ],
)
def test_an_action_that_the_states_forbid_changes_nothing(operator, action, status, says):
    checkpoint = new_import(park(), status=status)
    (said,) = messages_of(press(operator, action, checkpoint, why="x"))
    assert says in said
    checkpoint.refresh_from_db()
    assert (checkpoint.status, LogEntry.objects.count(), OrmQ.objects.count()) == (status, 0, 0)


def test_a_resume_while_another_import_of_the_park_runs_is_refused(operator):
    place = park()
    paused = new_import(place, status="PAUSED")
    other = running(new_import(place, end_date=date(2025, 1, 1)))
    (said,) = messages_of(press(operator, "resume", paused))
    assert f"Park 1 is being imported ({other.import_id}" in said.replace("&#x27;", "'")


def test_giving_up_many_asks_for_a_reason_first(operator):
    first, second = running(new_import(park(1))), running(new_import(park(2)))
    response = tick(operator, "cancel", first, second)
    assert "Reason, kept with each import" in response.content.decode()
    first.refresh_from_db()
    assert first.status == ImportStatus.IN_PROGRESS
    tick(operator, "cancel", first, second, why="no longer wanted")
    first.refresh_from_db()
    assert (first.status, first.last_error.rsplit(": ")[-1]) == (ImportStatus.FAILED, "no longer wanted")


def test_the_page_offers_only_the_actions_that_are_allowed(operator):
    for status, offered in {
        "PENDING": {"resume", "pause"},
        "PAUSED": {"resume", "cancel"},
        "FAILED": {"retry", "dismiss"},
        "COMPLETED": set(),
    }.items():
        checkpoint = new_import(park(list(ImportStatus).index(status) + 1), status=status)
        text = operator.get(page_of(checkpoint)).content.decode()
        offered_now = {name for name in ACTIONS if f'value="{name}"' in text}
        assert offered_now == offered, status


def test_every_move_is_in_the_history_with_who_before_and_after(operator):
    checkpoint = running(new_import(park()))
    ImportCheckpoint.objects.update(files_processed=12)
    press(operator, "pause", checkpoint)
    press(operator, "resume", checkpoint)
    press(operator, "cancel", checkpoint, why="wrong archive")
    text = operator.get(f"{CHANGELIST}{checkpoint.pk}/history/").content.decode()
    for said in (
        "Pause: IN_PROGRESS (12 of 31 files, queued) → PAUSED (12 of 31 files)",
        "Resume: PAUSED (12 of 31 files) → IN_PROGRESS (12 of 31 files, queued)",
        "Cancel: IN_PROGRESS (12 of 31 files, queued) → FAILED (12 of 31 files, dismissed). Reason: wrong archive",
        "operators-",
    ):
        assert said in text


# --- permissions --------------------------------------------------------------------------------------------------
def test_a_viewer_sees_everything_and_no_action(viewer):
    checkpoint = running(new_import(park()))
    listed = viewer.get(CHANGELIST).content.decode()
    page = viewer.get(page_of(checkpoint)).content.decode()
    assert "Park 1" in listed
    assert "IN_PROGRESS" in page
    for text in (listed, page):
        assert 'name="action"' not in text
        assert "Start import" not in text
        assert 'name="action"' not in text
        assert "Import what is missing" not in text
    assert viewer.get(f"{CHANGELIST}progress/?ids={checkpoint.pk}").status_code == 200


def test_a_forged_post_of_a_viewer_is_refused(viewer):
    checkpoint = running(new_import(park()))
    for action in ACTIONS:
        assert tick(viewer, action, checkpoint, why="x").status_code == 403
        assert press(viewer, action, checkpoint, why="x").status_code == 403
    assert viewer.get("/admin/imports/importcheckpoint/start/").status_code == 403
    assert viewer.post("/admin/imports/importcheckpoint/start/", {"everything": "on"}).status_code == 403
    checkpoint.refresh_from_db()
    assert (checkpoint.status, LogEntry.objects.count()) == (ImportStatus.IN_PROGRESS, 0)


def test_nobody_moves_an_import_by_a_get_or_an_unknown_action(operator):
    checkpoint = running(new_import(park()))
    assert operator.get(f"{CHANGELIST}{checkpoint.pk}/act/?action=pause").status_code == 405
    assert press(operator, "delete", checkpoint).status_code == 403
    assert press(operator, "pause", ImportCheckpoint(pk=9999)).status_code == 404


def test_without_any_permission_there_is_nothing_to_see(django_user_model, client):
    client.force_login(django_user_model.objects.create_user("guest", is_staff=True))
    checkpoint = new_import(park())
    for page in (CHANGELIST, page_of(checkpoint), f"{CHANGELIST}progress/?ids={checkpoint.pk}"):
        assert client.get(page).status_code == 403


def test_nothing_of_an_import_can_be_edited_added_or_deleted(admin_client):
    checkpoint = new_import(park())
    assert admin_client.post(page_of(checkpoint), {"status": "COMPLETED"}).status_code == 403
    assert admin_client.get(f"{CHANGELIST}add/").status_code == 403
    assert admin_client.post(f"{CHANGELIST}{checkpoint.pk}/delete/", {"post": "yes"}).status_code == 403
    checkpoint.refresh_from_db()
    assert checkpoint.status == ImportStatus.PENDING


# --- cost ---------------------------------------------------------------------------------------------------------
def test_list_page_and_refresh_make_as_many_queries_for_forty_imports_as_for_two(operator):
    counts = {}
    for upto in (2, 40):
        for n in range(ImportCheckpoint.objects.count() + 1, upto + 1):
            checkpoint = running(new_import(park(n)))
            for day in range(1, 4):
                day_file(checkpoint.park, date(2024, 1, day), checkpoint=checkpoint)
        ids = ",".join(map(str, ImportCheckpoint.objects.values_list("pk", flat=True)))
        for page in (CHANGELIST, page_of(checkpoint), f"{CHANGELIST}progress/?ids={ids}"):
            with queries_of_a_page() as sql:
                assert operator.get(page).status_code == 200
            assert not touching_facts(sql)
            counts.setdefault(page.split("/")[-2 if "change" in page else -1][:4], []).append(len(sql))
    assert all(few == many for few, many in counts.values()), counts
