"""A day file's page and an import's: why a file could not be read, what was found, and how to read it again."""

import re
from datetime import date, timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone

from imports.admin.file_findings import findings_of
from imports.archive.ledger import unreadable_finding
from imports.models import ImportCheckpoint, ImportedFile
from imports.sources.source import DayFile
from quality.findings import Finding
from quality.grouping import FILES_SINGLE
from quality.log import record
from quality.models import DataQualityLog
from tests.imports.building import DESTINATION
from tests.imports.desk import day_file, new_import, park, somebody
from tests.quality.triage import bring
from warehouse.days import midnight
from warehouse.models import Park

pytestmark = pytest.mark.django_db
DAY = date(2024, 1, 5)


def text_of(response) -> str:
    assert response.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", response.content.decode()))


def page(client, file: ImportedFile):
    return client.get(f"/admin/imports/importedfile/{file.pk}/change/")


@pytest.fixture
def place() -> Park:
    return park()


@pytest.fixture
def checkpoint(place) -> ImportCheckpoint:
    return new_import(place, source="/archive")


def damaged(place: Park, day: date, checkpoint: ImportCheckpoint, why: str = "the file is empty") -> ImportedFile:
    """The ledger's row and the finding, as an import leaves them."""
    file = day_file(place, day, "UNREADABLE", checkpoint=checkpoint)
    record([unreadable_finding(DESTINATION, DayFile(day=day, key=file.source_file), why)], timezone.now())
    return file


# --- a day file -------------------------------------------------------------------------------------------------------
def test_a_file_that_could_not_be_read_says_why_and_how_to_read_it_again(place, checkpoint):
    file = damaged(place, DAY, checkpoint)
    response = page(somebody("Operators"), file)
    text = text_of(response)
    assert "UNREADABLE It could not be read. Nothing of it was stored" in text
    assert f"{file.source_file} cannot be read: the file is empty" in text
    finding = DataQualityLog.objects.get()
    assert f'href="/admin/quality/dataqualitylog/{finding.pk}/change/"' in response.content.decode()
    asked = f"park={place.pk}&from=2024-01-05&to=2024-01-05&days=all&source=%2Farchive"
    assert response.context["again"] == f"/admin/imports/importcheckpoint/start/?{asked}"
    assert text_of(page(somebody("Viewers"), file)).count("Read it again") == 1  # as advice, without the way
    bring(finding, "WONTFIX", by="x", now=timezone.now(), note="lost")
    assert "Won't fix" in text_of(page(somebody("Viewers"), file)).replace("&#x27;", "'")


def test_one_of_many_that_are_told_together_says_so(place, checkpoint):
    files = [
        day_file(place, DAY + timedelta(days=n), "UNREADABLE", checkpoint=checkpoint) for n in range(FILES_SINGLE + 3)
    ]
    found = [
        unreadable_finding(DESTINATION, DayFile(day=file.file_date, key=file.source_file), "the file is empty")
        for file in files
    ]
    record(found, timezone.now())
    client = somebody("Viewers")
    assert "This file is one of those" not in text_of(page(client, files[0]))
    assert "This file is one of those that this finding tells of" in text_of(page(client, files[-1]))


def test_without_a_finding_it_says_that_none_tells(place, checkpoint):
    file = day_file(place, DAY, "UNREADABLE", checkpoint=checkpoint)
    assert "No finding says why any more" in text_of(page(somebody("Viewers"), file))


@pytest.mark.parametrize(
    ("outcome", "says"),
    [
        ("IMPORTED", "It was read, and its events of this park are rows."),
        ("MISSING", "The source had no file of this day"),
        ("NO_EVENTS", "held no event of this park"),
    ],
)
def test_other_outcomes_are_told_in_words(place, checkpoint, outcome, says):
    assert says in text_of(page(somebody("Viewers"), day_file(place, DAY, outcome, checkpoint=checkpoint)))


def test_it_names_what_was_found_in_it_and_the_files_beside_it(place, checkpoint):
    file = day_file(place, DAY, checkpoint=checkpoint)
    beside = day_file(place, DAY, feed="HISTORY")
    of_park = {
        "entity_type": "park",
        "entity_key": place.themeparks_wiki_id,
        "entity_id": place.pk,
        "park_id": place.pk,
    }
    at = {"start": midnight(DAY), "end": midnight(DAY) + timedelta(hours=5)}
    named = Finding(
        reason="malformed_time", scope="a", description="4 times", source_file=file.source_file, **at, **of_park
    )
    other = Finding(reason="malformed_time", scope="b", description="not here", source_file="other", **at, **of_park)
    record([named, other], timezone.now())
    response = page(somebody("Viewers"), file)
    assert [told.said for told in response.context["told"]] == ["4 times"]
    assert f"/admin/imports/importedfile/{beside.pk}/change/" in response.content.decode()


def test_a_month_of_delisted_entities_is_read_again_as_a_month(place):
    file = day_file(place, date(2024, 2, 1), feed="DELISTED")
    response = page(somebody("Operators"), file)
    assert "from=2024-02-01&to=2024-02-29" in response.context["again"]
    assert response.context["title"].endswith("2024-02-01 to 2024-02-29")


def test_who_sees_no_findings_sees_the_file_alone(client, place, checkpoint):
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename="view_importedfile"))
    client.force_login(user)
    response = page(client, damaged(place, DAY, checkpoint))
    assert response.context["told"] == []
    assert [go.label for go in response.context["go"]] == ["Days of the month", "Day files of the park"]


# --- an import --------------------------------------------------------------------------------------------------------
def test_an_import_lists_its_findings_and_its_unreadable_files(place, checkpoint):
    bad = damaged(place, DAY, checkpoint)
    later = damaged(place, date(2024, 1, 9), checkpoint, "cut short")
    damaged(place, date(2024, 3, 9), new_import(place))  # another import's, beyond its days
    of_park = {
        "entity_type": "park",
        "entity_key": place.themeparks_wiki_id,
        "entity_id": place.pk,
        "park_id": place.pk,
    }
    within = Finding(reason="missing_days", scope="a", description="x", start=midnight(DAY), **of_park)
    beyond = Finding(reason="missing_days", scope="b", description="y", start=midnight(date(2024, 2, 5)), **of_park)
    record([within, beyond], timezone.now())
    found = findings_of(checkpoint)
    assert [(row.title, row.waiting, row.closed) for row in found.of_park] == [("Missing days", 1, 0)]
    assert [(row.title, row.waiting) for row in found.of_destination] == [("Unreadable file", 2)]
    assert [each.file for each in found.unreadable] == [later, bad]
    text = text_of(somebody("Operators").get(f"/admin/imports/importcheckpoint/{checkpoint.pk}/change/"))
    assert f"2024-01-09 {later.source_file} cannot be read: cut short" in text
    assert "Findings of its days" in text


def test_an_import_without_days_or_findings_says_so(place):
    client = somebody("Viewers")
    bare = new_import(place, start_date=None, end_date=None)
    assert "Findings of its days" not in text_of(client.get(f"/admin/imports/importcheckpoint/{bare.pk}/change/"))
    other = new_import(place)
    assert "No finding touches its days." in text_of(client.get(f"/admin/imports/importcheckpoint/{other.pk}/change/"))
