"""The server's refusals in words: what it says, and what to do where that is known."""

import pytest
from django.db import DatabaseError, IntegrityError, OperationalError, ProgrammingError

from warehouse.server.errors import (
    ServerAway,
    in_words,
    is_away,
    is_disk_full,
    is_locked,
    is_of_the_question,
    is_ours,
    server,
)

pytestmark = pytest.mark.no_database


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (OperationalError(1045, "Access denied"), "See DATABASE_URL"),
        (ProgrammingError(1146, "Table 'x.parks' doesn't exist"), "Run manage.py migrate"),
        (OperationalError(1114, "The table 'x' is full"), "make room"),
        (OperationalError(1030, 'Got error 28 "No space left on device" from storage engine InnoDB'), "make room"),
    ],
)
def test_what_to_do_is_said_where_it_is_known(error, hint):
    assert not is_ours(error)
    said = in_words(error)
    assert said.startswith(f"The database server says: {error.args[1]}. ")
    assert hint in said


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (OperationalError(2002, "Can't connect"), ". Is it running where DATABASE_URL says?"),
        (OperationalError(2013, "Lost connection"), ". What was committed stays: give the same command again when it"),
        (
            ServerAway(OperationalError(1040, "Too many"), 60, is_stopped=False),
            "Too many. It was waited for, 60 s",
        ),
        (ServerAway(OperationalError(1047, "WSREP"), 3, is_stopped=True), "WSREP. It was waited for until it was said"),
    ],
)
def test_of_a_server_that_is_away_is_said_which_it_is_and_how_long_it_was_waited_for(error, hint):
    assert is_away(error)
    said = in_words(error)
    assert said.startswith(f"The database server ({server()}) is away: ")
    assert hint in said
    assert said.endswith("when it is back")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (IntegrityError(1062, "Duplicate entry"), "The database server says: Duplicate entry"),
        (DatabaseError("odd"), "The database server says: odd"),
        (DatabaseError(), "The database server says: DatabaseError"),
    ],
)
def test_anything_else_is_passed_on(error, said):
    assert in_words(error) == said


def test_what_the_project_asked_wrongly_keeps_its_traceback():
    assert is_ours(ProgrammingError(1064, "You have an error in your SQL syntax"))
    assert is_ours(IntegrityError(1062, "Duplicate entry"))


def test_errors_are_told_apart_by_their_code():
    assert is_locked(OperationalError(1213, "Deadlock found"))
    assert not is_locked(IntegrityError(1213, "not the server's own class"))
    assert is_of_the_question(OperationalError(3691, "Mismatched parenthesis in regular expression."))  # MySQL's
    assert is_away(OperationalError(2006, "gone"))
    assert not is_away(ValueError(2006))
    lost = "Error while appending streaming replication fragment(provider status: Not connected to Primary Component)"
    assert is_away(OperationalError(1180, lost))  # as a node said whose cluster lost the writing one
    assert not is_away(OperationalError(1180, "Got error 28 during COMMIT"))
    assert is_disk_full(DatabaseError(1021, "Disk full"))
    assert not is_disk_full(DatabaseError(1030, "Got error 122"))
