"""A server that goes away, by real connections that are cut: what is done again, what is asked, and who waits."""

import threading

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from tests.cutting_proxy import cutting_proxy
from warehouse.server import errors
from warehouse.server.away import once, patience, patiently
from warehouse.server.errors import ServerAway

pytestmark = pytest.mark.django_db(transaction=True)

SHORT = {"first_pause": 0.001, "longest_pause": 0.005}


@pytest.fixture
def proxy():
    with cutting_proxy(connection) as proxy, proxy.between(connection), patience(**SHORT):
        yield proxy


@pytest.fixture
def numbers():
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS numbers")
        cursor.execute("CREATE TABLE numbers (n INT PRIMARY KEY) ENGINE InnoDB")
    yield
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE numbers")


def ask(sql: str) -> tuple:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()


def insert() -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO numbers VALUES (1)")


def is_there() -> bool:
    return ask("SELECT COUNT(*) FROM numbers") == (1,)


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("refused", [0, 4])
def test_what_may_be_done_twice_is_done_again(proxy, moment, refused):
    cut = proxy.cut(moment, "SELECT 7", refuse=refused)
    assert patiently(lambda: ask("SELECT 7")) == (7,)
    assert cut.happened.is_set()
    assert proxy.refused == refused


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("refused", [0, 4])
def test_a_change_whose_answer_is_lost_is_made_once(numbers, proxy, moment, refused):
    cut = proxy.cut(moment, "INSERT", refuse=refused)
    once(insert, is_there)
    assert cut.happened.is_set()
    assert is_there()


def test_a_change_that_the_server_makes_after_it_was_asked_for_is_found(numbers, proxy):
    """The statement lay in the server's queue while the next connection asked: it is refused the second time, since it
    is there by then."""
    asked = []

    def was_made() -> bool:
        asked.append(is_there())
        if len(asked) == 1:
            assert asked == [True]
            return False  # as if asked a moment earlier
        return asked[-1]

    proxy.cut("after", "INSERT")
    once(insert, was_made)
    assert asked == [True, True]


def test_a_refusal_of_a_change_that_was_never_lost_is_raised(numbers):
    insert()
    with pytest.raises(IntegrityError):
        once(insert, lambda: pytest.fail("it is sure"))


def test_a_server_that_stays_away_is_told_in_words_and_is_an_error_of_the_server(proxy):
    connection.close()
    proxy.refuse(threading.Event())
    with patience(seconds=0.05), pytest.raises(ServerAway, match=r"The database server \(.*\) is away: ") as raised:
        patiently(lambda: ask("SELECT 1"))
    assert errors.is_away(raised.value)
    assert errors.server() in str(raised.value)
    assert proxy.refused > 2


def test_who_says_stop_ends_the_waiting(proxy):
    connection.close()
    proxy.refuse(threading.Event())
    stop = threading.Event()
    tries = []

    def work():
        tries.append(1)
        if len(tries) == 3:
            stop.set()
        ask("SELECT 1")

    with patience(stop=stop, seconds=3600), pytest.raises(ServerAway, match="until it was said to stop") as raised:
        patiently(work)
    assert raised.value.is_stopped
    assert len(tries) == 3


def test_inside_a_transaction_nothing_is_done_again_by_itself(numbers, proxy):
    """What was lost is the whole of it: the INSERT too."""
    proxy.cut("before", "SELECT 7")

    def work():
        with transaction.atomic():
            insert()
            patiently(lambda: ask("SELECT 7"))

    with pytest.raises(OperationalError):
        work()
    assert not is_there()
    proxy.cut("before", "SELECT 7")
    patiently(work)
    assert is_there()


def test_a_lock_in_the_way_is_tried_six_times(monkeypatch):
    monkeypatch.setattr("random.uniform", lambda least, most: 0)
    tries = []

    def work():
        tries.append(1)
        raise OperationalError(1213, "Deadlock found")

    with pytest.raises(OperationalError, match="Deadlock"):
        patiently(work)
    assert len(tries) == 6


@pytest.mark.parametrize("number", [1040, 1047, 1203, 1226])
def test_a_server_that_lets_nobody_in_is_away(number):
    assert errors.is_away(OperationalError(number, "not now"))
