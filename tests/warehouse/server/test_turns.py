"""Transactions that others wait for end by the server where their process is frozen inside."""

import pytest
from django.db import connection, transaction

from warehouse.server import turns
from warehouse.server.dialect import is_mariadb
from warehouse.server.turns import brief_transaction

pytestmark = pytest.mark.django_db(transaction=True)


def limit() -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT @@{'idle_transaction_timeout' if is_mariadb() else 'wait_timeout'}")
        return cursor.fetchone()[0]


def test_a_brief_transaction_has_a_limit_also_behind_one_within_it():
    usual = limit()
    assert usual != turns.IDLE_TRANSACTION_SECONDS
    with brief_transaction():
        assert limit() == turns.IDLE_TRANSACTION_SECONDS
        with brief_transaction():
            assert connection.in_atomic_block
        assert limit() == turns.IDLE_TRANSACTION_SECONDS
    assert limit() == usual


def test_what_fails_within_is_rolled_back_and_the_limit_is_gone():
    usual = limit()
    with pytest.raises(ZeroDivisionError), brief_transaction(), connection.cursor() as cursor:
        cursor.execute("UPDATE parks SET park_name = park_name")
        raise ZeroDivisionError
    assert (limit(), connection.in_atomic_block) == (usual, False)


@pytest.mark.one_server("a row is written, too: tests/cluster")
def test_a_turn_costs_one_server_one_statement(django_assert_num_queries):
    with transaction.atomic(), django_assert_num_queries(1):
        turns.wait_for_turn([1, 2])
    with transaction.atomic(), django_assert_num_queries(0):
        turns.on_every_node("park", [1, 2])
        turns.wait_for_turn([])
