"""What one test leaves to the next: nothing."""

import pytest
from django.db import connection

from warehouse.models import Park


@pytest.mark.django_db
@pytest.mark.parametrize(
    "sql", ["ANALYZE TABLE parks", "\n  truncate parks", "LOCK TABLES parks READ", "CREATE TABLE x"]
)
def test_a_test_that_is_rolled_back_may_not_commit(sql):
    Park.objects.create(park_name="P", themeparks_wiki_id="p")
    with pytest.raises(AssertionError, match="transactional_db"), connection.cursor() as cursor:
        cursor.execute(sql)


@pytest.mark.django_db
def test_what_commits_nothing_it_may():
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE altered (n INT)")
        cursor.execute("DROP TEMPORARY TABLE altered")


def test_one_with_transactions_of_its_own_may(transactional_db):
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE TABLE parks")
        cursor.fetchall()
