"""Operators and checks at the same findings at once: each finding has one decision, and whoever is late is told."""

import threading
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from quality.models import DataQualityLog, ResolutionStatus, TriageBatch
from quality.taking_back import take_back
from tests.quality.test_models import row_in
from tests.waiting import HANG_SECONDS, until

OPEN, INVESTIGATING, RESOLVED, WONTFIX = ResolutionStatus
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def meanwhile(act):
    """`act` in another session, which waits for what this one holds until the block ends; what it returned."""
    result: list = []

    def run():
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT CONNECTION_ID()")
                session.extend(cursor.fetchone())
            begun.set()
            result.append(act())
        except Exception as error:
            result.append(error)
        finally:
            connection.close()

    session: list[int] = []
    begun = threading.Event()
    other = threading.Thread(target=run)
    with transaction.atomic():
        yield (
            result,
            lambda: (other.start(), begun.wait(HANG_SECONDS), until(lambda: waits(session[0]), every_seconds=0.3)),
        )
    other.join(HANG_SECONDS)


def waits(session: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM information_schema.innodb_trx WHERE trx_mysql_thread_id = %s AND trx_state = 'LOCK WAIT'",
            [session],
        )
        return cursor.fetchone() is not None


def test_what_a_check_resolves_while_an_operator_gives_up_stays_resolved():
    rows = [row_in(OPEN, name) for name in "abc"]
    shown = {row.pk: OPEN for row in rows}

    def give_up():
        return DataQualityLog.transition(shown, WONTFIX, by="ann", now=NOW, note="old", shown=shown)

    with meanwhile(give_up) as (result, let_it_wait):
        assert rows[1].resolve_by_system("Filled", now=NOW)
        let_it_wait()
    (triage,) = result
    assert triage.moved == {OPEN: [rows[0].pk, rows[2].pk]}
    assert triage.refused == [f"Finding {rows[1].pk} was OPEN when it was shown and is RESOLVED now: left alone"]
    assert [row.to_status for row in rows[1].moves.all()] == [INVESTIGATING, RESOLVED]


def test_of_two_who_take_back_the_same_bulk_at_once_one_does():
    rows = [row_in(OPEN, name) for name in "ab"]
    batch = TriageBatch.objects.get(
        pk=DataQualityLog.transition([row.pk for row in rows], RESOLVED, by="ann", now=NOW, note="done").batch
    )
    with meanwhile(lambda: take_back(batch, by="ann", now=NOW)) as (result, let_it_wait):
        assert take_back(batch, by="ben", now=NOW, note="no").count == 2
        let_it_wait()
    (second,) = result
    assert (second.count, len(second.left)) == (0, 2)
    assert [row.moves.count() for row in rows] == [4, 4]
    assert set(DataQualityLog.objects.values_list("resolution_status", flat=True)) == {OPEN}


def test_what_comes_back_while_a_bulk_is_taken_back_stays_as_the_system_left_it():
    rows = [row_in(OPEN, name) for name in "ab"]
    batch = TriageBatch.objects.get(
        pk=DataQualityLog.transition([row.pk for row in rows], RESOLVED, by="ann", now=NOW, note="done").batch
    )
    with meanwhile(lambda: take_back(batch, by="ann", now=NOW)) as (result, let_it_wait):
        DataQualityLog.transition([rows[0].pk], OPEN, by="", now=NOW)
        let_it_wait()
    (done,) = result
    assert (done.count, done.left) == (1, [f"Finding {rows[0].pk} has been moved since and stays OPEN"])


def test_of_two_who_take_the_same_finding_the_second_is_told():
    row = row_in(OPEN)
    shown = {row.pk: (OPEN, "")}

    def take():
        return DataQualityLog.assign(shown, "ben", by="ben", now=NOW, shown=shown)

    with meanwhile(take) as (result, let_it_wait):
        DataQualityLog.assign(shown, "ann", by="ann", now=NOW, shown=shown)
        let_it_wait()
    (triage,) = result
    assert "is OPEN, assigned to ann now: left alone" in triage.refused[0]
    row.refresh_from_db()
    assert row.assignee == "ann"
