"""What is owed is struck out by whoever has paid it, and nobody waits for one who stands still in the midst of it."""

from datetime import date

import pytest
from django.db import connection, transaction

from quality import owed_checks
from quality.models import OwedCheck
from tests.warehouse.conftest import another_session as another_session
from warehouse.models import Park

JANUARY, FEBRUARY = date(2025, 1, 1), date(2025, 2, 1)


@pytest.fixture
def park(transactional_db) -> Park:
    return Park.objects.create(park_name="Lakeside", themeparks_wiki_id="p")


@pytest.fixture
def impatient():
    """Whoever waits for a row all the same fails after a second."""
    with connection.cursor() as cursor:
        cursor.execute("SET SESSION innodb_lock_wait_timeout = 1")
        yield
        cursor.execute("SET SESSION innodb_lock_wait_timeout = DEFAULT")


def owe(park: Park, *causes: str, last: date = JANUARY) -> list[int]:
    for cause in causes:
        with transaction.atomic():
            owed_checks.owe(park_id=park.pk, first_day=JANUARY, last_day=last, cause=cause)
    return list(OwedCheck.objects.order_by("pk").values_list("pk", flat=True))


def left() -> list[str]:
    return [f"{row.cause} to {row.last_day:%m-%d}" for row in OwedCheck.objects.order_by("pk")]


def test_what_is_paid_is_owed_no_more_and_paid_twice_is_as_good(park):
    keys = owe(park, "a", "b")
    owed_checks.paid(keys[:1])
    owed_checks.paid(keys[:1])
    owed_checks.paid([])
    assert left() == ["b to 01-01"]


def test_more_of_one_cause_stands_for_what_it_owed_before(park):
    owe(park, "a")
    owe(park, "a", last=FEBRUARY)
    assert left() == ["a to 02-01"]


@pytest.mark.parametrize("does_it", [True, False], ids=["goes on", "is killed"])
def test_nobody_waits_for_one_who_stands_still_while_it_strikes_out(park, another_session, impatient, does_it):
    """A process that was stopped held two rows, and an import whose check was done waited for them to the end."""
    keys = owe(park, "a", "b", "c")
    frozen = another_session()
    frozen.query(f"DELETE FROM quality_checks_owed WHERE owed_id IN ({keys[0]}, {keys[1]})")
    owed_checks.paid(keys)
    owe(park, "b", last=FEBRUARY)
    if does_it:
        frozen.commit()
        assert left() == ["b to 02-01"]
    else:
        frozen.rollback()
        assert left() == ["a to 01-01", "b to 01-01", "b to 02-01"]
        owed_checks.paid([row.pk for row in owed_checks.owed()])
        assert left() == []
