"""`manage.py status`: what the home page says, for terminals and scripts; a database that is away is one line."""

import json
import socket
from datetime import date
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import OperationalError, connection
from django.utils import timezone

from config.home import home
from config.home.told import as_json, as_text
from config.management.commands import status
from imports.workers.models import Worker
from tests.imports.desk import new_import, park, running
from tests.nowhere import led_to
from tests.nowhere import nowhere as nowhere
from warehouse.partitioning import health

pytestmark = pytest.mark.django_db


def everything():
    return home(lambda permission: True, timezone.now())


def called(*options: str) -> tuple[str, int]:
    """What it prints, and its exit status."""
    out = StringIO()
    try:
        call_command("status", *options, stdout=out)
    except SystemExit as ended:
        return out.getvalue(), ended.code
    return out.getvalue(), 0


def test_text_and_json_say_what_the_home_page_says():
    running(new_import(park(1))).fail("the disk is full")
    running(new_import(park(2)))
    found = everything()
    text = "\n".join(as_text(found))
    told = json.loads(json.dumps(as_json(found), default=str))
    assert f"As of {found.as_of:%Y-%m-%d %H:%M:%S} UTC" in text
    for each in found.attention:
        assert f"  - {each.said}" in text
    for part in found.parts:
        assert part.title in text
        assert len({figure.key for figure in part.figures}) == len(part.figures)
        for figure in part.figures:
            assert told["parts"][part.key][figure.key]["said"] == figure.value
    assert [each["key"] for each in told["attention"]] == [each.key for each in found.attention]
    assert not told["well"]
    assert told["parts"]["imports"]["failed"] == {"label": "failed", "said": "1", "value": 1, "trouble": True}
    (under_way,) = told["under_way"]
    assert (under_way["park"], under_way["status"], under_way["files_total"]) == ("Park 2", "IN_PROGRESS", 31)
    assert "IN_PROGRESS, 0 of 31 files" in text


def test_keys_of_what_needs_attention_say_nothing_of_how_much():
    """Alerts compare them: one more failed import is no new trouble, and the wording may change."""
    for n in (1, 2):
        running(new_import(park(n))).fail("the disk is full")
        assert [each.key for each in everything().attention if each.key.startswith("imports.")] == ["imports.failed"]


@pytest.mark.django_db(transaction=True)  # it asks over a connection of its own
def test_the_exit_status_says_whether_something_needs_attention(monkeypatch):
    text, code = called()
    assert "  - No worker is alive" in text
    assert code == 1
    Worker.seen("host/1/1/0", "")
    monkeypatch.setattr(health, "MONTHS_AHEAD_AT_LEAST", 0)
    text, code = called()
    assert "Nothing needs attention." in text
    assert code == 0
    told, code = called("--json")
    assert (json.loads(told)["well"], code) == (True, 0)


def test_a_database_that_is_away_is_told_and_no_traceback(nowhere):
    with pytest.raises(OperationalError):  # which manage.py says in a line, with exit status 1
        called()
    told, code = called("--json")
    assert code == 1
    (away,) = json.loads(told)["attention"]
    assert away["key"] == "database.away"
    assert "Is it running where DATABASE_URL says?" in away["said"]


def test_a_server_that_hangs_is_not_waited_for(monkeypatch, tmp_path):
    monkeypatch.setattr(status, "DATABASE_ANSWERS_WITHIN_SECONDS", 1)
    monkeypatch.chdir(tmp_path)  # a socket's path is short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("hangs")
        server.listen()
        with led_to("hangs"):
            told, code = called("--json")
    assert (code, json.loads(told)["attention"][0]["key"]) == (1, "database.away")


def test_the_usual_connection_is_back_afterwards(nowhere):
    before = connection.connection
    called("--json")
    assert connection.connection is before
    assert everything().as_of.date() >= date(2024, 1, 1)
