"""Operators, viewers and imports in every state, for the tests of the admin."""

import re
from contextlib import contextmanager
from datetime import date, timedelta

from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models.functions import Now
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from imports.admin import groups
from imports.admin.actions import Shown
from imports.models import ImportCheckpoint, ImportedFile, ImportPreview
from imports.workers import preview_task
from tests.imports.building import DESTINATION
from warehouse.models import Park

ELSEWHERE = "another-host/1/1/0"  # a worker of whom nothing but its heartbeat is known
CHANGELIST = "/admin/imports/importcheckpoint/"
START = f"{CHANGELIST}start/"


def somebody(group: str) -> Client:
    """A browser in which a member of the group has signed in."""
    for made in groups.sync():  # a third of the CPU of a page's test, if it were all three
        if made.startswith(group):
            break
    user = User.objects.create_user(f"{group.lower()}-{User.objects.count()}", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def park(n: int = 1, destination: str = DESTINATION, name: str = "") -> Park:
    return Park.objects.create(
        park_name=name or f"Park {n}",
        themeparks_wiki_id=f"22222222-2222-4222-8222-{n:012}",
        destination_wiki_id=destination,
    )


def new_import(of: Park, **changes) -> ImportCheckpoint:
    fields = {
        "park": of,
        "destination_wiki_id": of.destination_wiki_id or "",
        "source": "/archive",
        "start_date": date(2024, 1, 1),
        "end_date": date(2024, 1, 31),
        "files_total": 31,
        "whole_destination": True,
    }
    return ImportCheckpoint.objects.create(**fields | changes)


def running(checkpoint: ImportCheckpoint, *, queued: bool = True, heartbeat_age: float = 0) -> ImportCheckpoint:
    checkpoint.claim(ELSEWHERE, queued=queued)
    ImportCheckpoint.objects.filter(pk=checkpoint.pk).update(heartbeat_at=Now() - timedelta(seconds=heartbeat_age))
    checkpoint.refresh_from_db()
    return checkpoint


def day_file(of: Park, day: date, outcome: str = "IMPORTED", stored: int = 10, **changes) -> ImportedFile:
    if outcome != "IMPORTED":
        stored = 0
    return ImportedFile.objects.create(
        park=of,
        file_date=day,
        destination_wiki_id=changes.pop("destination_wiki_id", of.destination_wiki_id or ""),
        source_file=f"{of.destination_wiki_id}/{day:%Y/%m/%d}.json.gz",
        outcome=outcome,
        events_read=stored,
        stored=stored,
        imported_at=changes.pop("imported_at", Now()),
        **changes,
    )


@contextmanager
def queries_of_a_page():
    """The SQL of a page; none of it may touch the facts, and the number is for the test to compare.

    Left out is what Django asks once a process: the number of a model."""
    sql: list[str] = []
    with CaptureQueriesContext(connection) as captured:
        yield sql
    asked = (query["sql"] for query in captured.captured_queries)
    sql += [statement for statement in asked if "FROM `django_content_type` WHERE" not in statement]


def touching_facts(sql: list[str]) -> list[str]:
    """Statements that read the fact table or the queue rows; whether a boundary partition holds a row may be asked."""
    return [
        statement
        for statement in sql
        if re.search(r"\b(FROM|JOIN)\s+`?(ride_status_snapshots|queue_data)\b", statement)
        and not re.fullmatch(r"SELECT 1 FROM ride_status_snapshots PARTITION \(p_\w+\) LIMIT 1", statement)
    ]


def as_shown(*checkpoints) -> dict[str, str]:
    """What a page of now would send along with a move."""
    now = timezone.now()
    return {
        f"shown-{each.pk}": str(Shown.of(each, now))
        for each in ImportCheckpoint.objects.filter(pk__in=[checkpoint.pk for checkpoint in checkpoints])
    }


def tick(client, action: str, *checkpoints, **more):
    """What one of the list's actions does with these; `more` wins over what the page would send."""
    data = {"action": action, "_selected_action": [checkpoint.pk for checkpoint in checkpoints]}
    return client.post(CHANGELIST, data | as_shown(*checkpoints) | more, follow=True)


def press(client, action: str, checkpoint, **more):
    """The same of a button on the page of an import."""
    url = f"{CHANGELIST}{checkpoint.pk}/act/"
    return client.post(url, {"action": action} | as_shown(checkpoint) | more, follow=True)


# --- Start import --------------------------------------------------------------------------------------------------
def ask(client, **asked):
    """The answer to the form, and where the preview is that it leads to ("": to none)."""
    response = client.get(START, {"days": "all"} | asked)
    return response, response.url if response.status_code == 302 else ""


def preview(client, **asked):
    """The page of the preview, once a worker has looked; or the form with what is wrong."""
    response, url = ask(client, **asked)
    if not url:
        return response
    preview_task.look(ImportPreview.objects.latest("pk").pk)
    return client.get(url)


def start(client, **asked):
    response = preview(client, **asked)
    if "row" not in response.context:
        return response
    return client.post(f"{START}previews/{response.context['row'].pk}/start/", follow=True)
