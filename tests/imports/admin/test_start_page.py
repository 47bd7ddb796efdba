"""Start import: what would be read is said before, wrong input is one clear line, and a start is in the history."""

from datetime import date, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django_q.models import OrmQ

from imports.models import ImportCheckpoint, ImportStatus
from imports.sources.folder import FolderSource
from imports.workers.models import Worker
from tests.imports import capturing
from tests.imports.building import DESTINATION, OTHER_PARK, OTHER_RIDE, PARK, event, write_day
from tests.imports.desk import (
    CHANGELIST,
    day_file,
    new_import,
    queries_of_a_page,
    running,
    somebody,
    touching_facts,
)
from warehouse.models import Park

pytestmark = pytest.mark.django_db(transaction=True)  # partitions are made, which no transaction survives
START = f"{CHANGELIST}start/"
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


def preview(client, **asked):
    return client.get(START, {"days": "all"} | asked)


def start(client, **asked):
    return client.post(START, {"days": "all"} | asked, follow=True)


def cells(response) -> list[list[str]]:
    """The figures of the table: files there, imported already, days without a file, to read."""
    return [
        [str(len(each.plan.files)), str(each.imported), str(each.plan.days_missing), str(each.to_read)]
        for each in response.context["previews"]
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
    assert OrmQ.objects.count() == 1


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
        ({"everything": "on", "source": "/no/such/folder"}, "/no/such/folder: no such folder"),
        ({"everything": "on", "source": "ftp://x"}, "not a source"),
        ({"everything": "on", "days": "some"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_line_and_starts_nothing(operator, archive, asked, says):
    for answer in (preview(operator, **asked), start(operator, **asked)):
        text = answer.content.decode()
        assert answer.status_code == 200
        assert says in text
        assert "--" not in "".join(answer.context["form"].non_field_errors())
    assert (ImportCheckpoint.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_captures_of_live_answers_can_be_started_and_options_that_make_no_sense_with_them_are_said(operator, tmp_path):
    known_park()
    path = capturing.write_lines(tmp_path / "a.ndjson", capturing.answer([capturing.row()]), b'{"cut')
    asked = {"everything": "on", "source": str(path)}
    assert cells(preview(operator, **asked)) == [["1", "0", "0", "1"]]
    for option, called in (("replace_live", "In place of live rows"), ("replace", "In place of earlier readings")):
        refused = preview(operator, **asked, **{option: "on"})
        assert called in "".join(refused.context["form"].non_field_errors())
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
    answer = start(operator, park=place.pk)
    assert "is queued already" in answer.content.decode()
    assert (ImportCheckpoint.objects.count(), OrmQ.objects.count()) == (1, 1)


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
    assert cells(operator.get(url)) == [["2", "0", "0", "2"]]


def test_the_page_makes_as_many_queries_for_many_parks_as_for_few(operator, archive):
    counts = []
    for upto in (2, 40):
        for n in range(Park.objects.count(), upto):
            Park.objects.create(park_name=f"Park {n}", themeparks_wiki_id=f"p{n}", destination_wiki_id=DESTINATION)
        with queries_of_a_page() as sql:
            assert preview(operator, destination=DESTINATION).status_code == 200
        assert not touching_facts(sql)
        counts.append(len(sql))
    assert counts[0] == counts[1]


def test_an_import_can_be_forced(operator, archive):
    start(operator, destination=DESTINATION, replace_live="on", replace="on", force="on")
    chosen = ImportCheckpoint.objects.values_list("replace_live", "replace_archive", "force")
    assert set(chosen) == {(True, True, True)}
