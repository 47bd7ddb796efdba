"""Pages whose connection is cut: in words, and no error of ours."""

import threading

import pytest
from django.db import connection

from tests.cutting_proxy import cutting_proxy
from tests.imports.desk import CHANGELIST, new_import, park, press, running, somebody
from tests.imports.in_the_way import LOCK_WAIT_TIMEOUT, locked
from warehouse.server import away
from warehouse.server.errors import server

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = {"seconds": 0, "first_pause": 0.001}


@pytest.fixture
def operator():
    return somebody("Operators")


def test_a_page_that_is_read_says_which_server_is_away_and_that_nothing_was_changed(operator):
    with cutting_proxy(connection) as proxy, proxy.between(connection), away.patience(**AT_ONCE):
        proxy.cut("before", "FROM `import_checkpoints`", refuse=threading.Event())
        response = operator.get(CHANGELIST)
        text = response.content.decode()
        assert f"The database server ({server()}) is away: " in text
    assert response.status_code == 503
    assert "Nothing was changed" in text


def test_what_is_lost_in_a_session_is_said_alike(operator):
    operator.raise_request_exception = False
    with cutting_proxy(connection) as proxy, proxy.between(connection), away.patience(**AT_ONCE):
        proxy.cut("before", "FROM `django_session`", refuse=threading.Event())
        response = operator.get(CHANGELIST)
    assert response.status_code == 503
    assert "is away: " in response.content.decode()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_what_was_asked_for_by_a_form_may_have_been_done_and_that_is_said(operator, moment):
    checkpoint = running(new_import(park(1)))
    with cutting_proxy(connection) as proxy, proxy.between(connection), away.patience(**AT_ONCE):
        cut = proxy.cut(moment, "COMMIT", behind="UPDATE `import_checkpoints` SET `status` = 'PAUSED'")
        response = press(operator, "pause", checkpoint)
    assert cut.happened.is_set()
    assert response.status_code == 503
    assert "is not known" in response.content.decode()
    checkpoint.refresh_from_db()
    assert checkpoint.status == ("PAUSED" if moment == "after" else "IN_PROGRESS")


def test_an_action_that_meets_a_lock_is_done_again_and_once(operator):
    checkpoint = running(new_import(park(1)))
    with away.patience(first_pause=0.001), locked(2, "`queued_at`") as said:
        response = press(operator, "pause", checkpoint)
    assert said == [LOCK_WAIT_TIMEOUT] * 2 + [0]
    assert response.status_code == 200
    checkpoint.refresh_from_db()
    assert checkpoint.status == "PAUSED"


def test_a_claim_that_meets_a_lock_is_made_again_and_once():
    checkpoint = new_import(park(1))
    with away.patience(first_pause=0.001), locked(2, "`heartbeat_at`") as said:
        checkpoint.claim("a worker")
    assert said == [LOCK_WAIT_TIMEOUT] * 2 + [0]
    assert (checkpoint.status, checkpoint.generation, checkpoint.attempts) == ("IN_PROGRESS", 1, 1)
